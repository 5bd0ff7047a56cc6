// Where a store answers, and how bucket and key become host and path there. Keys are bytes and stay so: every byte but
// the unreserved ones (RFC 3986 2.3) and `/` is percent-encoded, once, in upper-case hex.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace dray::s3 {

enum class Addressing : std::uint8_t {
    automatic,     // virtual at *.amazonaws.com for bucket names that are DNS labels; path style elsewhere
    path,          // https://host/bucket/key
    virtual_host,  // https://bucket.host/key
};

struct Endpoint {
    std::string scheme = "https";
    std::string host;        // without port; IPv6 in brackets
    std::uint16_t port = 0;  // 0: the scheme's own
    std::string region = "us-east-1";
    Addressing addressing = Addressing::automatic;

    // "https://host[:port]"; a missing scheme means https. Errors: invalid (user info, path, query, bad port, one
    // word without scheme, dot or port).
    static Result<Endpoint> parse(std::string_view url);
    // AWS's own endpoint of a region.
    static Endpoint aws(const std::string& region);
    bool is_aws() const;      // below amazonaws.com: every region is there, and hosts may be changed for the region's
    std::string url() const;  // without a final slash

    struct Target {
        std::string host;  // the Host header
        std::string path;  // encoded, begins with /
    };
    Target target(std::string_view bucket, std::string_view key) const;
};

// SigV4's UriEncode. `keep_slash`: true in paths, false in query values.
void uri_encode(std::string& out, std::string_view bytes, bool keep_slash);
std::string uri_encode(std::string_view bytes, bool keep_slash);
// %XX to bytes; `plus_is_space` for form-style stores. False: a broken escape.
bool uri_decode(std::string_view text, bool plus_is_space, std::string& bytes);

}  // namespace dray::s3
