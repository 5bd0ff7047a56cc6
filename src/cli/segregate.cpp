// `dray segregate -c FILE` and the door under the old name: the same run, other streams and exit codes.
#include <filesystem>

#include "base/checksum.h"
#include "base/log.h"
#include "base/time.h"
#include "cli/argparse.h"
#include "cli/commands.h"
#include "cli/environment.h"
#include "cli/exit_code.h"
#include "cli/run_text.h"
#include "cli/script_log.h"
#include "cli/selection.h"
#include "ops/contract.h"
#include "ops/neighbours.h"
#include "ops/segregate.h"

namespace dray {
namespace {

constexpr const char* kHelp =
    "usage: s3-segregate [-h] -c CONFIG [-d DATETIME] [-v] [--strict-exit]\n\n"
    "Moves every object below s3_dir into the folder of the date in its name.\n"
    "The modern command is dray segregate: it can look first (--dry-run).\n\n"
    "examples:\n"
    "  s3-segregate -c config.xml\n"
    "  dray compat segregate -c config.xml --strict-exit     the same program\n\n"
    "options:\n"
    "  -h, --help            show this help message and exit\n"
    "  -c, --config CONFIG   the XML file (docs/segregate.md)\n"
    "  -d, --datetime TEXT   'YYYY-MM-DD HH:MM:SS': the date of files when the config\n"
    "                        has no pattern\n"
    "  -v, --verbose         DEBUG lines in the log file\n"
    "  --strict-exit         dray's own exit codes instead of 0 (or\n"
    "                        DRAY_STRICT_EXIT=1)\n";

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
    if (flags.datetime) {
        TRY_LET(date, parse_segregate_date(*flags.datetime));
        all.choices.date = date;
    }
    if (auto sane = check_segregate_delay(all.config, all.choices); !sane)
        return std::move(sane).error().within(flags.config);
    all.log_date = segregate_log_date(all.config, all.choices);
    TRY_LET(path, segregate_log_path(all.config, all.choices.now));
    all.log_path = path;
    return all;
}

PlannedStore store_of(const Segregation& all) {
    return {.url = "s3://" + all.config.source.bucket + "/" + all.config.source.prefix};
}

// The choice as text: two are the same when their texts are.
std::string choice_of(const SegregateFlags& flags) {
    const SelectFlags& select = flags.select;
    std::string text;
    for (const auto& words : {select.ext, select.glob, select.include, select.exclude}) {
        for (const std::string& word : words)
            text += std::to_string(word.size()) + ":" + word;
        text += "\n";
    }
    text += select.size + "\n" + select.age + "\n" + (select.max ? std::to_string(*select.max) : "") + "\n";
    return text + (flags.restored ? "restored" : "");
}

// All that decides what is done with an object: a begun run is taken up by a start with the same only.
std::string settings_of(const Segregation& all, const SegregateFlags& flags) {
    const bool date_decides = !all.config.match_pattern && all.choices.date;
    std::string text = all.config.sha256 + "\n" + flags.on_collision + "\n" + flags.unset_group + "\n" +
                       (flags.keep_subdirs ? "keep-subdirs" : "") + "\n" + (date_decides ? *flags.datetime : "") +
                       "\n" + write_contract({.options = flags.options}) + choice_of(flags);
    if (all.config.time_delay_is_zero && all.choices.zero_delay_is_a_day) text += "\n0 is a day";
    return hex(sha256(text));
}

Result<MoveCommand> command_of(const Segregation& all, const SegregateFlags& flags) {
    MoveCommand command{.command = "segregate", .stores = {store_of(all)}};
    // The same words for every start of one config, so that a later start finds what an earlier one left unfinished.
    command.argv = {"dray", "segregate", "-c", std::filesystem::absolute(flags.config).lexically_normal().string()};
    command.source_bucket = all.config.source.bucket;
    command.source_prefix = all.config.source.prefix;
    command.rule = segregate_rule(all.config, all.choices);
    command.on_collision = flags.on_collision == "keep"     ? OnCollision::keep
                           : flags.on_collision == "rename" ? OnCollision::rename
                                                            : OnCollision::refuse;
    TRY_LET(select, selection_of(flags.select, all.config.source.prefix));
    command.select = std::move(select);
    command.restored = flags.restored;
    command.limit = flags.limit.value_or(UINT64_MAX);
    command.max = flags.select.max.value_or(UINT64_MAX);
    command.options = flags.options;
    command.settings = settings_of(all, flags);
    return command;
}

// Runs of this config that are at work, or were begun and did not finish, oldest first: what they half did is to be
// finished before anything is planned anew. A plan that was never begun is nobody's duty, and may be of a config that
// was mended since.
Result<std::vector<RunSummary>> unfinished(const std::string& state, const MoveCommand& command) {
    TRY_LET(directory, StateDirectory::open(state));
    TRY_LET(runs, directory.runs());
    std::vector<RunSummary> found;
    for (auto run = runs.rbegin(); run != runs.rend(); ++run) {
        const bool begun = run->phase == RunPhase::applying || run->phase == RunPhase::stopped;
        if (run->command != "segregate" || !(begun || run->live) || !run->sealed_by.empty()) continue;
        auto plan = PlanReader::open(run->paths.plan());
        if (!plan || plan->header().argv != command.argv) continue;
        if (!run->live && plan->header().settings != command.settings)
            return Error{.code = Code::refused,
                         .message = "run " + run->paths.id +
                                    " of this config file was begun with other settings and is unfinished; finish it "
                                    "first: dray resume " +
                                    run->paths.id + ", or take it back: dray undo " + run->paths.id};
        found.push_back(*run);
    }
    return found;
}

// What one start carried out: the runs that it took up, oldest first, and its own. `error`: why there are no more.
struct Segregated {
    std::vector<RunResult> runs;
    std::optional<Error> error;

