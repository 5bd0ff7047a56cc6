// LineReader: the lines of a decoded object. Lines end at LF only, as JSON lines do; the last one needs none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "codec/decoder.h"

namespace dray {

// Not thread-safe. Holds the part of a line that has arrived, at most `max_line` bytes.
class LineReader {
public:
    static constexpr std::size_t kDefaultMaxLine = std::size_t{64} << 20;
    static constexpr std::size_t kHeadOfLongLine = 256;  // bytes: enough to show which line it is

    struct Line {
        std::string_view text;     // without its LF; valid until the next call
        std::uint64_t number = 0;  // counts from 1
        bool too_long = false;     // longer than allowed: `text` is only its head
    };

    // `decoder` is borrowed, and pulled by this reader only.
    explicit LineReader(Decoder& decoder, std::size_t max_line = kDefaultMaxLine)
        : decoder_(decoder), max_line_(max_line) {}

    // The next line, empty ones too. nullopt: the decoder wants bytes, or has ended. Errors: those of Decoder::pull().
    Result<std::optional<Line>> next();

private:
    void hold(std::string_view part);
    std::optional<Line> held_line();

    Decoder& decoder_;
    const std::size_t max_line_;
    std::string_view rest_;     // of the decoder's last piece
    std::string held_;          // of the line under way
    std::uint64_t length_ = 0;  // of the line under way, so far
    bool given_ = false;        // held_ is the line that was given last
    std::uint64_t lines_ = 0;
};

}  // namespace dray
