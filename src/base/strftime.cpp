// format_date(): the directives of glibc 2.36's strftime in the C locale, and Python's %f, %z and %Z on top.
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <variant>

#include "base/calendar.h"
#include "base/time.h"
#include "base/utf8.h"

namespace dray {
namespace {

// glibc allows any width; nothing that is named after a date is longer than an S3 key.
constexpr int kMaxWidth = 1024;

// One directive as written: %[flags][width][modifier]conversion.
struct Directive {
    std::string_view text;   // all of it, from the %
    char pad = 0;            // '_', '-', '0' or none; the last one given wins
    bool upper = false;      // ^
    bool swap_case = false;  // #
    int width = 0;
    char modifier = 0;    // 'E', 'O' or none: other calendars and digits, which the C locale has not
    char conversion = 0;  // 0: the format ends here
    bool plain() const { return text.size() == 2; }
};

Directive read_directive(std::string_view format) {
    Directive directive;
    std::size_t at = 1;
    const auto next = [&] { return at < format.size() ? format[at] : '\0'; };
    for (; std::string_view("_-0^#").find(next()) != std::string_view::npos && next() != 0; ++at) {
        if (next() == '^')
            directive.upper = true;
        else if (next() == '#')
            directive.swap_case = true;
        else
            directive.pad = next();
    }
    for (; next() >= '0' && next() <= '9'; ++at) {
        directive.width = std::min(directive.width * 10 + (next() - '0'), kMaxWidth + 1);
    }
    if (next() == 'E' || next() == 'O') directive.modifier = format[at++];
    if (at < format.size()) {
        directive.conversion = format[at];
        const auto point = first_code_point(format.substr(at));
        at += point ? point->bytes : 1;
    }
    directive.text = format.substr(0, at);
    return directive;
}

struct Number {
    std::int64_t value = 0;  // never negative
    int digits = 0;
    bool blank_padded = false;  // where no flag says otherwise
};
struct Text {
    std::string text;
    bool upper = false, lower = false;
};
struct Group {
    std::string_view format;  // of other directives
};
using Field = std::variant<Number, Text, Group>;

int twelve_hour(const DateTime& date) {
    return date.hour % 12 == 0 ? 12 : date.hour % 12;
}

struct IsoWeek {
    int year = 0, week = 0;
};

// ISO 8601: weeks start on Monday, and the week that holds the year's first Thursday is its first.
IsoWeek iso_week(const DateTime& date) {
    const int weekday = (static_cast<int>(weekday_of(date.year, date.month, date.day)) + 6) % 7 + 1;  // Monday = 1
    const int yday = day_of_year(date.year, date.month, date.day);
    const auto weeks_in = [](int year) {
        const unsigned first = weekday_of(year, 1, 1);
        return first == 4 || (first == 3 && is_leap_year(year)) ? 53 : 52;
    };
    const int week = (yday - weekday + 10) / 7;
    if (week < 1) return {date.year - 1, weeks_in(date.year - 1)};
    if (week > weeks_in(date.year)) return {date.year + 1, 1};
    return {date.year, week};
}

// "+0530", "+053015", "+053015.000001"; for %Z "UTC+05:30".
std::string offset_text(std::int64_t offset, std::string_view colon) {
    const std::int64_t size = offset < 0 ? -offset : offset;
    const std::int64_t seconds = size / 1'000'000, micros = size % 1'000'000;
    std::string text = fmt::format("{}{:02}{}{:02}", offset < 0 ? '-' : '+', seconds / 3600, colon, seconds / 60 % 60);
    if (seconds % 60 != 0 || micros != 0) text += fmt::format("{}{:02}", colon, seconds % 60);
    if (micros != 0) text += fmt::format(".{:06}", micros);
    return text;
}

std::string zone_text(const DateTime& date) {
    if (!date.offset_microseconds) return "";
    return *date.offset_microseconds == 0 ? "UTC" : "UTC" + offset_text(*date.offset_microseconds, ":");
}

// The fields read in the machine's zone, as mktime() does; what it cannot say is -1, as there.
std::int64_t epoch_seconds(const DateTime& date) {
    std::tm fields{};
    fields.tm_year = date.year - 1900;
    fields.tm_mon = date.month - 1;
    fields.tm_mday = date.day;
    fields.tm_hour = date.hour;
    fields.tm_min = date.minute;
    fields.tm_sec = date.second;
    fields.tm_isdst = -1;
    return std::mktime(&fields);
}

// What the conversion stands for; nullopt: there is no such conversion.
std::optional<Field> field_of(const Directive& directive, const DateTime& date) {
    const unsigned weekday = weekday_of(date.year, date.month, date.day);
    const int yday = day_of_year(date.year, date.month, date.day) - 1;
    const auto month_name = [&] { return kMonthNames[static_cast<std::size_t>(date.month - 1)]; };
    const auto name = [&](std::string_view text) {
        return Text{.text = std::string(text), .upper = directive.swap_case};
    };
    const auto week_from = [&](int first_weekday) {  // the week of the year whose first day is the first such weekday
        return (yday + 7 - (static_cast<int>(weekday) - first_weekday + 7) % 7) / 7;
    };
    switch (directive.conversion) {
        case '%': return Text{.text = "%"};
        case 'n': return Text{.text = "\n"};
        case 't': return Text{.text = "\t"};
        case 'a': return name(kWeekdayNames[weekday].substr(0, 3));
        case 'A': return name(kWeekdayNames[weekday]);
        case 'b':
        case 'h': return name(month_name().substr(0, 3));
        case 'B': return name(month_name());
        case 'p': return Text{.text = date.hour < 12 ? "AM" : "PM", .lower = directive.swap_case};
        case 'P': return Text{.text = date.hour < 12 ? "am" : "pm", .lower = true};
        case 'z': return Text{.text = date.offset_microseconds ? offset_text(*date.offset_microseconds, "") : ""};
        case 'Z': return Text{.text = zone_text(date), .lower = directive.swap_case};
        case 'f':  // Python's own: it knows neither flags nor width
            if (!directive.plain()) return std::nullopt;
            return Number{date.microsecond, 6};
        case 'Y': return Number{date.year, 4};
        case 'G': return Number{iso_week(date).year, 4};
        case 'C': return Number{date.year / 100, 2};
        case 'y': return Number{date.year % 100, 2};
        case 'g': return Number{iso_week(date).year % 100, 2};
        case 'm': return Number{date.month, 2};
        case 'd': return Number{date.day, 2};
        case 'e': return Number{date.day, 2, true};
        case 'H': return Number{date.hour, 2};
        case 'I': return Number{twelve_hour(date), 2};
        case 'k': return Number{date.hour, 2, true};
        case 'l': return Number{twelve_hour(date), 2, true};
        case 'M': return Number{date.minute, 2};
        case 'S': return Number{date.second, 2};
        case 'j': return Number{yday + 1, 3};
        case 'U': return Number{week_from(0), 2};
        case 'W': return Number{week_from(1), 2};
        case 'V': return Number{iso_week(date).week, 2};
        case 'w': return Number{weekday, 1};
        case 'u': return Number{weekday == 0 ? 7 : weekday, 1};
        case 's': return Text{.text = std::to_string(epoch_seconds(date))};  // its width pads it like a word
        case 'c': return Group{"%a %b %e %H:%M:%S %Y"};
        case 'D':
        case 'x': return Group{"%m/%d/%y"};
        case 'F': return Group{"%Y-%m-%d"};
        case 'r': return Group{"%I:%M:%S %p"};
        case 'R': return Group{"%H:%M"};
        case 'T':
        case 'X': return Group{"%H:%M:%S"};
        default: return std::nullopt;
    }
}

bool allowed(const Directive& directive) {
    const auto one_of = [&](std::string_view set) { return set.find(directive.conversion) != std::string_view::npos; };
    if (directive.conversion == 0 || directive.width > kMaxWidth) return false;
    if (directive.modifier == 'E') return one_of("cnprstuxyzCPRTXYZ%");
    if (directive.modifier == 'O') return !one_of("acfxADFXY");
    return true;
}

std::string text_of(const Number& number, const Directive& directive) {
    std::string text = std::to_string(number.value);
    if (directive.pad == '-') return text;
    const bool by_blanks = directive.pad == '_' || (number.blank_padded && directive.pad == 0);
    const auto digits = static_cast<std::size_t>(std::max(number.digits, directive.width));
    if (text.size() < digits) text.insert(0, digits - text.size(), by_blanks ? ' ' : '0');
    return text;
}

void change_case(std::string& text, bool upper, bool lower) {
    for (char& c : text) {
        if (lower && c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
        if (upper && !lower && c >= 'a' && c <= 'z') c = static_cast<char>(c - ('a' - 'A'));
    }
}

std::optional<std::string> expand(const Directive& directive, const DateTime& date) {
    if (!allowed(directive)) return std::nullopt;
    auto field = field_of(directive, date);
    if (!field) return std::nullopt;

    std::string text;
    if (const auto* number = std::get_if<Number>(&*field)) text = text_of(*number, directive);
    if (const auto* group = std::get_if<Group>(&*field)) text = format_date(date, group->format);
    bool upper = directive.upper, lower = false;
    if (auto* given = std::get_if<Text>(&*field)) {
        upper |= given->upper;
        lower = given->lower;
        text = std::move(given->text);
    }
    change_case(text, upper, lower);
    const auto width = static_cast<std::size_t>(directive.width);
    if (text.size() < width) text.insert(0, width - text.size(), directive.pad == '0' ? '0' : ' ');
    return text;
}

// Calls literal(text) and found(directive) for the parts of the format, in order.
template <class Literal, class Found>
void scan(std::string_view format, Literal literal, Found found) {
    while (!format.empty()) {
        const std::size_t percent = std::min(format.find('%'), format.size());
        literal(format.substr(0, percent));
        format.remove_prefix(percent);
        if (format.empty()) return;
        const Directive directive = read_directive(format);
        found(directive);
        format.remove_prefix(directive.text.size());
    }
}

}  // namespace

std::string format_date(const DateTime& date, std::string_view format) {
    std::string out;
    scan(
        format, [&](std::string_view text) { out += text; },
        [&](const Directive& directive) {
            const auto text = expand(directive, date);
            out += text ? std::string_view(*text) : directive.text;
        });
    return out;
}

std::vector<std::string> unknown_directives(std::string_view format) {
    std::vector<std::string> unknown;
    scan(
        format, [](std::string_view) {},
        [&](const Directive& directive) {
            if (allowed(directive) && field_of(directive, DateTime{})) return;
            if (std::find(unknown.begin(), unknown.end(), directive.text) == unknown.end()) {
                unknown.emplace_back(directive.text);
            }
        });
    return unknown;
}

}  // namespace dray
