#include "store/local_room.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "store/local_aside.h"
#include "store/local_file.h"
#include "store/local_keys.h"

namespace dray {
namespace {

// After the exchange the name's former file is in the aside. Where it is not the body that the directory has now,
// somebody gave the name a new file at the last moment, and that one is the object.
Status drop_former(const Aside& aside, int inside, const std::string& name, const struct stat& body,
                   const std::string& path) {
    struct stat former {};
    if (::fstatat(aside.fd(), name.c_str(), &former, AT_SYMLINK_NOFOLLOW) != 0)
        return io_error("look at what was put aside of", path, errno);
    const bool is_body = is_same_file(former, body);
    if (is_body && ::unlinkat(aside.fd(), name.c_str(), 0) != 0) return io_error("remove a name of", path, errno);
    if (is_body) return {};
    if (S_ISREG(former.st_mode) && ::renameat(aside.fd(), name.c_str(), inside, kSelfName.data()) == 0) return {};
    return aside.settle(path);
}

}  // namespace

Status make_room(const Context& ctx, int directory, const std::string& name, const std::string& path, LocalSync& sync,
                 OwnChanges& own_changes) {
    Fd own(::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!own) return io_error("open directory", path, errno);
    TRY(lock_directory(ctx, own.get(), path));
    struct stat body {};
    if (::fstatat(directory, name.c_str(), &body, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(body.st_mode)) return {};
    TRY_LET(aside, Aside::make(directory, name, body, path));
    if (::mkdirat(aside.fd(), name.c_str(), 0777) != 0) return io_error("make directory beside", path, errno);
    Fd inside = open_directory(aside.fd(), name);

    OwnChanges::Change change = own_changes.begin(body);
    struct stat linked {};
    bool ready = inside && ::linkat(directory, name.c_str(), inside.get(), kSelfName.data(), 0) == 0 &&
                 ::fstatat(inside.get(), kSelfName.data(), &linked, AT_SYMLINK_NOFOLLOW) == 0;
    int number = ready ? 0 : errno;
    const bool is_body = ready && linked.st_ino == body.st_ino;
    // The body is durable inside before the directory takes its name.
    Status done = is_body ? sync.content(inside.get(), path) : Status();
    if (is_body && done) {
        if (::renameat2(aside.fd(), name.c_str(), directory, name.c_str(), RENAME_EXCHANGE) == 0) {
            done = drop_former(aside, inside.get(), name, body, path);
            if (::fstatat(inside.get(), kSelfName.data(), &linked, AT_SYMLINK_NOFOLLOW) == 0) change.done(linked);
            return done;
        }
        number = errno;
    }
    if (inside) ::unlinkat(inside.get(), kSelfName.data(), 0);
    ::unlinkat(aside.fd(), name.c_str(), AT_REMOVEDIR);
    if (::fstatat(directory, name.c_str(), &linked, AT_SYMLINK_NOFOLLOW) == 0) change.done(linked);
    TRY(std::move(done));
    const bool others_were_faster = number == 0 ||
                                    ::fstatat(directory, name.c_str(), &linked, AT_SYMLINK_NOFOLLOW) != 0 ||
                                    !S_ISREG(linked.st_mode);
    return others_were_faster ? Status() : Status(io_error("make a directory of", path, number));
}

namespace {

// A directory that is given up, and what is known of it.
struct Room {
    int directory = -1;  // that holds it, locked
    int inside = -1;     // the directory itself, locked
    const std::string& name;
    const std::string& path;
    struct stat body {};
};

// What another process has begun in it, a file half written or a directory, keeps it.
Result<bool> holds_only_its_body(int inside, const std::string& path) {
    TRY_LET(names, some_names(inside, 2, path));
    return names.size() == 1 && names[0] == kSelfName;
}

// After the exchange the directory is in the aside: only who had it open before finds it there. Where somebody has put
// something into it, or another directory got the name at the last moment, it gets the name back.
Status drop_room(const Aside& aside, const Room& room, LocalSync& sync) {
    struct stat former {
    }, inside{}, body{};
    TRY_LET(alone, holds_only_its_body(room.inside, room.path));
    const bool as_seen = alone && ::fstatat(aside.fd(), room.name.c_str(), &former, AT_SYMLINK_NOFOLLOW) == 0 &&
                         ::fstat(room.inside, &inside) == 0 && is_same_file(former, inside) &&
                         ::fstatat(room.inside, kSelfName.data(), &body, AT_SYMLINK_NOFOLLOW) == 0 &&
                         is_same_file(body, room.body);
    // Whoever is in it may put another file there until it is gone.
    const bool gone = as_seen && unlink_second_name(room.inside, std::string(kSelfName), body, room.path) &&
                      sync.remove_directory(aside.fd(), room.name);
    if (!gone) {
        TRY_LET(fate, settle_room(room.directory, aside.fd(), room.name, room.path));
        if (fate == RoomFate::other) return aside.give_back(room.path);
    }
    return sync.content(room.directory, room.path);
}

Status exchange_for_body(const Aside& aside, const Room& room, LocalSync& sync) {
    struct stat linked {};
    if (::linkat(room.inside, kSelfName.data(), aside.fd(), room.name.c_str(), 0) != 0 ||
        ::fstatat(aside.fd(), room.name.c_str(), &linked, AT_SYMLINK_NOFOLLOW) != 0)
        return io_error("give a second name to", room.path, errno);
    // This name of the body lasts before its other one goes.
    Status done = sync.content(aside.fd(), room.path);
    if (done && is_same_file(linked, room.body)) {
        if (::renameat2(aside.fd(), room.name.c_str(), room.directory, room.name.c_str(), RENAME_EXCHANGE) == 0)
            return drop_room(aside, room, sync);
        done = io_error("make a plain file of", room.path, errno);
    }
    ::unlinkat(aside.fd(), room.name.c_str(), 0);
    return done;
}

}  // namespace

Status give_up_room(const Context& ctx, int directory, const std::string& name, const std::string& path,
                    LocalSync& sync, OwnChanges& own_changes) {
    struct stat there {};
    const std::string self = name + "/" + std::string(kSelfName);
    if (::fstatat(directory, self.c_str(), &there, AT_SYMLINK_NOFOLLOW) != 0) return {};  // as nearly always
    const Fd own(::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!own) return io_error("open directory", path, errno);
    const Fd seen = open_directory(own.get(), name);
    if (!seen) return {};
    TRY_LET(alone_before, holds_only_its_body(seen.get(), path));
    if (!alone_before) return {};
    TRY(lock_directory(ctx, own.get(), path));
    // Whoever gives a name in it, or makes a directory there, holds this one.
    TRY(lock_directory(ctx, seen.get(), path));
    const Fd body(::openat(seen.get(), kSelfName.data(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    Room room{.directory = own.get(), .inside = seen.get(), .name = name, .path = path};
    TRY_LET(alone, holds_only_its_body(seen.get(), path));
    if (!alone || !body || ::fstat(body.get(), &room.body) != 0 || !S_ISREG(room.body.st_mode)) return {};
    TRY_LET(aside, Aside::make(own.get(), name, room.body, path));
    OwnChanges::Change change = own_changes.begin(room.body);
    Status done = exchange_for_body(aside, room, sync);
    struct stat after {};
    if (::fstat(body.get(), &after) == 0) change.done(after);
    return done;
}

}  // namespace dray
