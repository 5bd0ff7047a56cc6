// Objects that were named one by one instead of listed: each is looked at (HEAD), many at once.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/context.h"
#include "store/object_store.h"

namespace dray {

// The next name; nullopt: there are no more. Called by one thread.
using NextName = std::function<Result<std::optional<std::string>>()>;

struct NamedObjects {
    ObjectStore* store = nullptr;
    std::string bucket, prefix;  // names are keys below it
    NextName names;
    std::string scratch;  // directory for sorting: memory does not depend on the number of names
    std::size_t workers = 64;
};
// Calls `each` for every name once, in byte order, from the calling thread: what is there, or nullptr. Errors: what
// `names` and `each` return; whatever HEAD says beside not_found (not of a missing bucket); local.
Status look_at_named(const Context& ctx, const NamedObjects& named,
                     const std::function<Status(const std::string& key, const ListedObject* object)>& each);

}  // namespace dray
