// Asides: where the local store puts one name for a moment, out of every other program's sight, to see what it really
// holds before anything is destroyed. POSIX removes by name only, and a name may have got another file since it was
// looked at. docs/local-store.md says what a process that is killed leaves, and what becomes of it.
#pragma once

#include <cstdint>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "base/context.h"
#include "store/local_file.h"

namespace dray {

// A private directory in `directory` for an entry called `name`; what that entry may lose is told by the directory's
// own name, so that whoever finds it knows as much as its maker. It goes with the object, unless it is not empty.
class Aside {
public:
    // `doomed`: the file that may go; whatever else comes in here is given back.
    static Result<Aside> make(int directory, std::string name, const struct stat& doomed, const std::string& path);
    Aside(Aside&& other) noexcept = default;
    ~Aside();
    int fd() const { return fd_.get(); }
    // Unlinks what is inside if it is the doomed file. Anything else gets its name back, and where that was taken
    // meanwhile, one beside it that says so: error conflict, which names both.
    Status settle(const std::string& path) const;
    // Its name back, or one beside it. Error: conflict, which names both.
    Status give_back(const std::string& path) const;

private:
    Aside(int directory, std::string own, std::string name, Fd fd)
        : directory_(directory), own_(std::move(own)), name_(std::move(name)), fd_(std::move(fd)) {}
    int directory_;
    std::string own_, name_;
    Fd fd_;
};

// Unlinks `name` if it is `expected`: the same file, not written since, and open for writing in no program, which would
// lose what it writes after the copy. The caller holds the directory's lock. Errors, with the name as it was: conflict
// (another file has it), refused (it is open).
Status unlink_exactly(int directory, const std::string& name, const LocalFile& expected, const std::string& path);

// The same of a name that the file may lose at any moment, for it has another. Error, with the name as it was:
// conflict.
Status unlink_second_name(int directory, const std::string& name, const struct stat& file, const std::string& path);

// Where a directory was being made of `name`, or a plain file again of the directory (local_room.h): the file has two
// names, or the directory has something else in it by now. The second name is the only thing that recovery ever
// removes, for the file has its other one still. The caller holds the directory's lock.
enum class RoomFate : std::uint8_t { second_name_dropped, directory_given_back, other };
Result<RoomFate> settle_room(int directory, int aside, const std::string& name, const std::string& path);

// An aside that a killed process left: gives back what is in it, for it may be the last copy by now, and the program
// that had it open may write on. Where nobody touched it meanwhile, `own_changes` knows its ETag still. Waits for the
// directory's lock, for the aside may be a living process's. True: a name came back. Error: denied (another user's).
Result<bool> recover_aside(const Context& ctx, int directory, const std::string& aside, const std::string& path,
                           OwnChanges& own_changes);

// What writers left in `directory` when they died: asides, and temporary files of this user untouched for a day. What
// cannot be removed stays; nobody fails for it.
void sweep_leftovers(const Context& ctx, int directory, const std::string& path, OwnChanges& own_changes);

void warn_left_aside(const std::string& directory, std::string_view aside, const Error& error);

// Which directories this process has swept: once each is enough, and reading a large one takes a while. Thread-safe.
class Sweeps {
public:
    // `path`: of anything in it.
    void sweep_once(const Context& ctx, int directory, const std::string& path, OwnChanges& own_changes);

private:
    std::mutex mutex_;
    std::set<std::pair<dev_t, ino_t>> swept_;
};

}  // namespace dray
