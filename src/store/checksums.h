// S3's checksums of a whole body, as the headers spell them.
#pragma once

#include <optional>
#include <string_view>

#include "store/object_store.h"

namespace dray {

// nullopt: SHA-1, which dray neither makes nor checks.
std::optional<Checksum> checksum_of(Checksum::Algorithm algorithm, std::string_view bytes);

// Errors: corrupt (the bytes have another checksum), unsupported (SHA-1).
Status verify_checksum(const Checksum& expected, std::string_view bytes);

// The big-endian bytes of a CRC in base64: how x-amz-checksum-crc* carry it.
std::string base64_of(std::uint32_t crc);
std::string base64_of(std::uint64_t crc);

}  // namespace dray
