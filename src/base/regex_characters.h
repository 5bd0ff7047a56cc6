// Single characters in a Python pattern: escapes, and sets in brackets.
#pragma once

#include <string>
#include <string_view>

#include "base/regex_set.h"
#include "base/regex_tokens.h"

namespace dray::pattern {

// The character that a backslash with this letter (and what follows) stands for, in and outside of sets. A digit here
// begins an octal number.
Result<char32_t> escaped_character(Tokens& in, char32_t letter);
// The character of octal digits that have been read from `in`.
Result<char32_t> octal_character(const Tokens& in, std::u32string_view digits);

// Called behind "["; ends behind "]". The set as PCRE2 writes it.
Result<std::string> read_set(Tokens& in, const CharacterRules& rules);

}  // namespace dray::pattern
