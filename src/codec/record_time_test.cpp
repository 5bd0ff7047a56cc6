#include "codec/record_time.h"

#include <gtest/gtest.h>

#include <random>

#include "base/golden_test.h"
#include "base/random_test.h"

namespace dray {
namespace {

// "blank", "none", "bad", or the time.
std::string answer_to(const RecordReader& reader, std::string_view line) {
    const RecordVerdict verdict = reader.read(line);
    EXPECT_EQ(verdict.reason.empty(), verdict.kind != RecordVerdict::Kind::bad) << line;
    switch (verdict.kind) {
        case RecordVerdict::Kind::blank: return "blank";
        case RecordVerdict::Kind::no_time: return "none";
        case RecordVerdict::Kind::bad: return "bad";
        case RecordVerdict::Kind::time: break;
    }
    return text_of(verdict.time);
}

std::string answer_to(std::string_view line) {
    static const RecordReader reader(TimeField::ts);
    return answer_to(reader, line);
}

std::string reason_for(std::string_view line) {
    return RecordReader(TimeField::ts).read(line).reason;
}

std::string time_read(std::string_view text) {
    static const RecordReader reader(TimeField::ts);
    const auto time = reader.time_in(text);
    return time ? text_of(*time) : "none";
}

TEST(RecordTime, AnswersAsPythonDoes) {
    const RecordReader readers[] = {RecordReader(TimeField::ts), RecordReader(TimeField::cdt),
                                    RecordReader(TimeField::timestamp)};
    for (const auto& row : golden_rows("record-times.tsv", 3, 2500)) {
        const auto field = time_field_named(row[0]);
        ASSERT_TRUE(field) << row[0];
        EXPECT_EQ(answer_to(readers[static_cast<std::size_t>(*field)], row[1]), row[2])
            << row[0] << " first: " << row[1];
    }
}

TEST(RecordTime, IsWrittenWithFourDigitsOfYear) {
    EXPECT_EQ(text_of({0}), "1970-01-01T00:00:00Z");
    EXPECT_EQ(text_of({-1}), "1969-12-31T23:59:59Z");
    EXPECT_EQ(time_read("0999-01-02T03:04:05Z"), "0999-01-02T03:04:05Z");
    EXPECT_EQ(time_read("0001-01-01T00:00:00Z"), "0001-01-01T00:00:00Z");
    EXPECT_EQ(time_read("9999-12-31T23:59:59Z"), "9999-12-31T23:59:59Z");
}

TEST(RecordTime, ReadsFourLayouts) {
    for (const char* text :
         {"2024-04-05T18:14:47Z", "2024-04-05t18:14:47z", "2024-04-05T18:14:47", "2024-4-5T18:14:47Z",
          "2024-04- 5T18:14:47Z", "2024-04-05T20:14:47+02:00", "2024-04-05T12:44:47-0530",
          "2024-04-05T20:14:48+02:00:00.25", "2024-04-05 18:14:47", "2024-04-05 \t\xE3\x80\x80 18:14:47",
          "\xEF\xBC\x92\xEF\xBC\x90\xEF\xBC\x92\xEF\xBC\x94-04-05T18:14:47Z"}) {
        EXPECT_EQ(time_read(text), "2024-04-05T18:14:47Z") << text;
    }
    for (const char* text :
         {"", "2024-04-05", "2024-04-05T18:14Z", "2024-04-05T18:14:47.5Z", " 2024-04-05T18:14:47Z",
          "2024-04-05T18:14:47Z ", "2024-04-05 18:14:47Z", "2024-04-05T18:14:60Z", "2024-04-05T24:00:00Z",
          "24-04-05T18:14:47Z", "0000-04-05T18:14:47Z", "2023-02-29T00:00:00Z", "2024-04-05T18:14:47+2:00",
          "2024-04-05T18:14:47+24:00", "2024-04-05T18:14:47+02:60", "2024-04-05T18:14:47+02:0030",
          "2024-04-05T18:14:47+02", "1712340887"}) {
        EXPECT_EQ(time_read(text), "none") << text;
    }
    EXPECT_EQ(time_read("2024-04-05" + std::string(1'000'000, ' ') + "18:14:47"), "2024-04-05T18:14:47Z");
}

// What is written in full is read by hand, the rest by strptime: a blank-padded or one-digit part must not part the
// two.
TEST(RecordTime, ReadsATimeInFullAsItReadsItsOtherSpellings) {
    const std::uint64_t seed = test_seed();
    SCOPED_TRACE(seed_text(seed));
    std::mt19937_64 random(seed);
    const auto two = [&](unsigned end) {
        const auto number = std::to_string(random() % end);
        return number.size() == 1 ? "0" + number : number;
    };
    std::size_t read = 0;
    for (int round = 0; round < 5000; ++round) {
        const std::string date = two(100) + two(100) + "-" + two(14) + "-" + two(33);
        const std::string time = two(25) + ":" + two(61) + ":" + two(62);
        const std::string wanted = time_read(date + "t" + time + "z");
        for (const std::string& text : {date + "T" + time + "Z", date + "T" + time, date + " " + time})
            ASSERT_EQ(time_read(text), wanted) << text;
        if (wanted != "none") ++read;
        ASSERT_EQ(time_read(date + " " + time + "Z"), "none");
    }
    EXPECT_GT(read, 2500u);
}

TEST(RecordTime, StaysWithinTheYearsThatHaveFourDigits) {
    EXPECT_EQ(time_read("0001-01-01T01:00:00+01:00"), "0001-01-01T00:00:00Z");
    EXPECT_EQ(time_read("0001-01-01T01:00:00+01:00:01"), "none");
    EXPECT_EQ(time_read("0001-01-01T00:00:00+00:00:00.5"), "none");
    EXPECT_EQ(time_read("9999-12-31T22:59:59-01:00:00.5"), "9999-12-31T23:59:59Z") << "a fraction is cut off";
    EXPECT_EQ(time_read("9999-12-31T23:59:59-00:01"), "none");
    EXPECT_EQ(reason_for(R"({"ts":"9999-12-31T23:59:59-00:01"})"), "ts is no time in a layout that is read");
}

TEST(RecordTime, JudgesTheWholeLineWhereverTheTimeStands) {
    const std::string good = R"({"ts":"2024-04-05T18:14:47Z","a":[1,{"b":NaN}]})";
    EXPECT_EQ(answer_to(good), "2024-04-05T18:14:47Z");
    for (std::size_t size = 1; size < good.size(); ++size)
        EXPECT_EQ(answer_to(std::string_view(good).substr(0, size)), "bad") << size;
    EXPECT_EQ(answer_to(good + "\r"), "2024-04-05T18:14:47Z");
    EXPECT_EQ(answer_to(good + "x"), "bad");
    EXPECT_EQ(answer_to("\xEF\xBB\xBF" + good), "bad");
    EXPECT_EQ(answer_to(R"({"id":1,})"), "bad") << "a line without any of the names too";
}

TEST(RecordTime, SaysWhyALineIsBad) {
    EXPECT_EQ(reason_for("{\"a\":\"\xFF\"}"), "not UTF-8");
    EXPECT_EQ(reason_for("nope"), "not JSON at byte 0: a value is expected");
    EXPECT_EQ(reason_for("[1]"), "not an object");
    EXPECT_EQ(reason_for("[1"), "not JSON at byte 2: a comma or ] is expected");
    EXPECT_EQ(reason_for(R"({"ts":17})"), "ts is no text");
    EXPECT_EQ(reason_for(R"({"cdt":"x"})"), "cdt is no time in a layout that is read");
    EXPECT_EQ(reason_for(R"({"impresso_language_identifier_version":null})"),
              "impresso_language_identifier_version is no object");
    EXPECT_EQ(reason_for(R"({"impresso_language_identifier_version":{"ts":[1]}})"),
              "impresso_language_identifier_version.ts is no text");
}

TEST(RecordTime, TakesTheLastOfSeveralMembersWithOneName) {
    EXPECT_EQ(answer_to(R"({"ts":"2024-04-05T18:14:47Z","\u0074s":null})"), "none");
    EXPECT_EQ(answer_to(R"({"ts":{"ts":17},"ts":"2024-04-05T18:14:47Z"})"), "2024-04-05T18:14:47Z");
    EXPECT_EQ(
        answer_to(
            R"({"impresso_language_identifier_version":{"ts":"2024-04-05T18:14:47Z"},"impresso_language_identifier_version":{}})"),
        "none")
        << "the first one is forgotten whole";
    EXPECT_EQ(
        answer_to(
            R"({"impresso_language_identifier_version":1,"impresso_language_identifier_version":{"ts":"2024-04-05T18:14:47Z"}})"),
        "2024-04-05T18:14:47Z");
}

// Lines of bytes and of what lines are made of.
std::string random_line(std::mt19937_64& random) {
    static constexpr std::string_view kParts[] = {"{",
                                                  "}",
                                                  "[",
                                                  "]",
                                                  ",",
                                                  ":",
                                                  "\"",
                                                  "\\",
                                                  "\"ts\":",
                                                  "\"cdt\"",
                                                  "{\"impresso_language_identifier_version\":",
                                                  "\"2024-04-05T18:14:47Z\"",
                                                  "\"2024-04-05 ",
                                                  "+02:00\"",
                                                  "\\ud83d",
                                                  "\\udc00",
                                                  "\\u",
                                                  "NaN",
                                                  "-Infinity",
                                                  "1e",
                                                  "0.",
                                                  "17",
                                                  " ",
                                                  "\t",
                                                  "\xE2\x80\x83",
                                                  "\xED\xA0\x80",
                                                  "\xEF\xBB\xBF",
                                                  "null"};
    std::string line;
    for (std::size_t left = random() % 16; left > 0; --left) {
        if (random() % 8 == 0)
            line += static_cast<char>(random());
        else
            line += kParts[random() % std::size(kParts)];
    }
    return line;
}

TEST(RecordTime, GivesOneAnswerForAnyBytesAndBlanksAroundThemDoNotMatter) {
    const std::uint64_t seed = test_seed();
    SCOPED_TRACE(seed_text(seed));
    std::mt19937_64 random(seed);
    const RecordReader reader(TimeField::ts);
    for (int round = 0; round < 50'000; ++round) {
        const std::string line = random_line(random);
        ASSERT_EQ(answer_to(reader, " \t" + line + "\r "), answer_to(reader, line)) << line;
    }
}

}  // namespace
}  // namespace dray
