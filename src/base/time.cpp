#include "base/time.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <limits>

#include "base/calendar.h"
#include "base/check.h"

namespace dray {
namespace {

constexpr std::int64_t kNanosPerSecond = 1'000'000'000;

// Seconds since 1970 and nanoseconds of that second, both read as UTC.
struct Instant {
    std::int64_t seconds = 0;
    std::int64_t nanos = 0;  // 0 to 999,999,999
};

// 64 bits of nanoseconds reach from 1677 to 2262; what lies beyond (zero dates of some stores, "Expires" in 9999)
// becomes the nearest time that can be held.
WallTime wall_time(const Instant& instant) {
    using Limits = std::numeric_limits<std::int64_t>;
    constexpr std::int64_t kLast = Limits::max() / kNanosPerSecond - 1;
    if (instant.seconds > kLast) return WallTime(Nanos(Limits::max()));
    if (instant.seconds < -kLast) return WallTime(Nanos(Limits::min()));
    return WallTime(Nanos(instant.seconds * kNanosPerSecond + instant.nanos));
}

// In a text that has room for them. What a WallTime holds has years of four digits.
void put_digits(std::string& text, std::size_t at, std::size_t count, int value) {
    for (; count > 0; value /= 10)
        text[at + --count] = static_cast<char>('0' + value % 10);
}

Instant instant_of(WallTime time) {
    const std::int64_t nanos = time.time_since_epoch().count();
    const std::int64_t second = nanos % kNanosPerSecond;
    return {floor_divide(nanos, kNanosPerSecond), second < 0 ? second + kNanosPerSecond : second};
}

std::int64_t seconds_of(const DateTime& date) {
    return days_since_1970(date.year, date.month, date.day) * kSecondsPerDay + (date.hour * 60 + date.minute) * 60 +
           date.second;
}

DateTime date_at(std::int64_t seconds) {
    const std::int64_t days = floor_divide(seconds, kSecondsPerDay);
    const auto rest = static_cast<int>(seconds - days * kSecondsPerDay);
    const Day day = day_at(days);
    return {.year = day.year,
            .month = day.month,
            .day = day.day,
            .hour = rest / 3600,
            .minute = rest / 60 % 60,
            .second = rest % 60};
}

// Reads a text from left to right; every step says whether it found what it looked for, and moves only then.
class TimeReader {
public:
    explicit TimeReader(std::string_view text) : rest_(text) {}

    bool done() const { return rest_.empty(); }

    bool any_of(std::string_view characters) {
        if (rest_.empty() || characters.find(rest_[0]) == std::string_view::npos) return false;
        rest_.remove_prefix(1);
        return true;
    }
    bool word(std::string_view word) {
        if (!equal_ignoring_case(rest_.substr(0, word.size()), word)) return false;
        rest_.remove_prefix(word.size());
        return true;
    }
    bool number(std::size_t least, std::size_t most, int& value) {
        std::size_t size = 0;
        while (size < std::min(most, rest_.size()) && rest_[size] >= '0' && rest_[size] <= '9')
            ++size;
        if (size < least) return false;
        value = 0;
        for (const char digit : rest_.substr(0, size))
            value = value * 10 + (digit - '0');
        rest_.remove_prefix(size);
        return true;
    }
    bool digits(std::size_t size, int& value) { return number(size, size, value); }

