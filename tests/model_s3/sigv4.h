// SigV4 as a server checks it. Written from the AWS documentation ("Authenticating Requests: Using the Authorization
// Header") and independent of the product's signer. One Verifier a thread: it caches signing keys.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "digest.h"
#include "http.h"

namespace dray::model {

struct Credential {
    std::string access_key = "model-access-key";
    std::string secret_key = "model-secret-key";
    std::string token;     // x-amz-security-token must equal it; empty: none is expected
    bool expired = false;  // answered with ExpiredToken
};

struct SignatureRules {
    std::string region = "us-east-1";
    bool region_checked = true;
    bool payload_hash_checked = true;
    std::int64_t now_us = 0;
    std::int64_t max_skew_us = 900'000'000;  // 15 minutes, as AWS
};

struct Refusal {
    int status = 0;  // 0: accepted
    std::string code, message;
    std::string extra_xml;  // elements inside <Error>
};

class Verifier {
public:
    // Checks the Authorization header, the date, the token and x-amz-content-sha256 against the body.
    // An aws-chunked body must be decoded and its chunk signatures checked by verify_chunks() before.
    Refusal verify(const Request& request, const std::vector<Credential>& credentials, const SignatureRules& rules);
    // Takes an aws-chunked body apart: request.body becomes the decoded bytes. Call before verify().
    Refusal decode_chunks(Request& request, const std::vector<Credential>& credentials);

private:
    Hmac& signing_key(const Credential& credential, std::string_view date, std::string_view region,
                      std::string_view service);
    std::map<std::string, Hmac, std::less<>> keys_;
    std::string canonical_, scratch_;
};

}  // namespace dray::model