    Balance::Totals sum() const {
        Balance::Totals all;
        for (const RunResult& run : runs) {
            all.done += run.balance.done;
            all.failed += run.balance.failed;
            all.left += run.balance.left;
            for (const auto& [reason, count] : run.balance.failed_by)
                all.failed_by[reason] += count;
        }
        return all;
    }
    std::string names() const {
        std::string text;
        for (const RunResult& run : runs)
            text += (text.empty() ? "run " : ", run ") + run.run.id;
        return text;
    }
};

// One run is over, or as far as it comes: into the log with it.
Status log_result(ScriptLog& log, const RunResult& result, const std::optional<ActionStates>& logged,
                  const Segregated& before, std::size_t of) {
    TRY(log_run(log, result.run, logged));
    const Balance::Totals& balance = result.balance;
    log.line("INFO", "[curr_loop:" + std::to_string(before.runs.size() + 1) + "][max_loops:" + std::to_string(of) +
                         "][n_keys:" + std::to_string(balance.listed) +
                         "][n_file:" + std::to_string(balance.done + balance.failed) + "]");
    if (balance.left == 0) log.line("WARNING", "No files left");
    return {};
}

// Goes on with what earlier starts left, then plans and applies.
Status segregate_all(Shell& shell, const MoveCommand& command, const RunEnvironment& env, ScriptLog& log,
                     Segregated& segregated) {
    const Context ctx = shell.context();
    TRY_LET(left, unfinished(env.state_directory, command));
    for (const RunSummary& run : left) {
        if (run.live)
            return Error{.code = Code::refused,
                         .message = "run " + run.paths.id + " of this config is at work now; nothing was done",
                         .reason = "live"};
        TRY_LET(logged, logged_before(run));
        TRY_LET(result, apply_run(ctx, env, run.paths.id));
        TRY(log_result(log, result, logged, segregated, left.size() + 1));
        segregated.runs.push_back(result);
        if (!result.finished()) return {};
    }
    // The next start plans anew: a plan that could not be begun is of no use to it.
    TRY_LET(result, move_run(ctx, env, command,
                             {.planned =
                                  [&shell](const PlannedRun& planned) {
                                      for (const std::string& warning : planned.warnings)
                                          shell.complain(warning);
                                  },
                              .drop_unbegun = true}));
    TRY(log_result(log, result, std::nullopt, segregated, left.size() + 1));
    segregated.runs.push_back(std::move(result));
    return {};
}

// The script took what lies beside its directory too, where the directory's slash was missing.
Status warn_of_neighbours(Shell& shell, StoreRoom& room, const Segregation& all) {
    if (!all.config.source_lacked_slash) return {};
    const SegregateConfig::Place& source = all.config.source;
    PlannedStore planned = store_of(all);
    TRY_LET(store, room.open(planned));
    TRY_LET(found, has_neighbours(shell.context(), *store, source));
    if (found)
        shell.complain("s3_dir ends at a slash here: keys that merely begin with " +
                       in_quotes(source.prefix.substr(0, source.prefix.size() - 1)) +
                       " are not touched, though the script took them too");
    return {};
}

Segregated segregate_logged(Shell& shell, const SegregateFlags& flags, const Segregation& all, ScriptLog& log) {
    CommonFlags common = flags.common;
    if (all.config.workers)
        common.workers = std::min<std::size_t>(common.workers, std::max<std::uint32_t>(*all.config.workers, 1));
    StoreRoom room(shell.context(), common);
    Progress progress(shell, common.quiet ? ProgressStyle::none : common.progress, [&room] { return room.repeats(); });
    Segregated segregated;
    log.line("INFO", "Start S3 segregation");
    const Status ended = [&]() -> Status {
        TRY_LET(env, run_environment(common, room, progress));
        TRY_LET(command, command_of(all, flags));
        TRY(warn_of_neighbours(shell, room, all));
        return segregate_all(shell, command, env, log, segregated);
    }();
    progress.finish();
    if (!ended) {
        segregated.error = ended.error();
        log.line("ERROR", ended.error().message);
    } else {
        log.line("INFO", "End S3 segregation, " + segregated.names());
    }
    return segregated;
}

// The one setting that means two things.
void warn_of_delay(Shell& shell, const Segregation& all) {
    if (!all.config.time_delay_is_zero || all.choices.date) return;
    if (all.choices.zero_delay_is_a_day)
        shell.complain("time_delay 0 means 86400 seconds here, as in the script; write 1 for none");
    else if (!all.config.match_pattern)
        shell.complain("time_delay 0 means no delay here; the script, and s3-segregate, take it for 86400 seconds");
}

// What to type instead of the old name, and what that does otherwise.
std::string same_with_dray(const SegregateFlags& flags, const Segregation& all, bool strict) {
    std::string text = "the same with dray itself: dray segregate -c " + shell_word(flags.config);
    if (flags.datetime) text += " -d " + shell_word(*flags.datetime);
    if (flags.common.verbose > 0) text += " -v";
    text += " --on-collision keep";
    if (all.config.time_delay_is_zero && !all.choices.date) text += "; there time_delay 0 means 0: write 86400";
    if (!strict) text += "; there a file that stays behind makes the exit status 1";
    return text;
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

// Says why it ended early, where it did. The exit code.
int complain_and_judge(Shell& shell, const Segregated& result) {
    std::vector<int> codes{kDone};
    for (const RunResult& run : result.runs) {
        if (run.error) shell.complain(run.error->message);
        codes.push_back(exit_code(run, shell.signal()));
    }
    if (result.error) {
        shell.complain(result.error->message);
        codes.push_back(exit_code(*result.error, shell.signal()));
    }
    return worst(codes);
}

int segregate_door(Shell& shell, const SegregateFlags& flags, bool strict) {
    auto all = read_segregation(flags, /*door=*/true);
    if (!all) return door_config_error(shell, all.error());
    warn_of_delay(shell, *all);
    auto rule = Relayout::compile(segregate_rule(all->config, all->choices));
    if (!rule) return door_config_error(shell, rule.error());
    shell.complain(same_with_dray(flags, *all, strict));

    ScriptLog log(all->log_path, all->log_date, flags.common.verbose > 0);
    const Segregated result = segregate_logged(shell, flags, *all, log);
    if (log.lost() > 0)
        shell.complain(std::to_string(log.lost()) + " lines of " + all->log_path + " could not be written");
    const int code = complain_and_judge(shell, result);
    if (!result.runs.empty())
        shell.complain(result.names() + ": " + std::to_string(result.sum().done) + " moved, " +
                       what_stayed(result.sum()));
    if (shell.signal() != 0) return kSignalBase + shell.signal();
    return strict ? code : 0;
}

}  // namespace

Result<int> run_segregate(Shell& shell, const SegregateFlags& flags) {
    TRY_LET(all, read_segregation(flags, /*door=*/false));
    warn_of_delay(shell, all);
    if (flags.dry_run || flags.plan_only || !flags.explain.empty()) {
        StoreRoom room(shell.context(), flags.common);
        TRY_LET(command, command_of(all, flags));
        TRY(warn_of_neighbours(shell, room, all));
        return run_move_job(shell, flags.common,
                            {.command = std::move(command),
                             .dry_run = flags.dry_run,
                             .plan_only = flags.plan_only,
                             .explain = flags.explain});
    }

    ScriptLog log(all.log_path, all.log_date, flags.common.verbose > 0);
    const Segregated result = segregate_logged(shell, flags, all, log);
    if (log.lost() > 0)
        shell.complain(std::to_string(log.lost()) + " lines of " + all.log_path + " could not be written");
    const int code = complain_and_judge(shell, result);
    for (const RunResult& run : result.runs)
        print_result(shell, run, flags.common);
    return code;
}

std::string_view compat_usage() {
    return "usage: dray compat NAME ARGUMENTS...\n\n"
           "The command lines of older programs. A link to dray under the program's name\n"
           "is the same.\n\n"
           "names:\n"
           "  segregate   also as s3-segregate: dated files into dated folders, by an XML\n"
           "              file\n\n"
           "dray compat segregate --help tells more.";
}

bool is_compat_name(const std::string& name) {
    return name == "s3-segregate" || name == "segregate";
}

int run_compat(Shell& shell, const std::string& name, const std::vector<std::string>& arguments) {
    if (name.empty() || name == "-h" || name == "--help") {
        name.empty() ? shell.tell(compat_usage()) : (void)shell.print(std::string(compat_usage()) + "\n");
        (void)shell.flush();
        return name.empty() ? kUsage : kDone;
    }
    if (!is_compat_name(name)) {
        shell.complain("there is no old command line named " + in_quotes(name) + "; there is: segregate");
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
        shell.tell("usage: s3-segregate [-h] -c CONFIG [-d DATETIME] [-v] [--strict-exit]\ns3-segregate: error: " +
                   printable(found.error().message));
        return kUsage;
    }
    SegregateFlags flags{.config = found->values["config"], .on_collision = "keep"};
    if (found->has("datetime")) flags.datetime = found->values["datetime"];
    flags.common.verbose = found->has("verbose") ? 1 : 0;
    flags.common.quiet = true;
    const bool strict = found->has("strict-exit") || environment_variable("DRAY_STRICT_EXIT").value_or("") == "1";
    const int code = segregate_door(shell, flags, strict);
    (void)shell.flush();
    return code;
}

}  // namespace dray
