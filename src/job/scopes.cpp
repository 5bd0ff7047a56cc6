#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "job/json_fields.h"
#include "job/run_files.h"

namespace dray {
namespace {

constexpr std::string_view kFormat = "dray-scopes";
constexpr std::uint64_t kVersion = 1;
constexpr std::uint64_t kMaxFileBytes = std::uint64_t{1} << 20;
constexpr std::string_view kEnding = ".json";

// One file in locks/: what one run holds, or held until lately.
struct Entry {
    std::string path, run_id;
    std::vector<Scope> scopes;
    std::optional<WallTime> released_until;  // nullopt: held
};

std::string locks_directory(const StateDirectory& state) {
    return state.path() + "/locks";
}
std::string path_of(const std::string& locks, const std::string& run_id) {
    return locks + "/" + run_id + std::string(kEnding);
}

// Whoever reads or writes entries holds this; it takes milliseconds.
Result<FileLock> guard(const std::string& locks) {
    constexpr int kAttempts = 1000;
    constexpr std::chrono::milliseconds kPause{10};
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
        TRY_LET(lock, FileLock::try_lock(locks + "/guard"));
        if (lock) return *std::move(lock);
        TRY(real_clock().wait_until(real_clock().steady() + kPause, nullptr));
    }
    return Error{.code = Code::local, .message = "another process keeps " + locks + "/guard locked"};
}

Status write_entry(const Entry& entry) {
    std::string text;
    JsonWriter json(text);
    json.begin_object().field("format", kFormat).field("version", kVersion).field("run", entry.run_id);
    json.name("scopes").begin_array();
    for (const Scope& scope : entry.scopes) {
        json.begin_object().bytes_field("identity", scope.identity);
        json.bytes_field("bucket", scope.bucket).bytes_field("prefix", scope.prefix).end_object();
    }
    json.end_array();
    if (entry.released_until) json.field("released_until", exact_time(*entry.released_until));
    json.end_object();
    return write_file_atomically(entry.path, text + "\n");
}

Error damaged(const std::string& path, std::string_view what) {
    return {
        .code = Code::corrupt,
        .message = "the lock " + path + " " + std::string(what) + ": look at its run, then remove the file by hand"};
}

Result<Entry> read_entry(const std::string& path) {
    TRY_LET(text, read_file(path, kMaxFileBytes));
    JsonParser parser;
    auto json = parser.parse(text);
    if (!json) return damaged(path, "is damaged");
    Entry entry{.path = path};
    std::string format;
    std::uint64_t version = 0;
    for (const auto& [name, value] : json->members()) {
        Member member(name, value);
        if (name == "scopes") {
            for (const JsonValue& element : value.elements()) {
                Scope& scope = entry.scopes.emplace_back();
                for (const auto& [scope_name, scope_value] : element.members()) {
                    Member part(scope_name, scope_value);
                    (void)(part.is("identity", scope.identity) || part.is("bucket", scope.bucket) ||
                           part.is("prefix", scope.prefix));
                    if (part.bad()) return damaged(path, "is damaged");
                }
            }
        } else if (name == "released_until") {
            (void)member.is("released_until", entry.released_until.emplace());
        } else {
            (void)(member.is("format", format) || member.is("version", version) || member.is("run", entry.run_id));
        }
        if (member.bad()) return damaged(path, "is damaged");
    }
    if (format != kFormat || entry.run_id.empty()) return damaged(path, "is damaged");
    if (version > kVersion) return damaged(path, "was written by a newer dray");
    return entry;
}

Result<std::vector<Entry>> read_entries(const std::string& locks) {
    std::vector<Entry> entries;
    std::error_code failure;
    std::filesystem::directory_iterator file(locks, failure);
    for (; !failure && file != std::filesystem::directory_iterator(); file.increment(failure)) {
        if (file->path().extension() != kEnding) continue;
        TRY_LET(entry, read_entry(file->path().string()));
        entries.push_back(std::move(entry));
    }
    if (failure) return system_error("list", locks, failure.value());
    std::ranges::sort(entries, {}, &Entry::run_id);
    return entries;
}

std::string place_of(const Scope& scope) {
    return scope.bucket + (scope.bucket.ends_with('/') ? "" : "/") + scope.prefix;
}

bool is_remote(const Scope& scope) {
    return scope.identity.starts_with("http");
}

// The first of `others` that one of `some` overlaps; nullptr: none.
const Scope* overlapped(const std::vector<Scope>& some, const std::vector<Scope>& others) {
    const auto found = std::ranges::find_if(others, [&](const Scope& other) {
        return std::ranges::any_of(some, [&](const Scope& scope) { return scope.overlaps(other); });
    });
    return found == others.end() ? nullptr : &*found;
}

// Held by the caller: the guard.
Status release_entry(const std::string& path, WallTime from) {
    TRY_LET(entry, read_entry(path));
    entry.released_until = from;
    return write_entry(entry);
}

bool is_forgotten(const Entry& entry, WallTime now) {
    return entry.released_until && *entry.released_until + kScopesRemembered <= now;
}

// Nobody can go on with a run whose directory is gone.
bool is_orphan(const StateDirectory& state, const Entry& entry) {
    return !entry.released_until && ::access(state.paths_of(entry.run_id).directory.c_str(), F_OK) != 0;
}

// What stands in the way of a run, and what was changed there lately. Held by the caller: the guard.
Result<ScopeGrant> in_the_way(const StateDirectory& state, const std::string& run_id, const std::vector<Scope>& scopes,
                              WallTime now, const std::string& instead_of) {
    TRY_LET(entries, read_entries(locks_directory(state)));
    ScopeGrant grant;
    for (Entry& entry : entries) {
        if (entry.run_id == run_id) continue;
        if (is_orphan(state, entry)) {
            entry.released_until = now;
            TRY(write_entry(entry));
        }
        if (is_forgotten(entry, now)) {
            TRY(remove_file(entry.path));
            continue;
        }
        const Scope* taken = overlapped(scopes, entry.scopes);
        if (!taken) continue;
        if (entry.released_until) {
            grant.changed = std::max(grant.changed, entry.released_until);
            if (*entry.released_until <= now) continue;
            // A clock that was wrong then must not make us wait for ever now.
            const WallTime until = std::min(*entry.released_until, now + kQuietTimeUnansweredCopy);
            if (!grant.wait_until || *grant.wait_until < until) grant.wait_until = until, grant.holder = entry.run_id;
            continue;
        }
        const bool live = run_is_live(state.paths_of(entry.run_id));
        if (entry.run_id == instead_of && !live) continue;
        const bool named_alike =
            std::ranges::any_of(scopes, [&](const Scope& scope) { return scope.identity == taken->identity; });
        return ScopeGrant{
            .holder = entry.run_id, .holder_live = live, .holder_store = named_alike ? std::string() : taken->identity};
    }
    return grant;
}

bool is_held(const ScopeGrant& grant) {
    return !grant.holder.empty() && !grant.wait_until;
}

}  // namespace

