#pragma once

#include <string>

#include "s3/client.h"

namespace dray::s3 {

struct CopySource {
    std::string bucket, key;
    std::string version;   // empty: the current one
    std::string if_match;  // etag without quotes; empty: any
};
// The headers that name a copy's source.
void add_copy_source(http::Headers& headers, const CopySource& source);

struct CopyObject {
    CopySource from;
    std::string bucket, key;
    http::Headers headers;  // directives, properties, conditions on the target
};
struct Copied {
    std::string etag;  // without quotes; empty: the store did not say
    WallTime modified{};
    Answer answer;
};
// S3 answers 200 before it has copied: only a whole CopyObjectResult is a success, anything else is unsure.
Result<Copied> copy_object(const Context& ctx, Client& client, const CopyObject& request);

}  // namespace dray::s3
