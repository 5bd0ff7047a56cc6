#include "http/connection.h"

#include <curl/curl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>
#include <vector>

#include "http/conclude.h"
#include "http/curl_loop.h"
#include "http/talk.h"
#include "http/transfer.h"

namespace dray::http {
namespace {

constexpr std::string_view kTooLate = "not sent: what it rests on was seen too long ago";

using Steady = std::chrono::steady_clock;

// The headers as libcurl wants them: a list over one buffer of ours, since its own costs two allocations for each.
class HeaderList {
public:
    // Valid until the next call.
    curl_slist* build(const Headers& headers);

private:
    void add(std::string_view name, std::string_view value);
    std::string text_;
    std::vector<std::size_t> begins_;
    std::vector<curl_slist> nodes_;
};

void HeaderList::add(std::string_view name, std::string_view value) {
    begins_.push_back(text_.size());
    text_.append(name);
    // libcurl's spelling of a header without a value; "Name:" would suppress it.
    value.empty() ? text_.append(";") : text_.append(": ").append(value);
    text_.push_back('\0');
}

curl_slist* HeaderList::build(const Headers& headers) {
    text_.clear();
    begins_.clear();
    for (const Header& header : headers)
        add(header.name, header.value);
    auto suppress = [this](std::string_view line) {
        begins_.push_back(text_.size());
        text_.append(line).push_back('\0');
    };
    suppress("Expect:");  // else a body over 1 MiB waits a second for 100-continue
    if (!has(headers, "Content-Type")) suppress("Content-Type:");
    nodes_.resize(begins_.size());
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
        nodes_[i] = {.data = text_.data() + begins_[i], .next = i + 1 < nodes_.size() ? &nodes_[i + 1] : nullptr};
    }
    return nodes_.data();
}

}  // namespace

std::string_view origin_of(std::string_view url) {
    auto scheme = url.find("://");
    if (scheme == std::string_view::npos) return url;
    const auto ends_host = [](char c) { return c == '/' || c == '?' || c == '#'; };
    const auto end = std::find_if(url.begin() + static_cast<std::ptrdiff_t>(scheme + 3), url.end(), ends_host);
    return url.substr(0, static_cast<std::size_t>(end - url.begin()));
}

struct Connection::Impl final : Wire {
    Shared* shared = nullptr;
    std::array<char, CURL_ERROR_SIZE> error_words{};
    HeaderList header_list;

    // The connection that is open for our own HTTP.
    std::string origin;  // "http://host:port"; empty: there is none
    curl_socket_t socket = CURL_SOCKET_BAD;
    bool plain = false;  // no TLS on it
    Steady::time_point idle_since;
    std::string why_broken;
    TalkBuffers buffers;

    CurlLoop curl;  // destroyed before all above: closing calls back
    CURL* const easy = curl.easy();

    ~Impl() override { close(); }
    void set_up();
    void verify_tls();
    void talk_once(const Context& ctx, const Request& request, bool fresh, Transfer& transfer);
    bool connect(const Context& ctx, const Request& request, Transfer& transfer);
    bool is_open_to(std::string_view wanted);
    void close();
    void exchange_by_libcurl(const Context& ctx, const Request& request, Transfer& transfer);
    void conclude_curl(int code, Transfer& transfer);
    Io send(std::string_view bytes, std::size_t& sent) override;
    Io receive(char* buffer, std::size_t bytes, std::size_t& received) override;
    Io moved(ssize_t result, std::size_t& bytes);
    Io broken_by(CURLcode code);
    int fd() const override { return socket; }
    std::string words() const override { return why_broken; }
    void configure(const Request& request, Transfer& transfer);
    void configure_body(const Request& request, Transfer& transfer);

    static curl_socket_t open_socket(void* self, curlsocktype, curl_sockaddr* address);
    static int close_socket(void* self, curl_socket_t fd);
};

curl_socket_t Connection::Impl::open_socket(void* self, curlsocktype, curl_sockaddr* address) {
    int fd = ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (fd < 0) return CURL_SOCKET_BAD;
    static_cast<Impl*>(self)->shared->counters.socket_opened();
    return fd;
}

int Connection::Impl::close_socket(void* self, curl_socket_t fd) {
    static_cast<Impl*>(self)->shared->counters.open.fetch_sub(1, std::memory_order_relaxed);
    return ::close(fd);
}