bool Scope::overlaps(const Scope& other) const {
    // One S3 store answers to many endpoint names, and nothing here can tell; a directory has one.
    if (identity != other.identity && !(is_remote(*this) && is_remote(other))) return false;
    if (bucket.empty() || other.bucket.empty()) return true;
    // As one path: a local bucket is a directory, and may lie inside another.
    const std::string ours = place_of(*this), theirs = place_of(other);
    return ours.starts_with(theirs) || theirs.starts_with(ours);
}

Result<ScopeGrant> take_scopes(const StateDirectory& state, const std::string& run_id, const std::vector<Scope>& scopes,
                               WallTime now, const std::string& instead_of) {
    const std::string locks = locks_directory(state);
    TRY_LET(held, guard(locks));
    (void)held;
    TRY_LET(grant, in_the_way(state, run_id, scopes, now, instead_of));
    if (is_held(grant)) return grant;
    TRY(write_entry({.path = path_of(locks, run_id), .run_id = run_id, .scopes = scopes}));
    // Only now: should the machine stop in between, both hold it, and undo takes it again.
    if (!instead_of.empty()) {
        TRY(remove_file(path_of(locks, instead_of)));
        TRY(sync_directory(locks));
    }
    grant.lock.emplace().path_ = path_of(locks, run_id);
    return grant;
}

Result<ScopeGrant> look_at_scopes(const StateDirectory& state, const std::vector<Scope>& scopes, WallTime now) {
    TRY_LET(held, guard(locks_directory(state)));
    (void)held;
    TRY_LET(grant, in_the_way(state, {}, scopes, now, {}));
    return is_held(grant) ? grant : ScopeGrant{};
}

Status ScopeLock::release(std::optional<WallTime> from) {
    const std::string locks = path_.substr(0, path_.rfind('/'));
    TRY_LET(held, guard(locks));
    (void)held;
    if (from) return release_entry(path_, *from);
    TRY(remove_file(path_));
    return sync_directory(locks);
}

Status release_scopes(const StateDirectory& state, const std::string& run_id, std::optional<WallTime> from) {
    const std::string locks = locks_directory(state), path = path_of(locks, run_id);
    TRY_LET(held, guard(locks));
    (void)held;
    auto entry = read_entry(path);
    if (!entry) return entry.error().code == Code::not_found ? Status() : Status(std::move(entry).error());
    if (entry->released_until) return {};
    if (from) return release_entry(path, *from);
    TRY(remove_file(path));
    return sync_directory(locks);
}

// The run's directory is about to go. What it changed is remembered for a while all the same.
Status forget_scopes(const StateDirectory& state, const std::string& run_id) {
    return release_scopes(state, run_id, real_clock().wall());
}

}  // namespace dray
