#include "ops/undo_plan.h"

#include <utility>

namespace dray {
namespace {

// R4: the parent found its target there, equal, before it had sent anything. What it did not make, undo leaves.
bool was_found(const JoinedAction& joined) {
    const auto says_equal = [](const std::optional<Receipt>& receipt) { return receipt && receipt->reason == "equal"; };
    return says_equal(joined.copied) || says_equal(joined.final);
}

Action turned_round(JoinedAction&& joined) {
    Action back{.what = Do::move_back};
    back.from = std::move(joined.action.to);
    back.to = std::move(joined.action.from);
    back.target_existed = joined.action.target_existed || was_found(joined);
    back.parent = joined.final ? joined.final->state : joined.copied ? joined.copied->state : ReceiptState::none;

    if (joined.final && joined.final->state == ReceiptState::deleted) back.parent_marker = joined.final->version;

    // The receipt of the copy names what the parent made of the target. The planner's etag names what was there before
    // it, and that of a `done` receipt what somebody else had brought: undo would take a stranger's object for ours.
    const Receipt made = joined.copied.value_or(Receipt{});
    back.from.etag = made.etag;
    back.from.version = made.version;
    back.parent_checksum = made.checksum;
    back.from.size = back.to.size;
    return back;
}

}  // namespace

Result<std::uint64_t> write_undo_plan(JoinedReader& parent, PlanWriter& plan) {
    std::uint64_t added = 0;
    for (;;) {
        TRY_LET(joined, parent.next());
        if (!joined) return added;
        if (joined->action.what != Do::move || joined->untouched()) continue;
        TRY(plan.add(turned_round(*std::move(joined))));
        ++added;
    }
}

}  // namespace dray
