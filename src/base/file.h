// Files: whole, durable, and never half. POSIX underneath; every error names the path and errno's words. Code::local
// throughout unless said otherwise; a full disk has the reason "disk-full".
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace dray {

// Code::local with errno's words: "cannot open /a/b: Permission denied"; reason "disk-full" where it is that. For files
// of dray's own: where there is no room, the message says what to do about the state directory.
Error system_error(std::string_view action, std::string_view path, int error_number);

// An owned descriptor.
class Fd {
public:
    Fd() = default;
    explicit Fd(int fd) : fd_(fd) {}
    Fd(Fd&& other) noexcept;
    Fd& operator=(Fd&& other) noexcept;
    ~Fd();
    int get() const { return fd_; }
    explicit operator bool() const { return fd_ >= 0; }
    int release();

private:
    int fd_ = -1;
};

Result<std::string> read_file(const std::string& path, std::uint64_t max_bytes);  // not_found, corrupt (larger)
// The file appears whole or not at all: temp file beside it, fsync, rename, fsync of the directory. Mode 0600.
Status write_file_atomically(const std::string& path, std::string_view content);
Status make_directories(const std::string& path);  // like mkdir -p, mode 0700 for what it makes
std::string parent_of(const std::string& path);    // the directory that holds it: "." for a bare name
Status sync_directory(const std::string& path);
Result<std::uint64_t> free_bytes(const std::string& path);  // of the file system that holds it
// Removes a file; one that is not there is fine.
Status remove_file(const std::string& path);

// An append-only file with explicit durability. Not thread-safe.
class AppendFile {
public:
    // `fault` is for tests: called before each write and each sync with its name ("write", "sync"); a nonzero answer is
    // the errno to fail with.
    using Fault = std::function<int(std::string_view)>;
    enum class Mode : std::uint8_t { create_new, append };  // create_new: Code::exists when it is there
    // A new file's name is durable when this returns.
    static Result<AppendFile> open(const std::string& path, Mode mode, Fault fault = {});
    AppendFile(AppendFile&&) noexcept;
    AppendFile& operator=(AppendFile&&) noexcept;
    ~AppendFile();

    // After any failure the file is poisoned and every later call fails: a failed write may have left half a record,
    // which must stay the last one, and after a failed fsync the kernel may have dropped the pages.
    Status write(std::string_view bytes);  // all of them
    Status sync();                         // fsync
    std::uint64_t size() const { return size_; }
    const std::string& path() const { return path_; }

private:
    AppendFile() = default;
    Status check_usable() const;
    int fault(std::string_view name) const { return fault_ ? fault_(name) : 0; }
    Error poison(std::string_view action, int error_number);
    std::string path_;
    Fd fd_;
    std::uint64_t size_ = 0;
    int failure_ = 0;  // the errno that poisoned it
    Fault fault_;
};

// An advisory lock on a file (open-file-description lock), held until it is dropped or the process ends.
class FileLock {
public:
    // nullopt: somebody else holds it. The file is created when missing; `note` (who we are) is written into it.
    static Result<std::optional<FileLock>> try_lock(const std::string& path, std::string_view note = {});
    FileLock(FileLock&&) noexcept = default;
    FileLock& operator=(FileLock&&) noexcept = default;

private:
    explicit FileLock(Fd fd) : fd_(std::move(fd)) {}
    Fd fd_;
};

}  // namespace dray
