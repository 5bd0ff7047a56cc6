#include "http/connection.h"

#include <curl/curl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <optional>
#include <system_error>

#include "http/conclude.h"
#include "http/talk.h"
#include "http/transfer.h"

namespace dray::http {
namespace {

constexpr std::string_view kTooLate = "not sent: what it rests on was seen too long ago";

using Steady = std::chrono::steady_clock;

// libcurl's own initialisation, once a process; thread-safe since 7.84.
bool curl_ready() {
    static const bool ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    return ready;
}

std::chrono::milliseconds up_to_ms(Nanos duration) {
    return std::chrono::ceil<std::chrono::milliseconds>(duration);
}

constexpr std::array<const char*, 3> kHttpProxies = {"http_proxy", "all_proxy", "ALL_PROXY"};

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

void Counters::socket_opened() {
    opened.fetch_add(1, std::memory_order_relaxed);
    auto now = open.fetch_add(1, std::memory_order_relaxed) + 1;
    auto most = open_most.load(std::memory_order_relaxed);
    while (most < now && !open_most.compare_exchange_weak(most, now, std::memory_order_relaxed)) {
    }
}

struct ResolverCache::Impl {
    CURLSH* share = nullptr;
    std::array<std::mutex, CURL_LOCK_DATA_LAST> mutexes;

    static void lock(CURL*, curl_lock_data data, curl_lock_access, void* self) {
        static_cast<Impl*>(self)->mutexes[data].lock();
    }
    static void unlock(CURL*, curl_lock_data data, void* self) { static_cast<Impl*>(self)->mutexes[data].unlock(); }
};

ResolverCache::ResolverCache() : impl_(std::make_unique<Impl>()) {
    if (!curl_ready()) return;
    impl_->share = curl_share_init();
    if (!impl_->share) return;
    curl_share_setopt(impl_->share, CURLSHOPT_LOCKFUNC, &Impl::lock);
    curl_share_setopt(impl_->share, CURLSHOPT_UNLOCKFUNC, &Impl::unlock);
    curl_share_setopt(impl_->share, CURLSHOPT_USERDATA, impl_.get());
    curl_share_setopt(impl_->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
}

ResolverCache::~ResolverCache() {
    if (impl_->share) curl_share_cleanup(impl_->share);
}

void* ResolverCache::handle() const {
    return impl_->share;
}

std::string_view origin_of(std::string_view url) {
    auto scheme = url.find("://");
    if (scheme == std::string_view::npos) return url;
    const auto ends_host = [](char c) { return c == '/' || c == '?' || c == '#'; };
    const auto end = std::find_if(url.begin() + static_cast<std::ptrdiff_t>(scheme + 3), url.end(), ends_host);
    return url.substr(0, static_cast<std::size_t>(end - url.begin()));
}

bool names_http_proxy() {
    // Upper case HTTP_PROXY is what a CGI request's Proxy header would set: libcurl does not read it.
    return std::any_of(kHttpProxies.begin(), kHttpProxies.end(), [](const char* name) {
        const char* value = std::getenv(name);
        return value && *value != '\0';
    });
}

struct Connection::Impl final : Wire {
    CURL* easy = nullptr;
    CURLM* multi = nullptr;
    Shared* shared = nullptr;
    std::vector<pollfd> polled = {{.fd = -1, .events = POLLIN, .revents = 0}};  // the first is the stop
    std::optional<Steady::time_point> timer;                                    // when libcurl wants to be called
    std::array<char, CURL_ERROR_SIZE> error_words{};
    HeaderList header_list;

    // The connection that is open for our own HTTP.
    std::string origin;  // "http://host:port"; empty: there is none
    curl_socket_t socket = CURL_SOCKET_BAD;
    bool plain = false;  // no TLS on it
    Steady::time_point idle_since;
    std::string why_broken;
    TalkBuffers buffers;

    ~Impl() override;
    void set_up();
    void verify_tls();
    void talk_once(const Context& ctx, const Request& request, bool fresh, Transfer& transfer);
    bool connect(const Context& ctx, const Request& request, Transfer& transfer);
    bool is_open_to(std::string_view wanted);
    void close();
    void exchange_by_libcurl(const Context& ctx, const Request& request, Transfer& transfer);
    void conclude_curl(CURLcode code, Transfer& transfer);
    Io send(std::string_view bytes, std::size_t& sent) override;
    Io receive(char* buffer, std::size_t bytes, std::size_t& received) override;
    Io moved(ssize_t result, std::size_t& bytes);
    Io broken_by(CURLcode code);
    int fd() const override { return socket; }
    std::string words() const override { return why_broken; }
    void configure(const Request& request, Transfer& transfer);
    void configure_body(const Request& request, Transfer& transfer);
    CURLcode run(const Context& ctx, Transfer& transfer);
    void wait(const Context& ctx, const Transfer& transfer);
    void act();
    std::optional<CURLcode> result();
    std::uint64_t uploaded() const;

    static int on_socket(CURL*, curl_socket_t fd, int what, void* self, void*);
    static int on_timer(CURLM*, long milliseconds, void* self);
    static curl_socket_t open_socket(void* self, curlsocktype, curl_sockaddr* address);
    static int close_socket(void* self, curl_socket_t fd);
};

Connection::Impl::~Impl() {
    close();
    // The connection lives in the multi handle and is closed through the easy handle's callbacks: multi first.
    if (multi) curl_multi_cleanup(multi);
    if (easy) curl_easy_cleanup(easy);
}

int Connection::Impl::on_socket(CURL*, curl_socket_t fd, int what, void* self, void*) {
    auto& polled = static_cast<Impl*>(self)->polled;
    auto known = std::find_if(polled.begin() + 1, polled.end(), [&](const pollfd& p) { return p.fd == fd; });
    if (what == CURL_POLL_REMOVE) {
        if (known != polled.end()) polled.erase(known);
        return 0;
    }
    short events = static_cast<short>((what & CURL_POLL_IN ? POLLIN : 0) | (what & CURL_POLL_OUT ? POLLOUT : 0));
    if (known == polled.end()) {
        polled.push_back({.fd = fd, .events = events, .revents = 0});
    } else {
        known->events = events;
    }
    return 0;
}

int Connection::Impl::on_timer(CURLM*, long milliseconds, void* self) {
    auto& timer = static_cast<Impl*>(self)->timer;
    if (milliseconds < 0) {
        timer.reset();
    } else {
        timer = Steady::now() + std::chrono::milliseconds(milliseconds);
    }
    return 0;
}

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
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, &Impl::on_socket);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, &Impl::on_timer);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, this);
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, 1L);
    curl_multi_setopt(multi, CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_NOTHING));

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

