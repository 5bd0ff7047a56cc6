#include "codec/lines.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "base/random_test.h"
#include "codec/samples_test.h"

namespace dray {
namespace {

struct Seen {
    std::string text;
    std::uint64_t number = 0;
    bool too_long = false;
    bool operator==(const Seen&) const = default;
};
void PrintTo(const Seen& seen, std::ostream* out) {
    *out << seen.number << ":" << seen.text << (seen.too_long ? " (too long)" : "");
}

Result<std::vector<Seen>> lines_of(Decoder& decoder, std::string_view bytes, std::size_t piece,
                                   std::size_t max_line = LineReader::kDefaultMaxLine) {
    LineReader reader(decoder, max_line);
    std::vector<Seen> seen;
    for (;;) {
        TRY_LET(line, reader.next());
        if (line) {
            seen.push_back({std::string(line->text), line->number, line->too_long});
        } else if (decoder.ended()) {
            return seen;
        } else if (bytes.empty()) {
            decoder.finish();
        } else {
            decoder.push(std::string(bytes.substr(0, piece)));
            bytes.remove_prefix(std::min(piece, bytes.size()));
        }
    }
}

Result<std::vector<Seen>> plain_lines_of(std::string_view text, std::size_t piece, std::size_t max_line = 1000) {
    auto decoder = make_decoder(Format::plain);
    return lines_of(*decoder, text, piece, max_line);
}

TEST(Lines, EndAtLineFeedsAndNowhereElse) {
    const std::string text = "one\n\ntwo\r\n three\xE2\x80\xA8\x0B\n\n";
    for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, text.size()}) {
        auto lines = plain_lines_of(text, piece);
        ASSERT_TRUE(lines);
        EXPECT_EQ(*lines,
                  (std::vector<Seen>{{"one", 1}, {"", 2}, {"two\r", 3}, {" three\xE2\x80\xA8\x0B", 4}, {"", 5}}));
    }
}

TEST(Lines, NeedNoLineFeedAtTheEnd) {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{100}}) {
        auto lines = plain_lines_of("a\nb", piece);
        ASSERT_TRUE(lines);
        EXPECT_EQ(*lines, (std::vector<Seen>{{"a", 1}, {"b", 2}}));
    }
    auto none = plain_lines_of("", 1);
    ASSERT_TRUE(none);
    EXPECT_TRUE(none->empty());
}

TEST(Lines, LongerThanAllowedAreShownByTheirHeadsAndPassedOver) {
    const std::string just(1000, 'j'), over(1001, 'o'), far(100'000, 'f');
    const std::string text = just + "\n" + over + "\n" + far + "\nnext\n" + far;
    for (const std::size_t piece : {std::size_t{1}, std::size_t{700}, text.size()}) {
        auto lines = plain_lines_of(text, piece, 1000);
        ASSERT_TRUE(lines);
        const std::size_t head = LineReader::kHeadOfLongLine;
        EXPECT_EQ(*lines, (std::vector<Seen>{{just, 1},
                                             {over.substr(0, head), 2, true},
                                             {far.substr(0, head), 3, true},
                                             {"next", 4},
                                             {far.substr(0, head), 5, true}}))
            << piece;
    }
}

TEST(Lines, OfACompressedObjectGoOnOverBlocksAndStreams) {
    const std::string text = json_lines(500'000);
    const std::size_t middle = text.size() / 2 + 7;
    const std::string bytes =
        bz2_of(std::string_view(text).substr(0, middle), 1) + bz2_of(std::string_view(text).substr(middle), 2);
    auto expected = plain_lines_of(text, text.size());
    ASSERT_TRUE(expected);
    for (const std::size_t piece : {std::size_t{10'000}, bytes.size()}) {
        auto decoder = make_decoder(Format::bz2);
        auto lines = lines_of(*decoder, bytes, piece);
        ASSERT_TRUE(lines) << lines.error().message;
        EXPECT_TRUE(*lines == *expected);
    }
}

TEST(Lines, BeforeDamageAreGivenAndThenItsError) {
    const std::string first = bz2_of("one\ntwo\nthr");
    std::string bytes = first + bz2_of("ee\n");
    bytes[first.size() + 12] = static_cast<char>(bytes[first.size() + 12] ^ 1);
    auto decoder = make_decoder(Format::bz2);
    decoder->push(bytes);
    decoder->finish();
    LineReader reader(*decoder);
    for (const std::string_view text : {"one", "two"}) {
        auto line = reader.next();
        ASSERT_TRUE(line && *line);
        EXPECT_EQ((*line)->text, text);
    }
    auto line = reader.next();
    ASSERT_FALSE(line) << "a line of which a part is damaged must not be given";
    EXPECT_EQ(line.error().code, Code::corrupt);
}

TEST(Lines, AreTheSameForAnyPieces) {
    const std::uint64_t seed = test_seed();
    SCOPED_TRACE(seed_text(seed));
    std::mt19937_64 random(seed);
    for (int round = 0; round < 200; ++round) {
        std::string text;
        for (std::uint64_t i = random() % 50; i > 0; --i)
            text += std::string(random() % 40, 'x') + (random() % 4 ? "\n" : "");
        const std::size_t max_line = random() % 60 + 1;
        auto whole = plain_lines_of(text, text.size() + 1, max_line);
        auto pieces = plain_lines_of(text, random() % 30 + 1, max_line);
        ASSERT_TRUE(whole && pieces);
        EXPECT_EQ(*whole, *pieces);
        std::size_t bytes = 0;
        for (const Seen& line : *whole)
            EXPECT_EQ(line.number, ++bytes);
    }
}

}  // namespace
}  // namespace dray
