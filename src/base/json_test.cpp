#include "base/json.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <random>

namespace dray {
namespace {

std::string written(const std::function<void(JsonWriter&)>& write) {
    std::string out;
    JsonWriter json(out);
    write(json);
    return out;
}

bool parses(std::string_view text) {
    return JsonParser().parse(text).has_value();
}

TEST(JsonWriter, WritesNestedValuesOnOneLine) {
    EXPECT_EQ(written([](JsonWriter& json) {
                  json.begin_object()
                      .field("n", std::uint64_t{17})
                      .field("state", "copied")
                      .field("ok", true)
                      .name("list")
                      .begin_array()
                      .number(std::int64_t{-1})
                      .null()
                      .begin_object()
                      .end_object()
                      .begin_array()
                      .end_array()
                      .raw("[1,2]")
                      .end_array()
                      .field("x", 0.5)
                      .end_object();
              }),
              R"({"n":17,"state":"copied","ok":true,"list":[-1,null,{},[],[1,2]],"x":0.5})");
}

TEST(JsonWriter, S12EscapesWhatBreaksALineOrAString) {
    EXPECT_EQ(written([](JsonWriter& json) { json.text("a\"b\\c\n\r\t\x01\x1b\x7f"); }),
              "\"a\\\"b\\\\c\\n\\r\\t\\u0001\\u001b\x7f\"");
    EXPECT_EQ(written([](JsonWriter& json) { json.text(std::string_view("\0", 1)); }), R"("\u0000")");
    EXPECT_EQ(written([](JsonWriter& json) { json.text("caf\xC3\xA9 \xF0\x9F\x98\x80"); }),
              "\"caf\xC3\xA9 \xF0\x9F\x98\x80\"");
}

TEST(JsonWriter, S12StaysValidForAnyBytes) {
    std::mt19937 random(7);
    const std::string_view alphabet = "a\"\\\n\x01\x7f\x80\xbf\xc0\xc3\xa9\xe2\x80\xae\xed\xa0\xf0\x9f\x98\xff{}";
    JsonParser parser;
    for (int round = 0; round < 20'000; ++round) {
        std::string text;
        for (std::size_t i = random() % 12; i > 0; --i)
            text += alphabet[random() % alphabet.size()];
        const std::string json = written([&](JsonWriter& writer) {
            writer.begin_object().field(text, text).bytes_field("bytes", text).end_object();
        });
        auto value = parser.parse(json);
        ASSERT_TRUE(value) << json;
        ASSERT_EQ(value->bytes("bytes"), text);
        ASSERT_TRUE(!is_utf8(text) || value->members()[0].second.text() == text) << json;
    }
}

TEST(JsonWriter, ReplacesEachBadByteInText) {
    EXPECT_EQ(written([](JsonWriter& json) {
                  json.text(
                      "a\xFF"
                      "b\xC3\xA9\xC3");
              }),
              "\"a\xEF\xBF\xBD"
              "b\xC3\xA9\xEF\xBF\xBD\"");
}

TEST(JsonWriter, CarriesAnyBytesInABytesField) {
    EXPECT_EQ(written([](JsonWriter& json) { json.begin_object().bytes_field("key", "a\xFF").end_object(); }),
              R"({"key_b64":"Yf8="})");
    EXPECT_EQ(written([](JsonWriter& json) { json.begin_object().bytes_field("key", "a").end_object(); }),
              R"({"key":"a"})");
}

TEST(JsonWriter, NumbersReadBackEqual) {
    JsonParser parser;
    for (const double number : {0.0, 0.1, -1.5e-300, 1e300, 5e-324, std::numeric_limits<double>::max(), 1e22, 3.0}) {
        const std::string json = written([&](JsonWriter& writer) { writer.number(number); });
        EXPECT_EQ(parser.parse(json)->f64(), number) << json;
    }
    const std::string most = written([](JsonWriter& json) { json.number(std::uint64_t{18446744073709551615U}); });
    EXPECT_EQ(parser.parse(most)->u64(), 18446744073709551615U);
    EXPECT_EQ(written([](JsonWriter& json) { json.number(std::nan("")); }), "null");
    EXPECT_EQ(written([](JsonWriter& json) { json.number(-HUGE_VAL); }), "null");
}

TEST(JsonWriterDeathTest, AbortsOnMisuse) {
    EXPECT_DEATH(written([](JsonWriter& json) { json.begin_object().text("no name"); }), "broken invariant");
    EXPECT_DEATH(written([](JsonWriter& json) { json.begin_array().name("a"); }), "broken invariant");
    EXPECT_DEATH(written([](JsonWriter& json) { json.begin_array().end_object(); }), "broken invariant");
    EXPECT_DEATH(written([](JsonWriter& json) { json.begin_object().name("a").end_object(); }), "broken invariant");
    EXPECT_DEATH(written([](JsonWriter& json) { json.null().null(); }), "broken invariant");
    EXPECT_DEATH(written([](JsonWriter& json) {
                     for (int i = 0; i <= JsonWriter::kMaxDepth; ++i)
                         json.begin_array();
                 }),
                 "broken invariant");
}

TEST(JsonParser, ReadsEveryKind) {
    JsonParser parser;
    auto root = parser.parse(R"( {"t":"a\u00e9","n":-5,"u":7,"d":1.5,"b":true,"z":null,"a":[1,"x"],"o":{"k":1}} )");
    ASSERT_TRUE(root);
    EXPECT_EQ(root->kind(), JsonValue::Kind::object);
    EXPECT_EQ(root->get("t")->text(), "a\xC3\xA9");
    EXPECT_EQ(root->get("n")->i64(), -5);
    EXPECT_EQ(root->get("n")->u64(), std::nullopt) << "does not fit";
    EXPECT_EQ(root->get("u")->u64(), 7U);
    EXPECT_EQ(root->get("u")->i64(), 7);
    EXPECT_EQ(root->get("u")->f64(), 7.0);
    EXPECT_EQ(root->get("d")->f64(), 1.5);
    EXPECT_EQ(root->get("d")->u64(), std::nullopt);
    EXPECT_EQ(root->get("b")->boolean(), true);
    EXPECT_EQ(root->get("b")->text(), std::nullopt);
    EXPECT_EQ(root->get("z")->kind(), JsonValue::Kind::null);
    EXPECT_EQ(root->get("missing").has_value(), false);
    EXPECT_EQ(root->get("t")->get("x").has_value(), false) << "a text has no members";
    const auto elements = root->get("a")->elements();
    ASSERT_EQ(elements.size(), 2U);
    EXPECT_EQ(elements[1].text(), "x");
    EXPECT_EQ(root->get("o")->raw(), R"({"k":1})");
    EXPECT_TRUE(root->get("o")->elements().empty());
}

TEST(JsonParser, KeepsTheOrderOfMembersAndDuplicates) {
    JsonParser parser;
    auto root = parser.parse(R"({"b":1,"a":2,"b":3})");
    ASSERT_TRUE(root);
    const auto members = root->members();
    ASSERT_EQ(members.size(), 3U);
    EXPECT_EQ(members[0].first, "b");
    EXPECT_EQ(members[1].first, "a");
    EXPECT_EQ(members[2].second.u64(), 3U);
    EXPECT_EQ(root->get("b")->u64(), 1U);
}

TEST(JsonParser, ValidatesAllOfTheText) {
    for (const char* bad : {"",
                            " ",
                            "{",
                            R"({"a":1,"b":nope})",
                            R"({"a":1,})",
                            "[1,2] foo ]",
                            "[1 2]",
                            "{} {}",
                            "nul",
                            "01",
                            "+1",
                            ".5",
                            "1.",
                            "'a'",
                            "\"a\nb\"",
                            R"("\x41")",
                            R"("\ud800")",
                            "\"\xFF\"",
                            "\"\xC0\xAF\"",
                            "\"\xED\xA0\x80\"",
                            "[1,]",
                            "{a:1}",
                            "NaN",
                            "Infinity",
                            "\xFE\xFF"})
        EXPECT_FALSE(parses(bad)) << bad;
    EXPECT_EQ(JsonParser().parse("{").error().code, Code::corrupt);
}

TEST(JsonParser, RefusesNumbersThatDoNotFit) {
    EXPECT_FALSE(parses("18446744073709551616"));
    EXPECT_FALSE(parses("-9223372036854775809"));
    EXPECT_FALSE(parses("1e999"));
    EXPECT_TRUE(parses("18446744073709551615"));
    EXPECT_TRUE(parses("-9223372036854775808"));
}

TEST(JsonParser, RefusesTextsThatAreTooDeepOrTooLarge) {
    const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
    EXPECT_TRUE(parses(nested(JsonParser::kMaxDepth - 1)));
    EXPECT_FALSE(parses(nested(JsonParser::kMaxDepth + 1)));
    EXPECT_FALSE(parses(nested(1'000'000)));
    EXPECT_FALSE(parses('"' + std::string(JsonParser::kMaxBytes, 'a') + '"'));
}

TEST(JsonParser, KeepsItsDepthLimitWhenItGrows) {
    JsonParser parser;
    ASSERT_TRUE(parser.parse('"' + std::string(1 << 20, 'a') + '"'));
    EXPECT_FALSE(parser.parse(std::string(200, '[') + std::string(200, ']')));
}

TEST(JsonParser, GoesOnAfterABadText) {
    JsonParser parser;
    EXPECT_FALSE(parser.parse("{"));
    EXPECT_EQ(parser.parse("7")->u64(), 7U);
}

TEST(JsonParser, ADamagedBytesFieldIsNoValue) {
    JsonParser parser;
    auto root = parser.parse(R"({"a_b64":"!","b":1,"c_b64":"Yf8=","c":"plain"})");
    ASSERT_TRUE(root);
    EXPECT_EQ(root->bytes("a"), std::nullopt);
    EXPECT_EQ(root->bytes("b"), std::nullopt);
    EXPECT_EQ(root->bytes("c"), "plain");
    EXPECT_EQ(root->bytes("d"), std::nullopt);
}

TEST(IsUtf8, IsStrict) {
    EXPECT_TRUE(is_utf8(""));
    EXPECT_TRUE(is_utf8("a\xC3\xA9\xF4\x8F\xBF\xBF"));
    for (const char* bad :
         {"\x80", "\xC3", "\xC0\xAF", "\xE0\x80\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xF8\x88\x80"})
        EXPECT_FALSE(is_utf8(bad));
}

}  // namespace
}  // namespace dray
