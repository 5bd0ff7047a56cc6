#include "ops/undo_plan.h"

#include <utility>

namespace dray {
namespace {

// R4: the parent found its target there, equal, before it had sent anything. What it did not make, undo leaves.
bool was_found(const JoinedAction& joined) {
    const auto says_equal = [](const std::optional<Receipt>& receipt) { return receipt && receipt->reason == "equal"; };
    return says_equal(joined.copied) || says_equal(joined.final);
}

// What the parent made of its target. The planner's etag names what was there before it, and that of other receipts
// what somebody else had brought: undo would take a stranger's object for ours.
Receipt made_by(const JoinedAction& joined) {
    if (joined.action.what != Do::copy) return joined.copied.value_or(Receipt{});
    const bool made = joined.final && (joined.final->reason == "copied" || joined.final->reason == "overwritten");
    return made ? *joined.final : Receipt{};
}

bool was_overwritten(const JoinedAction& joined) {
    return joined.final && joined.final->reason == "overwritten";
}

Action turned_round(JoinedAction&& joined) {
    const Receipt made = made_by(joined);
    Action back{.what = Do::move_back};
    back.from = std::move(joined.action.to);
    back.to = std::move(joined.action.from);
    back.target_existed = joined.action.target_existed || was_found(joined) || was_overwritten(joined);
    back.parent = joined.final ? joined.final->state : joined.copied ? joined.copied->state : ReceiptState::none;
    // The end of a copy is where a move has its delete before it.
    if (back.parent == ReceiptState::done && !made.etag.empty()) back.parent = ReceiptState::copied;

    if (joined.final && joined.final->state == ReceiptState::deleted) back.parent_marker = joined.final->version;

    back.from.etag = made.etag;
    // Beside target_existed: of what was put over it.
    if (!back.target_existed || was_overwritten(joined)) back.from.version = made.version;
    back.parent_checksum = made.checksum;
    back.from.size = back.to.size;
    // Without versions what was there before is gone for good, and removing its successor would bring nothing back.
    if (was_overwritten(joined) && made.version.empty()) {
        back.what = Do::skip;
        back.reason = "overwritten";
    }
    return back;
}

}  // namespace

Result<std::uint64_t> write_undo_plan(JoinedReader& parent, PlanWriter& plan) {
    std::uint64_t added = 0;
    for (;;) {
        TRY_LET(joined, parent.next());
        if (!joined) return added;
        if ((joined->action.what != Do::move && joined->action.what != Do::copy) || joined->untouched()) continue;
        TRY(plan.add(turned_round(*std::move(joined))));
        ++added;
    }
}

}  // namespace dray
