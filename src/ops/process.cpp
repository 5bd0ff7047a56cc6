#include "ops/process.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include "base/counted.h"
#include "base/log.h"
#include "job/joined.h"
#include "ops/report.h"
#include "ops/settle.h"

namespace dray {

Result<OpenStores> open_stores(const RunEnvironment& env, std::vector<PlannedStore> planned) {
    OpenStores stores;
    for (PlannedStore& store : planned) {
        const std::string meant = store.identity;  // of a plan that is made already
        TRY_LET(opened, env.open_store(store));
        if (!meant.empty() && store.identity != meant)
            return Error{.code = Code::refused,
                         .message = "the run is about " + meant + ", and this would be " + store.identity +
                                    "; leave --endpoint out"};
        stores.owned.push_back(std::move(opened));
    }
    stores.resolved = std::move(planned);
    return stores;
}

MoveSettings settings_of(const MoveOptions& options, bool head_source, bool plan_is_stale) {
    return {.what = options.what,
            .overwrite = options.overwrite,
            .changes = options.changes,
            .exclusive = options.exclusive,
            .strict = options.strict,
            .preserve = options.strict ? PropertySet::all() : options.preserve,
            .delete_after = options.delete_after,
            .proof = options.proof,
            .head_source = head_source,
            .plan_is_stale = plan_is_stale,
            .acl = options.acl,
            .storage_class = options.storage_class,
            .encryption = options.encryption,
            .kms_key_id = options.kms_key_id};
}

double opaque_share(const PlanTotals& totals) {
    if (totals.effects == 0) return 0;
    return static_cast<double>(totals.opaque_etags) / static_cast<double>(totals.effects);
}

Result<std::unique_ptr<Past>> read_past(const RunPaths& run, const PlanReader& plan) {
    auto past = std::make_unique<Past>(plan.size());
    auto summary = read_journal(run.journal(), [&](const JournalLine& line) -> Status {
        TRY(past->states.apply(line));
        if (line.kind == JournalLine::Kind::receipt) past->balance.count(line.receipt);
        return {};
    });
    if (!summary) {
        if (summary.error().code == Code::not_found) return past;
        return std::move(summary).error();
    }
    past->any = true;
    past->journal = *std::move(summary);
    if (past->journal.plan_checksum != plan.checksum())
        return Error{.code = Code::corrupt,
                     .message = run.journal() + " belongs to another plan than " + run.plan() +
                                "; nothing was done. Put back the one that was there before"};
    return past;
}

void enter(const RunWatcher& watcher, const char* phase) {
    if (watcher.phase) watcher.phase(phase);
}

namespace {

bool is_finished(const JournalSummary& journal) {
    return journal.last_process_ended && !journal.ends.empty() && journal.ends.back().outcome == "finished";
}

// A plan that cannot be read says nothing of its stores.
std::optional<WallTime> quiet_of(const RunPaths& run, const JournalSummary& journal, WallTime now) {
    const auto plan = PlanReader::open(run.plan());
    const auto contract = plan ? read_contract(plan->header().options) : Result<RunContract>(plan.error());
    return contract ? quiet_until(*contract, journal, now) : quiet_until(journal, now);
}

// A process that died between its end line and the release of its scopes left a finished run that holds them still; one
// that died before its journal left a run that changed nothing (what an undo holds then is its parent's, whose requests
// may still land). Whether `holder` is one; its scopes are then released.
Result<bool> release_if_over(const Context& ctx, const StateDirectory& state, const std::string& holder) {
    TRY_LET(run, state.find_run(holder));
    const auto lock = state.lock_run(run);
    if (!lock) return lock.error().code == Code::refused ? Result<bool>(false) : Result<bool>(lock.error());
    auto journal = read_journal(run.journal(), {});
    if (!journal && journal.error().code != Code::not_found) return std::move(journal).error();
    if (!journal && !read_summary(run).parent.empty()) return false;
    if (journal && !is_finished(*journal)) return false;
    const WallTime now = ctx.clock().wall();
    if (journal)
        TRY(release_scopes(state, run.id, quiet_of(run, *journal, now).value_or(now)));
    else
        TRY(release_scopes(state, run.id, std::nullopt));
    return true;
}

// The holder of scopes that another run needs, and what a person can do about it.
Error held_by(const StateDirectory& state, const ScopeGrant& grant) {
    const RunSummary holder = read_summary(state.paths_of(grant.holder));
    std::string text = "run " + grant.holder;
    if (grant.holder_live)
        text += " is working on the same prefix; wait for it (--wait-lock)";
    else if (!holder.sealed_by.empty())
        text += " on the same prefix is being undone; finish that first: dray undo " + grant.holder;
    else if (!holder.parent.empty())
        text += " is unfinished on the same prefix; finish it first: dray resume " + grant.holder;
    else
        text += " is unfinished on the same prefix; finish it first: dray resume " + grant.holder +
                ", or take it back: dray undo " + grant.holder;
    if (!grant.holder_store.empty())
        text +=
            "; it names the store " + grant.holder_store +
            ": if that is not this one under another name, give this run a state directory of its own (--state DIR)";
    return {.code = Code::refused, .message = std::move(text)};
}

}  // namespace

Status make_way(const Context& ctx, const RunEnvironment& env, const StateDirectory& state, const ScopeGrant& grant) {
    if (!grant.holder_live) {
        TRY_LET(over, release_if_over(ctx, state, grant.holder));
        if (over) return {};
    }
    if (!env.wait_lock || !grant.holder_live) return held_by(state, grant);
    return ctx.sleep(std::chrono::seconds(1));
}

namespace {

// A journal line is about 150 bytes, two an action; doubled, because a full disk in mid-run is worse than an early no.
constexpr std::uint64_t kJournalBytesEach = 600;

void say(const RunWatcher& watcher, RunResult& result, std::string sentence) {
    if (watcher.say) watcher.say(sentence);
    result.sentences.push_back(std::move(sentence));
}

Status free_for_journal(const RunPaths& run, const PlanTotals& totals) {
    TRY_LET(room, free_bytes(run.directory));
    const std::uint64_t need = totals.effects * kJournalBytesEach;
    if (room >= need) return {};
    return Error{.code = Code::local,
                 .message = "the journal of this run may need " + std::to_string(need >> 20) + " MiB and " +
                            run.directory + " has " + std::to_string(room >> 20) +
                            " MiB free; make room, or choose another --state directory",
                 .reason = "disk-full"};
}

// By its files. Error: it is not planned yet, or they cannot be read.
Result<bool> has_undone_all(const RunPaths& undo) {
    TRY_LET(plan, PlanReader::open(undo.plan()));
    TRY_LET(past, read_past(undo, plan));
    const Balance::Totals balance = past->balance.totals(plan.totals());
    return past->any && balance.left == 0 && balance.failed == 0;
}

Status not_sealed(const StateDirectory& state, const RunPaths& run) {
    auto seal = read_file(run.seal(), 4096);
    if (!seal) return seal.error().code == Code::not_found ? Status{} : Status(std::move(seal).error());
    const auto undone = has_undone_all(state.paths_of(*seal));
    const std::string message =
        undone && *undone
            ? "run " + run.id + " was undone by " + *seal + "; to do the work again, run its command again"
            : "an undo of run " + run.id + " was begun, " + *seal +
                  ", and has not brought everything back; go on with it: dray undo " + run.id;
    return Error{.code = Code::refused, .message = message};
}

// A quiet time, no longer than a person who knows better allowed (--quiet-time).
std::optional<WallTime> capped(const Context& ctx, const RunEnvironment& env, std::optional<WallTime> until) {
    if (!until || !env.quiet_time) return until;
    return std::min(*until, ctx.clock().wall() + *env.quiet_time);
}

// Waits for `until` on our clock, saying why.
Status wait_quietly(const Context& ctx, const RunWatcher& watcher, RunResult& result, std::optional<WallTime> until,
                    const std::string& why) {
    if (!until) return {};
    const auto left = *until - ctx.clock().wall();
    if (left <= Nanos::zero()) return {};
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(left).count();
    enter(watcher, "waiting");
    say(watcher, result, "waiting " + std::to_string(seconds) + " s: " + why);
    return ctx.sleep(left);
}

// Whoever asks for a run again wants what failed to be tried again: from here on it is doubtful, or copied where a
// receipt says so, or untouched (R22). Durable when it returns, for the journal is read once more before the first
// effect.
Status reopen_failed(PlanReader& plan, const RunPaths& run, JournalWriter& journal, ActionStates& states) {
    TRY_LET(joined, JoinedReader::open(plan, run.journal(), run.scratch()));
    Ticket last = 0;
    for (;;) {
        TRY_LET(action, joined.next());
        if (!action) return journal.wait_durable(last);
        if (!action->final || action->final->state != ReceiptState::failed) continue;
        const Receipt& failed = *action->final;
        last = journal.append({.n = failed.n,
                               .state = ReceiptState::reopened,
                               .code = failed.code,
                               .reason = failed.reason,
                               .lost = failed.lost,
                               .untouched = failed.untouched});
        if (action->copied) last = journal.append(*action->copied);
        states.set(failed.n, action->copied     ? ActionState::copied
                             : failed.untouched ? ActionState::none
                                                : ActionState::doubtful);
    }
}

Result<ScopeGrant> take_run_scopes(const Context& ctx, const RunEnvironment& env, const StateDirectory& state,
                                   const RunPaths& run, const PlanHeader& header, const RunContract& contract,
                                   RunResult& result) {
    for (;;) {
        TRY_LET(grant, take_scopes(state, run.id, contract.scopes, ctx.clock().wall(), header.parent));
        if (grant.lock) {
            TRY(wait_quietly(ctx, env.watcher, result, capped(ctx, env, grant.wait_until),
                             "requests of run " + grant.holder + " on the same prefix may still land"));
            return std::move(grant);
        }
        TRY(make_way(ctx, env, state, grant));
    }
}

Result<std::unique_ptr<JournalWriter>> open_journal(const Context& ctx, const RunEnvironment& env, const RunPaths& run,
                                                    const PlanReader& plan, const Past& past, bool own_file_systems) {
    const JournalWriter::Options options{.plan_checksum = plan.checksum(),
                                         .run_id = run.id,
                                         .own_file_systems = own_file_systems,
                                         .fault = env.journal_fault,
                                         .clock = &ctx.clock()};
    if (past.any) return JournalWriter::go_on(run.journal(), past.journal, options);
    return JournalWriter::create(run.journal(), options);
}

// The store's clock before the first effect (rule R4): a target written earlier than this is not ours. A store that
// does not tell its time is taken to share ours; were ours ahead, undo would leave targets in place and name them,
// never remove another's.
Result<WallTime> store_time(const Context& ctx, ObjectStore& store, const Scope& scope) {
    TRY_LET(page, store.list(ctx, {.bucket = scope.bucket, .prefix = scope.prefix, .max_keys = 1}));
    return page.store_time != WallTime{} ? page.store_time : ctx.clock().wall();
}

// Everything of one process of a run, in the order in which it is taken.
class Process {
public:
    Process(const Context& ctx, const RunEnvironment& env, StateDirectory& state, RunPaths run)
        : ctx_(ctx), env_(env), state_(state), run_(std::move(run)) {
        result_.run = run_;
    }

