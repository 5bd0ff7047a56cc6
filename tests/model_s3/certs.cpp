#include "certs.h"

#include <arpa/inet.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>
#include <memory>

namespace dray::model {
namespace {

template <auto Free>
struct With {
    template <class T>
    void operator()(T* thing) const {
        Free(thing);
    }
};
using Key = std::unique_ptr<EVP_PKEY, With<EVP_PKEY_free>>;
using Cert = std::unique_ptr<X509, With<X509_free>>;
using Memory = std::unique_ptr<BIO, With<BIO_free>>;

void must(bool done, const char* what) {
    if (done) return;
    std::fprintf(stderr, "certs: %s failed\n", what);
    std::abort();
}

std::string text_of(const Memory& memory) {
    char* text = nullptr;
    const long size = BIO_get_mem_data(memory.get(), &text);
    return {text, static_cast<std::size_t>(size)};
}

Memory memory_of(const std::string& text) {
    return Memory(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

void extend(X509* cert, X509* issuer, int what, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, cert, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, what, value.c_str());
    must(extension != nullptr && X509_add_ext(cert, extension, -1) == 1, "an extension");
    X509_EXTENSION_free(extension);
}

void name(X509* cert, const std::string& text) {
    X509_NAME* subject = X509_get_subject_name(cert);
    const auto* bytes = reinterpret_cast<const unsigned char*>(text.c_str());
    must(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, bytes, -1, -1, 0) == 1, "a name");
}

bool is_address(const std::string& host) {
    in_addr address{};
    return ::inet_pton(AF_INET, host.c_str(), &address) == 1;
}

}  // namespace

Certificate make_certificate(const CertificateWish& wish) {
    Key key(EVP_EC_gen("P-256"));
    Cert cert(X509_new());
    must(key && cert, "a key");
    Cert issuer;
    Key signer;
    if (wish.issuer) {
        issuer.reset(PEM_read_bio_X509(memory_of(wish.issuer->cert).get(), nullptr, nullptr, nullptr));
        signer.reset(PEM_read_bio_PrivateKey(memory_of(wish.issuer->key).get(), nullptr, nullptr, nullptr));
        must(issuer && signer, "the issuer");
    }
    X509* above = issuer ? issuer.get() : cert.get();
    unsigned char serial[8];
    must(RAND_bytes(serial, sizeof serial) == 1, "a serial number");
    serial[0] = static_cast<unsigned char>((serial[0] & 0x3f) | 0x40);
    BIGNUM* number = BN_bin2bn(serial, sizeof serial, nullptr);
    must(number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert.get())), "a serial number");
    BN_free(number);
    must(X509_set_version(cert.get(), X509_VERSION_3) == 1, "the version");
    X509_time_adj_ex(X509_getm_notBefore(cert.get()), wish.first_day, 0, nullptr);
    X509_time_adj_ex(X509_getm_notAfter(cert.get()), wish.last_day, 0, nullptr);
    must(X509_set_pubkey(cert.get(), key.get()) == 1, "the public key");
    name(cert.get(), wish.host.empty() ? wish.authority : wish.host);
    must(X509_set_issuer_name(cert.get(), X509_get_subject_name(above)) == 1, "the issuer's name");
    if (wish.host.empty()) {
        extend(cert.get(), above, NID_basic_constraints, "critical,CA:TRUE");
    } else {
        extend(cert.get(), above, NID_subject_alt_name, (is_address(wish.host) ? "IP:" : "DNS:") + wish.host);
    }
    must(X509_sign(cert.get(), signer ? signer.get() : key.get(), EVP_sha256()) > 0, "signing");

    Memory cert_text(BIO_new(BIO_s_mem())), key_text(BIO_new(BIO_s_mem()));
    must(PEM_write_bio_X509(cert_text.get(), cert.get()) == 1 &&
             PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1,
         "writing");
    return {.cert = text_of(cert_text), .key = text_of(key_text)};
}

}  // namespace dray::model
