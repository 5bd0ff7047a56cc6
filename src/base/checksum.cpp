// The texts that checksums and digests travel as. crc.cpp and digest.cpp compute them.
#include "base/checksum.h"

#include <algorithm>
#include <utility>

namespace dray {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::string_view kBase64Digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

constexpr std::array<int, 256> make_base64_values() {
    std::array<int, 256> values{};
    values.fill(-1);
    for (std::size_t i = 0; i < kBase64Digits.size(); ++i)
        values[static_cast<unsigned char>(kBase64Digits[i])] = static_cast<int>(i);
    return values;
}
constexpr auto kBase64Values = make_base64_values();

template <class Word>
std::string hex_of(Word value) {
    std::string text(2 * sizeof(Word), '0');
    for (auto digit = text.rbegin(); digit != text.rend(); ++digit, value >>= 4)
        *digit = kHexDigits[value & 0xF];
    return text;
}

}  // namespace

std::string hex(std::string_view bytes) {
    std::string text(2 * bytes.size(), '0');
    char* digit = text.data();
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        *digit++ = kHexDigits[byte >> 4];
        *digit++ = kHexDigits[byte & 0xF];
    }
    return text;
}

std::string hex(std::uint32_t value) {
    return hex_of(value);
}
std::string hex(std::uint64_t value) {
    return hex_of(value);
}

bool unhex(std::string_view text, std::string& bytes) {
    if (text.size() % 2 != 0) return false;
    std::string result;
    result.reserve(text.size() / 2);
    for (std::size_t i = 0; i < text.size(); i += 2) {
        const int high = hex_digit(text[i]);
        const int low = hex_digit(text[i + 1]);
        if (high < 0 || low < 0) return false;
        result.push_back(static_cast<char>(high << 4 | low));
    }
    bytes = std::move(result);
    return true;
}

std::string base64(std::string_view bytes) {
    std::string text;
    text.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const std::size_t count = std::min<std::size_t>(bytes.size() - i, 3);
        std::uint32_t group = 0;
        for (std::size_t k = 0; k < 3; ++k)
            group = group << 8 | (k < count ? static_cast<unsigned char>(bytes[i + k]) : 0U);
        for (std::size_t k = 0; k < 4; ++k)
            text.push_back(k <= count ? kBase64Digits[(group >> (18 - 6 * k)) & 0x3F] : '=');
    }
    return text;
}

bool unbase64(std::string_view text, std::string& bytes) {
    if (text.size() % 4 != 0) return false;
    std::size_t padding = 0;
    while (padding < 2 && text.ends_with('=')) {
        text.remove_suffix(1);
        ++padding;
    }
    std::string result;
    result.reserve(text.size() / 4 * 3 + 2);
    std::uint32_t pending = 0;
    int pending_bits = 0;
    for (const char c : text) {
        const int value = kBase64Values[static_cast<unsigned char>(c)];
        if (value < 0) return false;
        pending = pending << 6 | static_cast<std::uint32_t>(value);
        pending_bits += 6;
        if (pending_bits < 8) continue;
        pending_bits -= 8;
        result.push_back(static_cast<char>(pending >> pending_bits));
        pending &= (1U << pending_bits) - 1;
    }
    // Bits left over are zero in what an encoder writes; anything else would be a second spelling of the same bytes.
    if (pending != 0 || pending_bits == 6) return false;
    bytes = std::move(result);
    return true;
}

}  // namespace dray
