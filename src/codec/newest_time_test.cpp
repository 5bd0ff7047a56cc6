#include "codec/newest_time.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <random>

#include "base/checksum.h"
#include "base/json.h"
#include "base/random_test.h"

namespace dray {
namespace {

const RecordReader& ts_reader() {
    static const RecordReader reader(TimeField::ts);
    return reader;
}

struct Fed {
    NewestTime::Found found;
    std::vector<std::string> bad;  // "line: reason: start"
    bool operator==(const Fed&) const = default;
};

// Feeds the pieces, each as long as `sizes` says in turn, the last size for all that is left.
Fed fed(std::string_view text, NewestTimeOptions options, const std::vector<std::size_t>& sizes = {SIZE_MAX},
        const RecordReader& reader = ts_reader()) {
    Fed outcome;
    options.on_bad = [&](const BadRecord& bad) {
        outcome.bad.push_back(std::to_string(bad.line).append(": ").append(bad.reason).append(": ").append(bad.start));
    };
    NewestTime newest(reader, options);
    for (std::size_t i = 0; !text.empty(); ++i) {
        const std::string piece(text.substr(0, sizes[std::min(i, sizes.size() - 1)]));  // a copy: it may not be kept
        text.remove_prefix(piece.size());
        if (!newest.feed(piece)) break;
    }
    outcome.found = newest.finish();
    return outcome;
}

std::string time_text(const Fed& outcome) {
    return outcome.found.time ? text_of(*outcome.found.time) : "none";
}

// --- the vectors

std::string text_member(const JsonValue& object, std::string_view name) {
    const auto value = object.get(name);
    return std::string(value ? value->text().value_or("") : "");
}

// nullopt: the vector holds a stored object, which is for the one who decodes it.
std::optional<std::string> decoded_text(const JsonValue& vector) {
    std::string text;
    if (const auto lines = vector.get("lines")) {
        for (const JsonValue& line : lines->elements())
            text.append(line.text().value()).append("\n");
        return text;
    }
    if (!vector.get("body_base64")) return std::nullopt;
    EXPECT_TRUE(unbase64(text_member(vector, "body_base64"), text));
    return text;
}

void expect_stamp_vector(const JsonValue& vector, const std::string& text) {
    SCOPED_TRACE(text_member(vector, "name"));
    const JsonValue wanted = *vector.get("wanted");
    const RecordReader reader(time_field_named(text_member(vector, "ts_key")).value());
    const NewestTimeOptions options{.all_lines = vector.get("all_lines")->boolean().value()};

    const Fed whole = fed(text, options, {SIZE_MAX}, reader);
    EXPECT_EQ(time_text(whole), text_member(wanted, "source") == "record" ? text_member(wanted, "timestamp") : "none");
    EXPECT_EQ(whole.found.bad_records, wanted.get("bad_records")->u64().value());
    EXPECT_EQ(whole.bad.size(), whole.found.bad_records);
    for (std::size_t cut = 0; cut <= text.size(); ++cut)
        EXPECT_EQ(fed(text, options, {cut, SIZE_MAX}, reader), whole) << "cut at " << cut;
    EXPECT_EQ(fed(text, options, {1}, reader), whole);
}

TEST(NewestTime, FindsTheTimeOfEveryVectorWhereverItsBytesAreCut) {
    std::ifstream in(DRAY_TEST_DATA "/stamp-vectors.json", std::ios::binary);
    const std::string json{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    JsonParser parser;
    const auto root = parser.parse(json);
    ASSERT_TRUE(root) << root.error().message;
    std::size_t texts = 0, objects = 0;
    for (const JsonValue& vector : root->get("vectors")->elements()) {
        const auto text = decoded_text(vector);
        ++(text ? texts : objects);
        if (text) expect_stamp_vector(vector, *text);
    }
    EXPECT_EQ(texts, 76u);
    EXPECT_EQ(objects, 4u);
}

// --- the rest

const std::string kThree =
    "{\"id\":1}\n"
    "\n"
    "nope\n"
    "{\"ts\":\"2022-01-01T00:00:00Z\"}\n"
    " \t\r\n"
    "{\"ts\":17}\n"
    "{\"ts\":\"2024-01-01T02:00:00+02:00\"}\n"
    "{\"ts\":\"2024-01-01T00:00:00Z\"}\n"
    "{\"ts\":\"2023-01-01T00:00:00Z\"}";

TEST(NewestTime, StopsAtTheFirstReadableTime) {
    const Fed outcome = fed(kThree, {});
    EXPECT_EQ(time_text(outcome), "2022-01-01T00:00:00Z");
    EXPECT_EQ(outcome.found.line, 4u);
    EXPECT_EQ(outcome.found.records, 3u);
    EXPECT_EQ(outcome.found.bad_records, 1u);
    EXPECT_EQ(outcome.found.blank_lines, 1u);

    NewestTime newest(ts_reader(), {});
    EXPECT_TRUE(newest.feed("{\"ts\":\"2022-01-01T00:00:00Z\"}"));
    EXPECT_FALSE(newest.feed("\n{\"ts\":")) << "no further bytes are wanted";
    EXPECT_FALSE(newest.feed("nope\n"));
    EXPECT_EQ(newest.finish().records, 1u);
}

TEST(NewestTime, TakesTheGreatestOfAllLinesAndOfEqualsTheFirst) {
    const Fed outcome = fed(kThree, {.all_lines = true});
    EXPECT_EQ(time_text(outcome), "2024-01-01T00:00:00Z");
    EXPECT_EQ(outcome.found.line, 7u);
    EXPECT_EQ(outcome.found.records, 7u);
    EXPECT_EQ(outcome.found.bad_records, 2u);
    EXPECT_EQ(outcome.found.first_bad_line, 3u);
    EXPECT_EQ(outcome.found.blank_lines, 2u);
    EXPECT_EQ(outcome.bad, (std::vector<std::string>{"3: not JSON at byte 0: a value is expected: nope",
                                                     "6: ts is no text: {\"ts\":17}"}));
}

TEST(NewestTime, EndsLinesAtLfOnly) {
    EXPECT_EQ(fed("", {}).found, NewestTime::Found{});
    EXPECT_EQ(fed("\n", {}).found.blank_lines, 1u);
    EXPECT_EQ(fed("\r", {}).found.blank_lines, 1u) << "the last line needs no LF";
    const std::string one = "{\"a\":\"\xE2\x80\xA8\",\r\"ts\":\"2024-04-05T18:14:47Z\"}\r\n";
    EXPECT_EQ(fed(one, {}).found.records, 1u);
    EXPECT_EQ(time_text(fed(one, {})), "2024-04-05T18:14:47Z");
}

TEST(NewestTime, TakesALineThatIsTooLongForABadRecordWhereverItIsCut) {
    const std::string fits = "{\"ts\":\"2024-04-05T18:14:47Z\"}";
    const std::string text = fits + "\n" + fits + " \n" + std::string(150, 'x') + "\n" + fits;
    const NewestTimeOptions options{.all_lines = true, .max_line = fits.size()};
    const Fed whole = fed(text, options);
    EXPECT_EQ(whole.found.records, 4u);
    EXPECT_EQ(whole.found.bad_records, 2u);
    EXPECT_EQ(whole.bad, (std::vector<std::string>{"2: longer than 29 bytes: " + fits + " ",
                                                   "3: longer than 29 bytes: " + std::string(100, 'x')}));
    for (std::size_t cut = 0; cut <= text.size(); ++cut)
        for (std::size_t second : {1, 3, 99, 100, 101})
            EXPECT_EQ(fed(text, options, {cut, second}), whole) << cut << " " << second;
}

TEST(NewestTime, GivesTheSameAnswerForAnyCutsOfAnyBytes) {
    const std::uint64_t seed = test_seed();
    SCOPED_TRACE(seed_text(seed));
    std::mt19937_64 random(seed);
    static constexpr std::string_view kParts[] = {"\n",
                                                  "\n",
                                                  "\r",
                                                  " ",
                                                  "{\"ts\":\"2024-04-05T18:14:47Z\"}",
                                                  "{\"ts\":\"2023-01-01 00:00:00\"}",
                                                  "{}",
                                                  "x",
                                                  "\"",
                                                  "\xC3",
                                                  "\xA9",
                                                  "{\"cdt\":"};
    for (int round = 0; round < 3000; ++round) {
        std::string text;
        for (std::size_t left = random() % 20; left > 0; --left)
            text += kParts[random() % std::size(kParts)];
        const NewestTimeOptions options{.all_lines = round % 2 == 0, .max_line = random() % 60};
        std::vector<std::size_t> sizes;
        for (int i = 0; i < 8; ++i)
            sizes.push_back(1 + random() % 20);
        ASSERT_EQ(fed(text, options, sizes), fed(text, options)) << text;
    }
}

}  // namespace
}  // namespace dray
