#include "codec/json_scanner.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "base/json.h"
#include "base/random_test.h"

namespace dray {
namespace {

bool is_json(std::string_view text) {
    JsonScanner in(text);
    JsonPiece value;
    return in.value(value) && in.finish();
}

std::string fault_of(std::string_view text) {
    JsonScanner in(text);
    JsonPiece value;
    EXPECT_FALSE(in.value(value) && in.finish()) << text;
    return in.fault();
}

JsonPiece only_value(std::string_view text) {
    JsonScanner in(text);
    JsonPiece value;
    EXPECT_TRUE(in.value(value) && in.finish()) << text << ": " << in.fault();
    return value;
}

std::string brackets(std::size_t depth, std::string_view open, std::string_view close) {
    std::string text;
    for (std::size_t i = 0; i < depth; ++i)
        text += open;
    for (std::size_t i = 0; i < depth; ++i)
        text += close;
    return text;
}

TEST(JsonScanner, ReadsWhatPythonReads) {
    for (const char* text : {"null", " true\t", "\r\nfalse\n", "0", "-0", "17", "1.5e-7", "1E5", "[]", "{}", "[ ]",
                             "{ }", R"([1,"a",null,[],{"a":[{}]}])", R"({"a":1,"a":2,"":3})",
                             R"("\"\\\/\b\f\n\r\t\u00e9\u00C9")", "\"caf\xC3\xA9 \x7F\""}) {
        EXPECT_TRUE(is_json(text)) << text;
    }
    for (const char* text :
         {"NaN", "Infinity", "-Infinity", "[NaN,-Infinity]", "1e999", "1e-999", R"("\ud800")", R"("\udc00\ud800x")"}) {
        EXPECT_TRUE(is_json(text)) << text << ": more than RFC 8259 has";
    }
    EXPECT_TRUE(is_json(std::string(100'000, '9'))) << "a number of any size";
}

TEST(JsonScanner, RefusesEverythingElse) {
    for (const char* text : {"",           " ",           "nul",
                             "nulll",      "True",        "nan",
                             "-NaN",       "inf",         "01",
                             "-",          "+1",          "1.",
                             ".5",         "1e",          "1e+",
                             "0x1",        "- 1",         "1_0",
                             "[1,]",       "[,1]",        "[1 2]",
                             "[1",         "]",           "[1}",
                             "{\"a\":1,}", "{,}",         "{\"a\"}",
                             "{\"a\" 1}",  "{\"a\":}",    "{\"a\":1 \"b\":2}",
                             "{a:1}",      "{1:2}",       "{\"a\":1",
                             "{\"a\":1]",  "{}{}",        "{} {}",
                             "[] 1",       "'a'",         "\"a",
                             "\"\\\"",     "\"\\",        "\"\\a\"",
                             "\"\\u12\"",  "\"\\u12g4\"", "\"\\u\"",
                             "\"a\tb\"",   "\"a\x1f\"",   "// x",
                             "[1]/**/",    "\v1",         "\xEF\xBB\xBF{}",
                             "\xC2\xA0"}) {
        EXPECT_FALSE(is_json(text)) << text;
    }
    EXPECT_FALSE(is_json(std::string_view("\"a\0b\"", 5)));
    EXPECT_FALSE(is_json(std::string_view("{}\0", 3))) << "NUL is no end";
    EXPECT_FALSE(is_json(std::string_view("1\0", 2)));
    EXPECT_FALSE(is_json(std::string_view("\"\\\0\"", 4)));
}

TEST(JsonScanner, NamesTheFaultAndItsPlace) {
    EXPECT_EQ(fault_of(R"({"a":1,})"), "not JSON at byte 7: a name in quotes is expected");
    EXPECT_EQ(fault_of(R"({"a":nope})"), "not JSON at byte 5: a value is expected");
    EXPECT_EQ(fault_of("{} []"), "not JSON at byte 3: more than one value");
    EXPECT_EQ(fault_of("[\"x"), "not JSON at byte 3: the text has no end");
}

TEST(JsonScanner, StaysFailedAfterTheFirstFault) {
    JsonScanner in("[nope]");
    JsonPiece value;
    ASSERT_TRUE(in.open() && in.next());
    ASSERT_FALSE(in.value(value));
    const std::string fault = in.fault();
    EXPECT_FALSE(in.open() || in.next() || in.name(value) || in.value(value) || in.finish() || in.at_object());
    EXPECT_EQ(in.fault(), fault);
}

TEST(JsonScanner, ReadsExactlyAsManyLevelsAsItSays) {
    constexpr std::size_t kMost = JsonScanner::kMaxDepth;
    EXPECT_TRUE(is_json(brackets(kMost, "[", "]")));
    EXPECT_FALSE(is_json(brackets(kMost + 1, "[", "]")));
    EXPECT_TRUE(is_json(brackets(kMost / 2, "{\"a\":[", "]}")));
    EXPECT_FALSE(is_json("[" + brackets(kMost / 2, "{\"a\":[", "]}") + "]"));
    EXPECT_FALSE(is_json(std::string(1'000'000, '['))) << "nor does the stack of a thread matter";
    EXPECT_TRUE(is_json("[" + brackets(kMost - 1, "[", "]") + "," + brackets(kMost - 1, "[", "]") + "]"))
        << "levels that ended do not count";
}

TEST(JsonScanner, WalksMembersInTheOrderOfTheText) {
    JsonScanner in(R"( { "a" : [1, {"x":2}] , "b":{} ,"a":"\u0062" } )");
    JsonPiece name, value;
    std::vector<std::string> seen;
    ASSERT_TRUE(in.at_object());
    ASSERT_TRUE(in.open());
    while (in.next()) {
        ASSERT_TRUE(in.name(name) && in.value(value)) << in.fault();
        seen.push_back(name.text() + "=" + std::string(value.raw));
    }
    EXPECT_TRUE(in.finish()) << in.fault();
    EXPECT_EQ(seen, (std::vector<std::string>{"a=[1, {\"x\":2}]", "b={}", "a=\\u0062"}));
    EXPECT_TRUE(value.is("b"));
    EXPECT_FALSE(value.is("\\u0062"));
}

TEST(JsonPiece, ResolvesEscapes) {
    EXPECT_EQ(only_value(R"("a\"\\\/\b\f\n\r\tz")").text(), "a\"\\/\b\f\n\r\tz");
    EXPECT_EQ(only_value(R"("\u0041\u00e9\u4e2d\u4E2D")").text(), "A\xC3\xA9\xE4\xB8\xAD\xE4\xB8\xAD");
    EXPECT_EQ(only_value(R"("\ud83d\ude00")").text(), "\xF0\x9F\x98\x80");
    EXPECT_EQ(only_value(R"("\u0000")").text(), std::string(1, '\0'));
    const std::string lost = "\xEF\xBF\xBD";
    EXPECT_EQ(only_value(R"("\ud800")").text(), lost);
    EXPECT_EQ(only_value(R"("\ud800x\udc00")").text(), lost + "x" + lost);
    EXPECT_EQ(only_value(R"("\ud800\ud83d\ude00")").text(), lost + "\xF0\x9F\x98\x80");
    EXPECT_EQ(only_value(R"("\ud800\\udc00")").text(), lost + "\\udc00") << "an escaped backslash begins no escape";
}

TEST(JsonPiece, IsTrueAndFalseAsInPython) {
    for (const char* text : {"null", "false", "0", "-0", "0.0", "-0.0", "0e9", "0.000E-5", "1e-400", "2e-324", "\"\"",
                             "[]", "[ \t]", "{}", "{ \r\n }"}) {
        EXPECT_FALSE(only_value(text).truthy()) << text;
    }
    for (const char* text : {"true", "1", "-1", "0.5", "1e999", "-1e999", "4e-324", "NaN", "Infinity", "-Infinity",
                             "\" \"", "\"0\"", "[0]", "[[]]", "{\"\":null}"}) {
        EXPECT_TRUE(only_value(text).truthy()) << text;
    }
    EXPECT_TRUE(only_value("1" + std::string(5000, '0')).truthy());
    EXPECT_TRUE(only_value("0." + std::string(400, '0') + "1e401").truthy());
}

// Any mixture of what JSON is made of, mostly wrong; without what only one of the two readers takes.
std::string random_tokens(std::mt19937_64& random) {
    static constexpr std::string_view kParts[] = {"{",       "}",    "[",     "]",       ",",
                                                  ":",       "\"",   "\"a\"", "\"ts\":", " ",
                                                  "\t",      "\\",   "\\n",   "\\u0041", "1",
                                                  "-2.5e3,", "0",    "01",    ".",       "true",
                                                  "null",    "fals", "x",     "\x01",    "\xC3\xA9",
                                                  "{\"a\":", "[1,",  "},",    "],",      "\"long enough for eight\""};
    std::string text;
    for (std::size_t left = random() % 12; left > 0; --left)
        text += kParts[random() % std::size(kParts)];
    return text;
}

// JSON, and some of it spoilt by one byte.
std::string random_json(std::mt19937_64& random, int depth) {
    static constexpr std::string_view kScalars[] = {
        "null", "true", "false", "0", "-17", "2.5", "1e3", "\"\"", "\"ts\"", "\"a b c d e f g h\"", "\"\\u00e9\\\\\""};
    const auto blank = [&] { return random() % 4 == 0 ? " " : ""; };
    if (depth == 0 || random() % 3 == 0) return std::string(kScalars[random() % std::size(kScalars)]);
    const bool object = random() % 2 == 0;
    std::string text = object ? "{" : "[";
    for (std::size_t left = random() % 4; left > 0; --left) {
        text += blank();
        if (object) text.append("\"n\"").append(blank()).append(":");
        text.append(blank()).append(random_json(random, depth - 1)).append(left > 1 ? "," : "");
    }
    return text.append(blank()).append(object ? "}" : "]");
}

TEST(JsonScanner, AgreesWithTheOtherReaderWhereBothReadTheSame) {
    const std::uint64_t seed = test_seed();
    SCOPED_TRACE(seed_text(seed));
    std::mt19937_64 random(seed);
    JsonParser other;
    std::size_t good = 0;
    for (int round = 0; round < 40'000; ++round) {
        std::string text = round % 2 == 0 ? random_tokens(random) : random_json(random, 4);
        if (round % 4 == 1 && !text.empty()) text[random() % text.size()] = "{}[]\",:\\ 0e-.\x02"[random() % 14];
        const bool wanted = other.parse(text).has_value();
        ASSERT_EQ(is_json(text), wanted) << text;
        if (wanted) ++good;
    }
    EXPECT_GT(good, 8000u);
    EXPECT_LT(good, 32'000u);
}

}  // namespace
}  // namespace dray
