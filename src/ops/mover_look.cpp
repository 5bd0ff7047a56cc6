// The look at both sides, and what follows from it.
#include <fmt/format.h>

#include "base/log.h"
#include "base/time.h"
#include "ops/key_fold.h"
#include "ops/mover.h"

namespace dray {
namespace {

bool missing(const Result<ObjectInfo>& object) {
    return !object && object.error().code == Code::not_found;
}

// R6: what was found and has the other side's ETag and LastModified is taken for the other side. Versions tell two
// uploads of one second apart: two names of one object have one version.
bool one_object(const ObjectInfo& a, const ObjectInfo& b) {
    if (!a.version.empty() && !b.version.empty() && a.version != b.version) return false;
    return !a.etag.empty() && a.etag == b.etag && a.modified != WallTime{} && a.modified == b.modified;
}

// Undo, on a versioned bucket: the version that the parent put over what was there before. Below it that still is.
bool put_on_top(const OneMove& move, const ObjectInfo& target) {
    return !move.from().version.empty() && target.version == move.from().version;
}

bool has_etag(const ObjectInfo& object, const std::string& etag) {
    return !etag.empty() && object.etag == etag;
}

}  // namespace

bool is_as_listed(const ObjectInfo& object, const Side& listed) {
    using std::chrono::floor, std::chrono::seconds;
    return !listed.etag.empty() && object.etag == listed.etag && object.modified != WallTime{} &&
           floor<seconds>(object.modified) == floor<seconds>(listed.modified);
}

std::string naming(std::string_view side, const Side& at, const ObjectInfo* object) {
    const std::string name = printable(at.bucket + "/" + at.key);
    if (!object) return fmt::format("nothing is at the {} {}", side, name);
    return fmt::format("the {} {} holds {} bytes, etag {}, of {}", side, name, object->size, printable(object->etag),
                       iso8601(object->modified));
}

Next Mover::look(Work work) {
    OneMove& move = work.move;
    move.target_seen = work.ctx.clock().steady();
    auto to = head_of_to(work);
    if (missing(to) && to.error().fatal) {
        if (move.to().bucket == move.from().bucket) return stumbled(work, to.error());
        return failed(work, to.error(), "bad-bucket");
    }
    if (!to && !missing(to)) return look_failed(work, to.error());
    if (to) move.contradicted = 0;
    if (!to && move.refused) ++move.contradicted;
    move.refused = false;
    if (move.contradicted == kContradictions)
        log_event(LogLevel::warning, "store-contradicts-itself",
                  {{"n", std::to_string(move.action.n)},
                   {"key", move.to().key},
                   {"why", "it refuses to copy onto something, and nothing is there"}});
    if (!to && !move.look_both) return Next::copy;

    auto from = head_of_from(work);
    if (missing(from) && from.error().fatal && !move.back) return stumbled(work, from.error());
    if (!from && !missing(from)) return look_failed(work, from.error());
    move.from_seen.reset();
    if (from) move.from_seen = std::make_unique<ObjectInfo>(*from);
    return decide(work, from ? &*from : nullptr, to ? &*to : nullptr);
}

// What contradicts itself is asked again, as often as an object has rounds.
Next Mover::look_failed(Work work, const Error& error) {
    if (!is_contradicted(error) || ++work.move.denials > kMostDenials) return stumbled(work, error);
    work.move.look_both = true;
    return wait(work, error, Next::look);
}

// A planned source was listed, and so was a target that existed; what a receipt says was copied was there too.
Result<ObjectInfo> Mover::head_of_from(Work work) {
    OneMove& move = work.move;
    const bool expected = !move.back || move.action.target_existed || !move.from().etag.empty();
    return expected ? requests_.head_expected(work.ctx, move.from().store, move.from_ref(), move.requests)
                    : requests_.head(work.ctx, move.from().store, move.from_ref(), move.requests);
}

// In an undo `to` is the source: gone when the parent's receipt says that the move was done.
Result<ObjectInfo> Mover::head_of_to(Work work) {
    OneMove& move = work.move;
    const ReceiptState parent = move.action.parent;
    const bool stayed = parent != ReceiptState::deleted && parent != ReceiptState::done;
    const bool expected = move.copied || (move.back ? stayed : move.action.target_existed);
    return expected ? requests_.head_expected(work.ctx, move.to().store, move.to_ref(), move.requests)
                    : requests_.head(work.ctx, move.to().store, move.to_ref(), move.requests);
}

Sight Mover::sight_of(const OneMove& move, const ObjectInfo* from, const ObjectInfo* to) const {
    const Action& action = move.action;
    const ObjectInfo* source = move.back ? to : from;
    const ObjectInfo* target = move.back ? from : to;
    const std::string recorded = move.back ? action.from.etag : move.copied ? move.copied->etag : std::string();
    const std::string checksum = move.back     ? action.parent_checksum
                                 : move.copied ? move.copied->checksum
                                               : std::string();
    Sight sight{.from_there = from != nullptr, .to_there = to != nullptr, .maybe_made = move.maybe_made};
    // What an undo restored and recorded was proven to be the planned bytes, though a copy may have another ETag.
    const bool restored =
        source && move.back && move.copied &&
        (has_etag(*source, move.copied->etag) || (rule(15) && has_checksum(*source, move.copied->checksum)));
    sight.as_planned = source && (has_etag(*source, move.planned().etag) || restored);
    if (target) {
        sight.target_as_recorded = has_etag(*target, recorded) || (rule(15) && has_checksum(*target, checksum));
        sight.source_newer = source && source->modified > target->modified;
        sight.target_has_planned_md5 = is_plain_md5(target->etag) && has_etag(*target, move.planned().etag);
        sight.was_there = move.back && rule(4) && action.target_existed && !put_on_top(move, *target);
        sight.not_ours = move.back && not_ours(move, *target);
    }
    // R6: found, not made. Seconds are coarse, so a copy of ours may have its source's LastModified; our receipt says
    // so, unless the two keys may be one object after all.
    const bool found = move.back ? action.target_existed : move.found_equal;
    const bool apart = action.from.bucket != action.to.bucket || !may_be_one_object(action.from.key, action.to.key);
    const bool made = sight.target_as_recorded && !found && apart;
    sight.one_object = rule(6) && from && to && one_object(*from, *to) && !made;
    return sight;
}

// R4. What the parent's receipt says that it made is ours, whatever the clocks say: of a gateway the clock that answers
// and the one that dates objects may be two. Without a receipt these tell; LastModified often has whole seconds only,
// so seconds are compared.
bool Mover::not_ours(const OneMove& move, const ObjectInfo& target) const {
    if (!rule(4)) return false;
    if (move.action.target_existed) return !put_on_top(move, target);
    if (!move.from().etag.empty()) return false;
    using std::chrono::floor, std::chrono::seconds;
    return setup_.parent_first_answer && target.modified != WallTime{} &&
           floor<seconds>(target.modified) < floor<seconds>(*setup_.parent_first_answer);
}

Step Mover::decided(const OneMove& move, const Sight& sight) const {
    if (move.keeps_source()) return decide_copy(sight, setup_.settings.overwrite);
    if (!move.back) return decide_move(sight);
    const Step step = decide_move_back(sight);
    return step == Step::target_left && !rule(12) ? Step::copied : step;
}

Next Mover::decide(Work work, const ObjectInfo* from, const ObjectInfo* to) {
    OneMove& move = work.move;
    Sight sight = sight_of(move, from, to);
    Comparison comparison;
    if (from && to) {
        Sight if_equal = sight;
        if_equal.equal = true;
        auto compared = compare(work, *from, *to, decided(move, if_equal) != decided(move, sight));
        if (!compared) {
            const Code code = compared.error().code;
            const bool moved_on = code == Code::conflict || code == Code::not_found;
            return moved_on ? Next::look : stumbled(work, compared.error());
        }
        comparison = *compared;
        sight.equal = comparison.equality == Equality::equal;
    }
    move.unsure = false;
    const Step step = decided(move, sight);
    if (move.keeps_source()) return follow_copy(work, step, from, to, comparison);
    return move.back ? follow_move_back(work, step, from, to, comparison.proof)
                     : follow_move(work, step, from, to, comparison);
}

// `matters`: the answer decides, so that bytes are read when nothing cheaper tells.
Result<Comparison> Mover::compare(Work work, const ObjectInfo& from, const ObjectInfo& to, bool matters) {
    OneMove& move = work.move;
    const WantedProof wanted = setup_.settings.proof;
    move.unlike.clear();
    Comparison heads = compare_heads(from, to, wanted == WantedProof::checksum);
    if (heads.equality == Equality::different || !matters) return heads;
    // R21. What a copy of ours has lost is another matter: kept().
    if (!move.back && !move.maybe_made && rule(21)) {
        TRY_LET(differing, unlike_a_copy(work, from, to));
        move.unlike = joined(differing);
        if (!differing.empty()) return Comparison{Equality::different, Proof::none};
    }
    if (wanted == WantedProof::checksum) return heads;
    // Copying again costs less than reading both.
    if (move.keeps_source() && setup_.settings.overwrite != Overwrite::never) return heads;
    if (heads.equality == Equality::equal && wanted != WantedProof::bytes) return heads;
    ObjectStore* store = setup_.stores[move.from().store];
    move.requests += 2;
    return compare_bytes(work.ctx, {store, move.from_ref(), from.etag}, {store, move.to_ref(), to.etag});
}

// In what a target that was found is not what a copy of the source would be.
Result<std::vector<LostProperty>> Mover::unlike_a_copy(Work work, const ObjectInfo& from, const ObjectInfo& to) {
    const OneMove& move = work.move;
    Properties wanted = properties_of_copy(move, from.properties), there = to.properties;
    if (wanted.tag_count > 0 || there.tag_count > 0 || !keeps_tags(move)) {
        TRY_LET(of_source, tags_of(work, move.from_ref()));
        TRY_LET(of_target, tags_of(work, move.to_ref()));
        wanted.tags = std::move(of_source);
        there.tags = std::move(of_target);
    }
    return differing_properties(wanted, there);
}

Next Mover::follow_move(Work work, Step step, const ObjectInfo* from, const ObjectInfo* to, Comparison comparison) {
    const OneMove& move = work.move;
    switch (step) {
        case Step::copy: return Next::copy;
        case Step::copied: return already_copied(work, *from, *to, comparison.proof);
        case Step::done:
            return move.copied
                       ? deleted(work)
                       : done(work, *to, move.doubted ? "vanished" : "done-by-other", naming("target", move.to(), to));
        case Step::alias:
            return failed(
                work, Code::conflict, "alias",
                "the target has the source's ETag and LastModified: taken for the same object, left as it is; if they "
                "are two objects, uploaded within one second, upload one of them again");
        case Step::target_differs:
            if (comparison.equality == Equality::unknown)
                return failed(work, Code::conflict, "copy-unproven", naming("target", move.to(), to));
            return failed(work, Code::conflict, "conflict",
                          naming("target", move.to(), to) +
                              (move.unlike.empty() ? "" : "; the same bytes, and not the same " + move.unlike));
        case Step::source_changed:
            return failed(work, Code::conflict, "conflict",
                          "the source changed since it was listed; " + naming("target", move.to(), to));
        case Step::vanished:
            // R11: dray itself cannot have deleted a source without a `copied` receipt.
            if (!rule(11) && move.doubted) return done(work);
            return failed(work, Code::not_found, "not_found",
                          "the source is gone, and not by this run; " + naming("target", move.to(), to));
        case Step::overwrite:  // of copies
        case Step::not_newer:
        case Step::target_left: break;  // of undo
    }
    return Next::over;
}

Next Mover::follow_move_back(Work work, Step step, const ObjectInfo* from, const ObjectInfo* to, Proof proof) {
    OneMove& move = work.move;
    if (from) move.identity = from->etag;
    const bool made = from && !from->version.empty() && from->version == move.from().version;
    move.made_version = made ? from->version : std::string();
    const std::string target = naming("target", move.from(), from);
    switch (step) {
        case Step::copy: return move.action.parent_marker.empty() || move.marker_tried ? Next::copy : uncover(work);
        case Step::copied: return already_copied(work, *from, *to, proof);
        case Step::done: return done(work, *to, from ? "target-kept" : "undone", from ? target : "");
        case Step::alias:
            return left_behind(work, *to, "alias",
                               "the target has the source's ETag and LastModified, so the two may be one object, and "
                               "it is left; if they are two, remove it: " +
                                   target);
        case Step::target_left:
            return left_behind(work, *to, "target-left",
                               "the source is back, and nothing proves that the run made the target; if it is not "
                               "wanted, remove it: " +
                                   target);
        case Step::target_differs:
        case Step::source_changed:
            return failed(work, Code::conflict, "conflict", "another object is where the source was; " + target);
        case Step::vanished:
            return failed(work, Code::not_found, "not_found",
                          "the source is gone, and the target is not the planned object; " + target);
        case Step::overwrite:  // of copies
        case Step::not_newer: break;
    }
    return Next::over;
}

// Under the parent's delete marker lies the source itself: taking the marker away brings it back with its history and
// its LastModified. The marker is known by its version, so that whatever else is at the key stays; what then shows is
// looked at like any source.
Next Mover::uncover(Work work) {
    OneMove& move = work.move;
    move.marker_tried = true;
    if (!work.recorder.may_change()) return Next::over;
    const ObjectRef marker{move.to().bucket, move.to().key, move.action.parent_marker};
    auto gone = requests_.remove(work.ctx, move.to().store, marker, {}, move.requests);
    note_change(work, gone ? nullptr : &gone.error());
    if (!gone && ends_run(gone.error())) return stumbled(work, gone.error());
    if (!gone && !is_unsure(gone.error()) && gone.error().code != Code::not_found) return Next::copy;
    return Next::look;
}

Next Mover::already_copied(Work work, const ObjectInfo& from, const ObjectInfo& to, Proof proof) {
    OneMove& move = work.move;
    if (!move.maybe_made && !move.marker_tried) move.found_equal = true;
    // R21. A target that a move found was equal in properties too, and a source that never went is what it was. Of all
    // else it is asked: another may have put bare bytes there.
    if (move.maybe_made || (move.back && rule(21) && !is_as_listed(to, move.to()))) {
        const bool ours = move.copied && has_etag(to, move.copied->etag);
        if (const Next next = kept(work, from, to, ours); next != Next::remove) return next;
    }
    move.proven_at = work.ctx.clock().steady();
    if (move.copied && move.copied->etag == to.etag) return Next::remove;
    return record_copied(work, to, proof == Proof::none ? Proof::etag : proof);
}

}  // namespace dray
