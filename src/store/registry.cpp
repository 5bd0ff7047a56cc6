#include "store/registry.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "base/file.h"
#include "base/log.h"
#include "s3/bucket_facts.h"
#include "s3/credentials.h"
#include "s3/endpoint.h"
#include "store/limit_store.h"
#include "store/local_store.h"
#include "store/probe.h"
#include "store/retry_store.h"
#include "store/s3_store.h"
#include "store/trace_store.h"

namespace dray {
namespace {

constexpr const char* kDefaultRegion = "us-east-1";

// The first that says something.
std::string first_of(std::initializer_list<std::string> texts) {
    for (const std::string& text : texts)
        if (!text.empty()) return text;
    return {};
}

std::string variable(const EnvironmentVariables& environment, const std::string& name) {
    return environment(name).value_or("");
}

Result<s3::Addressing> addressing_named(const std::string& word) {
    if (word.empty() || word == "auto") return s3::Addressing::automatic;
    if (word == "path") return s3::Addressing::path;
    if (word == "virtual") return s3::Addressing::virtual_host;
    return Error{.code = Code::invalid, .message = "addressing '" + word + "' is neither auto, path nor virtual"};
}

Result<s3::Endpoint> endpoint_of(const StoreSettings& settings, const EnvironmentVariables& environment,
                                 const s3::Profile& profile) {
    const std::string region = first_of({settings.region, variable(environment, "AWS_REGION"),
                                         variable(environment, "AWS_DEFAULT_REGION"), profile.region, kDefaultRegion});
    const std::string url = first_of({settings.endpoint, variable(environment, "AWS_ENDPOINT_URL_S3"),
                                      variable(environment, "AWS_ENDPOINT_URL"), profile.endpoint_url});
    s3::Endpoint endpoint = s3::Endpoint::aws(region);
    if (!url.empty()) {
        TRY_LET(parsed, s3::Endpoint::parse(url));
        endpoint = parsed;
        endpoint.region = region;
    }
    TRY_LET(addressing, addressing_named(first_of({settings.addressing, profile.addressing})));
    endpoint.addressing = addressing;
    return endpoint;
}

// Of most verbs a call is a request. What failed of those that send several sent fewer, and counts as one.
std::uint64_t requests_of(StoreKind kind, Verb verb, const VerbCounts& counts) {
    if (kind != StoreKind::s3 || verb != Verb::bucket_facts) return counts.calls;
    std::uint64_t failed = 0;
    for (const auto& [code, count] : counts.errors)
        failed += count;
    return failed + (counts.calls - failed) * s3::kBucketStateRequests;
}

// Retries outermost, so that each attempt is counted and limited.
void wrap(OpenedStore& opened, StoreKind kind, const StoreSettings& settings) {
    // shared: the counts are read for the report after the store is gone.
    auto trace = std::make_shared<Trace>();
    opened.store = std::make_unique<TraceStore>(std::move(opened.store), trace);
    if (settings.rate > 0 || settings.bwlimit > 0)
        opened.store =
            std::make_unique<LimitStore>(std::move(opened.store), LimitOptions{settings.rate, settings.bwlimit});
    RetryOptions retry{.max_attempts = settings.max_attempts};
    retry.governor.concurrency = static_cast<std::uint32_t>(std::max(settings.connections, kLeastConnections));
    // shared: as the trace.
    struct Repeated {
        std::atomic<std::uint64_t> all{0}, throttled{0};
    };
    auto repeated = std::make_shared<Repeated>();
    retry.on_retry = [repeated](const Call&, const Error& error, std::uint32_t, Nanos) {
        ++repeated->all;
        if (error.code == Code::throttled) ++repeated->throttled;
    };
    opened.repeats = [repeated] { return Repeats{.all = repeated->all, .throttled = repeated->throttled}; };
    opened.store = std::make_unique<RetryStore>(std::move(opened.store), std::move(retry));
    opened.requests = [trace, kind] {
        std::map<std::string, std::uint64_t> counts;
        const Traced so_far = trace->so_far();
        for (std::size_t i = 0; i < kVerbs; ++i)
            if (const auto verb = static_cast<Verb>(i); so_far.of(verb).calls > 0)
                counts[std::string(name_of(verb))] = requests_of(kind, verb, so_far.of(verb));
        return counts;
    };
}

// The handshake would tell, but only once everything else was prepared.
Status can_be_read(const std::string& ca_bundle) {
    if (ca_bundle.empty()) return {};
    constexpr std::uint64_t kLargest = 64 << 20;  // bytes; the system's bundle has some 200 KiB
    const auto text = read_file(ca_bundle, kLargest);
    if (text && text->find("-----BEGIN ") != std::string::npos) return {};
    return Error{.code = Code::invalid,
                 .message = (text ? in_quotes(ca_bundle) + " holds no certificate in PEM form" : text.error().message) +
                            "; name the file of the authorities to trust with --ca-bundle, AWS_CA_BUNDLE or the "
                            "profile's ca_bundle"};
}

Result<OpenedStore> open_s3(const Context& ctx, const StoreSettings& settings,
                            const EnvironmentVariables& environment) {
    TRY_LET(profile, s3::load_profile(environment, settings.profile));
    TRY_LET(endpoint, endpoint_of(settings, environment, profile));
    TRY_LET(credentials, s3::find_credentials(environment, profile));
    TRY_LET(now, credentials->get(ctx));

    OpenedStore opened{.endpoint = endpoint.url(),
                       .region = endpoint.region,
                       .addressing = first_of({settings.addressing, profile.addressing}),
                       .profile = first_of({settings.profile, variable(environment, "AWS_PROFILE")}),
                       .credentials_source = now.source,
                       .access_key = now.access_key};
    S3StoreOptions options{.endpoint = endpoint,
                           .credentials = std::move(credentials),
                           .request_payer = settings.request_payer,
                           .expected_bucket_owner = settings.expected_bucket_owner};
    options.ca_bundle = first_of({settings.ca_bundle, variable(environment, "AWS_CA_BUNDLE"), profile.ca_bundle});
    options.verify_tls = !settings.insecure;
    // Typed, it is wrong at once; from elsewhere, when it is needed.
    if (!settings.ca_bundle.empty() || (endpoint.scheme == "https" && options.verify_tls))
        TRY(can_be_read(options.ca_bundle));
    TRY_LET(store, make_s3_store(std::move(options)));
    opened.store = std::move(store);
    return opened;
}

}  // namespace

Result<OpenedStore> open_store(const Context& ctx, StoreKind kind, const StoreSettings& settings,
                               const EnvironmentVariables& environment) {
    OpenedStore opened;
    if (kind == StoreKind::local) {
        opened.store = make_local_store();
    } else {
        TRY_LET(found, open_s3(ctx, settings, environment));
        opened = std::move(found);
    }
    wrap(opened, kind, settings);
    return opened;
}

}  // namespace dray
