// The delete: guarded by a condition, by a look, or by a promise; and never before the receipt of the copy is durable.
#include <fmt/format.h>

#include "base/log.h"
#include "ops/mover.h"

namespace dray {
namespace {

bool looked_lately(const OneMove& move, SteadyTime now) {
    return move.seen_until && now <= *move.seen_until;
}

// In place, for a batch is megabytes: `stays` says false of a move that it has taken elsewhere.
template <class Stays>
void keep(std::vector<OneMove>& moves, const Stays& stays) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < moves.size(); ++i) {
        if (!stays(moves[i])) continue;
        if (kept != i) moves[kept] = std::move(moves[i]);
        ++kept;
    }
    moves.erase(moves.begin() + static_cast<std::ptrdiff_t>(kept), moves.end());
}

}  // namespace

Guard Mover::guard_of(const Capabilities& capabilities, const MoveSettings& settings) {
    if (proven(capabilities.remove_many_if_match)) return Guard::batch_condition;
    if (settings.exclusive) return Guard::none;
    return proven(capabilities.remove_if_match) ? Guard::single_condition : Guard::look;
}

const Capabilities& Mover::capabilities(std::uint8_t store, const std::string& bucket) const {
    static constexpr Capabilities kNothing;
    return setup_.unproven_buckets.contains(bucket) ? kNothing : setup_.capabilities[store];
}

const Capabilities& Mover::capabilities(const OneMove& move) const {
    const bool unproven = setup_.unproven_buckets.contains(move.to().bucket);
    return capabilities(move.from().store, unproven ? move.to().bucket : move.from().bucket);
}

Next Mover::remove(Work work) {
    OneMove& move = work.move;
    if (setup_.settings.delete_after && !deleting_) return Next::over;
    const Guard guard = guard_of(move.from());
    if (guard == Guard::single_condition || rests_on_found(move)) {
        if (!move.ticket || work.recorder.durable(*move.ticket)) return remove_alone(work);
        move.from_seen.reset();
        stage_.add_alone(std::move(move));
        return Next::over;
    }
    const SteadyTime now = work.ctx.clock().steady();
    const bool must_look = guard == Guard::look && !looked_lately(move, now);
    move.from_seen.reset();  // what waits is kept small
    must_look ? stage_.add_to_look(std::move(move), now) : stage_.add(std::move(move), now);
    return Next::over;
}

// One delete for one object: by condition where that is proven, else right after a look.
Next Mover::remove_alone(Work work) {
    OneMove& move = work.move;
    if (!copied_is_durable(work)) return Next::over;
    const bool conditional = proven(capabilities(move.from().store, move.from().bucket).remove_if_match);
    if (!conditional && !setup_.settings.exclusive) {
        if (const Next next = see_source(work); next != Next::remove) return next;
    }
    const SteadyTime looked = work.ctx.clock().steady();
    if (rests_on_found(move)) {
        if (const Next next = see_target(work); next != Next::remove) return next;
    }
    if (must_stop(work)) return Next::over;
    const bool by_etag = conditional && move.made_version.empty();
    std::optional<SteadyTime> until;
    if (conditional) until = work.ctx.clock().steady() + kPatience;
    if (!conditional && !setup_.settings.exclusive) until = move.seen_until;
    if (rests_on_found(move))
        until = std::min(until.value_or(SteadyTime::max()), look_holds_until(looked, work.ctx.clock().steady()));
    auto verdict = requests_.remove(until ? work.ctx.sending_until(*until, move.slow) : work.ctx, move.from().store,
                                    move.removed_ref(), by_etag ? move.identity : std::string(), move.requests);
    return removed(work, verdict, false);
}

// Is the source still what was proven? Next::remove: yes, just now.
Next Mover::see_source(Work work) {
    OneMove& move = work.move;
    const SteadyTime sent = work.ctx.clock().steady();
    auto from = head_of_from(work);
    if (!from && from.error().code == Code::not_found) return deleted(work);
    if (!from) return look_failed(work, from.error());
    if (from->etag != move.identity) {
        return failed(work, Code::conflict, "conflict",
                      fmt::format("copied, but the source is another object by now: {} bytes, etag {}", from->size,
                                  printable(from->etag)));
    }
    const SteadyTime answered = work.ctx.clock().steady();
    move.seen_until = look_holds_until(sent, answered);
    // A store that answers so slowly every time guards nothing; the rounds bound how often it is asked.
    if (answered - sent > kSlowestLook && ++move.rounds >= kMostRounds)
        return stumbled(work, {.code = Code::exhausted,
                               .message = "the store answers looks too slowly for them to guard a delete"});
    return Next::remove;
}

