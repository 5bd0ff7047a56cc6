// One connection of a Loop: what has come, what is to be sent, what is waited for.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <memory>
#include <string>

#include "body.h"
#include "chunks.h"
#include "loop.h"

namespace dray::model {

std::int64_t steady_ms();

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

}  // namespace dray::model
