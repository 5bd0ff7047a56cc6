// Digests by OpenSSL, the 128-bit hash by xxHash.
#include <openssl/evp.h>
#include <xxhash.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/checksum.h"

namespace dray {
namespace {

// Fetching searches the providers under a lock and costs more than hashing a kilobyte: once per program, never freed.
const EVP_MD* md5_algorithm() {
    static const EVP_MD* const algorithm = ::EVP_MD_fetch(nullptr, "MD5", nullptr);
    CHECK(algorithm != nullptr);
    return algorithm;
}

const EVP_MD* sha256_algorithm() {
    static const EVP_MD* const algorithm = ::EVP_MD_fetch(nullptr, "SHA256", nullptr);
    CHECK(algorithm != nullptr);
    return algorithm;
}

// One digest after another on the same context. OpenSSL fails here only when memory runs out.
class Digester {
public:
    explicit Digester(const EVP_MD* algorithm) : context_(::EVP_MD_CTX_new()), algorithm_(algorithm) {
        CHECK(context_ != nullptr);
        begin();
    }
    Digester(const Digester&) = delete;
    Digester& operator=(const Digester&) = delete;
    ~Digester() { ::EVP_MD_CTX_free(context_); }

    // Naming the algorithm again would make OpenSSL allocate its state anew.
    void begin() { CHECK(::EVP_DigestInit_ex2(context_, std::exchange(algorithm_, nullptr), nullptr) == 1); }
    void update(std::string_view bytes) { CHECK(::EVP_DigestUpdate(context_, bytes.data(), bytes.size()) == 1); }
    template <class Digest>
    Digest finish() {
        Digest digest;
        unsigned size = 0;
        CHECK(::EVP_DigestFinal_ex(context_, digest.data(), &size) == 1 && size == digest.size());
        return digest;
    }

private:
    EVP_MD_CTX* context_;
    const EVP_MD* algorithm_;  // until the first begin()
};

template <class Digest>
std::string_view view(const Digest& digest) {
    return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

// thread_local: a context costs several allocations, and every request needs four digests to be signed.
Digester& sha256_of_this_thread() {
    thread_local Digester digester(sha256_algorithm());
    digester.begin();
    return digester;
}

}  // namespace

Md5 md5(std::string_view bytes) {
    thread_local Digester digester(md5_algorithm());
    digester.begin();
    digester.update(bytes);
    return digester.finish<Md5>();
}

Sha256 sha256(std::string_view bytes) {
    Digester& digester = sha256_of_this_thread();
    digester.update(bytes);
    return digester.finish<Sha256>();
}

// RFC 2104.
Sha256 hmac_sha256(std::string_view key, std::string_view bytes) {
    constexpr std::size_t kBlock = 64;
    Sha256 short_key;
    if (key.size() > kBlock) {
        short_key = sha256(key);
        key = view(short_key);
    }
    std::array<char, kBlock> pad{};
    std::copy(key.begin(), key.end(), pad.begin());
    for (char& byte : pad)
        byte ^= 0x36;

    Digester& inner = sha256_of_this_thread();
    inner.update(view(pad));
    inner.update(bytes);
    const Sha256 inner_digest = inner.finish<Sha256>();

    for (char& byte : pad)
        byte ^= 0x36 ^ 0x5C;
    Digester& outer = sha256_of_this_thread();
    outer.update(view(pad));
    outer.update(view(inner_digest));
    return outer.finish<Sha256>();
}

struct Md5Stream::Impl {
    Digester digester{md5_algorithm()};
};
Md5Stream::Md5Stream() : impl_(std::make_unique<Impl>()) {}
Md5Stream::~Md5Stream() = default;
Md5Stream::Md5Stream(Md5Stream&&) noexcept = default;
void Md5Stream::update(std::string_view bytes) {
    impl_->digester.update(bytes);
}
Md5 Md5Stream::finish() {
    return impl_->digester.finish<Md5>();
}

struct Sha256Stream::Impl {
    Digester digester{sha256_algorithm()};
};
Sha256Stream::Sha256Stream() : impl_(std::make_unique<Impl>()) {}
Sha256Stream::~Sha256Stream() = default;
Sha256Stream::Sha256Stream(Sha256Stream&&) noexcept = default;
void Sha256Stream::update(std::string_view bytes) {
    impl_->digester.update(bytes);
}
Sha256 Sha256Stream::finish() {
    return impl_->digester.finish<Sha256>();
}

Hash128 hash128(std::string_view bytes) {
    const XXH128_hash_t hash = ::XXH3_128bits(bytes.data(), bytes.size());
    return {.high = hash.high64, .low = hash.low64};
}

}  // namespace dray
