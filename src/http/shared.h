// What the connections of one client share: resolved names, trusted authorities, counters.
#pragma once

#include <atomic>
#include <memory>

#include "http/ca_store.h"
#include "http/http.h"

namespace dray::http {

// libcurl's own initialisation, once a process. Thread-safe.
bool curl_ready();

struct Counters {
    std::atomic<std::uint64_t> opened{0}, open{0}, open_most{0}, requests{0};
    void socket_opened();
};

// The cache of resolved names that the handles of one client share. Connections are never shared: libcurl documents a
// connection cache shared between threads as unsafe.
class ResolverCache {
public:
    ResolverCache();
    ~ResolverCache();
    void* handle() const;  // CURLSH

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

// True when the environment names a proxy for plain http, as libcurl reads it.
bool names_http_proxy();

struct Shared {
    ClientOptions options;
    const bool http_proxy = names_http_proxy();
    ResolverCache resolver;
    CaStore authorities{options.ca_bundle};
    Counters counters;
};

}  // namespace dray::http
