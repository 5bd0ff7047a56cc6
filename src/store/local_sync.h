// What a power cut may not take back: files, names and directories of the local store. See docs/local-store.md.
#pragma once

#include <sys/types.h>

#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <tuple>

#include "base/result.h"

namespace dray {

// The calls that make things durable. Tests put their own in, to order, count and refuse them.
struct SyncCalls {
    std::function<int(int fd)> file;         // as fsync(2), which is the default
    std::function<int(int fd)> file_system;  // as syncfs(2), which is the default
};

// Thread-safe. One per store.
class LocalSync {
public:
    // Not durable: every call below that only syncs does nothing.
    LocalSync(bool durable, SyncCalls calls);

    // A file's content, or the names in a directory.
    Status content(int fd, const std::string& path);

    // The directory `child`, called `name` in `parent`, stays there: when this returns, whoever made it, the parent
    // was synced after it had that name. Syncs only where this store does not know it yet, so once a directory.
    Status directory(int parent, const std::string& name, int child, const std::string& path);

    // rmdir: what takes the place of a directory is not known. False: not empty, or not there.
    bool remove_directory(int parent, const std::string& name);

    // What a process that was killed left unsynced in the bucket is durable; once a bucket.
    Status leftovers(int bucket, const std::string& path);

private:
    // Device, inode and time of birth: an inode's number is given out again.
    using Identity = std::tuple<std::uint64_t, std::uint64_t, std::int64_t, std::uint32_t>;
    static bool identify(int directory, const std::string& name, int flags, Identity& identity);
    bool knows(const Identity& directory);

    const bool durable_;
    const SyncCalls calls_;
    std::mutex mutex_;
    std::set<Identity> known_;    // guarded
    std::set<Identity> settled_;  // guarded: buckets without leftovers
};

}  // namespace dray
