// Pages of a listing until the caller has enough: list_all(), with a way to end early, by as many streams as are safe.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/context.h"
#include "store/listing.h"
#include "store/object_store.h"

namespace dray {

// By how many streams a bucket may be listed.
struct ListPace {
    std::uint32_t streams = 1;
    std::string why_one;  // the sentence to be said where only one may and it takes long; empty: nothing held it back
};
// `known`: what was proven of the bucket before; nullopt: nothing. Several only where byte order and start-after were.
ListPace list_pace(const ObjectStore& store, const std::optional<Capabilities>& known, std::uint32_t wanted);

// A listing by one stream of so many pages is worth the sentence why.
inline constexpr std::uint64_t kPagesWorthSaying = 10;

struct PagesRead {
    bool complete = false;    // the listing came to its proven end
    ListAnomalies anomalies;  // so far
};

// Calls `page` for each page with objects, until it answers false or there are no more. Errors: list_all()'s; what
// `page` returns.
Result<PagesRead> list_pages(const Context& ctx, ObjectStore& store, ListRequest request, std::uint32_t streams,
                             const std::function<Result<bool>(const ListPage&)>& page);

}  // namespace dray
