#include <chrono>

#include "base/counted.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/time.h"
#include "cli/amounts.h"
#include "cli/commands.h"
#include "cli/environment.h"
#include "cli/exit_code.h"
#include "cli/run_text.h"
#include "job/joined.h"
#include "job/reasons.h"
#include "ops/report.h"

namespace dray {
namespace {

constexpr std::uint64_t kMaxReportBytes = std::uint64_t{16} << 20;
constexpr std::size_t kFailuresShown = 100;  // on a terminal; --json names all

using RunCall = std::function<Result<RunResult>(const Context&, const RunEnvironment&)>;

// apply, resume and undo: the same around another call.
Result<int> carry_out(Shell& shell, const RunFlags& flags, const RunCall& call) {
    const Context ctx = shell.context();
    StoreRoom room(ctx, flags.common);
    Progress progress(shell, flags.common.quiet ? ProgressStyle::none : flags.common.progress,
                      [&room] { return room.repeats(); });
    TRY_LET(env, run_environment(flags.common, room, progress));
    TRY_LET(result, call(ctx, env));
    progress.finish();
    if (result.error) shell.complain(result.error->message);
    print_result(shell, result, flags.common);
    return exit_code(result, shell.signal());
}

// Prints every object that failed, with what a person can do about its reason.
Status print_failures(Shell& shell, PlanReader& plan, const RunPaths& run, bool json_lines) {
    TRY(make_directories(run.scratch()));
    TRY_LET(joined, JoinedReader::open(plan, run.journal(), run.scratch()));
    std::size_t shown = 0;
    for (;;) {
        TRY_LET(next, joined.next());
        if (!next) break;
        const bool by_plan = next->action.what == Do::fail;
        if (!by_plan && !(next->final && next->final->state == ReceiptState::failed)) continue;
        const std::string reason = by_plan ? next->action.reason : next->final->reason;
        const std::string detail = by_plan ? next->action.detail : next->final->detail;
        ++shown;
        if (json_lines) {
            std::string text;
            JsonWriter json(text);
            json.begin_object()
                .field("n", next->action.n)
                .field("failed", reason)
                .bytes_field("key", next->action.from.key);
            json.bytes_field("to", next->action.to.key).bytes_field("detail", detail).end_object();
            shell.print(text + "\n");
        } else if (shown <= kFailuresShown) {
            shell.print("  " + reason + "  " + printable(next->action.from.key) +
                        (detail.empty() ? "" : ": " + printable(detail)) + "\n");
        }
    }
    if (!json_lines && shown > kFailuresShown)
        shell.print("  ... and " + with_commas(shown - kFailuresShown) + " more: dray report " + shell_word(run.id) +
                    " --json\n");
    return {};
}

void print_what_to_do(Shell& shell, const std::map<std::string, std::uint64_t>& failed) {
    for (const Reason& reason : reasons())
        if (failed.contains(std::string(reason.word)))
            shell.print("  " + std::string(reason.word) + ": " + std::string(reason.means) + " " +
                        std::string(reason.next) + "\n");
}

// What the last process wrote when it ended; where one was killed since, or is at work, what the files say.
Result<std::string> report_json(const RunStatus& status, const PlanHeader& header) {
    const RunPhase phase = status.summary.phase;
    if (phase != RunPhase::finished && phase != RunPhase::stopped) return write_report(status, header);
    auto report = read_file(status.summary.paths.report(), kMaxReportBytes);
    if (!report && report.error().code == Code::not_found) return write_report(status, header);
    if (!report) return report;
    if (auto known = check_report(*report); !known)
        return std::move(known).error().within(status.summary.paths.report());
    return report;
}

void print_removed(Shell& shell, const std::vector<std::string>& removed, bool json_lines) {
    if (removed.empty() && !json_lines) shell.print("nothing to remove\n");
    for (const std::string& id : removed) {
        std::string text;
        if (json_lines)
            JsonWriter(text).begin_object().field("removed", id).end_object();
        else
            text = "removed " + id;
        shell.print(text + "\n");
    }
}

Result<std::string> state_of(const CommonFlags& flags) {
    return flags.state.empty() ? default_state_directory() : Result<std::string>(flags.state);
}

}  // namespace

Result<int> run_apply(Shell& shell, const RunFlags& flags) {
    return carry_out(shell, flags,
                     [&](const Context& ctx, const RunEnvironment& env) { return apply_run(ctx, env, flags.run); });
}

Result<int> run_resume(Shell& shell, const RunFlags& flags) {
    return carry_out(shell, flags, [&](const Context& ctx, const RunEnvironment& env) -> Result<RunResult> {
        TRY_LET(state, StateDirectory::open(env.state_directory));
        TRY_LET(run, state.find_run(flags.run, Last::unfinished));
        return apply_run(ctx, env, run.id);
    });
}

Result<int> run_undo(Shell& shell, const RunFlags& flags) {
    return carry_out(shell, flags, [&](const Context& ctx, const RunEnvironment& env) -> Result<RunResult> {
        TRY_LET(state, StateDirectory::open(env.state_directory));
        TRY_LET(run, state.find_run(flags.run, Last::changing));
        shell.complain(
            "undo brings objects back with their bytes and properties; LastModified and version history start anew");
        return undo_run(ctx, env, run.id, shell.argv());
    });
}

Result<int> run_verify(Shell& shell, const RunFlags& flags) {
    const Context ctx = shell.context();
    StoreRoom room(ctx, flags.common);
    Progress progress(shell, flags.common.quiet ? ProgressStyle::none : flags.common.progress,
                      [&room] { return room.repeats(); });
    TRY_LET(env, run_environment(flags.common, room, progress));
    VerifyOptions options{.deep = flags.deep};
    if (flags.common.json) options.found = [&shell](const VerifyFinding& finding) { print_finding(shell, finding); };
    TRY_LET(result, verify_run(ctx, env, flags.run, options));
    progress.finish();
    print_verify(shell, result, flags.common.json);
    return result.bad + result.unknown > 0 ? kItemsFailed : kDone;
}

Result<int> run_status_command(Shell& shell, const RunFlags& flags) {
    TRY_LET(state, state_of(flags.common));
    TRY_LET(status, run_status({.state_directory = state}, flags.run));
    print_status(shell, status, flags.common.json);
    return kDone;
}

Result<int> run_report(Shell& shell, const RunFlags& flags) {
    TRY_LET(state, state_of(flags.common));
    TRY_LET(directory, StateDirectory::open(state));
    TRY_LET(run, directory.find_run(flags.run));
    TRY_LET(status, run_status({.state_directory = state}, run.id));
    if (!flags.common.json) print_status(shell, status, false);
    if (!status.planned) {
        if (flags.common.json) shell.print(write_report(status, {.command = status.summary.command}));
        return kDone;
    }
    TRY_LET(plan, PlanReader::open(run.plan()));
    if (flags.common.json) {
        TRY_LET(report, report_json(status, plan.header()));
        shell.print(report);
    }
    TRY(print_failures(shell, plan, run, flags.common.json));
    if (!flags.common.json) print_what_to_do(shell, status.balance.failed_by);
    return kDone;
}

Result<int> run_runs(Shell& shell, const RunsFlags& flags) {
    TRY_LET(state, state_of(flags.common));
    TRY_LET(directory, StateDirectory::open(state));
    if (!flags.prune.empty()) {
        TRY_LET(seconds, parse_age(flags.prune));
        const WallTime oldest = real_clock().wall() - std::chrono::seconds(static_cast<std::int64_t>(seconds));
        TRY_LET(removed, directory.prune(oldest));
        print_removed(shell, removed, flags.common.json);
    }
    TRY_LET(runs, directory.runs());
    if (flags.prune.empty() || !runs.empty()) print_runs(shell, runs, flags.common.json);
    return kDone;
}

}  // namespace dray
