#include "ops/life.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/time.h"
#include "base/version.h"
#include "job/joined.h"
#include "ops/contract.h"
#include "ops/pages.h"
#include "ops/process.h"
#include "ops/undo_plan.h"
#include "ops/verify.h"
#include "store/capabilities.h"
#include "store/probe.h"

namespace dray {
namespace {

Capabilities all_proven() {
    Capabilities all;
    for (const CapabilityName& capability : capability_names())
        all.*capability.field = Guarantee::proven;
    return all;
}

// The source first, the targets after it. A target whose bucket depends on the object has an empty bucket: any.
std::vector<Scope> scopes_of(const MoveCommand& command, const std::vector<PlannedStore>& stores,
                             const Relayout& rule) {
    std::vector<Scope> scopes{{stores.front().identity, command.source_bucket, command.source_prefix}};
    for (const Relayout::Target& target : rule.targets())
        scopes.push_back({stores.back().identity, target.bucket, target.prefix});
    return scopes;
}

std::vector<std::string> own_directories(const RunEnvironment& env) {
    std::vector<std::string> all = env.own_directories;
    all.push_back(env.state_directory);
    return all;
}

// The plan of a new run, under its lock. Returns the checksum.
Result<std::string> plan_into(const Context& ctx, const RunEnvironment& env, const MoveCommand& command,
                              const RunPaths& run, const StateDirectory& state, const Relayout& rule,
                              const OpenStores& stores) {
    const auto lock = state.lock_run(run);
    if (!lock) return lock.error();
    TRY(make_directories(run.scratch()));

    PlanHeader header{
        .run_id = run.id,
        .command = command.command,
        .argv = command.argv,
        .stores = stores.resolved,
        .options = write_contract({.options = command.options, .scopes = scopes_of(command, stores.resolved, rule)}),
        .settings = command.settings,
        .made_by = std::string("dray ") + kVersion,
        .made_at = ctx.clock().wall()};
    TRY(write_run_json(run, header));
    enter(env.watcher, "listing");
    std::string why_one;  // of the source, which is listed first
    const auto streams = [&](std::size_t store, const std::string& bucket) {
        ListPace pace = list_pace(*stores.owned[store],
                                  cached_capabilities(*stores.owned[store], bucket, stores.resolved[store].access_key,
                                                      state.path() + "/capabilities", ctx.clock().wall()),
                                  env.streams);
        if (store == 0 && why_one.empty()) why_one = std::move(pace.why_one);
        return pace.streams;
    };
    auto checksum = make_move_plan(ctx, {.stores = stores.borrowed(),
                                         .target_store = static_cast<std::uint8_t>(command.stores.size() - 1),
                                         .source_bucket = command.source_bucket,
                                         .source_prefix = command.source_prefix,
                                         .single = command.single,
                                         .names = command.names,
                                         .workers = workers_allowed(env.workers),
                                         .rule = &rule,
                                         .what = command.options.what,
                                         .overwrite = command.options.overwrite,
                                         .select = command.select,
                                         .on_collision = command.on_collision,
                                         .restored = command.restored,
                                         .limit = command.limit,
                                         .max = command.max,
                                         .own_directories = own_directories(env),
                                         .header = std::move(header),
                                         .plan_path = run.plan(),
                                         .scratch = run.scratch(),
                                         .streams = streams,
                                         .progress = env.watcher.planning});
    const PlanProgress* seen = env.watcher.planning;
    if (!why_one.empty() && env.watcher.note && seen && seen->pages >= kPagesWorthSaying) env.watcher.note(why_one);
    return checksum;
}

// Before hours of listing: would the run have to wait for another, or be refused?
Status way_is_free(const Context& ctx, const RunEnvironment& env, const StateDirectory& state,
                   const std::vector<Scope>& scopes) {
    for (;;) {
        TRY_LET(grant, look_at_scopes(state, scopes, ctx.clock().wall()));
        if (grant.holder.empty()) return {};
        TRY(make_way(ctx, env, state, grant));
    }
}

// No plan, no run: nothing is left to trip over. What cannot be removed does not hide why there is none.
void drop_run(StateDirectory& state, const RunPaths& run) {
    if (auto removed = state.remove_run(run); !removed)
        log_event(LogLevel::warning, "run-directory-left", {{"run", run.id}, {"why", removed.error().message}});
}

// L12: a run moves or copies what its one listing told. The same command again would list what this one moved below its
// own source, and move it once more; the first object that would be is told.
Result<std::string> moves_again(PlanReader& plan, const Relayout& rule, const MoveCommand& command) {
    constexpr int kSample = 1000;  // actions of a plan differ in their keys, hardly in this
    for (int i = 0; i < kSample && !command.single; ++i) {
        TRY_LET(action, plan.next());
        if (!action) break;
        const Side& to = action->to;
        const bool listed = action->what == command.options.what && to.store == 0 &&
                            to.bucket == command.source_bucket && to.key.starts_with(command.source_prefix);
        if (!listed) continue;
        const Placement again =
            rule.place({.key = to.key, .size = action->from.size, .modified = action->from.modified});
        const bool stays =
            again.verdict != Placement::Verdict::place || (again.bucket == to.bucket && again.key == to.key);
        if (!stays)
            return "the targets are below the source: run again, this command would list " + in_quotes(to.key) +
                   " too, and " + (command.options.what == Do::copy ? "copy" : "move") + " it to " +
                   in_quotes(again.key);
    }
    return std::string();
}

Result<PlannedRun> make_plan(const Context& ctx, const RunEnvironment& env, const MoveCommand& command,
                             bool apply_at_once) {
    TRY_LET(rule, Relayout::compile(command.rule));
    PlannedRun planned{.what = command.options.what, .warnings = rule.warnings()};
    TRY_LET(stores, open_stores(env, command.stores));
    TRY_LET(state, StateDirectory::open(env.state_directory));
    if (apply_at_once) TRY(way_is_free(ctx, env, state, scopes_of(command, stores.resolved, rule)));
    TRY_LET(run, state.create_run(env.run_name));
    planned.run = run;
    auto checksum = plan_into(ctx, env, command, run, state, rule, stores);
    if (!checksum) {
        drop_run(state, run);
        return std::move(checksum).error();
    }
    planned.checksum = *std::move(checksum);
    TRY_LET(plan, PlanReader::open(run.plan(), planned.checksum));
    planned.totals = plan.totals();
    TRY_LET(again, moves_again(plan, rule, command));
    if (!again.empty()) planned.warnings.push_back(again);
    const Capabilities store = stores.owned.back()->capabilities();
    const bool known = store != Capabilities{};
    const auto each = [&](const Capabilities& capabilities, bool head_source) {
        return SafeMove::requests_each({.stores = stores.borrowed(),
                                        .capabilities = {capabilities},
                                        .settings = settings_of(command.options, head_source)},
                                       opaque_share(planned.totals));
    };
    planned.requests_least = each(known ? store : all_proven(), false);
    planned.requests_most = each(store, !known);
    return planned;
}

// An error before the first effect: with what to do next, where going on may help.
Error before_the_first_effect(Error error, const RunPaths& run) {
    const RunSummary summary = read_summary(run);
    if (summary.phase == RunPhase::planned && summary.begun && error.code != Code::refused)
        error.message += "; nothing was changed yet, go on with: dray resume " + run.id;
    return error;
}

}  // namespace

Result<PlannedRun> plan_move(const Context& ctx, const RunEnvironment& env, const MoveCommand& command) {
    return make_plan(ctx, env, command, /*apply_at_once=*/false);
}

Result<RunResult> move_run(const Context& ctx, const RunEnvironment& env, const MoveCommand& command,
                           const MoveRunOptions& options) {
    TRY_LET(planned, make_plan(ctx, env, command, /*apply_at_once=*/true));
    if (options.planned) options.planned(planned);
    TRY_LET(state, StateDirectory::open(env.state_directory));
    auto result = carry_out(ctx, env, state, planned.run);
    if (result) return result;
    const bool unwanted = options.drop_unbegun || result.error().code == Code::refused;
    if (!unwanted || read_summary(planned.run).phase != RunPhase::planned)
        return before_the_first_effect(std::move(result).error(), planned.run);
    drop_run(state, planned.run);
    return result;
}

Result<RunResult> apply_run(const Context& ctx, const RunEnvironment& env, const std::string& name) {
    TRY_LET(state, StateDirectory::open(env.state_directory));
    TRY_LET(run, state.find_run(name));
    auto result = carry_out(ctx, env, state, run);
    return result ? std::move(result) : before_the_first_effect(std::move(result).error(), run);
}

namespace {

Result<RunContract> undo_contract(const PlanHeader& parent, const JournalSummary& journal, WallTime locked) {
    TRY_LET(contract, read_contract(parent.options));
    // A copy gives nothing up; its undo does, where somebody has put bare bytes in the place of the source (R21).
    if (contract.options.what == Do::copy) contract.options.preserve = PropertySet::usual();
    contract.parent_quiet_until = quiet_until(contract, journal, locked);
    contract.parent_first_answer = journal.first_answer;
    return contract;
}

// The plan of the undo, whole but for its seal. It takes every line of the parent's plan and journal: what is damaged,
// or belongs to another run, is found here.
Result<PlanWriter> draft_undo(const Context& ctx, PlanReader& parent_plan, const RunPaths& parent, const RunPaths& run,
                              const std::vector<std::string>& argv, WallTime locked) {
    TRY(make_directories(run.scratch()));
    TRY_LET(joined, JoinedReader::open(parent_plan, parent.journal(), run.scratch()));
    TRY_LET(contract, undo_contract(parent_plan.header(), joined.journal(), locked));
    const PlanHeader header{.run_id = run.id,
                            .command = "undo",
                            .argv = argv,
                            .stores = parent_plan.header().stores,
                            .options = write_contract(contract),
                            .parent = parent.id,
                            .made_by = std::string("dray ") + kVersion,
                            .made_at = ctx.clock().wall()};
    TRY(write_run_json(run, header));
    TRY_LET(writer, PlanWriter::create(run.plan(), header));
    TRY_LET(added, write_undo_plan(joined, writer));
    writer.totals().listed = added;
    return std::move(writer);
}

Result<bool> is_there(const std::string& path) {
    auto content = read_file(path, std::uint64_t{1} << 20);
    if (content) return true;
    if (content.error().code == Code::not_found) return false;
    return content.error().code == Code::corrupt ? Result<bool>(true) : Result<bool>(std::move(content).error());
}

// The undo that has sealed the parent, if one has.
Result<std::optional<RunPaths>> undo_of(const StateDirectory& state, const RunPaths& parent) {
    auto seal = read_file(parent.seal(), 4096);
    if (!seal && seal.error().code == Code::not_found) return std::optional<RunPaths>();
    if (!seal) return std::move(seal).error();
    TRY_LET(found, state.find_run(*seal));
    if (found.id == *seal) return std::optional(std::move(found));
    return Error{.code = Code::not_found,
                 .message = "run " + parent.id + " was sealed by its undo " + *seal + ", which is gone"};
}

// The planned undo of the parent, which it has sealed. R8: the seal is durable before the undo's first request, and a
// sealed parent cannot be resumed any more; so whatever speaks against the undo is found before.
Result<RunPaths> planned_undo(const Context& ctx, const RunEnvironment& env, StateDirectory& state,
                              const RunPaths& parent, const std::vector<std::string>& argv) {
    const auto lock = state.lock_run(parent);
    if (!lock) return lock.error();
    const WallTime locked = ctx.clock().wall();
    TRY_LET(plan, PlanReader::open(parent.plan()));
    if (plan.header().command == "undo")
        return Error{
            .code = Code::refused,
            .message = "run " + parent.id + " is itself an undo; to do the work again, run the first command again"};
    TRY_LET(begun, is_there(parent.journal()));
    if (!begun)
        return Error{.code = Code::refused,
                     .message = "run " + parent.id + " was never applied: there is nothing to undo"};
    // The plan may mean another store.
    TRY(open_stores(env, plan.header().stores));

    TRY_LET(sealer, undo_of(state, parent));
    if (sealer) {
        TRY_LET(planned, is_there(sealer->plan()));
        if (planned) return *std::move(sealer);
    }
    TRY_LET(undo, sealer ? Result<RunPaths>(*sealer) : state.create_run(env.run_name));
    auto draft = draft_undo(ctx, plan, parent, undo, argv, locked);
    if (!draft && !sealer) drop_run(state, undo);
    if (!draft) return std::move(draft).error();
    if (!sealer) TRY(write_file_atomically(parent.seal(), undo.id));
    TRY(draft->seal());
    return std::move(undo);
}

}  // namespace

Result<RunResult> undo_run(const Context& ctx, const RunEnvironment& env, const std::string& name,
                           const std::vector<std::string>& argv) {
    TRY_LET(state, StateDirectory::open(env.state_directory));
    TRY_LET(parent, state.find_run(name, Last::changing));
    TRY_LET(undo, planned_undo(ctx, env, state, parent, argv));
    auto result = carry_out(ctx, env, state, undo);
    return result ? std::move(result) : before_the_first_effect(std::move(result).error(), undo);
}

Result<VerifyResult> verify_run(const Context& ctx, const RunEnvironment& env, const std::string& name,
                                const VerifyOptions& options) {
    TRY_LET(state, StateDirectory::open(env.state_directory));
    TRY_LET(named, state.find_run(name, Last::changing));
    VerifyResult result{.run = named};
    const RunPaths undo = state.paths_of(read_summary(named).sealed_by);
    TRY_LET(undone, undo.id.empty() ? Result<bool>(false) : is_there(undo.journal()));
    if (undone) {
        result.undone_by = undo.id;
        if (env.watcher.say)
            env.watcher.say("run " + named.id + " was undone by " + undo.id +
                            ": the store is held against what that one did");
    }
    const RunPaths run = undone ? undo : named;
    TRY_LET(plan, PlanReader::open(run.plan()));
    TRY(make_directories(run.scratch()));
    TRY_LET(joined, JoinedReader::open(plan, run.journal(), run.scratch()));
    TRY_LET(stores, open_stores(env, plan.header().stores));
    TRY_LET(crew, Crew::make(workers_allowed(env.workers)));
    enter(env.watcher, "verifying");
    if (env.watcher.running) env.watcher.running->effects = plan.totals().effects;
    TRY(verify_all(ctx, stores.borrowed(), joined, options, *crew, env.watcher.running, result));
    return result;
}

namespace {

// A claim covers the plan's verdicts among its actions too; those are not left.
Status count_left(PlanReader& plan, const ActionStates& states, RunStatus& status) {
    TRY(plan.seek(0));
    for (;;) {
        TRY_LET(action, plan.next());
        if (!action) return {};
        if (action->what == Do::skip || action->what == Do::fail) continue;
        const ActionState state = states.get(action->n);
        status.copied += state == ActionState::copied ? 1 : 0;
        status.doubtful += state == ActionState::doubtful ? 1 : 0;
    }
}

}  // namespace

Result<RunStatus> run_status(const RunEnvironment& env, const std::string& name) {
    TRY_LET(state, StateDirectory::open(env.state_directory));
    TRY_LET(run, state.find_run(name));
    RunStatus status;
    status.summary = read_summary(run);
    auto plan = PlanReader::open(run.plan());
    if (!plan) {
        if (plan.error().code == Code::not_found) return status;
        return std::move(plan).error();
    }
    status.planned = true;
    status.plan = plan->totals();
    TRY_LET(past, read_past(run, *plan));
    status.balance = past->balance.totals(plan->totals());
    if (status.balance.left > 0) TRY(count_left(*plan, past->states, status));
    return status;
}

}  // namespace dray
