#include "digest.h"

#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

namespace dray::model {
namespace {

// Fetching an algorithm by name costs more than hashing a short text, so it is done once.
const EVP_MD* algorithm(Hash hash) {
    static EVP_MD* const md5 = EVP_MD_fetch(nullptr, "MD5", nullptr);
    static EVP_MD* const sha1 = EVP_MD_fetch(nullptr, "SHA1", nullptr);
    static EVP_MD* const sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    switch (hash) {
        case Hash::md5: return md5;
        case Hash::sha1: return sha1;
        case Hash::sha256: return sha256;
    }
    std::abort();
}

void must(int ok) {
    if (ok != 1) std::abort();  // only out of memory gets here
}

// Reflected CRC tables for slicing by eight: polynomials of zlib, Castagnoli and NVMe.
template <typename Word, Word kPolynomial>
struct Crc {
    Word table[8][256];
    Crc() {
        for (unsigned i = 0; i < 256; ++i) {
            Word crc = i;
            for (int bit = 0; bit < 8; ++bit)
                crc = (crc & 1U) != 0 ? static_cast<Word>((crc >> 1) ^ kPolynomial) : static_cast<Word>(crc >> 1);
            table[0][i] = crc;
        }
        for (unsigned i = 0; i < 256; ++i)
            for (int k = 1; k < 8; ++k)
                table[k][i] = static_cast<Word>((table[k - 1][i] >> 8) ^ table[0][table[k - 1][i] & 0xff]);
    }
    Word update(Word crc, std::string_view bytes) const {
        const char* at = bytes.data();
        std::size_t left = bytes.size();
        for (; left >= 8; left -= 8, at += 8) {
            std::uint64_t word;
            std::memcpy(&word, at, 8);
            word ^= crc;
            crc =
                static_cast<Word>(table[7][word & 0xff] ^ table[6][(word >> 8) & 0xff] ^ table[5][(word >> 16) & 0xff] ^
                                  table[4][(word >> 24) & 0xff] ^ table[3][(word >> 32) & 0xff] ^
                                  table[2][(word >> 40) & 0xff] ^ table[1][(word >> 48) & 0xff] ^ table[0][word >> 56]);
        }
        for (; left > 0; --left, ++at)
            crc = static_cast<Word>((crc >> 8) ^ table[0][(crc ^ static_cast<unsigned char>(*at)) & 0xff]);
        return crc;
    }
};

template <typename Word, Word kPolynomial>
std::string crc_of(const Body& body) {
    static const Crc<Word, kPolynomial> tables;
    Word crc = static_cast<Word>(~Word{0});
    body.for_each([&](std::string_view bytes) { crc = tables.update(crc, bytes); });
    crc = static_cast<Word>(~crc);
    std::string raw(sizeof(Word), '\0');
    for (std::size_t i = 0; i < sizeof(Word); ++i)
        raw[i] = static_cast<char>(crc >> (8 * (sizeof(Word) - 1 - i)));
    return raw;
}

}  // namespace

Digest::Digest(Hash hash) : ctx_(EVP_MD_CTX_new()) {
    must(EVP_DigestInit_ex2(ctx_, algorithm(hash), nullptr));
}
Digest::~Digest() {
    EVP_MD_CTX_free(ctx_);
}
void Digest::restart() {
    must(EVP_DigestInit_ex2(ctx_, nullptr, nullptr));
}
void Digest::update(std::string_view bytes) {
    must(EVP_DigestUpdate(ctx_, bytes.data(), bytes.size()));
}

std::string Digest::finish() {
    unsigned char raw[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    must(EVP_DigestFinal_ex(ctx_, raw, &size));
    return {reinterpret_cast<const char*>(raw), size};
}

std::string digest(Hash hash, std::string_view bytes) {
    thread_local Digest contexts[3] = {Digest(Hash::md5), Digest(Hash::sha1), Digest(Hash::sha256)};
    Digest& context = contexts[static_cast<int>(hash)];
    context.restart();
    context.update(bytes);
    return context.finish();
}

std::string body_digest(Hash hash, const Body& body) {
    if (std::string_view run = body.run_at(0); run.size() == body.size()) return digest(hash, run);
    Digest context(hash);
    body.for_each([&](std::string_view bytes) { context.update(bytes); });
    return context.finish();
}

Hmac::Hmac(std::string_view key) : inner_(EVP_MD_CTX_new()), outer_(EVP_MD_CTX_new()), work_(EVP_MD_CTX_new()) {
    constexpr std::size_t kBlock = 64;
    std::string padded(key.size() > kBlock ? digest(Hash::sha256, key) : std::string(key));
    padded.resize(kBlock, '\0');
    std::string inner = padded, outer = padded;
    for (char& c : inner)
        c = static_cast<char>(c ^ 0x36);
    for (char& c : outer)
        c = static_cast<char>(c ^ 0x5c);
    must(EVP_DigestInit_ex2(inner_, algorithm(Hash::sha256), nullptr));
    must(EVP_DigestUpdate(inner_, inner.data(), kBlock));
    must(EVP_DigestInit_ex2(outer_, algorithm(Hash::sha256), nullptr));
    must(EVP_DigestUpdate(outer_, outer.data(), kBlock));
}

Hmac::~Hmac() {
    EVP_MD_CTX_free(inner_);
    EVP_MD_CTX_free(outer_);
    EVP_MD_CTX_free(work_);
}

Hmac::Hmac(Hmac&& other) noexcept
    : inner_(std::exchange(other.inner_, nullptr)),
      outer_(std::exchange(other.outer_, nullptr)),
      work_(std::exchange(other.work_, nullptr)) {}

Hmac& Hmac::operator=(Hmac&& other) noexcept {
    std::swap(inner_, other.inner_);
    std::swap(outer_, other.outer_);
    std::swap(work_, other.work_);
    return *this;
}

std::string Hmac::sign(std::string_view bytes) {
    unsigned char raw[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    must(EVP_MD_CTX_copy_ex(work_, inner_));
    must(EVP_DigestUpdate(work_, bytes.data(), bytes.size()));
    must(EVP_DigestFinal_ex(work_, raw, &size));
    must(EVP_MD_CTX_copy_ex(work_, outer_));
    must(EVP_DigestUpdate(work_, raw, size));
    must(EVP_DigestFinal_ex(work_, raw, &size));
    return {reinterpret_cast<const char*>(raw), size};
}

std::string checksum(std::string_view name, const Body& body) {
    if (name == "crc32") return crc_of<std::uint32_t, 0xEDB88320U>(body);
    if (name == "crc32c") return crc_of<std::uint32_t, 0x82F63B78U>(body);
    if (name == "crc64nvme") return crc_of<std::uint64_t, 0x9A6C9329AC4BC9B5ULL>(body);
    if (name == "sha1") return body_digest(Hash::sha1, body);
    if (name == "sha256") return body_digest(Hash::sha256, body);
    return {};
}

std::string to_hex(std::string_view bytes) {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string text(bytes.size() * 2, '\0');
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const auto byte = static_cast<unsigned char>(bytes[i]);
        text[2 * i] = kDigits[byte >> 4];
        text[2 * i + 1] = kDigits[byte & 15];
    }
    return text;
}

bool from_hex(std::string_view text, std::string& bytes) {
    auto value = [](char c) {
        if (c >= '0' && c <= '9') return c - '0';
        if (c >= 'a' && c <= 'f') return c - 'a' + 10;
        if (c >= 'A' && c <= 'F') return c - 'A' + 10;
        return -1;
    };
    if (text.size() % 2 != 0) return false;
    bytes.resize(text.size() / 2);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const int high = value(text[2 * i]), low = value(text[2 * i + 1]);
        if (high < 0 || low < 0) return false;
        bytes[i] = static_cast<char>(high * 16 + low);
    }
    return true;
}

std::string to_base64(std::string_view bytes) {
    std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
    const int n = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                  reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
    text.resize(static_cast<std::size_t>(n));
    return text;
}

bool from_base64(std::string_view text, std::string& bytes) {
    if (text.size() % 4 != 0) return false;
    bytes.resize(text.size() / 4 * 3);
    const int n = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                  reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
    if (n < 0) return false;
    std::size_t size = static_cast<std::size_t>(n);
    if (text.ends_with("==")) {
        size -= 2;
    } else if (text.ends_with('=')) {
        size -= 1;
    }
    bytes.resize(size);
    return true;
}

}  // namespace dray::model
