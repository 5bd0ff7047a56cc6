// Listing to the end, and knowing that it was the end: pages from a store are not trusted until they add up.
// The rows L01 to L10 of the fault catalogue are the tests' names.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/context.h"
#include "store/object_store.h"

namespace dray {

// More do not help: a page costs the store far more than us.
inline constexpr std::uint32_t kListStreams = 16;

// The reason of the error when a store that was proven to list in byte order does not. One stream lists it all the
// same.
inline constexpr const char* kOrderBroken = "order-broken";

struct ListingOptions {
    // Ranges of keys asked for side by side (docs/listing.md). More than one only where byte order and start-after are
    // proven; with a delimiter there is one whatever is said.
    std::uint32_t streams = 1;
    bool start_after = true;                 // the store honours it: a broken chain of tokens can be mended
    std::uint32_t max_empty_pages = 10'000;  // in a row, truncated: legal after many deletes, but not for ever
};

// What a listing did that it should not have. None of it was handed on.
struct ListAnomalies {
    std::uint64_t duplicates = 0;      // L01: keys told again
    std::uint64_t token_cycles = 0;    // L02: a token that had been used
    std::uint64_t contradictions = 0;  // L03: truncated without a token, or a token though not truncated
    std::uint64_t out_of_order = 0;    // L05: keys that were handed on, but late
    std::uint64_t outside = 0;         // L06: keys outside the prefix or before the start; the run ends with exit 1
    std::string first_outside;         // L06
    std::uint64_t refused_tokens = 0;  // L09
    bool operator==(const ListAnomalies&) const = default;
    std::uint64_t total() const {
        return duplicates + token_cycles + contradictions + out_of_order + outside + refused_tokens;
    }
};

struct ListSummary {
    std::uint64_t objects = 0, common_prefixes = 0;  // handed on
    std::uint64_t pages = 0;                         // requests answered
    std::uint64_t ranges = 1;                        // that the keys were cut into
    std::uint64_t bytes = 0;
    bool complete = true;  // false: the sink had enough
    bool ordered = true;   // every key came after the one before, bytewise
    ListAnomalies anomalies;
    WallTime store_time{};  // of the first answer, for rule R4; the epoch: the store did not say
};

// Called with what is left of each page, in order, never with an empty one; one may hold `others` only. An error ends
// the listing with that error; enough_listed() ends it well.
using ListSink = std::function<Status(const ListPage& page)>;

Error enough_listed();

// Success, where the sink did not have enough before, means that the store said "no more" and nothing speaks against
// it. Every key there during the whole listing
// was handed on once; out of byte order a key told again more than a million keys later is not noticed (plans are
// proven free of duplicates by sorting). Memory: 40 MB at most, plus 50 bytes a page; with several streams 100 MB.
//
// Several streams tell what one would: in byte order, on the calling thread. The first page is always asked for alone;
// then there are at most 2 requests more for each stream than one stream makes, and one more in 5, whatever the keys
// look like.
// Errors, beside list()'s: corrupt, fatal (the listing contradicts itself and cannot be mended; reason order-broken:
// pages of several streams were not in byte order, and some of them had been handed on).
Result<ListSummary> list_all(const Context& ctx, ObjectStore& store, const ListRequest& request,
                             const ListingOptions& options, const ListSink& sink);

}  // namespace dray
