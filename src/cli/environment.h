// From flags to what the operations need: stores that open, a state directory, a watcher.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "cli/flags.h"
#include "cli/progress.h"
#include "cli/shell.h"
#include "ops/life.h"
#include "store/registry.h"
#include "store/url.h"

namespace dray {

// Opens stores by the flags of a command, and counts their requests together. Must outlive the RunEnvironments it made.
class StoreRoom {
public:
    StoreRoom(const Context& ctx, const CommonFlags& flags) : ctx_(ctx), flags_(flags) {}

    Result<std::unique_ptr<ObjectStore>> open(PlannedStore& store);
    std::map<std::string, std::uint64_t> requests() const;
    Repeats repeats() const;

private:
    const Context ctx_;
    const CommonFlags& flags_;
    mutable std::mutex mutex_;
    std::vector<std::function<std::map<std::string, std::uint64_t>()>> counters_;
    bool said_insecure_ = false;
    std::vector<std::function<Repeats()>> repeats_;
};

// --state, else the default; it need not be there yet. Error: local (no home).
Result<std::string> state_path(const CommonFlags& flags);

// Of one listing, at most: every one of them is a worker.
std::uint32_t list_streams(const CommonFlags& flags);

// Error: local (no state directory).
Result<RunEnvironment> run_environment(const CommonFlags& flags, StoreRoom& room, Progress& progress);

PlannedStore planned_store(const StoreUrl& url);

}  // namespace dray
