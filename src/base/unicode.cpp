#include "base/unicode.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>

#include "base/check.h"
#include "base/utf8.h"

namespace dray {
namespace {

bool is_ascii(std::string_view text) {
    return std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
}

bool all_utf8(std::string_view text) {
    while (!text.empty()) {
        const auto point = first_code_point(text);
        if (!point) return false;
        text.remove_prefix(point->bytes);
    }
    return true;
}

std::string lower_ascii(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
}

void append_folded(std::string& out, char32_t point) {
    // The longest full case folding has three code points (U+0390).
    std::array<utf8proc_int32_t, 4> folded{};
    int boundary = 0;
    const auto count = utf8proc_decompose_char(static_cast<utf8proc_int32_t>(point), folded.data(), folded.size(),
                                               UTF8PROC_CASEFOLD, &boundary);
    if (count <= 0 || count > static_cast<utf8proc_ssize_t>(folded.size())) {
        append_utf8(out, point);
        return;
    }
    for (utf8proc_ssize_t i = 0; i < count; ++i)
        append_utf8(out, static_cast<char32_t>(folded[static_cast<std::size_t>(i)]));
}

// Python's str.isspace(): White_Space and the four separators U+001C to U+001F.
bool is_white(char32_t point) {
    return (point >= 0x09 && point <= 0x0D) || (point >= 0x1C && point <= 0x20) || point == 0x85 || point == 0xA0 ||
           point == 0x1680 || (point >= 0x2000 && point <= 0x200A) || point == 0x2028 || point == 0x2029 ||
           point == 0x202F || point == 0x205F || point == 0x3000;
}

bool is_decimal(char32_t point) {
    return utf8proc_category(static_cast<utf8proc_int32_t>(point)) == UTF8PROC_CATEGORY_ND;
}

// Decimal digits stand in runs from 0 to 9, some of which adjoin each other.
std::optional<int> decimal_digit(char32_t point) {
    if (!is_decimal(point)) return std::nullopt;
    char32_t first = point;
    while (first > 0 && is_decimal(first - 1))
        --first;
    return static_cast<int>((point - first) % 10);
}

}  // namespace

std::string nfc(std::string_view text) {
    if (is_ascii(text) || !all_utf8(text)) return std::string(text);
    utf8proc_uint8_t* mapped = nullptr;
    const auto bytes =
        utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()), static_cast<utf8proc_ssize_t>(text.size()),
                     &mapped, static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
    const std::unique_ptr<utf8proc_uint8_t, void (*)(void*)> owned(mapped, std::free);
    CHECK(bytes >= 0);  // the text is UTF-8, so only memory can be short, and that ends the process
    return std::string(reinterpret_cast<const char*>(mapped), static_cast<std::size_t>(bytes));
}

std::string case_folded(std::string_view text) {
    if (is_ascii(text) || !all_utf8(text)) return lower_ascii(text);
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const auto point = first_code_point(text);
        append_folded(out, point->value);
        text.remove_prefix(point->bytes);
    }
    return out;
}

std::string_view stripped(std::string_view text) {
    while (const auto point = first_code_point(text)) {
        if (!is_white(point->value)) break;
        text.remove_prefix(point->bytes);
    }
    std::size_t end = 0;  // behind the last character that is no space
    for (std::size_t at = 0; at < text.size();) {
        const auto point = first_code_point(text.substr(at));
        at += point ? point->bytes : 1;
        if (!point || !is_white(point->value)) end = at;
    }
    return text.substr(0, end);
}

std::optional<std::int64_t> python_int(std::string_view text) {
    text = stripped(text);
    const bool negative = text.starts_with('-');
    if (negative || text.starts_with('+')) text.remove_prefix(1);

    std::int64_t value = 0;
    bool after_digit = false;
    while (!text.empty()) {
        const auto point = first_code_point(text);
        if (!point) return std::nullopt;
        text.remove_prefix(point->bytes);
        if (point->value == '_' && after_digit) {
            after_digit = false;
            continue;
        }
        const auto digit = decimal_digit(point->value);
        if (!digit || __builtin_mul_overflow(value, 10, &value) || __builtin_sub_overflow(value, *digit, &value))
            return std::nullopt;
        after_digit = true;
    }
    // Counted downwards, for there is one negative number more than there are positive ones.
    if (!after_digit || (!negative && value == INT64_MIN)) return std::nullopt;
    return negative ? value : -value;
}

}  // namespace dray
