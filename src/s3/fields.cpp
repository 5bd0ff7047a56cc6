#include "s3/fields.h"

#include <charconv>

#include "base/checksum.h"
#include "base/time.h"

namespace dray::s3 {

std::string unquoted_etag(std::string_view text) {
    if (text.starts_with("W/")) return {};
    if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
    return std::string(text);
}

std::string quoted_etag(std::string_view etag) {
    return "\"" + std::string(etag) + "\"";
}

std::optional<std::uint64_t> number(std::string_view text) {
    std::uint64_t value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

WallTime time_or_epoch(std::string_view iso8601) {
    auto time = parse_iso8601(iso8601);
    return time ? *time : WallTime{};
}

WallTime http_time_or_epoch(std::string_view date) {
    auto time = parse_http_date(date);
    return time ? *time : WallTime{};
}

std::string content_md5(std::string_view body) {
    auto digest = md5(body);
    return base64({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

}  // namespace dray::s3
