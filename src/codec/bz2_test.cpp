// What is bz2's own: blocks at any bit, magics that are none, places of damage, and decoding ahead.
#include "codec/bz2.h"

#include <gtest/gtest.h>

#include <bit>
#include <random>

#include "base/crew.h"
#include "base/random_test.h"
#include "codec/bz2_block.h"
#include "codec/bz2_magic.h"
#include "codec/samples_test.h"

namespace dray {
namespace {

class Bz2 : public testing::Test {
protected:
    void SetUp() override {
        auto made = Crew::make(3);
        ASSERT_TRUE(made);
        crew_ = std::move(*made);
    }
    std::unique_ptr<Decoder> decoder(std::size_t at_once) const {
        return make_bz2_decoder({.blocks_at_once = at_once, .crew = at_once > 1 ? crew_.get() : nullptr});
    }
    // What all ways to decode agree on; the error of the last way, if all give one.
    Result<std::string> text_of(std::string_view bytes) const {
        Result<std::string> out = Error{};
        for (const std::size_t at_once : {std::size_t{1}, std::size_t{2}, std::size_t{9}})
            for (const std::size_t piece : {std::size_t{4096}, std::size_t{150'000}, bytes.size() + 1}) {
                auto now = decoded(*decoder(at_once), bytes, piece);
                if (at_once > 1 || piece > 4096) {
                    EXPECT_EQ(now.has_value(), out.has_value());
                    if (now && out) {
                        EXPECT_TRUE(*now == *out) << at_once << " at once, in pieces of " << piece;
                    }
                }
                out = std::move(now);
            }
        return out;
    }

    std::unique_ptr<Crew> crew_;
};

// Symbols that stand for themselves in the bits of a block; 0xFF would end it.
std::string some_symbols(std::size_t count, std::mt19937_64& random) {
    std::string symbols(count, '\0');
    for (char& c : symbols)
        c = static_cast<char>(random() % 255);
    return symbols;
}

TEST_F(Bz2, GivesWhatLibbz2GivesForAnyLevelsAndStreams) {
    const std::uint64_t seed = test_seed();
    SCOPED_TRACE(seed_text(seed));
    std::mt19937_64 random(seed);
    for (int round = 0; round < 6; ++round) {
        std::string bytes;
        for (std::uint64_t streams = random() % 3 + 1; streams > 0; --streams) {
            const std::size_t size = random() % 700'000;
            const std::string text = random() % 2   ? json_lines(size, random())
                                     : random() % 2 ? noise(size, random())
                                                    : runs(size, random());
            bytes += bz2_of(text, static_cast<int>(random() % 9 + 1));
        }
        auto expected = libbz2_text_of(bytes);
        ASSERT_TRUE(expected);
        auto out = text_of(bytes);
        ASSERT_TRUE(out) << out.error().message;
        EXPECT_TRUE(*out == *expected) << "round " << round;
    }
}

TEST_F(Bz2, FindsAllBlocksOfAStream) {
    const std::string text = noise(1'000'000);
    auto decoder = this->decoder(1);
    decoder->push(bz2_of(text, 1));
    decoder->finish();
    std::size_t pieces = 0;
    while (!decoder->ended()) {
        auto piece = decoder->pull();
        ASSERT_TRUE(piece) << piece.error().message;
        pieces += !piece->empty();
    }
    EXPECT_GE(pieces, 10) << "a pull gives a block, and decodes no other when one is decoded at once";
}

TEST_F(Bz2, GivesTheFirstBlockAsSoonAsItIsThere) {
    const std::string bytes = bz2_of(noise(250'000), 1);
    std::vector<Bz2Magic> magics;
    Bz2MagicFinder().find({.bytes = bytes}, magics);
    ASSERT_GE(magics.size(), 4);
    const std::uint64_t needed = magics[1].bit / 8 + 10;  // its end, the magic there, and what shows it

    auto decoder = this->decoder(1);
    decoder->push(std::string_view(bytes).substr(0, magics[1].bit / 8));
    auto nothing = decoder->pull();
    ASSERT_TRUE(nothing);
    EXPECT_TRUE(nothing->empty());
    EXPECT_LE(needed, decoder->pushed_bytes() + decoder->wanted());
    EXPECT_LT(decoder->wanted(), 20'000) << "what is there already need not come again";
    decoder->push(std::string_view(bytes).substr(magics[1].bit / 8, needed - magics[1].bit / 8));
    auto block = decoder->pull();
    ASSERT_TRUE(block) << block.error().message;
    EXPECT_GT(block->size(), 90'000);
    EXPECT_TRUE(noise(250'000).starts_with(*block));
}

TEST_F(Bz2, WantsNoMoreForTheFirstBlockThanDocumented) {
    EXPECT_EQ(decoder(1)->wanted(), 909'624) << "docs/decoding.md";
}

TEST_F(Bz2, ReadsOnOverMagicsThatLieInsideBlocks) {
    const std::uint64_t seed = test_seed();
    SCOPED_TRACE(seed_text(seed));
    std::mt19937_64 random(seed);
    std::vector<CraftedBlock> blocks;
    std::size_t lies = 0;
    for (int i = 0; i < 12; ++i) {
        std::string symbols = some_symbols(random() % 2000 + 1, random);
        for (std::uint64_t n = random() % 4; n > 0; --n, ++lies) {
            symbols += random() % 2 ? kBlockMagicBytes : kEndMagicBytes;
            symbols += some_symbols(random() % 2000, random);
        }
        blocks.emplace_back(symbols);
    }
    const CraftedStream stream(blocks);
    auto expected = libbz2_text_of(stream.bytes);
    ASSERT_TRUE(expected);
    ASSERT_TRUE(*expected == stream.text) << "the test's own blocks must be right";

    std::vector<Bz2Magic> magics;
    Bz2MagicFinder().find({.bytes = stream.bytes}, magics);
    EXPECT_EQ(magics.size(), blocks.size() + 1 + lies);
    auto out = text_of(stream.bytes + bz2_of("after") + stream.bytes);
    ASSERT_TRUE(out) << out.error().message;
    EXPECT_TRUE(*out == stream.text + "after" + stream.text);
}

TEST_F(Bz2, ReadsOnOverMagicsAtTheBordersOfBlocks) {
    std::mt19937_64 random(1);
    for (const std::string_view lie : {kBlockMagicBytes, kEndMagicBytes})
        for (std::size_t behind = 0; behind < 8; ++behind) {
            const std::string first(lie), last = some_symbols(200, random) + first + some_symbols(behind, random);
            const CraftedStream stream({CraftedBlock(first), CraftedBlock(last), CraftedBlock(first + first)});
            auto out = text_of(stream.bytes);
            ASSERT_TRUE(out) << out.error().message << ", " << behind << " symbols behind it";
            EXPECT_TRUE(*out == stream.text);
        }
}

TEST_F(Bz2, ReadsABlockFullOfFalseMagicsInGoodTime) {
    std::string symbols;
    while (symbols.size() < 200'000)
        symbols += symbols.size() % 3 ? kBlockMagicBytes : kEndMagicBytes;
    const CraftedStream stream({CraftedBlock(symbols), CraftedBlock("end")});
    for (const std::size_t at_once : {std::size_t{1}, std::size_t{9}}) {
        auto out = decoded(*decoder(at_once), stream.bytes, 64'000);
        ASSERT_TRUE(out) << out.error().message;
        EXPECT_TRUE(*out == stream.text);
    }
}

TEST_F(Bz2, GivesTheTextOfABlockBeforeTheNextIsDamaged) {
    std::mt19937_64 random(1);
    const CraftedBlock one(some_symbols(500, random)), two(some_symbols(700, random));
    const CraftedStream stream({one, two, one});
    for (std::uint64_t bit = stream.begins[1]; bit < stream.begins[2]; bit += 7) {
        std::string damaged = stream.bytes;
        damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ 0x80 >> bit % 8);
        std::string given;
        auto out = decoded(*decoder(1), damaged, damaged.size(), &given);
        ASSERT_FALSE(out) << bit;
        EXPECT_EQ(out.error().code, Code::corrupt);
        EXPECT_TRUE(given.empty() || given == one.text) << "bit " << bit;
        EXPECT_FALSE(decoded(*decoder(9), damaged, damaged.size())) << bit;
    }
}

TEST_F(Bz2, NamesStreamBlockAndBitOfWhatIsDamaged) {
    std::mt19937_64 random(1);
    const CraftedBlock one(some_symbols(500, random)), two(some_symbols(700, random));
    const CraftedStream stream({one, two, two});
    const std::string before = bz2_of("first stream");
    const auto place = [&](std::size_t block) {
        const std::uint64_t bit = before.size() * 8 + stream.begins[block];
        return " at bit " + std::to_string(bit) + " (byte " + std::to_string(bit / 8) + "): ";
    };
    const auto message_with_flipped = [&](std::uint64_t bit) {
        std::string damaged = before + stream.bytes;
        bit += before.size() * 8;
        damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ 0x80 >> bit % 8);
        auto out = text_of(damaged);
        EXPECT_FALSE(out);
        return out ? "" : out.error().message;
    };
    EXPECT_EQ(message_with_flipped(stream.begins[1] + 50),
              "bz2: stream 2, block 2" + place(1) + "its checksum does not agree, or what follows it is no block");
    EXPECT_EQ(message_with_flipped(stream.begins[1] + 82),
              "bz2: stream 2, block 2" + place(1) + "its bytes do not decode")
        << "the first row lies behind the last";
    EXPECT_EQ(
        message_with_flipped(stream.begins[3] + 60),
        "bz2: stream 2, its end" + place(3) + "the checksum of the stream does not agree with those of its blocks");
    EXPECT_EQ(message_with_flipped(0), "bz2: stream 2 at bit " + std::to_string(before.size() * 8) + " (byte " +
                                           std::to_string(before.size()) + "): its header is damaged");
}

TEST_F(Bz2, NamesTheBlockInWhichTheObjectEnds) {
    std::mt19937_64 random(1);
    const CraftedStream stream({CraftedBlock(some_symbols(500, random)), CraftedBlock(some_symbols(700, random))});
    const std::uint64_t size = stream.begins[1] / 8 + 100;
    auto out = text_of(stream.bytes.substr(0, size));
    ASSERT_FALSE(out);
    EXPECT_EQ(out.error().message, "bz2: stream 1, block 2 at bit " + std::to_string(stream.begins[1]) + " (byte " +
                                       std::to_string(stream.begins[1] / 8) + "): cut off: the object ends at byte " +
                                       std::to_string(size));
}

TEST_F(Bz2, ComparesTheChecksumOfTheStreamWithTheOrderOfItsBlocks) {
    std::mt19937_64 random(1);
    const CraftedBlock one(some_symbols(500, random)), two(some_symbols(500, random));
    const CraftedStream right({one, two}), swapped({two, one});
    // The blocks of one stream with the end of the other: each block agrees with its own checksum.
    BitString bits;
    bits.append(0x425A6839, 32);
    bits.append(two.bits);
    bits.append(one.bits);
    bits.append(kBz2EndMagic, kBz2MagicBits);
    bits.append(std::rotl(one.crc, 1) ^ two.crc, 32);
    ASSERT_NE(bits.bytes(), swapped.bytes);
    auto out = text_of(bits.bytes());
    ASSERT_FALSE(out) << "blocks that changed places went unnoticed";
    EXPECT_EQ(out.error().code, Code::corrupt);
    EXPECT_TRUE(text_of(right.bytes));
}

TEST_F(Bz2, GivesUpOnABlockWithoutEnd) {
    const std::string bytes = bz2_of("x").substr(0, 10) + std::string(kMaxBz2BlockBytes + 1000, '\x55');
    auto decoder = this->decoder(1);
    decoder->push(bytes);
    auto out = decoder->pull();
    ASSERT_FALSE(out) << "whoever never says where the block ends must not fill the memory";
    EXPECT_EQ(out.error().code, Code::corrupt);
    EXPECT_EQ(out.error().message.find("bz2: stream 1, block 1 at bit 32 (byte 4): no end in"), 0)
        << out.error().message;
}

TEST_F(Bz2, DecodesABlockThatIsLongerThanItsLevelAllows) {
    std::string bytes = bz2_of(noise(300'000), 9);
    bytes[3] = '1';
    auto out = text_of(bytes);
    ASSERT_TRUE(out) << out.error().message;
    EXPECT_TRUE(*out == noise(300'000)) << "its checksums agree";
}

TEST_F(Bz2, HoldsNoMoreThanPiecesOfABlockThatIsMostlyRuns) {
    // 5.1 MB of one block of level 1, before and behind ordinary ones.
    const std::string long_run(6'000'000, 'z');
    const std::string bytes = bz2_of("a\n" + long_run, 1) + bz2_of(json_lines(500'000), 1) + bz2_of(long_run + "b", 1);
    for (const std::size_t at_once : {std::size_t{1}, std::size_t{4}}) {
        auto decoder = this->decoder(at_once);
        decoder->push(bytes);
        decoder->finish();
        std::uint64_t total = 0, most = 0;
        std::string middle;
        while (!decoder->ended()) {
            auto piece = decoder->pull();
            ASSERT_TRUE(piece) << piece.error().message;
            total += piece->size();
            most = std::max<std::uint64_t>(most, piece->size());
            if (piece->find('{') != std::string_view::npos) middle += *piece;
        }
        EXPECT_EQ(total, 2 * long_run.size() + 3 + json_lines(500'000).size());
        EXPECT_LE(most, kMaxBz2BlockHeld);
        EXPECT_TRUE(middle == json_lines(500'000));
    }
}

TEST_F(Bz2, TakesALongBlockInPiecesWhileMoreIsPushed) {
    const std::string text = std::string(6'000'000, 'z') + json_lines(300'000);
    const std::string bytes = bz2_of(text, 1);
    auto decoder = this->decoder(1);
    std::string out;
    for (std::string_view rest = bytes; !decoder->ended();) {
        auto piece = decoder->pull();
        ASSERT_TRUE(piece) << piece.error().message;
        out += *piece;
        // Bytes arrive although there is more to be had.
        const std::string_view next = rest.substr(0, 500);
        rest.remove_prefix(next.size());
        if (!next.empty())
            decoder->push(std::string(next));
        else if (piece->empty())
            decoder->finish();
    }
    EXPECT_TRUE(out == text);
}

}  // namespace
}  // namespace dray
