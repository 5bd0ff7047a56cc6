#include "base/checksum.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>
#include <vector>

namespace dray {
namespace {

constexpr std::string_view kCheck = "123456789";

std::string some_bytes(std::size_t size) {
    std::string bytes(size, '\0');
    std::uint64_t state = 0x9E3779B97F4A7C15;
    for (char& byte : bytes) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        byte = static_cast<char>(state >> 32);
    }
    return bytes;
}

// One bit at a time, straight from the definition.
template <class Word>
Word crc_by_bits(std::string_view bytes, Word reflected_polynomial) {
    Word state = ~Word{0};
    for (const char c : bytes) {
        state ^= static_cast<unsigned char>(c);
        for (int bit = 0; bit < 8; ++bit)
            state = (state & 1) ? (state >> 1) ^ reflected_polynomial : state >> 1;
    }
    return ~state;
}

TEST(Checksum, KnowsTheCheckValues) {
    EXPECT_EQ(crc32c(kCheck), 0xe3069283U);
    EXPECT_EQ(crc32(kCheck), 0xcbf43926U);
    EXPECT_EQ(crc64nvme(kCheck), 0xae8b14860a799888U);
    EXPECT_EQ(crc64nvme_scalar(kCheck), 0xae8b14860a799888U);
    EXPECT_EQ(crc32c(""), 0U);
    EXPECT_EQ(crc32(""), 0U);
    EXPECT_EQ(crc64nvme(""), 0U);
}

TEST(Checksum, C16EveryKernelAgreesWithTheDefinitionAtEveryLengthAndAlignment) {
    const std::string bytes = some_bytes(4096 + 64);
    for (std::size_t size = 0; size <= 4096; size += (size < 300 ? 1 : 61)) {
        for (std::size_t offset : {0, 1, 7, 8, 15, 33}) {
            const auto piece = std::string_view(bytes).substr(offset, size);
            const auto nvme = crc_by_bits<std::uint64_t>(piece, 0x9A6C9329AC4BC9B5);
            ASSERT_EQ(crc64nvme(piece), nvme) << size << " at " << offset;
            ASSERT_EQ(crc64nvme_scalar(piece), nvme) << size << " at " << offset;
            ASSERT_EQ(crc32c(piece), crc_by_bits<std::uint32_t>(piece, 0x82F63B78)) << size << " at " << offset;
            ASSERT_EQ(crc32(piece), crc_by_bits<std::uint32_t>(piece, 0xEDB88320)) << size << " at " << offset;
        }
    }
}

TEST(Checksum, C16FoldingAgreesWithTablesAtEveryLengthAndAlignment) {
    const std::string bytes = some_bytes(4096 + 64);
    for (std::size_t size = 0; size <= 4096; ++size)
        for (std::size_t offset = 0; offset < 64; offset += 1 + size / 128) {
            const auto piece = std::string_view(bytes).substr(offset, size);
            ASSERT_EQ(crc64nvme(piece, size), crc64nvme_scalar(piece, size)) << size << " at " << offset;
        }
}

TEST(Checksum, GoesOnWhereItStopped) {
    const std::string bytes = some_bytes(3000);
    for (std::size_t cut = 0; cut <= bytes.size(); cut += 97) {
        const auto first = std::string_view(bytes).substr(0, cut);
        const auto second = std::string_view(bytes).substr(cut);
        EXPECT_EQ(crc32c(second, crc32c(first)), crc32c(bytes));
        EXPECT_EQ(crc32(second, crc32(first)), crc32(bytes));
        EXPECT_EQ(crc64nvme(second, crc64nvme(first)), crc64nvme(bytes));
    }
}

TEST(Checksum, CombinesTheChecksumsOfParts) {
    const std::string bytes = some_bytes(5000);
    for (std::size_t cut = 0; cut <= bytes.size(); cut += 101) {
        const auto first = std::string_view(bytes).substr(0, cut);
        const auto second = std::string_view(bytes).substr(cut);
        EXPECT_EQ(crc32c_combine(crc32c(first), crc32c(second), second.size()), crc32c(bytes));
        EXPECT_EQ(crc64nvme_combine(crc64nvme(first), crc64nvme(second), second.size()), crc64nvme(bytes));
    }
}

TEST(Checksum, CombiningIsAssociativeForPartsOfAnySize) {
    const std::uint64_t a = crc64nvme("a"), b = crc64nvme("b"), c = crc64nvme("c");
    constexpr std::uint64_t kHuge = std::uint64_t{5} << 40;
    EXPECT_EQ(crc64nvme_combine(crc64nvme_combine(a, b, kHuge), c, kHuge + 1),
              crc64nvme_combine(a, crc64nvme_combine(b, c, kHuge + 1), 2 * kHuge + 1));
}

TEST(Digest, KnowsTheStandardVectors) {
    EXPECT_EQ(hex(md5("")), "d41d8cd98f00b204e9800998ecf8427e");
    EXPECT_EQ(hex(md5("abc")), "900150983cd24fb0d6963f7d28e17f72");
    EXPECT_EQ(hex(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Digest, C16StreamsAgreeWithOneShotsAtEveryLength) {
    const std::string bytes = some_bytes(4096);
    for (std::size_t size = 0; size <= 4096; size += 1 + size / 64) {
        const auto piece = std::string_view(bytes).substr(0, size);
        Md5Stream md5_stream;
        Sha256Stream sha256_stream;
        for (std::size_t at = 0; at < size; at += 37) {
            md5_stream.update(piece.substr(at, 37));
            sha256_stream.update(piece.substr(at, 37));
        }
        ASSERT_EQ(md5_stream.finish(), md5(piece)) << size;
        ASSERT_EQ(sha256_stream.finish(), sha256(piece)) << size;
    }
}

// RFC 4231, test cases 1, 2, 3, 6.
TEST(Digest, HmacKnowsTheVectorsOfItsRfc) {
    EXPECT_EQ(hex(hmac_sha256(std::string(20, '\x0b'), "Hi There")),
              "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    EXPECT_EQ(hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    EXPECT_EQ(hex(hmac_sha256(std::string(20, '\xaa'), std::string(50, '\xdd'))),
              "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
    EXPECT_EQ(hex(hmac_sha256(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First")),
              "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(Digest, WorksInManyThreadsAtOnce) {
    const Sha256 expected = sha256("abc");
    std::vector<std::thread> threads;
    std::vector<char> wrong(8, 0);
    for (std::size_t t = 0; t < wrong.size(); ++t)
        threads.emplace_back([&, t] {
            for (int i = 0; i < 200; ++i)
                wrong[t] |= sha256("abc") != expected;
        });
    for (auto& thread : threads)
        thread.join();
    EXPECT_EQ(std::count(wrong.begin(), wrong.end(), 0), 8);
}

TEST(Digest, TheSortHashKnowsItsPublishedValue) {
    EXPECT_EQ(hash128(""), (Hash128{.high = 0x99aa06d3014798d8, .low = 0x6001c324468d497f}));
    EXPECT_NE(hash128("a"), hash128("b"));
}

TEST(Hex, ReadsBackWhatItWrites) {
    const std::string bytes = some_bytes(300);
    std::string back;
    ASSERT_TRUE(unhex(hex(bytes), back));
    EXPECT_EQ(back, bytes);
    EXPECT_EQ(hex(std::uint32_t{0xab}), "000000ab");
    EXPECT_EQ(hex(std::uint64_t{0xab}), "00000000000000ab");
    ASSERT_TRUE(unhex("AbCd", back));
    EXPECT_EQ(back, "\xab\xcd");
}

TEST(Hex, RefusesOddLengthsAndOtherCharacters) {
    std::string kept = "kept";
    for (const char* bad : {"a", "0g", " 0", "0x", "abc"})
        EXPECT_FALSE(unhex(bad, kept)) << bad;
    EXPECT_EQ(kept, "kept");
}

// RFC 4648, section 10.
TEST(Base64, KnowsTheVectorsOfItsRfc) {
    const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                           {"f", "Zg=="},
                                                           {"fo", "Zm8="},
                                                           {"foo", "Zm9v"},
                                                           {"foob", "Zm9vYg=="},
                                                           {"fooba", "Zm9vYmE="},
                                                           {"foobar", "Zm9vYmFy"}};
    for (const auto& [bytes, text] : vectors) {
        EXPECT_EQ(base64(bytes), text);
        std::string back = "x";
        EXPECT_TRUE(unbase64(text, back));
        EXPECT_EQ(back, bytes);
    }
}

TEST(Base64, ReadsBackEveryByte) {
    for (std::size_t size = 0; size < 300; ++size) {
        const std::string bytes = some_bytes(size);
        std::string back;
        ASSERT_TRUE(unbase64(base64(bytes), back));
        ASSERT_EQ(back, bytes);
    }
}

TEST(Base64, RefusesEverySecondSpelling) {
    std::string kept = "kept";
    for (const char* bad : {"Zg", "Zg=", "Z===", "====", "Zh==", "Zm9=", "Zm9v\n", "Zm-v", "Zg==Zg==", "=Zg=", "Zm9vZ"})
        EXPECT_FALSE(unbase64(bad, kept)) << bad;
    EXPECT_EQ(kept, "kept");
}

}  // namespace
}  // namespace dray
