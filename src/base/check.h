// CHECK(condition): an invariant of ours. A broken one aborts: the journal makes dying safe, and running on wrongly
// would not be.
#pragma once

namespace dray {
[[noreturn]] void check_failed(const char* condition, const char* file, int line);
}

#define CHECK(condition) ((condition) ? void(0) : ::dray::check_failed(#condition, __FILE__, __LINE__))
