#include "base/calendar.h"

#include <algorithm>
#include <chrono>

namespace dray {
namespace {

std::chrono::year_month_day as_chrono(int year, int month, int day) {
    return std::chrono::year(year) / std::chrono::month(static_cast<unsigned>(month)) /
           std::chrono::day(static_cast<unsigned>(day));
}

// tolower() would ask the locale.
char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

}  // namespace

bool is_leap_year(int year) {
    return std::chrono::year(year).is_leap();
}

int days_in_month(int year, int month) {
    constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap_year(year) ? 29 : kDays[month - 1];
}

std::int64_t days_since_1970(int year, int month, int day) {
    return std::chrono::sys_days(as_chrono(year, month, day)).time_since_epoch().count();
}

Day day_at(std::int64_t days) {
    const std::chrono::year_month_day date{std::chrono::sys_days{std::chrono::days{days}}};
    return {static_cast<int>(date.year()), static_cast<int>(static_cast<unsigned>(date.month())),
            static_cast<int>(static_cast<unsigned>(date.day()))};
}

int day_of_year(int year, int month, int day) {
    return static_cast<int>(days_since_1970(year, month, day) - days_since_1970(year, 1, 1)) + 1;
}

unsigned weekday_of(int year, int month, int day) {
    return std::chrono::weekday(std::chrono::sys_days(as_chrono(year, month, day))).c_encoding();
}

std::int64_t floor_divide(std::int64_t a, std::int64_t b) {
    return a / b - (a % b < 0 ? 1 : 0);
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace dray
