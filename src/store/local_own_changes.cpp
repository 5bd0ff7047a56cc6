#include "store/local_own_changes.h"

#include <tuple>

#include "store/local_file.h"

namespace dray {
namespace {

// Files with several names, 10 MB of them; past that they are forgotten, and their objects count as changed.
constexpr std::size_t kRememberedChanges = 100'000;

bool before_or_at(const struct timespec& a, const struct timespec& b) {
    return std::tie(a.tv_sec, a.tv_nsec) <= std::tie(b.tv_sec, b.tv_nsec);
}

bool same_bytes(const struct stat& a, const struct stat& b) {
    return a.st_dev == b.st_dev && a.st_ino == b.st_ino && a.st_size == b.st_size &&
           modified_time(a) == modified_time(b);
}

}  // namespace

void OwnChanges::Change::done(const struct stat& after) {
    if (!same_bytes(before_, after)) return;
    const File file{after.st_dev, after.st_ino};
    const auto found = all_.changed_.find(file);
    if (found != all_.changed_.end() && before_or_at(found->second.told, before_.st_ctim) &&
        before_or_at(before_.st_ctim, found->second.last)) {
        found->second.last = after.st_ctim;
        return;
    }
    if (all_.changed_.size() >= kRememberedChanges) all_.changed_.clear();
    all_.changed_[file] = {.told = before_.st_ctim, .last = after.st_ctim};
}

std::string OwnChanges::etag(const struct stat& status) const {
    struct stat told = status;
    std::lock_guard lock(mutex_);
    const auto found = changed_.find({status.st_dev, status.st_ino});
    if (found != changed_.end() && before_or_at(found->second.told, status.st_ctim) &&
        before_or_at(status.st_ctim, found->second.last))
        told.st_ctim = found->second.told;
    return local_etag(told);
}

}  // namespace dray
