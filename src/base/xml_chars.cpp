#include "base/xml_chars.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "base/json.h"
#include "base/utf8.h"
#include "base/xml.h"

namespace dray {
namespace {

constexpr std::size_t kNowhere = std::string_view::npos;

// Without a branch, and in bytes, so that the compiler uses vectors.
std::uint8_t forbidden_control(char c) {
    const auto byte = static_cast<std::uint8_t>(c);
    return static_cast<std::uint8_t>((byte < 0x20) & (byte != '\t') & (byte != '\n') & (byte != '\r'));
}
bool is_forbidden_control(char c) {
    return forbidden_control(c) != 0;
}

std::size_t find_control(std::string_view text) {
    constexpr std::size_t kBlock = 1024;
    std::size_t at = 0;
    for (; at + kBlock <= text.size(); at += kBlock) {
        const char* block = text.data() + at;
        std::uint8_t found = 0;
        for (std::size_t i = 0; i < kBlock; ++i)
            found = static_cast<std::uint8_t>(found | forbidden_control(block[i]));
        if (found != 0) break;
    }
    const auto place = std::find_if(text.begin() + static_cast<std::ptrdiff_t>(at), text.end(), is_forbidden_control);
    return place == text.end() ? kNowhere : static_cast<std::size_t>(place - text.begin());
}

// U+FFFE and U+FFFF: EF BF BE and EF BF BF.
std::size_t find_noncharacter(std::string_view text) {
    for (std::size_t at = text.find("\xEF\xBF"); at != kNowhere; at = text.find("\xEF\xBF", at + 1))
        if (at + 2 < text.size() && static_cast<unsigned char>(text[at + 2]) >= 0xBE) return at;
    return kNowhere;
}

std::size_t find_bad_utf8(std::string_view text) {
    if (is_utf8(text)) return kNowhere;
    std::size_t at = 0;
    while (const auto character = first_code_point(text.substr(at)))
        at += character->bytes;
    return at;
}

bool is_xml_character(std::uint64_t value) {
    if (value < 0x20) return value == '\t' || value == '\n' || value == '\r';
    return value <= 0xD7FF || (value >= 0xE000 && value <= 0xFFFD) || (value >= 0x10000 && value <= 0x10FFFF);
}

int digit_value(char c, int base) {
    int value = -1;
    if (c >= '0' && c <= '9') value = c - '0';
    if (c >= 'a' && c <= 'f') value = c - 'a' + 10;
    if (c >= 'A' && c <= 'F') value = c - 'A' + 10;
    return value < base ? value : -1;
}

// `text` begins with "&#".
XmlReference read_character_reference(std::string_view text) {
    std::size_t at = 2;
    const bool is_hex = text.substr(at).starts_with('x');
    const int base = is_hex ? 16 : 10;
    if (is_hex) ++at;
    const std::size_t first_digit = at;
    std::uint64_t value = 0;
    for (; at < text.size() && digit_value(text[at], base) >= 0; ++at)
        value = std::min<std::uint64_t>(value * base + digit_value(text[at], base), 0x110000);  // too large stays so
    if (at == first_digit || at == text.size() || text[at] != ';' || !is_xml_character(value)) return {};
    return {.bytes = at + 1, .value = static_cast<char32_t>(value)};
}

constexpr std::array<std::pair<std::string_view, char32_t>, 5> kEntities = {
    {{"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}, {"&quot;", '"'}, {"&apos;", '\''}}};

// Where to go on behind the carriage return at `at`, which is one line end with a line feed behind it.
std::size_t after_carriage_return(std::string_view raw, std::size_t at) {
    return at + (raw.substr(at + 1).starts_with('\n') ? 2 : 1);
}

}  // namespace

std::size_t find_unfit_for_xml(std::string_view text) {
    return std::min({find_bad_utf8(text), find_control(text), find_noncharacter(text)});
}

XmlReference read_xml_reference(std::string_view text) {
    if (text.starts_with("&#")) return read_character_reference(text);
    for (const auto& [entity, value] : kEntities)
        if (text.starts_with(entity)) return {.bytes = entity.size(), .value = value};
    return {};
}

void append_xml_characters(std::string& out, std::string_view raw) {
    std::size_t run = 0;
    for (std::size_t at = 0; at < raw.size();) {
        if (raw[at] != '&' && raw[at] != '\r') {
            ++at;
            continue;
        }
        out += raw.substr(run, at - run);
        if (raw[at] == '&') {
            const XmlReference reference = read_xml_reference(raw.substr(at));
            append_utf8(out, reference.value);
            at += reference.bytes;
        } else {
            out += '\n';
            at = after_carriage_return(raw, at);
        }
        run = at;
    }
    out += raw.substr(run);
}

void append_xml_cdata(std::string& out, std::string_view raw) {
    std::size_t run = 0;
    for (std::size_t at = raw.find('\r'); at != kNowhere; at = raw.find('\r', run)) {
        out += raw.substr(run, at - run);
        out += '\n';
        run = after_carriage_return(raw, at);
    }
    out += raw.substr(run);
}

void xml_escape(std::string& out, std::string_view text) {
    for (const char c : text) {
        switch (c) {
            case '&': out += "&amp;"; break;
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '\r': out += "&#13;"; break;  // a bare one would be read back as a line end
            default: out += c;
        }
    }
}

bool xml_can_carry(std::string_view text) {
    return find_unfit_for_xml(text) == kNowhere;
}

}  // namespace dray
