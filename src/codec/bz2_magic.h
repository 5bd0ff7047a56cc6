// Finds where blocks of bz2 may begin and streams may end: magics of 48 bits, at any bit. For this room only.
#pragma once

#include <cstdint>
#include <vector>

#include "codec/bz2_bits.h"

namespace dray {

inline constexpr unsigned kBz2MagicBits = 48;
inline constexpr std::uint64_t kBz2BlockMagic = 0x314159265359;  // pi
inline constexpr std::uint64_t kBz2EndMagic = 0x177245385090;    // its square root

struct Bz2Magic {
    std::uint64_t bit = 0;  // of the object, where the magic begins
    bool end = false;       // of a stream; else a block begins
    bool operator==(const Bz2Magic&) const = default;
};

// Data can look like a magic too: what is found is a place to try, no more.
class Bz2MagicFinder {
public:
    // Appends the magics that lie in the window and were not found by an earlier call, in order. Windows move on: none
    // begins or ends before an earlier one did. A magic may be found only once 2 more bytes have come behind it; in a
    // stream 4 always do.
    void find(const BitWindow& window, std::vector<Bz2Magic>& found);

private:
    std::uint64_t next_ = 2;  // byte of the object: magics that begin more than 2 bytes before it are found
};

}  // namespace dray
