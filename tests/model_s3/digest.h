// Digests of the model server, straight on OpenSSL: nothing here comes from the product it checks.
#pragma once

#include <openssl/evp.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "body.h"

namespace dray::model {

enum class Hash { md5, sha1, sha256 };

// A streaming digest; the context is fetched once a thread and reused.
class Digest {
public:
    explicit Digest(Hash hash);
    ~Digest();
    Digest(const Digest&) = delete;
    Digest& operator=(const Digest&) = delete;
    void restart();
    void update(std::string_view bytes);
    std::string finish();  // raw bytes

private:
    EVP_MD_CTX* ctx_;
};

std::string digest(Hash hash, std::string_view bytes);  // raw bytes
std::string body_digest(Hash hash, const Body& body);

// HMAC-SHA256 with a fixed key: the padded key is absorbed once.
class Hmac {
public:
    explicit Hmac(std::string_view key);
    ~Hmac();
    Hmac(Hmac&& other) noexcept;
    Hmac& operator=(Hmac&& other) noexcept;
    std::string sign(std::string_view bytes);  // raw bytes

private:
    EVP_MD_CTX* inner_;
    EVP_MD_CTX* outer_;
    EVP_MD_CTX* work_;
};

// Checksums by their S3 name: crc32, crc32c, crc64nvme, sha1, sha256 (lower case). Raw big-endian bytes; empty for an
// unknown name.
std::string checksum(std::string_view algorithm, const Body& body);

std::string to_hex(std::string_view bytes);
std::string to_base64(std::string_view bytes);
bool from_base64(std::string_view text, std::string& bytes);
bool from_hex(std::string_view text, std::string& bytes);

}  // namespace dray::model
