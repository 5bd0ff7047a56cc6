// Whether a prefix without its slash would also have taken keys beside it: `in` takes `inbox/a` too.
#pragma once

#include "ops/segregate.h"
#include "store/object_store.h"

namespace dray {

// `place` ends in a slash. One list request.
Result<bool> has_neighbours(const Context& ctx, ObjectStore& store, const SegregateConfig::Place& place);

}  // namespace dray
