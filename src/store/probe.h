// The probe: what a store can be trusted with, found out by effect and never by name. It writes private objects, tries
// each condition, and looks whether it had its effect: a header that is accepted and ignored counts as absent.
// docs/capabilities.md has the list of what is tried and the format of the cache.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/context.h"
#include "store/capabilities.h"
#include "store/object_store.h"

namespace dray {

// Of a whole probe, those that learn the bucket's facts among them; of its spellings beside that.
inline constexpr std::uint32_t kMaxProbeRequests = 40;
inline constexpr std::uint32_t kMaxSpellingRequests = 8;
// Creators of one object at once. They race only where a store takes requests side by side: two at least.
inline constexpr std::size_t kProbeRacers = 3;
inline constexpr std::size_t kLeastConnections = 2;
inline constexpr std::chrono::hours kCapabilitiesKept{24};

struct ProbeOptions {
    // Directory of cached results, by endpoint, bucket and access key; empty: none is read or written.
    std::string cache_directory;
    std::string access_key;  // part of the cache's key; empty: unknown
    // What is known of the bucket already; else it is asked for.
    std::optional<BucketFacts> facts = std::nullopt;
    // What was found in another bucket of this endpoint that is versioned, or not, as this one is: taken over where the
    // conditions that guard moves are seen to hold here as well.
    std::optional<Capabilities> elsewhere = std::nullopt;
    // Prove the conditions that guard deletes again although the cache has them: stores get reconfigured, and data
    // hangs on it.
    bool renew_guards = true;
    // Prove which spellings are two objects, whatever the cache has: for a run whose keys hang on it. Else they stay
    // unknown.
    bool spellings = false;
};

// What a probe of the last kCapabilitiesKept found of this bucket, without a request; nullopt: none. Where it was found
// under several versioning states, what all of them found.
std::optional<Capabilities> cached_capabilities(const ObjectStore& store, const std::string& bucket,
                                                const std::string& access_key, const std::string& cache_directory,
                                                WallTime now);
// A file of the cache, however old: whoever names it answers for it. Error: invalid.
Result<Capabilities> read_capabilities(const std::string& path);

// What probes that were killed left behind: removed by a later one once it is so old.
inline constexpr std::chrono::hours kProbeLeftoverAge{1};

// Whether the key is that of a probe's object: an element of it ends in `.dray-probe-` and 16 hexadecimal digits (what
// comes before in that element is a prefix that did not end in a slash: `s3://b/begins*`). Such objects are dray's own
// and nobody's data; no plan takes them as sources.
bool is_probe_object(std::string_view key);

// Probes below `prefix` of `bucket`, under `.dray-probe-<random>`; every object written is removed again, after errors
// and on a stop too. Creators race each other, on threads of the probe's own. At most kMaxProbeRequests, and for
// spellings kMaxSpellingRequests more. A store that guarantees by construction (local, memory) answers for
// itself; only what the file system decides (case, Unicode) is tried there. What an earlier probe below `prefix` left
// more than an hour ago is removed too (a thousand objects at most), without a request more where there is nothing. A
// bucket with object lock is not written to, and nothing is assumed of it. Errors: not_found (bucket, fatal), denied,
// and what the verbs say.
Result<Capabilities> probe(const Context& ctx, ObjectStore& store, const std::string& bucket, const std::string& prefix,
                           const ProbeOptions& options);

// Whether two places are one bucket under two names (endpoints, access points): a marker object is written below the
// first's prefix and looked for in the second, then removed. Where the first may not be written, or the second not read
// there, it is tried the other way round, below the second's prefix.
Result<bool> same_bucket(const Context& ctx, ObjectStore& a, const std::string& bucket_a, const std::string& prefix_a,
                         ObjectStore& b, const std::string& bucket_b, const std::string& prefix_b);

}  // namespace dray
