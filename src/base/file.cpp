#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <system_error>
#include <utility>

namespace dray {
namespace {

constexpr mode_t kFileMode = 0600;       // plans and journals name people's objects
constexpr mode_t kDirectoryMode = 0700;  // likewise

int open_retrying(const std::string& path, int flags, mode_t mode = 0) {
    int fd = -1;
    do
        fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
    while (fd < 0 && errno == EINTR);
    return fd;
}

// Writes all bytes; returns 0 or the errno.
int write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(fd, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return errno;
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return 0;
}

// A temp file that is removed unless its name was given away.
class TempFile {
public:
    static Result<TempFile> beside(const std::string& path) {
        TempFile file;
        file.name_ = path + ".tmp-XXXXXX";
        file.fd_ = Fd(::mkostemp(file.name_.data(), O_CLOEXEC));  // mode 0600
        if (!file.fd_) {
            const Error error = system_error("create a temp file beside", path, errno);
            file.name_.clear();
            return error;
        }
        return file;
    }
    TempFile(TempFile&& other) noexcept : name_(std::exchange(other.name_, {})), fd_(std::move(other.fd_)) {}
    TempFile& operator=(TempFile&&) = delete;
    ~TempFile() {
        if (!name_.empty()) ::unlink(name_.c_str());
    }

    Status fill(std::string_view content) {
        if (const int failure = write_all(fd_.get(), content)) return system_error("write", name_, failure);
        if (::fsync(fd_.get()) != 0) return system_error("sync", name_, errno);
        return {};
    }
    Status rename_to(const std::string& path) {
        if (::rename(name_.c_str(), path.c_str()) != 0) return system_error("rename a temp file to", path, errno);
        name_.clear();
        return {};
    }

private:
    TempFile() = default;
    std::string name_;
    Fd fd_;
};

}  // namespace

std::string parent_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    if (slash == std::string::npos) return ".";
    return slash == 0 ? "/" : path.substr(0, slash);
}

namespace {

// What lets the same step succeed, where errno alone leaves a person guessing.
std::string_view next_step(int error_number) {
    if (error_number == ENOSPC || error_number == EDQUOT) return "; make room there, or give a new run another --state";
    if (error_number == EFBIG)
        return "; raise the limit on the size of a file (ulimit -f), or give a new run another --state";
    return "";
}

}  // namespace

Error system_error(std::string_view action, std::string_view path, int error_number) {
    Error error{.code = Code::local, .message = "cannot "};
    error.message.append(action).append(" ").append(path).append(": ");
    error.message += std::generic_category().message(error_number);
    error.message += next_step(error_number);
    if (error_number == ENOSPC || error_number == EDQUOT) error.reason = "disk-full";
    return error;
}

Fd::Fd(Fd&& other) noexcept : fd_(other.release()) {}

Fd& Fd::operator=(Fd&& other) noexcept {
    Fd old(std::exchange(fd_, other.release()));
    return *this;
}

Fd::~Fd() {
    if (fd_ >= 0) ::close(fd_);
}

int Fd::release() {
    return std::exchange(fd_, -1);
}

Result<std::string> read_file(const std::string& path, std::uint64_t max_bytes) {
    const Fd fd(open_retrying(path, O_RDONLY));
    if (!fd) {
        const int failure = errno;
        Error error = system_error("open", path, failure);
        if (failure == ENOENT || failure == ENOTDIR) error.code = Code::not_found;
        return error;
    }
    // The size is a hint only: files in /proc say 0, and others may grow while we read.
    struct stat facts {};
    if (::fstat(fd.get(), &facts) != 0) return system_error("examine", path, errno);
    constexpr std::uint64_t kStep = std::uint64_t{64} << 10;
    std::string content;
    std::uint64_t used = 0;
    while (used <= max_bytes) {
        const std::uint64_t expected = std::min(static_cast<std::uint64_t>(facts.st_size), max_bytes);
        if (used == content.size()) content.resize(used < expected ? expected + 1 : used + kStep);
        const ssize_t got = ::read(fd.get(), content.data() + used, content.size() - used);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return system_error("read", path, errno);
        used += static_cast<std::uint64_t>(got);
        if (got == 0) break;
    }
    if (used > max_bytes)
        return Error{.code = Code::corrupt,
                     .message = path + " is larger than " + std::to_string(max_bytes) + " bytes"};
    content.resize(used);
    return content;
}

