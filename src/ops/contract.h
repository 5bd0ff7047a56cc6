// RunContract: what every process of a run, and its undo, must agree on. Kept in the plan's header
// (PlanHeader::options) as JSON.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "job/run_dir.h"
#include "ops/life.h"

namespace dray {

struct RunContract {
    MoveOptions options;
    std::vector<Scope> scopes;  // what the run may change: locked from before its first effect until it is finished
    // Of undo: see MoveSetup.
    std::optional<WallTime> parent_quiet_until;   // our clock
    std::optional<WallTime> parent_first_answer;  // the store's clock
    bool operator==(const RunContract&) const = default;
};

// Rules R1, R2, R9: quiet_until() of job/run_dir.h, but none for a run whose scopes are all directories in which
// nothing can happen any more for a process that is gone.
std::optional<WallTime> quiet_until(const RunContract& contract, const JournalSummary& journal, WallTime lock_taken);

std::string write_contract(const RunContract& contract);
Result<RunContract> read_contract(const std::string& json);  // error: corrupt

}  // namespace dray
