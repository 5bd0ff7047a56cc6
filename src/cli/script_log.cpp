#include "cli/script_log.h"

#include "base/file.h"
#include "base/log.h"
#include "job/joined.h"
#include "ops/segregate.h"

namespace dray {
namespace {

void log_move(ScriptLog& log, const Action& action, const std::string& failure) {
    if (action.reason == "no-match") log.line("ERROR", "no match found: " + action.from.key);
    if (action.reason == "no-date" || action.reason == "group-unset")
        log.line("ERROR", "fail to convert date: " + action.from.key);
    if (failure.empty())
        log.line("DEBUG", "moved " + action.from.key + " to " + action.to.key);
    else
        log.line("ERROR", "Error moving " + action.from.key + " to " + action.to.key + ": " + failure);
}

void log_skip(ScriptLog& log, const Action& action, const std::string& reason) {
    log.line("DEBUG", "skipped " + action.from.key + ": " + reason);
}

void log_action(ScriptLog& log, const JoinedAction& joined) {
    const Action& action = joined.action;
    if (action.what == Do::skip) return log_skip(log, action, action.reason);
    if (action.what == Do::fail) return log_move(log, action, action.reason);
    if (!joined.final) return;
    if (joined.final->state == ReceiptState::skipped) return log_skip(log, action, joined.final->reason);
    log_move(log, action, joined.final->state == ReceiptState::failed ? joined.final->reason : "");
}

}  // namespace

ScriptLog::~ScriptLog() {
    if (file_ && std::fclose(file_) != 0) ++lost_;
}

void ScriptLog::line(std::string_view level, const std::string& text) {
    if (level == "DEBUG" && !debug_) return;
    const std::string bytes = segregate_log_line(local(real_clock().wall()), level, date_, printable(text));
    if (!file_ || std::fwrite(bytes.data(), 1, bytes.size(), file_) != bytes.size() || std::fflush(file_) != 0) ++lost_;
}

Result<std::optional<ActionStates>> logged_before(const RunSummary& run) {
    if (run.phase != RunPhase::stopped) return std::optional<ActionStates>();
    TRY_LET(plan, PlanReader::open(run.paths.plan()));
    ActionStates states(plan.size());
    TRY(read_journal(run.paths.journal(), [&](const JournalLine& line) { return states.apply(line); }));
    return std::optional(std::move(states));
}

Status log_run(ScriptLog& log, const RunPaths& run, const std::optional<ActionStates>& logged) {
    TRY_LET(plan, PlanReader::open(run.plan()));
    TRY(make_directories(run.scratch()));
    TRY_LET(joined, JoinedReader::open(plan, run.journal(), run.scratch()));
    for (;;) {
        TRY_LET(next, joined.next());
        if (!next) return {};
        const bool verdict = next->action.what == Do::skip || next->action.what == Do::fail;
        if (logged && (verdict || logged->get(next->action.n) == ActionState::final)) continue;
        log_action(log, *next);
    }
}

}  // namespace dray
