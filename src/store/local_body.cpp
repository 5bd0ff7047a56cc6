#include "store/local_body.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "base/log.h"
#include "store/checksums.h"

namespace dray {
namespace {

constexpr std::size_t kChunk = 256 * 1024;  // bytes read and written at a time

}  // namespace

Status read_range(const Context& ctx, int fd, std::uint64_t offset, std::uint64_t bytes, const std::string& path,
                  const ByteSink& sink) {
    std::string buffer(std::min<std::uint64_t>(kChunk, bytes), '\0');
    while (bytes > 0) {
        TRY(ctx.check());
        const ssize_t n =
            ::pread(fd, buffer.data(), std::min<std::uint64_t>(buffer.size(), bytes), static_cast<off_t>(offset));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return io_error("read", path, errno);
        if (n == 0) return {};
        TRY(sink({buffer.data(), static_cast<std::size_t>(n)}));
        offset += static_cast<std::uint64_t>(n);
        bytes -= static_cast<std::uint64_t>(n);
    }
    return {};
}

Status unchanged(int fd, const struct stat& before, const std::string& path) {
    struct stat now {};
    if (::fstat(fd, &now) != 0) return io_error("look at", path, errno);
    const bool same = now.st_size == before.st_size && modified_time(now) == modified_time(before);
    if (same) return {};
    return Error{.code = Code::conflict, .message = in_quotes(path) + " changed while it was read"};
}

Status stamp_now(int fd, const std::string& path) {
    timespec times[2] = {{.tv_sec = 0, .tv_nsec = UTIME_OMIT}, {}};
    ::clock_gettime(CLOCK_REALTIME, &times[1]);
    return ::futimens(fd, times) == 0 ? Status() : Status(io_error("set the time of", path, errno));
}

Status Writing::write(std::string_view bytes) {
    crc_ = crc64nvme(bytes, crc_);
    if (expected_) {
        if (expected_->algorithm == Checksum::Algorithm::crc32) crc32_ = crc32(bytes, crc32_);
        if (expected_->algorithm == Checksum::Algorithm::crc32c) crc32_ = crc32c(bytes, crc32_);
        if (expected_->algorithm == Checksum::Algorithm::sha256) sha256_.update(bytes);
    }
    return temp_.write(bytes);
}

Result<Checksum> Writing::finish(const std::string& path) {
    const Checksum own{.value = base64_of(crc_)};
    if (!expected_) return own;
    std::string actual = own.value;
    if (expected_->algorithm == Checksum::Algorithm::sha256) {
        const Sha256 digest = sha256_.finish();
        actual = base64({reinterpret_cast<const char*>(digest.data()), digest.size()});
    } else if (expected_->algorithm != Checksum::Algorithm::crc64nvme) {
        actual = base64_of(crc32_);
    }
    if (actual == expected_->value) return own;
    return Error{.code = Code::corrupt,
                 .message = in_quotes(path) + ": " + std::string(name_of(expected_->algorithm)) + " of the bytes is " +
                            actual + ", not " + expected_->value};
}

Status pour(const Context& ctx, ByteSource& source, Writing& writing) {
    std::string buffer(std::min<std::uint64_t>(kChunk, source.size() + 1), '\0');
    std::uint64_t read = 0;
    for (;;) {
        TRY(ctx.check());
        TRY_LET(n, source.read(buffer.data(), buffer.size()));
        if (n == 0) break;
        read += n;
        TRY(writing.write({buffer.data(), n}));
    }
    if (read == source.size()) return {};
    return Error{.code = Code::invalid,
                 .message = "the source changed while it was read: its length is not what it was",
                 .reason = "changed-while-read"};
}

}  // namespace dray
