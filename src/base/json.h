// JSON: a reader that validates the whole text, and a writer that builds one line. Keys and strings are UTF-8; bytes
// that are not travel as base64 in a field of their own (bytes_field / bytes: "key" or "key_b64").
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace dray {

// Appends one JSON value to a string, without blanks or line ends. Not thread-safe. Misuse (a value without a name
// inside an object, a second root, an end that does not match) is a CHECK.
class JsonWriter {
public:
    static constexpr int kMaxDepth = 64;
    explicit JsonWriter(std::string& out) : out_(out) {}
    JsonWriter& begin_object();
    JsonWriter& end_object();
    JsonWriter& begin_array();
    JsonWriter& end_array();
    JsonWriter& name(std::string_view name);
    JsonWriter& text(std::string_view value);  // bytes that are not UTF-8 become U+FFFD; see bytes_field()
    JsonWriter& number(std::uint64_t value);
    JsonWriter& number(std::int64_t value);
    JsonWriter& number(double value);  // shortest text that reads back equal; NaN and infinities become null
    JsonWriter& boolean(bool value);
    JsonWriter& null();
    JsonWriter& raw(std::string_view json);  // already JSON

    JsonWriter& field(std::string_view name, std::string_view value) { return this->name(name).text(value); }
    JsonWriter& field(std::string_view name, const char* value) { return this->name(name).text(value); }
    JsonWriter& field(std::string_view name, std::uint64_t value) { return this->name(name).number(value); }
    JsonWriter& field(std::string_view name, std::int64_t value) { return this->name(name).number(value); }
    JsonWriter& field(std::string_view name, double value) { return this->name(name).number(value); }
    JsonWriter& field(std::string_view name, bool value) { return this->name(name).boolean(value); }
    // `name` when `value` is UTF-8, else `name`_b64 in base64: any bytes travel.
    JsonWriter& bytes_field(std::string_view name, std::string_view value);

private:
    void begin_value();
    JsonWriter& begin(char bracket, bool object);
    JsonWriter& end(char bracket, bool object);
    bool in_object() const { return (objects_ & 1) != 0; }

    std::string& out_;
    std::uint64_t objects_ = 0;  // one bit a level, the innermost lowest: is it an object?
    int depth_ = 0;
    bool need_comma_ = false;
    bool named_ = false;
};

bool is_utf8(std::string_view bytes);  // strict: no surrogates, no overlong forms

// One parsed value; a cheap view into its JsonParser, which must outlive it and not parse again.
class JsonValue {
public:
    enum class Kind : std::uint8_t { null, boolean, number, text, array, object };
    Kind kind() const;
    // Member of an object; absent members, and members of what is no object, give nullopt.
    std::optional<JsonValue> get(std::string_view name) const;
    std::vector<std::pair<std::string_view, JsonValue>> members() const;  // in file order, duplicates kept
    std::vector<JsonValue> elements() const;
    // nullopt when the value is of another kind, or does not fit.
    std::optional<std::string_view> text() const;
    std::optional<std::uint64_t> u64() const;
    std::optional<std::int64_t> i64() const;
    std::optional<double> f64() const;
    std::optional<bool> boolean() const;
    // The other half of bytes_field: get(name), or get(name_b64) decoded. nullopt: neither is there, or it is damaged.
    std::optional<std::string> bytes(std::string_view name) const;
    std::string raw() const;  // as compact JSON, for carrying unknown fields along

    JsonValue(const JsonValue&) = default;
    JsonValue& operator=(const JsonValue&) = default;

private:
    friend class JsonParser;
    JsonValue() = default;
    struct Access;                                           // json.cpp
    alignas(8) std::array<unsigned char, 16> element_ = {};  // simdjson::dom::element, known only to json.cpp
};

// Parses text after text with the same buffers; each parse invalidates the values of the one before. Not thread-safe.
class JsonParser {
public:
    static constexpr std::size_t kMaxBytes = std::size_t{64} << 20;  // of one text
    static constexpr std::size_t kMaxDepth = 128;
    JsonParser();
    ~JsonParser();
    JsonParser(JsonParser&&) noexcept;
    // Error: corrupt, with the reason. Numbers that fit neither 64 bits nor a finite double are an error.
    Result<JsonValue> parse(std::string_view text);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace dray
