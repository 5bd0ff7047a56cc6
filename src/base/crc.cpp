// CRC-32 and CRC-32C by isa-l; CRC-64/NVME by ourselves, as no library of Debian 12 has it.
#include <emmintrin.h>
#include <isa-l/crc.h>
#include <wmmintrin.h>

#include <algorithm>
#include <cstring>

#include "base/checksum.h"

namespace dray {
namespace {

constexpr std::uint32_t kPolynomial32c = 0x82F63B78;         // reflected
constexpr std::uint64_t kPolynomial64 = 0x9A6C9329AC4BC9B5;  // reflected

// Polynomials over GF(2) modulo the CRC's, bits reflected: the highest bit is the coefficient of x^0.
template <class Word>
constexpr Word multiply(Word a, Word b, Word polynomial) {
    Word product = 0;
    for (Word bit = Word{1} << (8 * sizeof(Word) - 1); bit != 0; bit >>= 1) {
        if (a & bit) product ^= b;
        b = (b & 1) ? (b >> 1) ^ polynomial : b >> 1;
    }
    return product;
}

template <class Word>
constexpr Word power_of_x(std::uint64_t exponent, Word polynomial) {
    Word result = Word{1} << (8 * sizeof(Word) - 1);  // x^0
    Word square = Word{1} << (8 * sizeof(Word) - 2);  // x^1
    for (; exponent != 0; exponent >>= 1) {
        if (exponent & 1) result = multiply(result, square, polynomial);
        square = multiply(square, square, polynomial);
    }
    return result;
}

// What `first` becomes when second_bytes zero bytes follow, xor what they really were: the pre- and post-inversions
// cancel out.
template <class Word>
Word combine(Word first, Word second, std::uint64_t second_bytes, Word polynomial) {
    const Word x8 = power_of_x<Word>(8, polynomial);
    Word shift = power_of_x<Word>(0, polynomial);
    Word square = x8;
    for (std::uint64_t left = second_bytes; left != 0; left >>= 1) {
        if (left & 1) shift = multiply(shift, square, polynomial);
        square = multiply(square, square, polynomial);
    }
    return multiply(shift, first, polynomial) ^ second;
}

// Slicing by eight: tables[k][b] is the CRC of byte b with k zero bytes behind it.
struct Tables {
    std::uint64_t of[8][256];
};

constexpr Tables make_tables() {
    Tables tables{};
    for (std::uint64_t byte = 0; byte < 256; ++byte) {
        std::uint64_t crc = byte;
        for (int bit = 0; bit < 8; ++bit)
            crc = (crc & 1) ? (crc >> 1) ^ kPolynomial64 : crc >> 1;
        tables.of[0][byte] = crc;
    }
    for (int k = 1; k < 8; ++k)
        for (int byte = 0; byte < 256; ++byte) {
            const std::uint64_t before = tables.of[k - 1][byte];
            tables.of[k][byte] = tables.of[0][before & 0xFF] ^ (before >> 8);
        }
    return tables;
}
constexpr Tables kTables = make_tables();

// The CRC register itself, without the inversions before and after.
std::uint64_t advance_by_tables(std::uint64_t state, const char* bytes, std::size_t size) {
    for (; size >= 8; bytes += 8, size -= 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes, 8);
        word ^= state;
        state = 0;
        for (int k = 0; k < 8; ++k)
            state ^= kTables.of[7 - k][(word >> (8 * k)) & 0xFF];
    }
    for (; size > 0; ++bytes, --size)
        state = kTables.of[0][(state ^ static_cast<unsigned char>(*bytes)) & 0xFF] ^ (state >> 8);
    return state;
}

// Folding (Gopal et al., "Fast CRC Computation Using PCLMULQDQ", Intel 2009). A 128-bit lane stands for a polynomial
// whose low quadword holds the higher powers. Moving it `bits` further along the message multiplies the low quadword by
// x^(bits+64) and the high one by x^bits; one power less each, because the product of two reflected 64-bit words comes
// out one place lower than its frame.
struct FoldBy {
    std::uint64_t low, high;
    explicit constexpr FoldBy(std::uint64_t bits)
        : low(power_of_x(bits + 63, kPolynomial64)), high(power_of_x(bits - 1, kPolynomial64)) {}
};
constexpr FoldBy kFoldBy128(128);
constexpr FoldBy kFoldBy1024(1024);

__attribute__((target("pclmul"))) inline __m128i fold(__m128i lane, __m128i by, __m128i next) {
    const __m128i low = _mm_clmulepi64_si128(lane, by, 0x00);
    const __m128i high = _mm_clmulepi64_si128(lane, by, 0x11);
    return _mm_xor_si128(_mm_xor_si128(low, high), next);
}

__m128i load(const char* bytes) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes));
}

