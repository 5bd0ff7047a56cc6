// Pages of a listing until the caller has enough: list_all(), with a way to end early.
#pragma once

#include <functional>

#include "base/context.h"
#include "store/listing.h"
#include "store/object_store.h"

namespace dray {

struct PagesRead {
    bool complete = false;    // the listing came to its proven end
    ListAnomalies anomalies;  // so far
};

// Calls `page` for each page with objects, until it answers false or there are no more. Errors: list_all()'s; what
// `page` returns.
Result<PagesRead> list_pages(const Context& ctx, ObjectStore& store, ListRequest request,
                             const std::function<Result<bool>(const ListPage&)>& page);

}  // namespace dray
