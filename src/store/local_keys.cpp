#include "store/local_keys.h"

#include <algorithm>
#include <optional>

namespace dray {
namespace {

constexpr std::string_view kOurs = ".dray";
constexpr std::string_view kWhole = ".dray=";
constexpr std::string_view kBegun = ".dray+";
constexpr std::size_t kMaxName = 255;      // bytes: NAME_MAX of every file system that matters
constexpr std::size_t kMaxElement = 1024;  // bytes: a whole key
constexpr std::size_t kMaxChunk = 200;     // escaped bytes of a long element in one name

// Also in capitals: a file system that folds case would mix them up with ours.
bool begins_like_ours(std::string_view element) {
    auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    return element.size() >= kOurs.size() &&
           std::equal(kOurs.begin(), kOurs.end(), element.begin(), [&](char a, char b) { return a == lower(b); });
}

bool stands_as_it_is(std::string_view element) {
    return !element.empty() && element != "." && element != ".." && element.size() <= kMaxName &&
           element.find('\0') == std::string_view::npos && !begins_like_ours(element);
}

std::string escaped(char c) {
    if (c == '%') return "%25";
    if (c == '\0') return "%00";
    return std::string(1, c);
}

std::optional<std::string> unescaped(std::string_view text) {
    std::string bytes;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            bytes += text[i];
        } else if (text.substr(i, 3) == "%25" || text.substr(i, 3) == "%00") {
            bytes += text[i + 1] == '2' ? '%' : '\0';
            i += 2;
        } else {
            return std::nullopt;
        }
    }
    return bytes;
}

void append_element(std::vector<std::string>& path, std::string_view element) {
    if (stands_as_it_is(element)) {
        path.emplace_back(element);
        return;
    }
    std::string chunk;
    for (char c : element) {
        const std::string more = escaped(c);
        if (chunk.size() + more.size() > kMaxChunk) {
            path.push_back(std::string(kBegun) + chunk);
            chunk.clear();
        }
        chunk += more;
    }
    path.push_back(std::string(kWhole) + chunk);
}

}  // namespace

std::vector<std::string> local_path(std::string_view key) {
    std::vector<std::string> path;
    for (std::size_t at = 0; at <= key.size();) {
        const std::size_t end = std::min(key.find('/', at), key.size());
        append_element(path, key.substr(at, end - at));
        at = end + 1;
    }
    return path;
}

LocalName local_name(std::string_view file_name, const std::vector<std::string>& begun) {
    const bool whole = file_name.starts_with(kWhole);
    const bool beginning = file_name.starts_with(kBegun);
    if (!whole && !beginning) {
        if (begins_like_ours(file_name) || !begun.empty()) return {};
        return {LocalName::Kind::element, std::string(file_name)};
    }
    std::string text;
    for (const std::string& name : begun)
        text += name.substr(kBegun.size());
    text += file_name.substr(kWhole.size());
    auto bytes = unescaped(text);
    if (!bytes || bytes->size() > kMaxElement) return {};
    if (beginning) return {LocalName::Kind::beginning, {}};
    // Names that we would not have given (made by hand) belong to no key: else two files would be one object.
    std::vector<std::string> given = begun, expected;
    given.emplace_back(file_name);
    append_element(expected, *bytes);
    return given == expected ? LocalName{LocalName::Kind::element, std::move(*bytes)} : LocalName{};
}

namespace {

// `name` is `prefix` and as many hexadecimal numbers of at most 16 digits, with "-" between them.
bool is_numbered(std::string_view name, std::string_view prefix, int numbers) {
    if (!name.starts_with(prefix)) return false;
    name.remove_prefix(prefix.size());
    for (; numbers > 0; --numbers) {
        const std::string_view digits = name.substr(0, name.find('-'));
        const bool hex = !digits.empty() && digits.size() <= 16 &&
                         digits.find_first_not_of("0123456789abcdef") == std::string_view::npos;
        if (!hex || (numbers > 1) != (digits.size() < name.size())) return false;
        name.remove_prefix(std::min(name.size(), digits.size() + 1));
    }
    return true;
}

bool has_random_ending(std::string_view name) {
    return name.size() - name.rfind('-') == 17;
}

}  // namespace

bool is_temp_name(std::string_view name) {
    return is_numbered(name, kTempPrefix, 2) && has_random_ending(name) &&
           name.substr(kTempPrefix.size(), name.rfind('-') - kTempPrefix.size()).find_first_not_of("0123456789") ==
               std::string_view::npos;
}

bool is_aside_name(std::string_view name) {
    return is_numbered(name, kAsidePrefix, 5) && has_random_ending(name);
}

bool is_own_name(std::string_view name, bool top) {
    if (name == kSelfName) return !top;
    if (name == kUploadsName) return top;
    return is_temp_name(name) || is_aside_name(name) || is_numbered(name, kRecordPrefix, 2) ||
           is_numbered(name, kTagsPrefix, 2);
}

}  // namespace dray
