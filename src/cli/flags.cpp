#include "cli/flags.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <functional>
#include <memory>
#include <sstream>

#include "base/log.h"
#include "base/version.h"
#include "cli/amounts.h"
#include "cli/commands.h"

namespace dray {
namespace {

constexpr std::uint64_t kMaxWorkers = 4096;
constexpr std::uint64_t kMaxAttempts = 100;

constexpr const char* kTop =
    R"(Bulk work on S3-compatible object storage that can be trusted: plan it, apply it, prove it, undo it.

Examples:
  dray ls s3://archive/1900/ --ext jsonl.bz2
  dray mv s3://cdr/in/ s3://cdr/by-day/ --match '-(\d{8})-' --date-format %Y%m%d --to '{date:%Y/%m/%d}/{basename}' --dry-run
  dray segregate -c segregation.xml
  dray resume last
  dray verify last && dray undo last)";

constexpr const char* kListExamples = R"(
Examples:
  dray ls s3://archive/1900/                      everything below a prefix
  dray ls 's3://archive/GDL-19*'                  keys that begin so
  dray ls s3://archive/ --ext jsonl.bz2 --size +1M --json
  dray ls /data/incoming/ --match '^CDR_.*\.ccn$' --keys -0 | xargs -0 ...)";

constexpr const char* kMoveExamples = R"(
The template: {1} {name} groups; {key} {path} {basename} {dirname} {ext} {size} {etag:8}; {date:%Y/%m/%d}; {{ and }} are braces.

Examples:
  dray mv s3://b/old/ s3://b/new/                                   a prefix to another
  dray mv s3://cdr/in/ s3://cdr/by-day/ --match '-(\d{8})-' --date-format %Y%m%d --to '{date:%Y/%m/%d}/{basename}'
  dray mv s3://b/in/ s3://b/ --match '^(?P<site>\w+)_(\d{4})' --to '{site}/{2}/{basename}' --unmatched skip
  dray mv s3://b/in/ s3://b/out/ --to '{date:%Y/%m}/{basename}' --date-from modified --dry-run)";

constexpr const char* kSegregateExamples = R"(
-v also writes DEBUG lines into the config's log file.

Examples:
  dray segregate -c segregation.xml --dry-run     what would go where
  dray segregate -c segregation.xml               move, with a journal: dray undo last takes it back)";

constexpr const char* kPlanExamples = R"(
Example:
  dray plan mv s3://b/old/ s3://b/new/ --run-id tidy && dray apply tidy)";

constexpr const char* kApplyExamples = R"(
Example:
  dray apply last                 the plan that was made last)";

constexpr const char* kResumeExamples = R"(
Examples:
  dray resume last                the newest run that has work left
  dray resume 20261121-094312     any beginning of an id will do)";

constexpr const char* kUndoExamples = R"(
Examples:
  dray undo last
  dray undo tidy --json)";

constexpr const char* kVerifyExamples = R"(
Examples:
  dray verify last                asks the store about every object
  dray verify last --deep         reads the bytes as well)";

constexpr const char* kStatusExamples = R"(
Example:
  dray status last --json | jq .balance)";

constexpr const char* kReportExamples = R"(
Examples:
  dray report last                what failed, why, and what to do about it
  dray report last --json | jq -r 'select(.failed) | .key')";

constexpr const char* kRunsExamples = R"(
Examples:
  dray runs
  dray runs --prune 30d           forget finished runs: they can no longer be undone)";

// CLI11 reads "-1" as the largest number of an unsigned type, so counts are read here.
template <class Number>
CLI::Option* add_count(CLI::App& app, const std::string& name, Number& number, const char* help,
                       std::uint64_t least = 0, std::uint64_t most = UINT64_MAX) {
    return app
        .add_option_function<std::string>(
            name,
            [name, &number, least, most](const std::string& text) {
                const auto count = parse_count(text, least, most);
                if (!count) throw CLI::ValidationError(name, count.error().message);
                if constexpr (std::is_integral_v<Number>)
                    number = static_cast<Number>(*count);
                else
                    number = *count;
            },
            help)
        ->type_name("N");
}

