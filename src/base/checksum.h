// Checksums and digests. Streaming: construct, update any number of times, finish once. Not thread-safe; one per
// stream.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace dray {

// CRC-32C (Castagnoli), as in x-amz-checksum-crc32c. `crc` is the value of the bytes before; 0 to begin. Check:
// "123456789" -> e3069283.
std::uint32_t crc32c(std::string_view bytes, std::uint32_t crc = 0);
std::uint32_t crc32c_combine(std::uint32_t first, std::uint32_t second, std::uint64_t second_bytes);
// CRC-32 (ISO-HDLC, zlib's), as in x-amz-checksum-crc32. Check: cbf43926.
std::uint32_t crc32(std::string_view bytes, std::uint32_t crc = 0);
// CRC-64/NVME, as in x-amz-checksum-crc64nvme. Check: ae8b14860a799888. PCLMULQDQ where the CPU has it, tables
// elsewhere.
std::uint64_t crc64nvme(std::string_view bytes, std::uint64_t crc = 0);
std::uint64_t crc64nvme_combine(std::uint64_t first, std::uint64_t second, std::uint64_t second_bytes);
// The table implementation, for tests and for CPUs without PCLMULQDQ.
std::uint64_t crc64nvme_scalar(std::string_view bytes, std::uint64_t crc = 0);

using Md5 = std::array<std::uint8_t, 16>;
using Sha256 = std::array<std::uint8_t, 32>;

Md5 md5(std::string_view bytes);
Sha256 sha256(std::string_view bytes);
Sha256 hmac_sha256(std::string_view key, std::string_view bytes);

class Md5Stream {
public:
    Md5Stream();
    ~Md5Stream();
    Md5Stream(Md5Stream&&) noexcept;
    void update(std::string_view bytes);
    Md5 finish();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

class Sha256Stream {
public:
    Sha256Stream();
    ~Sha256Stream();
    Sha256Stream(Sha256Stream&&) noexcept;
    void update(std::string_view bytes);
    Sha256 finish();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

// 128-bit hash for proofs by sorting (XXH3). Not for adversaries who choose keys: a reported collision is compared by
// key.
struct Hash128 {
    std::uint64_t high = 0, low = 0;
    auto operator<=>(const Hash128&) const = default;
};
Hash128 hash128(std::string_view bytes);

std::string hex(std::string_view bytes);  // lower case
template <std::size_t N>
std::string hex(const std::array<std::uint8_t, N>& digest) {
    return hex(std::string_view(reinterpret_cast<const char*>(digest.data()), N));
}
std::string hex(std::uint32_t value);  // 8 digits
std::string hex(std::uint64_t value);  // 16 digits
// False when `text` is not hex of even length.
bool unhex(std::string_view text, std::string& bytes);

std::string base64(std::string_view bytes);
// False when `text` is not padded standard base64.
bool unbase64(std::string_view text, std::string& bytes);

}  // namespace dray
