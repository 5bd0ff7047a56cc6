// What to do next with one move or copy after a look at both sides: the heart of docs/safe-move.md as a pure function.
// It is Model.decide of tools/model/move_model.py, in the same order; change the model first and run it.
#pragma once

#include <cstdint>
#include <string_view>

namespace dray {

// What one look showed, in the words of the protocol. `from` is what is copied and then deleted, `to` where it goes: in
// an undo `from` is the parent's target.
struct Sight {
    bool from_there = false;
    bool to_there = false;
    // The planned source (`from` of a move, `to` of an undo) has the listed ETag.
    bool as_planned = false;
    // The target (`to` of a move, `from` of an undo) is the object of the `copied` receipt: same ETag, or the same
    // checksum (R15). Always false without such a receipt.
    bool target_as_recorded = false;
    // The target's ETag is a plain MD5 and is the planned one: the planned bytes, whoever put them there.
    bool target_has_planned_md5 = false;
    bool equal = false;         // both are there, and their bytes are proven equal
    bool one_object = false;    // R6: both are there with one ETag and one LastModified
    bool was_there = false;     // R4, undo: the parent's plan or receipt says that the target was there before it
    bool maybe_made = false;    // copy: what is at the target may be what an earlier request of this action made
    bool source_newer = false;  // copy: by LastModified, than what is at the target
    bool not_ours = false;  // R4, undo: that, or without a receipt of the parent's copy, that it is older than the run
};

enum class Step : std::uint8_t {
    copy,            // the target is missing: copy
    copied,          // the target is proven: record it, then delete `from`
    done,            // nothing more to do
    alias,           // two names of one object: leave it alone
    target_differs,  // something else is at the target
    source_changed,  // the planned source is another object by now
    vanished,        // the source is gone, and the target is not proven to be it
    overwrite,       // copy: something else is at the target, and is to be replaced
    not_newer,       // copy: something else is at the target, and only older ones are to be replaced
    target_left,     // undo: the source is back, and nothing proves that the parent made what is at the target
};
std::string_view name_of(Step step);

// What a copy does with an object that is at its target and differs from what it would put there.
enum class Overwrite : std::uint8_t {
    never,    // conflict
    newer,    // replaced when the source is newer, by LastModified; else left
    changed,  // replaced
    always,   // replaced, and an equal one too
};

Step decide_move(const Sight& sight);
Step decide_copy(Sight sight, Overwrite overwrite);
Step decide_move_back(const Sight& sight);

}  // namespace dray
