// A copy meets an object at its target.
#include "base/log.h"
#include "ops/mover.h"

namespace dray {

// What is there has been listed, and nothing that a look could show would keep it.
bool Mover::replaces_unseen(const OneMove& move) const {
    const Action& action = move.action;
    if (!move.keeps_source() || !action.target_existed) return false;
    const Overwrite overwrite = setup_.settings.overwrite;
    return overwrite == Overwrite::always || (overwrite == Overwrite::changed && action.from.size != action.to.size);
}

Next Mover::follow_copy(Work work, Step step, const ObjectInfo* from, const ObjectInfo* to, Comparison comparison) {
    OneMove& move = work.move;
    move.replaces = step == Step::overwrite;
    switch (step) {
        case Step::overwrite: return Next::copy;
        case Step::copied: return already_there(work, *from, *to, comparison.proof);
        case Step::not_newer: return skipped(work, "not-newer", nullptr, naming("target", move.to(), to));
        default: return follow_move(work, step, from, to, comparison);
    }
}

Next Mover::already_there(Work work, const ObjectInfo& from, const ObjectInfo& to, Proof proof) {
    const OneMove& move = work.move;
    if (!move.maybe_made || is_as_listed(to, move.to())) return skipped(work, "equal", &to, {});
    if (const Next next = kept(work, from, to, false); next != Next::remove) return next;
    return record_copied(work, to, proof == Proof::none ? Proof::etag : proof);
}

// `to`: what is at the target is what a copy would have put there, and verify goes by it.
Next Mover::skipped(Work work, std::string reason, const ObjectInfo* to, std::string detail) {
    work.recorder.record({.n = work.move.action.n,
                          .state = ReceiptState::skipped,
                          .etag = to ? to->etag : std::string(),
                          .checksum = to ? checksum_text(*to) : std::string(),
                          .requests = std::exchange(work.move.requests, 0),
                          .reason = std::move(reason),
                          .detail = std::move(detail)});
    return Next::over;
}

}  // namespace dray
