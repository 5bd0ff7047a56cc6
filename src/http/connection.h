// One worker's way to the network: a libcurl handle with at most one connection of its own, used by one call at a time.
//
// libcurl resolves, connects, speaks to proxies and does TLS; the HTTP on top is our own (talk.h), since libcurl's
// costs half of a request's instructions (docs/adr/0011). Only plain http through a proxy is libcurl's from end to end,
// since such a proxy must be spoken to in its own way.
#pragma once

#include <memory>

#include "http/http.h"
#include "http/shared.h"

namespace dray::http {

// "https://host:port" of a URL: what a connection is good for.
std::string_view origin_of(std::string_view url);

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
