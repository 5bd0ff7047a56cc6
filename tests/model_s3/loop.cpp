#include "loop.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "connection.h"

namespace dray::model {

std::int64_t steady_ms() {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

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
