// `dray segregate -c FILE` and the door under the old name: the same run, other streams and exit codes.
#include <cstdio>
#include <filesystem>

#include "base/file.h"
#include "base/log.h"
#include "base/time.h"
#include "cli/argparse.h"
#include "cli/commands.h"
#include "cli/environment.h"
#include "cli/exit_code.h"
#include "cli/run_text.h"
#include "job/joined.h"
#include "ops/segregate.h"

namespace dray {
namespace {

constexpr const char* kHelp =
    "usage: s3-segregate [-h] -c CONFIG [-d DATETIME] [-v] [--strict-exit]\n\n"
    "Moves every object below s3_dir into the folder of the date in its name.\n\n"
    "options:\n"
    "  -h, --help            show this help message and exit\n"
    "  -c, --config CONFIG   the XML file (docs/segregate.md)\n"
    "  -d, --datetime TEXT   'YYYY-MM-DD HH:MM:SS': the date of files when the config has no pattern\n"
    "  -v, --verbose         DEBUG lines in the log file\n"
    "  --strict-exit         dray's own exit codes instead of 0 (or DRAY_STRICT_EXIT=1)\n";

// The config, and what follows from it and the clock at the start.
struct Segregation {
    SegregateConfig config;
    SegregateChoices choices;
    DateTime log_date;
    std::string log_path;
};

Result<Segregation> read_segregation(const SegregateFlags& flags, bool door) {
    Segregation all;
    TRY_LET(config, read_segregate_config(flags.config));
    all.config = config;
    all.choices = {.now = local(real_clock().wall()),
                   .zero_delay_is_a_day = door,
                   .keep_subdirs = flags.keep_subdirs,
                   .unset_group = flags.unset_group == "empty" ? UnsetGroup::empty : UnsetGroup::error};
    if (!flags.datetime.empty()) {
        TRY_LET(date, parse_segregate_date(flags.datetime));
        all.choices.date = date;
    }
    all.log_date = segregate_log_date(all.config, all.choices);
    TRY_LET(path, segregate_log_path(all.config, all.choices.now));
    all.log_path = path;
    return all;
}

MoveCommand command_of(const Segregation& all, const SegregateFlags& flags) {
    MoveCommand command{.command = "segregate",
                        .stores = {{.url = "s3://" + all.config.source.bucket + "/" + all.config.source.prefix}}};
    // The same words for every start of one config, so that a later start finds what an earlier one left unfinished.
    command.argv = {"dray", "segregate", "-c", std::filesystem::absolute(flags.config).lexically_normal().string()};
    command.source_bucket = all.config.source.bucket;
    command.source_prefix = all.config.source.prefix;
    command.rule = segregate_rule(all.config, all.choices);
    command.on_collision = flags.on_collision == "keep"     ? OnCollision::keep
                           : flags.on_collision == "rename" ? OnCollision::rename
                                                            : OnCollision::refuse;
    command.limit = flags.limit.value_or(UINT64_MAX);
    command.options = flags.options;
    return command;
}

// The log file of the script it replaces: appended, and never in the way of the moves (lines that cannot be written are
// counted).
class ScriptLog {
public:
    ScriptLog(const Segregation& all, bool debug)
        : date_(all.log_date), debug_(debug), file_(std::fopen(all.log_path.c_str(), "a")) {}
    ~ScriptLog() {
        if (file_ && std::fclose(file_) != 0) ++lost_;
    }
    ScriptLog(const ScriptLog&) = delete;
    ScriptLog& operator=(const ScriptLog&) = delete;

