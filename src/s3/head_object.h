#pragma once

#include <string>

#include "s3/client.h"

namespace dray::s3 {

struct HeadObject {
    std::string bucket, key;
    std::string version;  // empty: the current one
};

// All is in the answer's headers. Checksums are asked for.
Result<Answer> head_object(const Context& ctx, Client& client, const HeadObject& request);

}  // namespace dray::s3
