#include "store/local_aside.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <memory>
#include <optional>

#include "base/log.h"
#include "store/local_keys.h"

namespace dray {
namespace {

constexpr std::chrono::hours kLeftoverAge{24};       // no write takes that long without touching its file
constexpr std::size_t kLongestName = 255;            // bytes
constexpr std::chrono::milliseconds kOneRename{10};  // a rename stamps the file and the directory a clock tick apart

// A file, as far as a rename leaves it alone: the change time is the rename's own.
struct Doomed {
    std::uint64_t inode = 0, size = 0, modified_ns = 0;
    bool operator==(const Doomed&) const = default;
};
std::uint64_t nanoseconds_of(const timespec& time) {
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(time.tv_nsec);
}
Doomed doomed_of(const struct stat& status) {
    return {status.st_ino, static_cast<std::uint64_t>(status.st_size), nanoseconds_of(status.st_mtim)};
}

// What an aside's name says: the file, and its change time before it was put aside, which is in its ETag.
struct AsideName {
    Doomed doomed;
    timespec changed{};
};

std::optional<std::uint64_t> hex_number(std::string_view& text) {
    const std::string_view digits = text.substr(0, text.find('-'));
    std::uint64_t number = 0;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), number, 16);
    if (read.ec != std::errc() || read.ptr != digits.data() + digits.size()) return std::nullopt;
    text.remove_prefix(std::min(text.size(), digits.size() + 1));
    return number;
}

