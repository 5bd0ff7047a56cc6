// Keys that weak stores take for one: what `alias` of a memory store can be.
#pragma once

#include <string>
#include <string_view>

namespace dray {

std::string fold_slashes(std::string_view key);  // "a//b" and "/a/b" are "a/b"
std::string fold_dots(std::string_view key);     // "a/./b" and "a/x/../b" are "a/b"
std::string fold_case(std::string_view key);     // ASCII only

}  // namespace dray
