// The reader: simdjson's DOM, which validates the whole text (its on-demand reader skips what is not visited).
#include "base/json.h"

#include <simdjson.h>

#include <bit>
#include <type_traits>

#include "base/checksum.h"

namespace dray {
namespace {

using simdjson::dom::element;
using simdjson::dom::element_type;

static_assert(sizeof(element) == 16 && alignof(element) <= 8 && std::is_trivially_copyable_v<element>);

template <class T>
std::optional<T> optional_of(simdjson::simdjson_result<T> result) {
    T value;
    if (std::move(result).get(value) != simdjson::SUCCESS) return std::nullopt;
    return value;
}

}  // namespace

struct JsonValue::Access {
    static element get(const JsonValue& value) { return std::bit_cast<element>(value.element_); }
    static JsonValue make(const element& from) {
        JsonValue value;
        value.element_ = std::bit_cast<std::array<unsigned char, 16>>(from);
        return value;
    }
};

JsonValue::Kind JsonValue::kind() const {
    switch (Access::get(*this).type()) {
        case element_type::OBJECT: return Kind::object;
        case element_type::ARRAY: return Kind::array;
        case element_type::STRING: return Kind::text;
        case element_type::BOOL: return Kind::boolean;
        case element_type::INT64:
        case element_type::UINT64:
        case element_type::DOUBLE: return Kind::number;
        case element_type::NULL_VALUE: break;
    }
    return Kind::null;
}

std::optional<JsonValue> JsonValue::get(std::string_view name) const {
    simdjson::dom::object object;
    if (Access::get(*this).get_object().get(object) != simdjson::SUCCESS) return std::nullopt;
    element member;
    if (object.at_key(name).get(member) != simdjson::SUCCESS) return std::nullopt;
    return Access::make(member);
}

std::vector<std::pair<std::string_view, JsonValue>> JsonValue::members() const {
    std::vector<std::pair<std::string_view, JsonValue>> result;
    simdjson::dom::object object;
    if (Access::get(*this).get_object().get(object) != simdjson::SUCCESS) return result;
    for (const auto& member : object)
        result.emplace_back(member.key, Access::make(member.value));
    return result;
}

std::vector<JsonValue> JsonValue::elements() const {
    std::vector<JsonValue> result;
    simdjson::dom::array array;
    if (Access::get(*this).get_array().get(array) != simdjson::SUCCESS) return result;
    for (const element item : array)
        result.push_back(Access::make(item));
    return result;
}

std::optional<std::string_view> JsonValue::text() const {
    return optional_of(Access::get(*this).get_string());
}
std::optional<std::uint64_t> JsonValue::u64() const {
    return optional_of(Access::get(*this).get_uint64());
}
std::optional<std::int64_t> JsonValue::i64() const {
    return optional_of(Access::get(*this).get_int64());
}
std::optional<double> JsonValue::f64() const {
    return optional_of(Access::get(*this).get_double());
}
std::optional<bool> JsonValue::boolean() const {
    return optional_of(Access::get(*this).get_bool());
}

std::optional<std::string> JsonValue::bytes(std::string_view name) const {
    if (const auto plain = get(name)) {
        const auto value = plain->text();
        return value ? std::optional<std::string>(*value) : std::nullopt;
    }
    const auto encoded = get(std::string(name) + "_b64");
    const auto value = encoded ? encoded->text() : std::nullopt;
    std::string decoded;
    if (!value || !unbase64(*value, decoded)) return std::nullopt;
    return decoded;
}

std::string JsonValue::raw() const {
    return simdjson::minify(Access::get(*this));
}

struct JsonParser::Impl {
    simdjson::dom::parser parser{kMaxBytes};
};

JsonParser::JsonParser() : impl_(std::make_unique<Impl>()) {
    constexpr std::size_t kFirstBytes = 4096;  // grows with the texts
    CHECK(impl_->parser.allocate(kFirstBytes, kMaxDepth) == simdjson::SUCCESS);
}
JsonParser::~JsonParser() = default;
JsonParser::JsonParser(JsonParser&&) noexcept = default;

Result<JsonValue> JsonParser::parse(std::string_view text) {
    constexpr bool kCopy = true;  // simdjson reads past the end of the text, which only a copy of its own allows
    element root;
    const auto failure = impl_->parser.parse(text.data(), text.size(), kCopy).get(root);
    if (failure == simdjson::SUCCESS) return JsonValue::Access::make(root);
    return Error{.code = Code::corrupt, .message = std::string("not JSON: ") + simdjson::error_message(failure)};
}

}  // namespace dray