void add_common(CLI::App& app, CommonFlags& flags) {
    app.add_option("--endpoint", flags.store.endpoint,
                   "URL of the store (else AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, the profile)")
        ->group("Store");
    app.add_option("--aws-profile", flags.store.profile, "profile in ~/.aws (else AWS_PROFILE)")->group("Store");
    app.add_option("--region", flags.store.region, "region (else AWS_REGION, the profile, us-east-1)")->group("Store");
    app.add_option("--addressing", flags.store.addressing, "auto, path or virtual")
        ->check(CLI::IsMember({"auto", "path", "virtual"}))
        ->group("Store");
    app.add_flag("--request-payer", flags.store.request_payer, "we pay for the requests")->group("Store");
    app.add_option("--expected-bucket-owner", flags.store.expected_bucket_owner, "account that must own the buckets")
        ->group("Store");
    app.add_option("--ca-bundle", flags.store.ca_bundle, "PEM file of authorities to trust (else AWS_CA_BUNDLE)")
        ->group("Store");
    app.add_flag("--insecure", flags.store.insecure, "do not check certificates (says so in the log)")->group("Store");

    app.add_option("--state", flags.state, "directory of plans and journals (else DRAY_STATE, $XDG_STATE_HOME/dray)")
        ->group("Running");
    app.add_option("--run-id", flags.run_id, "name of the new run")->group("Running");
    add_count(app, "--workers", flags.workers, "requests in flight (256)", 1, kMaxWorkers)->group("Running");
    add_count(app, "--max-attempts", flags.store.max_attempts, "attempts of a request (8)", 1, kMaxAttempts)
        ->group("Running");
    app.add_option_function<std::string>(
           "--rate",
           [&flags](const std::string& text) {
               const auto rate = parse_decimal(text);
               if (!rate) throw CLI::ValidationError("--rate", rate.error().message);
               flags.store.rate = *rate;
           },
           "requests a second at most")
        ->type_name("N")
        ->group("Running");
    app.add_option("--bwlimit", flags.bwlimit, "bytes of objects a second at most, through this machine (10M)")
        ->type_name("BYTES")
        ->group("Running");
    app.add_option(
           "--quiet-time", flags.quiet_time,
           "wait at most this long (2s, 5m) for late requests of killed processes; only when nothing can be in flight")
        ->group("Running");
    app.add_flag("--wait-lock", flags.wait_lock, "wait for a run that works on the same prefix")->group("Running");
    app.add_flag("--json", flags.json, "results as JSON lines")->group("Output");
    app.add_option_function<std::string>(
           "--progress",
           [&flags](const std::string& style) {
               flags.progress = style == "json"   ? ProgressStyle::json
                                : style == "none" ? ProgressStyle::none
                                                  : ProgressStyle::automatic;
           },
           "auto, json (lines on stderr) or none")
        ->check(CLI::IsMember({"auto", "json", "none"}))
        ->group("Output");
    app.add_option("--log-file", flags.log_file, "append the log to this file")->group("Output");
    app.add_flag("-q,--quiet", flags.quiet, "errors and the result only")->group("Output");
    app.add_flag("-v,--verbose", flags.verbose, "say more on stderr: what was passed by, what the run will send")
        ->group("Output");
}

void add_select(CLI::App& app, SelectFlags& flags) {
    app.add_option("--ext", flags.ext, "only keys that end in .EXT (mp4 or .mp4); may be repeated")
        ->allow_extra_args(false)
        ->group("Choice");
    app.add_option("--glob", flags.glob, "only keys whose last elements match (*, **, ?, [...], {a,b})")
        ->allow_extra_args(false)
        ->group("Choice");
    app.add_option("--include", flags.include, "glob of keys to take")->allow_extra_args(false)->group("Choice");
    app.add_option("--exclude", flags.exclude, "glob of keys to leave out")->allow_extra_args(false)->group("Choice");
    app.add_option("--size", flags.size, "+1M at least, -10k at most, 1k..2M between")->group("Choice");
    app.add_option("--age", flags.age, "+7d at least, -2h at most, by LastModified")->group("Choice");
    add_count(app, "--max", flags.max, "stop after N objects")->group("Choice");
}

