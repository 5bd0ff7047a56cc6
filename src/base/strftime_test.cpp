#include <gtest/gtest.h>

#include <cstdio>

#include "base/golden_test.h"
#include "base/time.h"
#include "base/zone_test.h"

namespace dray {
namespace {

// "2024-03-09 04:05:06.007890", with an offset in microseconds behind it where there is one.
DateTime date_of(const std::string& stamp) {
    DateTime date;
    long long offset = 0;
    const int read = std::sscanf(stamp.c_str(), "%d-%d-%d %d:%d:%d.%d %lld", &date.year, &date.month, &date.day,
                                 &date.hour, &date.minute, &date.second, &date.microsecond, &offset);
    EXPECT_GE(read, 7) << stamp;
    if (read == 8) date.offset_microseconds = offset;
    return date;
}

const DateTime kSaturday = {
    .year = 2024, .month = 3, .day = 9, .hour = 4, .minute = 5, .second = 6, .microsecond = 7890};

TEST(FormatDate, AgreesWithPythonOnEveryDirectiveFlagAndWidth) {
    const Zone zone("UTC");  // for %s
    for (const auto& row : golden_rows("strftime.tsv", 3, 5000)) {
        EXPECT_EQ(format_date(date_of(row[0]), row[1]), row[2]) << row[0] << " in " << row[1];
    }
}

TEST(FormatDate, WritesYearsBelow1000WithFourDigits) {
    const DateTime early = {.year = 999, .month = 3, .day = 9};
    EXPECT_EQ(format_date(early, "%Y|%G|%F|%C|%c"), "0999|0999|0999-03-09|09|Sat Mar  9 00:00:00 0999");
    EXPECT_EQ(format_date(early, "%-Y"), "999") << "unless asked not to";
    EXPECT_EQ(format_date({.year = 1}, "%Y/%m/%d %G-W%V"), "0001/01/01 0001-W01");
}

TEST(FormatDate, CopiesUnknownDirectivesAndNamesThem) {
    EXPECT_EQ(format_date(kSaturday, "%Y/%Q/%i%"), "2024/%Q/%i%");
    EXPECT_EQ(format_date(kSaturday, "%5Q %^i %-f"), "%5Q %^i %-f") << "just as they stand";
    EXPECT_EQ(unknown_directives("%Y/%Q/%i/%Q/%-f/%é%"), (std::vector<std::string>{"%Q", "%i", "%-f", "%é", "%"}));
    EXPECT_TRUE(
        unknown_directives("%a%A%b%B%C%c%d%D%e%f%F%g%G%h%H%I%j%k%l%m%M%n%p%P%r%R%s%S%t%T%u%U%V%w%W%x%X%y%Y%z%Z%%")
            .empty());
}

TEST(FormatDate, KeepsBytesThatAreNotUtf8) {
    EXPECT_EQ(format_date(kSaturday, "\xff%Y\x80%\xfe"),
              "\xff"
              "2024\x80%\xfe");
}

TEST(FormatDate, RefusesWidthsBeyondAnyKey) {
    EXPECT_EQ(format_date(kSaturday, "%1024Y").size(), 1024u);
    EXPECT_EQ(format_date(kSaturday, "%99999999999999999999d"), "%99999999999999999999d");
    EXPECT_EQ(unknown_directives("%1025Y").size(), 1u);
}

}  // namespace
}  // namespace dray
