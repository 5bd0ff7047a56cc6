#include "cli/flags.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <sstream>

#include "base/log.h"
#include "base/version.h"
#include "cli/amounts.h"
#include "cli/commands.h"
#include "cli/flag_groups.h"
#include "cli/help.h"
#include "ops/contract.h"

namespace dray {
namespace {

constexpr const char* kTop =
    "Bulk work on S3-compatible object storage that can be trusted: plan it, apply it, prove it, undo it.";
constexpr const char* kTopExamples = R"(Examples:
  dray ls s3://archive/1900/ --ext jsonl.bz2
  dray mv s3://cdr/in/ s3://cdr/by-day/ --match '-(\d{8})-' \
      --date-format %Y%m%d --to '{date:%Y/%m/%d}/{basename}' --dry-run
  dray verify last && dray undo last
  dray resume last

A store is s3://bucket/prefix/ or a local directory. Credentials, region and
endpoint come from the environment and ~/.aws. dray COMMAND --help tells more.)";

constexpr const char* kListExamples = R"(Examples:
  dray ls s3://archive/1900/                      everything below a prefix
  dray ls 's3://archive/GDL-19*'                  keys that begin so
  dray ls s3://archive/ --ext jsonl.bz2 --size +1M --json
  dray ls /data/incoming/ --match '^CDR_.*\.ccn$' --keys -0 | xargs -0 -n1 echo)";

constexpr const char* kMoveExamples = R"(Examples:
  dray mv s3://b/old/ s3://b/new/                 one prefix to another
  dray mv s3://cdr/in/ s3://cdr/by-day/ --match '-(\d{8})-' \
      --date-format %Y%m%d --to '{date:%Y/%m/%d}/{basename}'
  dray mv s3://b/in/ s3://b/ --match '^(?P<site>\w+)_(\d{4})' \
      --to '{site}/{2}/{basename}' --unmatched skip
  dray mv s3://b/in/ s3://b/out/ --to '{date:%Y/%m}/{basename}' \
      --date-from modified --dry-run

In a template: {1} {name} groups of --match; {key} {path} {basename} {dirname}
{ext} {size} {etag:8}; {date:%Y/%m/%d}; {{ and }} are braces.)";

constexpr const char* kCopyExamples = R"(Examples:
  dray cp s3://prev/ s3://next/ --exclude '*.json'   a release, with metadata
  dray cp s3://b/a.csv s3://b/backup/a.csv           one object
  dray cp s3://b/in/ s3://b/copy/ --overwrite changed --dry-run
  dray cp s3://b/in/ s3://b/out/ --set-metadata project=x \
      --content-type text/csv
  dray cp s3://b/in/ s3://b/by-day/ --match '-(\d{8})-' \
      --date-format %Y%m%d --to '{date:%Y/%m/%d}/{basename}'

What is at a target already and is the same, bytes and properties, is skipped;
what is not is left, and fails (conflict), unless --overwrite says otherwise.)";

constexpr const char* kPlanCopyExamples = R"(Examples:
  dray plan cp s3://prev/ s3://next/ --exclude '*.json' --run-id release
  dray apply release)";

constexpr const char* kSegregateExamples = R"(Examples:
  dray segregate -c segregation.xml --dry-run     what would go where
  dray segregate -c segregation.xml               move; see dray undo
  dray segregate -c segregation.xml --explain in/CDR_20221231.ccn)";

constexpr const char* kPlanExamples = R"(Examples:
  dray plan mv s3://b/old/ s3://b/new/ --run-id tidy && dray apply tidy
  dray plan segregate -c segregation.xml)";

constexpr const char* kPlanMoveExamples = R"(Examples:
  dray plan mv s3://b/old/ s3://b/new/ --run-id tidy
  dray apply tidy)";

constexpr const char* kPlanSegregateExamples = R"(Examples:
  dray plan segregate -c segregation.xml --run-id november
  dray apply november)";

constexpr const char* kApplyExamples = R"(Examples:
  dray apply last                 the plan that was made last
  dray apply tidy --workers 64    the plan of that name, gently)";

