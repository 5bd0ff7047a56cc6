// One process of a run: goes from its files to their next end, and what it needs on the way. The commands around it are
// in life.cpp.
#pragma once

#include <memory>
#include <vector>

#include "ops/contract.h"
#include "ops/life.h"

namespace dray {

struct OpenStores {
    std::vector<std::unique_ptr<ObjectStore>> owned;
    std::vector<PlannedStore> resolved;
    std::vector<ObjectStore*> borrowed() const {
        std::vector<ObjectStore*> all;
        all.reserve(owned.size());
        for (const auto& store : owned)
            all.push_back(store.get());
        return all;
    }
};

// Error: refused (the plan means another store).
Result<OpenStores> open_stores(const RunEnvironment& env, std::vector<PlannedStore> planned);

MoveSettings settings_of(const MoveOptions& options, bool head_source, bool plan_is_stale = false);

// The earlier life of a run, read from its journal.
struct Past {
    JournalSummary journal;
    bool any = false;
    ActionStates states;
    Balance balance;
    explicit Past(std::uint64_t actions) : states(actions) {}
};

// Error: corrupt (the journal is another plan's).
Result<std::unique_ptr<Past>> read_past(const RunPaths& run, const PlanReader& plan);

// Called while `grant` says that another run holds the scopes: returns when it is worth asking again. Error: refused,
// naming the holder and what a person can do.
Status make_way(const Context& ctx, const RunEnvironment& env, const StateDirectory& state, const ScopeGrant& grant);

void enter(const RunWatcher& watcher, const char* phase);

// Carries a planned run out, or goes on with it: as apply_run().
// Of the effects, those whose ETag is no plain MD5 (SafeMove::requests_each).
double opaque_share(const PlanTotals& totals);

Result<RunResult> carry_out(const Context& ctx, const RunEnvironment& env, StateDirectory& state, const RunPaths& run);

}  // namespace dray
