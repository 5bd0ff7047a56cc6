// A page of a listing out of its XML, without a tree: pages are the bulk of what dray reads.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace dray::s3 {

struct ListedKey {
    std::string key;
    std::uint64_t size = 0;  // bytes
    std::string etag;        // without quotes; empty: unknown
    WallTime modified{};     // the epoch: unknown
    std::string storage_class;
};

// What the document says, keys decoded.
struct ListPage {
    std::string root;     // its name; when it is no ListBucketResult nothing else is filled, and the rest was not read
    std::string problem;  // why it cannot be trusted, though it is well formed; empty: it can
    std::vector<ListedKey> objects;
    std::vector<std::string> common_prefixes;
    bool truncated = false, has_marker = false, has_key_count = false;
    std::optional<std::string> bucket, next_token, next_marker;
};

// Error: corrupt (no whole XML document).
Result<ListPage> read_list_page(std::string_view document);

}  // namespace dray::s3