constexpr const char* kResumeExamples = R"(Examples:
  dray resume last                the newest run that has work left
  dray resume 20261121-094312     any beginning of an id will do)";

constexpr const char* kUndoExamples = R"(Examples:
  dray undo last                  the newest run that changed something
  dray undo tidy --json           an undo is a run too: it can be resumed)";

constexpr const char* kVerifyExamples = R"(Examples:
  dray verify last                asks the store about every object
  dray verify last --deep         reads the bytes as well
  dray verify tidy --json | jq -r 'select(.reason) | .key')";

constexpr const char* kStatusExamples = R"(Examples:
  dray status last
  dray status tidy --json | jq .balance)";

constexpr const char* kReportExamples = R"(Examples:
  dray report last                what failed, why, and what to do about it
  dray report last --json | jq -r 'select(.failed) | .key')";

constexpr const char* kRunsExamples = R"(Examples:
  dray runs
  dray runs --prune 30d           forget finished runs: they can no longer be
                                  undone)";

constexpr Shown kReads{.changes = false};
constexpr Shown kBegins{.new_run = true};
constexpr Shown kGoesOn{};
constexpr Shown kNoStore{.store = false, .changes = false, .progress = false};

template <class Flags>
void add_plan_flags(CLI::App& app, Flags& flags, const std::string& verb = "move") {
    app.add_flag("--dry-run", flags.dry_run, "plan, show, keep nothing")->group("Plan");
    app.add_option("--explain", flags.explain, "show how the rule reads this KEY, and stop")
        ->type_name("KEY")
        ->group("Plan");
    add_count(
        app, "--limit", [&flags](std::uint64_t n) { flags.limit = n; }, (verb + " at most N objects").c_str())
        ->group("Plan");
    app.add_flag("--restored", flags.restored, "objects of archive classes were restored: " + verb + " them as well")
        ->group("Plan");
}

// Source, target, and how the one becomes the other.
void add_naming(CLI::App& app, MoveFlags& flags) {
    app.add_option("source", flags.source, "s3://bucket/prefix/, s3://bucket/key, a directory")->required();
    app.add_option("target", flags.target, "where to; may be left out when --to is a whole URL");
    CLI::Option* match = app.add_option("--match", flags.match, "Python regex, searched in --match-on")
                             ->type_name("REGEX")
                             ->group("Naming");
    add_word(app, "--match-on", flags.match_on, {"path", "name", "key"},
             "path (below the source prefix), name (after the last /) or key")
        ->needs(match)
        ->group("Naming");
    app.add_option("--to", flags.to, "template of the target")->type_name("TEMPLATE")->group("Naming");
    CLI::Option* format =
        app.add_option("--date-format", flags.date_format, "strptime format of the date text (all groups joined)")
            ->type_name("FORMAT")
            ->group("Naming");
    CLI::Option* from =
        add_word(app, "--date-from", flags.date_from, {"match", "modified"}, "modified is LastModified, in UTC")
            ->group("Naming");
    app.add_option("--date", flags.date, "one date for all: 'YYYY-MM-DD HH:MM:SS'")
        ->type_name("DATE")
        ->excludes(format)
        ->excludes(from)
        ->group("Naming");
    CLI::Option* unmatched = add_word(app, "--unmatched", flags.unmatched, {"fail", "skip"},
                                      "what becomes of objects that the rule cannot place")
                                 ->group("Naming");
    app.add_option("--unmatched-to", flags.unmatched_to, "template for objects that the rule cannot place")
        ->type_name("TEMPLATE")
        ->excludes(unmatched)
        ->group("Naming");
    add_word(app, "--unset-group", flags.unset_group, {"error", "empty"}, "a group that took no part in the match")
        ->needs(match)
        ->group("Naming");
    add_word(app, "--on-collision", flags.on_collision, {"refuse", "keep", "rename"}, "two sources with one target")
        ->group("Naming");
    add_select(app, flags.select);
    CLI::Option* names = add_file(app, "--files-from", flags.select.files_from,
                                  "only these keys below the source, one a line; # and ; begin comments; - is stdin")
                             ->group("Selection");
    add_file(app, "--files-from-raw", flags.select.files_from_raw, "the same, every line byte for byte")
        ->excludes(names)
        ->group("Selection");
    app.add_flag("--literal", flags.literal, "the URL is a whole key, whatever it ends in")->group("Selection");
}

