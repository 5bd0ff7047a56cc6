#include "codec/bz2_bits.h"

#include <cstring>

#include "base/check.h"

namespace dray {

std::uint64_t BitWindow::bits(std::uint64_t bit, unsigned count) const {
    CHECK(count >= 1 && count <= 56 && holds(bit, count));
    const std::size_t first = bit / 8 - begin, last = (bit + count - 1) / 8 - begin;
    std::uint64_t value = 0;
    for (std::size_t i = first; i <= last; ++i)
        value = value << 8 | static_cast<std::uint8_t>(bytes[i]);
    const auto behind = static_cast<unsigned>((last + 1 + begin) * 8 - (bit + count));
    return value >> behind & ((std::uint64_t{1} << count) - 1);
}

void BitWindow::copy(std::uint64_t bit, char* to, std::size_t count) const {
    CHECK(holds(bit, count * 8));
    const auto* from = reinterpret_cast<const std::uint8_t*>(bytes.data()) + (bit / 8 - begin);
    const auto shift = static_cast<unsigned>(bit % 8);
    if (shift == 0) {
        std::memcpy(to, from, count);
        return;
    }
    for (std::size_t i = 0; i < count; ++i)
        to[i] = static_cast<char>(from[i] << shift | from[i + 1] >> (8 - shift));
}

}  // namespace dray
