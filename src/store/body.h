// Reading a ByteSource whole, for stores and wrappers that need all of its bytes at once.
#pragma once

#include <string>

#include "store/object_store.h"

namespace dray {

// Error: invalid (reason "changed-while-read") when the source gives more or fewer bytes than its size() said.
Result<std::string> read_whole(ByteSource& source);

// The object's bytes in one string; for small objects only.
Result<std::string> get_whole(const Context& ctx, ObjectStore& store, const ObjectRef& object,
                              const GetOptions& options = {});

}  // namespace dray
