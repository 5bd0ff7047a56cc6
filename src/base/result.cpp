#include "base/result.h"

#include <array>
#include <cstddef>

namespace dray {
namespace {

// In the order of Code.
constexpr std::array<std::string_view, 14> kNames = {
    "not_found", "exists",      "conflict",  "denied",  "credentials", "invalid", "unsupported",
    "throttled", "unavailable", "exhausted", "corrupt", "local",       "refused", "cancelled",
};
static_assert(kNames.size() == static_cast<std::size_t>(Code::cancelled) + 1);

}  // namespace

std::string_view name_of(Code code) {
    const auto index = static_cast<std::size_t>(code);
    CHECK(index < kNames.size());
    return kNames[index];
}

std::optional<Code> code_named(std::string_view name) {
    for (std::size_t i = 0; i < kNames.size(); ++i)
        if (kNames[i] == name) return static_cast<Code>(i);
    return std::nullopt;
}

}  // namespace dray