Status write_file_atomically(const std::string& path, std::string_view content) {
    TRY_LET(temp, TempFile::beside(path));
    TRY(temp.fill(content));
    TRY(temp.rename_to(path));
    return sync_directory(parent_of(path));
}

Status make_directories(const std::string& path) {
    if (path.empty()) return system_error("make the directory", "\"\"", ENOENT);
    for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
        const std::string part = path.substr(0, end);
        if (::mkdir(part.c_str(), kDirectoryMode) != 0) {
            // Not only EEXIST means that it is there: a read-only or foreign parent may answer otherwise.
            const int failure = errno;
            struct stat facts {};
            if (::stat(part.c_str(), &facts) != 0) return system_error("make the directory", part, failure);
            if (!S_ISDIR(facts.st_mode)) return system_error("make the directory", part, ENOTDIR);
        }
        if (end == std::string::npos) return {};
    }
}

Status sync_directory(const std::string& path) {
    const Fd fd(open_retrying(path, O_RDONLY | O_DIRECTORY));
    if (!fd) return system_error("open the directory", path, errno);
    if (::fsync(fd.get()) != 0) return system_error("sync the directory", path, errno);
    return {};
}

Result<std::uint64_t> free_bytes(const std::string& path) {
    struct statvfs facts {};
    if (::statvfs(path.c_str(), &facts) != 0) return system_error("ask for the free space at", path, errno);
    return static_cast<std::uint64_t>(facts.f_bavail) * facts.f_frsize;
}

Status remove_file(const std::string& path) {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return system_error("remove", path, errno);
    return {};
}

Result<AppendFile> AppendFile::open(const std::string& path, Mode mode, Fault fault) {
    AppendFile file;
    file.path_ = path;
    file.fault_ = std::move(fault);
    const int flags = O_WRONLY | O_APPEND | O_CREAT | (mode == Mode::create_new ? O_EXCL : 0);
    file.fd_ = Fd(open_retrying(path, flags, kFileMode));
    if (!file.fd_) {
        const int failure = errno;
        Error error = system_error("open", path, failure);
        if (failure == EEXIST) error.code = Code::exists;
        return error;
    }
    struct stat facts {};
    if (::fstat(file.fd_.get(), &facts) != 0) return system_error("examine", path, errno);
    file.size_ = static_cast<std::uint64_t>(facts.st_size);
    if (file.size_ == 0) TRY(sync_directory(parent_of(path)));  // it may be new
    return file;
}

AppendFile::AppendFile(AppendFile&&) noexcept = default;
AppendFile& AppendFile::operator=(AppendFile&&) noexcept = default;
AppendFile::~AppendFile() = default;

Status AppendFile::check_usable() const {
    if (failure_ == 0) return {};
    return system_error("go on with", path_, failure_).within("an earlier write or sync failed");
}

Error AppendFile::poison(std::string_view action, int error_number) {
    failure_ = error_number;
    return system_error(action, path_, error_number);
}

Status AppendFile::write(std::string_view bytes) {
    TRY(check_usable());
    while (!bytes.empty()) {
        if (const int failure = fault("write")) return poison("write", failure);
        const ssize_t written = ::write(fd_.get(), bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return poison("write", errno);
        size_ += static_cast<std::uint64_t>(written);
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

Status AppendFile::sync() {
    TRY(check_usable());
    if (const int failure = fault("sync")) return poison("sync", failure);
    if (::fsync(fd_.get()) != 0) return poison("sync", errno);
    return {};
}

Result<std::optional<FileLock>> FileLock::try_lock(const std::string& path, std::string_view note) {
    Fd fd(open_retrying(path, O_RDWR | O_CREAT, kFileMode));
    if (!fd) return system_error("open the lock", path, errno);
    struct flock whole_file {};
    whole_file.l_type = F_WRLCK;
    whole_file.l_whence = SEEK_SET;
    // Open-file-description lock: a classic POSIX lock would be lost as soon as anything in this process closes another
    // descriptor of the same file, and would not exclude another thread.
    if (::fcntl(fd.get(), F_OFD_SETLK, &whole_file) != 0) {
        if (errno == EAGAIN || errno == EACCES) return std::optional<FileLock>();
        return system_error("lock", path, errno);
    }
    if (::ftruncate(fd.get(), 0) != 0) return system_error("empty the lock", path, errno);
    if (const int failure = write_all(fd.get(), note)) return system_error("write the lock", path, failure);
    return std::optional<FileLock>(FileLock(std::move(fd)));
}

}  // namespace dray