    // The place of the name in `names`, in full or by its first three letters.
    template <std::size_t N>
    bool name(const std::array<std::string_view, N>& names, int& index) {
        for (std::size_t i = 0; i < N; ++i) {
            if (!word(names[i]) && !word(names[i].substr(0, 3))) continue;
            index = static_cast<int>(i);
            return true;
        }
        return false;
    }

private:
    std::string_view rest_;
};

bool read_clock(TimeReader& in, DateTime& date) {
    return in.digits(2, date.hour) && in.any_of(":") && in.digits(2, date.minute) && in.any_of(":") &&
           in.digits(2, date.second);
}

// A fraction of any length, cut after nanoseconds. None is none.
bool read_fraction(TimeReader& in, std::int64_t& nanos) {
    if (!in.any_of(".,")) return true;
    int digit = 0;
    std::int64_t unit = kNanosPerSecond / 10;
    if (!in.digits(1, digit)) return false;
    do {
        nanos += digit * unit;
        unit /= 10;
    } while (in.digits(1, digit));
    return true;
}

// Seconds east of UTC: "Z", "UTC", "GMT", "+01:00", "-0130".
bool read_offset(TimeReader& in, std::int64_t& seconds) {
    if (in.word("Z") || in.word("UTC") || in.word("GMT")) return true;
    const bool east = in.any_of("+");
    int hours = 0, minutes = 0;
    if (!east && !in.any_of("-")) return false;
    if (!in.digits(2, hours)) return false;
    in.any_of(":");
    if (!in.digits(2, minutes) || hours > 23 || minutes > 59) return false;
    seconds = (east ? 60 : -60) * (hours * 60 + minutes);
    return true;
}

// Second 60 is allowed, as RFC 3339 and RFC 9110 do, and is the first of the next minute.
bool is_real(const DateTime& date) {
    return is_date(date.year, date.month, date.day) && date.hour < 24 && date.minute < 60 && date.second <= 60;
}

bool read_iso8601(TimeReader& in, DateTime& date, Instant& instant) {
    std::int64_t offset = 0;
    const bool read = in.digits(4, date.year) && in.any_of("-") && in.digits(2, date.month) && in.any_of("-") &&
                      in.digits(2, date.day) && in.any_of("Tt ") && read_clock(in, date) &&
                      read_fraction(in, instant.nanos) && read_offset(in, offset) && in.done();
    if (!read || !is_real(date)) return false;
    instant.seconds = seconds_of(date) - offset;
    return true;
}

bool read_two_digit_year(TimeReader& in, int& year) {
    if (!in.digits(2, year)) return false;
    year += year < 69 ? 2000 : 1900;
    return true;
}

// "06 Nov 1994 08:49:37 GMT", and "06-Nov-94 08:49:37 GMT" of RFC 850, which servers of the nineties sent.
bool read_day_first(TimeReader& in, DateTime& date) {
    std::int64_t offset = 0;
    return in.number(1, 2, date.day) && in.any_of(" -") && in.name(kMonthNames, date.month) && in.any_of(" -") &&
           (in.digits(4, date.year) || read_two_digit_year(in, date.year)) && in.any_of(" ") && read_clock(in, date) &&
           in.any_of(" ") && read_offset(in, offset) && offset == 0;
}

// "Nov  6 08:49:37 1994", the rest of C's asctime().
bool read_month_first(TimeReader& in, DateTime& date) {
    if (!in.name(kMonthNames, date.month) || !in.any_of(" ")) return false;
    in.any_of(" ");
    return in.number(1, 2, date.day) && in.any_of(" ") && read_clock(in, date) && in.any_of(" ") &&
           in.digits(4, date.year);
}

bool read_http_date(TimeReader& in, DateTime& date) {
    int weekday = 0;
    if (!in.name(kWeekdayNames, weekday)) return false;
    const bool comma = in.any_of(",");
    if (!in.any_of(" ")) return false;
    if (!(comma ? read_day_first(in, date) : read_month_first(in, date)) || !in.done()) return false;
    ++date.month;  // the names count from 0
    return is_real(date);
}

Error not_a(std::string_view what, std::string_view text) {
    return {.code = Code::invalid, .message = fmt::format("'{}' is not {}", text, what)};
}

}  // namespace

bool is_date(int year, int month, int day) {
    return year >= 1 && year <= 9999 && month >= 1 && month <= 12 && day >= 1 && day <= days_in_month(year, month);
}

DateTime utc(WallTime time) {
    const Instant instant = instant_of(time);
    DateTime date = date_at(instant.seconds);
    date.microsecond = static_cast<int>(instant.nanos / 1000);
    return date;
}

DateTime local(WallTime time) {
    const Instant instant = instant_of(time);
    const std::time_t seconds = instant.seconds;
    std::tm fields{};
    CHECK(localtime_r(&seconds, &fields) != nullptr);  // fails only for years beyond 2^31
    return {.year = fields.tm_year + 1900,
            .month = fields.tm_mon + 1,
            .day = fields.tm_mday,
            .hour = fields.tm_hour,
            .minute = fields.tm_min,
            .second = std::min(fields.tm_sec, 59),  // 60 exists in zone files with leap seconds ("right/...")
            .microsecond = static_cast<int>(instant.nanos / 1000)};
}

WallTime from_utc(const DateTime& date) {
    return wall_time({seconds_of(date), date.microsecond * 1000});
}

DateTime add_seconds(const DateTime& date, std::int64_t seconds) {
    static const std::int64_t first = seconds_of({.year = 1});
    static const std::int64_t last = seconds_of({.year = 9999, .month = 12, .day = 31}) + kSecondsPerDay - 1;
    const std::int64_t now = seconds_of(date);
    DateTime sum = date_at(seconds < first - now ? first : seconds > last - now ? last : now + seconds);
    sum.microsecond = date.microsecond;
    sum.offset_microseconds = date.offset_microseconds;
    return sum;
}

Result<WallTime> parse_iso8601(std::string_view text) {
    TimeReader in(text);
    DateTime date;
    Instant instant;
    if (!read_iso8601(in, date, instant)) return not_a("a time such as 2024-03-09T04:05:06.789Z", text);
    return wall_time(instant);
}

std::string iso8601(WallTime time) {
    const DateTime at = utc(time);
    std::string text = "0000-00-00T00:00:00.000Z";  // plans and journals have some in every line
    put_digits(text, 0, 4, at.year);
    put_digits(text, 5, 2, at.month);
    put_digits(text, 8, 2, at.day);
    put_digits(text, 11, 2, at.hour);
    put_digits(text, 14, 2, at.minute);
    put_digits(text, 17, 2, at.second);
    put_digits(text, 20, 3, at.microsecond / 1000);
    return text;
}

Result<WallTime> parse_http_date(std::string_view text) {
    TimeReader in(text);
    DateTime date;
    if (!read_http_date(in, date)) return not_a("an HTTP date such as Sat, 09 Mar 2024 04:05:06 GMT", text);
    return from_utc(date);
}

std::string amz_date(WallTime time) {
    const DateTime at = utc(time);
    // By hand, for every request is dated twice.
    std::string out = "YYYYMMDDThhmmssZ";
    auto put = [&out](std::size_t place, int value) {
        out[place] = static_cast<char>('0' + value / 10);
        out[place + 1] = static_cast<char>('0' + value % 10);
    };
    put(0, at.year / 100), put(2, at.year % 100), put(4, at.month), put(6, at.day);
    put(9, at.hour), put(11, at.minute), put(13, at.second);
    return out;
}

}  // namespace dray
