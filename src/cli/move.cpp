#include "base/log.h"
#include "base/time.h"
#include "cli/commands.h"
#include "cli/environment.h"
#include "cli/exit_code.h"
#include "cli/run_text.h"
#include "cli/selection.h"
#include "cli/temporary.h"

namespace dray {
namespace {

Error usage(std::string message) {
    return {.code = Code::invalid, .message = std::move(message)};
}

bool whole_url(const std::optional<std::string>& to) {
    return to && to->find("://") != std::string::npos;
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
        return usage("a move between a local directory and a store is not a move inside one store: nothing was done");
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

Result<RelayoutOptions> rule_of(const MoveFlags& flags, const StoreUrl& source, const StoreUrl& target) {
    RelayoutOptions rule{.match = flags.match,
                         .match_on = match_on_named(flags.match_on),
                         .to = flags.to.value_or("{path}"),
                         .unmatched_to = flags.unmatched_to,
                         .unmatched = flags.unmatched == "skip" ? Unmatched::skip : Unmatched::fail,
                         .unset_group = flags.unset_group == "empty" ? UnsetGroup::empty : UnsetGroup::error,
                         .date_format = flags.date_format,
                         .date_from = flags.date_from == "modified" ? DateFrom::modified : DateFrom::match,
                         .source_bucket = source.bucket,
                         .source_prefix = source.key,
                         .target_bucket = target.bucket,
                         .target_prefix = target.key};
    if (flags.date.empty()) return rule;
    TRY_LET(format, DateFormat::compile("%Y-%m-%d %H:%M:%S"));
    rule.date = format.parse(flags.date);
    if (!rule.date) return usage("--date " + in_quotes(flags.date) + " is not like '2024-03-09 04:05:06'");
    return rule;
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
        return parse_store_url(flags.target, flags.literal && source.form == StoreUrl::Form::object);
    if (!whole_url(flags.to)) return usage("say where to: a target URL, or --to with a whole URL (s3://bucket/...)");
    StoreUrl target = source;
    target.form = StoreUrl::Form::prefix;
    target.key.clear();
    return target;
}

Result<int> explain(Shell& shell, StoreRoom& room, const MoveJob& job) {
    TRY_LET(rule, Relayout::compile(job.command.rule));
    PlannedStore planned = job.command.stores.front();
    TRY_LET(store, room.open(planned));
    ListedObject object{.key = job.explain};
    auto info = store->head(shell.context(), {job.command.source_bucket, job.explain, {}});
    if (info) {
        object.size = info->size;
        object.etag = info->etag;
        object.modified = info->modified;
    } else if (info.error().code != Code::not_found || info.error().fatal) {
        return std::move(info).error();
    } else {
        shell.print("there is no such object now; its size, etag and date are unknown\n");
    }
    shell.print(rule.explain(object));
    return kDone;
}

Result<int> dry_run(Shell& shell, const CommonFlags& flags, const MoveJob& job, StoreRoom& room, Progress& progress) {
    TRY_LET(state, TemporaryState::make());
    CommonFlags with_state = flags;
    with_state.state = state.path();
    TRY_LET(env, run_environment(with_state, room, progress));
    env.own_directories.push_back(flags.state);
    TRY_LET(planned, plan_move(shell.context(), env, job.command));
    progress.finish();
    for (const std::string& warning : planned.warnings)
        shell.complain(warning);
    TRY(print_plan(shell, planned, flags.json, /*kept=*/false));
    if (!flags.json) shell.print("dry run: nothing was changed\n");
    return planned.totals.outside > 0 ? kItemsFailed : kDone;
}

}  // namespace

Result<int> run_move_job(Shell& shell, const CommonFlags& flags, const MoveJob& job) {
    const Context ctx = shell.context();
    StoreRoom room(ctx, flags);
    Progress progress(shell, flags.quiet ? ProgressStyle::none : flags.progress);
    if (!job.explain.empty()) return explain(shell, room, job);
    if (job.dry_run) return dry_run(shell, flags, job, room, progress);

    TRY_LET(env, run_environment(flags, room, progress));
    const auto warn = [&shell](const PlannedRun& planned) {
        for (const std::string& warning : planned.warnings)
            shell.complain(warning);
    };
    if (job.plan_only) {
        TRY_LET(planned, plan_move(ctx, env, job.command));
        warn(planned);
        progress.finish();
        TRY(print_plan(shell, planned, flags.json, /*kept=*/true));
        if (!flags.json)
            shell.print("planned as run " + planned.run.id + "; carry it out: dray apply " +
                        shell_word(planned.run.id) + "\n");
        return planned.totals.outside > 0 ? kItemsFailed : kDone;
    }
    TRY_LET(result, move_run(ctx, env, job.command, {.planned = warn}));
    progress.finish();
    if (result.error) shell.complain(result.error->message);
    print_result(shell, result, flags);
    return exit_code(result, shell.signal());
}

Result<int> run_move(Shell& shell, const MoveFlags& flags) {
    TRY_LET(source, parse_store_url(flags.source, flags.literal));
    TRY_LET(target, target_of(flags, source));
    TRY(check_pair(source, target, flags.to.has_value() || flags.match.has_value()));
    rest_on_existing(target);
    share_bucket(source, target);
    TRY_LET(rule, rule_of(flags, source, target));
    TRY_LET(select, selection_of(flags.select, source.key));

    MoveJob job{.dry_run = flags.dry_run, .plan_only = flags.plan_only, .explain = flags.explain};
    job.command.argv = shell.argv();
    job.command.stores = {planned_store(source)};
    job.command.source_bucket = source.bucket;
    job.command.source_prefix = source.key;
    job.command.single = source.form == StoreUrl::Form::object;
    job.command.rule = std::move(rule);
    job.command.select = std::move(select);
    job.command.on_collision = on_collision_named(flags.on_collision);
    job.command.limit = flags.limit.value_or(UINT64_MAX);
    job.command.options = flags.options;
    if (job.command.single) {
        job.command.rule.to = literal(single_target(source, target));
        job.command.rule.target_prefix.clear();
    }
    return run_move_job(shell, flags.common, job);
}

}  // namespace dray
