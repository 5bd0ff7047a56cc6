// From an answer, or the lack of one, to what the caller can do. Pure: no clock, no state, no input but its arguments.
// The codes are those of base/result.h: what is retried, what asks for patience, what can be mended, what is unsure.
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "base/xml.h"
#include "s3/call.h"
#include "s3/list_page.h"

namespace dray::s3 {

// What can be mended before the same call is sent again.
enum class Repair : std::uint8_t {
    none,
    stale,        // a reused connection had died, and the call may be repeated
    clock,        // take over the store's time
    credentials,  // fetch newer ones
    region,       // the bucket is elsewhere
    checksum,     // this store rejects checksum headers: leave them out
};

struct Outcome {
    std::optional<Error> error;           // nullopt: the call succeeded
    std::optional<XmlDocument> document;  // of a success that carries one
    std::optional<ListPage> page;         // of a listing, instead of it
    Repair repair = Repair::none;
    std::string region;  // with Repair::region, as far as the answer told: both may be empty
    std::string host;
};

// `signed_at`: the time in the request's signature.
Outcome classify(const Call& call, const http::Exchange& exchange, WallTime signed_at);

// The store's clock as its Date header says; nullopt: it does not say, or says something absurd.
std::optional<WallTime> date_of(const http::Headers& headers);

// A difference of the two clocks from which a refusal is taken for the clock's fault. S3 allows 15 minutes.
inline constexpr std::chrono::minutes kSkewSuspected{5};
inline constexpr std::chrono::minutes kMaxRetryAfter{5};  // longer wishes of a store are cut to this

}  // namespace dray::s3
