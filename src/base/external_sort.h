// ExternalSorter: sorts any number of byte strings in bounded memory, spilling sorted runs to a directory. Used
// wherever the engine must compare "all with all" without holding all: the collision proof, and joining a plan with its
// journal.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace dray {

// Not thread-safe. add() until done, finish() once, then next() until nullopt. Order is bytewise. Files vanish with the
// object (they are unlinked as soon as they are open, so a crash leaves none).
class ExternalSorter {
public:
    static constexpr std::uint64_t kDefaultMemory = std::uint64_t{16} << 20;
    static constexpr std::uint64_t kLeastMemory = std::uint64_t{512} << 10;
    static constexpr std::uint64_t kMostMemory = std::uint64_t{4} << 30;
    static constexpr std::size_t kMaxRecord = std::size_t{64} << 10;
    static constexpr std::size_t kMaxFanIn = 64;  // runs merged at once; more are merged in passes

    // For tests: called before each write; a nonzero answer is the errno to fail with.
    using Fault = std::function<int()>;

    // `directory` exists and is writable; nothing is written there before the memory is full. `memory` bounds the bytes
    // buffered (records and their bookkeeping); it is moved between the limits above.
    explicit ExternalSorter(std::string directory, std::uint64_t memory = kDefaultMemory, Fault fault = {});
    ~ExternalSorter();
    ExternalSorter(ExternalSorter&&) noexcept;

    // Errors: invalid (more than kMaxRecord bytes), local (disk-full). After an error the sorter is of no more use.
    Status add(std::string_view record);
    Status finish();  // Error: local
    // The next record in order; the view holds until the next call.
    Result<std::optional<std::string_view>> next();
    std::uint64_t count() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

// Big-endian numbers sort as bytes.
void append_u64(std::string& out, std::uint64_t value);
std::uint64_t read_u64(std::string_view bytes);  // of its first 8 bytes

}  // namespace dray
