// The state directory and what is in it: runs, locks, cached capabilities. Layout: docs/run-directory.md.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/context.h"
#include "base/file.h"
#include "job/journal.h"
#include "job/plan.h"

namespace dray {

// $DRAY_STATE, else $XDG_STATE_HOME/dray, else ~/.local/state/dray. Errors: local (no home, not writable; names it and
// --state), refused (owned by somebody else, or a world-writable directory without the sticky bit).
Result<std::string> default_state_directory();
// The same without looking at it; empty: no home directory is known.
std::string default_state_path();
Status check_state_directory(const std::string& directory);  // makes it when missing

struct RunPaths {
    std::string id;
    std::string directory;
    std::string plan() const { return directory + "/plan.jsonl.zst"; }
    std::string journal() const { return directory + "/journal.jsonl"; }
    std::string run_json() const { return directory + "/run.json"; }
    std::string report() const { return directory + "/report.json"; }
    std::string seal() const { return directory + "/sealed-by"; }  // holds the id of the run that undoes this one
    std::string begun() const { return directory + "/begun"; }     // it is there: somebody began to carry the plan out
    std::string scratch() const { return directory + "/scratch"; }
};

// run.json: the run's command, for people and for `runs`; the plan's header without its options. Written once,
// atomically, before the plan is made.
Status write_run_json(const RunPaths& run, const PlanHeader& header);

// What the files of a run say.
enum class RunPhase : std::uint8_t {
    planning,  // no sealed plan yet; without a live process there will be none
    planned,   // never applied
    applying,  // without a live process: crashed
    stopped,   // its last process ended by itself, with work left
    finished,
};
std::string_view name_of(RunPhase phase);

struct RunSummary {
    RunPaths paths;
    std::string command;
    WallTime made_at{};
    RunPhase phase = RunPhase::planning;
    bool live = false;      // a process holds the run's lock now
    std::string sealed_by;  // the run that undoes it
    std::string parent;     // of undo
    bool begun = false;     // somebody began to carry its plan out, though perhaps nothing was changed yet
};
// The same for one run as StateDirectory::runs() for all.
RunSummary read_summary(const RunPaths& run);

// Which run the word "last" means: the newest that...
enum class Last : std::uint8_t {
    planned,     // has a plan
    unfinished,  // was begun, is not finished, and was not undone: for resume
    changing,    // was carried out, and had something to change: for undo and verify
};

class StateDirectory {
public:
    static Result<StateDirectory> open(std::string directory);
    const std::string& path() const { return path_; }

    // A new run: its directory exists and is ours. `name` empty: an id like "20261121-094312-k3f9". Errors: exists,
    // invalid (not a file name), local.
    Result<RunPaths> create_run(const std::string& name = {});
    // By id, by an unambiguous beginning of one, or "last". Errors: not_found (says which runs there are), invalid
    // (ambiguous), refused (a file of it belongs to somebody else, or others may write it).
    Result<RunPaths> find_run(const std::string& name, Last last = Last::planned) const;
    RunPaths paths_of(const std::string& id) const { return {.id = id, .directory = path_ + "/runs/" + id}; }
    Result<std::vector<RunSummary>> runs() const;  // newest first
    // One process a run. Error: refused, naming the holder.
    Result<FileLock> lock_run(const RunPaths& run) const;
    // With its scopes. Error: refused (live; or begun and not finished, unless `force`).
    Status remove_run(const RunPaths& run, bool force = false);
    // Removes the runs made before `oldest` that nobody needs to go on: finished and undone ones, plans that were never
    // carried out, and what died while planning; but no unfinished undo of a run that is still there. Their names.
    Result<std::vector<std::string>> prune(WallTime oldest);

private:
    explicit StateDirectory(std::string path) : path_(std::move(path)) {}
    std::string path_;
};

// Rules R1, R2, R3: how long after a run's last changing request something of it may still land.
inline constexpr std::chrono::seconds kQuietTime{60};
inline constexpr std::chrono::minutes kQuietTimeUnansweredCopy{30};
// When a run's quiet time is over (our clock); nullopt: it has none. `lock_taken`: when its lock was taken, so since
// when none of its processes lives; the quiet time is counted from there if the last one did not end by itself, and is
// never later than 30 minutes after it. A process that did not end by itself may have left a copy unanswered.
std::optional<WallTime> quiet_until(const JournalSummary& journal, WallTime lock_taken);

// What a run may change: everything below a prefix of a bucket of a store. Two endpoints overlap where bucket and
// prefix do: they may be two names of one store, and two runs in opposite directions would then delete each other's
// copies.
struct Scope {
    std::string identity;  // of the store
    std::string bucket;    // empty: any
    std::string prefix;
    bool overlaps(const Scope& other) const;
    bool operator==(const Scope&) const = default;
};

// The scopes of a run, held in the state directory from before its first effect until it is finished (not merely until
// its process ends: an unfinished run still owns what it half did).
class ScopeLock {
public:
    // Others may have the scopes from `from` on (our clock). nullopt: nothing was changed there, as if they had never
    // been held.
    Status release(std::optional<WallTime> from);

private:
    friend Result<struct ScopeGrant> take_scopes(const StateDirectory&, const std::string&, const std::vector<Scope>&,
                                                 WallTime, const std::string&);
    std::string path_;
};
struct ScopeGrant {
    std::optional<ScopeLock> lock;  // nullopt: somebody else's, see holder
    std::string holder;             // run id; with a lock: the run that wait_until is about
    bool holder_live = false;
    std::string holder_store;            // its endpoint, where that is none of ours
    std::optional<WallTime> wait_until;  // rule R2: granted, but another run's requests may land until then
    std::optional<WallTime> changed;     // rule R17: another run may have changed something there until then
};
// Run again by the same run (resume), it is granted again. `instead_of`: the parent whose scopes undo takes over, which
// must not be live; empty: none. What a run held whose directory is gone is free. Errors: local, corrupt (a lock file).
Result<ScopeGrant> take_scopes(const StateDirectory& state, const std::string& run_id, const std::vector<Scope>& scopes,
                               WallTime now, const std::string& instead_of = {});
// What take_scopes() would answer to a new run now; nothing is taken (ScopeGrant::lock is nullopt either way), and
// `holder` is empty where nothing stands in the way.
Result<ScopeGrant> look_at_scopes(const StateDirectory& state, const std::vector<Scope>& scopes, WallTime now);
// Lets go of what a run still holds, for a run that is found finished. What it released already stays as it is. `from`
// as in ScopeLock::release().
Status release_scopes(const StateDirectory& state, const std::string& run_id, std::optional<WallTime> from);
// R17: how long it is remembered that scopes were released. A plan that is older than that is not trusted either.
inline constexpr std::chrono::hours kScopesRemembered{24};

}  // namespace dray
