// TemporaryState: a directory below the state directory that goes away with its object: what dry runs and sorted
// listings need and nobody keeps. Not in TMPDIR, which may be memory: the plan of a hundred million objects is not.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/result.h"

namespace dray {

class TemporaryState {
public:
    // Below `state`, which is made when missing and then goes away too. Sweeps what killed processes left. Error:
    // local.
    static Result<TemporaryState> make(const std::string& state);
    TemporaryState(TemporaryState&& other) noexcept = default;
    TemporaryState& operator=(TemporaryState&&) = delete;
    ~TemporaryState();
    const std::string& path() const { return path_; }

private:
    TemporaryState(std::string path, FileLock lock, std::vector<std::string> made)
        : path_(std::move(path)), lock_(std::move(lock)), made_(std::move(made)) {}
    std::string path_;
    std::optional<FileLock> lock_;   // while it is held, nobody sweeps the directory; none: moved from
    std::vector<std::string> made_;  // directories that were not there before, the innermost first
};

}  // namespace dray