void set_up_move(CLI::App& app, MoveFlags& flags, const char* examples) {
    app.footer(examples);
    add_naming(app, flags);
    add_plan_flags(app, flags);
    add_move_safety(app, flags.options, flags.proof, flags.delete_when);
    add_new_objects(app, flags.options);
    add_common(app, flags.common, kBegins);
}

void set_up_copy(CLI::App& app, CopyFlags& flags, const char* examples) {
    app.footer(examples);
    add_naming(app, flags);
    add_plan_flags(app, flags, "copy");
    add_copy_safety(app, flags.options, flags.proof, flags.overwrite);
    add_new_objects(app, flags.options);
    add_changes(app, flags.options.changes);
    app.add_flag("--metadata", flags.metadata, "as copies do anyway: all properties come along")->group("New objects");
    add_common(app, flags.common, kBegins);
}

void set_up_list(CLI::App& app, ListFlags& flags) {
    app.footer(kListExamples);
    app.add_option("url", flags.urls, "s3://bucket/prefix/, 's3://bucket/begins-so*', a directory")->required();
    add_select(app, flags.select);
    app.add_option("--match", flags.select.match, "Python regex, searched in the key below the prefix")
        ->allow_extra_args(false)
        ->type_name("REGEX")
        ->group("Selection");
    app.add_flag("--no-markers", flags.no_markers, "leave keys ending in / out")->group("Selection");
    app.add_flag("--literal", flags.literal, "the URL is a whole key, whatever it ends in")->group("Selection");
    app.add_flag("--sorted", flags.sorted, "in byte order of keys")->group("Output");
    app.add_flag("--urls", flags.urls_only, "whole URLs, one a line")->group("Output");
    app.add_flag("--keys", flags.keys_only, "keys, one a line")->group("Output");
    app.add_flag("-0", flags.nul, "end lines with NUL instead of a newline")->group("Output");
    app.add_flag("--fail-empty", flags.fail_empty, "exit 1 when nothing was found")->group("Output");
    app.add_option("--capabilities", flags.capabilities,
                   "what was proven of the store, as in DIR/capabilities of --state (docs/capabilities.md)")
        ->type_name("FILE")
        ->group("Store");
    add_common(app, flags.common, kReads);
}

void set_up_segregate(CLI::App& app, SegregateFlags& flags, std::string& proof, std::string& delete_when,
                      const char* examples) {
    app.footer(examples);
    app.add_option("-c,--config", flags.config, "XML file: docs/segregate.md")
        ->required()
        ->type_name("FILE")
        ->group("Naming");
    // As a function: CLI11 would take an empty word for one that is not there.
    app.add_option_function<std::string>(
           "-d,--datetime", [&flags](const std::string& text) { flags.datetime = text; },
           "'YYYY-MM-DD HH:MM:SS' for files when the config has no pattern")
        ->type_name("DATE")
        ->group("Naming");
    add_word(app, "--on-collision", flags.on_collision, {"refuse", "keep", "rename"}, "two sources with one target")
        ->group("Naming");
    add_word(app, "--unset-group", flags.unset_group, {"error", "empty"}, "a group that took no part in the match")
        ->group("Naming");
    app.add_flag("--keep-subdirs", flags.keep_subdirs, "keep the path below s3_dir instead of flattening")
        ->group("Naming");
    add_select(app, flags.select);
    add_plan_flags(app, flags);
    add_move_safety(app, flags.options, proof, delete_when);
    add_new_objects(app, flags.options);
    add_common(app, flags.common, kBegins);
    app.get_option("--verbose")->description("say more on stderr, and DEBUG lines in the config's log file");
}

