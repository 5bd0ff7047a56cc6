// Certificates made on the spot, for servers that speak TLS in tests: good ones, and every kind that must be refused.
#pragma once

#include <string>

namespace dray::model {

struct Certificate {
    std::string cert, key;  // PEM
};

struct CertificateWish {
    std::string authority = "an authority of the tests";  // its name, if it is one
    std::string host;                     // name or IPv4 address that it is for; empty: it is an authority
    int first_day = -1, last_day = 1;     // of its validity, counted from today
    const Certificate* issuer = nullptr;  // null: it signs itself
};

// Aborts the process when libcrypto cannot.
Certificate make_certificate(const CertificateWish& wish);

}  // namespace dray::model
