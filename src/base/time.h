// Dates and times: Python's strptime and strftime (CPython 3.11, C locale, glibc directives), ISO 8601, HTTP dates.
// docs/time.md lists every directive.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace dray {

// A wall-clock reading, proleptic Gregorian, as Python's datetime: no zone unless the offset is set, never converted.
struct DateTime {
    int year = 1900;  // 1 to 9999
    int month = 1, day = 1, hour = 0, minute = 0, second = 0;
    int microsecond = 0;
    std::optional<std::int64_t> offset_microseconds;  // east of UTC; set by %z
    bool operator==(const DateTime&) const = default;
};

// A strptime format, checked once. Immutable: parse from many threads.
class DateFormat {
public:
    // Error: invalid (unknown directive, lone %, a directive twice) with a caret under the fault.
    static Result<DateFormat> compile(std::string_view format);
    DateFormat(DateFormat&&) noexcept;
    DateFormat& operator=(DateFormat&&) noexcept;
    ~DateFormat();
    // nullopt: the text is no such date (Python would raise ValueError). The whole text must be consumed.
    std::optional<DateTime> parse(std::string_view text) const;

private:
    struct Impl;
    explicit DateFormat(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

// strftime. Unknown directives are copied as they stand; unknown_directives() names them for a warning at start.
// Years are always at least four digits. %s reads the fields in the machine's zone, as Python does.
std::string format_date(const DateTime& date, std::string_view format);
std::vector<std::string> unknown_directives(std::string_view format);

DateTime utc(WallTime time);
DateTime local(WallTime time);  // TZ, /etc/localtime
// Reads the fields as UTC, whatever the offset says. WallTime reaches from 1677 to 2262: an earlier or later date (and
// one read by the parsers below) becomes the nearest time it can hold.
WallTime from_utc(const DateTime& date);
// Wall-clock arithmetic: the zone plays no part. Stops at the first second of year 1 and the last of 9999.
DateTime add_seconds(const DateTime& date, std::int64_t seconds);
bool is_date(int year, int month, int day);

// "2024-03-09T04:05:06.789Z" (S3 XML and our files), any fraction, offsets as in RFC 3339 or "UTC". Error: invalid.
Result<WallTime> parse_iso8601(std::string_view text);
std::string iso8601(WallTime time);  // milliseconds, Z
// "Sat, 09 Mar 2024 04:05:06 GMT" (RFC 9110 5.6.7), or one of its two obsolete forms. Error: invalid.
Result<WallTime> parse_http_date(std::string_view text);
// "20240309T040506Z" (SigV4).
std::string amz_date(WallTime time);

}  // namespace dray
