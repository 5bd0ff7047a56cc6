#include <simdjson.h>

#include <array>
#include <charconv>
#include <cmath>

#include "base/checksum.h"
#include "base/json.h"
#include "base/utf8.h"

namespace dray {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

enum class Kind : std::uint8_t { plain, escaped, not_ascii };

constexpr std::array<Kind, 256> make_kinds() {
    std::array<Kind, 256> kinds{};
    for (std::size_t i = 0; i < 0x20; ++i)
        kinds[i] = Kind::escaped;
    for (std::size_t i = 0x80; i < 0x100; ++i)
        kinds[i] = Kind::not_ascii;
    kinds['"'] = kinds['\\'] = Kind::escaped;
    return kinds;
}
constexpr auto kKinds = make_kinds();

Kind kind_of(char c) {
    return kKinds[static_cast<unsigned char>(c)];
}

void append_escape(std::string& out, char c) {
    switch (c) {
        case '"': out += "\\\""; return;
        case '\\': out += "\\\\"; return;
        case '\n': out += "\\n"; return;
        case '\r': out += "\\r"; return;
        case '\t': out += "\\t"; return;
        default: break;
    }
    constexpr std::string_view kDigits = "0123456789abcdef";
    out += "\\u00";
    out += kDigits[static_cast<unsigned char>(c) >> 4];
    out += kDigits[static_cast<unsigned char>(c) & 0xF];
}

std::string with_bad_bytes_replaced(std::string_view text) {
    std::string repaired;
    while (!text.empty()) {
        const auto character = first_code_point(text);
        const std::size_t bytes = character ? character->bytes : 1;
        repaired += character ? text.substr(0, bytes) : kReplacement;
        text.remove_prefix(bytes);
    }
    return repaired;
}

// Runs of plain bytes are copied whole: keys and dates hardly ever need an escape.
void append_escaped(std::string& out, std::string_view text) {
    bool known_utf8 = false;
    std::size_t run = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const Kind kind = kind_of(text[at]);
        if (kind == Kind::plain || (kind == Kind::not_ascii && known_utf8)) continue;
        out += text.substr(run, at - run);
        run = at;
        if (kind == Kind::not_ascii) {
            known_utf8 = true;
            if (!is_utf8(text.substr(at))) return append_escaped(out, with_bad_bytes_replaced(text.substr(at)));
        } else {
            append_escape(out, text[at]);
            run = at + 1;
        }
    }
    out += text.substr(run);
}

void append_quoted(std::string& out, std::string_view text) {
    out += '"';
    append_escaped(out, text);
    out += '"';
}

template <class Number>
void append_number(std::string& out, Number value) {
    char digits[32];  // the longest: "-1.7976931348623157e+308", 24 characters
    const auto end = std::to_chars(std::begin(digits), std::end(digits), value).ptr;
    out.append(digits, end);
}

}  // namespace

bool is_utf8(std::string_view bytes) {
    return simdjson::validate_utf8(bytes.data(), bytes.size());
}

void JsonWriter::begin_value() {
    CHECK(depth_ == 0 ? !need_comma_ : named_ == in_object());
    if (need_comma_ && !named_) out_ += ',';
    need_comma_ = true;
    named_ = false;
}

JsonWriter& JsonWriter::begin(char bracket, bool object) {
    CHECK(depth_ < kMaxDepth);
    begin_value();
    out_ += bracket;
    ++depth_;
    objects_ = objects_ << 1 | (object ? 1 : 0);
    need_comma_ = false;
    return *this;
}

JsonWriter& JsonWriter::end(char bracket, bool object) {
    CHECK(depth_ > 0 && in_object() == object && !named_);
    out_ += bracket;
    --depth_;
    objects_ >>= 1;
    need_comma_ = true;
    return *this;
}

JsonWriter& JsonWriter::begin_object() {
    return begin('{', true);
}
JsonWriter& JsonWriter::end_object() {
    return end('}', true);
}
JsonWriter& JsonWriter::begin_array() {
    return begin('[', false);
}
JsonWriter& JsonWriter::end_array() {
    return end(']', false);
}

JsonWriter& JsonWriter::name(std::string_view name) {
    CHECK(depth_ > 0 && in_object() && !named_);
    if (need_comma_) out_ += ',';
    append_quoted(out_, name);
    out_ += ':';
    named_ = true;
    return *this;
}

JsonWriter& JsonWriter::text(std::string_view value) {
    begin_value();
    append_quoted(out_, value);
    return *this;
}

JsonWriter& JsonWriter::number(std::uint64_t value) {
    begin_value();
    append_number(out_, value);
    return *this;
}

JsonWriter& JsonWriter::number(std::int64_t value) {
    begin_value();
    append_number(out_, value);
    return *this;
}

JsonWriter& JsonWriter::number(double value) {
    if (!std::isfinite(value)) return null();
    begin_value();
    append_number(out_, value);
    return *this;
}

JsonWriter& JsonWriter::boolean(bool value) {
    return raw(value ? "true" : "false");
}
JsonWriter& JsonWriter::null() {
    return raw("null");
}

JsonWriter& JsonWriter::raw(std::string_view json) {
    begin_value();
    out_ += json;
    return *this;
}

JsonWriter& JsonWriter::bytes_field(std::string_view name, std::string_view value) {
    if (is_utf8(value)) return field(name, value);
    return field(std::string(name) + "_b64", std::string_view(base64(value)));
}

}  // namespace dray
