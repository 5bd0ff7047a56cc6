// Answers, as they go out: now, later, in part, or not at all.
#include <openssl/err.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "connection.h"
#include "loop.h"

namespace dray::model {
namespace {

constexpr std::size_t kSmallBody = 32 * 1024;  // copied behind the head and sent with it
constexpr std::int64_t kLingerMs = 1000;

}  // namespace

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

}  // namespace dray::model
