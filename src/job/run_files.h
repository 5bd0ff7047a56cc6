// What the run directory and the scope locks share inside the room.
#pragma once

#include <optional>
#include <string>

#include "job/run_dir.h"

namespace dray {

inline std::string run_lock(const RunPaths& run) {
    return run.directory + "/lock";
}
// A process holds the run's lock now. Asks without taking it, so that nobody is refused because somebody looked.
bool run_is_live(const RunPaths& run);
// The end line, where the journal closes with one. Reads the last few lines only and proves nothing: for lists.
std::optional<RunEnd> journal_end(const std::string& path);
// The run is removed, and what it held is free.
Status forget_scopes(const StateDirectory& state, const std::string& run_id);

}  // namespace dray
