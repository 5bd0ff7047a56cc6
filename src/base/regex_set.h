// Character sets of Python's `re`, written as PCRE2 classes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dray {

// What the flags in force mean for single characters.
struct CharacterRules {
    bool ignore_case = false;
    bool ascii = false;  // (?a): \w \d \s and case are those of ASCII
    // PCRE2's caseless matching folds all of Unicode, so with (?a) case is spelled out: [aA].
    bool spell_out_case() const { return ignore_case && ascii; }
};

bool is_space(char32_t c);  // str.isspace(), which is Python's \s

// One character, as itself: escaped where PCRE2 would read more into it.
void append_character(std::string& out, char32_t c);
// One character of a pattern: itself, or both its cases.
void append_literal(std::string& out, char32_t c, const CharacterRules& rules);

// A set in the making: [...] or one of \d \D \s \S \w \W.
class CharacterSet {
public:
    explicit CharacterSet(const CharacterRules& rules) : rules_(rules) {}
    void add(char32_t first, char32_t last);
    void add_category(char32_t letter);  // one of dDsSwW
    bool empty() const { return items_.empty(); }
    std::string as_class(bool negated) const { return (negated ? "[^" : "[") + items_ + "]"; }

private:
    CharacterRules rules_;
    std::string items_;
};

}  // namespace dray
