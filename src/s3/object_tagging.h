#pragma once

#include <vector>

#include "s3/client.h"

namespace dray::s3 {

using Tags = std::vector<QueryParameter>;  // names and values

struct TaggedObject {
    std::string bucket, key;
    std::string version;  // empty: the current one
};

Result<Tags> get_object_tagging(const Context& ctx, Client& client, const TaggedObject& object);
Status put_object_tagging(const Context& ctx, Client& client, const TaggedObject& object, const Tags& tags);
// The x-amz-tagging header of a new object.
std::string tagging_header(const Tags& tags);

}  // namespace dray::s3
