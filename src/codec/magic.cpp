#include "codec/magic.h"

#include <algorithm>
#include <array>

#include "base/check.h"

namespace dray {
namespace {

struct ByteRange {
    std::uint8_t low = 0, high = 0;  // both included
};
constexpr ByteRange only(std::uint8_t byte) {
    return {byte, byte};
}

// "BZh", the level, and the magic of a block or of the end of the stream. With these ten bytes litter that begins with
// "BZh" is no stream.
constexpr std::array kBz2Block = {only('B'),  only('Z'),  only('h'),  ByteRange{'1', '9'}, only(0x31),
                                  only(0x41), only(0x59), only(0x26), only(0x53),          only(0x59)};
constexpr std::array kBz2Empty = {only('B'),  only('Z'),  only('h'),  ByteRange{'1', '9'}, only(0x17),
                                  only(0x72), only(0x45), only(0x38), only(0x50),          only(0x90)};
constexpr std::array kGzip = {only(0x1F), only(0x8B), only(8)};                                     // RFC 1952, 2.3.1
constexpr std::array kZstd = {only(0x28), only(0xB5), only(0x2F), only(0xFD)};                      // RFC 8878, 3.1.1
constexpr std::array kZstdSkippable = {ByteRange{0x50, 0x5F}, only(0x2A), only(0x4D), only(0x18)};  // 3.1.2

Likeness compare(std::string_view bytes, std::span<const ByteRange> magic) {
    const std::size_t known = std::min(bytes.size(), magic.size());
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < known; ++i) {
        const auto byte = static_cast<std::uint8_t>(bytes[i]);
        if (byte < magic[i].low || byte > magic[i].high) ++wrong;
    }
    const bool all = known == magic.size();
    if (wrong == 0) return all ? Likeness::same : Likeness::prefix;
    if (wrong == 1) return all ? Likeness::damaged : Likeness::unclear;
    return Likeness::other;
}

}  // namespace

Likeness likeness(std::string_view bytes, Format format) {
    switch (format) {
        case Format::plain: return Likeness::other;
        case Format::bz2: return std::max(compare(bytes, kBz2Block), compare(bytes, kBz2Empty));
        case Format::gzip: return compare(bytes, kGzip);
        case Format::zstd: return std::max(compare(bytes, kZstd), compare(bytes, kZstdSkippable));
    }
    CHECK(false);
    return Likeness::other;
}

Beginning beginning(std::string_view rest, Format format, bool first, bool all) {
    if (all && rest.empty() && !first) return Beginning::over;
    switch (likeness(rest, format)) {
        case Likeness::same: return Beginning::stream;
        case Likeness::damaged: return Beginning::damaged;
        case Likeness::prefix: return all ? Beginning::cut_off : Beginning::wait;
        case Likeness::unclear:
            if (!all) return Beginning::wait;
            break;
        case Likeness::other: break;
    }
    return first ? Beginning::foreign : Beginning::over;
}

}  // namespace dray
