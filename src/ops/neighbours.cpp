#include "ops/neighbours.h"

#include <algorithm>

namespace dray {

Result<bool> has_neighbours(const Context& ctx, ObjectStore& store, const SegregateConfig::Place& place) {
    const std::string beginning = place.prefix.substr(0, place.prefix.size() - 1);
    TRY_LET(page, store.list(ctx, {.bucket = place.bucket, .prefix = beginning, .delimiter = "/"}));
    return !page.objects.empty() || std::any_of(page.common_prefixes.begin(), page.common_prefixes.end(),
                                                [&](const std::string& prefix) { return prefix != place.prefix; });
}

}  // namespace dray
