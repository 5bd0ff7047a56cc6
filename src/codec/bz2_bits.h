// BitWindow: a stretch of an object's bytes, addressed by bits. For this room only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace dray {

// Bit 0 is the highest bit of the object's first byte, as bz2 packs them. Borrows the bytes.
struct BitWindow {
    std::string_view bytes;
    std::uint64_t begin = 0;  // offset of bytes[0] in the object

    std::uint64_t begin_bit() const { return begin * 8; }
    std::uint64_t end_bit() const { return (begin + bytes.size()) * 8; }
    bool holds(std::uint64_t bit, std::uint64_t count) const {
        return bit >= begin_bit() && bit <= end_bit() && count <= end_bit() - bit;
    }

    // The `count` bits (at most 56) from `bit` on, all inside.
    std::uint64_t bits(std::uint64_t bit, unsigned count) const;
    // Copies `count` bytes that begin at `bit`, all inside, to a byte border.
    void copy(std::uint64_t bit, char* to, std::size_t count) const;
};

}  // namespace dray
