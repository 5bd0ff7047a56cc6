#include "codec/bz2_magic.h"

#include <gtest/gtest.h>

#include <random>

#include "base/random_test.h"
#include "codec/samples_test.h"

namespace dray {
namespace {

// The same, bit by bit.
std::vector<Bz2Magic> magics_bit_by_bit(std::string_view bytes) {
    std::vector<Bz2Magic> found;
    std::uint64_t last = 0;
    for (std::uint64_t bit = 0; bit < bytes.size() * 8; ++bit) {
        last = (last << 1 | (static_cast<std::uint8_t>(bytes[bit / 8]) >> (7 - bit % 8) & 1U)) & 0xFFFFFFFFFFFF;
        if (bit + 1 < kBz2MagicBits) continue;
        if (last == kBz2BlockMagic || last == kBz2EndMagic)
            found.push_back({.bit = bit + 1 - kBz2MagicBits, .end = last == kBz2EndMagic});
    }
    return found;
}

TEST(Bz2Magic, IsFoundAtEveryBitOnceHoweverTheBytesArrive) {
    for (const std::uint64_t magic : {kBz2BlockMagic, kBz2EndMagic})
        for (unsigned before = 0; before < 40; ++before)
            for (unsigned step : {1U, 2U, 5U, 100U}) {
                BitString bits;
                bits.append(0, before);
                bits.append(magic, kBz2MagicBits);
                bits.append(0, 32);
                const std::string bytes = bits.bytes();
                Bz2MagicFinder finder;
                std::vector<Bz2Magic> found;
                for (std::size_t size = step; size < bytes.size() + step; size += step)
                    finder.find({.bytes = std::string_view(bytes).substr(0, size)}, found);
                EXPECT_EQ(found, (std::vector<Bz2Magic>{{.bit = before, .end = magic == kBz2EndMagic}}))
                    << before << " " << step;
            }
}

TEST(Bz2Magic, AreThoseThatALookAtEachBitFinds) {
    const std::uint64_t seed = test_seed();
    SCOPED_TRACE(seed_text(seed));
    std::mt19937_64 random(seed);
    for (int round = 0; round < 50; ++round) {
        BitString bits;
        for (std::uint64_t parts = random() % 40; parts > 0; --parts) {
            bits.append(random(), static_cast<unsigned>(random() % 50));
            bits.append(random() % 2 ? kBz2BlockMagic : kBz2EndMagic, static_cast<unsigned>(40 + random() % 9));
        }
        bits.append(random(), 60);
        const std::string bytes = bits.bytes();
        auto expected = magics_bit_by_bit(bytes);
        // Windows that grow at the end and lose their beginning.
        Bz2MagicFinder finder;
        std::vector<Bz2Magic> found;
        std::size_t begin = 0, end = 0;
        while (end < bytes.size()) {
            end = std::min(bytes.size(), end + random() % 30);
            finder.find({.bytes = std::string_view(bytes).substr(begin, end - begin), .begin = begin}, found);
            if (end > 20) begin = std::max<std::size_t>(begin, end - 20 + random() % 10);
        }
        EXPECT_EQ(found, expected);
    }
}

TEST(Bz2Magic, NeverBeginWithinAByteOfEachOther) {
    // Bz2BlockReader reads up to 7 bits behind a magic's place without mistaking it for one that follows.
    for (const std::uint64_t first : {kBz2BlockMagic, kBz2EndMagic})
        for (const std::uint64_t second : {kBz2BlockMagic, kBz2EndMagic})
            for (unsigned apart = 1; apart < 8; ++apart) {
                const std::uint64_t mask = (std::uint64_t{1} << (kBz2MagicBits - apart)) - 1;
                EXPECT_NE(first & mask, second >> apart);
            }
}

TEST(BitWindow, ReadsAndCopiesFromAnyBit) {
    const std::string bytes = noise(100);
    const BitWindow window{.bytes = std::string_view(bytes).substr(10), .begin = 10};
    for (std::uint64_t bit = 80; bit < 200; ++bit) {
        char copied[20] = {};
        window.copy(bit, copied, sizeof copied);
        const BitWindow copy{.bytes = {copied, sizeof copied}};
        for (const unsigned count : {1U, 7U, 32U, 48U, 56U})
            EXPECT_EQ(window.bits(bit, count), copy.bits(0, count)) << bit << " " << count;
        std::uint64_t one_by_one = 0;
        for (unsigned i = 0; i < 48; ++i)
            one_by_one = one_by_one << 1 | window.bits(bit + i, 1);
        EXPECT_EQ(window.bits(bit, 48), one_by_one);
    }
    EXPECT_FALSE(window.holds(79, 1));
    EXPECT_FALSE(window.holds(790, 11));
    EXPECT_TRUE(window.holds(790, 10));
}

}  // namespace
}  // namespace dray