void add_move_options(CLI::App& app, MoveOptions& options, std::string& proof, std::string& delete_when) {
    app.add_flag("--exclusive", options.exclusive,
                 "nobody else writes there: saves requests that only guard against others")
        ->group("Safety");
    app.add_flag("--strict", options.strict, "refuse what would be unguarded, unproven or lose a property")
        ->group("Safety");
    app.add_option_function<std::string>(
           "--preserve",
           [&options](const std::string& words) {
               auto set = PropertySet::parse(words);
               if (!set) throw CLI::ValidationError("--preserve", set.error().message);
               options.preserve = *set;
           },
           "what a source is not given up without: content,metadata,tags,redirect,lock (the default), storage-class; "
           "all or none")
        ->group("Safety");
    app.add_option("--proof", proof, "least proof that lets a source go: auto, checksum or bytes")
        ->check(CLI::IsMember({"auto", "checksum", "bytes"}))
        ->group("Safety");
    app.add_option("--delete", delete_when, "each: a source goes when its copy is proven; after: when all are")
        ->check(CLI::IsMember({"each", "after"}))
        ->group("Safety");
    app.add_option("--acl", options.acl, "canned ACL of new objects")->group("New objects");
    app.add_option("--storage-class", options.storage_class, "class of new objects (else the source's)")
        ->group("New objects");
    app.add_option("--sse", options.encryption, "AES256 or aws:kms")->group("New objects");
    app.add_option("--sse-kms-key-id", options.kms_key_id, "key for aws:kms")->group("New objects");
}

template <class Flags>
void add_plan_flags(CLI::App& app, Flags& flags) {
    app.add_flag("--dry-run", flags.dry_run, "plan, show, keep nothing")->group("Plan");
    app.add_option("--explain", flags.explain, "show how the rule reads this KEY, and stop")->group("Plan");
    add_count(app, "--limit", flags.limit, "move at most N objects")->group("Plan");
    app.add_flag("--restored", flags.restored, "objects of archive classes were restored: move them as well")
        ->group("Plan");
}

void set_up_move(CLI::App& app, MoveFlags& flags) {
    app.add_option("source", flags.source, "s3://bucket/prefix/, s3://bucket/key, a directory")->required();
    app.add_option("target", flags.target, "where to; with --to a whole URL template this may be left out");
    CLI::Option* match = app.add_option("--match", flags.match, "Python regex, searched in --match-on")->group("Rule");
    app.add_option("--match-on", flags.match_on, "path (below the source prefix), name (after the last /) or key")
        ->check(CLI::IsMember({"path", "name", "key"}))
        ->needs(match)
        ->group("Rule");
    app.add_option("--to", flags.to, "template of the target")->group("Rule");
    CLI::Option* format =
        app.add_option("--date-format", flags.date_format, "strptime format of the date text (all groups joined)")
            ->group("Rule");
    CLI::Option* from = app.add_option("--date-from", flags.date_from, "match or modified (LastModified, UTC)")
                            ->check(CLI::IsMember({"match", "modified"}))
                            ->group("Rule");
    app.add_option("--date", flags.date, "fixed date: 'YYYY-MM-DD HH:MM:SS'")
        ->excludes(format)
        ->excludes(from)
        ->group("Rule");
    CLI::Option* unmatched =
        app.add_option("--unmatched", flags.unmatched, "fail (default) or skip objects the rule cannot place")
            ->check(CLI::IsMember({"fail", "skip"}))
            ->group("Rule");
    app.add_option("--unmatched-to", flags.unmatched_to, "template for objects the rule cannot place")
        ->excludes(unmatched)
        ->group("Rule");
    app.add_option("--unset-group", flags.unset_group,
                   "error (default) or empty: a group that took no part in the match")
        ->check(CLI::IsMember({"error", "empty"}))
        ->needs(match)
        ->group("Rule");
    app.add_option("--on-collision", flags.on_collision, "refuse (default), keep or rename")
        ->check(CLI::IsMember({"refuse", "keep", "rename"}))
        ->group("Rule");
    app.add_flag("--literal", flags.literal, "the URL is a whole key, whatever it ends in")->group("Rule");
    add_plan_flags(app, flags);
    add_move_options(app, flags.options, flags.proof, flags.delete_when);
    add_select(app, flags.select);
    add_common(app, flags.common);
    app.footer(kMoveExamples);
}

