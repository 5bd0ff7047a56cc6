#pragma once

#include <string>

#include "s3/client.h"

namespace dray::s3 {

struct DeleteObject {
    std::string bucket, key;
    std::string version;   // empty: the current one; a versioned bucket then puts a marker on top
    std::string if_match;  // etag without quotes; empty: any
};

// What is not there counts as deleted, whatever the store answers; with if_match it is not_found.
Result<Answer> delete_object(const Context& ctx, Client& client, const DeleteObject& request);

}  // namespace dray::s3
