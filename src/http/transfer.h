// One request under way: what libcurl's callbacks fill, and the limits on its silence.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

#include "http/http.h"

namespace dray::http {

class Transfer {
public:
    explicit Transfer(const Request& request);

    Exchange exchange;
    std::uint64_t upload_size = 0;  // bytes

    // The first reason that ends it holds.
    void end(Fault fault, std::string_view detail);
    bool ended() const { return exchange.fault != Fault::none; }
    bool request_begun() const { return requests_ > 0; }
    bool answer_begun() const { return received_ > 0; }
    bool headers_complete() const { return headers_complete_; }
    Phase phase() const;  // of what is not complete

    // Takes note of progress, and ends it when a limit is passed. `uploaded`: bytes of the body that left so far.
    void look(std::uint64_t uploaded);
    // When look() should be called at the latest.
    std::optional<std::chrono::steady_clock::time_point> next_limit() const;

    // What our own HTTP gives and takes: the request begins; one header line of the answer with its line end; a piece
    // of its body, false when that ends the transfer; a piece of the request's body, nullopt when that ends the
    // transfer.
    void begin();
    void take_header_bytes(std::string_view line);
    bool take_body_bytes(std::string_view bytes);
    std::optional<std::size_t> read_source(char* buffer, std::size_t bytes);

    // The same as libcurl's callbacks; the last argument is the Transfer.
    static int on_request(void* self, char*, char*, int, int);
    static std::size_t on_header(char* data, std::size_t, std::size_t bytes, void* self);
    static std::size_t on_body(char* data, std::size_t, std::size_t bytes, void* self);
    static std::size_t on_read(char* buffer, std::size_t, std::size_t bytes, void* self);

private:
    using Steady = std::chrono::steady_clock;
    bool take_header(std::string_view line);
    bool take_status(std::string_view line);
    bool lengths_agree(const Header& header);
    bool take_body(std::string_view bytes);
    std::chrono::seconds silence_allowed() const;
    bool body_is_moving() const;

    const Request& request_;
    int requests_ = 0;  // how often libcurl began to send it
    bool headers_complete_ = false;
    std::size_t header_bytes_ = 0;               // of the whole answer, interim ones included
    std::uint64_t uploaded_ = 0, received_ = 0;  // bytes; received: headers too

    std::uint64_t moved_ = 0;          // up and down, at the last look
    Steady::time_point progress_;      // when it last grew
    Steady::time_point window_began_;  // of the average speed
    std::uint64_t window_moved_ = 0;
    Steady::duration outside_{};  // of the window: time spent in source and sink, which is not the network's
};

std::string_view trimmed(std::string_view text);  // of blanks and line ends

// Why a request cannot go out as given (a line break in a header, ...); empty: it can.
std::string why_unsendable(const Request& request);

}  // namespace dray::http
