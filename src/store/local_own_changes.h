// What dray itself did to files that go on being objects. docs/local-store.md, "ETag".
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>

namespace dray {

// A link or an unlink of ours changes the change time of a file, and with it the ETag under all of its names, though
// nobody changed the object. This remembers what its ETag was, for as long as the store lives. Thread-safe.
class OwnChanges {
public:
    // A change under way: until it ends, nobody is told an ETag, which might be one in between.
    class Change {
    public:
        // `after` is the same file as before, and was changed by nobody else in between.
        void done(const struct stat& after);

    private:
        friend class OwnChanges;
        Change(OwnChanges& all, const struct stat& before) : lock_(all.mutex_), all_(all), before_(before) {}
        std::unique_lock<std::mutex> lock_;
        OwnChanges& all_;
        struct stat before_;
    };
    // The caller holds it no longer than it takes, and asks for no ETag meanwhile.
    Change begin(const struct stat& before) { return Change(*this, before); }

    // local_etag(), as it was before changes of ours.
    std::string etag(const struct stat& status) const;

private:
    using File = std::pair<std::uint64_t, std::uint64_t>;  // device, inode
    struct Times {
        struct timespec told {};  // the change time in the ETag
        struct timespec last {};  // those from `told` up to this one are ours
    };

    mutable std::mutex mutex_;
    std::map<File, Times> changed_;
};

}  // namespace dray
