// The plan of an undo: the parent's plan joined with its journal, turned round. Reads files only; no request is made.
#pragma once

#include <string>

#include "job/joined.h"
#include "job/plan.h"

namespace dray {

// Adds a move_back for every action of the parent that was claimed (rule R5: the failed ones too, for a copy may have
// landed late), but for those that no process may have changed anything for (R22). What a copy has overwritten for good
// is skipped (overwritten). Returns how many. Errors: as
// JoinedReader and PlanWriter.
Result<std::uint64_t> write_undo_plan(JoinedReader& parent, PlanWriter& plan);

}  // namespace dray
