#include "cli/run_text.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/counted.h"
#include "base/json.h"
#include "base/log.h"
#include "base/time.h"
#include "job/plan.h"

namespace dray {
namespace {

constexpr std::size_t kFoldersShown = 20;
constexpr std::size_t kFoldersCounted = 10'000;  // further ones are counted together: memory stays bounded

std::string line(const std::string& text) {
    return text + "\n";
}

std::string padded(std::string text, std::size_t width) {
    text.resize(std::max(text.size(), width), ' ');
    return text;
}

struct Folder {
    std::uint64_t objects = 0, bytes = 0;
    std::string sample;
};

// "s3://bucket/out/2022/12/" of a target.
std::string folder_of(const Side& side) {
    const std::size_t slash = side.key.rfind('/');
    return side.bucket + "/" + (slash == std::string::npos ? std::string() : side.key.substr(0, slash + 1));
}

class Folders {
public:
    void add(const Action& action) {
        const std::string name = folder_of(action.to);
        if (!folders_.contains(name) && folders_.size() >= kFoldersCounted) {
            ++others_;
            return;
        }
        Folder& folder = folders_[name];
        if (folder.objects++ == 0) folder.sample = action.from.key + " -> " + action.to.key;
        folder.bytes += action.from.size;
    }

    void print(Shell& shell) const {
        std::size_t shown = 0;
        for (const auto& [name, folder] : folders_) {
            if (++shown > kFoldersShown) break;
            shell.print(line("  " + padded(with_commas(folder.objects), 9) + padded(human_bytes(folder.bytes), 10) +
                             printable(name)));
            shell.print(line("                     " + printable(folder.sample)));
        }
        if (folders_.size() > kFoldersShown)
            shell.print(line("  ... and " + counted(folders_.size() - kFoldersShown, "more folder") +
                             "; --json lists every action"));
        if (others_ > 0) shell.print(line("  ... and " + counted(others_, "object") + " in further folders"));
    }

private:
    std::map<std::string, Folder> folders_;
    std::uint64_t others_ = 0;
};

std::uint64_t sum(const std::map<std::string, std::uint64_t>& by) {
    std::uint64_t all = 0;
    for (const auto& [word, count] : by)
        all += count;
    return all;
}

std::string balance_line(const Balance::Totals& balance) {
    return "  listed " + with_commas(balance.listed) + " = done " + with_commas(balance.done) + " + skipped " +
           with_commas(balance.skipped) + " + failed " + with_commas(balance.failed) + " + left " +
           with_commas(balance.left);
}

void balance_json(JsonWriter& json, const Balance::Totals& balance) {
    json.name("balance").begin_object();
    json.field("listed", balance.listed).field("done", balance.done).field("skipped", balance.skipped);
    json.field("failed", balance.failed).field("left", balance.left).end_object();
}

void reasons_json(JsonWriter& json, std::string_view name, const std::map<std::string, std::uint64_t>& by) {
    json.name(name).begin_object();
    for (const auto& [word, count] : by)
        json.field(word, count);
    json.end_object();
}

std::string headline(const RunResult& result) {
    return std::string(outcome_of(result)) + (result.outside > 0 ? ", of a listing that was not whole" : "") +
           (result.balance.failed > 0 ? ", with failures" : "");
}

// What makes sense now, and nothing else: what changed nothing has nothing to prove, and an undo is not undone.
void next_commands(Shell& shell, const RunResult& result) {
    const std::string id = shell_word(result.run.id);
    const bool changed = result.balance.done + result.balance.left > 0;
    if (!result.finished()) shell.print(line("  go on:     dray resume " + id));
    if (changed) shell.print(line("  prove:     dray verify " + id));
    if (result.balance.failed > 0) shell.print(line("  failures:  dray report " + id));
    if (result.reopenable > 0 && result.finished())
        shell.print(line("  try again: dray resume " + id + "    (when their cause is gone)"));
    if (changed && result.undoes.empty()) shell.print(line("  take back: dray undo " + id));
}

void counts_json(JsonWriter& json, const Balance::Totals& balance) {
    balance_json(json, balance);
    reasons_json(json, "done_by", balance.done_by);
    reasons_json(json, "skipped_by", balance.skipped_by);
    reasons_json(json, "failed_by", balance.failed_by);
}

// The first line of a plan's actions: which run they are (a dry run keeps none), and their sums.
std::string plan_json(const PlannedRun& planned, bool kept) {
    std::string text;
    JsonWriter json(text);
    const PlanTotals& totals = planned.totals;
    json.begin_object();
    if (kept)
        json.field("run", planned.run.id);
    else
        json.field("dry_run", true);
    json.field("listed", totals.listed).field("effects", totals.effects).field("bytes", totals.bytes);
    json.field("targets_existing", totals.targets_existing);
    if (totals.outside > 0) json.field("outside", totals.outside).bytes_field("first_outside", totals.first_outside);
    reasons_json(json, "skipped_by", totals.skipped);
    reasons_json(json, "failed_by", totals.failed);
    json.end_object();
    return text;
}

std::string number(double amount) {
    return with_commas(static_cast<std::uint64_t>(std::ceil(amount)));
}

// What the run will send: what the store guarantees decides, and only a probe tells that.
std::string bill_line(const PlannedRun& planned) {
    const auto objects = static_cast<double>(planned.totals.effects);
    if (planned.totals.effects == 0) return {};
    const std::string least = number(objects * planned.requests_least), most = number(objects * planned.requests_most);
    return line(
        "  requests: " + (least == most ? "about " + most : least + " to " + most + ", as the store turns out") +
        ", for " + counted(planned.totals.effects, "object") + "; beside listings and the probe");
}

}  // namespace

std::string reasons_line(const char* label, const std::map<std::string, std::uint64_t>& by) {
    if (by.empty()) return {};
    std::string text = "  " + padded(label, 9);
    const char* separator = "";
    for (const auto& [word, count] : by) {
        text += separator + word + " " + with_commas(count);
        separator = ", ";
    }
    return line(text);
}

std::string outside_sentence(const std::string& listing, std::uint64_t keys, const std::string& first) {
    return "the listing of " + listing + " told " + counted(keys, "key") + " that nobody asked for, the first " +
           in_quotes(first) +
           "; such keys are dropped, and others may be missing, so this is not all done (exit 1): ask who runs the "
           "store, then list again";
}

Status print_plan(Shell& shell, const PlannedRun& planned, bool json, bool kept) {
    if (json) shell.print(line(plan_json(planned, kept)));
    TRY_LET(plan, PlanReader::open(planned.run.plan(), planned.checksum));
    Folders folders;
    for (;;) {
        TRY_LET(action, plan.next());
        if (!action) break;
        std::string text;
        if (json) {
            write_action(text, *action);
            shell.print(text);
        } else if (action->what != Do::skip && action->what != Do::fail) {
            folders.add(*action);
        }
    }
    if (json) return {};
    const PlanTotals& totals = planned.totals;
    const bool copies = planned.what == Do::copy;
    shell.print(line("plan: " + with_commas(totals.effects) + " of " + with_commas(totals.listed) +
                     " objects would be " + (copies ? "copied, " : "moved, ") + human_bytes(totals.bytes)));
    shell.print(reasons_line("skip", totals.skipped) + reasons_line("fail", totals.failed));
    if (totals.targets_existing > 0)
        shell.print(line("  " + counted(totals.targets_existing, "target") + " there already: " +
                         (copies ? "equal ones are skipped, --overwrite decides about others"
                                 : "equal ones finish the move, others are conflicts")));
    if (totals.outside > 0) shell.complain(outside_sentence("source or target", totals.outside, totals.first_outside));
    folders.print(shell);
    shell.print(bill_line(planned));
    return {};
}

void print_result(Shell& shell, const RunResult& result, const CommonFlags& flags) {
    if (flags.json) {
        std::string text;
        JsonWriter json(text);
        json.begin_object().field("run", result.run.id).field("outcome", outcome_of(result));
        counts_json(json, result.balance);
        reasons_json(json, "properties_lost", result.balance.lost);
        reasons_json(json, "requests", result.requests);
        if (result.outside > 0)
            json.field("outside", result.outside).bytes_field("first_outside", result.first_outside);
        json.name("seconds").number(result.seconds);
        json.end_object();
        shell.print(line(text));
        return;
    }
    if (result.outside > 0) shell.complain(outside_sentence("source or target", result.outside, result.first_outside));
    const double rate = result.seconds > 0 ? static_cast<double>(result.balance.done) / result.seconds : 0;
    shell.print(line("run " + result.run.id + " " + headline(result) + ": " + with_commas(result.balance.done) +
                     " done in " + human_seconds(result.seconds) +
                     (rate >= 1 ? ", " + with_commas(static_cast<std::uint64_t>(rate)) + "/s" : "") + ", " +
                     counted(sum(result.requests), "request")));
    shell.print(line(balance_line(result.balance)));
    shell.print(reasons_line("done", result.balance.done_by) + reasons_line("skipped", result.balance.skipped_by) +
                reasons_line("failed", result.balance.failed_by) + reasons_line("lost", result.balance.lost));
    if (!flags.quiet) next_commands(shell, result);
}

void print_finding(Shell& shell, const VerifyFinding& finding) {
    std::string text;
    JsonWriter json(text);
    json.begin_object().field("n", finding.action->n).field("verdict", finding.bad ? "bad" : "unknown");
    json.field("reason", finding.reason).bytes_field("key", finding.action->from.key);
    json.bytes_field("to", finding.action->to.key).bytes_field("detail", finding.detail).end_object();
    shell.print(line(text));
}

void print_verify(Shell& shell, const VerifyResult& result, bool json_lines) {
    if (json_lines) {
        std::string text;
        JsonWriter json(text);
        json.begin_object().field("run", result.run.id);
        if (!result.undone_by.empty()) json.field("undone_by", result.undone_by);
        json.field("checked", result.checked).field("good", result.good);
        json.field("bad", result.bad).field("unknown", result.unknown);
        reasons_json(json, "by", result.bad_by);
        json.end_object();
        shell.print(line(text));
        return;
    }
    shell.print(line("verify " + result.run.id + ": checked " + with_commas(result.checked) + " = good " +
                     with_commas(result.good) + " + bad " + with_commas(result.bad) + " + unknown " +
                     with_commas(result.unknown)));
    for (const std::string& example : result.examples)
        shell.print(line("  " + example));
    const std::uint64_t unnamed = result.bad + result.unknown - result.examples.size();
    if (unnamed > 0)
        shell.print(
            line("  ... and " + with_commas(unnamed) + " more: dray verify " + shell_word(result.run.id) + " --json"));
}

void print_status(Shell& shell, const RunStatus& status, bool json_lines) {
    const RunSummary& run = status.summary;
    if (json_lines) {
        std::string text;
        JsonWriter json(text);
        json.begin_object().field("run", run.paths.id).field("command", run.command).field("phase", name_of(run.phase));
        json.field("live", run.live);
        if (!run.sealed_by.empty()) json.field("sealed_by", run.sealed_by);
        counts_json(json, status.balance);
        json.field("copied", status.copied).field("doubtful", status.doubtful).end_object();
        shell.print(line(text));
        return;
    }
    shell.print(line("run " + run.paths.id + "  " + run.command + "  " + std::string(name_of(run.phase)) +
                     (run.live ? ", at work now" : "") +
                     (run.sealed_by.empty() ? "" : ", taken over by its undo " + run.sealed_by)));
    if (!status.planned) {
        shell.print(line("  no plan: it ended while planning and changed nothing"));
        return;
    }
    shell.print(line(balance_line(status.balance)));
    shell.print(reasons_line("done", status.balance.done_by) + reasons_line("skipped", status.balance.skipped_by) +
                reasons_line("failed", status.balance.failed_by));
    if (status.copied + status.doubtful > 0)
        shell.print(line("  of those left: " + with_commas(status.copied) + " copied but not deleted, " +
                         with_commas(status.doubtful) + " to be looked at"));
}

void print_runs(Shell& shell, const std::vector<RunSummary>& runs, bool json_lines) {
    if (runs.empty() && !json_lines) shell.print(line("no runs"));
    for (const RunSummary& run : runs) {
        if (json_lines) {
            std::string text;
            JsonWriter json(text);
            json.begin_object()
                .field("run", run.paths.id)
                .field("command", run.command)
                .field("phase", name_of(run.phase));
            json.field("live", run.live).field("made_at", iso8601(run.made_at));
            if (!run.sealed_by.empty()) json.field("sealed_by", run.sealed_by);
            if (!run.parent.empty()) json.field("undoes", run.parent);
            json.end_object();
            shell.print(line(text));
            continue;
        }
        shell.print(line(padded(run.paths.id, 24) + padded(run.command, 11) +
                         padded(std::string(name_of(run.phase)), 10) + iso8601(run.made_at).substr(0, 19) +
                         (run.live ? "  at work" : "") +
                         (run.sealed_by.empty() ? "" : "  taken over by its undo " + run.sealed_by) +
                         (run.parent.empty() ? "" : "  undoes " + run.parent)));
    }
}

}  // namespace dray