void set_up_run(CLI::App& app, RunFlags& flags, const char* examples, const Shown& shown) {
    app.footer(examples);
    app.add_option("run", flags.run, "id of a run, the beginning of one, or last (if none is given)");
    add_common(app, flags.common, shown);
}

WantedProof wanted_proof(const std::string& word) {
    if (word == "checksum") return WantedProof::checksum;
    return word == "bytes" ? WantedProof::bytes : WantedProof::automatic;
}

bool is_progress_style(const std::string& word) {
    return word == "auto" || word == "json" || word == "none";
}

// All commands on one CLI::App, and the one that was chosen.
class CommandLine {
public:
    CommandLine() : app_(kTop, "dray") {
        app_.formatter(help_formatter());  // inherited by the commands
        app_.set_help_flag("-h,--help", "this page");
        app_.set_version_flag("--version", std::string("dray ") + kVersion, "which version this is");
        app_.require_subcommand(1);
        app_.footer(kTopExamples);
        set_up_list(*add<ListFlags>("ls", "list objects", list_), list_);
        set_up_move(*add<MoveFlags>("mv", "move objects, or re-lay a whole prefix out by a rule", move_), move_,
                    kMoveExamples);
        set_up_copy(*add<CopyFlags>("cp", "copy objects with all their properties", copy_), copy_, kCopyExamples);
        set_up_segregate(
            *add<SegregateFlags>("segregate", "move dated files into dated folders, by an XML config", segregate_),
            segregate_, segregate_proof_, segregate_delete_, kSegregateExamples);
        CLI::App* plan = app_.add_subcommand("plan", "plan a command without carrying it out");
        plan->require_subcommand(1);
        plan->footer(kPlanExamples);
        set_up_move(*plan->add_subcommand("mv", "plan a move")->callback([this] {
            move_.plan_only = true;
            chosen_ = [this] { return Invocation(std::move(move_)); };
        }),
                    move_, kPlanMoveExamples);
        set_up_copy(*plan->add_subcommand("cp", "plan a copy")->callback([this] {
            copy_.plan_only = true;
            chosen_ = [this] { return Invocation(std::move(copy_)); };
        }),
                    copy_, kPlanCopyExamples);
        set_up_segregate(*plan->add_subcommand("segregate", "plan a segregation")->callback([this] {
            segregate_.plan_only = true;
            chosen_ = [this] { return Invocation(std::move(segregate_)); };
        }),
                         segregate_, segregate_proof_, segregate_delete_, kPlanSegregateExamples);
        add_runs();
        // main() takes it before it comes here; it stands in the help.
        app_.add_subcommand("compat", "the command lines of older programs: dray compat NAME ...")->callback([this] {
            chosen_ = [] { return Invocation(Printed{std::string(compat_usage()) + "\n"}); };
        });
    }

    Result<Invocation> parse(std::vector<std::string> arguments) {
        TRY(check_command(arguments));
        for (std::size_t i = 0; i < arguments.size(); ++i)
            if (arguments[i] == "--progress" && (i + 1 == arguments.size() || !is_progress_style(arguments[i + 1])))
                arguments[i] = "--progress=auto";          // as rclone has it, without a style
        std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
        try {
            app_.parse(std::move(arguments));
        } catch (const CLI::Success& wanted) {
            std::ostringstream out, err;
            app_.exit(wanted, out, err);
            return Invocation(Printed{out.str()});
        } catch (const CLI::ParseError& wrong) {
            return Error{
                .code = Code::invalid,
                .message = unknown_flag().value_or(wrong.what()) + "; see: dray " + helpful_command() + "--help"};
        }
        move_.options.proof = wanted_proof(move_.proof);
        move_.options.delete_after = move_.delete_when == "after";
        copy_.options.what = Do::copy;
        copy_.options.proof = wanted_proof(copy_.proof);
        copy_.options.overwrite = overwrite_named(copy_.overwrite).value_or(Overwrite::never);
        segregate_.options.proof = wanted_proof(segregate_proof_);
        segregate_.options.delete_after = segregate_delete_ == "after";
        return chosen_();
    }

private:
    template <class Flags>
    CLI::App* add(const std::string& name, const std::string& what, Flags& flags) {
        return app_.add_subcommand(name, what)->callback([this, &flags] {
            chosen_ = [&flags] { return Invocation(std::move(flags)); };
        });
    }

