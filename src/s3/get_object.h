// GetObject: bytes into a sink, pinned to an ETag, never spliced and never short.
#pragma once

#include <cstdint>
#include <string>

#include "s3/client.h"

namespace dray::s3 {

struct GetObject {
    std::string bucket, key, version;
    std::string if_match;  // etag without quotes
    std::uint64_t offset = 0;
    std::uint64_t bytes = UINT64_MAX;  // to the end
};

// No byte reaches the sink before the headers promise the object and the range that were asked for. Errors: conflict
// (another object by now), unavailable (reason "bad-range": the store did not give the range), the sink's, send()'s.
// A range that begins at or behind the end of the object is invalid, reason "bad-range".
Result<Answer> get_object(const Context& ctx, Client& client, const GetObject& request, http::BodySink& sink);

}  // namespace dray::s3
