// Requests, as they come in.
#include <openssl/err.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "connection.h"
#include "loop.h"

namespace dray::model {
namespace {

constexpr std::size_t kMaxHead = 1 << 20;
constexpr std::uint64_t kMaxBody = 6ULL << 30;

}  // namespace

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

void Loop::refuse(Connection& c, int status, const char* message) {
    c.exchange.answer = {};
    c.exchange.fault = nullptr;
    fail(c.exchange.answer, status, "BadRequest", message);
    c.answered_unread = true;
    c.exchange.fate = Exchange::Fate::answer;
    settle(c);
}

}  // namespace dray::model