std::optional<AsideName> read_aside_name(std::string_view name) {
    if (!is_aside_name(name)) return std::nullopt;
    name.remove_prefix(kAsidePrefix.size());
    const auto inode = hex_number(name), size = hex_number(name), modified = hex_number(name),
               changed = hex_number(name);
    if (!inode || !size || !modified || !changed) return std::nullopt;
    const timespec time{.tv_sec = static_cast<time_t>(*changed / 1'000'000'000),
                        .tv_nsec = static_cast<long>(*changed % 1'000'000'000)};
    return AsideName{.doomed = {*inode, *size, *modified}, .changed = time};
}

// Beside `name`, for people: never one of ours, so that every listing shows it.
std::string kept_name(std::string_view name) {
    if (name.starts_with(".dray")) name.remove_prefix(1);
    const std::string ending = fmt::format(".kept-by-dray-{:016x}", random_number());
    return std::string(name.substr(0, kLongestName - ending.size())) + ending;
}

enum class Fate : std::uint8_t { nothing, given_back, kept_beside };
struct Outcome {
    Fate fate = Fate::nothing;
    std::string kept;  // the name that it has instead of its own
};

Result<Outcome> bring_back(int directory, int aside, const std::string& name, const std::string& path) {
    if (::renameat2(aside, name.c_str(), directory, name.c_str(), RENAME_NOREPLACE) == 0)
        return Outcome{.fate = Fate::given_back};
    // Nobody has the second name, so that it needs no condition: file systems without one come here too.
    std::string kept = kept_name(name);
    if (::renameat(aside, name.c_str(), directory, kept.c_str()) == 0)
        return Outcome{.fate = Fate::kept_beside, .kept = std::move(kept)};
    return io_error("give back the name of", path, errno);
}

Status told(const Outcome& outcome, const std::string& path) {
    switch (outcome.fate) {
        case Fate::nothing: return {};
        case Fate::given_back:
            return Error{.code = Code::conflict, .message = "another object by now, left as it is: " + in_quotes(path)};
        case Fate::kept_beside: break;
    }
    return Error{.code = Code::conflict,
                 .message = "two other objects by now: " + in_quotes(path) + ", and beside it " +
                            in_quotes(outcome.kept) + ", which had the name in between; both are left as they are"};
}

// A read lease is refused while anybody has the file open for writing, or mapped so. Only its owner and root may ask,
// and not on every file system: false also where nobody can tell.
bool is_written_to(int fd) {
    // Whoever opens it now makes the kernel tell us, by SIGIO if nothing else is said, which would end this process.
    if (::fcntl(fd, F_SETSIG, SIGURG) != 0) return false;
    if (::fcntl(fd, F_SETLEASE, F_RDLCK) != 0) return errno == EAGAIN;
    ::fcntl(fd, F_SETLEASE, F_UNLCK);
    return false;
}

}  // namespace

Result<Aside> Aside::make(int directory, std::string name, const struct stat& doomed, const std::string& path) {
    const Doomed file = doomed_of(doomed);
    std::string own = fmt::format("{}{:x}-{:x}-{:x}-{:x}-{:016x}", kAsidePrefix, file.inode, file.size,
                                  file.modified_ns, nanoseconds_of(doomed.st_ctim), random_number());
    if (::mkdirat(directory, own.c_str(), 0700) != 0) return io_error("make a directory beside", path, errno);
    Fd fd = open_directory(directory, own);
    const int number = errno;
    if (!fd) {
        ::unlinkat(directory, own.c_str(), AT_REMOVEDIR);
        return io_error("open a directory beside", path, number);
    }
    return Aside(directory, std::move(own), std::move(name), std::move(fd));
}

Aside::~Aside() {
    if (fd_) ::unlinkat(directory_, own_.c_str(), AT_REMOVEDIR);
}

Status Aside::settle(const std::string& path) const {
    struct stat inside {};
    if (::fstatat(fd_.get(), name_.c_str(), &inside, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT) return {};
        return io_error("look at what was put aside of", path, errno);
    }
    if (S_ISREG(inside.st_mode) && doomed_of(inside) == read_aside_name(own_)->doomed) {
        if (::unlinkat(fd_.get(), name_.c_str(), 0) == 0) return {};
        return io_error("remove", path, errno);
    }
    TRY_LET(outcome, bring_back(directory_, fd_.get(), name_, path));
    return told(outcome, path);
}

Status Aside::give_back(const std::string& path) const {
    TRY_LET(outcome, bring_back(directory_, fd_.get(), name_, path));
    return outcome.fate == Fate::given_back ? Status() : told(outcome, path);
}

namespace {

Error open_for_writing(const std::string& path) {
    return {.code = Code::refused,
            .message = "a program has it open for writing, and would lose what it writes: " + in_quotes(path) +
                       "; end the program, or have it reopen its files, then try again"};
}

// Out of every other program's reach before it is looked at.
Result<Aside> put_aside(int directory, const std::string& name, const struct stat& doomed, const std::string& path) {
    TRY_LET(aside, Aside::make(directory, name, doomed, path));
    if (::renameat(directory, name.c_str(), aside.fd(), name.c_str()) == 0) return std::move(aside);
    if (errno == ENOENT) return Error{.code = Code::conflict, .message = "gone by now: " + in_quotes(path)};
    return io_error("remove", path, errno);
}

}  // namespace

Status unlink_second_name(int directory, const std::string& name, const struct stat& file, const std::string& path) {
    TRY_LET(aside, put_aside(directory, name, file, path));
    return aside.settle(path);
}

Status unlink_exactly(int directory, const std::string& name, const LocalFile& expected, const std::string& path) {
    // Asked before anything is touched: a rename there and back would change its ETag.
    if (is_written_to(expected.fd.get())) return open_for_writing(path);
    TRY_LET(aside, put_aside(directory, name, expected.status, path));
    // Asked again when nobody can open it by its name any more, and before its times are looked at: a program that has
    // closed it by now has changed them.
    if (!is_written_to(expected.fd.get())) return aside.settle(path);
    TRY(aside.give_back(path));
    return open_for_writing(path);
}

namespace {

// The directory in the aside gets its name back from the plain file that has it, which becomes its body; a second name
// of that file is in the aside then.
bool give_directory_back(int directory, int aside, int room, const std::string& name) {
    struct stat plain {
    }, body{};
    if (::fstatat(directory, name.c_str(), &plain, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(plain.st_mode)) return false;
    const bool has_body = ::fstatat(room, kSelfName.data(), &body, AT_SYMLINK_NOFOLLOW) == 0;
    const bool ready =
        has_body ? is_same_file(plain, body) : ::linkat(directory, name.c_str(), room, kSelfName.data(), 0) == 0;
    return ready && ::renameat2(aside, name.c_str(), directory, name.c_str(), RENAME_EXCHANGE) == 0;
}

Result<bool> holds_more_than_a_body(int room, const std::string& path) {
    TRY_LET(names, some_names(room, 2, path));
    return std::any_of(names.begin(), names.end(), [](const std::string& name) { return name != kSelfName; });
}

// A second name in the aside goes: of a file that has its own, or is the body of the directory that has it.
bool drop_second_name(int directory, int aside, const std::string& name) {
    struct stat inside {
    }, object{};
    return ::fstatat(aside, name.c_str(), &inside, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(inside.st_mode) &&
           stat_object(directory, name, object) && is_same_file(inside, object) &&
           ::unlinkat(aside, name.c_str(), 0) == 0;
}

}  // namespace

Result<RoomFate> settle_room(int directory, int aside, const std::string& name, const std::string& path) {
    const Fd room = open_directory(aside, name);
    if (!room) return drop_second_name(directory, aside, name) ? RoomFate::second_name_dropped : RoomFate::other;
    TRY_LET(holds_more, holds_more_than_a_body(room.get(), path));
    if (holds_more) {
        const bool back =
            give_directory_back(directory, aside, room.get(), name) && drop_second_name(directory, aside, name);
        return back ? RoomFate::directory_given_back : RoomFate::other;
    }
    struct stat plain {
    }, body{};
    const bool second = ::fstatat(room.get(), kSelfName.data(), &body, AT_SYMLINK_NOFOLLOW) == 0 &&
                        ::fstatat(directory, name.c_str(), &plain, AT_SYMLINK_NOFOLLOW) == 0 &&
                        is_same_file(plain, body);
    const bool dropped = !second || unlink_second_name(room.get(), std::string(kSelfName), body, path);
    const bool gone = dropped && ::unlinkat(aside, name.c_str(), AT_REMOVEDIR) == 0;
    return gone ? RoomFate::second_name_dropped : RoomFate::other;
}

namespace {

// What the file in the aside was before it was put there, if that was the last thing that anybody did to it; else
// nullopt, for its ETag then has to change.
std::optional<struct stat> before_aside(int aside, const std::string& name, const AsideName& told) {
    struct stat inside {
    }, around{};
    if (::fstatat(aside, name.c_str(), &inside, AT_SYMLINK_NOFOLLOW) != 0 || ::fstat(aside, &around) != 0)
        return std::nullopt;
    const auto allowed = nanoseconds_of(around.st_mtim) + static_cast<std::uint64_t>(Nanos(kOneRename).count());
    if (!S_ISREG(inside.st_mode) || doomed_of(inside) != told.doomed || nanoseconds_of(inside.st_ctim) > allowed)
        return std::nullopt;
    inside.st_ctim = told.changed;
    return inside;
}

Result<Outcome> bring_back_unchanged(int directory, int aside, const std::string& name, const AsideName& told,
                                     const std::string& path, OwnChanges& own_changes) {
    const auto before = before_aside(aside, name, told);
    if (!before) return bring_back(directory, aside, name, path);
    OwnChanges::Change change = own_changes.begin(*before);
    TRY_LET(outcome, bring_back(directory, aside, name, path));
    const std::string& now = outcome.fate == Fate::given_back ? name : outcome.kept;
    struct stat after {};
    if (::fstatat(directory, now.c_str(), &after, AT_SYMLINK_NOFOLLOW) == 0) change.done(after);
    return std::move(outcome);
}

}  // namespace

Result<bool> recover_aside(const Context& ctx, int directory, const std::string& aside, const std::string& path,
                           OwnChanges& own_changes) {
    Fd own(::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!own) return io_error("open directory", path, errno);
    TRY(lock_directory(ctx, own.get(), path));
    Fd inside = open_directory(directory, aside);
    if (!inside && errno == ENOENT) return false;  // its process lives, and is done with it
    if (!inside) return io_error("open directory", path + aside, errno);
    Outcome outcome;
    TRY_LET(names, some_names(inside.get(), 1, path + aside));
    TRY_LET(room, names.empty() ? Result<RoomFate>(RoomFate::second_name_dropped)
                                : settle_room(directory, inside.get(), names[0], path + names[0]));
    if (room == RoomFate::other) {
        TRY_LET(brought, bring_back_unchanged(directory, inside.get(), names[0], *read_aside_name(aside),
                                              path + names[0], own_changes));
        outcome = std::move(brought);
    } else if (room == RoomFate::directory_given_back) {
        outcome.fate = Fate::given_back;
    }
    if (outcome.fate != Fate::nothing)
        log_event(LogLevel::warning, "put-aside-by-a-killed-process",
                  {{"path", path + names[0]},
                   {"now", outcome.fate == Fate::given_back ? "given back" : "beside it as " + outcome.kept}});
    ::unlinkat(directory, aside.c_str(), AT_REMOVEDIR);
    return outcome.fate != Fate::nothing;
}

void sweep_leftovers(const Context& ctx, int directory, const std::string& path, OwnChanges& own_changes) {
    const int own = ::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR* listing = own < 0 ? nullptr : ::fdopendir(own);
    if (!listing) {
        warn_left_aside(path, "", io_error("read directory", path, errno));
        if (own >= 0) ::close(own);
        return;
    }
    const std::unique_ptr<DIR, int (*)(DIR*)> closing(listing, ::closedir);
    while (const dirent* entry = ::readdir(listing)) {
        if (is_aside_name(entry->d_name)) {
            if (auto settled = recover_aside(ctx, directory, entry->d_name, path, own_changes); !settled)
                warn_left_aside(path, entry->d_name, settled.error());
        }
        if (!is_temp_name(entry->d_name)) continue;
        struct stat status {};
        if (::fstatat(directory, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
        const bool ours = S_ISREG(status.st_mode) && status.st_uid == ::geteuid();
        if (ours && ctx.clock().wall() - modified_time(status) > kLeftoverAge) ::unlinkat(directory, entry->d_name, 0);
    }
}

void warn_left_aside(const std::string& directory, std::string_view aside, const Error& error) {
    log_event(LogLevel::warning, "left-aside", {{"path", directory + std::string(aside)}, {"why", error.message}});
}

void Sweeps::sweep_once(const Context& ctx, int directory, const std::string& path, OwnChanges& own_changes) {
    constexpr std::size_t kRemembered = 10'000;
    struct stat status {};
    if (::fstat(directory, &status) != 0) return;
    {
        std::lock_guard lock(mutex_);
        if (swept_.size() >= kRemembered) swept_.clear();
        if (!swept_.emplace(status.st_dev, status.st_ino).second) return;
    }
    sweep_leftovers(ctx, directory, path.substr(0, path.rfind('/') + 1), own_changes);
}

}  // namespace dray