    Result<RunResult> carry_out() {
        const auto lock = state_.lock_run(run_);
        if (!lock) return lock.error();
        TRY(not_sealed(state_, run_));
        TRY_LET(plan, PlanReader::open(run_.plan()));
        TRY_LET(contract, read_contract(plan.header().options));
        TRY_LET(past, read_past(run_, plan));
        result_.undoes = plan.header().parent;
        take_balance(past->balance, plan.totals());
        result_.outside = plan.totals().outside;
        result_.first_outside = plan.totals().first_outside;
        if (result_.balance.left == 0 && past->any && result_.reopenable == 0) {
            TRY(close_finished(plan, contract, *past));
            return result_;
        }

        if (!past->any) TRY(write_file_atomically(run_.begun(), ""));
        TRY(free_for_journal(run_, plan.totals()));
        say_what_stays(plan);
        TRY_LET(stores, open_stores(env_, plan.header().stores));
        for (const PlannedStore& store : stores.resolved)
            if (store.insecure)
                result_.sentences.push_back("the certificates of " + store.endpoint + " are not checked (--insecure)");
        TRY_LET(scopes, take_run_scopes(ctx_, env_, state_, run_, plan.header(), contract, result_));
        const WallTime locked = ctx_.clock().wall();
        // R17: what the plan says of its targets was true when it was listed.
        const WallTime listed = plan.header().made_at;
        plan_is_stale_ = locked - listed >= kScopesRemembered || (scopes.changed && *scopes.changed >= listed);
        auto settled = settle_with(plan, contract, stores);
        if (!settled) {
            // Nothing was touched: a run that never claimed anything does not hold its prefix. An undo does: what it
            // took over is its parent's, whose requests may still land (rule R2).
            if (!past->any && plan.header().parent.empty()) TRY(scopes.lock->release(std::nullopt));
            return std::move(settled).error();
        }
        TRY(work(plan, contract, *past, stores, *settled, locked));
        if (result_.finished()) TRY(scopes.lock->release(quiet_after_.value_or(ctx_.clock().wall())));
        return result_;
    }

private:
    void take_balance(const Balance& balance, const PlanTotals& plan) {
        result_.balance = balance.totals(plan);
        result_.reopenable = result_.balance.failed;
        for (const auto& [reason, count] : plan.failed)
            result_.reopenable -= count;
    }

