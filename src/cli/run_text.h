// What a run looks like to a person, and to a machine: plans, balances, results, statuses.
#pragma once

#include "cli/flags.h"
#include "cli/shell.h"
#include "ops/explain.h"
#include "ops/life.h"
#include "store/registry.h"

namespace dray {

// The plan's totals and samples per target folder; with `json` a line of totals and every action as a line. `kept`: the
// plan stays, so its name is told.
Status print_plan(Shell& shell, const PlannedRun& planned, bool json, bool kept);

// What a move would make of `key`; `kind` is the store's.
void print_explanation(Shell& shell, const Explanation& why, const std::string& key, StoreKind kind, bool json);

void print_result(Shell& shell, const RunResult& result, const CommonFlags& flags);
void print_finding(Shell& shell, const VerifyFinding& finding);  // a line of JSON
void print_verify(Shell& shell, const VerifyResult& result, bool json);
void print_status(Shell& shell, const RunStatus& status, bool json);
void print_runs(Shell& shell, const std::vector<RunSummary>& runs, bool json);

// Row L06, in a sentence. `listing`: what was listed.
std::string outside_sentence(const std::string& listing, std::uint64_t keys, const std::string& first);

// "  failed     conflict 3, denied 1": nothing when the map is empty.
std::string reasons_line(const char* label, const std::map<std::string, std::uint64_t>& by);

}  // namespace dray
