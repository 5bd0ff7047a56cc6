// Action and Receipt: what is to be done to one object, and what was done. Plain values, one JSON line each.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "store/object_store.h"

namespace dray {

// One side of an action: an object as the listing saw it, or the place where one is to be.
struct Side {
    std::uint8_t store = 0;  // index into PlanHeader::stores
    std::string bucket;
    std::string key;
    std::uint64_t size = 0;     // bytes
    std::string etag;           // as listed; empty: nothing was there, or the store did not say
    std::string version;        // empty: the current one
    WallTime modified{};        // the store's clock; the epoch: unknown
    std::string storage_class;  // empty: STANDARD
    bool operator==(const Side&) const = default;
};

enum class Do : std::uint8_t {
    move,       // safe move: copy, prove, record, delete (docs/safe-move.md)
    move_back,  // the same the other way, by undo: `from` is the parent's target, `to` its source
    copy,       // the same without the delete: it ends with the receipt of its copy
    skip,       // nothing to do, for `reason`: a verdict of the planner, final as it stands
    fail,       // cannot be done, for `reason`: likewise
};
std::string_view name_of(Do what);

// How far an action of the parent run had come: what undo starts from.
enum class ReceiptState : std::uint8_t {
    none,      // claimed without a receipt, or never claimed
    copied,    // the target is there and proven; the source is still there, and is to go
    deleted,   // and now the source is gone: final for a move
    done,      // final: nothing (more) had to be done, or all was; of a copy: the target is there and proven
    skipped,   // final: left as it was, for `reason`
    failed,    // final: see `code` and `reason`; the source is where it was
    reopened,  // a later process takes up again what failed: doubtful from here on, and `reason` is counted no more
};
std::string_view name_of(ReceiptState state);
inline bool is_final(ReceiptState state) {
    return state != ReceiptState::none && state != ReceiptState::copied && state != ReceiptState::reopened;
}

struct Action {
    std::uint64_t n = 0;  // its place in the plan, from 0, and its name everywhere
    Do what = Do::move;
    Side from;
    Side to;                      // etag, size, modified: what was listed there; all empty when nothing was
    bool target_existed = false;  // rule R4: the planner's listing knew an object at the target, so it is not ours
    // A word of docs/reasons.md: of skip and fail; of a move, why it goes where unmatched objects go.
    std::string reason;
    std::string detail;  // for people: which other key it collides with, ...
    // move_back only: what the parent run knew of this action.
    ReceiptState parent = ReceiptState::none;
    std::string parent_checksum;  // of the target, as in Receipt::checksum (rule R15)
    std::string parent_marker;    // version of the delete marker that the parent put over its source; empty: none known
    std::string extra;            // members this version does not know, as JSON ("\"x\":1,\"y\":2"); carried along
    bool operator==(const Action&) const = default;
};

void write_action(std::string& out, const Action& action);  // one line with its newline
Result<Action> read_action(const JsonValue& line);          // error: corrupt

// How the copy was proven equal to its source.
enum class Proof : std::uint8_t { none, checksum, etag, bytes, size };
std::string_view name_of(Proof proof);

struct Receipt {
    std::uint64_t n = 0;
    ReceiptState state = ReceiptState::none;
    std::string etag;      // of the target
    std::string version;   // of the target (copied), of the delete marker (deleted)
    std::string checksum;  // of the target where the store tells it: "CRC64NVME:base64" (rule R15)
    Proof proof = Proof::none;
    std::uint32_t requests = 0;  // sent for this action since the receipt before
    std::optional<Code> code;    // of failed
    std::string reason;  // of skipped and failed, and of done where there is something to say ("alias", "equal")
    std::string detail;  // for people: message, request id, what the target holds (rule R5)
    std::string lost;    // what the copy lacks of its source: "metadata,tags" (ops/preserve.h)
    bool untouched =
        false;  // of failed, skipped and reopened: no process may have changed anything for this action (rule R22)
    std::string extra;  // members this version does not know
    bool operator==(const Receipt&) const = default;
};

void write_receipt(std::string& out, const Receipt& receipt);
Result<Receipt> read_receipt(const JsonValue& line);

}  // namespace dray
