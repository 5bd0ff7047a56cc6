#include "cli/environment.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/log.h"
#include "cli/amounts.h"
#include "store/local_store.h"

namespace dray {
namespace {

// What was typed holds; what was not comes from the plan, so that `resume` needs no flags.
void fill(std::string& setting, const std::string& planned) {
    if (setting.empty()) setting = planned;
}

}  // namespace

PlannedStore planned_store(const StoreUrl& url) {
    return {.identity = url.kind == StoreKind::local ? std::string(kLocalIdentity) : "", .url = url.text()};
}

Result<std::unique_ptr<ObjectStore>> StoreRoom::open(PlannedStore& planned) {
    StoreSettings settings = flags_.store;
    fill(settings.endpoint, planned.endpoint);
    fill(settings.region, planned.region);
    fill(settings.addressing, planned.addressing);
    fill(settings.profile, planned.profile);
    fill(settings.expected_bucket_owner, planned.expected_bucket_owner);
    fill(settings.ca_bundle, planned.ca_bundle);
    if (!settings.ca_bundle.empty()) settings.ca_bundle = std::filesystem::absolute(settings.ca_bundle).string();
    settings.request_payer = settings.request_payer || planned.request_payer;
    settings.insecure = settings.insecure || planned.insecure;
    settings.connections = flags_.workers;
    if (!flags_.bwlimit.empty()) {
        TRY_LET(limit, parse_bytes(flags_.bwlimit));
        settings.bwlimit = limit;
    }
    const StoreKind kind = planned.identity == kLocalIdentity ? StoreKind::local : StoreKind::s3;
    TRY_LET(opened, open_store(ctx_, kind, settings, environment_variable));

    planned.identity = opened.store->identity();
    planned.endpoint = opened.endpoint;
    planned.region = opened.region;
    planned.addressing = opened.addressing;
    planned.profile = opened.profile;
    planned.access_key = opened.access_key;
    if (kind == StoreKind::s3) {
        planned.expected_bucket_owner = settings.expected_bucket_owner;
        planned.ca_bundle = settings.ca_bundle;
        planned.request_payer = settings.request_payer;
        planned.insecure = settings.insecure;
    }
    const std::lock_guard lock(mutex_);
    if (planned.insecure && !std::exchange(said_insecure_, true))
        log_event(LogLevel::warning, "certificates-not-checked", {{"endpoint", planned.endpoint}});
    if (opened.requests) counters_.push_back(opened.requests);
    if (opened.repeats) repeats_.push_back(opened.repeats);
    return std::move(opened.store);
}

std::map<std::string, std::uint64_t> StoreRoom::requests() const {
    const std::lock_guard lock(mutex_);
    std::map<std::string, std::uint64_t> sum;
    for (const auto& counter : counters_)
        for (const auto& [verb, count] : counter())
            sum[verb] += count;
    return sum;
}

Repeats StoreRoom::repeats() const {
    const std::lock_guard lock(mutex_);
    Repeats sum;
    for (const auto& each : repeats_) {
        const Repeats one = each();
        sum.all += one.all;
        sum.throttled += one.throttled;
    }
    return sum;
}

Result<std::string> state_path(const CommonFlags& flags) {
    const std::string path = flags.state.empty() ? default_state_path() : flags.state;
    if (!path.empty()) return path;
    return Error{.code = Code::local,
                 .message = "no home directory is known to keep runs in: name a directory with --state"};
}

std::uint32_t list_streams(const CommonFlags& flags) {
    return static_cast<std::uint32_t>(std::min<std::size_t>(flags.streams, flags.workers));
}

Result<RunEnvironment> run_environment(const CommonFlags& flags, StoreRoom& room, Progress& progress) {
    TRY_LET(state, state_path(flags));
    std::optional<std::chrono::seconds> quiet_time;
    if (!flags.quiet_time.empty()) {
        TRY_LET(seconds, parse_age(flags.quiet_time));
        quiet_time = std::chrono::seconds(static_cast<std::int64_t>(seconds));
    }
    return RunEnvironment{.state_directory = std::move(state),
                          .own_directories = {default_state_path()},
                          .run_name = flags.run_id,
                          .open_store = [&room](PlannedStore& store) { return room.open(store); },
                          .requests = [&room] { return room.requests(); },
                          .workers = flags.workers,
                          .streams = list_streams(flags),
                          .quiet_time = quiet_time,
                          .wait_lock = flags.wait_lock,
                          .watcher = progress.watcher()};
}

}  // namespace dray
