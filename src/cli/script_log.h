// ScriptLog: the log file of the segregation script, in its own lines: appended, and never in the way of the moves
// (lines that cannot be written are counted).
#pragma once

#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "job/journal.h"
#include "job/run_dir.h"

namespace dray {

class ScriptLog {
public:
    // `date` names the lines; `debug`: DEBUG lines too.
    ScriptLog(const std::string& path, const DateTime& date, bool debug)
        : date_(date), debug_(debug), file_(std::fopen(path.c_str(), "a")) {}
    ~ScriptLog();
    ScriptLog(const ScriptLog&) = delete;
    ScriptLog& operator=(const ScriptLog&) = delete;

    void line(std::string_view level, const std::string& text);
    std::uint64_t lost() const { return lost_; }

private:
    const DateTime date_;
    const bool debug_;
    std::FILE* file_;
    std::uint64_t lost_ = 0;
};

// What earlier starts have logged of a run: whatever was settled when its last process ended by itself. One that was
// killed has logged nothing of what it did, so nullopt: nothing.
Result<std::optional<ActionStates>> logged_before(const RunSummary& run);

// A line or more for every action that is settled, those in `logged` and the verdicts of a plan that was logged left
// out.
Status log_run(ScriptLog& log, const RunPaths& run, const std::optional<ActionStates>& logged);

}  // namespace dray
