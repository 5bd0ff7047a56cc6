// Who we are towards a store, from the places AWS users expect. Secrets are never logged, printed or put in messages.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/context.h"
#include "base/result.h"

namespace dray::s3 {

struct Credentials {
    std::string access_key;
    std::string secret_key;
    std::string session_token;        // empty: long-term keys
    std::optional<WallTime> expires;  // nullopt: never
    std::string source;               // "environment", "profile archive", ...: for messages
};

// One source, or a chain of them. Thread-safe; at most one fetch is under way at a time, others wait for it.
class CredentialSource {
public:
    virtual ~CredentialSource() = default;
    // The present credentials; renewed beforehand when they expire within 5 minutes. Error: credentials.
    virtual Result<Credentials> get(const Context& ctx) = 0;
    // The store said that `stale` is expired: fetch again, unless somebody did since. Error: credentials (there is no
    // newer one).
    virtual Result<Credentials> renew(const Context& ctx, const Credentials& stale) = 0;
};

std::unique_ptr<CredentialSource> fixed_credentials(Credentials credentials);

// The environment, as a function so that tests need not change the process's own.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;
Environment process_environment();

// What ~/.aws/config and ~/.aws/credentials (AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE) say about one profile.
struct Profile {
    std::string name;
    std::string region, endpoint_url, ca_bundle;  // endpoint_url: s3's own before the general one (services sections)
    std::string addressing;                       // "path", "virtual", "auto" or empty
    std::optional<Credentials> credentials;
    std::string looked_at;  // the two files, for messages
};
// `name` empty: AWS_PROFILE, else "default". Errors: credentials (a named profile is in neither file), local, invalid
// (syntax, with file and line).
Result<Profile> load_profile(const Environment& env, const std::string& name);

// Environment variables, then the profile. Keys of a profile are read again when the store calls them expired: other
// programs renew them in the file. Error: credentials, naming every place that was looked at.
Result<std::unique_ptr<CredentialSource>> find_credentials(const Environment& env, const Profile& profile);

}  // namespace dray::s3
