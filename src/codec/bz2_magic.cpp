#include "codec/bz2_magic.h"

#include <algorithm>
#include <array>

namespace dray {
namespace {

// Wherever a magic begins, exactly one pair of bytes at an even offset is its bits t to t+15, for a t of 1 to 16. So it
// is enough to look at every second pair, and to look closer at the 32 of 65,536 values that can be such a pair.
class PairTable {
public:
    constexpr PairTable() {
        for (const std::uint64_t magic : {kBz2BlockMagic, kBz2EndMagic})
            for (unsigned t = 1; t <= 16; ++t) {
                const auto pair = static_cast<std::uint16_t>(magic >> (kBz2MagicBits - 16 - t));
                words_[pair / 64] |= std::uint64_t{1} << pair % 64;
            }
    }
    bool holds(unsigned pair) const { return words_[pair / 64] >> pair % 64 & 1; }

private:
    std::array<std::uint64_t, 65536 / 64> words_{};  // 8 KiB: stays in the first cache
};
constexpr PairTable kPairs;

std::uint64_t eight_bytes(const std::uint8_t* from) {
    std::uint64_t value = 0;
    for (int i = 0; i < 8; ++i)
        value = value << 8 | from[i];
    return value;
}

}  // namespace

void Bz2MagicFinder::find(const BitWindow& window, std::vector<Bz2Magic>& found) {
    constexpr std::uint64_t kMask = (std::uint64_t{1} << kBz2MagicBits) - 1;
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(window.bytes.data());
    std::uint64_t at = std::max(next_, window.begin + 2) - window.begin;
    for (; at + 6 <= window.bytes.size(); at += 2) {
        const unsigned pair = static_cast<unsigned>(bytes[at]) << 8 | bytes[at + 1];
        if (!kPairs.holds(pair)) continue;
        const std::uint64_t around = eight_bytes(bytes + at - 2);
        for (unsigned s = 0; s < 16; ++s) {
            const std::uint64_t bits = around >> (16 - s) & kMask;
            if (bits != kBz2BlockMagic && bits != kBz2EndMagic) continue;
            found.push_back({.bit = (window.begin + at - 2) * 8 + s, .end = bits == kBz2EndMagic});
        }
    }
    next_ = window.begin + at;
}

}  // namespace dray
