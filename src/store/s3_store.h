// The store behind an S3 endpoint: ObjectStore's verbs as S3's calls, one request each unless said otherwise.
//
// Nothing is repeated here but what s3/client.h mends; wrap it in the retry store. What S3's own documentation promises
// is not taken for granted of an endpoint: capabilities() are all unknown until they are proven.
#pragma once

#include <memory>
#include <string>

#include "s3/call.h"
#include "s3/credentials.h"
#include "s3/endpoint.h"
#include "store/object_store.h"

namespace dray {

struct S3StoreOptions {
    s3::Endpoint endpoint;
    std::unique_ptr<s3::CredentialSource> credentials;
    std::string ca_bundle;   // path; empty: the system's
    bool verify_tls = true;  // false only when a person typed --insecure
    bool request_payer = false;
    std::string expected_bucket_owner;  // account id; empty: not checked
    s3::Timeouts timeouts;
};

// Sends nothing yet. Error: local (libcurl, descriptors), invalid (no credentials given).
Result<std::unique_ptr<ObjectStore>> make_s3_store(S3StoreOptions options);

}  // namespace dray