// What is the same for every request of this connection.
void Connection::Impl::set_up() {
    const ClientOptions& options = shared->options;
    auto set = [this](CURLoption option, auto value) { curl_easy_setopt(easy, option, value); };
    set(CURLOPT_ERRORBUFFER, error_words.data());
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_QUICK_EXIT, 1L);  // a stop does not wait for the system's resolver
    if (shared->resolver.handle()) set(CURLOPT_SHARE, static_cast<CURLSH*>(shared->resolver.handle()));
    set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_PATH_AS_IS, 1L);
    set(CURLOPT_TCP_NODELAY, 1L);
    set(CURLOPT_TCP_KEEPALIVE, 1L);  // a copy may be silent for many minutes; middleboxes forget it sooner
    set(CURLOPT_UPLOAD_BUFFERSIZE, 128L << 10);
    // libcurl compares whole seconds and keeps what is not older: one less is what our limit means.
    set(CURLOPT_MAXAGE_CONN, static_cast<long>(std::max<std::int64_t>(1, options.idle_connection.count() - 1)));
    set(CURLOPT_DNS_SHUFFLE_ADDRESSES, 1L);
    set(CURLOPT_USERAGENT, options.user_agent.c_str());
    set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    verify_tls();
    set(CURLOPT_OPENSOCKETFUNCTION, &Impl::open_socket);
    set(CURLOPT_OPENSOCKETDATA, this);
    set(CURLOPT_CLOSESOCKETFUNCTION, &Impl::close_socket);
    set(CURLOPT_CLOSESOCKETDATA, this);
    set(CURLOPT_HEADERFUNCTION, &Transfer::on_header);
    set(CURLOPT_WRITEFUNCTION, &Transfer::on_body);
    set(CURLOPT_READFUNCTION, &Transfer::on_read);
}

void Connection::Impl::verify_tls() {
    const ClientOptions& options = shared->options;
    if (!options.verify_tls) {
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    } else if (!shared->authorities.use_in(easy) && !options.ca_bundle.empty()) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, options.ca_bundle.c_str());
    }
}

void Connection::Impl::configure(const Request& request, Transfer& transfer) {
    auto set = [this](CURLoption option, auto value) { curl_easy_setopt(easy, option, value); };
    set(CURLOPT_CONNECT_ONLY, 0L);
    set(CURLOPT_PREREQFUNCTION, &Transfer::on_request);
    set(CURLOPT_URL, request.url.c_str());
    configure_body(request, transfer);
    set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
    set(CURLOPT_HTTPHEADER, header_list.build(request.headers));
    // One read of a small answer, few of a big one; beyond 128 KiB malloc would map and fault in fresh pages each time.
    set(CURLOPT_BUFFERSIZE, request.sink ? 120L << 10 : 32L << 10);
    set(CURLOPT_FRESH_CONNECT, request.fresh ? 1L : 0L);
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(std::chrono::milliseconds(request.timeouts.connect).count()));
    set(CURLOPT_PREREQDATA, &transfer);
    set(CURLOPT_HEADERDATA, &transfer);
    set(CURLOPT_WRITEDATA, &transfer);
    set(CURLOPT_READDATA, &transfer);
    error_words[0] = 0;
}

void Connection::Impl::configure_body(const Request& request, Transfer& transfer) {
    auto set = [this](CURLoption option, auto value) { curl_easy_setopt(easy, option, value); };
    bool may_have_body = request.method == "PUT" || request.method == "POST";
    if (request.source) {
        transfer.upload_size = request.source->size();
        set(CURLOPT_UPLOAD, 1L);
        set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(transfer.upload_size));
    } else if (may_have_body || !request.body.empty()) {
        transfer.upload_size = request.body.size();
        set(CURLOPT_POST, 1L);  // headers and a small body leave in one packet
        set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
        set(CURLOPT_POSTFIELDS, request.body.empty() ? "" : request.body.data());
    } else if (request.method == "HEAD") {
        set(CURLOPT_NOBODY, 1L);
    } else {
        set(CURLOPT_HTTPGET, 1L);
    }
}