    // All is done; but the process that did it may have died before it said so and let go of its prefix.
    Status close_finished(const PlanReader& plan, const RunContract& contract, const Past& past) {
        const WallTime now = ctx_.clock().wall();
        const auto quiet = quiet_until(contract, past.journal, now);
        if (!is_finished(past.journal)) {
            TRY_LET(journal, open_journal(ctx_, env_, run_, plan, past, on_own_file_systems(contract)));
            TRY(journal->close({.outcome = "finished", .all_answered = true, .at = now}));
            TRY(write_file_atomically(run_.report(), write_report(result_, plan.header(), plan.totals())));
        }
        return release_scopes(state_, run_.id, quiet.value_or(now));
    }

    static bool is_undo(const PlanReader& plan) { return !plan.header().parent.empty(); }

    // Of an undo: what cannot come back, before anything is changed.
    void say_what_stays(const PlanReader& plan) {
        const auto& skipped = plan.totals().skipped;
        const auto gone = skipped.find("overwritten");
        if (is_undo(plan) && gone != skipped.end())
            say(env_.watcher, result_,
                counted(gone->second, "target") + (gone->second == 1 ? " was" : " were") + " overwritten by run " +
                    plan.header().parent + ": what was there before cannot come back, and what is there now stays");
    }

    Result<Settled> settle_with(const PlanReader& plan, const RunContract& contract, const OpenStores& stores) {
        if (plan.totals().effects == 0) return Settled{.capabilities = std::vector<Capabilities>(stores.owned.size())};
        enter(env_.watcher, "probing");
        TRY_LET(settled, settle(ctx_, {.stores = stores.borrowed(),
                                       .access_key = stores.resolved.front().access_key,
                                       .header = &plan.header(),
                                       .totals = &plan.totals(),
                                       .contract = &contract,
                                       .cache_directory = state_.path() + "/capabilities"}));
        for (const std::string& sentence : settled.sentences)
            say(env_.watcher, result_, sentence);
        if (is_undo(plan)) return settled;
        note_bill(plan.totals().effects,
                  SafeMove::requests_each({.stores = stores.borrowed(),
                                           .capabilities = settled.capabilities,
                                           .settings = settings_of(contract.options, settled.head_source)},
                                          opaque_share(plan.totals())));
        return settled;
    }