void set_up_list(CLI::App& app, ListFlags& flags) {
    app.add_option("url", flags.urls, "s3://bucket/prefix/, 's3://bucket/begins-so*', a directory")->required();
    add_select(app, flags.select);
    app.add_option("--match", flags.select.match, "Python regex, searched in the key below the prefix")
        ->allow_extra_args(false)
        ->group("Choice");
    app.add_flag("--no-markers", flags.no_markers, "leave keys ending in / out")->group("Choice");
    app.add_flag("--literal", flags.literal, "the URL is a whole key, whatever it ends in")->group("Choice");
    app.add_flag("--sorted", flags.sorted, "in byte order of keys")->group("Output");
    app.add_flag("--urls", flags.urls_only, "whole URLs, one a line")->group("Output");
    app.add_flag("--keys", flags.keys_only, "keys, one a line")->group("Output");
    app.add_flag("-0", flags.nul, "end lines with NUL instead of a newline")->group("Output");
    app.add_flag("--fail-empty", flags.fail_empty, "exit 1 when nothing was found")->group("Output");
    add_common(app, flags.common);
    app.footer(kListExamples);
}

void set_up_segregate(CLI::App& app, SegregateFlags& flags, std::string& proof, std::string& delete_when) {
    app.add_option("-c,--config", flags.config, "XML file: docs/segregate.md")->required();
    // As a function: CLI11 would take an empty word for one that is not there.
    app.add_option_function<std::string>(
        "-d,--datetime", [&flags](const std::string& text) { flags.datetime = text; },
        "'YYYY-MM-DD HH:MM:SS' for files when the config has no pattern");
    app.add_option("--on-collision", flags.on_collision, "refuse (default), keep or rename")
        ->check(CLI::IsMember({"refuse", "keep", "rename"}))
        ->group("Rule");
    app.add_option("--unset-group", flags.unset_group, "error (default) or empty")
        ->check(CLI::IsMember({"error", "empty"}))
        ->group("Rule");
    app.add_flag("--keep-subdirs", flags.keep_subdirs, "keep the path below s3_dir instead of flattening")
        ->group("Rule");
    add_plan_flags(app, flags);
    add_move_options(app, flags.options, proof, delete_when);
    add_select(app, flags.select);
    add_common(app, flags.common);
    app.footer(kSegregateExamples);
}

void set_up_run(CLI::App& app, RunFlags& flags, const char* examples, bool with_deep = false) {
    app.footer(examples);
    app.add_option("run", flags.run, "id of a run, or last");
    if (with_deep) app.add_flag("--deep", flags.deep, "read the bytes of every object");
    add_common(app, flags.common);
}

WantedProof wanted_proof(const std::string& word) {
    if (word == "checksum") return WantedProof::checksum;
    return word == "bytes" ? WantedProof::bytes : WantedProof::automatic;
}

