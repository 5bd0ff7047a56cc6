#include "http/shared.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <mutex>

namespace dray::http {
namespace {

constexpr std::array<const char*, 3> kHttpProxies = {"http_proxy", "all_proxy", "ALL_PROXY"};

}  // namespace

bool curl_ready() {
    // Thread-safe itself since 7.84.
    static const bool ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    return ready;
}

void Counters::socket_opened() {
    opened.fetch_add(1, std::memory_order_relaxed);
    auto now = open.fetch_add(1, std::memory_order_relaxed) + 1;
    auto most = open_most.load(std::memory_order_relaxed);
    while (most < now && !open_most.compare_exchange_weak(most, now, std::memory_order_relaxed)) {
    }
}

struct ResolverCache::Impl {
    CURLSH* share = nullptr;
    std::array<std::mutex, CURL_LOCK_DATA_LAST> mutexes;

    static void lock(CURL*, curl_lock_data data, curl_lock_access, void* self) {
        static_cast<Impl*>(self)->mutexes[data].lock();
    }
    static void unlock(CURL*, curl_lock_data data, void* self) { static_cast<Impl*>(self)->mutexes[data].unlock(); }
};

ResolverCache::ResolverCache() : impl_(std::make_unique<Impl>()) {
    if (!curl_ready()) return;
    impl_->share = curl_share_init();
    if (!impl_->share) return;
    curl_share_setopt(impl_->share, CURLSHOPT_LOCKFUNC, &Impl::lock);
    curl_share_setopt(impl_->share, CURLSHOPT_UNLOCKFUNC, &Impl::unlock);
    curl_share_setopt(impl_->share, CURLSHOPT_USERDATA, impl_.get());
    curl_share_setopt(impl_->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
}

ResolverCache::~ResolverCache() {
    if (impl_->share) curl_share_cleanup(impl_->share);
}

void* ResolverCache::handle() const {
    return impl_->share;
}

bool names_http_proxy() {
    // Upper case HTTP_PROXY is what a CGI request's Proxy header would set: libcurl does not read it.
    return std::any_of(kHttpProxies.begin(), kHttpProxies.end(), [](const char* name) {
        const char* value = std::getenv(name);
        return value && *value != '\0';
    });
}

}  // namespace dray::http
