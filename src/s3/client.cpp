#include "s3/client.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <shared_mutex>

#include "base/checksum.h"
#include "base/log.h"
#include "base/time.h"
#include "s3/classify.h"

namespace dray::s3 {
namespace {

constexpr int kMaxRepairs = 2;                 // a call; with them at most three hops between regions
constexpr std::chrono::minutes kPatience{30};  // Copy and Complete of the largest objects take that long
constexpr std::size_t kHashChunk = std::size_t{64} << 10;

// Where a bucket turned out to be.
struct Route {
    std::string region;
    std::string host;  // empty: the endpoint's own
};

bool is_checksum_header(const http::Header& header) {
    return header.name.starts_with("x-amz-checksum-") || header.name.starts_with("x-amz-sdk-checksum-");
}

// The part of a host that all hosts of one provider share: its last two labels ("amazonaws.com"). Empty for addresses
// and single names, which share nothing.
std::string_view family(std::string_view host) {
    host = host.substr(0, host.find(':'));
    if (host.empty() || host.front() == '[' || (host.back() >= '0' && host.back() <= '9')) return {};
    auto last = host.rfind('.');
    if (last == std::string_view::npos || last == 0) return {};
    auto before = host.rfind('.', last - 1);
    return before == std::string_view::npos ? host : host.substr(before + 1);
}

Result<std::string> hash_of(http::BodySource& source) {
    Sha256Stream stream;
    std::string buffer(kHashChunk, '\0');
    for (;;) {
        TRY_LET(read, source.read(buffer.data(), buffer.size()));
        if (read == 0) break;
        stream.update(std::string_view(buffer).substr(0, read));
    }
    TRY(source.rewind());
    return hex(stream.finish());
}

}  // namespace

struct Client::Impl {
    ClientOptions options;
    std::unique_ptr<CredentialSource> credentials;
    std::unique_ptr<http::Client> http;
    Signer signer;
    std::atomic<std::int64_t> clock_offset{0};  // nanoseconds: the store's clock less this machine's
    std::atomic<bool> clock_warned{false}, checksums_rejected{false}, answered{false};
    std::shared_mutex mutex;
    std::map<std::string, Route, std::less<>> routes;  // by bucket: only those that are elsewhere

