// OneMove: what is known of one action while it is carried out. A plain value: it travels to the remove stage and back.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "job/run.h"
#include "ops/decide.h"

namespace dray {

struct OneMove {
    Action action;
    bool back = false;       // an undo: `from` is the parent's target
    bool doubted = false;    // an earlier process had claimed it
    bool look_both = false;  // the next look takes in both sides, even when the target is missing
    // A copy of this action was sent, by us or an earlier process: what is at the target may have been made by it.
    bool maybe_made = false;
    // What became of such a copy is not known yet: no final receipt may be given on anything but a look.
    bool unsure = false;
    // The ETag that copy and delete are tied to: the planned one; in an undo the one that the last look saw.
    std::string identity;
    // Undo, on a versioned bucket: the current version at the target is the one that the parent's receipt names, so
    // that just this one is removed. Nothing else is ever removed by its version.
    std::string made_version;
    bool marker_tried = false;              // undo: the parent's delete marker was taken away, or cannot be
    std::unique_ptr<ObjectInfo> from_seen;  // by the last look; big, so not within a move that waits
    std::string lost;                       // of the source's properties, as in Receipt::lost
    std::string unlike;                     // in what a target with the same bytes differs

    bool replaces = false;  // a copy: onto what is at the target, as was asked for

    std::optional<Receipt> copied;  // recorded (by an earlier process: durable already)
    std::optional<Ticket> ticket;   // of that receipt, when we wrote it
    bool found_equal = false;       // the target was there, equal, before we sent anything

    SteadyTime proven_at{};  // R16: when the copy was last proven
    // `from` was seen with its identity: until when that guards a delete which no condition guards.
    std::optional<SteadyTime> seen_until;
    std::optional<SteadyTime> target_seen;  // when the latest look at `to` was sent
    std::uint32_t slow = 0;                 // answers that asked for patience, to one request after the other
    Nanos waited{0};                        // for the store's sake
    std::uint32_t requests = 0;             // since the receipt before
    std::uint32_t rounds = 0;               // steps taken; bounds what a store that never settles can cost
    bool last_chance = false;               // it did not settle among others, and is tried once more at the end
    std::uint32_t denials = 0;              // absences that a listing contradicted
    bool refused = false;                   // the last copy was refused: something is at the target
    std::uint32_t contradicted = 0;         // so many times the look that followed found nothing there
    std::optional<WallTime> hold;           // R9: no look before this

    bool keeps_source() const { return action.what == Do::copy; }
    const Side& from() const { return action.from; }
    const Side& to() const { return action.to; }
    ObjectRef from_ref() const { return {action.from.bucket, action.from.key, {}}; }
    ObjectRef removed_ref() const { return {action.from.bucket, action.from.key, made_version}; }
    ObjectRef to_ref() const { return {action.to.bucket, action.to.key, {}}; }
    // What the plan says of the source: the copied side of a move, the restored side of an undo.
    const Side& planned() const { return back ? action.to : action.from; }
};

// What follows a step of a move.
enum class Next : std::uint8_t {
    look,    // HEAD both sides and decide
    copy,    // send the copy
    remove,  // the copy is proven and recorded: delete `from`
    over,    // it has its final receipt, waits somewhere, or must be left as it is
};

}  // namespace dray
