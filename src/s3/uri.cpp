// Percent-encoding, both ways.
#include <array>

#include "s3/endpoint.h"

namespace dray::s3 {
namespace {

constexpr std::array<bool, 256> kUnreserved = [] {
    std::array<bool, 256> table{};
    for (char c = 'A'; c <= 'Z'; ++c)
        table[static_cast<unsigned char>(c)] = true;
    for (char c = 'a'; c <= 'z'; ++c)
        table[static_cast<unsigned char>(c)] = true;
    for (char c = '0'; c <= '9'; ++c)
        table[static_cast<unsigned char>(c)] = true;
    for (char c : {'-', '.', '_', '~'})
        table[static_cast<unsigned char>(c)] = true;
    return table;
}();

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

}  // namespace

void uri_encode(std::string& out, std::string_view bytes, bool keep_slash) {
    static constexpr char kHex[] = "0123456789ABCDEF";
    for (char c : bytes) {
        auto byte = static_cast<unsigned char>(c);
        if (kUnreserved[byte] || (c == '/' && keep_slash)) {
            out += c;
        } else {
            const char escape[] = {'%', kHex[byte >> 4], kHex[byte & 15]};
            out.append(escape, 3);
        }
    }
}

std::string uri_encode(std::string_view bytes, bool keep_slash) {
    std::string out;
    out.reserve(bytes.size() + 16);
    uri_encode(out, bytes, keep_slash);
    return out;
}

bool uri_decode(std::string_view text, bool plus_is_space, std::string& bytes) {
    bytes.clear();
    bytes.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '+' && plus_is_space) {
            bytes += ' ';
        } else if (text[i] != '%') {
            bytes += text[i];
        } else {
            if (i + 2 >= text.size()) return false;
            int high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
            if (high < 0 || low < 0) return false;
            bytes += static_cast<char>(high * 16 + low);
            i += 2;
        }
    }
    return true;
}

}  // namespace dray::s3
