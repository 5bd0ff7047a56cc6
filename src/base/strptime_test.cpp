#include <gtest/gtest.h>

#include <map>

#include "base/golden_test.h"
#include "base/time.h"
#include "base/zone_test.h"

namespace dray {
namespace {

DateFormat format(std::string_view text) {
    auto compiled = DateFormat::compile(text);
    EXPECT_TRUE(compiled) << compiled.error().message;
    return *std::move(compiled);
}

std::string complaint_of(std::string_view text) {
    auto compiled = DateFormat::compile(text);
    if (compiled) return "none";
    EXPECT_EQ(compiled.error().code, Code::invalid);
    return compiled.error().message;
}

// As the golden file writes it.
std::string stamp(const std::optional<DateTime>& date) {
    if (!date) return "-";
    char text[64];
    std::snprintf(text, sizeof text, "%04d-%02d-%02d %02d:%02d:%02d.%06d", date->year, date->month, date->day,
                  date->hour, date->minute, date->second, date->microsecond);
    return date->offset_microseconds ? text + (" " + std::to_string(*date->offset_microseconds)) : text;
}

TEST(DateFormat, AgreesWithPythonOnEveryGoldenPair) {
    const Zone zone("UTC");
    for (const auto& row : golden_rows("strptime.tsv", 3, 10'000)) {
        auto compiled = DateFormat::compile(row[0]);
        const std::string got = compiled ? stamp(compiled->parse(row[1])) : "twice";
        EXPECT_EQ(got, row[2]) << "'" << row[1] << "' as '" << row[0] << "'";
    }
}

TEST(DateFormat, GoldenPairsHoldManyDatesForEveryDirective) {
    std::map<char, int> dates;
    for (const auto& row : golden_rows("strptime.tsv", 3, 10'000)) {
        for (std::size_t at = row[0].find('%'); row[2] != "-" && at != std::string::npos;
             at = row[0].find('%', at + 2)) {
            ++dates[row[0][at + 1]];
        }
    }
    for (const char directive : std::string("YymdHIpMSfjaAbBwuUWGVzZcxX%")) {
        EXPECT_GE(dates[directive], 3) << directive;
    }
}

TEST(DateFormat, ShowsTheUnknownDirective) {
    EXPECT_EQ(complaint_of("%Y%m%d%Q"), "bad date format: unknown directive %Q\n  %Y%m%d%Q\n        ^");
    EXPECT_EQ(complaint_of("%-d"), "bad date format: unknown directive %-\n  %-d\n  ^");
    EXPECT_EQ(complaint_of("é% d"), "bad date format: unknown directive % \n  é% d\n   ^");
    for (const char* unknown : {"%e", "%s", "%T", "%F", "%D", "%N", "%k", "%n", "%t", "%.", "%é", "%\n"}) {
        EXPECT_NE(complaint_of(unknown), "none") << unknown;
    }
}

TEST(DateFormat, ShowsTheLonePercentSign) {
    EXPECT_EQ(complaint_of("%Y%m%d%"),
              "bad date format: a lone % at the end (write %% for the sign)\n  %Y%m%d%\n        ^");
    EXPECT_EQ(complaint_of("%Y%%"), "none");
}

TEST(DateFormat, ShowsTheDirectiveGivenTwice) {
    EXPECT_EQ(complaint_of("%Y%m%d%Y"), "bad date format: directive %Y twice\n  %Y%m%d%Y\n        ^");
    EXPECT_EQ(complaint_of("%H %c"), "bad date format: directive %H twice\n  %H %c\n     ^") << "%c holds %H";
    EXPECT_EQ(complaint_of("%U%W%b%B%m"), "none") << "different directives for one thing are allowed";
}

TEST(DateFormat, RefusesAFormatThatIsNotUtf8) {
    EXPECT_EQ(complaint_of("%Y\xff"), "bad date format: not UTF-8\n  %Y \n    ^");
    EXPECT_NE(complaint_of("%\xff"), "none");
}

TEST(DateFormat, FindsNoDateInBytesThatAreNotUtf8) {
    EXPECT_FALSE(format("%Y").parse("\xff\xff\xff\xff"));
    EXPECT_FALSE(format("%Y").parse("2024\xff"));
    EXPECT_FALSE(
        format("x%Y").parse("\xff"
                            "2024"));
}

TEST(DateFormat, TakesTheFirstReadingAndNeverAShorterOneToUseUpTheText) {
    EXPECT_FALSE(format("%m").parse("123"));
    EXPECT_EQ(format("%Y%m%d").parse("2024111"), (DateTime{2024, 11, 1}));
    EXPECT_FALSE(format("%Y").parse("2024\n")) << "a final newline counts";
    EXPECT_FALSE(format("").parse("x"));
    EXPECT_EQ(format("").parse(""), DateTime{});
}

TEST(DateFormat, ReadsAnOffsetWithAllSixDigitsOfItsFraction) {
    EXPECT_EQ(stamp(format("%H%z").parse("04+23:59:59.999999")), "1900-01-01 04:00:00.000000 86399999999");
    EXPECT_EQ(stamp(format("%H%z").parse("04-055959.123456")), "1900-01-01 04:00:00.000000 -21599123456");
}

TEST(DateFormat, ReadsTheNamesOfTheMachinesZone) {
    const Zone zone("Europe/Berlin");
    const DateFormat zoned = format("%Z %Y");
    for (const char* name : {"CET", "cest", "UTC", "gmt"}) {
        EXPECT_EQ(zoned.parse(std::string(name) + " 2024"), (DateTime{.year = 2024})) << name;
    }
    EXPECT_FALSE(zoned.parse("PST 2024"));
}

}  // namespace
}  // namespace dray
