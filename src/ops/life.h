// The life of a run: plan it, apply it, resume it, prove it, undo it. Everything the command line does with a job goes
// through here, and so can a program that links the library. Calls block; one thread a call; ctx's stop makes them wind
// down, resumable.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/context.h"
#include "job/plan.h"
#include "job/run.h"
#include "job/run_dir.h"
#include "ops/planner.h"
#include "ops/safe_move.h"
#include "store/object_store.h"

namespace dray {

// Opens the store a plan names, and fills in what was resolved on the way (identity, endpoint, region, ...). Called
// once for each store of a run.
using StoreOpener = std::function<Result<std::unique_ptr<ObjectStore>>(PlannedStore&)>;

// What a person is told while it happens. Called from the thread that called; must not block for long. All may be
// empty.
struct RunWatcher {
    std::function<void(const std::string& sentence)> say;   // one plain sentence: a missing guarantee, a wait and why
    std::function<void(const std::string& sentence)> note;  // one that is only good to know: the request bill
    std::function<void(const std::string& phase)>
        phase;  // "listing", "checking", "probing", "waiting", "moving", "copying", "verifying"
    PlanProgress* planning = nullptr;
    RunProgress* running = nullptr;
};

struct RunEnvironment {
    std::string state_directory;
    std::vector<std::string> own_directories;  // other places of ours: nothing in them is moved either (OwnPlaces)
    std::string run_name;                      // --run-id; empty: made up
    StoreOpener open_store;
    // Requests sent so far by verb, for reports; may be empty.
    std::function<std::map<std::string, std::uint64_t>()> requests;
    std::size_t workers = 256;
    std::uint32_t streams = 1;  // of a listing, at most; more than one only where a store was proven to take them
    // --quiet-time: how long to wait at most for late requests of other processes (docs/safe-move.md: R1, R2, R9), by a
    // person who knows that the store has nothing in flight any more; nullopt: as long as the rules say.
    std::optional<std::chrono::seconds> quiet_time;
    bool wait_lock = false;  // wait for a lock that another live run holds instead of refusing
    RunWatcher watcher;
    AppendFile::Fault journal_fault;  // tests
};

// The options of a move or a copy that its plan keeps, so that apply, resume and undo do the same.
struct MoveOptions {
    Do what = Do::move;  // or copy
    Overwrite overwrite = Overwrite::never;
    PropertyChanges changes;
    bool exclusive = false, strict = false, delete_after = false;
    WantedProof proof = WantedProof::automatic;
    PropertySet preserve = PropertySet::usual();  // --preserve
    std::string acl, storage_class, encryption, kms_key_id;
    bool operator==(const MoveOptions&) const = default;
};

struct MoveCommand {
    std::string command = "mv";  // or "cp", "segregate"
    std::vector<std::string> argv;
    std::vector<PlannedStore> stores;  // 0: source; 1: target when it is another store
    std::string source_bucket, source_prefix;
    bool single = false;
    NextName names;  // MovePlanRequest::names
    RelayoutOptions rule;
    Selection select;
    OnCollision on_collision = OnCollision::refuse;
    bool restored = false;             // see MovePlanRequest
    std::uint64_t limit = UINT64_MAX;  // effects
    std::uint64_t max = UINT64_MAX;    // chosen objects
    MoveOptions options;
    std::string settings;  // PlanHeader::settings
};

struct PlannedRun {
    RunPaths run;
    Do what = Do::move;  // or copy
    std::string checksum;
    PlanTotals totals;
    std::vector<std::string> warnings;
    // Requests an object will take, at least and at most: which, the probe tells before the first write.
    double requests_least = 0, requests_most = 0;
};

// How a run, or a process of it, ended.
struct RunResult {
    RunPaths run;
    std::string undoes;  // of an undo: its parent
    Balance::Totals balance;
    // Of those that failed, what a resume takes up again; the plan's own verdicts (a collision that is kept) need a new
    // plan.
    std::uint64_t reopenable = 0;
    bool stopped = false;                           // by ctx; resumable
    std::optional<Error> error;                     // that ended it early; resumable
    std::vector<std::string> sentences;             // that were said: guarantees this store lacks, waits
    std::map<std::string, std::uint64_t> requests;  // by verb
    std::uint64_t repeated_looks = 0;               // of these; see SentRequests
    double seconds = 0;
    std::uint64_t outside = 0;  // as in PlanTotals: above 0 the listing was not whole, and nothing ends with exit 0
    std::string first_outside;
    bool finished() const { return !stopped && !error && balance.left == 0; }
};
// In one word: "finished", "failed" (`error` says why), "stopped" (by ctx), "unfinished" (something is left to do).
std::string_view outcome_of(const RunResult& result);

// Lists, checks, seals. Nothing is written to a store.
Result<PlannedRun> plan_move(const Context& ctx, const RunEnvironment& env, const MoveCommand& command);

// Plans and applies at once: what stands in the way is found before the listing. A plan that is refused before its
// first effect is removed again: nobody asked for one. One that was stopped or failed there stays to be resumed, unless
// `drop_unbegun`. `planned` is told of the plan and may be empty.
struct MoveRunOptions {
    std::function<void(const PlannedRun&)> planned;
    bool drop_unbegun = false;
};
Result<RunResult> move_run(const Context& ctx, const RunEnvironment& env, const MoveCommand& command,
                           const MoveRunOptions& options = {});

// Carries out a planned run, or goes on with one: `run` as StateDirectory::find_run() takes it. What failed in it is
// tried again. A finished run in which nothing failed is answered with its balance. Errors before the first effect:
// refused (sealed by an undo, locked, aliases, strict), corrupt, conflict, not_found, ...; later ones are in
// RunResult::error.
Result<RunResult> apply_run(const Context& ctx, const RunEnvironment& env, const std::string& run);

// Plans and applies the undo of a run, or goes on with the undo that sealed it; what failed in that is tried again.
// What cannot come back is said first.
Result<RunResult> undo_run(const Context& ctx, const RunEnvironment& env, const std::string& run,
                           const std::vector<std::string>& argv);

struct VerifyFinding {
    const Action* action = nullptr;  // of the run, or of the undo that undid it
    bool bad = false;                // else unknown
    std::string reason, detail;
};
struct VerifyOptions {
    bool deep = false;                                // read the bytes of every target, not only HEAD
    std::function<void(const VerifyFinding&)> found;  // each object that is not good; one call at a time. May be empty
};
struct VerifyResult {
    RunPaths run;
    std::string undone_by;  // the run was undone: the store was held against what this undo says it did
    std::uint64_t checked = 0, good = 0, bad = 0, unknown = 0;  // checked = good + bad + unknown
    std::map<std::string, std::uint64_t>
        bad_by;                         // reason -> count: "target-missing", "target-changed", "source-present", ...
    std::vector<std::string> examples;  // up to 20, one line each
};
// Holds every receipt against the store as it is now. Changes nothing; takes no lock.
Result<VerifyResult> verify_run(const Context& ctx, const RunEnvironment& env, const std::string& run,
                                const VerifyOptions& options);

// The balance of a run from its files alone.
struct RunStatus {
    RunSummary summary;
    PlanTotals plan;
    Balance::Totals balance;
    std::uint64_t copied = 0, doubtful = 0;  // of those left
    bool planned = false;
};
Result<RunStatus> run_status(const RunEnvironment& env, const std::string& run);

}  // namespace dray
