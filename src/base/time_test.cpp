#include "base/time.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/zone_test.h"

namespace dray {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

WallTime at(std::int64_t since_1970) {
    return WallTime(seconds(since_1970));
}

// 2024-03-09 04:05:06 UTC, a Saturday.
constexpr std::int64_t kSaturdayAt = 1'709'957'106;

std::int64_t iso_seconds(std::string_view text) {
    auto time = parse_iso8601(text);
    EXPECT_TRUE(time) << text;
    return time ? std::chrono::floor<seconds>(*time).time_since_epoch().count() : -1;
}

std::int64_t http_seconds(std::string_view text) {
    auto time = parse_http_date(text);
    EXPECT_TRUE(time) << text;
    return time ? std::chrono::floor<seconds>(*time).time_since_epoch().count() : -1;
}

TEST(Time, KnowsTheCalendar) {
    EXPECT_TRUE(is_date(2024, 2, 29));
    EXPECT_FALSE(is_date(2023, 2, 29));
    EXPECT_TRUE(is_date(2000, 2, 29));
    EXPECT_FALSE(is_date(1900, 2, 29));
    EXPECT_FALSE(is_date(2024, 4, 31));
    EXPECT_FALSE(is_date(0, 1, 1));
    EXPECT_FALSE(is_date(10'000, 1, 1));
    EXPECT_FALSE(is_date(2024, 0, 1));
    EXPECT_FALSE(is_date(2024, 13, 1));
    EXPECT_FALSE(is_date(2024, 1, 0));
}

TEST(Time, ReadsTheClockAsUtc) {
    EXPECT_EQ(utc(at(kSaturdayAt)), (DateTime{2024, 3, 9, 4, 5, 6}));
    EXPECT_EQ(utc(at(0)), (DateTime{1970, 1, 1}));
    EXPECT_EQ(utc(WallTime(Nanos(-1))), (DateTime{1969, 12, 31, 23, 59, 59, 999'999})) << "rounds down, not to zero";
    EXPECT_EQ(utc(WallTime(Nanos(7'890'999))).microsecond, 7'890);
}

TEST(Time, GoesToUtcAndBackEveryDayOfFourCenturies) {
    for (std::int64_t day = -100'000; day < 100'000; day += 7) {
        const WallTime time = at(day * 86'400 + 12'345);
        ASSERT_EQ(from_utc(utc(time)), time) << day;
    }
}

TEST(Time, HoldsDatesBeyondItsReachAsTheNearestItCan) {
    using Limits = std::numeric_limits<std::int64_t>;
    EXPECT_EQ(from_utc({.year = 9999, .month = 12, .day = 31}), WallTime(Nanos(Limits::max())));
    EXPECT_EQ(from_utc({.year = 1}), WallTime(Nanos(Limits::min())));
    EXPECT_EQ(utc(*parse_iso8601("0001-01-01T00:00:00Z")).year, 1677) << "the zero time of programs written in Go";
    EXPECT_EQ(utc(*parse_http_date("Fri, 31 Dec 9999 23:59:59 GMT")).year, 2262);
}

TEST(Time, ReadsTheClockInTheMachinesZone) {
    const Zone zone("Europe/Berlin");
    EXPECT_EQ(local(at(kSaturdayAt)), (DateTime{2024, 3, 9, 5, 5, 6})) << "winter";
    EXPECT_EQ(local(at(1'720'000'000)), (DateTime{2024, 7, 3, 11, 46, 40})) << "summer";
    EXPECT_EQ(format_date({2024, 3, 9, 5, 5, 6}, "%s"), std::to_string(kSaturdayAt)) << "%s reads that zone";
}

TEST(Time, AddsSecondsOnTheWallClock) {
    EXPECT_EQ(add_seconds({2024, 3, 1, 0, 30}, -86'400), (DateTime{2024, 2, 29, 0, 30}));
    EXPECT_EQ(add_seconds({2023, 12, 31, 23, 59, 59, 5}, 1), (DateTime{2024, 1, 1, 0, 0, 0, 5}));
    EXPECT_EQ(add_seconds({.year = 1}, -1), (DateTime{.year = 1}));
    EXPECT_EQ(add_seconds({}, std::numeric_limits<std::int64_t>::max()), (DateTime{9999, 12, 31, 23, 59, 59}));
    EXPECT_EQ(add_seconds({}, std::numeric_limits<std::int64_t>::min()), (DateTime{.year = 1}));
    const DateTime with_offset = {.offset_microseconds = 19'800'000'000};
    EXPECT_EQ(add_seconds(with_offset, 5).offset_microseconds, with_offset.offset_microseconds);
}

TEST(Time, PaysNoHeedToClockChangesWhenAddingSeconds) {
    const Zone zone("Europe/Berlin");
    EXPECT_EQ(add_seconds({2024, 3, 31, 12}, -86'400), (DateTime{2024, 3, 30, 12})) << "that day had 23 hours";
}

TEST(Iso8601, ReadsTheFormsOfS3AndRfc3339) {
    EXPECT_EQ(*parse_iso8601("2024-03-09T04:05:06.789Z"), at(kSaturdayAt) + milliseconds(789));
    EXPECT_EQ(*parse_iso8601("2024-03-09T04:05:06.123456789123Z"), at(kSaturdayAt) + Nanos(123'456'789));
    EXPECT_EQ(*parse_iso8601("2024-03-09T04:05:06,5Z"), at(kSaturdayAt) + milliseconds(500));
    for (const char* same : {"2024-03-09T04:05:06Z", "2024-03-09t04:05:06z", "2024-03-09 04:05:06Z",
                             "2024-03-09T04:05:06+00:00", "2024-03-09T04:05:06-00:00", "2024-03-09T09:35:06+05:30",
                             "2024-03-09T09:35:06+0530", "2024-03-08T23:05:06-05:00", "2024-03-09T04:05:06UTC"}) {
        EXPECT_EQ(iso_seconds(same), kSaturdayAt) << same;
    }
    EXPECT_EQ(iso_seconds("2016-12-31T23:59:60Z"), iso_seconds("2017-01-01T00:00:00Z")) << "a leap second";
    EXPECT_EQ(*parse_iso8601("1969-12-31T23:59:59.75Z"), WallTime(milliseconds(-250)));
}

TEST(Iso8601, RefusesWhatIsNoTime) {
    for (const char* bad :
         {"", "2024-03-09", "2024-03-09T04:05Z", "2024-03-09T04:05:06", "2024-02-30T04:05:06Z", "2024-13-09T04:05:06Z",
          "2024-03-09T24:05:06Z", "2024-03-09T04:60:06Z", "2024-03-09T04:05:61Z", "2024-03-09T04:05:06.Z",
          "2024-03-09T04:05:06Zx", " 2024-03-09T04:05:06Z", "2024-03-09T04:05:06+24:00", "2024-03-09T04:05:06+01:60",
          "0000-01-01T00:00:00Z", "24-03-09T04:05:06Z", "+024-03-09T04:05:06Z", "2024-03-09X04:05:06Z"}) {
        auto time = parse_iso8601(bad);
        ASSERT_FALSE(time) << bad;
        EXPECT_EQ(time.error().code, Code::invalid);
    }
}

TEST(Iso8601, WritesMilliseconds) {
    EXPECT_EQ(iso8601(at(kSaturdayAt) + milliseconds(7)), "2024-03-09T04:05:06.007Z");
    EXPECT_EQ(iso8601(WallTime(Nanos(-1))), "1969-12-31T23:59:59.999Z");
}

TEST(HttpDate, ReadsTheThreeFormsOfRfc9110) {
    EXPECT_EQ(http_seconds("Sat, 09 Mar 2024 04:05:06 GMT"), kSaturdayAt);
    EXPECT_EQ(http_seconds("Saturday, 09-Mar-24 04:05:06 GMT"), kSaturdayAt) << "RFC 850";
    EXPECT_EQ(http_seconds("Sat Mar  9 04:05:06 2024"), kSaturdayAt) << "asctime()";
    EXPECT_EQ(http_seconds("Sunday, 06-Nov-94 08:49:37 GMT"), 784'111'777);
}

TEST(HttpDate, IsLenientWhereServersAre) {
    for (const char* same :
         {"Sat, 9 Mar 2024 04:05:06 GMT", "sat, 09 mar 2024 04:05:06 gmt", "Sat, 09 Mar 2024 04:05:06 UTC",
          "Sat, 09 Mar 2024 04:05:06 +0000", "Sat, 09-Mar-2024 04:05:06 GMT", "Mon, 09 Mar 2024 04:05:06 GMT"}) {
        EXPECT_EQ(http_seconds(same), kSaturdayAt) << same;
    }
}

TEST(HttpDate, RefusesWhatIsNoDate) {
    for (const char* bad :
         {"", "0", "-1", "Sat, 09 Mar 2024 04:05:06", "Sat, 30 Feb 2024 04:05:06 GMT", "Sat, 09 Mar 2024 24:05:06 GMT",
          "Xyz, 09 Mar 2024 04:05:06 GMT", "Sat, 09 Mrz 2024 04:05:06 GMT", "Sat, 09 Mar 2024 04:05:06 GMT ",
          "Sat, 09 Mar 2024 04:05:06 +0100", "2024-03-09T04:05:06Z", "Sat Mar 09 04:05:06 2024 GMT"}) {
        auto time = parse_http_date(bad);
        ASSERT_FALSE(time) << bad;
        EXPECT_EQ(time.error().code, Code::invalid);
    }
}

TEST(AmzDate, IsTheBasicForm) {
    EXPECT_EQ(amz_date(at(kSaturdayAt)), "20240309T040506Z");
}

}  // namespace
}  // namespace dray
