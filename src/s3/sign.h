// AWS Signature Version 4, as an Authorization header. Source: "Authenticating Requests (AWS Signature Version 4)",
// Amazon S3 API reference. Own code, because libcurl 7.88's CURLOPT_AWS_SIGV4 signs keys with `=`, `+`, `:` or unsorted
// queries wrongly (docs/adr/0004-own-signer.md).
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "http/http.h"
#include "s3/credentials.h"

namespace dray::s3 {

inline constexpr std::string_view kUnsignedPayload = "UNSIGNED-PAYLOAD";
inline constexpr std::string_view kEmptySha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

using QueryParameter = std::pair<std::string, std::string>;

struct ToSign {
    std::string_view method;
    std::string_view path;  // already encoded, exactly as it goes out
    // Encoded names and values, any order; the signer sorts.
    std::span<const QueryParameter> query;
    // Every header to be signed, host and x-amz-* among them; names in any case. Blanks around values, and runs of them
    // within, are the signer's to fold.
    std::span<const http::Header> headers;
    std::string_view payload_hash;  // hex SHA-256, or kUnsignedPayload
};

// Thread-safe. Keys derived from a secret are kept for the day they are good for.
class Signer {
public:
    explicit Signer(std::string service = "s3");
    ~Signer();
    // The value of the Authorization header.
    std::string authorization(const Credentials& credentials, std::string_view region, WallTime now,
                              const ToSign& request);
    // The steps on the way, for the published vectors and for messages.
    static std::string canonical_request(const ToSign& request, std::string& signed_headers);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace dray::s3
