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

constexpr std::chrono::hours kLeftoverAge{24};  // no write takes that long without touching its file
constexpr std::size_t kLongestName = 255;       // bytes

// A file, as far as a rename leaves it alone: the change time is the rename's own.
struct Doomed {
    std::uint64_t inode = 0, size = 0, modified_ns = 0;
    bool operator==(const Doomed&) const = default;
};
Doomed doomed_of(const struct stat& status) {
    return {status.st_ino, static_cast<std::uint64_t>(status.st_size),
            static_cast<std::uint64_t>(modified_time(status).time_since_epoch().count())};
}

std::optional<std::uint64_t> hex_number(std::string_view& text) {
    const std::string_view digits = text.substr(0, text.find('-'));
    std::uint64_t number = 0;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), number, 16);
    if (read.ec != std::errc() || read.ptr != digits.data() + digits.size()) return std::nullopt;
    text.remove_prefix(std::min(text.size(), digits.size() + 1));
    return number;
}

// What Aside::make() says in the name.
std::optional<Doomed> doomed_named(std::string_view name) {
    if (!is_aside_name(name)) return std::nullopt;
    name.remove_prefix(kAsidePrefix.size());
    const auto inode = hex_number(name), size = hex_number(name), modified = hex_number(name);
    if (!inode || !size || !modified) return std::nullopt;
    return Doomed{*inode, *size, *modified};
}

// Beside `name`, for people: never one of ours, so that every listing shows it.
std::string kept_name(std::string_view name) {
    if (name.starts_with(".dray")) name.remove_prefix(1);
    const std::string ending = fmt::format(".kept-by-dray-{:016x}", random_number());
    return std::string(name.substr(0, kLongestName - ending.size())) + ending;
}

// The directory that make_room() was killed over: the body in it is a second name of the doomed file.
bool remove_begun_directory(int aside, const std::string& name, const Doomed& doomed) {
    Fd inside = open_directory(aside, name);
    if (!inside) return false;
    struct stat body {};
    if (::fstatat(inside.get(), kSelfName.data(), &body, AT_SYMLINK_NOFOLLOW) == 0 && body.st_ino == doomed.inode)
        ::unlinkat(inside.get(), kSelfName.data(), 0);
    return ::unlinkat(aside, name.c_str(), AT_REMOVEDIR) == 0;
}

enum class Fate : std::uint8_t { gone, given_back, kept_beside };
struct Outcome {
    Fate fate = Fate::gone;
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

Result<Outcome> decide(int directory, int aside, const std::string& name, const Doomed& doomed,
                       const std::string& path) {
    struct stat inside {};
    if (::fstatat(aside, name.c_str(), &inside, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT) return Outcome{};
        return io_error("look at what was put aside of", path, errno);
    }
    if (S_ISREG(inside.st_mode) && doomed_of(inside) == doomed) {
        if (::unlinkat(aside, name.c_str(), 0) == 0) return Outcome{};
        return io_error("remove", path, errno);
    }
    if (S_ISDIR(inside.st_mode) && remove_begun_directory(aside, name, doomed)) return Outcome{};
    return bring_back(directory, aside, name, path);
}

Status told(const Outcome& outcome, const std::string& path) {
    switch (outcome.fate) {
        case Fate::gone: return {};
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

// The only entry of a directory; nullopt: none.
std::optional<std::string> only_entry(int directory) {
    const int own = ::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR* listing = own < 0 ? nullptr : ::fdopendir(own);
    if (!listing) {
        if (own >= 0) ::close(own);
        return std::nullopt;
    }
    const std::unique_ptr<DIR, int (*)(DIR*)> closing(listing, ::closedir);
    while (const dirent* entry = ::readdir(listing)) {
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") return std::string(name);
    }
    return std::nullopt;
}

}  // namespace

Result<Aside> Aside::make(int directory, std::string name, const struct stat& doomed, const std::string& path) {
    const Doomed file = doomed_of(doomed);
    std::string own =
        fmt::format("{}{:x}-{:x}-{:x}-{:016x}", kAsidePrefix, file.inode, file.size, file.modified_ns, random_number());
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
    TRY_LET(outcome, decide(directory_, fd_.get(), name_, *doomed_named(own_), path));
    return told(outcome, path);
}

Status Aside::give_back(const std::string& path) const {
    TRY_LET(outcome, bring_back(directory_, fd_.get(), name_, path));
    return outcome.fate == Fate::given_back ? Status() : told(outcome, path);
}

Status unlink_exactly(int directory, const std::string& name, const LocalFile& expected, const std::string& path) {
    TRY_LET(aside, Aside::make(directory, name, expected.status, path));
    if (::renameat(directory, name.c_str(), aside.fd(), name.c_str()) != 0) {
        if (errno == ENOENT) return Error{.code = Code::conflict, .message = "gone by now: " + in_quotes(path)};
        return io_error("remove", path, errno);
    }
    // Asked when nobody can open it by its name any more, and before its times are looked at: a program that has closed
    // it by now has changed them.
    if (!is_written_to(expected.fd.get())) return aside.settle(path);
    TRY(aside.give_back(path));
    return Error{.code = Code::refused,
                 .message = "a program has it open for writing, and would lose what it writes: " + in_quotes(path) +
                            "; end the program, or have it reopen its files, then try again"};
}

Result<bool> recover_aside(const Context& ctx, int directory, const std::string& aside, const std::string& path) {
    Fd own(::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!own) return io_error("open directory", path, errno);
    TRY(lock_directory(ctx, own.get(), path));
    Fd inside = open_directory(directory, aside);
    if (!inside) return false;  // its process lives, and is done with it
    bool came_back = false;
    if (const auto name = only_entry(inside.get())) {
        TRY_LET(outcome, decide(directory, inside.get(), *name, *doomed_named(aside), path + *name));
        came_back = outcome.fate != Fate::gone;
        log_event(LogLevel::warning, "put-aside-by-a-killed-process",
                  {{"path", path + *name},
                   {"now", outcome.fate == Fate::gone         ? "removed"
                           : outcome.fate == Fate::given_back ? "given back"
                                                              : "beside it as " + outcome.kept}});
    }
    ::unlinkat(directory, aside.c_str(), AT_REMOVEDIR);
    return came_back;
}

void sweep_leftovers(const Context& ctx, int directory, const std::string& path) {
    const int own = ::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR* listing = own < 0 ? nullptr : ::fdopendir(own);
    if (!listing) {
        if (own >= 0) ::close(own);
        return;
    }
    const std::unique_ptr<DIR, int (*)(DIR*)> closing(listing, ::closedir);
    while (const dirent* entry = ::readdir(listing)) {
        if (is_aside_name(entry->d_name)) {
            if (auto settled = recover_aside(ctx, directory, entry->d_name, path); !settled)
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

void Sweeps::sweep_once(const Context& ctx, int directory, const std::string& path) {
    constexpr std::size_t kRemembered = 10'000;
    struct stat status {};
    if (::fstat(directory, &status) != 0) return;
    {
        std::lock_guard lock(mutex_);
        if (swept_.size() >= kRemembered) swept_.clear();
        if (!swept_.emplace(status.st_dev, status.st_ino).second) return;
    }
    sweep_leftovers(ctx, directory, path.substr(0, path.rfind('/') + 1));
}

}  // namespace dray
