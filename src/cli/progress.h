// Progress: one live line on a terminal, JSON lines for machines, nothing on a pipe. A thread of its own reads the
// counters.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "cli/shell.h"
#include "ops/life.h"
#include "store/registry.h"

namespace dray {

enum class ProgressStyle : std::uint8_t { automatic, none, json };  // automatic: a line when stderr is a terminal

class Progress {
public:
    // `repeats`: how often requests were repeated so far; called from another thread.
    Progress(Shell& shell, ProgressStyle style, std::function<Repeats()> repeats);
    ~Progress();  // takes its line away
    RunWatcher watcher();
    void finish();  // no more lines; idempotent

private:
    void loop();
    void begin_phase(const std::string& phase);
    void end_phase();
    std::string line() const;
    std::string counts(double seconds) const;
    std::string json(bool ended) const;
    double seconds() const;
    void show(const std::string& text);
    void clear();

    Shell& shell_;
    const ProgressStyle style_;
    const std::function<Repeats()> repeats_;
    PlanProgress planning_;
    RunProgress running_;
    mutable std::mutex mutex_;
    std::string phase_;
    SteadyTime phase_begun_{};
    bool line_shown_ = false;
    StopSource over_;
    std::thread thread_;
};

}  // namespace dray