    struct Attempt {
        http::Exchange exchange;
        WallTime signed_at;
    };
    std::optional<Endpoint> elsewhere(const std::string& bucket);
    Endpoint endpoint_of(const std::string& bucket) { return elsewhere(bucket).value_or(options.endpoint); }
    Result<std::string> payload_hash(const Call& call) const;
    http::Headers headers_of(const Call& call, const Endpoint::Target& target, const Credentials& who,
                             std::string_view payload, WallTime now) const;
    Attempt attempt(const Context& ctx, const Call& call, const Credentials& who, std::string_view payload, bool fresh);
    Status mend(const Context& ctx, Call& call, const Credentials& who, const Attempt& failed, Outcome& outcome);
    Status mend_clock(const Attempt& failed, const Outcome& outcome);
    Status mend_region(const Context& ctx, const Call& call, const Credentials& who, const Outcome& outcome);
    void settle_first_use(Error& error);
};

Client::Client(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Client::~Client() = default;

Result<std::unique_ptr<Client>> Client::make(ClientOptions options, std::unique_ptr<CredentialSource> credentials) {
    auto impl = std::make_unique<Impl>();
    TRY_LET(http, http::Client::make({.ca_bundle = options.ca_bundle, .verify_tls = options.verify_tls}));
    impl->http = std::move(http);
    impl->options = std::move(options);
    impl->credentials = std::move(credentials);
    return std::unique_ptr<Client>(new Client(std::move(impl)));
}

const Endpoint& Client::endpoint() const {
    return impl_->options.endpoint;
}

bool Client::takes_checksum_headers() const {
    return !impl_->checksums_rejected;
}

http::ClientCounters Client::counters() const {
    return impl_->http->counters();
}

// Where a bucket is that has turned out not to be at the client's own endpoint.
std::optional<Endpoint> Client::Impl::elsewhere(const std::string& bucket) {
    std::shared_lock lock(mutex);
    const auto route = routes.find(bucket);
    if (route == routes.end()) return std::nullopt;
    Endpoint endpoint = options.endpoint;
    endpoint.region = route->second.region;
    if (!route->second.host.empty()) endpoint.host = route->second.host;
    return endpoint;
}

Result<std::string> Client::Impl::payload_hash(const Call& call) const {
    if (!call.source && call.body.empty()) return std::string(kEmptySha256);
    if (options.endpoint.scheme == "https") return std::string(kUnsignedPayload);
    if (call.source) return hash_of(*call.source);
    return hex(sha256(call.body));
}

http::Headers Client::Impl::headers_of(const Call& call, const Endpoint::Target& target, const Credentials& who,
                                       std::string_view payload, WallTime now) const {
    http::Headers headers;
    headers.reserve(call.headers.size() + 8);
    headers.push_back({"host", target.host});
    headers.push_back({"x-amz-content-sha256", std::string(payload)});
    headers.push_back({"x-amz-date", amz_date(now)});
    if (!who.session_token.empty()) headers.push_back({"x-amz-security-token", who.session_token});
    if (options.request_payer) headers.push_back({"x-amz-request-payer", "requester"});
    if (!options.expected_bucket_owner.empty()) {
        headers.push_back({"x-amz-expected-bucket-owner", options.expected_bucket_owner});
        // Of a copy that speaks for the target alone (CopyObject, Amazon S3 API reference).
        const bool copies = call.operation == Operation::copy_object || call.operation == Operation::upload_part_copy;
        if (copies) headers.push_back({"x-amz-source-expected-bucket-owner", options.expected_bucket_owner});
    }
    for (const auto& header : call.headers) {
        if (!checksums_rejected || !is_checksum_header(header)) headers.push_back(header);
    }
    return headers;
}

Client::Impl::Attempt Client::Impl::attempt(const Context& ctx, const Call& call, const Credentials& who,
                                            std::string_view payload, bool fresh) {
    const auto& facts = facts_of(call.operation);
    const auto other = elsewhere(call.bucket);
    const Endpoint& endpoint = other ? *other : options.endpoint;
    auto target = endpoint.target(call.bucket, call.key);
    auto now = ctx.clock().wall() + Nanos(clock_offset.load(std::memory_order_relaxed));

    std::vector<QueryParameter> query;
    query.reserve(call.query.size());
    for (const auto& [name, value] : call.query) {
        query.emplace_back(uri_encode(name, false), uri_encode(value, false));
    }
    auto headers = headers_of(call, target, who, payload, now);
    auto authorization = signer.authorization(
        who, endpoint.region, now,
        {.method = facts.method, .path = target.path, .query = query, .headers = headers, .payload_hash = payload});
    headers.erase(headers.begin());  // the host goes out with the address
    headers.push_back({"Authorization", std::move(authorization)});
    // Not signed: proxies may change it. A store or gateway must not compress what it sends (H33).
    if (call.sink) headers.push_back({"Accept-Encoding", "identity"});

    http::Request request{.method = std::string(facts.method), .headers = std::move(headers), .body = call.body};
    request.url.reserve(endpoint.scheme.size() + 3 + target.host.size() + target.path.size() + 64);
    request.url.append(endpoint.scheme).append("://").append(target.host).append(target.path);
    for (std::size_t i = 0; i < query.size(); ++i) {
        request.url.append(i == 0 ? "?" : "&").append(query[i].first).append("=").append(query[i].second);
    }
    request.source = call.source;
    request.sink = call.sink;
    request.changes = facts.changes;
    request.fresh = fresh;
    request.timeouts = options.timeouts;
    if (facts.patient) {
        request.timeouts.first_byte = request.timeouts.idle = kPatience;
        request.timeouts.slow = std::chrono::seconds(0);  // white space trickles
    }
    return {.exchange = http->send(ctx, request), .signed_at = now};
}

Status Client::Impl::mend_clock(const Attempt& failed, const Outcome& outcome) {
    auto date = date_of(failed.exchange.headers);
    if (!date) return *outcome.error;
    auto by = *date - failed.signed_at;
    clock_offset.fetch_add(by.count());
    if (!clock_warned.exchange(true)) {
        auto seconds = std::chrono::round<std::chrono::seconds>(by).count();
        log_event(LogLevel::warning, "clock-off",
                  {{"endpoint", options.endpoint.url()}, {"store_ahead_seconds", std::to_string(seconds)}});
    }
    return {};
}

Status Client::Impl::mend_region(const Context& ctx, const Call& call, const Credentials& who, const Outcome& outcome) {
    Route route{.region = outcome.region};
    const Endpoint& own = options.endpoint;
    if (!outcome.host.empty()) {
        // S08: only within the family, and never away from an address or a single name.
        auto home = family(own.host);
        bool allowed = !home.empty() && family(outcome.host) == home;
        if (!allowed) return *outcome.error;
        auto in_front = call.bucket + ".";
        route.host = outcome.host.starts_with(in_front) ? outcome.host.substr(in_front.size()) : outcome.host;
    }
    if (route.region.empty() && route.host.empty() && call.operation != Operation::head_bucket) {
        Call ask{.operation = Operation::head_bucket, .bucket = call.bucket};  // H15: once
        auto asked = attempt(ctx, ask, who, kEmptySha256, false);
        route.region = http::find(asked.exchange.headers, "x-amz-bucket-region");
    }
    if (route.region.empty()) route.region = endpoint_of(call.bucket).region;
    if (route.host.empty() && own.is_aws()) route.host = Endpoint::aws(route.region).host;

    auto now = endpoint_of(call.bucket);
    bool news = route.region != now.region || (!route.host.empty() && route.host != now.host);
    if (!news) return *outcome.error;
    std::unique_lock lock(mutex);
    routes[call.bucket] = std::move(route);
    return {};
}

// Success: send it again. Error: what the caller gets.
Status Client::Impl::mend(const Context& ctx, Call& call, const Credentials& who, const Attempt& failed,
                          Outcome& outcome) {
    switch (outcome.repair) {
        case Repair::none: return *outcome.error;
        case Repair::stale: break;
        case Repair::clock: TRY(mend_clock(failed, outcome)); break;
        case Repair::region: TRY(mend_region(ctx, call, who, outcome)); break;
        case Repair::checksum: {
            if (!checksums_rejected.exchange(true)) {
                log_event(LogLevel::warning, "checksums-rejected", {{"endpoint", options.endpoint.url()}});
            }
            break;
        }
        case Repair::credentials: {
            auto renewed = credentials->renew(ctx, who);
            // A bare 400 to a HEAD was only a guess: without newer credentials it stays what it was.
            if (!renewed && outcome.error->code != Code::credentials) return *outcome.error;
            if (!renewed) {
                Error error = std::move(renewed).error().within(outcome.error->message);
                error.fatal = error.fatal || error.code == Code::credentials;  // nobody else has newer ones either
                return error;
            }
            break;
        }
    }
    return call.source ? call.source->rewind() : Status();
}

// H41: a name that never resolved is a typing mistake; one that did will be back. What nobody answered at says where
// that was and what to do.
void Client::Impl::settle_first_use(Error& error) {
    if (error.reason == http::name_of(http::Fault::connect)) {
        error.message += answered ? "; " + options.endpoint.url() + " answered before: go on when it is back"
                                  : "; is the store at " + options.endpoint.url() + " running? check --endpoint";
    }
    if (error.reason == http::name_of(http::Fault::resolve) && !answered) {
        error.fatal = true;
        error.message += "; check --endpoint";
    }
}

Result<Answer> Client::send(const Context& ctx, Call call) {
    TRY_LET(payload, impl_->payload_hash(call));
    int repairs = 0;
    bool fresh = false, left = false;
    for (;;) {
        TRY_LET(who, impl_->credentials->get(ctx));
        auto attempt = impl_->attempt(ctx, call, who, payload, fresh);
        auto& exchange = attempt.exchange;
        if (exchange.status != 0) impl_->answered = true;
        auto outcome = classify(call, exchange, attempt.signed_at);
        if (!outcome.error) {
            auto store_time = date_of(exchange.headers).value_or(WallTime{});
            return Answer{.status = exchange.status,
                          .headers = std::move(exchange.headers),
                          .body_bytes = exchange.body_bytes,
                          .document = std::move(outcome.document),
                          .page = std::move(outcome.page),
                          .store_time = store_time};
        }
        impl_->settle_first_use(*outcome.error);
        left = left || exchange.phase != http::Phase::unsent;
        outcome.error->unsent = outcome.error->unsent && !left;
        if (outcome.repair == Repair::stale) {
            if (fresh) return *std::move(outcome.error);
            fresh = true;
        } else if (++repairs > kMaxRepairs) {
            return *std::move(outcome.error);
        }
        TRY(impl_->mend(ctx, call, who, attempt, outcome));
    }
}

}  // namespace dray::s3
