// SafeMove: moves one object so that at every moment at least one complete, proven copy exists and is recorded; moves
// it back; or copies it. The protocol and its rules R1-R22 are in docs/safe-move.md; a rule that the code obeys is
// named where it does.
//
// move:      (look) -> copy -> compare -> receipt `copied`, durable -> (look) -> delete -> receipt `deleted`
// copy:      (look) -> copy -> compare -> receipt `done`
// move_back: quiet time (R1) -> look at both -> copy back, or nothing -> prove -> receipt, durable -> delete the
// target, if ours
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/context.h"
#include "job/action.h"
#include "job/run.h"
#include "ops/decide.h"
#include "ops/preserve.h"
#include "store/object_store.h"

namespace dray {

enum class WantedProof : std::uint8_t {
    automatic,  // plain-MD5 ETags that agree; else checksums; else size and properties
    checksum,   // a checksum of the whole object on both sides, else fail copy-unproven
    bytes,      // both sides are read and compared
};

struct MoveSettings {
    Do what = Do::move;                      // or copy: what requests_each() tells about; else the action says it
    Overwrite overwrite = Overwrite::never;  // of copies
    PropertyChanges changes;                 // of copies
    bool exclusive = false;  // nobody else writes there: looks that only guard against other writers are saved
    bool strict = false;     // fail an item rather than lose a property or leave it unproven
    // Without these a source is not given up: the object fails, reason property-lost. Others lost are only counted.
    PropertySet preserve = PropertySet::usual();
    bool delete_after = false;  // keep every source until the last copy is proven
    WantedProof proof = WantedProof::automatic;
    // Website buckets, ACLs or locks: each source needs a HEAD so that what COPY drops can be sent again.
    bool head_source = false;
    // R17: another run may have changed the same prefixes since the plan was made: its word that a target is absent is
    // not enough, under --exclusive neither.
    bool plan_is_stale = false;
    std::string acl, storage_class, encryption,
        kms_key_id;  // of new objects, where a person asked; storage_class empty: the source's

    // Rules switched off one by one, for the tests that show what each is for: bit i is rule R(i).
    std::uint32_t without_rules = 0;
    bool rule(int number) const { return !(without_rules >> number & 1U); }
};

struct MoveSetup {
    std::vector<ObjectStore*> stores;        // by Side::store; borrowed for the life of the performer
    std::vector<Capabilities> capabilities;  // of the same, as proven for this run
    std::set<std::string> unproven_buckets;  // that could not be probed: nothing is taken for granted in them
    MoveSettings settings;
    // H12: when nothing but denials has come for a while the run ends. Not so where somebody asked for it again, to
    // resume or to undo it: they would meet the same objects first each time, and never come to the others.
    bool ends_when_denied = true;
    // R9: requests of an earlier process of this run may land until then (our clock); nullopt: there are none.
    std::optional<WallTime> earlier_quiet_until;
    // R2: requests of another run that changed these prefixes may land until then (our clock): nothing is sent before.
    std::optional<WallTime> scope_quiet_until;
    // R1, for move_back: nothing is looked at before this (our clock): the parent's quiet time.
    std::optional<WallTime> parent_quiet_until;
    // R4, for move_back: the store's clock at the parent's first answer. A target older than this is not ours.
    std::optional<WallTime> parent_first_answer;
};

// What the engine has to say about the requests it sent, for the end line (R3) and the report.
struct SentRequests {
    bool all_answered = true;
    bool copy_unanswered = false;
    WallTime last_change{};  // our clock
    // Looks at a source just before its delete that had to be taken again, because the one before had grown old.
    std::uint64_t repeated_looks = 0;
};

// Thread-safe. Of move_back actions it reads: from = the parent's target (etag: as its receipt says, empty without
// one), to = the parent's source as it was listed, target_existed (or was found equal), parent, parent_checksum. A stop
// of a context passed to perform() must outlive the performer.
class SafeMove : public Performer {
public:
    ~SafeMove() override = default;
    virtual SentRequests sent() const = 0;
    // With delete_after a first pass over the plan leaves every action `copied`. When it has ended without a failure,
    // call this and run the plan again: the second pass proves each copy again (R16) and deletes.
    virtual void begin_deletes() = 0;
    // How many requests an object takes with these capabilities and settings, for the bill shown before the first
    // write. `opaque`: the share of the objects whose ETag is no plain MD5.
    static double requests_each(const MoveSetup& setup, double opaque);
};
std::unique_ptr<SafeMove> make_safe_move(MoveSetup setup);

}  // namespace dray
