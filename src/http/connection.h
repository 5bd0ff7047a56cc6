// One worker's way to the network: a libcurl handle with at most one connection of its own, used by one call at a time.
//
// libcurl resolves, connects, speaks to proxies and does TLS; the HTTP on top is our own (talk.h), since libcurl's
// costs half of a request's instructions (docs/adr/0011). Only plain http through a proxy is libcurl's from end to end,
// since such a proxy must be spoken to in its own way.
#pragma once

#include <atomic>
#include <memory>

#include "http/ca_store.h"
#include "http/http.h"

namespace dray::http {

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

// "https://host:port" of a URL: what a connection is good for.
std::string_view origin_of(std::string_view url);

// What the connections of one client share.
struct Shared {
    ClientOptions options;
    const bool http_proxy = names_http_proxy();
    ResolverCache resolver;
    CaStore authorities{options.ca_bundle};
    Counters counters;
};

class Connection {
public:
    // `shared` is borrowed and must outlive it. Error: local.
    static Result<std::unique_ptr<Connection>> make(Shared& shared);
    ~Connection();
    Exchange send(const Context& ctx, const Request& request);

private:
    struct Impl;
    explicit Connection(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace dray::http