// R19: somebody else made it and may take it away again, as a second mover does that goes the other way. No condition
// of the delete is about it.
bool Mover::rests_on_found(const OneMove& move) const {
    return rule(19) && move.found_equal && !setup_.settings.exclusive;
}

Next Mover::see_target(Work work) {
    OneMove& move = work.move;
    auto to = head_of_to(work);
    if (to && move.copied && to->etag == move.copied->etag) return Next::remove;
    if (!to && to.error().code != Code::not_found) return look_failed(work, to.error());
    move.look_both = true;
    return Next::look;
}

// The rule of rules: no delete before the receipt of its copy is on disk. A journal that failed ends the run.
Status Mover::copied_is_durable(Work work) {
    if (!work.move.ticket) return {};  // it was read from the journal
    auto durable = work.recorder.wait_durable(*work.move.ticket);
    if (!durable) {
        Error error = durable.error();
        error.fatal = true;
        requests_.heard(&error);
    }
    return durable;
}

void Mover::send_due(const Context& ctx, Recorder& recorder, Due what) {
    while (!ctx.stopped() && !requests_.ended()) {
        const SteadyTime now = ctx.clock().steady();
        if (auto batch = stage_.due(now)) {
            send(ctx, std::move(*batch), recorder);
            stage_.sent();
        } else if (auto single = stage_.alone(recorder, what != Due::full)) {
            send_alone(ctx, std::move(*single), recorder);
        } else if (auto move = stage_.to_look(now, what != Due::full)) {
            if (move->seen_until) ++repeated_looks_;
            const Next next = see_source({ctx, *move, recorder});
            const SteadyTime seen = ctx.clock().steady();
            if (next == Next::remove)
                stage_.add_looked(std::move(*move), seen, seen - now);
            else
                go_on(ctx, std::move(*move), recorder, next);
        } else if (auto rest = what == Due::all ? stage_.any() : std::nullopt) {
            send(ctx, std::move(*rest), recorder);
            stage_.sent();
        } else {
            return;
        }
    }
}

// Looks are taken in parallel, so that what was looked at is sent when all have ended: in finish(). Else nothing can
// fill the last batch any more, and nobody waits for those that are under way.
void Mover::last_call(const Context& ctx, Recorder& recorder, bool last) {
    send_due(ctx, recorder, last && !looks_ ? Due::all : Due::looks);
}

bool Mover::proof_is_old(const Context& ctx, const OneMove& move) const {
    return rule(16) && ctx.clock().steady() - move.proven_at > kProofAge;
}

void Mover::send_alone(const Context& ctx, OneMove move, Recorder& recorder) {
    move.look_both = move.look_both || proof_is_old(ctx, move);
    const Next next = proof_is_old(ctx, move) ? Next::look : remove_alone({ctx, move, recorder});
    go_on(ctx, std::move(move), recorder, next);
}

// Waits for the receipts, proves again what has waited too long (R16), and sends the rest; a look that has grown stale
// meanwhile is taken again with others.
void Mover::send(const Context& ctx, RemoveStage::Batch batch, Recorder& recorder) {
    for (OneMove& move : batch.moves) {
        if (!copied_is_durable({ctx, move, recorder})) return;
    }
    keep(batch.moves, [&](OneMove& move) {
        if (!proof_is_old(ctx, move)) return true;
        move.look_both = true;
        go_on(ctx, std::move(move), recorder, Next::look);
        return false;
    });
    const bool must_look = guard_of(capabilities(batch.store, batch.bucket), setup_.settings) == Guard::look;
    const SteadyTime now = ctx.clock().steady();
    keep(batch.moves, [&](OneMove& move) {
        if (!must_look || looked_lately(move, now)) return true;
        stage_.add_to_look(std::move(move), now);
        return false;
    });
    if (!batch.moves.empty()) send_part(ctx, std::move(batch), recorder);
}

