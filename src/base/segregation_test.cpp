// Pattern, date format and template together, as `dray segregate` uses them: tests/data/segregation-vectors.json.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "base/json.h"
#include "base/regex.h"
#include "base/time.h"
#include "base/zone_test.h"

namespace dray {
namespace {

struct Outcome {
    std::string outcome, why, date_text, date, destination;
};

std::string member(const JsonValue& object, std::string_view name) {
    const auto value = object.get(name);
    return std::string(value ? value->text().value_or("") : "");
}

DateTime clock_reading(std::string_view text) {
    const auto format = DateFormat::compile("%Y-%m-%d %H:%M:%S");
    EXPECT_TRUE(format);
    const auto date = format->parse(text);
    EXPECT_TRUE(date) << text;
    return date.value_or(DateTime{});
}

Outcome placed(std::string_view outcome, std::string_view directory, std::string_view key) {
    const std::string_view name = key.substr(key.rfind('/') + 1);
    const std::string_view slash = directory.ends_with('/') ? "" : "/";
    return {.outcome = std::string(outcome), .destination = std::string(directory).append(slash).append(name)};
}

Outcome failed(const JsonValue& vector, std::string_view why) {
    Outcome outcome = placed("error", member(vector, "errors"), member(vector, "key"));
    outcome.why = why;
    return outcome;
}

Outcome moved(const JsonValue& vector, const DateTime& date) {
    return placed("moved", format_date(date, member(vector, "template")), member(vector, "key"));
}

Outcome without_pattern(const JsonValue& vector) {
    const std::string given = member(vector, "given");
    if (!given.empty()) return moved(vector, clock_reading(given));
    return moved(vector, add_seconds(clock_reading(member(vector, "now")), -vector.get("delay")->i64().value()));
}

Outcome run(const JsonValue& vector) {
    if (member(vector, "pattern").empty()) return without_pattern(vector);
    const auto regex = Regex::compile(member(vector, "pattern"));
    if (!regex) return {.outcome = "config error", .why = "bad-pattern"};
    if (regex->group_count() == 0) return {.outcome = "config error", .why = "no-group"};
    const auto format = DateFormat::compile(member(vector, "format"));
    if (!format) return {.outcome = "config error", .why = "bad-format"};

    const std::string key = member(vector, "key");
    const auto match = regex->search(std::string_view(key).substr(key.rfind('/') + 1));
    if (!match) return {.outcome = "failed", .why = match.error().reason};
    if (!*match) return failed(vector, "no-match");
    std::string text;
    for (std::size_t i = 1; i < (*match)->groups.size(); ++i) {
        if (!(*match)->groups[i]) return failed(vector, "group-unset");
        text += *(*match)->groups[i];
    }
    const auto date = format->parse(text);
    if (!date) return failed(vector, "no-date");
    Outcome outcome = moved(vector, *date);
    outcome.date_text = text;
    outcome.date = format_date(*date, "%Y-%m-%dT%H:%M:%S");
    return outcome;
}

TEST(Segregation, PutsEveryVectorWhereItBelongs) {
    const Zone zone("UTC");
    std::ifstream in(DRAY_TEST_DATA "/segregation-vectors.json", std::ios::binary);
    const std::string json{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    JsonParser parser;
    const auto root = parser.parse(json);
    ASSERT_TRUE(root) << root.error().message;
    const auto vectors = root->get("vectors")->elements();
    EXPECT_EQ(vectors.size(), 79u);
    for (const JsonValue& vector : vectors) {
        SCOPED_TRACE(member(vector, "name"));
        const JsonValue wanted = *vector.get("wanted");
        const Outcome outcome = run(vector);
        EXPECT_EQ(outcome.outcome, member(wanted, "outcome"));
        EXPECT_EQ(outcome.why, member(wanted, "why"));
        EXPECT_EQ(outcome.destination, member(wanted, "destination"));
        if (wanted.get("date_text") && outcome.outcome == "moved") {
            EXPECT_EQ(outcome.date_text, member(wanted, "date_text"));
        }
        // An offset is kept beside the wall clock; only the clock is compared here.
        if (const std::string date = member(wanted, "date"); !date.empty()) {
            EXPECT_EQ(outcome.date, date.substr(0, outcome.date.size()));
        }
    }
}

}  // namespace
}  // namespace dray
