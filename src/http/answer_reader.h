// AnswerReader: takes the bytes of one HTTP/1.1 answer as they come, and hands its headers and its body to the
// Transfer.
//
// RFC 9112, strict wherever leniency could take bytes for what they are not: an answer whose end cannot be told with
// certainty is malformed, or leaves a connection that carries no further request.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "http/transfer.h"

namespace dray::http {

class AnswerReader {
public:
    // `transfer` is borrowed. `to_head`: the answer to HEAD, which has no body whatever its headers say.
    AnswerReader(Transfer& transfer, bool to_head) : transfer_(transfer), to_head_(to_head) {}

    // Returns how many of `bytes` belong to this answer; fewer than all only when it is complete or has ended.
    std::size_t take(std::string_view bytes);
    // No further byte comes: completes a body that only this ends, else ends the transfer.
    void closed();
    bool complete() const { return state_ == State::complete; }
    // Whether the answer lets another request follow on its connection.
    bool keeps_connection() const { return complete() && keeps_; }

private:
    enum class State : std::uint8_t {
        headers,
        counted,     // a body of left_ more bytes
        chunk_size,  // a line
        chunk,       // left_ more bytes
        chunk_end,   // an empty line
        trailers,    // lines up to an empty one; nobody needs them
        until_close,
        complete,
    };
    void take_line(std::string_view& bytes);
    void take_body(std::string_view& bytes);
    void on_line(std::string_view line);
    void on_header_line(std::string_view line);
    void begin_body();
    void begin_chunk(std::string_view line);
    void malformed(std::string_view why) { transfer_.end(Fault::malformed, why); }

    Transfer& transfer_;
    const bool to_head_;
    State state_ = State::headers;
    bool in_head_ = false;  // a status line came, and its headers are not over
    bool keeps_ = true;
    std::string line_;        // the begin of a line whose end has not come
    std::uint64_t left_ = 0;  // bytes
    std::size_t trailer_bytes_ = 0;
};

}  // namespace dray::http
