// DateFormat: the strptime of CPython 3.11 in the C locale. As there, the format becomes a regex (Lib/_strptime.py has
// the same alternatives in the same order), and what its groups hold becomes a date.
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <iterator>
#include <set>

#include "base/calendar.h"
#include "base/regex.h"
#include "base/regex_set.h"
#include "base/time.h"
#include "base/utf8.h"

namespace dray {
namespace {

// --- from the format to a regex

struct DirectivePattern {
    char letter;
    const char* regex;
};
constexpr DirectivePattern kPatterns[] = {
    {'Y', R"(\d\d\d\d)"},
    {'y', R"(\d\d)"},
    {'m', "1[0-2]|0[1-9]|[1-9]"},
    {'d', R"(3[0-1]|[1-2]\d|0[1-9]|[1-9]| [1-9])"},
    {'H', R"(2[0-3]|[0-1]\d|\d)"},
    {'I', "1[0-2]|0[1-9]|[1-9]"},
    {'p', "am|pm"},
    {'M', R"([0-5]\d|\d)"},
    {'S', R"(6[0-1]|[0-5]\d|\d)"},
    {'f', "[0-9]{1,6}"},
    {'j', R"(36[0-6]|3[0-5]\d|[1-2]\d\d|0[1-9]\d|00[1-9]|[1-9]\d|0[1-9]|[1-9])"},
    {'a', "sun|mon|tue|wed|thu|fri|sat"},
    {'A', "wednesday|thursday|saturday|tuesday|sunday|monday|friday"},  // longest first, though none begins another
    {'b', "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"},
    {'B', "january|february|march|april|may|june|july|august|september|october|november|december"},
    {'w', "[0-6]"},
    {'u', "[1-7]"},
    {'U', R"(5[0-3]|[0-4]\d|\d)"},
    {'W', R"(5[0-3]|[0-4]\d|\d)"},
    {'G', R"(\d\d\d\d)"},
    {'V', R"(5[0-3]|0[1-9]|[1-4]\d|\d)"},
    {'z', R"([+-]\d\d:?[0-5]\d(?::?[0-5]\d(?:\.\d{1,6})?)?|(?-i:Z))"},
};

std::string_view shorthand(char32_t letter) {
    if (letter == 'c') return "%a %b %d %H:%M:%S %Y";
    if (letter == 'x') return "%m/%d/%y";
    if (letter == 'X') return "%H:%M:%S";
    return "";
}

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (std::string_view("\\.^$*+?(){}[]|").find(c) != std::string_view::npos) out += '\\';
        out += c;
    }
    return out;
}

// What %Z reads: utc, gmt and the names of the machine's zone, found as CPython finds time.tzname: in force at the
// turn of the year and half a year later.
std::string zone_names() {
    constexpr std::time_t kYear = (365 * 24 + 6) * 3600;
    const std::time_t winter = std::time(nullptr) / kYear * kYear, summer = winter + kYear / 2;
    std::set<std::string> names = {"utc", "gmt"};
    for (const std::time_t time : {winter, summer}) {
        std::tm fields{};
        if (localtime_r(&time, &fields) != nullptr) names.insert(escaped(fields.tm_zone));
    }
    std::vector<std::string> longest_first(names.begin(), names.end());
    std::stable_sort(longest_first.begin(), longest_first.end(),
                     [](const std::string& a, const std::string& b) { return a.size() > b.size(); });
    return fmt::format("{}", fmt::join(longest_first, "|"));
}

class FormatReader {
public:
    explicit FormatReader(std::string_view format) : format_(format) {}

    // On success regex() and letters() hold the result.
    Status read() {
        for (std::size_t at = 0; at < format_.size();) {
            const auto point = first_code_point(format_.substr(at));
            if (!point) return fault("not UTF-8", at);
            if (point->value == '%') {
                TRY(directive(at));
                at += 2;
                continue;
            }
            literal(point->value, format_.substr(at, point->bytes));
            at += point->bytes;
        }
        return {};
    }

