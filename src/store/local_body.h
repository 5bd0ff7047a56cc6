// The bytes of the local store's objects, in and out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/checksum.h"
#include "base/context.h"
#include "store/local_file.h"
#include "store/object_store.h"

namespace dray {

// Hands [offset, offset + bytes) of a file to `sink`, as far as it goes.
Status read_range(const Context& ctx, int fd, std::uint64_t offset, std::uint64_t bytes, const std::string& path,
                  const ByteSink& sink);

// Other programs may write into a file that is open. A name that was taken away (ctime only) changes no bytes. Error:
// conflict.
Status unchanged(int fd, const struct stat& before, const std::string& path);

// The body's own time, to the nanosecond: the kernel's coarse clock gives two quick writes the same one, and an inode
// may be used again at once.
Status stamp_now(int fd, const std::string& path);

// Makes the checksums of what passes, and writes it.
class Writing {
public:
    Writing(TempFile& temp, std::optional<Checksum> expected) : temp_(temp), expected_(std::move(expected)) {}
    Status write(std::string_view bytes);
    Result<Checksum> finish(const std::string& path);  // error: corrupt

private:
    TempFile& temp_;
    const std::optional<Checksum> expected_;
    std::uint64_t crc_ = 0;
    std::uint32_t crc32_ = 0;
    Sha256Stream sha256_;
};

// Error: invalid (the source gave more or less than its size).
Status pour(const Context& ctx, ByteSource& source, Writing& writing);

}  // namespace dray
