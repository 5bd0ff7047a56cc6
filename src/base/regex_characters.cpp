#include "base/regex_characters.h"

#include <fmt/format.h>

namespace dray::pattern {
namespace {

Result<char32_t> hex_character(Tokens& in, char32_t letter, std::size_t digits) {
    const std::u32string hex = in.get_while(digits, is_hex);
    const std::string written = "\\" + utf8({&letter, 1}) + utf8(hex);
    if (hex.size() != digits) return in.fault("incomplete escape " + written, hex.size() + 2);
    char32_t value = 0;
    for (const char32_t digit : hex)
        value = value * 16 + (is_digit(digit) ? digit - '0' : (digit | 32) - 'a' + 10);
    if (value > 0x10FFFF) return in.fault("bad escape " + written, hex.size() + 2);
    if (value >= 0xD800 && value <= 0xDFFF) return in.fault("surrogates are not supported: " + written, hex.size() + 2);
    return value;
}

// A character or a category within a set.
struct SetMember {
    char32_t value = 0;
    bool category = false;
};

Result<SetMember> set_member(Tokens& in, Token token) {
    if (token.size() == 1) return SetMember{token[0]};
    if (one_of(token[1], U"dDsSwW")) return SetMember{token[1], true};
    if (token[1] == 'b') return SetMember{0x08};
    TRY_LET(c, escaped_character(in, token[1]));
    return SetMember{c};
}

void add(CharacterSet& set, const SetMember& member) {
    if (member.category)
        set.add_category(member.value);
    else
        set.add(member.value, member.value);
}

}  // namespace

Result<char32_t> octal_character(const Tokens& in, std::u32string_view digits) {
    char32_t value = 0;
    for (const char32_t digit : digits)
        value = value * 8 + (digit - '0');
    if (value <= 0377) return value;
    return in.fault(fmt::format("octal escape value \\{} outside of range 0-0o377", utf8(digits)), digits.size() + 1);
}

Result<char32_t> escaped_character(Tokens& in, char32_t letter) {
    switch (letter) {
        case 'a': return char32_t{0x07};
        case 'f': return char32_t{0x0C};
        case 'n': return char32_t{0x0A};
        case 'r': return char32_t{0x0D};
        case 't': return char32_t{0x09};
        case 'v': return char32_t{0x0B};
        case 'x': return hex_character(in, letter, 2);
        case 'u': return hex_character(in, letter, 4);
        case 'U': return hex_character(in, letter, 8);
        case 'N': return in.fault("\\N{...} is not supported: write the character, or \\uXXXX", 2);
        default: break;
    }
    if (is_octal(letter)) {
        std::u32string digits(1, letter);
        digits += in.get_while(2, is_octal);
        return octal_character(in, digits);
    }
    if (is_ascii_letter(letter) || is_digit(letter)) return in.fault("bad escape \\" + utf8({&letter, 1}), 2);
    return letter;
}

Result<std::string> read_set(Tokens& in, const CharacterRules& rules) {
    const std::size_t here = in.at() - 1;
    CharacterSet set(rules);
    const bool negated = in.match('^');
    while (true) {
        const Token token = in.get();
        if (token.empty()) return in.fault_at(here, "unterminated character set");
        if (is(token, ']') && !set.empty()) break;
        TRY_LET(first, set_member(in, token));
        if (!in.match('-')) {
            add(set, first);
            continue;
        }
        const Token behind = in.get();
        if (behind.empty()) return in.fault_at(here, "unterminated character set");
        if (is(behind, ']')) {
            add(set, first);
            set.add('-', '-');
            break;
        }
        TRY_LET(last, set_member(in, behind));
        if (first.category || last.category || last.value < first.value) {
            // Python's place: the length of the two tokens, without the digits of \x41.
            return in.fault(fmt::format("bad character range {}-{}", utf8(token), utf8(behind)),
                            token.size() + 1 + behind.size());
        }
        set.add(first.value, last.value);
    }
    return set.as_class(negated);
}

}  // namespace dray::pattern