std::optional<CURLcode> Connection::Impl::result() {
    int left = 0;
    while (CURLMsg* message = curl_multi_info_read(multi, &left)) {
        if (message->msg == CURLMSG_DONE) return message->data.result;
    }
    return std::nullopt;
}

std::uint64_t Connection::Impl::uploaded() const {
    curl_off_t bytes = 0;
    curl_easy_getinfo(easy, CURLINFO_SIZE_UPLOAD_T, &bytes);
    return static_cast<std::uint64_t>(bytes);
}

// Sleeps until a socket is ready or something is due. The stop's descriptor ends the sleep too.
void Connection::Impl::wait(const Context& ctx, const Transfer& transfer) {
    auto now = Steady::now();
    Nanos sleep = std::chrono::hours(1);
    if (timer) sleep = std::min<Nanos>(sleep, *timer - now);
    if (auto limit = transfer.next_limit()) sleep = std::min<Nanos>(sleep, *limit - now);
    if (auto deadline = ctx.deadline()) sleep = std::min<Nanos>(sleep, *deadline - ctx.clock().steady());

    polled[0].fd = ctx.stop() ? ctx.stop()->fd() : -1;
    int ready =
        ::poll(polled.data(), polled.size(), static_cast<int>(std::max<std::int64_t>(0, up_to_ms(sleep).count())));
    if (ready <= 0) {
        for (pollfd& p : polled)
            p.revents = 0;
    }
}

// Lets libcurl work on what is ready and due.
void Connection::Impl::act() {
    int running = 0;
    // on_socket changes `polled` meanwhile: one ready descriptor at a time, found anew.
    for (std::size_t i = 1; i < polled.size(); ++i) {
        if (polled[i].revents == 0) continue;
        int fd = polled[i].fd;
        int events = (polled[i].revents & (POLLIN | POLLHUP) ? CURL_CSELECT_IN : 0) |
                     (polled[i].revents & POLLOUT ? CURL_CSELECT_OUT : 0) |
                     (polled[i].revents & (POLLERR | POLLNVAL) ? CURL_CSELECT_ERR : 0);
        polled[i].revents = 0;
        curl_multi_socket_action(multi, fd, events, &running);
        i = 0;
    }
    if (timer && *timer <= Steady::now()) {
        timer.reset();
        curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
    }
}

CURLcode Connection::Impl::run(const Context& ctx, Transfer& transfer) {
    if (curl_multi_add_handle(multi, easy) != CURLM_OK) {
        transfer.end(Fault::local, "libcurl took no further transfer");
        return CURLE_FAILED_INIT;
    }
    std::optional<CURLcode> code;
    while (!code) {
        act();
        if ((code = result())) break;
        transfer.look(uploaded());
        if (ctx.stopped()) {
            transfer.end(Fault::stopped, "asked to stop");
        } else if (auto deadline = ctx.deadline(); deadline && ctx.clock().steady() >= *deadline) {
            transfer.end(Fault::deadline, "the time given for it is over");
        }
        if (transfer.ended()) break;
        wait(ctx, transfer);
    }
    return code.value_or(CURLE_ABORTED_BY_CALLBACK);
}

Connection::Connection(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Connection::~Connection() = default;

Result<std::unique_ptr<Connection>> Connection::make(Shared& shared) {
    auto impl = std::make_unique<Impl>();
    if (curl_ready()) {
        impl->easy = curl_easy_init();
        impl->multi = curl_multi_init();
    }
    if (!impl->easy || !impl->multi) {
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
    conclude_curl(run(ctx, transfer), transfer);
    curl_multi_remove_handle(multi, easy);  // closes the connection of what is not complete
}

void Connection::Impl::conclude_curl(CURLcode code, Transfer& transfer) {
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
    const CURLcode code = run(ctx, transfer);
    if (code == CURLE_OK && !transfer.ended()) {
        origin = to;
        plain = to.starts_with("http:");
        curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &socket);
        return true;
    }
    conclude_curl(code, transfer);
    curl_multi_remove_handle(multi, easy);
    return false;
}

void Connection::Impl::close() {
    if (origin.empty()) return;
    origin.clear();
    curl_multi_remove_handle(multi, easy);  // closes what was made with CURLOPT_CONNECT_ONLY
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
