#include "base/regex_tokens.h"

#include <fmt/format.h>

#include "base/regex_python.h"

namespace dray::pattern {

bool is_identifier(std::u32string_view name) {
    const auto letter = [](char32_t c) { return is_ascii_letter(c) || c == '_' || c >= 0x80; };
    return letter(name[0]) &&
           std::all_of(name.begin(), name.end(), [&](char32_t c) { return letter(c) || is_digit(c); });
}

std::uint64_t decimal(std::u32string_view digits, std::uint64_t cap) {
    std::uint64_t value = 0;
    for (const char32_t digit : digits)
        value = std::min(value * 10 + (digit - '0'), cap);
    return value;
}

Result<std::u32string> Tokens::get_until(char32_t terminator, std::string_view what) {
    std::u32string text;
    while (true) {
        const Token token = get();
        if (token.empty() && text.empty()) return fault(fmt::format("missing {}", what));
        if (token.empty()) {
            return fault(fmt::format("missing {}, unterminated name", static_cast<char>(terminator)), text.size());
        }
        if (is(token, terminator)) break;
        text += token;
    }
    if (text.empty()) return fault(fmt::format("missing {}", what), 1);
    return text;
}

Error Tokens::fault_at(std::size_t position, std::string_view reason) const {
    return bad_pattern(reason, pattern_, offsets_[std::min(position, offsets_.size() - 1)]);
}

}  // namespace dray::pattern
