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

// Whether the scopes are all directories in which nothing can happen any more for a process of this machine that is
// gone.
bool on_own_file_systems(const RunContract& contract);
// Rules R1, R2, R9: quiet_until() of job/run_dir.h, but none where that was so for each process of the run, as it said
// itself, and is so here. The word of one side is not enough: what is a directory here may be a mount over a network
// for the machine where the process ran, and the other way round. With both, either the directories are the same, and
// nothing else has ever written there, or what that machine still does never comes here.
std::optional<WallTime> quiet_until(const RunContract& contract, const JournalSummary& journal, WallTime lock_taken);

std::string_view name_of(Overwrite overwrite);
std::optional<Overwrite> overwrite_named(std::string_view word);

std::string write_contract(const RunContract& contract);
Result<RunContract> read_contract(const std::string& json);  // error: corrupt

}  // namespace dray
