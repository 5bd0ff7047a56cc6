#include "store/local_sync.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>

#include "store/local_file.h"

namespace dray {
namespace {

constexpr std::size_t kRemembered = 100'000;  // directories; past that they are learnt, and synced, anew

}  // namespace

LocalSync::LocalSync(bool durable, SyncCalls calls)
    : durable_(durable),
      calls_{.file = calls.file ? std::move(calls.file) : [](int fd) { return ::fsync(fd); },
             .file_system = calls.file_system ? std::move(calls.file_system) : [](int fd) { return ::syncfs(fd); }} {}

bool LocalSync::identify(int directory, const std::string& name, int flags, Identity& identity) {
    struct statx status {};
    if (::statx(directory, name.c_str(), flags | AT_SYMLINK_NOFOLLOW, STATX_INO | STATX_BTIME, &status) != 0) {
        return false;
    }
    identity = {::makedev(status.stx_dev_major, status.stx_dev_minor), status.stx_ino, status.stx_btime.tv_sec,
                status.stx_btime.tv_nsec};
    return true;
}

bool LocalSync::knows(const Identity& directory) {
    std::lock_guard lock(mutex_);
    return known_.contains(directory);
}

Status LocalSync::content(int fd, const std::string& path) {
    if (!durable_ || calls_.file(fd) == 0) return {};
    return io_error("sync", path, errno);
}

Status LocalSync::directory(int parent, const std::string& name, int child, const std::string& path) {
    if (!durable_) return {};
    Identity identity;
    if (!identify(child, "", AT_EMPTY_PATH, identity)) return io_error("look at the directory of", path, errno);
    if (knows(identity)) return {};
    // Another worker, or another process, may have made it and not have synced it yet, so we sync it too.
    if (calls_.file(parent) != 0) return io_error("sync the directory of", path, errno);
    std::lock_guard lock(mutex_);
    Identity now;
    // Pruned in between: whatever is called so now was not synced.
    if (!identify(parent, name, 0, now) || now != identity) return {};
    if (known_.size() >= kRemembered) known_.clear();
    known_.insert(identity);
    return {};
}

bool LocalSync::remove_directory(int parent, const std::string& name) {
    if (!durable_) return ::unlinkat(parent, name.c_str(), AT_REMOVEDIR) == 0;
    // The lock is held so that nobody learns the directory again between its end and our forgetting it.
    std::lock_guard lock(mutex_);
    Identity identity;
    const bool seen = identify(parent, name, 0, identity);
    if (::unlinkat(parent, name.c_str(), AT_REMOVEDIR) != 0) return false;
    if (seen) known_.erase(identity);
    return true;
}

Status LocalSync::leftovers(int bucket, const std::string& path) {
    if (!durable_) return {};
    Identity identity;
    if (!identify(bucket, "", AT_EMPTY_PATH, identity)) return io_error("look at", path, errno);
    {
        std::lock_guard lock(mutex_);
        if (settled_.contains(identity)) return {};
    }
    if (calls_.file_system(bucket) != 0) return io_error("sync the file system of", path, errno);
    std::lock_guard lock(mutex_);
    settled_.insert(identity);
    return {};
}

}  // namespace dray
