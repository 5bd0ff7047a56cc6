// One HTTP request, one answer, one blocking call. The only room that knows libcurl.
//
// HTTP/1.1 over reused connections, TLS verified, bodies and paths sent as given (no dot folding, no redirects
// followed, no decoding). A request that changes something is sent at most once: when a reused connection dies before
// the answer the exchange ends with Fault::dead_connection. (libcurl would repeat it by itself; where it speaks,
// through a proxy, that repeat is refused: CURLOPT_PREREQFUNCTION is called again before it.)
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "base/result.h"

namespace dray::http {

struct Header {
    std::string name;  // any case
    std::string value;
};
using Headers = std::vector<Header>;
bool same_name(std::string_view a, std::string_view b);  // in any case
// The value of the first header of that name (any case); empty when there is none.
std::string_view find(const Headers& headers, std::string_view name);
bool has(const Headers& headers, std::string_view name);

// Where the bytes of a request body come from. One thread, one request at a time.
class BodySource {
public:
    virtual ~BodySource() = default;
    virtual std::uint64_t size() const = 0;                                 // exact; becomes Content-Length
    virtual Result<std::size_t> read(char* buffer, std::size_t bytes) = 0;  // 0 only at the end
    virtual Status rewind() = 0;                                            // to the first byte, for sending again
};

// Where the bytes of an answer go. An error ends the exchange with Fault::sink, and is kept in Exchange::local_error.
class BodySink {
public:
    virtual ~BodySink() = default;
    // Before the first byte of a 2xx: what its status and headers promise. An error refuses the body.
    virtual Status begin(int status, const Headers& headers) { return (void)status, (void)headers, Status(); }
    virtual Status write(std::string_view bytes) = 0;
};

struct Timeouts {                      // a limit each on no progress at all; 0: none
    std::chrono::seconds connect{10};  // TCP and TLS together
    std::chrono::seconds first_byte{
        60};  // from the request sent to the first byte of the answer; whitespace counts as progress
    std::chrono::seconds idle{30};  // between two bytes, either way
    std::chrono::seconds slow{60};  // a body moving at less than kSlowest on average for so long
};
inline constexpr std::uint64_t kSlowest = 1024;  // bytes a second

// Of an answer's header section.
inline constexpr std::size_t kMaxHeaderLine = std::size_t{64} << 10;    // bytes
inline constexpr std::size_t kMaxHeaderBytes = std::size_t{256} << 10;  // bytes in all

struct Request {
    std::string method;
    std::string url;               // absolute; the path goes out byte for byte
    Headers headers;               // Content-Length, Host and Connection are set here, not by the caller
    std::string_view body;         // borrowed for the call
    BodySource* source = nullptr;  // instead of body
    BodySink* sink = nullptr;      // takes the body of a 2xx answer; all other bodies are collected
    std::size_t max_body = std::size_t{64} << 20;  // of a collected body, bytes; more is Fault::too_large
    bool changes = true;  // false: GET, HEAD and the like, which may be repeated on a fresh connection
    bool fresh = false;   // on a new connection: the idle ones are suspected dead
    Timeouts timeouts;
};

// How far it got.
enum class Phase : std::uint8_t {
    unsent,     // no byte of the request left this machine: it has no effect
    sent,       // some or all of it left; no whole line of the answer came
    answering,  // the answer began
    complete,
};

enum class Fault : std::uint8_t {
    none,
    resolve,          // no address
    connect,          // refused or unreachable
    tls,              // the handshake or the record layer failed
    tls_verify,       // the certificate is not to be trusted: expired, wrong host, unknown issuer
    proxy,            // the proxy refused
    dead_connection,  // a reused connection was closed or reset before the first byte of the answer
    reset,
    stalled,    // a limit of Timeouts
    truncated,  // the answer ended early
    malformed,  // not HTTP, contradictory lengths, or over a header limit (kMaxHeaderLine, kMaxHeaderBytes)
    too_large,
    source,      // the BodySource failed: Exchange::local_error
    sink,        // the BodySink failed: Exchange::local_error
    stopped,     // ctx: asked to stop
    deadline,    // ctx: deadline
    late,        // ctx: the connection was open only after send_until
    local,       // no descriptor, no memory
    unsendable,  // the request cannot go out as given: a line break in a header, ...
};
std::string_view name_of(Fault fault);

struct Exchange {
    int status = 0;  // 0: no status line came
    Headers headers;
    std::string body;              // when there was no sink for it
    std::uint64_t body_bytes = 0;  // of the answer's body, wherever they went
    Phase phase = Phase::unsent;
    Fault fault = Fault::none;
    std::string detail;  // the reason in words: "expired certificate", "connection refused", ...
    bool reused_connection = false;
    Error local_error;  // with Fault::source and Fault::sink

    bool complete() const { return fault == Fault::none; }
};

struct ClientOptions {
    std::string ca_bundle;  // path; empty: the system's
    std::string user_agent = "dray";
    bool verify_tls = true;  // false only when a person typed --insecure
    std::chrono::seconds idle_connection{
        4};  // S3 closes idle connections at about 5 s: never reuse one idle for longer; at least 2
    // Proxies: HTTPS_PROXY, HTTP_PROXY (lower case too), NO_PROXY from the environment, as curl reads them.
};

struct ClientCounters {
    std::uint64_t connections_opened = 0;
    std::uint64_t connections_open = 0;       // now
    std::uint64_t connections_open_most = 0;  // at once
    std::uint64_t requests = 0;
};

// Thread-safe: each call takes a connection that no other call uses, the warmest idle one first, so connections open to
// one host at once never exceed the calls in flight to it at once. Each costs three descriptors: its socket and the
// pair that libcurl keeps for waking itself.
class Client {
public:
    static Result<std::unique_ptr<Client>> make(const ClientOptions& options);
    ~Client();
    // Blocks until the answer is complete, or something ended it; ctx's stop and deadline end it at once. After ctx's
    // send_until no request begins (through a proxy for http: no connection is begun).
    Exchange send(const Context& ctx, const Request& request);
    ClientCounters counters() const;

private:
    struct Impl;
    explicit Client(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace dray::http
