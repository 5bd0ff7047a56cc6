#include "codec/json_scanner.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <clocale>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/utf8.h"

namespace dray {
namespace {

bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

// Ends a run of plain characters in a text.
bool is_special(char c) {
    return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20;
}

// Whether one of eight bytes is special; the usual trick: a byte below n borrows when n is taken from it.
bool has_special(std::uint64_t bytes) {
    constexpr std::uint64_t kOnes = 0x0101010101010101, kHighs = 0x8080808080808080;
    const auto any_below = [](std::uint64_t word, std::uint64_t n) { return (word - kOnes * n) & ~word & kHighs; };
    const std::uint64_t quotes = bytes ^ kOnes * '"', backslashes = bytes ^ kOnes * '\\';
    return (any_below(quotes, 1) | any_below(backslashes, 1) | any_below(bytes, 0x20)) != 0;
}

// The place of the first special character at `at` or behind it; the size of the text when there is none.
std::size_t find_special(std::string_view text, std::size_t at) {
    for (std::uint64_t bytes = 0; at + sizeof bytes <= text.size(); at += sizeof bytes) {
        std::memcpy(&bytes, text.data() + at, sizeof bytes);
        if (has_special(bytes)) break;
    }
    while (at < text.size() && !is_special(text[at]))
        ++at;
    return at;
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_hex(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool is_high_surrogate(char32_t unit) {
    return unit >= 0xD800 && unit <= 0xDBFF;
}
bool is_low_surrogate(char32_t unit) {
    return unit >= 0xDC00 && unit <= 0xDFFF;
}

// The code unit of "\uXXXX" at `at`, if one stands there.
char32_t code_unit(std::string_view raw, std::size_t at) {
    unsigned unit = 0;
    if (raw.substr(at, 2) == "\\u") std::from_chars(raw.data() + at + 2, raw.data() + at + 6, unit, 16);
    return unit;
}

// Appends what the escape at `at` stands for, and returns its size.
std::size_t append_unescaped(std::string& out, std::string_view raw, std::size_t at) {
    constexpr std::string_view kLetters = "bfnrt", kMeanings = "\b\f\n\r\t";
    constexpr char32_t kReplacement = 0xFFFD;
    const char letter = raw[at + 1];
    if (letter != 'u') {
        const std::size_t place = kLetters.find(letter);
        out += place == std::string_view::npos ? letter : kMeanings[place];
        return 2;
    }
    const char32_t unit = code_unit(raw, at);
    if (is_high_surrogate(unit)) {
        const char32_t low = code_unit(raw, at + 6);
        if (is_low_surrogate(low)) {
            append_utf8(out, 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00));
            return 12;
        }
    }
    append_utf8(out, is_high_surrogate(unit) || is_low_surrogate(unit) ? kReplacement : unit);
    return 6;
}

// Not from_chars: it has one error for numbers too small, which become 0, and too large, which become infinite. strtod
// reads NaN and Infinity too, and in the C locale whatever the program's may be.
double as_double(std::string_view number) {
    const locale_t c_locale = newlocale(LC_ALL_MASK, "C", nullptr);
    CHECK(c_locale != nullptr);
    const double value = strtod_l(std::string(number).c_str(), nullptr, c_locale);
    freelocale(c_locale);
    return value;
}

}  // namespace

bool JsonPiece::is(std::string_view wanted) const {
    if (kind != Kind::text) return false;
    return escaped ? text() == wanted : raw == wanted;
}

std::string JsonPiece::text() const {
    if (!escaped) return std::string(raw);
    std::string out;
    for (std::size_t at = 0; at < raw.size();) {
        const std::size_t backslash = raw.find('\\', at);
        out += raw.substr(at, backslash - at);
        if (backslash == std::string_view::npos) break;
        at = backslash + append_unescaped(out, raw, backslash);
    }
    return out;
}

bool JsonPiece::truthy() const {
    switch (kind) {
        case Kind::null: return false;
        case Kind::boolean: return raw == "true";
        case Kind::number: return as_double(raw) != 0;
        case Kind::text: return !raw.empty();
        case Kind::array:
        case Kind::object: break;
    }
    return !std::all_of(raw.begin() + 1, raw.end() - 1, is_blank);
}

bool JsonScanner::fail(const char* reason) {
    if (!failed()) fault_ = reason;
    return false;
}

std::string JsonScanner::fault() const {
    return failed() ? fmt::format("not JSON at byte {}: {}", at_, fault_) : "";
}

void JsonScanner::pass_blanks() {
    while (is_blank(peek()))
        ++at_;
}

bool JsonScanner::at_object() {
    pass_blanks();
    return !failed() && peek() == '{';
}

bool JsonScanner::open() {
    if (failed()) return false;
    pass_blanks();
    if (!at_bracket()) return fail("an array or object is expected");
    if (depth_ == kMaxDepth) return fail("too many arrays and objects in one another");
    objects_[depth_++] = peek() == '{';
    fresh_ = true;
    ++at_;
    return true;
}

bool JsonScanner::next() {
    if (failed()) return false;
    pass_blanks();
    const bool first = std::exchange(fresh_, false);
    if (peek() == (in_object() ? '}' : ']')) {
        ++at_;
        --depth_;
        return false;
    }
    if (first) return true;
    if (peek() != ',') return fail(in_object() ? "a comma or } is expected" : "a comma or ] is expected");
    ++at_;
    return true;
}

bool JsonScanner::name(JsonPiece& name) {
    if (failed()) return false;
    pass_blanks();
    if (peek() != '"') return fail("a name in quotes is expected");
    if (!text(name)) return false;
    pass_blanks();
    if (peek() != ':') return fail("a colon is expected");
    ++at_;
    return true;
}

bool JsonScanner::value(JsonPiece& value) {
    if (failed()) return false;
    pass_blanks();
    if (!at_bracket()) return scalar(value);
    const std::size_t begin = at_;
    value.kind = peek() == '{' ? JsonPiece::Kind::object : JsonPiece::Kind::array;
    if (!container()) return false;
    value.raw = text_.substr(begin, at_ - begin);
    return true;
}

bool JsonScanner::finish() {
    if (failed()) return false;
    pass_blanks();
    return at_ == text_.size() || fail("more than one value");
}

// The array or object that comes next, with all that is in it. A loop, for workers' stacks are small.
bool JsonScanner::container() {
    const std::size_t outside = depth_;
    JsonPiece passed;
    if (!open()) return false;
    while (depth_ > outside) {
        if (!next()) {
            if (failed()) return false;
            continue;
        }
        if (in_object() && !name(passed)) return false;
        pass_blanks();
        if (!(at_bracket() ? open() : scalar(passed))) return false;
    }
    return true;
}

bool JsonScanner::scalar(JsonPiece& value) {
    using Kind = JsonPiece::Kind;
    const std::size_t begin = at_;
    bool good = false;
    switch (peek()) {
        case '"': return text(value);
        case 'n': value.kind = Kind::null, good = word("null"); break;
        case 't': value.kind = Kind::boolean, good = word("true"); break;
        case 'f': value.kind = Kind::boolean, good = word("false"); break;
        case 'N': value.kind = Kind::number, good = word("NaN"); break;
        default: value.kind = Kind::number, good = number(); break;
    }
    value.raw = text_.substr(begin, at_ - begin);
    return good;
}

bool JsonScanner::text(JsonPiece& text) {
    const std::size_t begin = ++at_;
    text.kind = JsonPiece::Kind::text;
    text.escaped = false;
    for (;;) {
        at_ = find_special(text_, at_);
        if (at_ == text_.size()) return fail("the text has no end");
        if (text_[at_] == '"') break;
        if (text_[at_] != '\\') return fail("a control character in a text");
        text.escaped = true;
        if (!escape()) return false;
    }
    text.raw = text_.substr(begin, at_ - begin);
    ++at_;
    return true;
}

bool JsonScanner::escape() {
    ++at_;
    const char letter = peek();
    if (letter == '\0' || std::string_view("\"\\/bfnrtu").find(letter) == std::string_view::npos)
        return fail("no such escape");
    ++at_;
    for (int left = letter == 'u' ? 4 : 0; left > 0; --left, ++at_)
        if (!is_hex(peek())) return fail("four hexadecimal digits are expected");
    return true;
}

bool JsonScanner::number() {
    if (peek() == '-') ++at_;
    if (peek() == 'I') return word("Infinity");
    if (peek() == '0')
        ++at_;
    else if (!digits())
        return fail("a value is expected");

    if (peek() == '.') {
        ++at_;
        if (!digits()) return fail("a digit is expected");
    }
    if (peek() == 'e' || peek() == 'E') {
        ++at_;
        if (peek() == '+' || peek() == '-') ++at_;
        if (!digits()) return fail("a digit is expected");
    }
    return true;
}

bool JsonScanner::digits() {
    const std::size_t begin = at_;
    while (is_digit(peek()))
        ++at_;
    return at_ > begin;
}

bool JsonScanner::word(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) return fail("a value is expected");
    at_ += word.size();
    return true;
}

}  // namespace dray