    // Case counts nowhere but in %z. Anchored at the front only: text left over is found by length, as Python does,
    // so that it cannot make a directive give back what it took.
    std::string regex() const { return "(?i)\\A" + regex_; }
    const std::string& letters() const { return letters_; }

private:
    Error fault(std::string_view reason, std::size_t at) const {
        return {.code = Code::invalid, .message = with_caret(fmt::format("bad date format: {}", reason), format_, at)};
    }

    void literal(char32_t c, std::string_view text) {
        const bool space = is_space(c);
        if (!space)
            regex_ += escaped(text);
        else if (!after_space_)
            regex_ += "\\s+";
        after_space_ = space;
    }

    Status directive(std::size_t at) {
        const auto letter = first_code_point(format_.substr(at + 1));
        if (at + 1 == format_.size()) return fault("a lone % at the end (write %% for the sign)", at);
        if (letter && letter->value == '%') {
            literal('%', "%");
            return {};
        }
        const std::string_view parts = letter ? shorthand(letter->value) : "";
        if (parts.empty()) return group(letter ? letter->value : U'\0', at);
        for (std::size_t i = 0; i < parts.size(); ++i) {
            if (parts[i] == '%')
                TRY(group(static_cast<char32_t>(parts[++i]), at));
            else
                literal(static_cast<unsigned char>(parts[i]), parts.substr(i, 1));
        }
        return {};
    }

    Status group(char32_t letter, std::size_t at) {
        after_space_ = false;
        const auto* pattern =
            std::find_if(std::begin(kPatterns), std::end(kPatterns),
                         [&](const DirectivePattern& each) { return static_cast<char32_t>(each.letter) == letter; });
        const bool zone = letter == 'Z';
        if (!zone && pattern == std::end(kPatterns)) {
            const auto next = first_code_point(format_.substr(at + 1));
            return fault(fmt::format("unknown directive %{}", next ? format_.substr(at + 1, next->bytes) : ""), at);
        }
        if (letters_.find(static_cast<char>(letter)) != std::string::npos) {
            return fault(fmt::format("directive %{} twice", static_cast<char>(letter)), at);
        }
        letters_ += static_cast<char>(letter);
        regex_ += fmt::format("({})", zone ? zone_names() : pattern->regex);
        return {};
    }

    std::string_view format_;
    std::string regex_;
    std::string letters_;  // of the directives, in order: one group each
    bool after_space_ = false;
};

// --- from the groups to a date

// First of each run of ten decimal digits in Unicode 14 (general category Nd): \d finds them, and Python reads them.
constexpr char32_t kZeros[] = {
    0x0030,  0x0660,  0x06F0,  0x07C0,  0x0966,  0x09E6,  0x0A66,  0x0AE6,  0x0B66,  0x0BE6,  0x0C66,
    0x0CE6,  0x0D66,  0x0DE6,  0x0E50,  0x0ED0,  0x0F20,  0x1040,  0x1090,  0x17E0,  0x1810,  0x1946,
    0x19D0,  0x1A80,  0x1A90,  0x1B50,  0x1BB0,  0x1C40,  0x1C50,  0xA620,  0xA8D0,  0xA900,  0xA9D0,
    0xA9F0,  0xAA50,  0xABF0,  0xFF10,  0x104A0, 0x10D30, 0x11066, 0x110F0, 0x11136, 0x111D0, 0x112F0,
    0x11450, 0x114D0, 0x11650, 0x116C0, 0x11730, 0x118E0, 0x11950, 0x11C50, 0x11D50, 0x11DA0, 0x16A60,
    0x16AC0, 0x16B50, 0x1D7CE, 0x1D7D8, 0x1D7E2, 0x1D7EC, 0x1D7F6, 0x1E140, 0x1E2F0, 0x1E950, 0x1FBF0,
};

// The text with its digits, of any script, as ASCII digits.
std::string with_ascii_digits(std::string_view text) {
    std::string out;
    while (const auto point = first_code_point(text)) {
        const char32_t* above = std::upper_bound(std::begin(kZeros), std::end(kZeros), point->value);
        const bool digit = above != std::begin(kZeros) && point->value - above[-1] < 10;
        if (digit)
            out += static_cast<char>('0' + (point->value - above[-1]));
        else
            out += text.substr(0, point->bytes);
        text.remove_prefix(point->bytes);
    }
    return out;
}

