// settle(): between the plan and the first effect, finds out what the stores can be trusted with, settles what hung on
// it (aliases, --strict), and says in plain sentences what will not be guarded. May write and remove probe objects;
// touches no user's object.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/context.h"
#include "job/plan.h"
#include "ops/contract.h"
#include "store/object_store.h"

namespace dray {

struct Settled {
    std::vector<Capabilities> capabilities;  // by store of the plan, but for
    std::set<std::string> unproven_buckets;  // these: see MoveSetup
    bool head_source = false;                // see MoveSettings
    std::vector<std::string> sentences;      // for the user, before the first write
};

struct SettleRequest {
    std::vector<ObjectStore*> stores;
    std::string access_key;  // who has them open: what one may do, another may not
    const PlanHeader* header = nullptr;
    const PlanTotals* totals = nullptr;
    const RunContract* contract = nullptr;
    std::string cache_directory;  // of proven capabilities
    bool deletes = true;          // the run deletes objects: the conditions that guard that are proven anew
};
// Errors: refused (keys this store may not keep apart, named; --strict with a guarantee missing), not_found (bucket),
// and what probing says.
Result<Settled> settle(const Context& ctx, const SettleRequest& request);

}  // namespace dray