// All commands on one CLI::App, and the one that was chosen.
class CommandLine {
public:
    CommandLine() : app_(kTop, "dray") {
        app_.set_version_flag("--version", std::string("dray ") + kVersion);
        app_.require_subcommand(1);
        app_.set_help_all_flag("--help-all", "help of every command");
        set_up_list(*add<ListFlags>("ls", "list objects", list_), list_);
        set_up_move(*add<MoveFlags>("mv", "move objects, or re-lay a whole prefix out by a rule", move_), move_);
        set_up_segregate(
            *add<SegregateFlags>("segregate", "move dated files into dated folders, by an XML config", segregate_),
            segregate_, segregate_proof_, segregate_delete_);
        add_runs();
        // main() takes it before it comes here; it stands in the help.
        app_.add_subcommand("compat", "the command lines of older programs: dray compat segregate ...")
            ->callback([this] { chosen_ = [] { return Invocation(Printed{std::string(compat_usage()) + "\n"}); }; });
        CLI::App* plan = app_.add_subcommand("plan", "plan a command without applying it: dray plan mv ...");
        plan->require_subcommand(1);
        plan->footer(kPlanExamples);
        set_up_move(*plan->add_subcommand("mv", "plan a move")->callback([this] {
            move_.plan_only = true;
            chosen_ = [this] { return Invocation(std::move(move_)); };
        }),
                    move_);
        set_up_segregate(*plan->add_subcommand("segregate", "plan a segregation")->callback([this] {
            segregate_.plan_only = true;
            chosen_ = [this] { return Invocation(std::move(segregate_)); };
        }),
                         segregate_, segregate_proof_, segregate_delete_);
    }

    Result<Invocation> parse(std::vector<std::string> arguments) {
        // CLI11 would say that a command is missing.
        if (!arguments.empty() && !arguments.front().starts_with('-') && !has_command(arguments.front()))
            return Error{.code = Code::invalid,
                         .message = "there is no command " + in_quotes(arguments.front()) + "; see: dray --help"};
        std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
        try {
            app_.parse(std::move(arguments));
        } catch (const CLI::Success& wanted) {
            std::ostringstream out, err;
            app_.exit(wanted, out, err);
            return Invocation(Printed{out.str()});
        } catch (const CLI::ParseError& wrong) {
            return Error{.code = Code::invalid,
                         .message = std::string(wrong.what()) + "; see: dray " + helpful_command() + "--help"};
        }
        move_.options.proof = wanted_proof(move_.proof);
        move_.options.delete_after = move_.delete_when == "after";
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
        set_up_run(*add<ApplyFlags>("apply", "carry a planned run out", apply_), apply_, kApplyExamples);
        set_up_run(*add<ResumeFlags>("resume", "go on with a run that was stopped or killed", resume_), resume_,
                   kResumeExamples);
        set_up_run(*add<UndoFlags>("undo", "put everything back that a run moved", undo_), undo_, kUndoExamples);
        set_up_run(*add<VerifyFlags>("verify", "hold a run's receipts against the store", verify_), verify_,
                   kVerifyExamples, true);
        set_up_run(*add<StatusFlags>("status", "how far a run is", status_), status_, kStatusExamples);
        set_up_run(*add<ReportFlags>("report", "what a run did, and what failed and why", report_), report_,
                   kReportExamples);
        CLI::App* runs = add<RunsFlags>("runs", "the runs in the state directory, newest first", runs_);
        runs->footer(kRunsExamples);
        runs->add_option("--prune", runs_.prune, "remove finished runs older than this (30d)");
        add_common(*runs, runs_.common);
    }

    bool has_command(const std::string& name) const {
        const auto all = app_.get_subcommands([](const CLI::App*) { return true; });
        return std::any_of(all.begin(), all.end(), [&](const CLI::App* each) { return each->get_name() == name; });
    }

    std::string helpful_command() const {
        for (const CLI::App* command : app_.get_subcommands())
            return command->get_name() + " ";
        return "";
    }

    CLI::App app_;
    ListFlags list_;
    MoveFlags move_;
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
