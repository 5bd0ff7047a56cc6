#include "store/local_listing.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/checksum.h"
#include "base/log.h"
#include "store/local_aside.h"
#include "store/local_keys.h"

namespace dray {

// A key of slashes is 1,024 levels deep; more descriptors than this a walk are not held for it.
constexpr std::size_t kOpenLevels = 32;

// `order` is the element, with "/" behind it for a directory: sorting by it is sorting by key. A directory that holds
// the body of an object is two entries.
struct LocalWalk::Entry {
    std::string order;
    bool directory = false;
    const char* instead = nullptr;  // what it is, if no object
    bool operator<(const Entry& other) const { return order < other.order; }
};

struct LocalWalk::Level {
    std::string prefix;             // of every key below: empty, or ends in "/"
    std::vector<std::string> path;  // the names to it from the bucket's directory
    Fd fd;                          // open while a page is made
    std::vector<Entry> entries;     // sorted; taken from `next` on
    std::size_t next = 0;
    std::optional<std::string> last;  // order of the entry taken last
    bool complete = false;            // no entry follows those held
};

namespace {

const char* what_is(unsigned char type) {
    switch (type) {
        case DT_LNK: return "a symbolic link";
        case DT_FIFO: return "a pipe";
        case DT_SOCK: return "a socket";
        case DT_CHR:
        case DT_BLK: return "a device";
        default: return "no regular file";
    }
}

}  // namespace

LocalWalk::LocalWalk(LocalBucket bucket, OwnChanges& own_changes)
    : bucket_(std::move(bucket)), own_changes_(own_changes) {}
LocalWalk::~LocalWalk() = default;

Result<std::unique_ptr<LocalWalk>> LocalWalk::start(const Context& ctx, LocalBucket bucket, std::string prefix,
                                                    std::string after, OwnChanges& own_changes, std::size_t held) {
    std::unique_ptr<LocalWalk> walk(new LocalWalk(std::move(bucket), own_changes));
    walk->held_ = held;
    walk->prefix_ = std::move(prefix);
    walk->after_ = std::move(after);
    // Everything asked for lies below the last "/" of the prefix.
    Level top;
    const auto slash = walk->prefix_.rfind('/');
    if (slash != std::string::npos) {
        top.prefix = walk->prefix_.substr(0, slash + 1);
        top.path = local_path(std::string_view(walk->prefix_).substr(0, slash));
    }
    TRY(walk->fill(ctx, top));
    walk->levels_.push_back(std::move(top));
    return walk;
}

Result<Fd> LocalWalk::open(const Level& level) const {
    Fd at(::openat(bucket_.fd(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    for (const std::string& name : level.path) {
        if (!at) break;
        at = open_directory(at.get(), name);
    }
    if (at || errno == ENOENT || errno == ENOTDIR || errno == ELOOP) return at;
    return io_error("open directory", bucket_.path_of(level.prefix), errno);
}

// Adds the entries of one directory to `found`, keeping the smallest kHeldEntries of those still to come.
Result<bool> LocalWalk::read_entries(const Context& ctx, int directory, const std::vector<std::string>& begun,
                                     Level& level, std::vector<Entry>& found) {
    Fd own(::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    DIR* stream = own ? ::fdopendir(own.get()) : nullptr;
    if (!stream) return io_error("read directory", bucket_.path_of(level.prefix), errno);
    own.release();
    const std::unique_ptr<DIR, int (*)(DIR*)> closing(stream, ::closedir);

    auto keep = [&](Entry entry) {
        if (level.last && entry.order <= *level.last) return;
        const std::string full = level.prefix + entry.order;
        if (full.empty()) return;  // the body of no key
        const bool below = full.starts_with(prefix_) || (entry.directory && prefix_.starts_with(full));
        const bool later = full > after_ || (entry.directory && after_.starts_with(full));
        if (!below || !later) return;
        found.push_back(std::move(entry));
        std::push_heap(found.begin(), found.end());
        if (found.size() <= held_) return;
        std::pop_heap(found.begin(), found.end());
        found.pop_back();
        level.complete = false;
    };

    for (;;) {
        errno = 0;
        const dirent* entry = ::readdir(stream);
        if (!entry && errno != 0) return io_error("read directory", bucket_.path_of(level.prefix), errno);
        if (!entry) return true;
        const std::string_view file = entry->d_name;
        if (file == "." || file == "..") continue;
        if (is_aside_name(file)) {
            const auto came_back =
                recover_aside(ctx, directory, std::string(file), bucket_.path_of(level.prefix), own_changes_);
            if (!came_back) {
                warn_left_aside(bucket_.path_of(level.prefix), file, came_back.error());
                keep({.order = std::string(file),
                      .instead = "what a killed process put aside and cannot be given back"});
            }
            if (came_back && *came_back) return false;
        }
        const LocalName name = local_name(file, begun);
        if (name.kind == LocalName::Kind::ours) {
            if (!is_own_name(file, level.prefix.empty() && begun.empty()))
                keep({.order = std::string(file), .instead = "a name that begins with .dray and is not one of dray's"});
            continue;
        }

        unsigned char type = entry->d_type;
        struct stat status {};
        if (type == DT_UNKNOWN && ::fstatat(directory, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0) {
            type = static_cast<unsigned char>(IFTODT(status.st_mode));
        }
        if (name.kind == LocalName::Kind::beginning) {
            Fd deeper = open_directory(directory, std::string(file));
            std::vector<std::string> path = begun;
            path.emplace_back(file);
            if (!deeper) {
                keep({.order = std::string(file), .instead = what_is(type)});
                continue;
            }
            TRY_LET(whole, read_entries(ctx, deeper.get(), path, level, found));
            if (!whole) return false;
        } else if (type == DT_REG) {
            keep({.order = name.bytes});
        } else if (type == DT_DIR) {
            keep({.order = name.bytes + "/", .directory = true});
            if (stat_object(directory, std::string(file), status)) keep({.order = name.bytes});
        } else {
            keep({.order = name.bytes, .instead = what_is(type)});
        }
    }
}

Status LocalWalk::fill(const Context& ctx, Level& level) {
    level.entries.clear();
    level.next = 0;
    TRY_LET(fd, open(level));
    level.complete = true;
    if (!fd) return {};
    std::vector<Entry> found;
    for (bool whole = false; !whole;) {
        found.clear();
        level.complete = true;
        TRY_LET(read, read_entries(ctx, fd.get(), {}, level, found));
        whole = read;
    }
    std::sort_heap(found.begin(), found.end());
    level.entries = std::move(found);
    level.fd = std::move(fd);
    return {};
}

Result<std::optional<LocalWalk::Found>> LocalWalk::listed(Level& level, const Entry& entry) {
    if (!level.fd) {
        TRY_LET(fd, open(level));
        if (!fd) return std::optional<Found>();
        level.fd = std::move(fd);
    }
    const std::string key = level.prefix + entry.order;
    std::vector<std::string> path = local_path(entry.order);
    Fd deeper;
    for (std::size_t i = 0; i + 1 < path.size(); ++i) {
        deeper = open_directory(deeper ? deeper.get() : level.fd.get(), path[i]);
        if (!deeper) return std::optional<Found>();
    }
    const int directory = deeper ? deeper.get() : level.fd.get();
    struct stat status {};
    const bool there = stat_object(directory, path.back(), status);
    if (!there && (errno == ENOENT || errno == ENOTDIR)) return std::optional<Found>();
    if (!there) return io_error("look at", bucket_.path_of(key), errno);
    if (!S_ISREG(status.st_mode)) return std::optional<Found>();
    return std::optional<Found>(ListedObject{.key = key,
                                             .size = static_cast<std::uint64_t>(status.st_size),
                                             .etag = own_changes_.etag(status),
                                             .modified = modified_time(status),
                                             .storage_class = {}});
}

Result<std::optional<LocalWalk::Found>> LocalWalk::next(const Context& ctx) {
    while (!levels_.empty()) {
        Level& level = levels_.back();
        if (level.next == level.entries.size()) {
            if (level.complete) {
                levels_.pop_back();
            } else {
                TRY(fill(ctx, level));
            }
            continue;
        }
        const Entry entry = std::move(level.entries[level.next++]);
        level.last = entry.order;
        if (entry.instead) {
            log_event(LogLevel::info, "not-an-object",
                      {{"path", bucket_.path_of(level.prefix + entry.order)}, {"why", entry.instead}});
            return std::optional<Found>(ListedOther{.key = level.prefix + entry.order, .what = entry.instead});
        }
        if (!entry.directory) {
            TRY_LET(object, listed(level, entry));
            if (object) return std::move(object);
            continue;
        }
        Level below;
        below.prefix = level.prefix + entry.order;
        below.path = level.path;
        const std::string_view element(entry.order.data(), entry.order.size() - 1);
        for (std::string& name : local_path(element))
            below.path.push_back(std::move(name));
        TRY(fill(ctx, below));
        if (levels_.size() > kOpenLevels) level.fd = Fd();
        levels_.push_back(std::move(below));
    }
    return std::optional<Found>();
}

void LocalWalk::skip(const std::string& prefix) {
    while (!levels_.empty() && levels_.back().prefix.starts_with(prefix))
        levels_.pop_back();
}

void LocalWalk::rest() {
    for (Level& level : levels_)
        level.fd = Fd();
}

std::unique_ptr<LocalWalk> OpenWalks::take(const std::string& token) {
    std::lock_guard lock(mutex_);
    auto found = std::find_if(walks_.begin(), walks_.end(), [&](auto& walk) { return walk.first == token; });
    if (found == walks_.end()) return nullptr;
    auto walk = std::move(found->second);
    walks_.erase(found);
    return walk;
}

void OpenWalks::keep(std::string token, std::unique_ptr<LocalWalk> walk) {
    walk->rest();
    std::lock_guard lock(mutex_);
    walks_.emplace_front(std::move(token), std::move(walk));
    if (walks_.size() > kOpenWalks) walks_.pop_back();
}

std::string OpenWalks::name_token(const std::string& last_key) {
    std::lock_guard lock(mutex_);
    return fmt::format("{}-{}", ++serial_, hex(last_key));
}

}  // namespace dray
