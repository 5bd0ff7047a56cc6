#include "store/checksums.h"

#include "base/checksum.h"

namespace dray {
namespace {

template <class Crc>
std::string big_endian(Crc crc) {
    std::string bytes;
    for (int shift = sizeof(Crc) * 8 - 8; shift >= 0; shift -= 8)
        bytes += static_cast<char>((crc >> shift) & 0xff);
    return bytes;
}

}  // namespace

std::string base64_of(std::uint32_t crc) {
    return base64(big_endian(crc));
}
std::string base64_of(std::uint64_t crc) {
    return base64(big_endian(crc));
}

std::optional<Checksum> checksum_of(Checksum::Algorithm algorithm, std::string_view bytes) {
    using Algorithm = Checksum::Algorithm;
    Checksum sum{.algorithm = algorithm};
    switch (algorithm) {
        case Algorithm::crc32: sum.value = base64_of(crc32(bytes)); return sum;
        case Algorithm::crc32c: sum.value = base64_of(crc32c(bytes)); return sum;
        case Algorithm::crc64nvme: sum.value = base64_of(crc64nvme(bytes)); return sum;
        case Algorithm::sha256: {
            const Sha256 digest = sha256(bytes);
            sum.value = base64({reinterpret_cast<const char*>(digest.data()), digest.size()});
            return sum;
        }
        case Algorithm::sha1: return std::nullopt;
    }
    return std::nullopt;
}

Status verify_checksum(const Checksum& expected, std::string_view bytes) {
    const auto actual = checksum_of(expected.algorithm, bytes);
    if (!actual) {
        return Error{.code = Code::unsupported,
                     .message = std::string(name_of(expected.algorithm)) + " is not offered"};
    }
    if (actual->value == expected.value) return {};
    return Error{.code = Code::corrupt,
                 .message = std::string(name_of(expected.algorithm)) + " of the bytes is " + actual->value + ", not " +
                            expected.value};
}

}  // namespace dray