    // Known before the first write (docs/safe-move.md has the table).
    void note_bill(std::uint64_t objects, double each) const {
        const std::string bill =
            fmt::format("{}, about {:.3g} requests each: {:.0f}, beside listings and the probe",
                        counted(objects, "object"), each, std::ceil(static_cast<double>(objects) * each));
        log_event(LogLevel::info, "request-bill", {{"run", run_.id}, {"bill", bill}});
        if (env_.watcher.note) env_.watcher.note(bill);
    }

    MoveSetup move_setup(const RunContract& contract, const Past& past, const OpenStores& stores,
                         const Settled& settled, WallTime locked) const {
        return {.stores = stores.borrowed(),
                .capabilities = settled.capabilities,
                .unproven_buckets = settled.unproven_buckets,
                .settings = settings_of(contract.options, settled.head_source, plan_is_stale_),
                .earlier_quiet_until =
                    capped(ctx_, env_, past.any ? quiet_until(contract, past.journal, locked) : std::nullopt),
                .parent_quiet_until = capped(ctx_, env_, contract.parent_quiet_until),
                .parent_first_answer = contract.parent_first_answer};
    }

    Status work(PlanReader& plan, const RunContract& contract, Past& past, const OpenStores& stores,
                const Settled& settled, WallTime locked) {
        if (contract.parent_quiet_until)
            TRY(wait_quietly(ctx_, env_.watcher, result_, capped(ctx_, env_, contract.parent_quiet_until),
                             "requests of the run that is undone may still land (docs/safe-move.md, rule R1)"));
        // What may fail comes before the journal is opened: a process that opened it and ends without its end line
        // counts as dead.
        TRY_LET(crew, Crew::make(workers_allowed(env_.workers)));
        std::optional<WallTime> first_answer;
        if (plan.totals().effects > 0 && !past.journal.first_answer) {
            TRY_LET(time, store_time(ctx_, *stores.owned.front(), contract.scopes.front()));
            first_answer = time;
        }
        own_file_systems_ = on_own_file_systems(contract);
        TRY_LET(journal, open_journal(ctx_, env_, run_, plan, past, own_file_systems_));
        if (first_answer) TRY(journal->first_answer(*first_answer));
        if (result_.reopenable > 0) TRY(reopen_failed(plan, run_, *journal, past.states));
        MoveSetup setup = move_setup(contract, past, stores, settled, locked);
        setup.ends_when_denied = !past.any && !is_undo(plan);
        auto performer = make_safe_move(std::move(setup));

        const bool copies = contract.options.what == Do::copy;
        enter(env_.watcher, is_undo(plan) ? "undoing" : copies ? "copying" : "moving");
        const SteadyTime begun = ctx_.clock().steady();
        pass(plan, *journal, past.states, past.any, *performer, *crew);
        if (contract.options.delete_after && all_copied(past.states)) {
            // The second pass proves each copy again and deletes its source (docs/adr/0010).
            performer->begin_deletes();
            pass(plan, *journal, past.states, /*joined=*/true, *performer, *crew);
        }
        result_.seconds = std::chrono::duration<double>(ctx_.clock().steady() - begun).count();
        if (env_.requests) result_.requests = env_.requests();
        end(plan, contract, *journal, *performer, past);
        return {};
    }

