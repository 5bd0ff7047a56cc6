// open_store(): from what a user named, with what a user set, to a store that is ready to work: retries, limits and
// counters on.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/context.h"
#include "store/object_store.h"

namespace dray {

struct StoreSettings {
    // Remote stores. Empty: from the environment (AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, AWS_REGION, ...), then the
    // profile.
    std::string endpoint, profile, region;
    std::string addressing;  // "auto", "path", "virtual"; empty: the profile's, else auto
    std::string ca_bundle;   // empty: AWS_CA_BUNDLE, the profile's, the system's
    std::string expected_bucket_owner;
    bool request_payer = false;
    bool insecure = false;  // typed by a person: certificates are not checked
    // Running.
    std::uint32_t max_attempts = 8;
    double rate = 0;                // requests a second; 0: no limit
    std::uint64_t bwlimit = 0;      // bytes a second; 0: no limit
    std::size_t connections = 256;  // in flight at most, but kLeastConnections: the governor starts there
};

enum class StoreKind : std::uint8_t { s3, local };

struct Repeats {
    std::uint64_t all = 0, throttled = 0;  // throttled: of these, because the store asked to slow down
};

struct OpenedStore {
    std::unique_ptr<ObjectStore> store;
    // What was resolved, enough to open it again (no secrets).
    std::string endpoint, region, addressing, profile;
    std::string credentials_source;  // "environment", "profile x"; empty: none needed
    std::string access_key;          // not secret: names who we are, for the cache of capabilities
    std::function<std::map<std::string, std::uint64_t>()> requests;  // attempts by verb, so far; thread-safe
    std::function<Repeats()> repeats;                                // so far; thread-safe
};

using EnvironmentVariables = std::function<std::optional<std::string>(const std::string& name)>;

// Errors: credentials (none found, naming the places), invalid (bad endpoint, region or addressing), local (profile
// files).
Result<OpenedStore> open_store(const Context& ctx, StoreKind kind, const StoreSettings& settings,
                               const EnvironmentVariables& environment);

}  // namespace dray
