// The version of this program, as `dray --version` says it and files record it.
#pragma once

namespace dray {
inline constexpr const char* kVersion = "0.1.0";
}
