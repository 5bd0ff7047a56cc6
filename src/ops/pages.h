// Pages of a listing, one after the other, checked as they come.
#pragma once

#include <functional>

#include "base/context.h"
#include "store/object_store.h"

namespace dray {

// Calls `page` for each page from the start of `request` on, until it answers false or there are no more. True: the
// listing came to its end. Errors: list()'s; corrupt (a key outside the prefix, "there is more" without saying where);
// what `page` returns.
Result<bool> list_pages(const Context& ctx, ObjectStore& store, ListRequest request,
                        const std::function<Result<bool>(const ListPage&)>& page);

}  // namespace dray
