// TemporaryState: a directory in TMPDIR that goes away with its object: what dry runs and sorted listings need and
// nobody keeps.
#pragma once

#include <string>
#include <utility>

#include "base/result.h"

namespace dray {

class TemporaryState {
public:
    static Result<TemporaryState> make();
    TemporaryState(TemporaryState&& other) noexcept : path_(std::exchange(other.path_, {})) {}
    TemporaryState& operator=(TemporaryState&&) = delete;
    ~TemporaryState();
    const std::string& path() const { return path_; }

private:
    explicit TemporaryState(std::string path) : path_(std::move(path)) {}
    std::string path_;
};

}  // namespace dray