Connection::Connection(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Connection::~Connection() = default;

Result<std::unique_ptr<Connection>> Connection::make(Shared& shared) {
    auto impl = std::make_unique<Impl>();
    if (!impl->curl.ready()) {
        return Error{.code = Code::local, .message = std::string("libcurl gives no handle: ") + std::strerror(errno)};
    }
    impl->shared = &shared;
    impl->set_up();
    return std::unique_ptr<Connection>(new Connection(std::move(impl)));
}

// --- HTTP by libcurl ---

void Connection::Impl::exchange_by_libcurl(const Context& ctx, const Request& request, Transfer& transfer) {
    close();
    configure(request, transfer);
    conclude_curl(curl.run(ctx, transfer), transfer);
    curl.forget();  // closes the connection of what is not complete
}

void Connection::Impl::conclude_curl(int code, Transfer& transfer) {
    conclude(easy, code, error_words.data(), transfer);
    if (code != CURLE_SSL_CACERT_BADFILE) return;
    if (auto problem = shared->authorities.problem(); !problem.empty()) transfer.exchange.detail = problem;
}

// --- our own HTTP over what libcurl has opened ---

void Connection::Impl::talk_once(const Context& ctx, const Request& request, bool fresh, Transfer& transfer) {
    const bool reused = !fresh && is_open_to(origin_of(request.url));
    if (!reused && !connect(ctx, request, transfer)) return;
    if (ctx.too_late_to_send()) return transfer.end(Fault::late, kTooLate);
    error_words[0] = 0;
    const bool keep = talk(ctx, *this, request, reused, shared->options.user_agent, transfer, buffers);
    keep ? void(idle_since = Steady::now()) : close();
}

// Whether a request may go out on the connection that is there: to this host, not idle for too long, and not closed by
// the server meanwhile. Bytes that nobody asked for count as closed.
bool Connection::Impl::is_open_to(std::string_view wanted) {
    if (origin.empty() || origin != wanted) return false;
    if (Steady::now() - idle_since >= shared->options.idle_connection) return false;
    pollfd looked{.fd = socket, .events = POLLIN, .revents = 0};
    if (::poll(&looked, 1, 0) == 0) return true;
    char byte;
    std::size_t received = 0;
    return receive(&byte, 1, received) == Io::later;  // TLS had something to say, HTTP had not
}

bool Connection::Impl::connect(const Context& ctx, const Request& request, Transfer& transfer) {
    close();
    const std::string to(origin_of(request.url));
    auto set = [this](CURLoption option, auto value) { curl_easy_setopt(easy, option, value); };
    set(CURLOPT_CONNECT_ONLY, 1L);
    set(CURLOPT_PREREQFUNCTION, static_cast<curl_prereq_callback>(nullptr));
    set(CURLOPT_HTTPGET, 1L);
    set(CURLOPT_URL, to.c_str());
    set(CURLOPT_FRESH_CONNECT, 1L);
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(std::chrono::milliseconds(request.timeouts.connect).count()));
    set(CURLOPT_HEADERDATA, &transfer);  // a proxy's answer to CONNECT
    error_words[0] = 0;
    const int code = curl.run(ctx, transfer);
    if (code == CURLE_OK && !transfer.ended()) {
        origin = to;
        plain = to.starts_with("http:");
        curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &socket);
        return true;
    }
    conclude_curl(code, transfer);
    curl.forget();
    return false;
}

void Connection::Impl::close() {
    if (origin.empty()) return;
    origin.clear();
    curl.forget();  // closes what was made with CURLOPT_CONNECT_ONLY
}

// Without TLS the socket is spoken to as it is: libcurl looks its connection up in a table for each call.
Wire::Io Connection::Impl::moved(ssize_t result, std::size_t& bytes) {
    if (result >= 0) {
        bytes = static_cast<std::size_t>(result);
        return Io::moved;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return Io::later;
    why_broken = std::generic_category().message(errno);
    return Io::broken;
}

Wire::Io Connection::Impl::broken_by(CURLcode code) {
    why_broken = error_words[0] != '\0' ? error_words.data() : curl_easy_strerror(code);
    return Io::broken;
}

Wire::Io Connection::Impl::send(std::string_view bytes, std::size_t& sent) {
    if (plain) return moved(::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL), sent);
    const CURLcode code = curl_easy_send(easy, bytes.data(), bytes.size(), &sent);
    if (code == CURLE_OK) return Io::moved;
    return code == CURLE_AGAIN ? Io::later : broken_by(code);
}

Wire::Io Connection::Impl::receive(char* buffer, std::size_t bytes, std::size_t& received) {
    if (plain) {
        const Io io = moved(::recv(socket, buffer, bytes, 0), received);
        return io == Io::moved && received == 0 ? Io::closed : io;
    }
    const CURLcode code = curl_easy_recv(easy, buffer, bytes, &received);
    if (code == CURLE_OK) return received == 0 ? Io::closed : Io::moved;
    return code == CURLE_AGAIN ? Io::later : broken_by(code);
}

Exchange Connection::send(const Context& ctx, const Request& request) {
    impl_->shared->counters.requests.fetch_add(1, std::memory_order_relaxed);
    if (auto why = why_unsendable(request); !why.empty()) return {.fault = Fault::unsendable, .detail = std::move(why)};
    if (impl_->shared->http_proxy && request.url.starts_with("http:")) {
        Transfer transfer(request);
        if (ctx.too_late_to_send()) return {.fault = Fault::late, .detail = std::string(kTooLate)};
        impl_->exchange_by_libcurl(ctx, request, transfer);
        return std::move(transfer.exchange);
    }
    for (bool fresh = request.fresh;; fresh = true) {
        Transfer transfer(request);
        impl_->talk_once(ctx, request, fresh, transfer);
        const bool again = transfer.exchange.fault == Fault::dead_connection && !request.changes && !request.source;
        if (!again) return std::move(transfer.exchange);
    }
}

}  // namespace dray::http