    void add_runs() {
        set_up_run(*add<ApplyFlags>("apply", "carry a planned run out", apply_), apply_, kApplyExamples, kGoesOn);
        set_up_run(*add<ResumeFlags>("resume", "go on with a run that was stopped or killed", resume_), resume_,
                   kResumeExamples, kGoesOn);
        set_up_run(*add<UndoFlags>("undo", "put everything back that a run moved", undo_), undo_, kUndoExamples,
                   kBegins);
        CLI::App* verify = add<VerifyFlags>("verify", "hold a run's receipts against the store", verify_);
        verify->add_flag("--deep", verify_.deep, "read the bytes of every object")->group("Safety");
        set_up_run(*verify, verify_, kVerifyExamples, kReads);
        set_up_run(*add<StatusFlags>("status", "how far a run is", status_), status_, kStatusExamples, kNoStore);
        set_up_run(*add<ReportFlags>("report", "what a run did, and what failed and why", report_), report_,
                   kReportExamples, kNoStore);
        CLI::App* runs = add<RunsFlags>("runs", "the runs in the state directory, newest first", runs_);
        runs->footer(kRunsExamples);
        add_amount(*runs, "--prune", runs_.prune, parse_age, "remove finished runs older than this, as in 30d")
            ->type_name("TIME")
            ->group("Running");
        add_common(*runs, runs_.common, kNoStore);
    }

    // CLI11 would say that a command is missing, and neither which nor what to type.
    Status check_command(const std::vector<std::string>& arguments) const {
        const CLI::App* app = &app_;
        std::string typed = "dray ";
        for (std::size_t at = 0;; ++at) {
            const auto commands = app->get_subcommands([](const CLI::App*) { return true; });
            if (commands.empty()) return {};
            if (at == arguments.size())
                return Error{
                    .code = Code::invalid,
                    .message = fmt::format("say which command, as in: {0}{1}; see: {0}--help", typed,
                                           at == 0 ? "ls s3://bucket/" : "mv s3://bucket/in/ s3://bucket/out/")};
            const std::string& word = arguments[at];
            if (word.starts_with('-')) return {};
            const auto named = std::ranges::find(commands, word, [](const CLI::App* each) { return each->get_name(); });
            if (named == commands.end())
                return Error{.code = Code::invalid,
                             .message = "there is no command " + in_quotes(word) + "; see: " + typed + "--help"};
            app = *named;
            typed += word + " ";
        }
    }

    // CLI11 would say first what is missing, which a flag mistyped may well have been.
    std::optional<std::string> unknown_flag() const {
        const auto left = app_.remaining(true);
        const auto flag = std::ranges::find_if(left, [](const std::string& word) { return word.starts_with('-'); });
        if (flag == left.end()) return std::nullopt;
        return "there is no flag " + flag->substr(0, flag->find('='));
    }

    std::string helpful_command() const {
        std::string typed;
        for (auto chosen = app_.get_subcommands(); !chosen.empty(); chosen = chosen.front()->get_subcommands())
            typed += chosen.front()->get_name() + " ";
        return typed;
    }

    CLI::App app_;
    ListFlags list_;
    MoveFlags move_;
    CopyFlags copy_;
    SegregateFlags segregate_;
    std::string segregate_proof_ = "auto", segregate_delete_ = "each";
    ApplyFlags apply_;
    ResumeFlags resume_;
    UndoFlags undo_;
    VerifyFlags verify_;
    StatusFlags status_;
    ReportFlags report_;
    RunsFlags runs_;
    std::function<Invocation()> chosen_;
};

}  // namespace

Result<Invocation> parse_command_line(const std::vector<std::string>& arguments) {
    auto line = std::make_unique<CommandLine>();
    return line->parse(arguments);
}

}  // namespace dray
