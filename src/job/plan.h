// Plan: a sealed file of actions, `plan.jsonl.zst`. Format: docs/plan-format.md.
// Independent zstd frames of at most 65,536 actions (the first holds the header line alone), so that readers start
// anywhere and `zstdcat` shows it all; a footer frame with counts, frame offsets and a SHA-256, without which the plan
// does not exist.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "job/action.h"

namespace dray {

inline constexpr std::uint64_t kActionsPerFrame = 65'536;

struct PlannedStore {
    std::string identity;                               // ObjectStore::identity()
    std::string url;                                    // what the user named: "s3://bucket/prefix/"
    std::string endpoint, region, addressing, profile;  // enough to open it again; no secrets
    std::string access_key;                             // of who has it open now; not written
    // What was typed to guard the run or to make it possible: every later process of it, and its undo, keep to it.
    std::string expected_bucket_owner;
    std::string ca_bundle;  // absolute path
    bool request_payer = false;
    bool insecure = false;  // certificates are not checked
};

// Keys of the plan that are equal when slashes, dots, case or Unicode forms are folded: harmless on a store that keeps
// them apart, the loss of an object on one that does not. Settled by the probe before the first effect (rule R7).
struct AliasNeed {
    std::uint64_t pairs = 0;
    std::string example_a, example_b;  // the first pair, as keys
};

struct PlanHeader {
    std::string run_id;
    std::string command;            // "mv", "segregate", "undo"
    std::vector<std::string> argv;  // as typed; secrets never are
    std::vector<PlannedStore> stores;
    std::string options;  // JSON object of the options that apply, resume and undo must honour (ops read and write it)
    std::string parent;   // of undo: the run it undoes
    // Hash of what else decided about the plan and `argv` does not tell (a config file's content); empty: nothing else.
    std::string settings;
    std::string made_by;  // "dray 0.1.0"
    WallTime made_at{};
};

struct PlanTotals {
    std::uint64_t listed = 0;                              // objects the source listing gave, outside drops excepted
    std::uint64_t actions = 0;                             // lines, verdicts included
    std::uint64_t effects = 0;                             // lines that change something: neither skip nor fail
    std::uint64_t bytes = 0;                               // of the objects with effects
    std::map<std::string, std::uint64_t> skipped, failed;  // verdicts by reason
    AliasNeed slashes, dots, case_, unicode;
    // Row L06: keys that a listing told although nobody had asked for them. They were dropped, and nothing proves that
    // none is missing instead: such a run never exits with 0.
    std::uint64_t outside = 0;
    std::string first_outside;
    std::uint64_t longest_key = 0;  // bytes
    std::uint64_t targets_existing = 0;
    std::uint64_t opaque_etags = 0;  // effects whose listed ETag is no plain MD5: only looks prove such a copy
    // That the effects read, write to or delete from, at most kMostBuckets: with more of them it is cut short there,
    // and with kMostBuckets it tells nothing. Empty in the plan of an older version.
    std::set<std::string> buckets;
};
inline constexpr std::size_t kMostBuckets = 256;

// Not thread-safe. Everything goes to a temporary file; only seal() makes the plan exist.
class PlanWriter {
public:
    static Result<PlanWriter> create(const std::string& path, const PlanHeader& header);
    PlanWriter(PlanWriter&&) noexcept;
    ~PlanWriter();  // unsealed: the file is removed
    // Numbers the action (n is set here, in order of calls), writes it, and counts it into totals().
    // Error: local (disk-full) - the plan is then to be dropped.
    Result<std::uint64_t> add(Action action);
    PlanTotals& totals();         // the planner adds what the lines do not tell
    std::uint64_t bytes() const;  // compressed so far
    // Footer, fsync, rename, fsync of the directory. Returns the plan's checksum (hex SHA-256). `path`: the plan's
    // place where it is another than it was begun for, on the same file system.
    Result<std::string> seal(const std::string& path = {});

private:
    struct Impl;
    explicit PlanWriter(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

// Open a sealed plan, checksum verified. Reading is not thread-safe; open one reader a thread (cheap after the first:
// `verified` is the checksum that an earlier open gave).
class PlanReader {
public:
    // Errors: not_found; corrupt (cut tail, damage, not a plan; says which); unsupported (a higher version).
    static Result<PlanReader> open(const std::string& path, const std::string& verified = {});
    PlanReader(PlanReader&&) noexcept;
    ~PlanReader();
    const PlanHeader& header() const;
    const PlanTotals& totals() const;
    const std::string& checksum() const;
    std::uint64_t size() const;         // actions
    std::uint64_t frame_count() const;  // of frames with actions
    // The actions of one frame, in order. At most kActionsPerFrame.
    Result<std::vector<Action>> frame(std::uint64_t index);
    std::uint64_t first_of_frame(std::uint64_t index) const;
    // In order from `n`: the next action, nullopt at the end. Decodes as it goes; memory does not depend on the frame's
    // size.
    Status seek(std::uint64_t n);
    Result<std::optional<Action>> next();

private:
    friend std::optional<PlanTotals> peek_totals(const std::string& path);
    struct Impl;
    explicit PlanReader(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

// The totals of a sealed plan from its footer alone, the actions unread and unproven: for lists. nullopt: not to be
// had.
std::optional<PlanTotals> peek_totals(const std::string& path);

}  // namespace dray
