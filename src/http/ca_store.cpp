#include "http/ca_store.h"

#include <curl/curl.h>
#include <openssl/ssl.h>

#include <mutex>

namespace dray::http {

struct CaStore::Impl {
    std::string bundle;
    std::once_flag once;
    X509_STORE* store = nullptr;  // shared with every SSL_CTX by reference count
    std::mutex mutex;             // guards problem
    std::string problem;

    ~Impl() { X509_STORE_free(store); }
    void read();
    static CURLcode on_context(CURL*, void* ssl_context, void* self);
};

void CaStore::Impl::read() {
    const curl_version_info_data* curl = curl_version_info(CURLVERSION_NOW);
    const char* file = bundle.empty() ? curl->cainfo : bundle.c_str();
    const char* directory = bundle.empty() ? curl->capath : nullptr;
    X509_STORE* made = X509_STORE_new();
    bool readable = made && (file || directory);
    if (readable && file) readable = X509_STORE_load_file(made, file) == 1;
    if (readable && directory) readable = X509_STORE_load_path(made, directory) == 1;
    if (!readable) {
        X509_STORE_free(made);
        std::lock_guard lock(mutex);
        problem = std::string("no certificates of authorities can be read from ") + (file ? file : "the system");
        return;
    }
    // As libcurl does: a chain ends at whatever is in the bundle, be it a root or not.
    X509_STORE_set_flags(made, X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN);
    store = made;
}

CURLcode CaStore::Impl::on_context(CURL*, void* ssl_context, void* self) {
    auto& impl = *static_cast<Impl*>(self);
    std::call_once(impl.once, [&] { impl.read(); });
    if (!impl.store) return CURLE_SSL_CACERT_BADFILE;
    SSL_CTX_set1_cert_store(static_cast<SSL_CTX*>(ssl_context), impl.store);
    return CURLE_OK;
}

CaStore::CaStore(std::string bundle) : impl_(std::make_unique<Impl>()) {
    impl_->bundle = std::move(bundle);
}
CaStore::~CaStore() = default;

bool CaStore::use_in(void* easy) const {
    // A libcurl on another TLS library refuses the option.
    if (curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, &Impl::on_context) != CURLE_OK) return false;
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, impl_.get());
    curl_easy_setopt(easy, CURLOPT_CAINFO, nullptr);
    curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
    return true;
}

std::string CaStore::problem() const {
    std::lock_guard lock(impl_->mutex);
    return impl_->problem;
}

}  // namespace dray::http
