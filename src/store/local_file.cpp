#include "store/local_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <memory>
#include <random>
#include <system_error>

#include "base/log.h"
#include "store/local_room.h"

namespace dray {
namespace {

constexpr std::chrono::seconds kSilentWait{2};   // for a lock; dray holds one for milliseconds
constexpr std::chrono::seconds kTidyingWait{2};  // for those that only tidying up needs
constexpr int kOpenDirectory = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
std::uint64_t nanoseconds(const timespec& time) {
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(time.tv_nsec);
}

bool is_absent(int number) {
    return number == ENOENT || number == ENOTDIR || number == ELOOP;
}

}  // namespace

Error io_error(std::string_view doing, std::string_view path, int number) {
    Error error{.code = Code::local,
                .message = fmt::format("{} {}: {}", doing, in_quotes(path), std::generic_category().message(number))};
    if (number == ENOSPC || number == EDQUOT) error.reason = "disk-full";
    if (number == EROFS) error.reason = "read-only";
    // Every other object would fail the same way: the run ends, resumable.
    error.fatal = !error.reason.empty();
    if (number == EACCES || number == EPERM) error.code = Code::denied;
    return error;
}

Error rotten(std::string message) {
    return {.code = Code::local, .message = std::move(message), .reason = "corrupt"};
}

std::string local_etag(const struct stat& status) {
    return fmt::format("file-{:x}-{:x}-{:x}-{:x}", status.st_ino, status.st_size, nanoseconds(status.st_mtim),
                       nanoseconds(status.st_ctim));
}

WallTime modified_time(const struct stat& status) {
    return WallTime(std::chrono::seconds(status.st_mtim.tv_sec) + Nanos(status.st_mtim.tv_nsec));
}

Result<LocalBucket> LocalBucket::open(const std::string& directory) {
    // The path to the bucket is the user's own words: links in it are followed.
    Fd root(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (root) return LocalBucket(directory, std::move(root));
    Error error = io_error("open directory", directory, errno);
    if (is_absent(errno)) {
        error.code = Code::not_found;
        error.reason = "no-such-bucket";
        error.message += "; correct the path, or make the directory";
    }
    error.fatal = true;
    return error;
}

Fd open_directory(int parent, const std::string& name) {
    return Fd(::openat(parent, name.c_str(), kOpenDirectory));
}

Result<std::optional<LocalPlace>> LocalBucket::find(std::string_view key) const {
    std::vector<std::string> path = local_path(key);
    Fd at(::fcntl(root_.get(), F_DUPFD_CLOEXEC, 0));
    if (!at) return io_error("open", directory_, errno);
    for (std::size_t i = 0; i + 1 < path.size(); ++i) {
        Fd next = open_directory(at.get(), path[i]);
        if (!next && is_absent(errno)) return std::optional<LocalPlace>();
        if (!next) return io_error("open directory", path_of(key), errno);
        at = std::move(next);
    }
    // A duplicate shares its lock with the original; each place needs an open directory of its own.
    Fd own(::openat(at.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!own && errno == ENOENT) return std::optional<LocalPlace>();
    if (!own) return io_error("open directory", path_of(key), errno);
    return std::optional<LocalPlace>(LocalPlace{std::move(own), std::move(path.back())});
}

namespace {

// Opens or makes the directory `name`. A closed Fd: what is there changed under us, walk again.
Result<Fd> open_or_make(const Context& ctx, int parent, const std::string& name, const std::string& path,
                        LocalSync& sync, OwnChanges& own_changes) {
    Fd next = open_directory(parent, name);
    if (next) return next;
    if (errno == ENOENT) {
        // Whoever takes away a directory that holds a body and nothing more has its lock (give_up_room()).
        TRY(lock_directory(ctx, parent, path));
        const int number = ::mkdirat(parent, name.c_str(), 0777) == 0 ? 0 : errno;
        unlock_directory(parent);
        if (number != 0 && number != EEXIST && number != ENOENT) return io_error("make directory for", path, number);
        return open_directory(parent, name);
    }
    if (errno != ENOTDIR && errno != ELOOP) return io_error("open directory of", path, errno);
    struct stat there {};
    if (::fstatat(parent, name.c_str(), &there, AT_SYMLINK_NOFOLLOW) != 0) return Fd();
    if (S_ISDIR(there.st_mode)) return Fd();
    if (!S_ISREG(there.st_mode)) {
        return Error{.code = Code::refused,
                     .message = in_quotes(path) + ": a link or a device is in the way at " + in_quotes(name) +
                                "; dray does not follow it"};
    }
    TRY(make_room(ctx, parent, name, path, sync, own_changes));
    return open_directory(parent, name);
}

// V22: an object is not durable in a directory that a power cut takes away.
Result<Fd> step_into(const Context& ctx, int parent, const std::string& name, const std::string& path, LocalSync& sync,
                     OwnChanges& own_changes) {
    TRY_LET(next, open_or_make(ctx, parent, name, path, sync, own_changes));
    if (next) TRY(sync.directory(parent, name, next.get(), path));
    return std::move(next);
}

}  // namespace

Result<LocalPlace> LocalBucket::make(const Context& ctx, std::string_view key, LocalSync& sync,
                                     OwnChanges& own_changes) const {
    const std::vector<std::string> path = local_path(key);
    for (int round = 0; round < kWalkRounds; ++round) {
        TRY(ctx.check());
        Fd at(::openat(root_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        for (std::size_t i = 0; at && i + 1 < path.size(); ++i) {
            TRY_LET(next, step_into(ctx, at.get(), path[i], path_of(key), sync, own_changes));
            at = std::move(next);
        }
        if (at) return LocalPlace{std::move(at), path.back()};
    }
    return Error{.code = Code::unavailable,
                 .message = in_quotes(path_of(key)) + ": its directories vanish as fast as they are made"};
}

void LocalBucket::prune(const Context& ctx, std::string_view key, LocalSync& sync, OwnChanges& own_changes) const {
    std::vector<std::string> path = local_path(key);
    for (path.pop_back(); !path.empty(); path.pop_back()) {
        Fd at(::fcntl(root_.get(), F_DUPFD_CLOEXEC, 0));
        for (std::size_t i = 0; at && i + 1 < path.size(); ++i)
            at = open_directory(at.get(), path[i]);
        if (!at) return;
        if (sync.remove_directory(at.get(), path.back())) continue;
        // Not empty, or gone: either way there is nothing more to do above it. What was asked for is done already, so
        // that nobody fails for what cannot be tidied up now.
        const Status plain =
            give_up_room(ctx.within(kTidyingWait), at.get(), path.back(), path_of(key), sync, own_changes);
        if (!plain) log_event(LogLevel::warning, "left-a-directory", {{"why", plain.error().message}});
        return;
    }
}

bool is_same_file(const struct stat& a, const struct stat& b) {
    return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

namespace {

// nullopt: nothing is there that has bytes. O_NONBLOCK: a FIFO planted here must not hang us.
Result<std::optional<LocalFile>> open_file(int directory, const std::string& name, const std::string& path) {
    LocalFile file{.fd = Fd(::openat(directory, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC))};
    if (!file.fd && (is_absent(errno) || errno == ENXIO)) return std::optional<LocalFile>();
    if (!file.fd) return io_error("open", path, errno);
    if (::fstat(file.fd.get(), &file.status) != 0) return io_error("look at", path, errno);
    return std::optional<LocalFile>(std::move(file));
}

// `room`, the directory `name` in which no body was found: it has its name still, so that the body has not taken that,
// and the body has not come back either.
bool has_no_body(int directory, const std::string& name, int room) {
    struct stat now {
    }, seen{}, body{};
    return ::fstatat(directory, name.c_str(), &now, AT_SYMLINK_NOFOLLOW) == 0 && ::fstat(room, &seen) == 0 &&
           is_same_file(now, seen) && ::fstatat(room, kSelfName.data(), &body, AT_SYMLINK_NOFOLLOW) != 0;
}

}  // namespace

Result<std::optional<LocalFile>> open_object(const LocalPlace& place, const std::string& path) {
    const int directory = place.directory.get();
    for (int round = 0; round < kWalkRounds; ++round) {
        TRY_LET(file, open_file(directory, place.name, path));
        if (!file || S_ISREG(file->status.st_mode)) return std::move(file);
        if (!S_ISDIR(file->status.st_mode)) return std::optional<LocalFile>();
        TRY_LET(body, open_file(file->fd.get(), std::string(kSelfName), path));
        if (body && !S_ISREG(body->status.st_mode)) return std::optional<LocalFile>();
        if (body) {
            body->inside = std::move(file->fd);
            return std::move(body);
        }
        if (has_no_body(directory, place.name, file->fd.get())) break;
    }
    return std::optional<LocalFile>();
}

bool stat_object(int directory, const std::string& name, struct stat& status) {
    for (int round = 0; round < kWalkRounds; ++round) {
        if (::fstatat(directory, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return false;
        if (!S_ISDIR(status.st_mode)) return true;
        const Fd room(::openat(directory, name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        if (!room && is_absent(errno)) continue;
        if (!room) return false;
        if (::fstatat(room.get(), kSelfName.data(), &status, AT_SYMLINK_NOFOLLOW) == 0) return true;
        if (errno != ENOENT) return false;
        if (has_no_body(directory, name, room.get())) break;
    }
    errno = ENOENT;
    return false;
}

Result<std::vector<std::string>> some_names(int directory, std::size_t most, const std::string& path) {
    std::vector<std::string> names;
    const int own = ::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR* listing = own < 0 ? nullptr : ::fdopendir(own);
    if (!listing) {
        const int number = errno;
        if (own >= 0) ::close(own);
        return io_error("read directory", path, number);
    }
    const std::unique_ptr<DIR, int (*)(DIR*)> closing(listing, ::closedir);
    while (names.size() < most) {
        errno = 0;
        const dirent* entry = ::readdir(listing);
        if (!entry && errno != 0) return io_error("read directory", path, errno);
        if (!entry) break;
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") names.emplace_back(name);
    }
    return names;
}

Result<LocalTarget> target_of(const LocalPlace& place, const std::string& path) {
    Fd inside = open_directory(place.directory.get(), place.name);
    if (inside) return LocalTarget{.inside = std::move(inside), .name = std::string(kSelfName)};
    if (is_absent(errno)) return LocalTarget{.name = place.name};
    return io_error("look at", path, errno);
}

namespace {

// Workers that wait for one directory together say so once.
void tell_that_we_wait(int directory, const std::string& path) {
    static std::atomic<std::uint64_t> told{0};
    struct stat status {};
    if (::fstat(directory, &status) != 0 || told.exchange(status.st_ino) == status.st_ino) return;
    log_event(LogLevel::warning, "waiting-for-lock",
              {{"directory", path.substr(0, path.rfind('/') + 1)},
               {"why", "another program holds a lock (flock) on it; dray goes on when that ends"}});
}

}  // namespace

Status lock_directory(const Context& changing, int directory, const std::string& path) {
    const Context ctx = changing.before_effect();
    const SteadyTime silent_until = ctx.clock().steady() + kSilentWait;
    bool told = false;
    for (Nanos wait = std::chrono::microseconds(200);;
         wait = std::min<Nanos>(wait * 2, std::chrono::milliseconds(20))) {
        if (::flock(directory, LOCK_EX | LOCK_NB) == 0) return {};
        if (errno != EWOULDBLOCK && errno != EINTR) return io_error("lock the directory of", path, errno);
        TRY(ctx.sleep(wait));
        if (told || ctx.clock().steady() < silent_until) continue;
        tell_that_we_wait(directory, path);
        told = true;
    }
}

void unlock_directory(int directory) {
    ::flock(directory, LOCK_UN);
}

std::uint64_t random_number() {
    static thread_local std::mt19937_64 random{std::random_device{}()};
    return random();
}

std::string temp_name() {
    return fmt::format("{}{}-{:016x}", kTempPrefix, ::getpid(), random_number());
}

Result<TempFile> TempFile::make(int directory, const std::string& path, mode_t mode) {
    std::string name = temp_name();
    Fd fd(::openat(directory, name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
    if (!fd) return io_error("create a file for", path, errno);
    return TempFile(directory, std::move(name), path, std::move(fd));
}

TempFile::~TempFile() {
    if (fd_ && named_) ::unlinkat(directory_, name_.c_str(), 0);
}

Status TempFile::write(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t n = ::write(fd_.get(), bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return io_error("write", path_, errno);
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return {};
}

}  // namespace dray