constexpr std::size_t kLanes = 8;  // enough independent multiplications to hide their latency
constexpr std::size_t kBlock = kLanes * sizeof(__m128i);

// Needs at least one block.
__attribute__((target("pclmul"))) std::uint64_t advance_by_folding(std::uint64_t state, const char* bytes,
                                                                   std::size_t size) {
    const __m128i by1024 =
        _mm_set_epi64x(static_cast<long long>(kFoldBy1024.high), static_cast<long long>(kFoldBy1024.low));
    const __m128i by128 =
        _mm_set_epi64x(static_cast<long long>(kFoldBy128.high), static_cast<long long>(kFoldBy128.low));
    __m128i lane[kLanes];
    for (std::size_t i = 0; i < kLanes; ++i)
        lane[i] = load(bytes + i * sizeof(__m128i));
    lane[0] = _mm_xor_si128(lane[0], _mm_set_epi64x(0, static_cast<long long>(state)));
    for (bytes += kBlock, size -= kBlock; size >= kBlock; bytes += kBlock, size -= kBlock) {
#pragma GCC unroll 8  // or -O2 keeps the lanes in memory
        for (std::size_t i = 0; i < kLanes; ++i)
            lane[i] = fold(lane[i], by1024, load(bytes + i * sizeof(__m128i)));
    }

    __m128i all = lane[0];
    for (std::size_t i = 1; i < kLanes; ++i)
        all = fold(all, by128, lane[i]);
    for (; size >= sizeof all; bytes += sizeof all, size -= sizeof all)
        all = fold(all, by128, load(bytes));

    // What is left in `all` has the remainder of everything before: 16 bytes that the tables can finish.
    char rest[sizeof all];
    std::memcpy(rest, &all, sizeof all);
    return advance_by_tables(advance_by_tables(0, rest, sizeof rest), bytes, size);
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes, std::uint32_t crc) {
    constexpr std::size_t kMostAtOnce = std::size_t{1} << 30;  // isa-l counts in int here
    std::uint32_t state = ~crc;
    while (!bytes.empty()) {
        const std::string_view piece = bytes.substr(0, kMostAtOnce);
        // isa-l only reads, but its prototype lacks the const.
        auto* data = reinterpret_cast<unsigned char*>(const_cast<char*>(piece.data()));
        state = ::crc32_iscsi(data, static_cast<int>(piece.size()), state);
        bytes.remove_prefix(piece.size());
    }
    return ~state;
}

std::uint32_t crc32c_combine(std::uint32_t first, std::uint32_t second, std::uint64_t second_bytes) {
    return combine(first, second, second_bytes, kPolynomial32c);
}

std::uint32_t crc32(std::string_view bytes, std::uint32_t crc) {
    return ::crc32_gzip_refl(crc, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
}

std::uint64_t crc64nvme(std::string_view bytes, std::uint64_t crc) {
    static const bool can_fold = __builtin_cpu_supports("pclmul") != 0;
    if (bytes.size() < kBlock || !can_fold) return crc64nvme_scalar(bytes, crc);
    return ~advance_by_folding(~crc, bytes.data(), bytes.size());
}

std::uint64_t crc64nvme_combine(std::uint64_t first, std::uint64_t second, std::uint64_t second_bytes) {
    return combine(first, second, second_bytes, kPolynomial64);
}

std::uint64_t crc64nvme_scalar(std::string_view bytes, std::uint64_t crc) {
    return ~advance_by_tables(~crc, bytes.data(), bytes.size());
}

}  // namespace dray
