#include "loop.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace dray::model {
namespace {

constexpr std::size_t kMaxHead = 1 << 20;
constexpr std::uint64_t kMaxBody = 6ULL << 30;
constexpr std::size_t kSmallBody = 32 * 1024;  // copied behind the head and sent with it
constexpr std::int64_t kLingerMs = 1000;

std::int64_t steady_ms() {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

// Takes a Transfer-Encoding: chunked body apart as it comes.
class ChunkDecoder {
public:
    enum class State { more, done, bad };
    std::string decoded;

    // Consumes what it can from the front of `in`.
    State feed(std::string& in) {
        std::size_t at = 0;
        State state = State::more;
        while (state == State::more && step(in, at, state)) {
        }
        in.erase(0, at);
        return state;
    }

private:
    bool step(const std::string& in, std::size_t& at, State& state) {
        if (left_ > 0) {
            const std::size_t n = std::min<std::size_t>(left_, in.size() - at);
            decoded.append(in, at, n);
            at += n;
            left_ -= n;
            if (left_ > 0) return false;
            after_data_ = true;
        }
        const std::size_t end = in.find("\r\n", at);
        if (end == std::string::npos) return false;
        const std::string line = in.substr(at, end - at);
        at = end + 2;
        if (after_data_) {
            after_data_ = false;
            if (!line.empty()) state = State::bad;
        } else if (in_trailer_) {
            if (line.empty()) state = State::done;
        } else {
            char* stop = nullptr;
            left_ = std::strtoull(line.c_str(), &stop, 16);
            if (stop == line.c_str() || (*stop != '\0' && *stop != ';' && *stop != ' ')) state = State::bad;
            in_trailer_ = left_ == 0;
        }
        return true;
    }

    std::uint64_t left_ = 0;
    bool after_data_ = false, in_trailer_ = false;
};

}  // namespace

struct Connection {
    enum class State { head, body, busy, write, linger, dead };

    std::uint64_t id = 0;
    int fd = -1;
    SSL* ssl = nullptr;
    State state = State::head;
    bool readable = true;  // there may be bytes to receive
    std::string in;        // received, not yet used
    Exchange exchange;
    std::uint64_t served = 0;

    // The body being received.
    std::shared_ptr<char[]> body;
    std::uint64_t body_size = 0, body_have = 0;
    bool chunked = false;
    ChunkDecoder chunks;

    // What is being sent: `out`, then `out_body` up to `limit`.
    std::string out;
    std::size_t out_at = 0;
    Body out_body;
    std::uint64_t body_at = 0;
    std::uint64_t limit = 0;
    bool close_after = false, reset_after = false;
    bool answered_unread = false;  // answered before the request was read

    enum class Timer { none, answer, resume, drip, close };
    Timer timer = Timer::none;
    std::uint64_t timer_sequence = 0;
    std::int64_t drip_until_ms = 0;
};

Loop::Loop(Handler& handler, Traffic& traffic, ssl_ctx_st* tls)
    : handler_(handler),
      traffic_(traffic),
      tls_(tls),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      wake_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (epoll_ < 0 || wake_ < 0) std::abort();
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = &wake_;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event);
    scratch_.resize(64 * 1024);
}

Loop::~Loop() {
    for (auto& [id, c] : connections_) {
        if (c->ssl) SSL_free(c->ssl);
        close(c->fd);
    }
    close(wake_);
    close(epoll_);
}

void Loop::listen(int listener, std::vector<Loop*> peers) {
    listener_ = listener;
    peers_ = std::move(peers);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = &listener_;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, listener, &event);
}

