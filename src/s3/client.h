// Client: sends one API call to one store: addressed, signed, classified, and mended where that needs no waiting.
//
// Mended are: a clock that is off (the store's is taken over), expired credentials, a bucket in another region, a store
// that rejects checksum headers; at most two of these a call. A call that may be repeated is sent again once, free of
// charge, when a reused connection had died. Nothing else is repeated and nothing sleeps here.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/context.h"
#include "base/xml.h"
#include "http/http.h"
#include "s3/call.h"
#include "s3/credentials.h"
#include "s3/endpoint.h"
#include "s3/list_page.h"

namespace dray::s3 {

struct ClientOptions {
    Endpoint endpoint;
    bool request_payer = false;         // x-amz-request-payer: requester
    std::string expected_bucket_owner;  // account id; empty: not checked
    Timeouts timeouts;                  // of calls that are not patient (OperationFacts)
    std::string ca_bundle;              // path; empty: the system's
    bool verify_tls = true;             // false only when a person typed --insecure
};

// A success.
struct Answer {
    int status = 0;
    http::Headers headers;
    std::uint64_t body_bytes = 0;
    std::optional<XmlDocument> document;  // where the operation answers with one
    std::optional<ListPage> page;         // of list_objects, instead of it
    WallTime store_time{};                // the Date header; the epoch: there was none

    std::string_view header(std::string_view name) const { return http::find(headers, name); }
};

// Thread-safe.
class Client {
public:
    // Sends nothing yet. Error: local.
    static Result<std::unique_ptr<Client>> make(ClientOptions options, std::unique_ptr<CredentialSource> credentials);
    ~Client();

    const Endpoint& endpoint() const;
    // Over https bodies are not hashed for the signature: what is sent carries a checksum of its own.
    bool signs_bodies() const { return endpoint().scheme == "http"; }
    // False once this store has rejected them.
    bool takes_checksum_headers() const;
    Result<Answer> send(const Context& ctx, Call call);
    http::ClientCounters counters() const;

private:
    struct Impl;
    explicit Client(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace dray::s3
