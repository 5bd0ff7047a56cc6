// model-s3: the model server as a program, for end-to-end tests and benchmarks. README.md tells how to use it.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "http.h"
#include "server.h"

namespace {

using dray::model::Body;
using dray::model::Credential;
using dray::model::ModelS3;
using dray::model::Options;
using dray::model::Quirks;

constexpr const char* kUsage =
    "usage: model-s3 [--port N] [--host ADDRESS] [--threads N] [--quirks "
    "strict|seaweedfs|radosgw|versitygw|minio|ignores]\n"
    "                [--cert FILE --key FILE] [--access-key K] [--secret-key S] [--region R]\n"
    "                [--bucket NAME]... [--seed BUCKET:COUNT:PATTERN[:SIZE]]...\n"
    "                [--request-delay-ms N] [--page-delay-ms N] [--no-signatures] [--no-default-checksum]\n";

struct Seed {
    std::string bucket, pattern;
    std::uint64_t count = 0, size = 1024;
};

[[noreturn]] void usage(std::string_view problem) {
    std::fprintf(stderr, "model-s3: %.*s\n%s", static_cast<int>(problem.size()), problem.data(), kUsage);
    std::exit(2);
}

std::uint64_t number(std::string_view flag, std::string_view text) {
    std::uint64_t value = 0;
    if (!dray::model::parse_number(text, value)) usage("not a number: " + std::string(flag) + " " + std::string(text));
    return value;
}

// BUCKET:COUNT:PATTERN[:SIZE]; a pattern holds no colon.
Seed parse_seed(std::string_view text) {
    std::vector<std::string_view> fields;
    for (std::size_t colon = text.find(':'); colon != std::string_view::npos; colon = text.find(':')) {
        fields.push_back(text.substr(0, colon));
        text.remove_prefix(colon + 1);
    }
    fields.push_back(text);
    if (fields.size() < 3 || fields.size() > 4) usage("--seed wants BUCKET:COUNT:PATTERN[:SIZE]");
    Seed seed{std::string(fields[0]), std::string(fields[2]), number("--seed", fields[1]), 1024};
    if (fields.size() == 4) seed.size = number("--seed", fields[3]);
    return seed;
}

// Real bytes with a real MD5; only what would not fit well in memory stays a pattern.
Body seed_body(std::uint64_t size) {
    constexpr std::uint64_t kMaxReal = 256ULL << 20;
    const Body pattern = Body::pattern(size);
    return size > kMaxReal ? pattern : Body(pattern.str());
}

struct Command {
    Options options;
    std::vector<Seed> seeds;
    std::vector<std::string> buckets;
};

Command parse(int argc, char** argv) {
    Command command;
    Options& options = command.options;
    Credential& credential = options.credentials.front();
    bool default_checksum = true;
    for (int i = 1; i < argc; ++i) {
        const std::string_view flag = argv[i];
        if (flag == "--help") {
            std::fputs(kUsage, stdout);
            std::exit(0);
        }
        if (flag == "--no-signatures") {
            options.signatures = false;
            continue;
        }
        if (flag == "--no-default-checksum") {
            default_checksum = false;
            continue;
        }
        if (i + 1 == argc) usage("missing value or unknown flag: " + std::string(flag));
        const std::string_view value = argv[++i];
        if (flag == "--port")
            options.port = static_cast<int>(number(flag, value));
        else if (flag == "--host")
            options.host = value;
        else if (flag == "--threads")
            options.threads = static_cast<int>(number(flag, value));
        else if (flag == "--cert")
            options.tls_cert = value;
        else if (flag == "--key")
            options.tls_key = value;
        else if (flag == "--access-key")
            credential.access_key = value;
        else if (flag == "--secret-key")
            credential.secret_key = value;
        else if (flag == "--region")
            options.region = value;
        else if (flag == "--bucket")
            command.buckets.emplace_back(value);
        else if (flag == "--seed")
            command.seeds.push_back(parse_seed(value));
        else if (flag == "--request-delay-ms")
            options.request_delay_ms = static_cast<std::int64_t>(number(flag, value));
        else if (flag == "--page-delay-ms")
            options.page_delay_ms = static_cast<std::int64_t>(number(flag, value));
        else if (flag == "--quirks") {
            if (!Quirks::by_name(value, options.quirks)) usage("no such quirks: " + std::string(value));
        } else {
            usage("unknown flag: " + std::string(flag));
        }
    }
    options.quirks.default_checksum = options.quirks.default_checksum && default_checksum;
    options.control = true;
    return command;
}

}  // namespace

int main(int argc, char** argv) {
    const Command command = parse(argc, argv);
    // Blocked before any thread starts, so that only sigwait sees them.
    sigset_t stops;
    sigemptyset(&stops);
    sigaddset(&stops, SIGTERM);
    sigaddset(&stops, SIGINT);
    pthread_sigmask(SIG_BLOCK, &stops, nullptr);
    std::signal(SIGPIPE, SIG_IGN);

    const auto server = ModelS3::start(command.options);
    for (const std::string& bucket : command.buckets)
        server->make_bucket(bucket);
    for (const Seed& seed : command.seeds)
        server->seed_many(seed.bucket, seed.count, seed.pattern, seed_body(seed.size));
    std::printf("endpoint=%s\n", server->endpoint().c_str());
    std::fflush(stdout);
    int signal_number = 0;
    sigwait(&stops, &signal_number);
    return 0;
}
