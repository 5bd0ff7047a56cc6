#include "store/memory_folds.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <vector>

namespace dray {
namespace {

// Calls add(elements, element) for every element between slashes and joins what it leaves.
std::string fold_elements(std::string_view key,
                          const std::function<void(std::vector<std::string_view>&, std::string_view)>& add) {
    std::vector<std::string_view> elements;
    for (std::size_t at = 0; at <= key.size();) {
        const std::size_t end = std::min(key.find('/', at), key.size());
        add(elements, key.substr(at, end - at));
        at = end + 1;
    }
    return fmt::format("{}", fmt::join(elements, "/"));
}

}  // namespace

std::string fold_slashes(std::string_view key) {
    return fold_elements(key, [](auto& elements, std::string_view element) {
        if (!element.empty()) elements.push_back(element);
    });
}

std::string fold_dots(std::string_view key) {
    return fold_elements(key, [](auto& elements, std::string_view element) {
        if (element == ".") return;
        if (element != "..") return elements.push_back(element);
        if (!elements.empty()) elements.pop_back();
    });
}

std::string fold_case(std::string_view key) {
    std::string folded(key);
    for (char& c : folded) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return folded;
}

}  // namespace dray
