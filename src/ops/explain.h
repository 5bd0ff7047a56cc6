// Explain: what a move would make of one key, and why (`dray mv --explain KEY`). Asks the planner itself, so that the
// two cannot disagree.
#pragma once

#include <string>
#include <vector>

#include "base/context.h"
#include "job/action.h"
#include "ops/life.h"
#include "ops/relayout.h"

namespace dray {

struct Explanation {
    bool exists = false;  // there is such an object now; else its size, etag and date are unknown
    bool listed = false;  // the key is one that the source's listing gives
    bool chosen = false;  // and the choice takes it
    std::string pattern;  // of --match; empty: there is none
    RuleReading reading;  // how the rule read the key
    Action action;        // what the plan would hold for it, were it alone; of chosen ones
};
// One HEAD. `own_directories`: as in MovePlanRequest. Errors: invalid (the rule), whatever the HEAD says beside
// not_found.
Result<Explanation> explain_move(const Context& ctx, ObjectStore& store, const MoveCommand& command,
                                 const std::string& key, const std::vector<std::string>& own_directories);

}  // namespace dray
