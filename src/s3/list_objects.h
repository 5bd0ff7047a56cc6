// ListObjectsV2, and ListObjects (V1) for stores that know only that.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "s3/client.h"
#include "s3/list_page.h"

namespace dray::s3 {

struct ListObjects {
    std::string bucket;
    std::string prefix;
    std::string start_after;
    std::string continuation;  // V1: the marker
    std::string delimiter;
    std::uint32_t max_keys = 1000;
    bool v1 = false;
};

struct ListedKeys {
    std::vector<ListedKey> objects;  // as the store ordered them
    std::vector<std::string> common_prefixes;
    bool truncated = false;
    std::string next;       // continuation for the following page; may be missing though truncated
    bool spoke_v1 = false;  // the store answered V2 in V1's words: go on in V1
    WallTime store_time{};
};

// A page is used whole or not at all. Errors: corrupt (a size that is none, another bucket's page), and send()'s.
Result<ListedKeys> list_objects(const Context& ctx, Client& client, const ListObjects& request);

}  // namespace dray::s3
