// The local store's hands: a bucket's directory, the names below it, and the files of objects. Nothing here follows a
// symbolic link or leaves the bucket: every step is one name relative to an open directory.
#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "base/file.h"
#include "store/local_keys.h"
#include "store/local_own_changes.h"
#include "store/local_sync.h"
#include "store/object_store.h"

namespace dray {

// errno as an Error that names the path: disk-full and read-only have their reasons and are fatal, EACCES and EPERM are
// denied.
Error io_error(std::string_view doing, std::string_view path, int number);

// What is on the disk is not what was once written: code local, reason "corrupt". Nothing was changed for it, and
// asking again changes nothing; the code corrupt is for answers that came over a line.
Error rotten(std::string message);

// "file-<inode>-<size>-<mtime>-<ctime>", hex: never mistaken for an MD5. The change time cannot be set by hand, so any
// change of content changes the ETag; so do chmod and a new hard link, which errs on the safe side.
std::string local_etag(const struct stat& status);
WallTime modified_time(const struct stat& status);

// Where an object's name is: the directory that holds it, open, and the name in it.
struct LocalPlace {
    Fd directory;
    std::string name;
};

// An object's file, open for reading. Its directory for side files is the place's.
struct LocalFile {
    Fd fd;
    struct stat status {};
    Fd inside;  // set when the name is a directory, with the body in it

    int directory(const LocalPlace& place) const { return inside ? inside.get() : place.directory.get(); }
    std::string name(const LocalPlace& place) const { return inside ? std::string(kSelfName) : place.name; }
};

class LocalBucket {
public:
    // Error: not_found, fatal (no such directory).
    static Result<LocalBucket> open(const std::string& directory);

    const std::string& directory() const { return directory_; }
    std::string path_of(std::string_view key) const { return directory_ + "/" + std::string(key); }
    int fd() const { return root_.get(); }

    // nullopt: a directory on the way is not there.
    Result<std::optional<LocalPlace>> find(std::string_view key) const;
    // The same, making directories on the way; an object in the way keeps its key and moves inside the directory that
    // takes its name. Every directory on the way is durable. Error: refused (a symbolic link or device is in the way).
    Result<LocalPlace> make(const Context& ctx, std::string_view key, LocalSync& sync, OwnChanges& own_changes) const;
    // Removes the directories above `key` that have become empty; never the bucket's own. One that holds the body of an
    // object and nothing more becomes the plain file of that object again.
    void prune(const Context& ctx, std::string_view key, LocalSync& sync, OwnChanges& own_changes) const;

private:
    LocalBucket(std::string directory, Fd root) : directory_(std::move(directory)), root_(std::move(root)) {}
    std::string directory_;
    Fd root_;
};

// Another process may remove a directory that became empty while we walk into it; each round makes it again.
inline constexpr int kWalkRounds = 100;

// A directory below another; an error keeps errno. A closed Fd with errno ENOENT, ENOTDIR or ELOOP: not there.
Fd open_directory(int parent, const std::string& name);

bool is_same_file(const struct stat& a, const struct stat& b);

// The file of an object may become the body in a directory of its name, and the plain file again, at any moment
// (local_room.h). So a body that is not found counts as missing only where the directory has its name still.
// nullopt: no object's file is there (nothing, a link, a device, a directory without a body).
Result<std::optional<LocalFile>> open_object(const LocalPlace& place, const std::string& path);
// The same without opening it. False, with errno: nothing is there. True also for what is no regular file.
bool stat_object(int directory, const std::string& name, struct stat& status);

// Up to `most` names in a directory, in no order. Error: it cannot be read, which says nothing of what is in it.
Result<std::vector<std::string>> some_names(int directory, std::size_t most, const std::string& path);

// Where the body is or would be: the name itself, or inside the directory of that name.
struct LocalTarget {
    Fd inside;  // set when the name is a directory
    std::string name;
    int directory(const LocalPlace& place) const { return inside ? inside.get() : place.directory.get(); }
};
Result<LocalTarget> target_of(const LocalPlace& place, const std::string& path);

// Every change of the objects of one directory happens under its lock (flock on the directory itself, so there is no
// file to leave behind), which all dray processes take. Waits as long as ctx allows; nothing is changed before it is
// held, so that a stop ends the wait at once.
Status lock_directory(const Context& ctx, int directory, const std::string& path);
void unlock_directory(int directory);

// A new, empty, private file that vanishes unless it is given a name by place(). `name()` is in the place's directory.
class TempFile {
public:
    // `mode` as for open(2): what the user's umask leaves of it.
    static Result<TempFile> make(int directory, const std::string& path, mode_t mode = 0666);
    TempFile(TempFile&&) noexcept = default;
    ~TempFile();
    int fd() const { return fd_.get(); }
    const std::string& name() const { return name_; }
    Status write(std::string_view bytes);
    void placed() { named_ = false; }

private:
    TempFile(int directory, std::string name, std::string path, Fd fd)
        : directory_(directory), name_(std::move(name)), path_(std::move(path)), fd_(std::move(fd)) {}
    int directory_;
    std::string name_, path_;
    Fd fd_;
    bool named_ = true;
};

std::string temp_name();
std::uint64_t random_number();  // not for secrets

}  // namespace dray
