// ModelS3: a strict S3 server in memory, for tests and benchmarks. It checks every signature and checksum, keeps every
// key byte for byte, counts what it is asked, and fails exactly as a script says. README.md tells how to use it.
//
//   auto server = model::ModelS3::start({.quirks = model::Quirks::radosgw()});
//   server->make_bucket("raw");
//   server->seed("raw", "a.json", "v1");
//   server->script({.operation = "CopyObject", .act = model::Act::close_after_effect});
//   ... run the client against server->endpoint() ...
//   EXPECT_EQ(server->stats().requests["CopyObject"], 2);
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "body.h"
#include "fault.h"
#include "quirks.h"
#include "sigv4.h"
#include "world.h"

namespace dray::model {

struct Options {
    Quirks quirks;
    std::string host = "127.0.0.1";
    int port = 0;  // 0: any free one
    int threads = 1;
    std::string tls_cert, tls_key;  // PEM files; both empty: plain http
    std::vector<Credential> credentials{Credential{}};
    std::string region = "us-east-1";
    std::string domain = "localhost";  // BUCKET.localhost is virtual-host addressing
    bool signatures = true;            // false: requests are not checked
    std::int64_t max_skew_ms = 900'000;
    std::int64_t request_delay_ms = 0;  // before every answer
    std::int64_t page_delay_ms = 0;     // before every answer to a listing
    bool trace = false;                 // keep Seen for every request
    bool control = false;               // /_model/ endpoints, unsigned
};

struct Stats {
    std::map<std::string, std::uint64_t> requests;  // by operation
    std::uint64_t total = 0;
    std::uint64_t connections = 0;  // ever accepted
    std::uint64_t open = 0;         // now
    std::uint64_t max_open = 0;     // at once
    std::uint64_t bytes_in = 0, bytes_out = 0;
    std::uint64_t unknown = 0;  // requests that are no S3 operation
    std::uint64_t refused = 0;  // signature, date, token or payload hash
    std::uint64_t faults = 0;   // requests a rule acted on

    std::uint64_t of(std::string_view operation) const;
};

struct Seen {
    std::string operation, bucket, key;
    int status = 0;  // 0: never answered
    std::uint64_t connection = 0;
    std::map<std::string, std::string> headers;  // of the request, lower case
    std::string query;
};

class ModelS3 {
public:
    // Listens when it returns; aborts the process when it cannot.
    static std::unique_ptr<ModelS3> start(Options options = {});
    ~ModelS3();  // closes every connection
    ModelS3(const ModelS3&) = delete;
    ModelS3& operator=(const ModelS3&) = delete;

    std::string endpoint() const;  // http://127.0.0.1:PORT
    int port() const;
    const Options& options() const;

    // The world, without HTTP. Keys are kept as given, quirks do not apply. All are safe while requests run.
    void make_bucket(std::string_view bucket, Versioning versioning = Versioning::off);
    // Runs `change` on the bucket under the server's lock: facts, region, owner.
    void change_bucket(std::string_view bucket, const std::function<void(Bucket&)>& change);
    bool has_bucket(std::string_view bucket) const;
    // Stores an object as a PUT would and returns its version id; makes the bucket if need be. `etag` empty: as S3.
    std::string seed(std::string_view bucket, std::string_view key, const Body& body, Props props = {},
                     std::string etag = {}, std::int64_t modified_us = 0);
    // As if uploaded in equal parts of `part_size`.
    void seed_multipart(std::string_view bucket, std::string_view key, const Body& body, std::uint64_t part_size,
                        Props props = {});
    // `count` keys made from `pattern` ("raw/%06d.json", "%h.bin", "log/%D"); all share one body, so millions are
    // cheap.
    void seed_many(std::string_view bucket, std::uint64_t count, std::string_view pattern, const Body& body);
    void remove(std::string_view bucket, std::string_view key);

    bool exists(std::string_view bucket, std::string_view key) const;
    ObjectPtr object(std::string_view bucket, std::string_view key) const;  // null when absent
    std::string body(std::string_view bucket, std::string_view key) const;  // "" when absent
    Props props(std::string_view bucket, std::string_view key) const;
    std::vector<std::string> keys(std::string_view bucket,
                                  std::string_view prefix = {}) const;                     // current ones, in order
    std::vector<ObjectPtr> versions(std::string_view bucket, std::string_view key) const;  // oldest first, with markers
    std::vector<Upload> uploads(std::string_view bucket) const;                            // open multipart uploads

    Stats stats() const;
    void reset_stats();
    std::vector<Seen> trace() const;
    void clear_trace();

    void script(Fault fault);
    void clear_faults();
    // Requests of late_effect wait here. Lands all of them in the order they came, and returns the statuses.
    std::vector<int> land_late();
    std::size_t waiting_late() const;

    // Settings that change while it runs.
    void set_clock_offset_ms(std::int64_t offset);  // the server's clock against the machine's
    void set_credentials(std::vector<Credential> credentials);
    void set_quirks(const Quirks& quirks);  // directory_order only for buckets made afterwards
    void set_delays(std::int64_t request_ms, std::int64_t page_ms);
    // Ends every idle keep-alive connection now, as a server that lost patience.
    void close_idle();

private:
    struct Impl;
    explicit ModelS3(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace dray::model
