#pragma once

#include <span>
#include <string>
#include <vector>

#include "s3/client.h"

namespace dray::s3 {

struct DeleteItem {
    std::string key;
    std::string version;   // empty: the current one
    std::string if_match;  // etag without quotes; empty: any
};
struct Deleted {
    std::string version;  // of the delete marker
    bool delete_marker = false;
};

// True for keys that the request's XML carries byte for byte; others have to be deleted singly.
bool batch_can_carry(std::string_view key);

// At most 1,000 items, all of which the batch can carry, none twice. One verdict an item, in their order: an item that
// the answer does not name is unsure, and an answer that names another key, or one key twice, makes all of them unsure.
Result<std::vector<Result<Deleted>>> delete_objects(const Context& ctx, Client& client, const std::string& bucket,
                                                    std::span<const DeleteItem> items);

}  // namespace dray::s3
