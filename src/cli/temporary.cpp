#include "cli/temporary.h"

#include <cstdlib>
#include <filesystem>

#include "job/run_dir.h"

namespace dray {
namespace {

namespace fs = std::filesystem;

constexpr int kTries = 10;  // against sweepers that come between the making of a directory and its lock

std::string lock_of(const fs::path& directory) {
    return (directory / "lock").string();
}

std::vector<std::string> missing_directories(const fs::path& directory) {
    std::vector<std::string> missing;
    std::error_code unreadable;  // then making it will say why
    for (fs::path each = directory; each.has_relative_path() && !fs::exists(each, unreadable);
         each = each.parent_path())
        missing.push_back(each.string());
    return missing;
}

// What is not locked belongs to a process that is gone.
void sweep(const fs::path& scratch) {
    std::error_code ignored;  // a leftover is nobody's data, and the next one sweeps again
    for (const auto& entry : fs::directory_iterator(scratch, ignored)) {
        const auto lock = FileLock::try_lock(lock_of(entry.path()));
        if (lock && lock->has_value()) fs::remove_all(entry.path(), ignored);
    }
}

}  // namespace

Result<TemporaryState> TemporaryState::make(const std::string& state) {
    const fs::path scratch = fs::path(state) / "scratch";
    std::vector<std::string> made = missing_directories(scratch);
    TRY(check_state_directory(state));
    for (int i = 0; i < kTries; ++i) {
        TRY(make_directories(scratch.string()));
        sweep(scratch);
        std::string path = (scratch / "XXXXXX").string();
        if (!mkdtemp(path.data())) continue;
        auto lock = FileLock::try_lock(lock_of(path));
        if (lock && lock->has_value()) return TemporaryState(std::move(path), **std::move(lock), std::move(made));
    }
    return Error{.code = Code::local,
                 .message = "cannot make a directory in " + scratch.string() + "; choose another place with --state"};
}

TemporaryState::~TemporaryState() {
    if (!lock_) return;
    std::error_code ignored;  // what stays is swept by the next one
    fs::remove_all(path_, ignored);
    for (const std::string& directory : made_)
        fs::remove(directory, ignored);  // unless others use it by now
}

}  // namespace dray
