// How a stream of each format begins, and what bytes are that stand where one may begin. For this room only.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "codec/decoder.h"

namespace dray {

enum class Likeness : std::uint8_t {
    other,    // two bytes or more are wrong
    unclear,  // one is wrong, and there are too few to tell
    prefix,   // right so far, and too few to tell; also no bytes at all
    damaged,  // right in all bytes but one: a stream with a damaged header, not litter
    same,
};

// The best that `bytes` do against any of the format's beginnings. Plain text has none: other.
Likeness likeness(std::string_view bytes, Format format);

enum class Beginning : std::uint8_t {
    stream,   // one begins
    wait,     // more bytes will tell
    over,     // none, and there was one before: what is here is litter
    foreign,  // none, and there was none before
    damaged,
    cut_off,
};

// `rest`: the bytes where a stream may begin, the `first` of the object or a further one. `all`: no more will come.
Beginning beginning(std::string_view rest, Format format, bool first, bool all);

}  // namespace dray
