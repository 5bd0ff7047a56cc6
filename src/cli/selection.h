// From the flags of a choice to the choice.
#pragma once

#include <string>

#include "cli/flags.h"
#include "ops/list.h"

namespace dray {

Result<Selection> selection_of(const SelectFlags& flags, const std::string& prefix, bool no_markers = false);

}  // namespace dray
