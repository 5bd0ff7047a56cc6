// Which keys could be one object on a store that folds spellings (rules R6 and R7).
#pragma once

#include <string_view>

namespace dray {

// True when the keys are equal after collapsing `//`, leading and trailing `/`, `.`, `..` and ASCII case; and when both
// hold bytes outside ASCII, for then Unicode normalisation may make them equal. May say true too often, never too
// seldom.
bool may_be_one_object(std::string_view a, std::string_view b);

}  // namespace dray
