#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace dray {

void check_failed(const char* condition, const char* file, int line) {
    std::fprintf(stderr, "dray: broken invariant: %s (%s:%d). The journal is intact; please report this.\n", condition,
                 file, line);
    std::abort();
}

}  // namespace dray
