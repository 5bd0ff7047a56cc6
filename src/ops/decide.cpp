#include "ops/decide.h"

#include <utility>

namespace dray {

Step decide_move(const Sight& sight) {
    if (sight.one_object) return Step::alias;
    const bool source = sight.from_there && sight.as_planned;
    if (source && !sight.to_there) return Step::copy;
    const bool ours = sight.to_there && (sight.target_as_recorded || (source && sight.equal) ||
                                         (!sight.from_there && sight.target_has_planned_md5));
    if (source) return ours ? Step::copied : Step::target_differs;
    if (sight.from_there) return Step::source_changed;
    return ours ? Step::done : Step::vanished;
}

// Up to what is at the target a copy is a move. What was found there and has two names is equal, whichever is looked
// at; but to write there would be to write onto the source, and to take it for ours would have undo remove it.
Step decide_copy(Sight sight, Overwrite overwrite) {
    if (sight.one_object && sight.maybe_made) return Step::alias;
    const bool one_object = std::exchange(sight.one_object, false);
    const Step step = decide_move(sight);
    const bool again = step == Step::copied && overwrite == Overwrite::always && !sight.maybe_made;
    if (step != Step::target_differs && !again) return step;
    switch (overwrite) {
        case Overwrite::never: return Step::target_differs;
        case Overwrite::newer:
            if (!sight.source_newer) return Step::not_newer;
            break;
        case Overwrite::changed:
        case Overwrite::always: break;
    }
    return one_object ? Step::alias : Step::overwrite;
}

Step decide_move_back(const Sight& sight) {
    if (sight.one_object && !sight.was_there) return Step::alias;
    const bool restored = sight.to_there && (sight.as_planned || (sight.from_there && sight.equal));
    if (restored) {
        if (!sight.from_there || sight.was_there) return Step::done;
        // R12: a source as planned beside a target that is not ours: the target is left, and a person is told.
        const bool ours = !sight.not_ours && (sight.target_as_recorded || sight.equal);
        return ours ? Step::copied : Step::target_left;
    }
    if (sight.to_there) return Step::source_changed;
    const bool good = sight.from_there && (sight.target_as_recorded || sight.target_has_planned_md5);
    return good ? Step::copy : Step::vanished;
}

std::string_view name_of(Step step) {
    switch (step) {
        case Step::copy: return "copy";
        case Step::copied: return "copied";
        case Step::done: return "done";
        case Step::alias: return "alias";
        case Step::target_differs: return "target-differs";
        case Step::source_changed: return "source-changed";
        case Step::vanished: return "vanished";
        case Step::overwrite: return "overwrite";
        case Step::not_newer: return "not-newer";
        case Step::target_left: return "target-left";
    }
    return "?";
}

}  // namespace dray
