// The commands. Each returns the exit code; an Error is complained about by the caller, which takes the code from it.
#pragma once

#include "cli/flags.h"
#include "cli/shell.h"

namespace dray {

Result<int> run_list(Shell& shell, const ListFlags& flags);
Result<int> run_move(Shell& shell, const MoveFlags& flags);
Result<int> run_copy(Shell& shell, const CopyFlags& flags);
Result<int> run_segregate(Shell& shell, const SegregateFlags& flags);
Result<int> run_apply(Shell& shell, const RunFlags& flags);
Result<int> run_resume(Shell& shell, const RunFlags& flags);
Result<int> run_undo(Shell& shell, const RunFlags& flags);
Result<int> run_verify(Shell& shell, const RunFlags& flags);
Result<int> run_status_command(Shell& shell, const RunFlags& flags);
Result<int> run_report(Shell& shell, const RunFlags& flags);
Result<int> run_runs(Shell& shell, const RunsFlags& flags);

// Shared by mv, cp and segregate: plan, then show (dry run), keep (plan only) or apply.
struct MoveJob {
    MoveCommand command;
    bool dry_run = false, plan_only = false;
    std::string explain;
};
Result<int> run_move_job(Shell& shell, const CommonFlags& flags, const MoveJob& job);

// `dray compat NAME ARGS...`, or argv[0] = NAME: the old command lines. Returns their own exit status.
int run_compat(Shell& shell, const std::string& name, const std::vector<std::string>& arguments);
bool is_compat_name(const std::string& name);
std::string_view compat_usage();

}  // namespace dray
