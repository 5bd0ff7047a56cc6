// What a bucket does by itself: five small requests.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "s3/client.h"

namespace dray::s3 {

inline constexpr std::uint64_t kBucketStateRequests = 5;

struct BucketState {  // nullopt: could not be read
    std::optional<bool> website;
    std::optional<bool> acls_enabled;
    std::optional<bool> object_lock;
    std::optional<bool> default_encryption;  // beyond SSE-S3, which every object of AWS has anyway
    std::optional<bool> versioned;           // enabled or suspended
};

// Error: not_found (no such bucket, fatal), credentials, cancelled, exhausted. Other refusals leave a fact unread.
Result<BucketState> bucket_state(const Context& ctx, Client& client, const std::string& bucket);

}  // namespace dray::s3