int number_in(std::string_view text) {
    int value = 0;
    for (const char c : text) {
        if (c >= '0' && c <= '9') value = value * 10 + (c - '0');  // %d may begin with a blank
    }
    return value;
}

// ".5" is half a second: the digits are padded on the right.
int micros_in(std::string_view digits) {
    return number_in(fmt::format("{:0<6}", digits));
}

// The place of the name in `names`, in full or by its first `letters`. nullopt: regexes fold case beyond ASCII ("ſun").
template <std::size_t N>
std::optional<int> place_of(std::string_view name, const std::array<std::string_view, N>& names, std::size_t letters) {
    for (std::size_t i = 0; i < N; ++i) {
        if (equal_ignoring_case(name, names[i].substr(0, letters))) return static_cast<int>(i);
    }
    return std::nullopt;
}

// "+0530", "+05:30", "+053015", "+05:30:15.25", "Z". nullopt: colons between some parts only, or a day and more.
std::optional<std::int64_t> offset_in(std::string text) {
    if (text == "Z") return 0;
    const bool colons = text[3] == ':';
    const std::size_t size = std::min(text.find('.'), text.size());
    const auto found = std::count(text.begin(), text.end(), ':');
    const auto wanted = !colons ? 0 : size > 6 ? 2 : 1;
    if (found != wanted) return std::nullopt;

    text.erase(std::remove(text.begin(), text.end(), ':'), text.end());
    const std::string_view digits = text;
    const auto part = [&](std::size_t at) { return at < digits.size() ? number_in(digits.substr(at, 2)) : 0; };
    const std::int64_t seconds = (part(1) * 60 + part(3)) * 60 + part(5);
    const std::int64_t micros = seconds * 1'000'000 + (digits.size() > 8 ? micros_in(digits.substr(8)) : 0);
    if (micros >= kSecondsPerDay * 1'000'000) return std::nullopt;
    return digits[0] == '-' ? -micros : micros;
}

// What the directives said. The last of several for one thing wins.
struct Fields {
    DateTime date;                       // the fields that need no thought
    std::optional<int> year, iso_year;   // %Y %y, %G
    std::optional<int> week, iso_week;   // %U %W, %V
    bool week_starts_on_monday = false;  // %W
    std::optional<int> weekday;          // Monday = 0
    std::optional<int> day_of_year;      // %j, later also what weeks amount to
    bool twelve_hours = false;           // the hour came from %I
    bool afternoon = false;
};

// Returns whether the text is what the directive wants.
bool set_field(Fields& fields, char letter, std::string_view given) {
    const std::string text = with_ascii_digits(given);
    const int number = letter == 'z' ? 0 : number_in(text);  // an offset with its fraction has digits beyond an int
    DateTime& date = fields.date;
    std::optional<int> place;
    switch (letter) {
        case 'Y': fields.year = number; return true;
        case 'y': fields.year = number + (number <= 68 ? 2000 : 1900); return true;
        case 'G': fields.iso_year = number; return true;
        case 'm': date.month = number; return true;
        case 'B':
        case 'b':
            place = place_of(text, kMonthNames, letter == 'b' ? 3 : std::string::npos);
            date.month = place.value_or(0) + 1;
            return place.has_value();
        case 'd': date.day = number; return true;
        case 'H':
            date.hour = number;
            fields.twelve_hours = false;
            return true;
        case 'I':
            date.hour = number % 12;
            fields.twelve_hours = true;
            return true;
        case 'p': fields.afternoon = equal_ignoring_case(text, "pm"); return true;
        case 'M': date.minute = number; return true;
        case 'S': date.second = number; return number < 60;
        case 'f': date.microsecond = micros_in(text); return true;
        case 'j': fields.day_of_year = number; return true;
        case 'A':
        case 'a':
            place = place_of(text, kWeekdayNames, letter == 'a' ? 3 : std::string::npos);
            fields.weekday = (place.value_or(0) + 6) % 7;
            return place.has_value();
        case 'w': fields.weekday = (number + 6) % 7; return true;
        case 'u': fields.weekday = number - 1; return true;
        case 'U':
        case 'W':
            fields.week = number;
            fields.week_starts_on_monday = letter == 'W';
            return true;
        case 'V': fields.iso_week = number; return true;
        case 'z': date.offset_microseconds = offset_in(text); return date.offset_microseconds.has_value();
        default: return true;  // %Z is read and forgotten
    }
}

