// The copy, and the proof that it is one.
#include <fmt/format.h>

#include "base/log.h"
#include "ops/mover.h"

namespace dray {
namespace {

// What no store copies by itself, so that the target has to be asked for it.
bool carries_more(const OneMove& move) {
    if (!move.from_seen) return false;
    const Properties& source = move.from_seen->properties;
    return !source.website_redirect.empty() || !source.lock_mode.empty() || !source.legal_hold.empty();
}

}  // namespace

bool Mover::source_condition(const OneMove& move) const {
    return proven(capabilities(move).copy_source_if_match) && !condition_struck_off_;
}

Next Mover::copy(Work work) {
    OneMove& move = work.move;
    if (setup_.settings.head_source || reads_sources_ || !keeps_properties(move) || rewrites(move)) {
        if (const Next next = read_source(work); next != Next::copy) return next;
    }
    // Where the store itself does not refuse a copy onto something, the look that found nothing there has to be fresh.
    const bool rests_on_look = !asks_for_absence(move) && !setup_.settings.exclusive;
    const Context ctx =
        rests_on_look && move.target_seen ? work.ctx.sending_until(*move.target_seen + kPatience, move.slow) : work.ctx;
    auto made =
        requests_.copy(ctx, move.from().store, move.from_ref(), move.to_ref(), copy_options(move), move.requests);
    note_change(work, made ? nullptr : &made.error());
    move.look_both = true;
    if (!made) return copy_failed(work, made.error());
    move.maybe_made = move.unsure = true;
    // R4, R12: what was there before the parent run goes on to be looked at, and is left.
    if (move.back && move.from_seen && not_ours(move, *move.from_seen)) return Next::look;
    return prove(work, *made);
}

// Where the bucket makes a copy lose things, the source is read first so that they can be sent again.
Next Mover::read_source(Work work) {
    OneMove& move = work.move;
    if (!move.from_seen) {
        auto from = requests_.head(work.ctx, move.from().store, move.from_ref(), move.requests);
        if (!from && (from.error().code != Code::not_found || from.error().fatal)) return stumbled(work, from.error());
        if (!from || from->etag != move.identity) {
            move.look_both = true;
            return Next::look;
        }
        move.from_seen = std::make_unique<ObjectInfo>(*std::move(from));
    }
    Properties& source = move.from_seen->properties;
    if (!keeps_tags(move) && !source.tags) {
        auto tags = tags_of(work, move.from_ref());
        if (!tags) return stumbled(work, tags.error());
        source.tags = *std::move(tags);
    }
    return lost_beforehand(work);
}

// Its properties are sent with the copy, for some are to be others.
bool Mover::rewrites(const OneMove& move) const {
    return !move.back && !setup_.settings.changes.empty();
}

bool Mover::asks_for_absence(const OneMove& move) const {
    return !move.replaces && proven(capabilities(move).copy_if_absent) &&
           (setup_.settings.strict || move.contradicted < kContradictions);
}

CopyOptions Mover::copy_options(const OneMove& move) const {
    CopyOptions options{.source_if_match = move.identity,
                        .target_if_absent = asks_for_absence(move),
                        .storage_class = move.planned().storage_class};
    if (!move.back) {  // what a person asked for is for the new places only
        const MoveSettings& settings = setup_.settings;
        if (!settings.storage_class.empty()) options.storage_class = settings.storage_class;
        options.acl = settings.acl;
        options.encryption = settings.encryption;
        options.kms_key_id = settings.kms_key_id;
    }
    if (!move.from_seen) return options;
    const Properties& source = move.from_seen->properties;
    options.website_redirect = source.website_redirect;
    if (options.encryption.empty()) {
        options.encryption = source.encryption;
        options.kms_key_id = source.kms_key_id;
    }
    // A lock comes along only when everything is sent again, and so does all else where the store's copies are bare;
    // what HTTP cannot show would be lost by that.
    const bool locked = !source.lock_mode.empty() || !source.legal_hold.empty();
    const bool bare = capabilities(move).copies_properties == Guarantee::absent;
    const bool tagged = source.tags && !source.tags->empty();
    if ((locked || bare || tagged || rewrites(move)) && source.hidden_metadata == 0)
        options.replace = move.back ? source : changed(source, setup_.settings.changes);
    return options;
}

Next Mover::copy_failed(Work work, const Error& error) {
    OneMove& move = work.move;
    if (is_unsure(error)) {
        move.maybe_made = move.unsure = true;
        if (ends_run(error)) return stumbled(work, error);
        if (error.code == Code::throttled && wait(work, error, Next::look) != Next::look) return Next::over;
        // R9: it may land at any time with whatever the source holds then.
        return rule(9) && !source_condition(move) && !move.keeps_source() ? hold(work) : Next::look;
    }
    if (may_send_again(error)) return wait(work, error, Next::look);
    switch (error.code) {
        case Code::not_found:
            if (!error.fatal) return Next::look;
            if (move.from().bucket == move.to().bucket) return stumbled(work, error);
            return Next::look;  // tells which of the two buckets is missing
        case Code::exists:
        case Code::conflict:  // not every store says which of two conditions did not hold
            move.refused = asks_for_absence(move);
            return Next::look;  // never final: the look decides
        default: return stumbled(work, error);
    }
}

Next Mover::prove(Work work, const ObjectInfo& made) {
    const MoveSettings& settings = setup_.settings;
    const bool plain = is_plain_md5(made.etag) && made.etag == work.move.identity;
    const bool whole = keeps_properties(work.move) && !carries_more(work.move) && !rewrites(work.move);
    if (plain && whole && settings.proof == WantedProof::automatic && !settings.strict)
        return record_copied(work, made, Proof::etag);
    return prove_by_heads(work, made);
}

// The target of an answered copy. Nothing there is looked at again for kShownWithin; the source is kept meanwhile.
Result<ObjectInfo> Mover::head_of_copy(Work work) {
    OneMove& move = work.move;
    const SteadyTime until = work.ctx.clock().steady() + kShownWithin;
    for (Nanos pause = std::chrono::seconds(1);; pause = std::min<Nanos>(pause * 2, std::chrono::seconds(10))) {
        auto to = requests_.head(work.ctx, move.to().store, move.to_ref(), move.requests);
        const bool hidden = !to && to.error().code == Code::not_found && !to.error().fatal;
        const Nanos left = until - work.ctx.clock().steady();
        if (!hidden || left <= Nanos::zero()) return to;
        TRY(work.ctx.sleep(std::min(pause, left)));
    }
}

Next Mover::prove_by_heads(Work work, const ObjectInfo& made) {
    OneMove& move = work.move;
    auto to = head_of_copy(work);
    if (!to && to.error().code == Code::not_found) {
        return failed(work, Code::corrupt, "copy-unproven", "the store said copied, but nothing is at the target");
    }
    if (!to) return stumbled(work, to.error());
    if (!made.etag.empty() && to->etag != made.etag) return Next::look;  // by now another object is there
    if (!needs_source(move, *to)) {
        if (to->size == move.from().size) return accept(work, nullptr, *to, {});
        return failed(work, Code::corrupt, "copy-unproven",
                      fmt::format("the target has {} bytes, the source {}", to->size, move.from().size));
    }
    if (move.from_seen && source_condition(move)) return prove_against(work, *move.from_seen, *to);
    const SteadyTime sent = work.ctx.clock().steady();
    auto from = requests_.head(work.ctx, move.from().store, move.from_ref(), move.requests);
    if (!from && from.error().code == Code::not_found) return Next::look;
    if (!from) return stumbled(work, from.error());
    if (from->etag != move.identity) return made_from_another(work, *from, *to);
    move.seen_until = look_holds_until(sent, work.ctx.clock().steady());
    return prove_against(work, *from, *to);
}

// HEAD of the source tells checksums and properties; and, where nothing tied the copy to it, that it is still the
// planned object.
bool Mover::needs_source(const OneMove& move, const ObjectInfo& to) const {
    const MoveSettings& settings = setup_.settings;
    return settings.strict || settings.proof != WantedProof::automatic || !source_condition(move) ||
           !to.checksums.empty() || (is_plain_md5(move.identity) && is_plain_md5(to.etag)) || !keeps_properties(move) ||
           carries_more(move) || rewrites(move);
}

Next Mover::prove_against(Work work, const ObjectInfo& from, const ObjectInfo& to) {
    OneMove& move = work.move;
    const WantedProof wanted = setup_.settings.proof;
    Comparison comparison = compare_heads(from, to, wanted == WantedProof::checksum);
    const bool unequal_md5 =
        comparison.equality == Equality::unknown && is_plain_md5(from.etag) && is_plain_md5(to.etag);
    const bool read = wanted == WantedProof::bytes || (unequal_md5 && wanted == WantedProof::automatic);
    if (comparison.equality != Equality::different && read) {
        ObjectStore* store = setup_.stores[move.from().store];
        move.requests += 2;
        auto bytes = compare_bytes(work.ctx, {store, move.from_ref(), from.etag}, {store, move.to_ref(), to.etag});
        if (!bytes) {
            const Code code = bytes.error().code;
            const bool moved_on = code == Code::conflict || code == Code::not_found;
            return moved_on ? Next::look : stumbled(work, bytes.error());
        }
        comparison = *bytes;
    }
    return accept(work, &from, to, comparison);
}

Next Mover::accept(Work work, const ObjectInfo* from, const ObjectInfo& to, Comparison comparison) {
    const MoveSettings& settings = setup_.settings;
    if (comparison.equality == Equality::different) {
        return failed(
            work, Code::corrupt, "copy-unproven",
            fmt::format("the copy is not equal to its source: {} bytes, etag {}", to.size, printable(to.etag)));
    }
    if (from) {
        if (const Next next = kept(work, *from, to, true); next != Next::remove) return next;
    }
    if (comparison.equality == Equality::equal) return record_copied(work, to, comparison.proof);
    if (settings.proof != WantedProof::automatic || settings.strict) {
        return failed(work, Code::conflict, "copy-unproven",
                      "the store tells nothing that proves the copy; it stays at the target, and the source stays");
    }
    return record_copied(work, to, Proof::size);
}

// R13: the copy was answered, and the source is another object than planned. If the target was made from that one it
// goes away again, but only under a condition: meanwhile somebody may have put something of theirs there. The planned
// bytes, should the target hold them, are never removed; nor is what has replaced another object.
Next Mover::made_from_another(Work work, const ObjectInfo& from, const ObjectInfo& to) {
    OneMove& move = work.move;
    const bool made_from_it = compare_heads(from, to, false).equality == Equality::equal;
    if (made_from_it) condition_struck_off_ = true;
    std::string what = fmt::format("the source changed while it was copied; the target holds {} bytes, etag {}",
                                   to.size, printable(to.etag));
    if (!move.back && !move.replaces && made_from_it && (proven(capabilities(move).remove_if_match) || !rule(13))) {
        const std::string condition = rule(13) ? to.etag : std::string();
        if (!work.recorder.may_change()) return Next::over;
        auto gone = requests_.remove(work.ctx, move.to().store, move.to_ref(), condition, move.requests);
        if (gone) what = "the source changed while it was copied; the copy was taken away again";
    }
    return failed(work, Code::conflict, "conflict", std::move(what));
}

Next Mover::record_copied(Work work, const ObjectInfo& target, Proof proof) {
    OneMove& move = work.move;
    if (move.keeps_source()) {
        const bool replaced = move.replaces || (move.doubted && move.action.target_existed &&
                                                setup_.settings.overwrite != Overwrite::never);
        return done(work, target, replaced ? "overwritten" : "copied", {}, proof);
    }
    move.copied = Receipt{.n = move.action.n,
                          .state = ReceiptState::copied,
                          .etag = target.etag,
                          .version = target.version,
                          .checksum = checksum_text(target),
                          .proof = proof,
                          .requests = std::exchange(move.requests, 0),
                          .reason = move.found_equal ? "equal" : "",
                          .lost = move.lost};
    move.ticket = work.recorder.record(*move.copied);
    for (Ticket last = last_copied_; last < *move.ticket && !last_copied_.compare_exchange_weak(last, *move.ticket);) {
    }
    move.unsure = false;
    move.proven_at = work.ctx.clock().steady();
    return Next::remove;
}

}  // namespace dray
