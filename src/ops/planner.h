// make_move_plan(): lists the source, places every object, proves that no object can be lost by carrying the plan out,
// and seals it. Nothing is written to a store here. Memory does not depend on the number of objects: proofs are
// external sorts.
//
// Proven before the seal: no two sources with one target; no target among the sources (so no chains and no swaps);
// every target key legal; what was at each target (from listing the targets' fixed prefixes); disk enough for plan and
// journal. Pairs of keys that are equal only when folded (`a//b` and `a/b`, case, dots, Unicode forms) are counted with
// an example in PlanTotals, for the probe to settle.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/context.h"
#include "job/plan.h"
#include "job/run_dir.h"
#include "ops/decide.h"
#include "ops/named_objects.h"
#include "ops/relayout.h"
#include "store/object_store.h"

namespace dray {

enum class OnCollision : std::uint8_t {
    refuse,  // the plan is not made; error refused, naming keys
    keep,    // the colliding objects fail (reason collision) and stay; the others move
    rename,  // name~<8 hex of SHA-256 of the source key>.ext for every colliding object
};

// Above this many pages more than there are effects, a target's prefix is not listed to its end: each target is looked
// at singly then, which takes fewer requests.
inline constexpr std::uint64_t kTargetPagesBeyondEffects = 64;

struct PlanProgress {
    std::atomic<std::uint64_t> listed{0}, pages{0}, targets_listed{0}, checked{0};
};

// Which listed objects take part at all; others are neither counted nor planned. Empty: all.
using Selection = std::function<bool(const ListedObject&)>;

struct MovePlanRequest {
    std::vector<ObjectStore*> stores;  // 0: source; targets use `target_store`
    std::uint8_t target_store = 0;
    std::string source_bucket, source_prefix;
    // Exactly one object instead of a prefix (`mv s3://b/k s3://b/k2`): source_prefix is its whole key.
    bool single = false;
    // Instead of a listing, where it is not empty: these keys below the prefix. What is not there fails (not_found).
    NextName names;
    std::size_t workers = 64;  // that look at them
    const Relayout* rule = nullptr;
    Do what = Do::move;                      // or copy
    Overwrite overwrite = Overwrite::never;  // of copies
    Selection select;
    OnCollision on_collision = OnCollision::refuse;
    // Objects listed in an archive class (GLACIER, DEEP_ARCHIVE) can be copied only once they were restored, which no
    // listing tells: they fail as archived, unless a person says that they were.
    bool restored = false;
    std::uint64_t limit = UINT64_MAX;  // effects; what is over it is skipped with reason limit
    std::uint64_t max = UINT64_MAX;    // chosen objects; listing stops there
    // Of local stores: what lies there is skipped, what would come to lie there fails (reason own-state for both).
    std::vector<std::string> own_directories;
    PlanHeader header;
    std::string plan_path;
    std::string scratch;  // directory for drafts and sorts; emptied afterwards
    // By how many streams a bucket of a store may be listed (list_pace); empty: by one.
    std::function<std::uint32_t(std::size_t store, const std::string& bucket)> streams;
    std::function<Result<std::uint64_t>(const std::string& path)> free_disk;  // bytes; empty: the file system's. Tests
    PlanProgress* progress = nullptr;
};

// What the plan holds for an object as far as no other object matters: its target, or why it has none. Uses `stores`,
// `target_store`, `source_bucket`, `rule`, `restored` and `own_directories` of the request.
Action plan_alone(const MovePlanRequest& request, const ListedObject& object);

// The sealed plan's checksum. Errors: refused (collision, overlap, objects without a match or a date where the rule
// says fail; the message names up to ten), not_found (bucket, single object), local (disk), whatever listing says.
//
// `keep` fails the objects that collide, and those whose target another object of the plan still is; `rename` gives
// both a name of their own. Action::reason of a move says why it goes to the rule's unmatched_to.
Result<std::string> make_move_plan(const Context& ctx, const MovePlanRequest& request);

}  // namespace dray
