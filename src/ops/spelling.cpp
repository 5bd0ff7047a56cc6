#include "ops/spelling.h"

#include <algorithm>
#include <string>
#include <vector>

namespace dray {
namespace {

std::string collapsed(std::string_view key) {
    std::vector<std::string_view> elements;
    for (std::size_t at = 0; at <= key.size();) {
        const std::size_t end = std::min(key.find('/', at), key.size());
        const std::string_view element = key.substr(at, end - at);
        at = end + 1;
        if (element.empty() || element == ".") continue;
        if (element != "..") {
            elements.push_back(element);
        } else if (!elements.empty()) {
            elements.pop_back();
        }
    }
    std::string joined;
    for (const std::string_view element : elements)
        joined.append(element).push_back('/');
    for (char& c : joined) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return joined;
}

bool is_ascii(std::string_view key) {
    return std::all_of(key.begin(), key.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

}  // namespace

bool may_be_one_object(std::string_view a, std::string_view b) {
    return (!is_ascii(a) && !is_ascii(b)) || collapsed(a) == collapsed(b);
}

}  // namespace dray
