#include "codec/record_time.h"

#include <fmt/format.h>

#include <array>
#include <span>
#include <utility>

#include "base/calendar.h"
#include "base/check.h"
#include "base/json.h"
#include "codec/json_scanner.h"

namespace dray {
namespace {

// In the order of trying. A literal Z of strptime is also z, that of %z is not.
constexpr const char* kLayouts[] = {"%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z",
                                    "%Y-%m-%d %H:%M:%S"};

constexpr std::string_view kIdentifier = "impresso_language_identifier_version";  // an object with a `ts` of its own

// The members to ask, in order, before the identifier.
std::span<const std::string_view> names_from(TimeField first) {
    static constexpr std::string_view kNames[] = {"ts", "cdt", "timestamp", "cdt"};
    switch (first) {
        case TimeField::ts: return {kNames, 3};
        case TimeField::cdt: return {kNames + 1, 2};
        case TimeField::timestamp: break;
    }
    return {kNames + 2, 2};
}

// --- from the line to the members

// What a record says of its time. Of several members with one name the last counts.
struct Members {
    std::array<JsonPiece, 3> times;  // as names_from(); an absent one is null, which says as little
    bool identifier = false;         // there, whatever it is
    bool identifier_is_object = false;
    JsonPiece identifier_ts;
};

// Calls on_member(name), which passes over the value, for each member of the object that comes next.
template <class OnMember>
bool each_member(JsonScanner& in, OnMember on_member) {
    JsonPiece name;
    if (!in.open()) return false;
    while (in.next())
        if (!in.name(name) || !on_member(name)) return false;
    return !in.failed();
}

bool read_identifier(JsonScanner& in, Members& members) {
    JsonPiece passed;
    members.identifier = true;
    members.identifier_is_object = in.at_object();
    members.identifier_ts = {};
    if (!members.identifier_is_object) return in.value(passed);
    return each_member(in,
                       [&](const JsonPiece& name) { return in.value(name.is("ts") ? members.identifier_ts : passed); });
}

bool read_record(JsonScanner& in, std::span<const std::string_view> names, Members& members) {
    JsonPiece passed;
    return each_member(in, [&](const JsonPiece& name) {
        if (name.is(kIdentifier)) return read_identifier(in, members);
        for (std::size_t i = 0; i < names.size(); ++i)
            if (name.is(names[i])) return in.value(members.times[i]);
        return in.value(passed);
    });
}

// --- from the text to the time

std::int64_t seconds_of(const DateTime& date) {
    return days_since_1970(date.year, date.month, date.day) * kSecondsPerDay + (date.hour * 60 + date.minute) * 60 +
           date.second;
}

// The layouts without an offset as programs write them, in ASCII and every part in full, read by hand: the regexes
// behind strptime cost more than all the rest of a usual line. nullopt: they decide.
std::optional<DateTime> date_in_full(std::string_view text) {
    constexpr std::string_view kShape = "dddd-dd-ddTdd:dd:dd";
    const bool zone = text.size() == kShape.size() + 1 && text.back() == 'Z';
    if (zone) text.remove_suffix(1);
    if (text.size() != kShape.size()) return std::nullopt;
    for (std::size_t i = 0; i < kShape.size(); ++i) {
        const bool digit = text[i] >= '0' && text[i] <= '9';
        const bool blank = kShape[i] == 'T' && text[i] == ' ' && !zone;
        if (kShape[i] == 'd' ? !digit : text[i] != kShape[i] && !blank) return std::nullopt;
    }
    const auto two = [&](std::size_t at) { return (text[at] - '0') * 10 + (text[at + 1] - '0'); };
    const DateTime date{.year = two(0) * 100 + two(2),
                        .month = two(5),
                        .day = two(8),
                        .hour = two(11),
                        .minute = two(14),
                        .second = two(17)};
    const bool real =
        is_date(date.year, date.month, date.day) && date.hour < 24 && date.minute < 60 && date.second < 60;
    return real ? std::optional(date) : std::nullopt;
}

// An offset may have a fraction: what is left of a second is cut off after the shift.
std::optional<RecordTime> time_in_utc(const DateTime& date) {
    constexpr std::int64_t kMicros = 1'000'000;
    static const std::int64_t kFirst = seconds_of({.year = 1}), kEnd = seconds_of({.year = 10'000});
    const std::int64_t seconds =
        floor_divide(seconds_of(date) * kMicros - date.offset_microseconds.value_or(0), kMicros);
    if (seconds < kFirst || seconds >= kEnd) return std::nullopt;
    return RecordTime{seconds};
}

RecordVerdict bad(std::string reason) {
    return {.kind = RecordVerdict::Kind::bad, .reason = std::move(reason)};
}

bool is_blank_line(std::string_view line) {
    return line.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

}  // namespace

std::string text_of(RecordTime time) {
    const std::int64_t days = floor_divide(time.seconds, kSecondsPerDay);
    const std::int64_t rest = time.seconds - days * kSecondsPerDay;
    const Day day = day_at(days);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", day.year, day.month, day.day, rest / 3600,
                       rest / 60 % 60, rest % 60);
}

std::optional<TimeField> time_field_named(std::string_view name) {
    if (name == "ts") return TimeField::ts;
    if (name == "cdt") return TimeField::cdt;
    if (name == "timestamp") return TimeField::timestamp;
    return std::nullopt;
}

RecordReader::RecordReader(TimeField first) : first_(first) {
    for (const char* layout : kLayouts) {
        auto format = DateFormat::compile(layout);
        CHECK(format);
        layouts_.push_back(*std::move(format));
    }
}

std::optional<RecordTime> RecordReader::time_in(std::string_view text) const {
    if (const auto date = date_in_full(text)) return time_in_utc(*date);
    for (const DateFormat& layout : layouts_)
        if (const auto date = layout.parse(text)) return time_in_utc(*date);
    return std::nullopt;
}

RecordVerdict RecordReader::read(std::string_view line) const {
    if (is_blank_line(line)) return {};
    if (!is_utf8(line)) return bad("not UTF-8");
    JsonScanner in(line);
    if (!in.at_object()) {
        JsonPiece value;
        return bad(in.value(value) && in.finish() ? "not an object" : in.fault());
    }
    const auto names = names_from(first_);
    Members members;
    if (!read_record(in, names, members) || !in.finish()) return bad(in.fault());

    const auto time_of = [this](const JsonPiece& value, std::string_view name) -> RecordVerdict {
        if (value.kind != JsonPiece::Kind::text) return bad(fmt::format("{} is no text", name));
        const auto time = time_in(value.text());
        if (!time) return bad(fmt::format("{} is no time in a layout that is read", name));
        return {.kind = RecordVerdict::Kind::time, .time = *time};
    };
    for (std::size_t i = 0; i < names.size(); ++i)
        if (members.times[i].truthy()) return time_of(members.times[i], names[i]);
    if (members.identifier && !members.identifier_is_object) return bad(fmt::format("{} is no object", kIdentifier));
    if (members.identifier_ts.truthy()) return time_of(members.identifier_ts, fmt::format("{}.ts", kIdentifier));
    return {.kind = RecordVerdict::Kind::no_time};
}

}  // namespace dray
