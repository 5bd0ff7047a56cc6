// When a record was made: reads one line of JSON lines and finds the time its writer put into it. docs/record-times.md
// lists the members that are looked at and the layouts that are read; what Python's json and strptime read, this reads.
//
// One pass over the line (codec/json_scanner.h), which it checks whole: whether a line is bad is part of the answer. So
// no search for the names goes before it: a line without them must be judged all the same, and a bz2 decoder is several
// times slower than the pass it might have saved.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace dray {

// Whole seconds since 1970-01-01T00:00:00Z, of the years 1 to 9999: WallTime reaches only from 1677 to 2262.
struct RecordTime {
    std::int64_t seconds = 0;
    auto operator<=>(const RecordTime&) const = default;
};
std::string text_of(RecordTime time);  // "2024-04-05T18:14:47Z", the year always in four digits

// The member asked first. `cdt` and `timestamp` follow, then `ts` of the member that names the language identifier:
// `ts` of the record itself is read only when it is asked first.
enum class TimeField : std::uint8_t { ts, cdt, timestamp };
std::optional<TimeField> time_field_named(std::string_view name);

struct RecordVerdict {
    enum class Kind : std::uint8_t {
        blank,    // nothing but spaces, tabs, CR
        no_time,  // a good record, and none of the members says anything (absent, null, false, 0, empty)
        bad,      // not JSON, not an object, or what should be the time cannot be read: no other member is asked then
        time,
    };
    Kind kind = Kind::blank;
    RecordTime time;
    std::string reason;  // of a bad one; without the line itself
};

// Immutable: one serves all threads. Making one compiles the layouts.
class RecordReader {
public:
    explicit RecordReader(TimeField first);

    // `line` without its LF, any bytes. Not bounded: that is for the one who cuts the lines (codec/newest_time.h).
    RecordVerdict read(std::string_view line) const;
    // A time in any of the layouts, in UTC. nullopt: in none, or outside the years 1 to 9999 there.
    std::optional<RecordTime> time_in(std::string_view text) const;

private:
    TimeField first_;
    std::vector<DateFormat> layouts_;
};

}  // namespace dray