    // Hands every action that is not final to the performer. `joined`: there are earlier receipts in the journal.
    void pass(PlanReader& plan, JournalWriter& journal, ActionStates& states, bool joined, SafeMove& performer,
              Crew& crew) {
        RunProgress unwatched;
        Balance balance;
        Status ran = run_plan(ctx_, {.plan = &plan,
                                     .journal = &journal,
                                     .states = &states,
                                     .earlier_journal = joined ? run_.journal() : std::string(),
                                     .scratch = run_.scratch(),
                                     .performer = &performer,
                                     .crew = &crew,
                                     .balance = &balance,
                                     .progress = env_.watcher.running ? env_.watcher.running : &unwatched});
        take_balance(balance, plan.totals());
        if (!ran) result_.error = std::move(ran).error();
        result_.stopped = !result_.error && ctx_.stopped() && result_.balance.left > 0;
    }

    bool all_copied(const ActionStates& states) const {
        return !result_.error && !result_.stopped && result_.reopenable == 0 &&
               states.count(ActionState::copied) == result_.balance.left;
    }

    // The end line and the report. A journal that already failed cannot take its end line: the run counts as crashed,
    // which is true.
    void end(const PlanReader& plan, const RunContract& contract, JournalWriter& journal, const SafeMove& performer,
             const Past& past) {
        const SentRequests sent = performer.sent();
        result_.repeated_looks = sent.repeated_looks;
        // With anything left it is not finished, whatever the reason: it stays to be resumed, and is not pruned.
        RunEnd end{.outcome = result_.error        ? "failed"
                              : result_.finished() ? "finished"
                                                   : "stopped",
                   .all_answered = sent.all_answered,
                   .copy_unanswered = sent.copy_unanswered,
                   .last_change = sent.last_change,
                   .at = ctx_.clock().wall()};
        if (!journal.failed()) {
            if (result_.balance.left > 0) release_untouched(past.states, journal);
            keep_first(journal.close(end));
        }
        JournalSummary whole = past.journal;
        whole.ends.push_back(end);
        whole.processes = journal.process();
        whole.on_own += own_file_systems_ ? 1 : 0;
        whole.last_process_ended = true;
        quiet_after_ = quiet_until(contract, whole, end.at);
        keep_first(write_file_atomically(run_.report(), write_report(result_, plan.header(), plan.totals())));
    }

    // What goes wrong at the end must not hide what was done: it is an error of the result.
    void keep_first(const Status& status) {
        if (!status && !result_.error) result_.error = status.error();
    }

    const Context& ctx_;
    const RunEnvironment& env_;
    StateDirectory& state_;
    const RunPaths run_;
    RunResult result_;
    std::optional<WallTime> quiet_after_;
    bool own_file_systems_ = false;  // as the journal's open line says
    bool plan_is_stale_ = false;
};

}  // namespace

Result<RunResult> carry_out(const Context& ctx, const RunEnvironment& env, StateDirectory& state, const RunPaths& run) {
    return Process(ctx, env, state, run).carry_out();
}

}  // namespace dray
