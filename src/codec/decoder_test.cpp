// What every format must hold: odd chunks, damage, litter and limits.
#include "codec/decoder.h"

#include <gtest/gtest.h>

#include <functional>
#include <random>

#include "base/crew.h"
#include "base/random_test.h"
#include "codec/samples_test.h"
#include "codec/zstd.h"

namespace dray {
namespace {

Crew& two_workers() {
    static const std::unique_ptr<Crew> crew = [] {
        auto made = Crew::make(2);
        CHECK(made);
        return std::move(*made);
    }();
    return *crew;
}

struct Case {
    std::string name;
    Format format = Format::plain;
    std::function<std::string(std::string_view)> encode;
    std::string_view member;  // as messages call it
    bool litter = false;      // may follow
    bool ahead = false;       // decodes several blocks at once

    std::unique_ptr<Decoder> decoder(std::uint64_t max_decoded = Decoder::kDefaultMaxDecoded) const {
        DecoderOptions options{.max_decoded = max_decoded};
        if (ahead) {
            options.crew = &two_workers();
            options.blocks_at_once = 5;
        }
        return make_decoder(format, options);
    }
};

class Decoders : public testing::TestWithParam<Case> {};

const auto kCompressed = testing::Values(
    Case{"bz2", Format::bz2, [](auto text) { return bz2_of(text); }, "stream 1", true},
    Case{"bz2_of_small_blocks", Format::bz2, [](auto text) { return bz2_of(text, 1); }, "stream 1", true},
    Case{"bz2_ahead", Format::bz2, [](auto text) { return bz2_of(text, 1); }, "stream 1", true, true},
    Case{"gzip", Format::gzip, gzip_of, "member 1", true}, Case{"zstd", Format::zstd, zstd_of, "frame 1"});
std::string name_of_case(const testing::TestParamInfo<Case>& info) {
    return info.param.name;
}
INSTANTIATE_TEST_SUITE_P(Formats, Decoders, kCompressed, name_of_case);

TEST_P(Decoders, GiveBackEveryTextInAnyPieces) {
    for (const std::string& text :
         {std::string(), std::string("x"), json_lines(300'000), noise(250'000), runs(500'000)}) {
        const std::string bytes = GetParam().encode(text);
        for (const std::size_t piece : {std::size_t{1}, std::size_t{1000}, std::size_t{65'537}, bytes.size()}) {
            if (piece == 1 && bytes.size() > 100'000) continue;  // takes long, and shows nothing new
            auto decoder = GetParam().decoder();
            auto out = decoded(*decoder, bytes, piece);
            ASSERT_TRUE(out) << out.error().message;
            EXPECT_TRUE(*out == text) << text.size() << " bytes in pieces of " << piece;
            EXPECT_EQ(decoder->decoded_bytes(), text.size());
            EXPECT_EQ(decoder->pushed_bytes(), bytes.size());
            EXPECT_EQ(decoder->ignored_bytes(), 0);
            EXPECT_EQ(decoder->wanted(), 0);
        }
    }
}

TEST_P(Decoders, TakeMembersOneAfterAnotherForOneText) {
    const auto& encode = GetParam().encode;
    const std::string bytes =
        encode("") + encode("first\n") + encode("") + encode(json_lines(200'000)) + encode("last");
    for (const std::size_t piece : {std::size_t{1}, std::size_t{13}, bytes.size()}) {
        auto out = decoded(*GetParam().decoder(), bytes, piece);
        ASSERT_TRUE(out) << out.error().message;
        EXPECT_TRUE(*out == "first\n" + json_lines(200'000) + "last");
    }
}

TEST_P(Decoders, TellEveryCut) {
    const std::string first = GetParam().encode("one\n"), second = GetParam().encode(json_lines(300));
    const std::string bytes = first + second;
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        auto out = decoded(*GetParam().decoder(), std::string_view(bytes).substr(0, size), 50);
        if (size == first.size()) {
            ASSERT_TRUE(out) << out.error().message;  // nobody can know that more was to come
            EXPECT_EQ(*out, "one\n");
            continue;
        }
        ASSERT_FALSE(out) << size;
        EXPECT_EQ(out.error().code, Code::corrupt);
        EXPECT_NE(out.error().message.find("the object ends at byte " + std::to_string(size)), std::string::npos)
            << out.error().message;
    }
}

TEST_P(Decoders, NeverGiveAnotherTextForAFlippedBit) {
    const std::string text = "one\n" + json_lines(200);
    const std::string bytes = GetParam().encode("one\n") + GetParam().encode(json_lines(200));
    std::size_t harmless = 0;
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        std::string damaged = bytes;
        damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ 0x80 >> bit % 8);
        auto decoder = GetParam().decoder();
        std::string given;
        auto out = decoded(*decoder, damaged, damaged.size(), &given);
        harmless += out.has_value();
        if (out) {
            EXPECT_EQ(*out, text) << "bit " << bit;
        }
        if (GetParam().format == Format::bz2) {
            EXPECT_TRUE(text.starts_with(given)) << "bit " << bit << " gave " << given;
        }
        EXPECT_EQ(decoder->ignored_bytes(), 0) << "bit " << bit;
    }
    EXPECT_LT(harmless, 300) << "of " << bytes.size() * 8;  // times, names, levels, and bits that fill bytes up
}

TEST_P(Decoders, LeaveOutWhatFollowsTheEndAndCountIt) {
    const std::string bytes = GetParam().encode("text\n");
    for (const std::string& litter : {std::string("\n"), std::string(1000, '\0'), json_lines(5000), noise(700'000)})
        for (const std::size_t piece : {std::size_t{1}, std::size_t{64}, bytes.size() + litter.size()}) {
            if (piece == 1 && litter.size() > 10'000) continue;
            auto decoder = GetParam().decoder();
            auto out = decoded(*decoder, bytes + litter, piece);
            if (!GetParam().litter) {
                ASSERT_FALSE(out);
                EXPECT_EQ(out.error().code, Code::corrupt);
                continue;
            }
            ASSERT_TRUE(out) << out.error().message;
            EXPECT_EQ(*out, "text\n");
            EXPECT_EQ(decoder->ignored_bytes(), litter.size());
            EXPECT_EQ(decoder->pushed_bytes(), bytes.size() + litter.size());
        }
}

TEST_P(Decoders, CallADamagedHeaderDamageAndNotLitter) {
    const std::string first = GetParam().encode("text\n");
    const std::string bytes = first + GetParam().encode("more\n");
    for (std::size_t i = 0; i < 3; ++i) {
        std::string damaged = bytes;
        damaged[first.size() + i] = static_cast<char>(damaged[first.size() + i] ^ 0x7F);
        for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, damaged.size()}) {
            auto out = decoded(*GetParam().decoder(), damaged, piece);
            ASSERT_FALSE(out) << "byte " << i << ", in pieces of " << piece;
            EXPECT_EQ(out.error().code, Code::corrupt);
        }
    }
}

TEST_P(Decoders, RefuseWhatIsOfAnotherKind) {
    for (const std::string& bytes :
         {std::string(R"({"ts":"2024-01-01T00:00:00Z"})"), std::string(5, '\0'), noise(5000)}) {
        auto out = decoded(*GetParam().decoder(), bytes, 3);
        ASSERT_FALSE(out);
        EXPECT_EQ(out.error().code, Code::corrupt);
        EXPECT_NE(out.error().message.find("it begins with "), std::string::npos) << out.error().message;
    }
    auto nothing = decoded(*GetParam().decoder(), "", 1);
    ASSERT_FALSE(nothing);
    EXPECT_EQ(nothing.error().code, Code::corrupt);
    EXPECT_TRUE(nothing.error().message.starts_with(std::string(name_of(GetParam().format)) + ": " +
                                                    std::string(GetParam().member)))
        << nothing.error().message;
}

TEST_P(Decoders, StopAtTheLimitOfDecodedBytes) {
    const std::string text = runs(400'000);
    const std::string bytes = GetParam().encode(text);
    auto enough = decoded(*GetParam().decoder(text.size()), bytes, 1000);
    ASSERT_TRUE(enough) << enough.error().message;
    EXPECT_TRUE(*enough == text);

    std::string given;
    auto out = decoded(*GetParam().decoder(text.size() - 1), bytes, 1000, &given);
    ASSERT_FALSE(out);
    EXPECT_EQ(out.error().code, Code::refused);
    EXPECT_LT(given.size(), text.size());
}

TEST_P(Decoders, GiveABombInSmallPieces) {
    constexpr std::size_t kSize = 12'000'000;
    const std::string bytes = GetParam().encode(std::string(kSize, 'a'));
    auto decoder = GetParam().decoder();
    decoder->push(bytes);
    decoder->finish();
    while (!decoder->ended()) {
        auto piece = decoder->pull();
        ASSERT_TRUE(piece) << piece.error().message;
        ASSERT_LE(piece->size(), std::size_t{2} << 20);
        ASSERT_EQ(piece->find_first_not_of('a'), std::string_view::npos);
    }
    EXPECT_EQ(decoder->decoded_bytes(), kSize);
}

TEST_P(Decoders, StayWithTheirError) {
    const std::string bytes = GetParam().encode("text\n");
    auto decoder = GetParam().decoder();
    auto first = decoded(*decoder, std::string_view(bytes).substr(0, bytes.size() - 1), 100);
    ASSERT_FALSE(first);
    for (int i = 0; i < 2; ++i) {
        auto again = decoder->pull();
        ASSERT_FALSE(again);
        EXPECT_EQ(again.error().message, first.error().message);
    }
    EXPECT_FALSE(decoder->ended());
    EXPECT_EQ(decoder->wanted(), 0);
}

TEST_P(Decoders, GiveNothingAndAskForMoreHoweverOftenTheyArePulled) {
    const std::string bytes = GetParam().encode(json_lines(1000));
    auto decoder = GetParam().decoder();
    decoder->push(std::string_view(bytes).substr(0, 30));
    for (int i = 0; i < 100; ++i) {
        auto piece = decoder->pull();
        ASSERT_TRUE(piece) << piece.error().message;
        if (piece->empty()) {
            EXPECT_GT(decoder->wanted(), 0);
        }
        EXPECT_FALSE(decoder->ended());
    }
}

TEST_P(Decoders, GiveSomethingOnceTheyHaveWhatTheyWant) {
    for (const std::string& text : {json_lines(2'000'000), noise(2'000'000)}) {
        const std::string bytes = GetParam().encode(text);
        auto decoder = GetParam().decoder();
        std::string_view rest = bytes;
        std::size_t given = 0;
        while (!rest.empty()) {
            const std::string_view next = rest.substr(0, decoder->wanted());
            decoder->push(next);
            rest.remove_prefix(next.size());
            bool something = false;
            for (;;) {
                auto piece = decoder->pull();
                ASSERT_TRUE(piece) << piece.error().message;
                if (piece->empty()) break;
                something = true;
                given += piece->size();
            }
            EXPECT_TRUE(something || rest.empty()) << "after " << given << " bytes";
        }
    }
}

TEST_P(Decoders, AgreeWithTheirEncodersOnRandomObjects) {
    const std::uint64_t seed = test_seed();
    SCOPED_TRACE(seed_text(seed));
    std::mt19937_64 random(seed);
    for (int round = 0; round < 12; ++round) {
        std::string text, bytes;
        for (std::uint64_t members = random() % 4 + 1; members > 0; --members) {
            const std::size_t size = random() % (std::size_t{1} << random() % 19);
            const std::string part = round % 3 == 0   ? json_lines(size, random())
                                     : round % 3 == 1 ? noise(size, random())
                                                      : runs(size, random());
            text += part;
            bytes += GetParam().encode(part);
        }
        auto out = decoded(*GetParam().decoder(), bytes, random() % 100'000 + 100);
        ASSERT_TRUE(out) << out.error().message;
        EXPECT_TRUE(*out == text) << round;
    }
}

TEST(Decoder, PassesPlainBytesOn) {
    const std::string text = noise(10'000);
    for (const std::size_t piece : {std::size_t{1}, std::size_t{999}, text.size()}) {
        auto out = decoded(*make_decoder(Format::plain), text, piece);
        ASSERT_TRUE(out);
        EXPECT_TRUE(*out == text);
    }
    auto nothing = decoded(*make_decoder(Format::plain), "", 1);
    ASSERT_TRUE(nothing);
    EXPECT_EQ(*nothing, "");
}

TEST(Decoder, RefusesAZstdFrameThatWantsTooMuchMemory) {
    // A frame header of RFC 8878, 3.1.1.1: no flags, a window of 2^27, then a block.
    const std::string bytes = std::string("\x28\xB5\x2F\xFD\x00\x88", 6) + std::string(20, '\0');
    auto out = decoded(*make_decoder(Format::zstd), bytes, bytes.size());
    ASSERT_FALSE(out);
    EXPECT_EQ(out.error().code, Code::refused);
    EXPECT_NE(out.error().message.find("zstd: frame 1 at byte 0"), std::string::npos) << out.error().message;
}

TEST(Decoder, PassesOverSkippableZstdFrames) {
    const std::string bytes =
        zstd_skippable_frame("for others") + zstd_of("a") + zstd_skippable_frame("") + zstd_of("b");
    auto out = decoded(*make_decoder(Format::zstd), bytes, 5);
    ASSERT_TRUE(out) << out.error().message;
    EXPECT_EQ(*out, "ab");
}

TEST(Decoder, GivesTheLastOfAZstdFrameThatHasNoChecksumBehindIt) {
    for (const std::size_t size : {1, 131'071, 131'072, 131'073, 262'144, 1'000'000})
        for (const std::string& text : {std::string(size, 'a'), noise(size), runs(size)}) {
            const std::string bytes = zstd_without_checksum_of(text);
            for (const std::size_t piece : {std::size_t{1000}, bytes.size()}) {
                auto out = decoded(*make_decoder(Format::zstd), bytes, piece);
                ASSERT_TRUE(out) << out.error().message;
                EXPECT_TRUE(*out == text) << text.size();
            }
        }
}

TEST(Decoder, SaysWhichGzipMemberIsDamaged) {
    const std::string first = gzip_of("one\n");
    std::string bytes = first + gzip_of(json_lines(100));
    bytes[bytes.size() - 5] = static_cast<char>(bytes[bytes.size() - 5] ^ 1);  // in the CRC
    auto out = decoded(*make_decoder(Format::gzip), bytes, bytes.size());
    ASSERT_FALSE(out);
    EXPECT_EQ(
        out.error().message.find("gzip: member 2 at byte " + std::to_string(first.size()) + ": incorrect data check"),
        0)
        << out.error().message;
}

TEST(Decoder, KnowsFormatsByTheirFirstBytesEvenWithOneDamaged) {
    EXPECT_EQ(format_of(bz2_of("x")), Format::bz2);
    EXPECT_EQ(format_of(bz2_of("")), Format::bz2);
    EXPECT_EQ(format_of(gzip_of("x")), Format::gzip);
    EXPECT_EQ(format_of(zstd_of("x")), Format::zstd);
    EXPECT_EQ(format_of(zstd_skippable_frame("")), Format::zstd);
    for (const Format format : {Format::bz2, Format::gzip, Format::zstd}) {
        std::string bytes = format == Format::bz2 ? bz2_of("x") : format == Format::gzip ? gzip_of("x") : zstd_of("x");
        bytes[1] = '?';
        EXPECT_EQ(format_of(bytes.substr(0, kFormatBytes)), format) << name_of(format);
    }
    for (const std::string_view text : {"", "{\"ts\":1}\n", "BZh", "BZh9 is how bz2 begins", "\x1F"})
        EXPECT_EQ(format_of(text), Format::plain) << text;
}

TEST(Decoder, KnowsFormatsByNameAndKey) {
    for (const Format format : {Format::plain, Format::bz2, Format::gzip, Format::zstd})
        EXPECT_EQ(format_named(name_of(format)), format);
    EXPECT_EQ(format_named("bzip2"), std::nullopt);
    EXPECT_EQ(format_of_key("GDL/GDL-1900.jsonl.bz2"), Format::bz2);
    EXPECT_EQ(format_of_key("a.gz"), Format::gzip);
    EXPECT_EQ(format_of_key("a.zst"), Format::zstd);
    EXPECT_EQ(format_of_key("a.bz2.jsonl"), Format::plain);
}

}  // namespace
}  // namespace dray
