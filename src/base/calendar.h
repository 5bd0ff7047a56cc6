// The proleptic Gregorian calendar and the English names of its days and months: what time.cpp, strptime.cpp and
// strftime.cpp share. Weeks begin on Sunday = 0 here, as in C.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace dray {

inline constexpr std::int64_t kSecondsPerDay = 86'400;

// Full names; the short ones are their first three letters.
inline constexpr std::array<std::string_view, 7> kWeekdayNames = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                                  "Thursday", "Friday", "Saturday"};
inline constexpr std::array<std::string_view, 12> kMonthNames = {"January",   "February", "March",    "April",
                                                                 "May",       "June",     "July",     "August",
                                                                 "September", "October",  "November", "December"};

struct Day {
    int year = 1970, month = 1, day = 1;
};

bool is_leap_year(int year);
int days_in_month(int year, int month);
// Day and month may be any date of a year from 0 to 10,000.
std::int64_t days_since_1970(int year, int month, int day);
Day day_at(std::int64_t days_since_1970);
int day_of_year(int year, int month, int day);              // 1 to 366
unsigned weekday_of(int year, int month, int day);          // 0 = Sunday
std::int64_t floor_divide(std::int64_t a, std::int64_t b);  // b > 0; rounds towards minus infinity

bool equal_ignoring_case(std::string_view a, std::string_view b);  // ASCII letters only

}  // namespace dray
