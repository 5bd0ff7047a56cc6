#include "base/regex_set.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/regex_tokens.h"
#include "base/utf8.h"

namespace dray {
namespace {

constexpr char32_t kLastCodePoint = 0x10FFFF;

struct Range {
    char32_t first = 0, last = 0;
};
using Ranges = std::vector<Range>;

// str.isspace(). PCRE2's \s differs: it lacks U+001C to U+001F and has U+180E.
const Ranges kUnicodeSpace = {{0x09, 0x0D},     {0x1C, 0x20},     {0x85, 0x85},     {0xA0, 0xA0},     {0x1680, 0x1680},
                              {0x2000, 0x200A}, {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000}};
const Ranges kAsciiSpace = {{0x09, 0x0D}, {' ', ' '}};
const Ranges kAsciiDigit = {{'0', '9'}};
const Ranges kAsciiWord = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};

Ranges complement(const Ranges& ranges) {
    Ranges others;
    char32_t next = 0;
    for (const Range& range : ranges) {
        if (range.first > next) others.push_back({next, range.first - 1});
        next = range.last + 1;
    }
    others.push_back({next, kLastCodePoint});
    return others;
}

void append_range(std::string& out, const Range& range) {
    append_character(out, range.first);
    if (range.last == range.first) return;
    out += '-';
    append_character(out, range.last);
}

// The part of `range` within [first, last], moved by `shift`.
void append_shifted(std::string& out, const Range& range, char32_t first, char32_t last, int shift) {
    const Range common = {std::max(range.first, first), std::min(range.last, last)};
    if (common.first > common.last) return;
    append_range(out, {common.first + static_cast<char32_t>(shift), common.last + static_cast<char32_t>(shift)});
}

}  // namespace

bool is_space(char32_t c) {
    return std::any_of(kUnicodeSpace.begin(), kUnicodeSpace.end(),
                       [&](const Range& range) { return c >= range.first && c <= range.last; });
}

void append_character(std::string& out, char32_t c) {
    const bool plain = pattern::is_ascii_letter(c) || (c >= '0' && c <= '9');
    if (c < 0x20 || c == 0x7F) {
        out += fmt::format("\\x{{{:x}}}", static_cast<unsigned>(c));
        return;
    }
    if (c < 0x80 && !plain) out += '\\';
    append_utf8(out, c);
}

void append_literal(std::string& out, char32_t c, const CharacterRules& rules) {
    if (!rules.spell_out_case() || !pattern::is_ascii_letter(c)) return append_character(out, c);
    CharacterSet both(rules);
    both.add(c, c);
    out += both.as_class(false);
}

void CharacterSet::add(char32_t first, char32_t last) {
    append_range(items_, {first, last});
    if (!rules_.spell_out_case()) return;
    append_shifted(items_, {first, last}, 'A', 'Z', 'a' - 'A');
    append_shifted(items_, {first, last}, 'a', 'z', 'A' - 'a');
}

void CharacterSet::add_category(char32_t letter) {
    const bool negated = letter == 'D' || letter == 'S' || letter == 'W';
    const bool space = letter == 's' || letter == 'S';
    if (!rules_.ascii && !space) {  // with PCRE2_UCP the same characters in both
        items_ += '\\';
        items_ += static_cast<char>(letter);
        return;
    }
    const Ranges& ranges = space ? (rules_.ascii ? kAsciiSpace : kUnicodeSpace)
                                 : (letter == 'd' || letter == 'D' ? kAsciiDigit : kAsciiWord);
    for (const Range& range : negated ? complement(ranges) : ranges)
        append_range(items_, range);
}

}  // namespace dray
