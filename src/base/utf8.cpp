#include "base/utf8.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/check.h"

namespace dray {
namespace {

constexpr char32_t kSmallestOf[] = {0, 0, 0x80, 0x800, 0x10000};  // by number of bytes; below it: overlong

std::size_t length_announced_by(unsigned char lead) {
    if (lead < 0x80) return 1;
    if (lead >= 0xC2 && lead <= 0xDF) return 2;
    if (lead >= 0xE0 && lead <= 0xEF) return 3;
    if (lead >= 0xF0 && lead <= 0xF4) return 4;
    return 0;
}

}  // namespace

std::optional<CodePoint> first_code_point(std::string_view text) {
    if (text.empty()) return std::nullopt;
    const auto lead = static_cast<unsigned char>(text[0]);
    const std::size_t bytes = length_announced_by(lead);
    if (bytes == 0 || bytes > text.size()) return std::nullopt;

    char32_t value = bytes == 1 ? lead : lead & (0x7Fu >> bytes);
    for (std::size_t i = 1; i < bytes; ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        if ((byte & 0xC0) != 0x80) return std::nullopt;
        value = value << 6 | (byte & 0x3F);
    }
    const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
    if (value < kSmallestOf[bytes] || value > 0x10FFFF || surrogate) return std::nullopt;
    return CodePoint{value, bytes};
}

void append_utf8(std::string& out, char32_t value) {
    CHECK(value <= 0x10FFFF && (value < 0xD800 || value > 0xDFFF));
    const auto tail = [&](unsigned shift) { out += static_cast<char>(0x80 | (value >> shift & 0x3F)); };
    if (value < 0x80) {
        out += static_cast<char>(value);
    } else if (value < 0x800) {
        out += static_cast<char>(0xC0 | value >> 6);
        tail(0);
    } else if (value < 0x10000) {
        out += static_cast<char>(0xE0 | value >> 12);
        tail(6), tail(0);
    } else {
        out += static_cast<char>(0xF0 | value >> 18);
        tail(12), tail(6), tail(0);
    }
}

std::string with_caret(std::string_view reason, std::string_view text, std::size_t offset) {
    offset = std::min(offset, text.size());
    const std::size_t before = offset == 0 ? std::string_view::npos : text.rfind('\n', offset - 1);
    const std::size_t begin = before == std::string_view::npos ? 0 : before + 1;
    const std::size_t end = std::min(text.find('\n', offset), text.size());

    std::string shown, blanks;
    for (std::size_t at = begin; at < end;) {
        const auto point = first_code_point(text.substr(at));
        const bool printable = point && point->value >= 0x20 && point->value != 0x7F;
        if (at < offset) blanks += ' ';
        // Control characters and stray bytes would move the caret, or drive the terminal.
        shown += printable ? text.substr(at, point->bytes) : std::string_view(" ");
        at += point ? point->bytes : 1;
    }
    return std::string(reason).append("\n  ").append(shown).append("\n  ").append(blanks).append("^");
}

}  // namespace dray
