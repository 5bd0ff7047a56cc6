#include "store/probe.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "base/checksum.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/time.h"
#include "store/probe_steps.h"

namespace dray {
namespace {

constexpr std::uint64_t kMaxCacheFile = 64 * 1024;  // bytes
// 1: creators did not race; 2: it was not asked whether tags may be read; 3: nor for redirects and default keys
constexpr std::uint64_t kCacheVersion = 4;

// Where a probe works.
struct Site {
    ObjectStore& store;
    const std::string& bucket;
    const std::string& prefix;
    bool versioned = false;
};

// Runs steps on private ground, which is left clean whatever happens.
Status on_private_ground(const Context& ctx, const Site& site, const std::function<Status(ProbeGround&)>& steps) {
    ProbeGround ground(site.store, site.bucket, site.prefix, site.versioned);
    Status done = steps(ground);
    if (Status cleaned = ground.clean_up(ctx); !cleaned) {
        Error error = std::move(cleaned).error().within("removing the probe's objects below " +
                                                        in_quotes(site.bucket + "/" + site.prefix));
        if (done) return error;
        log_event(LogLevel::warning, "probe-left-objects", {{"why", error.message}});
    }
    return done;
}

Result<Capabilities> probe_all(const Context& ctx, const Site& site, bool spellings) {
    Capabilities found;
    const Status done = on_private_ground(ctx, site, [&](ProbeGround& ground) -> Status {
        TRY(ground.begin(ctx));
        TRY(ground.try_copy(ctx, found));
        TRY(ground.try_put_conditions(ctx, found));
        TRY(spellings ? ground.put_twins(ctx, false) : ground.put_folder(ctx));
        TRY(ground.try_copy_conditions(ctx));
        TRY(ground.race_copies(ctx));
        TRY(ground.try_remove_conditions(ctx));
        TRY(ground.try_multipart(ctx, found));
        TRY(ground.look(ctx, found));
        return ground.try_start_after(ctx, found);
    });
    if (!done) return done.error();
    return found;
}

// Proves anew what guards deletes, and on demand which keys are two objects; the rest stays as it was known. What was
// found absent stays so: a race that was lost once is not won by asking politely.
Result<Capabilities> renewed(const Context& ctx, const Site& site, bool spellings, const Capabilities& known) {
    Capabilities found = known;
    if (spellings) {
        found.keeps_slashes = found.keeps_dots = found.keeps_case = found.keeps_unicode = Guarantee::unknown;
    }
    const Status done = on_private_ground(ctx, site, [&](ProbeGround& ground) -> Status {
        TRY(ground.begin(ctx));
        if (spellings) TRY(ground.put_twins(ctx, false));
        TRY(ground.try_copy_conditions(ctx));
        TRY(ground.try_remove_conditions(ctx));
        return ground.look(ctx, found);
    });
    if (!done) return done.error();
    for (const CapabilityName& capability : capability_names()) {
        if (known.*capability.field == Guarantee::absent) found.*capability.field = Guarantee::absent;
    }
    return found;
}

// The store is not what it was, and nothing of the old answer counts.
bool has_lost_any(const Capabilities& known, const Capabilities& found) {
    const auto& all = capability_names();
    return std::any_of(all.begin(), all.end(), [&](const CapabilityName& capability) {
        return proven(known.*capability.field) && !proven(found.*capability.field);
    });
}

Status probe_folding(const Context& ctx, const Site& site, Capabilities& found) {
    return on_private_ground(ctx, site, [&](ProbeGround& ground) -> Status {
        TRY(ground.put_twins(ctx, true));
        return ground.look(ctx, found);
    });
}

constexpr std::string_view kVersioningStates[] = {"unknown", "versioned", "plain"};

std::string_view versioning_state(const BucketFacts& facts) {
    return kVersioningStates[!facts.versioned ? 0 : *facts.versioned ? 1 : 2];
}

std::string cache_file(const ObjectStore& store, const std::string& bucket, const std::string& access_key,
                       const std::string& directory, std::string_view versioning) {
    std::string name;
    JsonWriter(name)
        .begin_array()
        .text(store.identity())
        .text(base64(bucket))
        .text(access_key)
        .text(versioning)
        .end_array();
    return directory + "/" + hex(sha256(name)).substr(0, 32) + ".json";
}

std::optional<Guarantee> guarantee_named(std::string_view name) {
    for (Guarantee guarantee : {Guarantee::unknown, Guarantee::absent, Guarantee::proven}) {
        if (name == name_of(guarantee)) return guarantee;
    }
    return std::nullopt;
}

struct Kept {
    WallTime probed;
    Capabilities found;
};

// nullopt: it is damaged, or another version wrote it.
std::optional<Kept> read_kept(const std::string& file) {
    auto text = read_file(file, kMaxCacheFile);
    if (!text) return std::nullopt;
    JsonParser parser;
    auto json = parser.parse(*text);
    if (!json) return std::nullopt;
    const auto version = json->get("version");
    const auto time = json->get("probed");
    const auto values = json->get("capabilities");
    if (!version || version->u64() != kCacheVersion || !time || !time->text() || !values) return std::nullopt;
    const auto probed = parse_iso8601(*time->text());
    if (!probed) return std::nullopt;
    Kept kept{.probed = *probed};
    for (const CapabilityName& capability : capability_names()) {
        const auto value = values->get(capability.name);
        const auto guarantee = value && value->text() ? guarantee_named(*value->text()) : std::nullopt;
        if (!guarantee) return std::nullopt;
        kept.found.*capability.field = *guarantee;
    }
    return kept;
}

// nullopt: there is none, or it is of no use any more. Never an error: a cache may be lost.
std::optional<Capabilities> read_cache(const std::string& file, WallTime now) {
    const auto kept = read_kept(file);
    if (!kept || kept->probed > now || now - kept->probed > kCapabilitiesKept) return std::nullopt;
    return kept->found;
}

void write_cache(const std::string& directory, const std::string& file, const Capabilities& found, WallTime now) {
    std::string text;
    JsonWriter json(text);
    json.begin_object().field("format", "dray-capabilities").field("version", kCacheVersion);
    json.field("probed", iso8601(now)).name("capabilities").begin_object();
    for (const CapabilityName& capability : capability_names()) {
        json.field(capability.name, name_of(found.*capability.field));
    }
    json.end_object().end_object();
    text += '\n';
    Status written = make_directories(directory);
    if (written) written = write_file_atomically(file, text);
    if (!written) log_event(LogLevel::warning, "capabilities-not-cached", {{"why", written.error().message}});
}

struct Place {
    ObjectStore& store;
    const std::string& bucket;
};

// Whether what is put on one side is found on the other.
Result<bool> marker_shows(const Context& ctx, const Place& here, const std::string& prefix, const Place& there) {
    const std::string body = probe_name();
    ObjectRef marker{here.bucket, prefix + body, {}};
    auto put = here.store.put(ctx, marker, body);
    auto look = [&]() -> Result<bool> {
        if (!put) return put.error();
        auto head = there.store.head(ctx, {there.bucket, marker.key, {}});
        if (head) return true;
        if (head.error().code == Code::not_found && !head.error().fatal) return false;
        return std::move(head).error();
    };
    Result<bool> same = look();
    if (!put && !put.error().unsure) return same;
    if (put) marker.version = put->version;
    TRY(here.store.remove(ctx.unstoppable().within(std::chrono::seconds(30)), marker, {}));
    return same;
}

}  // namespace

Result<Capabilities> probe(const Context& ctx, ObjectStore& store, const std::string& bucket, const std::string& prefix,
                           const ProbeOptions& options) {
    Site site{store, bucket, prefix};
    Capabilities given = store.capabilities();
    if (given != Capabilities{}) {
        const bool folding_known = given.keeps_case != Guarantee::unknown && given.keeps_unicode != Guarantee::unknown;
        if (!folding_known) TRY(probe_folding(ctx, site, given));
        return given;
    }
    BucketFacts facts;
    if (options.facts) {
        facts = *options.facts;
    } else {
        TRY_LET(asked, store.bucket_facts(ctx, bucket));
        facts = asked;
    }
    if (facts.object_lock.value_or(false)) return Capabilities{};  // what is written there may have to stay

    site.versioned = facts.versioned.value_or(false);
    const std::string file =
        options.cache_directory.empty()
            ? std::string()
            : cache_file(store, bucket, options.access_key, options.cache_directory, versioning_state(facts));
    const WallTime now = ctx.clock().wall();
    const auto cached = file.empty() ? std::nullopt : read_cache(file, now);
    if (cached && !options.renew_guards && !options.spellings) return *cached;
    std::optional<Capabilities> known = cached ? cached : options.elsewhere;
    if (known) {
        if (!cached) known->no_default_key = Guarantee::unknown;  // each bucket has its own
        TRY_LET(found, renewed(ctx, site, options.spellings, *known));
        if (!has_lost_any(*known, found)) return found;
    }
    TRY_LET(found, probe_all(ctx, site, options.spellings));
    if (!file.empty()) write_cache(options.cache_directory, file, found, now);
    return found;
}

std::optional<Capabilities> cached_capabilities(const ObjectStore& store, const std::string& bucket,
                                                const std::string& access_key, const std::string& cache_directory,
                                                WallTime now) {
    std::optional<Capabilities> all;
    for (const std::string_view versioning : kVersioningStates) {
        const auto found = read_cache(cache_file(store, bucket, access_key, cache_directory, versioning), now);
        if (!found) continue;
        if (!all) all = found;
        for (const CapabilityName& capability : capability_names())
            if (!proven((*found).*capability.field)) (*all).*capability.field = (*found).*capability.field;
    }
    return all;
}

Result<Capabilities> read_capabilities(const std::string& path) {
    const auto kept = read_kept(path);
    if (kept) return kept->found;
    return Error{.code = Code::invalid,
                 .message = in_quotes(path) + " is no profile of a store (docs/capabilities.md has the format)"};
}

Result<bool> same_bucket(const Context& ctx, ObjectStore& a, const std::string& bucket_a, const std::string& prefix_a,
                         ObjectStore& b, const std::string& bucket_b, const std::string& prefix_b) {
    Result<bool> seen = marker_shows(ctx, {a, bucket_a}, prefix_a, {b, bucket_b});
    const bool not_ours = !seen && seen.error().code == Code::denied;
    return not_ours ? marker_shows(ctx, {b, bucket_b}, prefix_b, {a, bucket_a}) : seen;
}

}  // namespace dray
