#include "ops/safe_move.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "job/reasons.h"
#include "job/run_dir.h"
#include "ops/key_fold.h"
#include "ops/mover.h"

namespace dray {
namespace {

OneMove begun(const Context& ctx, const Action& action, const Earlier& earlier) {
    OneMove move{.action = action};
    move.back = action.what == Do::move_back;
    move.doubted = earlier.state != ActionState::none;
    move.look_both = move.back || move.doubted;
    move.maybe_made = move.unsure = move.doubted;
    move.identity = action.from.etag;
    move.copied = earlier.copied;
    if (earlier.copied) move.lost = earlier.copied->lost;
    move.found_equal = earlier.copied && earlier.copied->reason == "equal";
    move.proven_at = ctx.clock().steady();
    return move;
}

Status wait_until(const Context& ctx, const std::optional<WallTime>& until) {
    while (until && ctx.clock().wall() < *until)
        TRY(ctx.sleep(*until - ctx.clock().wall()));
    return {};
}

// Whether any delete is guarded by a look.
bool has_looks(const MoveSetup& setup) {
    const auto looks_in = [&](const Capabilities& store) {
        return Mover::guard_of(store, setup.settings) == Guard::look;
    };
    return std::any_of(setup.capabilities.begin(), setup.capabilities.end(), looks_in) ||
           (!setup.unproven_buckets.empty() && looks_in(Capabilities{}));
}

}  // namespace

Mover::Mover(MoveSetup setup)
    : setup_(std::move(setup)),
      looks_(has_looks(setup_)),
      requests_(setup_),
      stage_(looks_ ? kBatchWaitAfterLook : kBatchWait) {
    CHECK(setup_.stores.size() == setup_.capabilities.size());
}

void Mover::perform(const Context& ctx, const Action& action, const Earlier& earlier, Recorder& recorder) {
    OneMove move = begun(ctx, action, earlier);
    const Work work{ctx, move, recorder};
    if (must_stop(work)) return;
    if (auto refused = refusal(action)) {
        failed(work, *refused);
    } else if (wait_out_quiet_times(ctx, move)) {
        const Next next = first_step(work);
        go_on(ctx, std::move(move), recorder, next);
    }
    send_due(ctx, recorder, Due::full);
}

// What can be refused before any request: the source is untouched.
std::optional<Error> Mover::refusal(const Action& action) const {
    if (action.what != Do::move && action.what != Do::move_back && action.what != Do::copy) {
        return Error{.code = Code::unsupported, .message = "a safe move cannot carry out this kind of action"};
    }
    const Side &from = action.from, &to = action.to;
    if (from.store >= setup_.stores.size() || to.store >= setup_.stores.size()) {
        return Error{.code = Code::invalid, .message = "the plan names a store that this run does not have"};
    }
    if (from.store != to.store) {
        return Error{.code = Code::unsupported,
                     .message = "source and target are in different stores; copies are made inside one store only"};
    }
    if (from.bucket == to.bucket && from.key == to.key) {
        return Error{.code = Code::conflict, .message = "source and target are the same key", .reason = "alias"};
    }
    const Limits& limits = setup_.stores[to.store]->limits();
    if (to.key.size() > limits.max_key_bytes) {
        return Error{.code = Code::invalid,
                     .message = fmt::format("the target's key has {} bytes; this store takes {}", to.key.size(),
                                            limits.max_key_bytes),
                     .reason = "key-too-long"};
    }
    if (from.size > limits.max_copy) {
        return Error{.code = Code::invalid,
                     .message = fmt::format("{} bytes; one copy of this store takes {}", from.size, limits.max_copy),
                     .reason = "too-large"};
    }
    if (action.what != Do::move_back && from.etag.empty()) {
        return Error{.code = Code::unsupported,
                     .message = "the listing told no ETag, so nothing ties the copy to what was planned",
                     .reason = "copy-unproven"};
    }
    return std::nullopt;
}

// R1, R2, R9: what others, or an earlier process of this run, sent may still land until then.
Status Mover::wait_out_quiet_times(const Context& ctx, const OneMove& move) const {
    if (rule(2)) TRY(wait_until(ctx, setup_.scope_quiet_until));
    if (move.back && rule(1)) TRY(wait_until(ctx, setup_.parent_quiet_until));
    if (move.doubted && !move.keeps_source() && rule(9) && !source_condition(move))
        TRY(wait_until(ctx, setup_.earlier_quiet_until));
    return {};
}

// A look comes first unless the store itself refuses a copy onto something (or nobody else writes there).
Next Mover::first_step(Work work) {
    OneMove& move = work.move;
    const Action& action = move.action;
    if (move.back) {
        const bool untouched = action.parent == ReceiptState::failed || action.parent == ReceiptState::skipped;
        return untouched && !rule(5) ? done(work) : Next::look;
    }
    if (move.doubted) return move.copied && !rule(16) ? Next::remove : Next::look;
    if (replaces_unseen(move)) {
        move.replaces = true;
        return Next::copy;
    }
    if (action.target_existed) {
        if (rule(10) || action.to.etag != action.from.etag) return Next::look;
        return record_copied(work, {.size = action.to.size, .etag = action.to.etag}, Proof::etag);
    }
    if (proven(capabilities(move).copy_if_absent)) return Next::copy;
    if (!setup_.settings.exclusive || (rule(17) && setup_.settings.plan_is_stale)) return Next::look;
    // R6: an alias that the probe cannot have seen is looked for even when nobody else writes there.
    return rule(6) && may_be_one_object(action.from.key, action.to.key) ? Next::look : Next::copy;
}

void Mover::go_on(const Context& ctx, OneMove move, Recorder& recorder, Next next) {
    const Work work{ctx, move, recorder};
    for (; next != Next::over; ++move.rounds) {
        if (must_stop(work)) return;
        if (move.rounds == kRoundsAmongOthers && !move.last_chance && try_at_the_end(move)) return;
        if (move.rounds >= kMostRounds) {
            stumbled(work, {.code = Code::unavailable, .message = "this object does not settle; others may write it"});
            return;
        }
        switch (next) {
            case Next::look: next = look(work); break;
            case Next::copy: next = copy(work); break;
            case Next::remove: next = remove(work); break;
            case Next::over: break;
        }
    }
}

// Deletes first, for they are cheap and end actions; then the moves that had to wait for a quiet time (R9) or for
// others to be out of their way.
Status Mover::finish(const Context& ctx, Recorder& recorder) {
    while (true) {
        send_due(ctx, recorder, Due::all);
        std::vector<OneMove> held;
        {
            std::lock_guard lock(held_mutex_);
            held.swap(held_);
        }
        if (held.empty()) break;
        for (OneMove& move : held) {
            if (!wait_until(ctx, move.hold)) break;  // stopped: the rest stays doubtful
            move.look_both = true;
            go_on(ctx, std::move(move), recorder, Next::look);
        }
        if (ctx.stopped()) break;
    }
    // The second pass takes `copied` receipts from the journal as durable, this process's own among them.
    if (setup_.settings.delete_after && last_copied_ != 0) TRY(recorder.wait_durable(last_copied_));
    if (auto error = fatal()) return *std::move(error);
    if (!recorder.may_change()) {
        return Error{.code = Code::local, .message = "the journal cannot be written; nothing more is sent"};
    }
    return {};
}

// Another object may be in its way: on SeaweedFS `dir/` is there for as long as `dir/f` is.
bool Mover::try_at_the_end(OneMove& move) {
    std::lock_guard lock(held_mutex_);
    if (held_.size() >= kHeldMoves) return false;
    move.last_chance = true;
    held_.push_back(std::move(move));
    return true;
}

Next Mover::hold(Work work) {
    work.move.hold = work.ctx.clock().wall() + kQuietTimeUnansweredCopy;
    {
        std::lock_guard lock(held_mutex_);
        if (held_.size() < kHeldMoves) {
            held_.push_back(std::move(work.move));
            return Next::over;
        }
    }
    return wait_until(work.ctx, work.move.hold) ? Next::look : Next::over;
}

SentRequests Mover::sent() const {
    SentRequests sent = requests_.sent();
    sent.repeated_looks = repeated_looks_;
    return sent;
}

bool Mover::must_stop(const Work& work) const {
    return work.ctx.stopped() || requests_.ended() || !work.recorder.may_change();
}

Next Mover::done(Work work) {
    work.recorder.record(
        {.n = work.move.action.n, .state = ReceiptState::done, .requests = std::exchange(work.move.requests, 0)});
    return Next::over;
}

Next Mover::done(Work work, const ObjectInfo& to, std::string reason, std::string detail, Proof proof) {
    const bool made = proof != Proof::none;
    work.recorder.record({.n = work.move.action.n,
                          .state = ReceiptState::done,
                          .etag = to.etag,
                          .version = made ? to.version : std::string(),
                          .checksum = checksum_text(to),
                          .proof = proof,
                          .requests = std::exchange(work.move.requests, 0),
                          .reason = std::move(reason),
                          .detail = std::move(detail),
                          .lost = made ? work.move.lost : std::string()});
    return Next::over;
}

Next Mover::left_behind(Work work, const ObjectInfo& source, std::string reason, std::string detail) {
    work.recorder.record({.n = work.move.action.n,
                          .state = ReceiptState::failed,
                          .etag = source.etag,
                          .checksum = checksum_text(source),
                          .requests = std::exchange(work.move.requests, 0),
                          .code = Code::conflict,
                          .reason = std::move(reason),
                          .detail = std::move(detail)});
    return Next::over;
}

Next Mover::deleted(Work work, std::string version) {
    work.recorder.record({.n = work.move.action.n,
                          .state = ReceiptState::deleted,
                          .version = std::move(version),
                          .requests = std::exchange(work.move.requests, 0),
                          .reason = work.move.found_equal ? "equal" : "",
                          .lost = work.move.lost});
    return Next::over;
}

Next Mover::failed(Work work, Code code, std::string reason, std::string detail) {
    work.recorder.record({.n = work.move.action.n,
                          .state = ReceiptState::failed,
                          .requests = std::exchange(work.move.requests, 0),
                          .code = code,
                          .reason = std::move(reason),
                          .detail = std::move(detail),
                          .lost = work.move.lost});
    return Next::over;
}

Next Mover::failed(Work work, const Error& error, std::string reason) {
    if (reason.empty()) reason = is_reason(error.reason) ? error.reason : std::string(name_of(error.code));
    return failed(work, error.code, std::move(reason), error.message);
}

// An action whose copy may have been made and cannot be looked at now is no failure that is known: it stays doubtful,
// and a resume looks again. So does one that is copied: its receipt says all that is known.
Next Mover::stumbled(Work work, const Error& error) {
    if (ends_run(error)) {
        requests_.heard(&error);
        return Next::over;
    }
    if (work.move.unsure || work.move.copied) {
        log_event(LogLevel::warning, "left-doubtful",
                  {{"n", std::to_string(work.move.action.n)}, {"key", work.move.from().key}, {"why", error.message}});
        return Next::over;
    }
    return failed(work, error);
}

// What comes after a `copied` receipt needs no such note: that says enough.
void Mover::note_change(Work work, const Error* error) const {
    if (rule(22) && (!error || may_have_changed(*error))) work.recorder.touch(work.move.action.n);
}

Status Mover::count_wait(OneMove& move, const Error& error) {
    if (error.code == Code::throttled && error.reason != kTooLateToSend) {
        ++move.slow;
        move.rounds = 0;  // an object does not fail for a slow store
    }
    move.waited += error.retry_after;
    if (move.waited <= kMostWaiting) return {};
    Error over = error;
    over.code = Code::exhausted;
    over.message = "gave up after 15 minutes of waiting for the store: " + over.message;
    return over;
}

Next Mover::wait(Work work, const Error& error, Next next) {
    if (Status counted = count_wait(work.move, error); !counted) return stumbled(work, counted.error());
    return work.ctx.sleep(error.retry_after) ? next : Next::over;
}

std::unique_ptr<SafeMove> make_safe_move(MoveSetup setup) {
    return std::make_unique<Mover>(std::move(setup));
}

double SafeMove::requests_each(const MoveSetup& setup, double opaque) {
    CHECK(!setup.capabilities.empty());
    const Capabilities& store = setup.capabilities.front();
    const MoveSettings& settings = setup.settings;
    const double batch = 1.0 / static_cast<double>(kBatchKeys);
    const bool copies = settings.what == Do::copy;
    double requests = 1;  // the copy
    if (!proven(store.copy_if_absent) && !settings.exclusive) requests += 1;
    const bool tags_kept =
        store.copies_tags == Guarantee::unknown ? proven(store.copies_properties) : proven(store.copies_tags);
    const bool kept = proven(store.copies_properties) && tags_kept;
    const bool source_read = settings.head_source || !kept || !settings.changes.empty();
    if (source_read) requests += 1;
    if (!tags_kept) requests += 1;
    // Not every proof comes with the copy's answer: HEAD the target; and the source, unless that was read before and
    // the copy was tied to what was read.
    const bool all_looked_at =
        !kept || settings.strict || !settings.changes.empty() || settings.proof != WantedProof::automatic;
    const double target_seen = all_looked_at ? 1 : opaque;
    const double source_seen = source_read && proven(store.copy_source_if_match) ? 0 : target_seen;
    requests += target_seen + source_seen;
    if (settings.proof == WantedProof::bytes) requests += 2;
    if (copies) return requests;
    if (settings.delete_after) requests += 2;
    switch (Mover::guard_of(store, settings)) {
        case Guard::batch_condition:
        case Guard::none: return requests + batch;
        case Guard::single_condition: return requests + 1;
        case Guard::look: return requests + (1 - source_seen) + batch;  // the proof's look at the source is fresh still
    }
    return requests;
}

}  // namespace dray