void Mover::send_part(const Context& ctx, RemoveStage::Batch batch, Recorder& recorder) {
    std::vector<OneMove>& moves = batch.moves;
    if (ctx.stopped() || requests_.ended() || !recorder.may_change()) return;
    const bool conditional =
        guard_of(capabilities(batch.store, batch.bucket), setup_.settings) == Guard::batch_condition;
    std::vector<RemoveItem> items;
    items.reserve(moves.size());
    for (const OneMove& move : moves)
        items.push_back({.key = move.from().key,
                         .version = move.made_version,  // a version is itself: it needs no condition
                         .if_match = conditional && move.made_version.empty() ? move.identity : std::string()});

    std::optional<SteadyTime> until;
    std::uint32_t slow = 0;
    for (const OneMove& move : moves) {
        const auto its = may_be_sent_until(move, ctx.clock().steady());
        if (its) until = std::min(*its, until.value_or(*its));
        slow = std::max(slow, move.slow);
    }
    auto verdicts =
        requests_.remove_many(until ? ctx.sending_until(*until, slow) : ctx, batch.store, batch.bucket, items);
    ++moves.front().requests;
    // One wait for all of them.
    if (!verdicts && !ctx.sleep(verdicts.error().retry_after)) return;
    if (!verdicts && may_send_again(verdicts.error()))
        return send_again(ctx, std::move(moves), verdicts.error(), recorder);
    for (std::size_t i = 0; i < moves.size(); ++i) {
        const Work work{ctx, moves[i], recorder};
        const Result<Removed> unnamed = Error{.code = Code::unavailable, .unsure = true};
        const Result<Removed> verdict = !verdicts              ? Result<Removed>(verdicts.error())
                                        : i < verdicts->size() ? (*verdicts)[i].verdict
                                                               : unnamed;
        const Next next = removed(work, verdict, true);
        go_on(ctx, std::move(moves[i]), recorder, next);
    }
}

// A batch that the store put off, after the wait: each key joins those that have come meanwhile.
void Mover::send_again(const Context& ctx, std::vector<OneMove> moves, const Error& error, Recorder& recorder) {
    for (OneMove& move : moves) {
        const Work work{ctx, move, recorder};
        Status counted = count_wait(move, error);
        const Next next = counted ? before_repeat(work) : stumbled(work, counted.error());
        go_on(ctx, std::move(move), recorder, next);
    }
}

// R18: a condition guards the source, and nothing the target: somebody may have taken it away while the store was
// waited for.
Next Mover::before_repeat(Work work) const {
    if (setup_.settings.exclusive || work.ctx.clock().steady() - work.move.proven_at <= kPatience) return Next::remove;
    work.move.look_both = true;
    return Next::look;
}

// What guards the delete of a batch's key, as far as it grows old; nullopt: nothing does.
std::optional<SteadyTime> Mover::may_be_sent_until(const OneMove& move, SteadyTime now) const {
    switch (guard_of(move.from())) {
        case Guard::look: return move.seen_until;
        case Guard::none: return std::nullopt;
        default: return now + kPatience;
    }
}

// V05, V06, V15, R14: what a delete's answer means. `batch`: it was one of many; a failure is tried once more alone.
Next Mover::removed(Work work, const Result<Removed>& verdict, bool batch) {
    if (verdict) return deleted(work, verdict->delete_marker && work.move.made_version.empty() ? verdict->version : "");
    const Error& error = verdict.error();
    const bool denies = error.code == Code::not_found || error.code == Code::conflict;
    if (denies && !error.fatal && !rule(14)) return deleted(work);
    if (is_unsure(error)) {
        if (ends_run(error)) return Next::over;
        if (error.code == Code::throttled) {
            if (Status counted = count_wait(work.move, error); !counted) return stumbled(work, counted.error());
            if (!batch && !work.ctx.sleep(error.retry_after)) return Next::over;
        }
        return look_after_delete(work);
    }
    if (may_send_again(error) && !batch) {
        const Next waited = wait(work, error, Next::remove);
        return waited == Next::remove ? before_repeat(work) : waited;
    }
    if (ends_run(error)) return Next::over;
    if (denies) return look_after_delete(work);
    if (error.code == Code::denied) return failed(work, error, "delete-denied");
    if (batch) return remove_alone(work);
    return failed(work, error);
}

Next Mover::look_after_delete(Work work) {
    OneMove& move = work.move;
    auto from = head_of_from(work);
    if (!from && from.error().code == Code::not_found) return deleted(work);
    if (!from && is_contradicted(from.error())) return look_failed(work, from.error());
    if (!from) {
        if (ends_run(from.error())) requests_.heard(&from.error());
        return Next::over;  // its receipt says `copied`, and that is all that is known
    }
    move.look_both = true;
    if (from->etag == move.identity) return Next::look;
    return failed(work, Code::conflict, "conflict",
                  fmt::format("copied, but the source is another object by now: {} bytes, etag {}", from->size,
                              printable(from->etag)));
}

}  // namespace dray