    void line(std::string_view level, const std::string& text) {
        if (level == "DEBUG" && !debug_) return;
        const std::string bytes = segregate_log_line(local(real_clock().wall()), level, date_, printable(text));
        if (!file_ || std::fwrite(bytes.data(), 1, bytes.size(), file_) != bytes.size() || std::fflush(file_) != 0)
            ++lost_;
    }
    std::uint64_t lost() const { return lost_; }

private:
    const DateTime date_;
    const bool debug_;
    std::FILE* file_;
    std::uint64_t lost_ = 0;
};

void log_action(ScriptLog& log, const JoinedAction& joined) {
    const Action& action = joined.action;
    if (action.what == Do::skip) return log.line("DEBUG", "skipped " + action.from.key + ": " + action.reason);
    if (action.reason == "no-match") log.line("ERROR", "no match found: " + action.from.key);
    if (action.reason == "no-date" || action.reason == "group-unset")
        log.line("ERROR", "fail to convert date: " + action.from.key);

    const std::string reason = action.what == Do::fail ? action.reason : joined.final ? joined.final->reason : "";
    const bool failed = action.what == Do::fail || (joined.final && joined.final->state == ReceiptState::failed);
    if (failed) log.line("ERROR", "Error moving " + action.from.key + " to " + action.to.key + ": " + reason);
    if (!failed && joined.final) log.line("DEBUG", "moved " + action.from.key + " to " + action.to.key);
}

Status log_run(ScriptLog& log, const RunPaths& run) {
    TRY_LET(plan, PlanReader::open(run.plan()));
    TRY(make_directories(run.scratch()));
    TRY_LET(joined, JoinedReader::open(plan, run.journal(), run.scratch()));
    for (;;) {
        TRY_LET(next, joined.next());
        if (!next) return {};
        log_action(log, *next);
    }
}

// Runs of this config that did not finish, oldest first.
Result<std::vector<RunSummary>> unfinished(const std::string& state, const std::vector<std::string>& argv) {
    TRY_LET(directory, StateDirectory::open(state));
    TRY_LET(runs, directory.runs());
    std::vector<RunSummary> found;
    for (auto run = runs.rbegin(); run != runs.rend(); ++run) {
        if (run->command != "segregate" || run->phase == RunPhase::finished || run->phase == RunPhase::planning)
            continue;
        if (!run->sealed_by.empty()) continue;
        auto plan = PlanReader::open(run->paths.plan());
        if (plan && plan->header().argv == argv) found.push_back(*run);
    }
    return found;
}

// Plans and applies, or first goes on with what an earlier start left.
Result<RunResult> segregate_once(Shell& shell, const MoveCommand& command, const RunEnvironment& env) {
    const Context ctx = shell.context();
    TRY_LET(left, unfinished(env.state_directory, command.argv));
    for (const RunSummary& run : left) {
        if (run.live)
            return Error{.code = Code::refused,
                         .message = "run " + run.paths.id + " of this config is at work now; nothing was done",
                         .reason = "live"};
        auto result = apply_run(ctx, env, run.paths.id);
        // A plan that was refused before it began is no duty: what stands in its way may be put right by now.
        if (!result && result.error().code == Code::refused && run.phase == RunPhase::planned) continue;
        if (!result || !result->finished()) return result;
    }
    TRY_LET(planned, plan_move(ctx, env, command));
    for (const std::string& warning : planned.warnings)
        shell.complain(warning);
    return apply_run(ctx, env, planned.run.id);
}

Result<RunResult> segregate_logged(Shell& shell, const SegregateFlags& flags, const Segregation& all, ScriptLog& log) {
    CommonFlags common = flags.common;
    if (all.config.workers)
        common.workers = std::min<std::size_t>(common.workers, std::max<std::uint32_t>(*all.config.workers, 1));
    StoreRoom room(shell.context(), common);
    Progress progress(shell, common.quiet ? ProgressStyle::none : common.progress);
    TRY_LET(env, run_environment(common, room, progress));
    log.line("INFO", "Start S3 segregation");
    auto result = segregate_once(shell, command_of(all, flags), env);
    progress.finish();
    if (!result) {
        log.line("ERROR", result.error().message);
        return result;
    }
    TRY(log_run(log, result->run));
    const Balance::Totals& balance = result->balance;
    log.line("INFO", "[curr_loop:1][max_loops:1][n_keys:" + std::to_string(balance.listed) +
                         "][n_file:" + std::to_string(balance.done + balance.failed) + "]");
    if (balance.left == 0) log.line("WARNING", "No files left");
    log.line("INFO", "End S3 segregation, run " + result->run.id);
    return result;
}

// What the script did otherwise with these settings.
void warn(Shell& shell, const Segregation& all) {
    if (all.config.time_delay_is_zero && all.choices.zero_delay_is_a_day)
        shell.complain("time_delay 0 means 86400 seconds here, as in the script; write 1 for none");
    if (all.config.source_lacked_slash)
        shell.complain("s3_dir ends at a slash here: keys that merely begin with " +
                       dray::quoted(all.config.source.prefix.substr(0, all.config.source.prefix.size() - 1)) +
                       " are not touched, though the script took them too");
}

int door_config_error(Shell& shell, const Error& error) {
    shell.complain(error.message);
    return 1;
}

std::string what_stayed(const Balance::Totals& balance) {
    std::string text = std::to_string(balance.failed + balance.left) + " stayed behind";
    for (const auto& [reason, count] : balance.failed_by)
        text += ", " + reason + " " + std::to_string(count);
    if (balance.left > 0) text += ", left " + std::to_string(balance.left);
    return text;
}

int segregate_door(Shell& shell, const SegregateFlags& flags, bool strict) {
    auto all = read_segregation(flags, /*door=*/true);
    if (!all) return door_config_error(shell, all.error());
    warn(shell, *all);
    auto rule = Relayout::compile(segregate_rule(all->config, all->choices));
    if (!rule) return door_config_error(shell, rule.error());
    shell.complain("the same with dray itself: dray segregate -c " + shell_word(flags.config) + " --on-collision keep");

    ScriptLog log(*all, flags.verbose_log);
    auto result = segregate_logged(shell, flags, *all, log);
    if (log.lost() > 0)
        shell.complain(std::to_string(log.lost()) + " lines of " + all->log_path + " could not be written");
    if (shell.signal() != 0) return kSignalBase + shell.signal();
    if (!result) {
        shell.complain(result.error().message);
        return strict ? exit_code(result.error(), 0) : 0;
    }
    if (result->error) shell.complain(result->error->message);
    shell.complain("run " + result->run.id + ": " + std::to_string(result->balance.done) + " moved, " +
                   what_stayed(result->balance));
    return strict ? exit_code(*result, 0) : 0;
}

}  // namespace

Result<int> run_segregate(Shell& shell, const SegregateFlags& flags) {
    TRY_LET(all, read_segregation(flags, /*door=*/false));
    warn(shell, all);
    if (flags.dry_run || flags.plan_only || !flags.explain.empty())
        return run_move_job(shell, flags.common,
                            {.command = command_of(all, flags),
                             .dry_run = flags.dry_run,
                             .plan_only = flags.plan_only,
                             .explain = flags.explain});

    ScriptLog log(all, flags.verbose_log);
    TRY_LET(result, segregate_logged(shell, flags, all, log));
    if (log.lost() > 0)
        shell.complain(std::to_string(log.lost()) + " lines of " + all.log_path + " could not be written");
    if (result.error) shell.complain(result.error->message);
    print_result(shell, result, flags.common);
    return exit_code(result, shell.signal());
}

bool is_compat_name(const std::string& name) {
    return name == "s3-segregate" || name == "segregate";
}

int run_compat(Shell& shell, const std::string& name, const std::vector<std::string>& arguments) {
    if (!is_compat_name(name)) {
        shell.complain("there is no old command line named " + dray::quoted(name) + "; there is: segregate");
        return kUsage;
    }
    auto found = parse_arguments(
        {{"config", 'c'}, {"datetime", 'd'}, {"verbose", 'v', false}, {"strict-exit", 0, false}}, arguments);
    if (found && found->has("help")) {
        shell.print(kHelp);
        (void)shell.flush();
        return kDone;
    }
    if (found && (!found->positional.empty() || !found->has("config")))
        found = Error{.code = Code::invalid,
                      .message = found->has("config") ? "unrecognized arguments: " + found->positional.front()
                                                      : "the following arguments are required: -c/--config"};
    if (!found) {
        shell.tell("usage: s3-segregate [-h] -c CONFIG [-d DATETIME] [-v]\ns3-segregate: error: " +
                   printable(found.error().message));
        return kUsage;
    }
    SegregateFlags flags{
        .config = found->values["config"], .datetime = found->values["datetime"], .on_collision = "keep"};
    flags.verbose_log = found->has("verbose");
    flags.common.quiet = true;
    const bool strict = found->has("strict-exit") || environment_variable("DRAY_STRICT_EXIT").value_or("") == "1";
    const int code = segregate_door(shell, flags, strict);
    (void)shell.flush();
    return code;
}

}  // namespace dray
