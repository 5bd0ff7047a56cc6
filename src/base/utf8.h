// UTF-8, one code point at a time.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace dray {

struct CodePoint {
    char32_t value = 0;
    std::size_t bytes = 0;  // that it takes in UTF-8
};

// The first code point of `text`. nullopt: empty, or not UTF-8 (RFC 3629: no overlong forms, no surrogates).
std::optional<CodePoint> first_code_point(std::string_view text);

// `value` is a Unicode scalar: at most 0x10FFFF and no surrogate.
void append_utf8(std::string& out, char32_t value);

// The message of a fault in `text`: "<reason>\n  <text>\n  <blanks>^", the caret standing under the character at byte
// `offset` (or behind the last). Of a text with several lines, only the line at fault is shown.
std::string with_caret(std::string_view reason, std::string_view text, std::size_t offset);

}  // namespace dray
