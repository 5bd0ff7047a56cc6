#include "base/log.h"
#include "base/time.h"
#include "cli/commands.h"
#include "cli/environment.h"
#include "cli/exit_code.h"
#include "cli/names.h"
#include "cli/run_text.h"
#include "cli/selection.h"
#include "cli/temporary.h"
#include "store/local_store.h"

namespace dray {
namespace {

Error usage(std::string message) {
    return {.code = Code::invalid, .message = std::move(message)};
}

bool whole_url(const std::optional<std::string>& to, StoreKind kind) {
    return to && (to->find("://") != std::string::npos || (kind == StoreKind::local && to->starts_with('/')));
}

OnCollision on_collision_named(const std::string& word) {
    if (word == "keep") return OnCollision::keep;
    return word == "rename" ? OnCollision::rename : OnCollision::refuse;
}

MatchOn match_on_named(const std::string& word) {
    if (word == "name") return MatchOn::name;
    return word == "key" ? MatchOn::key : MatchOn::path;
}

// Where one object goes when no rule is given: a folder keeps its name.
std::string single_target(const StoreUrl& source, const StoreUrl& target) {
    if (target.form == StoreUrl::Form::object) return target.key;
    const std::size_t slash = source.key.rfind('/');
    return target.key + (slash == std::string::npos ? source.key : source.key.substr(slash + 1));
}

Status check_pair(const StoreUrl& source, const StoreUrl& target, bool has_rule) {
    if (source.kind != target.kind)
        return usage(
            "source and target are a local directory and a store, and mv and cp work inside one: nothing was done. "
            "Name two prefixes of one store, or two directories");
    if (target.form == StoreUrl::Form::begins)
        return usage("the target " + in_quotes(target.text()) + " ends in *: name a prefix that ends in /");
    if (source.form != StoreUrl::Form::object && target.form == StoreUrl::Form::object)
        return usage(in_quotes(source.text()) + " is a prefix and " + in_quotes(target.text()) +
                     " is one object; to mean a prefix, end it in /");
    if (source.form == StoreUrl::Form::object && has_rule)
        return usage(in_quotes(source.text()) +
                     " is one object, and --match/--to are for prefixes; to mean a prefix, end it in /");
    return {};
}

// Takes the directory that a local template names by an absolute path off its beginning; nullopt: it names none.
Result<std::optional<StoreUrl>> take_directory(std::optional<std::string>& text) {
    if (!text) return std::optional<StoreUrl>();
    static constexpr std::string_view kScheme = "file://";
    const std::string path = text->starts_with(kScheme) ? text->substr(kScheme.size()) : *text;
    if (!path.starts_with('/')) return std::optional<StoreUrl>();
    const std::size_t name = path.rfind('/', path.find_first_of("{}")) + 1;
    TRY_LET(directory, parse_store_url(path.substr(0, name)));
    rest_on_existing(directory);
    text = path.substr(name);
    return std::optional(std::move(directory));
}

// Local templates that name absolute paths become ones below directories; places that lie inside each other share one
// bucket, so that no file has two names.
Status settle_places(StoreUrl& source, StoreUrl& target, RelayoutOptions& rule, std::optional<std::string> to) {
    rest_on_existing(target);
    std::optional<StoreUrl> unmatched;
    if (source.kind == StoreKind::local) {
        TRY_LET(named, take_directory(to));
        TRY_LET(others, take_directory(rule.unmatched_to));
        if (named && rule.unmatched_to && !others) others = target;
        if (named) target = *std::move(named);
        unmatched = std::move(others);
    }
    for (int round = 0; round < 2; ++round) {  // the second where the first moved a bucket outwards
        share_bucket(source, target);
        if (unmatched) share_bucket(source, *unmatched), share_bucket(target, *unmatched);
    }
    rule.local = source.kind == StoreKind::local;
    rule.to = to.value_or("{path}");
    rule.source_bucket = source.bucket;
    rule.source_prefix = source.folder();
    rule.target_bucket = target.bucket;
    rule.target_prefix = target.key;
    if (unmatched) rule.unmatched_bucket = unmatched->bucket, rule.unmatched_prefix = unmatched->key;
    return {};
}

Result<RelayoutOptions> rule_of(const MoveFlags& flags) {
    RelayoutOptions rule{.match = flags.match,
                         .match_on = match_on_named(flags.match_on),
                         .unmatched_to = flags.unmatched_to,
                         .unmatched = flags.unmatched == "skip" ? Unmatched::skip : Unmatched::fail,
                         .unset_group = flags.unset_group == "empty" ? UnsetGroup::empty : UnsetGroup::error,
                         .date_format = flags.date_format,
                         .date_from = flags.date_from == "modified" ? DateFrom::modified : DateFrom::match,
                         .leave_markers = flags.to || flags.match ? LeaveMarkers::of_source : LeaveMarkers::none};
    if (flags.date_format && rule.date_from == DateFrom::modified)
        return usage("--date-from modified reads no text, so --date-format says nothing; leave one of them out");
    if (flags.date.empty()) return rule;
    TRY_LET(format, DateFormat::compile("%Y-%m-%d %H:%M:%S"));
    rule.date = format.parse(flags.date);
    if (!rule.date) return usage("--date " + in_quotes(flags.date) + " is not like '2024-03-09 04:05:06'");
    return rule;
}

// The key that --explain means: a key; the whole URL of one; of local files a path, from here or from the source.
std::string key_to_explain(const StoreUrl& source, const std::string& text) {
    if (text.empty()) return text;
    StoreUrl begins{.kind = source.kind, .bucket = source.bucket};
    if (source.kind != StoreKind::local)
        return text.starts_with(begins.text()) ? text.substr(begins.text().size()) : text;
    begins.key = source.folder();
    const auto path = parse_store_url(text, /*literal=*/true);
    const bool from_here = path && path->text().starts_with(begins.text());
    return begins.key + (from_here ? path->text().substr(begins.text().size()) : text);
}

// `text` as a literal of a template.
std::string literal(const std::string& text) {
    std::string out;
    for (const char c : text) {
        out.push_back(c);
        if (c == '{' || c == '}') out.push_back(c);
    }
    return out;
}

Result<StoreUrl> target_of(const MoveFlags& flags, const StoreUrl& source) {
    if (!flags.target.empty())
        return parse_target_url(flags.target, source, flags.literal && source.form == StoreUrl::Form::object);
    if (!whole_url(flags.to, source.kind))
        return usage("say where to: a target URL, or --to with a whole URL (s3://bucket/...)");
    StoreUrl target = source;
    target.form = StoreUrl::Form::prefix;
    target.key.clear();
    return target;
}

Result<int> explain(Shell& shell, const CommonFlags& flags, StoreRoom& room, const MoveJob& job) {
    PlannedStore planned = job.command.stores.front();
    const StoreKind kind = planned.identity == kLocalIdentity ? StoreKind::local : StoreKind::s3;
    TRY_LET(store, room.open(planned));
    TRY_LET(why, explain_move(shell.context(), *store, job.command, job.explain,
                              {state_path(flags).value_or(""), default_state_path()}));
    print_explanation(shell, why, job.explain, kind, flags.json);
    return kDone;
}

// An empty source of a segregation is the usual end of its work; one that was typed is more likely mistyped.
void warn(Shell& shell, const CommonFlags& flags, const MoveJob& job, const PlannedRun& planned) {
    for (const std::string& warning : planned.warnings)
        shell.complain(warning);
    if (planned.totals.listed == 0 && job.command.command != "segregate" && !flags.quiet)
        shell.complain("nothing found at " + in_quotes(job.command.stores.front().url) +
                       ": is the bucket right, the prefix, the choice?");
}

Result<int> dry_run(Shell& shell, const CommonFlags& flags, const MoveJob& job, StoreRoom& room, Progress& progress) {
    TRY_LET(kept, state_path(flags));
    TRY_LET(state, TemporaryState::make(kept));
    CommonFlags with_state = flags;
    with_state.state = state.path();
    TRY_LET(env, run_environment(with_state, room, progress));
    env.own_directories.push_back(kept);
    TRY_LET(planned, plan_move(shell.context(), env, job.command));
    progress.finish();
    warn(shell, flags, job, planned);
    TRY(print_plan(shell, planned, flags.json, /*kept=*/false));
    if (!flags.json) shell.print("dry run: nothing was changed\n");
    return planned.totals.outside > 0 ? kItemsFailed : kDone;
}

}  // namespace

Result<int> run_move_job(Shell& shell, const CommonFlags& flags, const MoveJob& job) {
    const Context ctx = shell.context();
    StoreRoom room(ctx, flags);
    Progress progress(shell, flags.quiet ? ProgressStyle::none : flags.progress, [&room] { return room.repeats(); });
    if (!job.explain.empty()) return explain(shell, flags, room, job);
    if (job.dry_run) return dry_run(shell, flags, job, room, progress);

    TRY_LET(env, run_environment(flags, room, progress));
    const auto tell = [&](const PlannedRun& planned) { warn(shell, flags, job, planned); };
    if (job.plan_only) {
        TRY_LET(planned, plan_move(ctx, env, job.command));
        tell(planned);
        progress.finish();
        TRY(print_plan(shell, planned, flags.json, /*kept=*/true));
        if (!flags.json)
            shell.print("planned as run " + planned.run.id + "; carry it out: dray apply " +
                        shell_word(planned.run.id) + "\n");
        return planned.totals.outside > 0 ? kItemsFailed : kDone;
    }
    TRY_LET(result, move_run(ctx, env, job.command, {.planned = tell}));
    progress.finish();
    if (result.error) shell.complain(result.error->message);
    print_result(shell, result, flags);
    return exit_code(result, shell.signal());
}

namespace {

Result<NextName> names_of(const SelectFlags& flags, const StoreUrl& source) {
    const bool raw = !flags.files_from_raw.empty();
    const std::string& path = raw ? flags.files_from_raw : flags.files_from;
    if (path.empty()) return NextName();
    if (source.form != StoreUrl::Form::prefix)
        return usage(in_quotes(source.text()) + " is no prefix, and the names of --files-from are keys below one");
    return names_from(path, raw);
}

Result<MoveJob> job_of(const Shell& shell, const MoveFlags& flags) {
    TRY_LET(source, parse_store_url(flags.source, flags.literal));
    TRY_LET(target, target_of(flags, source));
    TRY(check_pair(source, target, flags.to.has_value() || flags.match.has_value()));
    TRY_LET(rule, rule_of(flags));
    TRY(settle_places(source, target, rule, flags.to));
    TRY_LET(select, selection_of(flags.select, source.folder()));

    TRY_LET(names, names_of(flags.select, source));

    MoveJob job{
        .dry_run = flags.dry_run, .plan_only = flags.plan_only, .explain = key_to_explain(source, flags.explain)};
    job.command.command = flags.options.what == Do::copy ? "cp" : "mv";
    job.command.argv = shell.argv();
    job.command.stores = {planned_store(source)};
    job.command.source_bucket = source.bucket;
    job.command.source_prefix = source.key;
    job.command.single = source.form == StoreUrl::Form::object;
    job.command.rule = std::move(rule);
    job.command.select = std::move(select);
    job.command.names = std::move(names);
    job.command.on_collision = on_collision_named(flags.on_collision);
    job.command.restored = flags.restored;
    job.command.limit = flags.limit.value_or(UINT64_MAX);
    job.command.max = flags.select.max.value_or(UINT64_MAX);
    job.command.options = flags.options;
    if (job.command.single) {
        job.command.rule.to = literal(single_target(source, target));
        job.command.rule.target_prefix.clear();
    }
    return job;
}

}  // namespace

Result<int> run_move(Shell& shell, const MoveFlags& flags) {
    TRY_LET(job, job_of(shell, flags));
    return run_move_job(shell, flags.common, job);
}

Result<int> run_copy(Shell& shell, const CopyFlags& flags) {
    TRY_LET(job, job_of(shell, flags));
    return run_move_job(shell, flags.common, job);
}

}  // namespace dray