int monday_first(int year, int month, int day) {
    return (static_cast<int>(weekday_of(year, month, day)) + 6) % 7;
}

int day_of_year_in_week(int year, int week, int weekday, bool starts_on_monday) {
    int first = monday_first(year, 1, 1);
    if (!starts_on_monday) {
        first = (first + 1) % 7;
        weekday = (weekday + 1) % 7;
    }
    if (week == 0) return 1 + weekday - first;
    return 1 + (7 - first) % 7 + 7 * (week - 1) + weekday;
}

// ISO years, weeks and days go together, all or none.
bool iso_fields_agree(const Fields& fields) {
    if (!fields.year && fields.iso_year) return fields.iso_week && fields.weekday && !fields.day_of_year;
    return fields.week || !fields.iso_week;
}

// Turns a week and a weekday into the day of the year, which may lie before (0 and less) or after the year's own.
void count_days_of_week(Fields& fields, int& year) {
    if (fields.day_of_year || !fields.weekday) return;
    if (fields.week) {
        fields.day_of_year = day_of_year_in_week(year, *fields.week, *fields.weekday, fields.week_starts_on_monday);
    } else if (fields.iso_year && fields.iso_week) {
        year = *fields.iso_year;
        fields.day_of_year = *fields.iso_week * 7 + *fields.weekday + 1 - (monday_first(year, 1, 4) + 4);
    }
}

bool is_year(std::int64_t year) {
    return year >= 1 && year <= 9999;
}

// Follows the end of CPython's _strptime(), whose order of rules decides the odd cases.
std::optional<DateTime> resolve(Fields fields) {
    if (!iso_fields_agree(fields)) return std::nullopt;
    DateTime date = fields.date;
    if (fields.twelve_hours && fields.afternoon) date.hour += 12;

    // 29 February without a year: reckoned in a leap year, then put into 1900, where it does not exist.
    const bool lent_year = !fields.year && date.month == 2 && date.day == 29;
    int year = fields.year.value_or(lent_year ? 1904 : 1900);
    if (!is_year(year) || (fields.iso_year && !is_year(*fields.iso_year) && !fields.year)) return std::nullopt;
    count_days_of_week(fields, year);
    date.year = year;
    if (fields.day_of_year) {
        const Day day = day_at(days_since_1970(year, 1, 1) + *fields.day_of_year - 1);
        date.year = day.year;
        date.month = day.month;
        date.day = day.day;
    }
    if (!is_date(date.year, date.month, date.day)) return std::nullopt;
    if (lent_year) date.year = 1900;
    if (!is_date(date.year, date.month, date.day)) return std::nullopt;
    return date;
}

}  // namespace

struct DateFormat::Impl {
    Regex regex;
    std::string letters;  // of the directives, in order: one group each
};

DateFormat::DateFormat(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
DateFormat::DateFormat(DateFormat&&) noexcept = default;
DateFormat& DateFormat::operator=(DateFormat&&) noexcept = default;
DateFormat::~DateFormat() = default;

Result<DateFormat> DateFormat::compile(std::string_view format) {
    FormatReader reader(format);
    TRY(reader.read());
    TRY_LET(regex, Regex::compile(reader.regex()));
    return DateFormat(std::make_unique<Impl>(Impl{std::move(regex), reader.letters()}));
}

std::optional<DateTime> DateFormat::parse(std::string_view text) const {
    const auto found = impl_->regex.search(text);
    // An error here is the match limit, which no date comes near.
    if (!found || !*found) return std::nullopt;
    const auto& groups = (*found)->groups;
    if (groups[0]->size() != text.size()) return std::nullopt;

    Fields fields;
    for (std::size_t i = 0; i < impl_->letters.size(); ++i) {
        if (!set_field(fields, impl_->letters[i], groups[i + 1].value_or(""))) return std::nullopt;
    }
    return resolve(fields);
}

}  // namespace dray
