// Numbers in sentences.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace dray {

std::string with_commas(std::uint64_t number);  // "4,990"
// "1 object", "4,990 objects": `noun` is one whose plural takes an s.
std::string counted(std::uint64_t number, std::string_view noun);

}  // namespace dray