void Loop::run() {
    epoll_event events[256];
    while (!stopping_) {
        const int n = epoll_wait(epoll_, events, 256, wait_ms());
        for (int i = 0; i < n; ++i) {
            if (events[i].data.ptr == &wake_) {
                run_posted();
            } else if (events[i].data.ptr == &listener_) {
                accept_all();
            } else {
                auto& c = *static_cast<Connection*>(events[i].data.ptr);
                if (c.state == Connection::State::dead) continue;
                if ((events[i].events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) c.readable = true;
                const bool gone = (events[i].events & (EPOLLHUP | EPOLLERR)) != 0;
                const bool left_us = (events[i].events & EPOLLRDHUP) != 0 && c.state == Connection::State::busy;
                if (gone || left_us) {
                    end(c, false);
                } else {
                    drive(c);
                }
            }
        }
        run_timers();
        dead_.clear();
    }
}

void Loop::stop() {
    post([this] { stopping_ = true; });
}

void Loop::post(std::function<void()> job) {
    {
        const std::scoped_lock lock(posted_mutex_);
        posted_.push_back(std::move(job));
    }
    const std::uint64_t one = 1;
    if (write(wake_, &one, sizeof one) != sizeof one) std::abort();
}

void Loop::close_idle() {
    post([this] {
        std::vector<Connection*> idle;
        for (auto& [id, c] : connections_)
            if (c->state == Connection::State::head && c->in.empty() && c->served > 0) idle.push_back(c.get());
        for (Connection* c : idle)
            end(*c, false);
    });
}

void Loop::run_posted() {
    std::uint64_t count = 0;
    while (read(wake_, &count, sizeof count) > 0) {
    }
    std::vector<std::function<void()>> jobs;
    {
        const std::scoped_lock lock(posted_mutex_);
        jobs.swap(posted_);
    }
    for (auto& job : jobs)
        job();
}

void Loop::accept_all() {
    while (true) {
        const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) return;
        Loop* peer = peers_[next_peer_++ % peers_.size()];
        if (peer == this) {
            adopt(fd);
        } else {
            peer->post([peer, fd] { peer->adopt(fd); });
        }
    }
}

void Loop::adopt(int fd) {
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    auto made = std::make_unique<Connection>();
    Connection& c = *made;
    c.fd = fd;
    c.id = ++traffic_.connections;
    const std::uint64_t open = ++traffic_.open;
    std::uint64_t most = traffic_.max_open;
    while (open > most && !traffic_.max_open.compare_exchange_weak(most, open)) {
    }
    if (tls_) {
        c.ssl = SSL_new(tls_);
        SSL_set_fd(c.ssl, fd);
        SSL_set_accept_state(c.ssl);
    }
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    event.data.ptr = &c;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
    connections_.emplace(c.id, std::move(made));
    drive(c);
}

