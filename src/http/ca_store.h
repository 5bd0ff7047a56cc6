// The authorities that are trusted, read once for all connections of a client: a bundle holds some 140 certificates,
// and libcurl by itself would read and keep them once a handle.
#pragma once

#include <memory>
#include <string>

namespace dray::http {

// Thread-safe.
class CaStore {
public:
    explicit CaStore(std::string bundle);  // path; empty: the system's. It is read when the first handshake needs it.
    ~CaStore();

    // Makes `easy` (CURL*) verify with it. False: this libcurl offers no such way and reads the bundle itself.
    bool use_in(void* easy) const;
    // Why the bundle could not be used; empty: it could, or nobody needed it yet.
    std::string problem() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace dray::http
