// JoinedReader: a plan and what its journal says of each action, in order of n, in bounded memory. Undo, verify, report
// and the engine's own resume read a run through it.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "job/journal.h"
#include "job/plan.h"

namespace dray {

struct JoinedAction {
    Action action;
    ActionState state = ActionState::none;
    std::optional<Receipt> copied;  // the last `copied` receipt
    std::optional<Receipt> final;   // the last final receipt; nullopt: none, or reopened since
    std::string was;                // the old values of the last `read` line, JSON; empty: none
    // R22: no process may have changed anything for it.
    bool untouched() const { return state == ActionState::none || (final && final->untouched); }
};

// Not thread-safe.
class JoinedReader {
public:
    // Sorts the journal's receipts into `scratch` (a directory). `plan` is borrowed and read from its start. A journal
    // that is not there counts as empty. Errors: as read_journal(); corrupt (the journal belongs to another plan);
    // local.
    static Result<JoinedReader> open(PlanReader& plan, const std::string& journal_path, const std::string& scratch);
    JoinedReader(JoinedReader&&) noexcept;
    ~JoinedReader();
    Result<std::optional<JoinedAction>> next();
    const JournalSummary& journal() const;
    bool has_journal() const;

private:
    struct Impl;
    explicit JoinedReader(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace dray