int Loop::wait_ms() const {
    if (timers_.empty()) return -1;
    return static_cast<int>(std::clamp<std::int64_t>(timers_.top().at_ms - steady_ms(), 0, 60'000));
}

void Loop::set_timer(Connection& c, std::int64_t ms) {
    c.timer_sequence = ++timer_sequence_;
    timers_.push({steady_ms() + ms, c.id, c.timer_sequence});
}

void Loop::run_timers() {
    if (timers_.empty()) return;
    const std::int64_t now = steady_ms();
    while (!timers_.empty() && timers_.top().at_ms <= now) {
        const Timer timer = timers_.top();
        timers_.pop();
        const auto at = connections_.find(timer.connection);
        if (at != connections_.end() && at->second->timer_sequence == timer.sequence) on_timer(*at->second);
    }
}

void Loop::on_timer(Connection& c) {
    const auto what = std::exchange(c.timer, Connection::Timer::none);
    const Answer& answer = c.exchange.answer;
    switch (what) {
        case Connection::Timer::none: return;
        case Connection::Timer::answer: start_answer(c); break;
        case Connection::Timer::resume:
            c.limit = answer.trickle_bytes > 0 ? c.limit + static_cast<std::uint64_t>(answer.trickle_bytes) : ~0ULL;
            break;
        case Connection::Timer::drip:
            if (steady_ms() < c.drip_until_ms) {
                c.out += "1\r\n \r\n";
            } else if (c.exchange.fate == Exchange::Fate::close) {
                return end(c, answer.reset);
            } else {
                const std::size_t skip = answer.text.starts_with("<?xml") ? answer.text.find('\n') + 1 : 0;
                char size[24];
                std::snprintf(size, sizeof size, "%zx\r\n", answer.text.size() - skip);
                if (answer.text.size() > skip) c.out.append(size).append(answer.text, skip).append("\r\n");
                c.out += "0\r\n\r\n";
                c.drip_until_ms = 0;
            }
            break;
        case Connection::Timer::close: return end(c, false);
    }
    drive(c);
}

void Loop::drive(Connection& c) {
    bool go_on = true;
    while (go_on) {
        switch (c.state) {
            case Connection::State::head: go_on = read_head(c); break;
            case Connection::State::body: go_on = read_body(c); break;
            case Connection::State::write: go_on = write_some(c); break;
            case Connection::State::linger:
                c.in.clear();
                go_on = read_some(c);
                break;
            case Connection::State::busy:
            case Connection::State::dead: return;
        }
    }
}

std::int64_t Loop::receive(Connection& c, char* to, std::size_t size) {
    if (!c.readable && !c.ssl) return -1;
    std::int64_t n = 0;
    if (c.ssl) {
        ERR_clear_error();
        n = SSL_read(c.ssl, to, static_cast<int>(std::min<std::size_t>(size, 1 << 30)));
        if (n <= 0) {
            const int error = SSL_get_error(c.ssl, static_cast<int>(n));
            if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return -1;
            return 0;
        }
    } else {
        n = recv(c.fd, to, size, 0);
        if (n < 0) {
            c.readable = false;
            return errno == EAGAIN || errno == EWOULDBLOCK ? -1 : 0;
        }
        // Edge-triggered: a short read has emptied the socket, and the next byte makes an event.
        if (static_cast<std::size_t>(n) < size && n > 0) c.readable = false;
    }
    traffic_.bytes_in.fetch_add(static_cast<std::uint64_t>(n), std::memory_order_relaxed);
    return n;
}

std::int64_t Loop::transmit(Connection& c, const char* from, std::size_t size) {
    std::int64_t n = 0;
    if (c.ssl) {
        ERR_clear_error();
        n = SSL_write(c.ssl, from, static_cast<int>(std::min<std::size_t>(size, 1 << 20)));
        if (n <= 0) {
            const int error = SSL_get_error(c.ssl, static_cast<int>(n));
            if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return -1;
            return 0;
        }
    } else {
        n = send(c.fd, from, size, MSG_NOSIGNAL);
        if (n < 0) return errno == EAGAIN || errno == EWOULDBLOCK ? -1 : 0;
    }
    traffic_.bytes_out.fetch_add(static_cast<std::uint64_t>(n), std::memory_order_relaxed);
    return n;
}

bool Loop::read_some(Connection& c) {
    const std::int64_t n = receive(c, scratch_.data(), scratch_.size());
    if (n == 0) end(c, false);
    if (n <= 0) return false;
    c.in.append(scratch_.data(), static_cast<std::size_t>(n));
    return true;
}

bool Loop::read_head(Connection& c) {
    while (c.in.starts_with("\r\n"))
        c.in.erase(0, 2);
    const std::size_t end_of_head = c.in.find("\r\n\r\n");
    if (end_of_head == std::string::npos) {
        if (c.in.size() > kMaxHead) {
            refuse(c, 400, "head too large");
            return true;
        }
        return read_some(c);
    }
    Exchange& x = c.exchange;
    x.request.head.assign(c.in, 0, end_of_head);
    c.in.erase(0, end_of_head + 4);
    x.request.body = {};
    x.request.trailer_checksum.clear();
    x.request.tls = c.ssl != nullptr;
    x.answer = {};
    x.op = Op::unknown;
    x.fault = nullptr;
    x.connection = c.id;
    x.fate = Exchange::Fate::answer;
    x.read_limit = -1;
    if (!parse_head(x.request)) {
        refuse(c, 400, "not an HTTP request");
        return true;
    }
    return begin_body(c);
}

bool Loop::begin_body(Connection& c) {
    Request& request = c.exchange.request;
    c.body_size = c.body_have = 0;
    c.body.reset();
    c.chunked = equals_nocase(request.header("transfer-encoding"), "chunked");
    const std::string_view length = request.header("content-length");
    if (!c.chunked && !length.empty() && (!parse_number(length, c.body_size) || c.body_size > kMaxBody)) {
        refuse(c, 400, "bad Content-Length");
        return true;
    }
    if (!handler_.on_head(c.exchange)) {
        c.answered_unread = true;
        settle(c);
        return true;
    }
    if (!c.chunked && c.body_size == 0) {
        finish_request(c);
        return true;
    }
    if (equals_nocase(request.header("expect"), "100-continue")) {
        // So short that the socket's buffer always takes it.
        static constexpr char kContinue[] = "HTTP/1.1 100 Continue\r\n\r\n";
        transmit(c, kContinue, sizeof kContinue - 1);
    }
    if (c.chunked) {
        c.chunks = {};
    } else {
        c.body = std::shared_ptr<char[]>(new char[c.body_size]);
        c.body_have = std::min<std::uint64_t>(c.in.size(), c.body_size);
        std::memcpy(c.body.get(), c.in.data(), c.body_have);
        c.in.erase(0, c.body_have);
    }
    c.state = Connection::State::body;
    return true;
}

bool Loop::read_body(Connection& c) {
    Exchange& x = c.exchange;
    const std::uint64_t have = c.chunked ? c.chunks.decoded.size() : c.body_have;
    if (x.read_limit >= 0 && have >= static_cast<std::uint64_t>(x.read_limit)) {
        end(c, x.answer.reset);
        return false;
    }
    if (c.chunked) {
        switch (c.chunks.feed(c.in)) {
            case ChunkDecoder::State::more: return read_some(c);
            case ChunkDecoder::State::bad: refuse(c, 400, "bad chunk"); return true;
            case ChunkDecoder::State::done: x.request.body = Body(c.chunks.decoded); break;
        }
    } else if (c.body_have < c.body_size) {
        const std::int64_t n = receive(c, c.body.get() + c.body_have, c.body_size - c.body_have);
        if (n == 0) end(c, false);
        if (n <= 0) return false;
        c.body_have += static_cast<std::uint64_t>(n);
        return true;
    } else {
        x.request.body = Body::adopt(std::move(c.body), c.body_size);
    }
    finish_request(c);
    return true;
}

void Loop::finish_request(Connection& c) {
    handler_.on_request(c.exchange, verifier_);
    settle(c);
}

// The handler has spoken: answer now, later, or not at all.
void Loop::settle(Connection& c) {
    Exchange& x = c.exchange;
    const bool drips = x.answer.drip_ms > 0;
    if (x.fate == Exchange::Fate::close && !drips) return end(c, x.answer.reset);
    c.state = Connection::State::busy;
    if (x.fate == Exchange::Fate::stall) return;
    if (x.answer.delay_ms <= 0) return start_answer(c);
    c.timer = Connection::Timer::answer;
    set_timer(c, x.answer.delay_ms);
}

void Loop::start_answer(Connection& c) {
    const Exchange& x = c.exchange;
    const Answer& answer = x.answer;
    c.state = Connection::State::write;
    c.out.clear();
    c.out_at = 0;
    c.out_body = {};
    c.body_at = 0;
    c.limit = ~0ULL;
    c.reset_after = answer.reset;
    c.close_after = answer.close || answer.unframed || c.answered_unread || !answer.raw.empty() || x.request.http10 ||
                    equals_nocase(x.request.header("connection"), "close");
    if (!answer.raw.empty()) {
        c.out = answer.raw;
        return;
    }
    if (answer.drip_ms > 0) {
        write_head(c, true);
        c.out += "27\r\n<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\r\n";
        c.drip_until_ms = steady_ms() + answer.drip_ms;
        return;
    }
    write_head(c, false);
    if (answer.no_body) return;
    if (answer.cut_after >= 0) c.limit = static_cast<std::uint64_t>(answer.cut_after);
    if (answer.pause_after >= 0) c.limit = static_cast<std::uint64_t>(answer.pause_after);
    if (answer.trickle_bytes > 0) c.limit = static_cast<std::uint64_t>(answer.trickle_bytes);
    const bool whole = c.limit == ~0ULL;
    if (answer.object) {
        const std::string_view run = answer.body.run_at(0);
        if (whole && answer.body.size() <= kSmallBody && run.size() == answer.body.size()) {
            c.out += run;
        } else {
            c.out_body = answer.body;
        }
    } else if (whole) {
        c.out += answer.text;
    } else {
        c.out_body = Body(answer.text);
    }
}

void Loop::write_head(Connection& c, bool chunked) {
    const Answer& answer = c.exchange.answer;
    const std::int64_t now = handler_.now_us();
    if (now / 1'000'000 != date_second_) {
        date_second_ = now / 1'000'000;
        date_ = http_date(now);
    }
    char text[160];
    int n = std::snprintf(text, sizeof text, "HTTP/1.1 %d ", answer.status);
    c.out.append(text, static_cast<std::size_t>(n)).append(reason_phrase(answer.status)).append("\r\n");
    const auto id = static_cast<unsigned long long>(traffic_.request_ids.fetch_add(1, std::memory_order_relaxed));
    n = std::snprintf(text, sizeof text,
                      "x-amz-request-id: MODEL%011llX\r\nx-amz-id-2: model/%llx\r\nserver: ModelS3\r\n", id, id);
    c.out.append(text, static_cast<std::size_t>(n));
    if (answer.get("date").empty()) c.out.append("date: ").append(date_).append("\r\n");
    if (chunked) {
        c.out += "transfer-encoding: chunked\r\n";
    } else if (!answer.unframed && answer.status != 204 && answer.status != 304 &&
               answer.get("content-length").empty()) {
        n = std::snprintf(text, sizeof text, "content-length: %llu\r\n",
                          static_cast<unsigned long long>(answer.length()));
        c.out.append(text, static_cast<std::size_t>(n));
    }
    if (c.close_after) c.out += "connection: close\r\n";
    c.out.append(answer.headers).append("\r\n");
}

bool Loop::write_some(Connection& c) {
    while (c.out_at < c.out.size()) {
        const std::int64_t n = transmit(c, c.out.data() + c.out_at, c.out.size() - c.out_at);
        if (n == 0) end(c, false);
        if (n <= 0) return false;
        c.out_at += static_cast<std::size_t>(n);
    }
    c.out.clear();
    c.out_at = 0;
    if (c.drip_until_ms > 0) {
        c.state = Connection::State::write;
        if (c.timer == Connection::Timer::none) {
            c.timer = Connection::Timer::drip;
            set_timer(c, std::clamp<std::int64_t>(c.exchange.answer.drip_ms / 10, 1, 1000));
        }
        return false;
    }
    const std::uint64_t target = std::min(c.out_body.size(), c.limit);
    while (c.body_at < target) {
        std::string_view run = c.out_body.run_at(c.body_at).substr(0, target - c.body_at);
        if (run.empty()) {
            const std::uint64_t size = std::min<std::uint64_t>(scratch_.size(), target - c.body_at);
            c.out_body.read(c.body_at, size, scratch_.data());
            run = std::string_view(scratch_.data(), size);
        }
        const std::int64_t n = transmit(c, run.data(), run.size());
        if (n == 0) end(c, false);
        if (n <= 0) return false;
        c.body_at += static_cast<std::uint64_t>(n);
    }
    if (c.body_at < c.out_body.size() || (c.exchange.answer.cut_after >= 0 && c.limit != ~0ULL)) return at_limit(c);
    next_request(c);
    return c.state == Connection::State::head || c.state == Connection::State::linger;
}

// All that may be sent now was sent: wait, or cut the connection.
bool Loop::at_limit(Connection& c) {
    const Answer& answer = c.exchange.answer;
    if (answer.cut_after >= 0) {
        end(c, answer.reset);
        return false;
    }
    if (c.timer != Connection::Timer::none) return false;
    c.timer = Connection::Timer::resume;
    set_timer(c, answer.trickle_bytes > 0 ? answer.trickle_ms : answer.pause_ms);
    return false;
}

void Loop::next_request(Connection& c) {
    ++c.served;
    c.out_body = {};
    c.exchange.request.body = {};
    c.exchange.answer.body = {};
    if (c.reset_after) return end(c, true);
    if (c.close_after) return linger(c);
    c.state = Connection::State::head;
}

// Closing with unread bytes would send RST, and the client could lose the answer: say that we are done, read on.
void Loop::linger(Connection& c) {
    if (c.ssl) SSL_shutdown(c.ssl);
    shutdown(c.fd, SHUT_WR);
    c.state = Connection::State::linger;
    c.timer = Connection::Timer::close;
    set_timer(c, kLingerMs);
}

void Loop::refuse(Connection& c, int status, const char* message) {
    c.exchange.answer = {};
    c.exchange.fault = nullptr;
    fail(c.exchange.answer, status, "BadRequest", message);
    c.answered_unread = true;
    c.exchange.fate = Exchange::Fate::answer;
    settle(c);
}

void Loop::end(Connection& c, bool reset) {
    if (c.state == Connection::State::dead) return;
    c.state = Connection::State::dead;
    if (reset) {
        const struct linger now {
            1, 0
        };
        setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    }
    if (c.ssl) SSL_free(c.ssl);
    c.ssl = nullptr;
    close(c.fd);
    --traffic_.open;
    const auto at = connections_.find(c.id);
    dead_.push_back(std::move(at->second));
    connections_.erase(at);
}

}  // namespace dray::model
