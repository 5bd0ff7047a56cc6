// FaultStore: any store with scripted faults in front of it, for tests: answers that get lost, requests that land late,
// repeats hidden by the transport, processes that die between two calls, other writers at the worst moment.
// docs: spec rows name their faults by the actions below.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "store/object_store.h"
#include "store/verb.h"

namespace dray {

enum class FaultAction : std::uint8_t {
    none,          // only the callbacks
    fail,          // `error` is the answer; nothing took effect
    lose_answer,   // it takes effect; the answer is lost (unavailable, unsure)
    defer,         // the answer is lost now; the request takes effect at land() or `delay` later on the clock
    repeat,        // it takes effect twice in a row; the answer is the second's
    repeat_later,  // it takes effect and answers; the same request takes effect once more as with defer
    die,           // the process is dead before this call: it and all later ones reach nothing (cancelled, fatal)
    die_after,     // the same, after the effect: nobody hears the answer
};

struct FaultRule {
    std::optional<Verb> verb;               // nullopt: every verb
    std::string key;                        // a part of a key of the call; empty: every key
    std::function<bool(const Call&)> when;  // empty: always
    std::uint32_t skip = 0;                 // matching calls let through first
    std::uint32_t count = 1;                // matching calls it then acts on
    FaultAction action = FaultAction::none;
    Error error = {.code = Code::unavailable, .message = "scripted fault"};
    Nanos delay{0};  // of defer and repeat_later; 0: only by land()
    std::function<void(const Call&)>
        before;  // run just before the effect: a foreign writer, a crash, a clock that moves
    std::function<void(const Call&)> after;  // just after it
};

struct CallRecord {
    Verb verb = Verb::list;
    std::string bucket, key, from_key;
    std::vector<std::string> keys;  // of remove_many
    std::optional<Code> error;      // what the caller was told; nullopt: success
    bool unsure = false;
    bool landed_late = false;  // a deferred effect, recorded when it landed
};

// Thread-safe; callbacks run without a lock held, on the thread of the call, and must not throw. A deferred request
// keeps copies of all that it needs.
class FaultStore : public ObjectStore {
public:
    virtual void add(FaultRule rule) = 0;  // the first rule that matches acts
    virtual void clear_rules() = 0;
    // Deferred requests take effect now, in the order they were sent; their answers go nowhere. Returns how many.
    virtual std::size_t land() = 0;
    virtual std::size_t in_flight() const = 0;
    virtual void die() = 0;
    virtual bool dead() const = 0;
    // The network goes on after a death: a new process on the same store, with what was in flight still to land.
    virtual void revive() = 0;
    virtual std::vector<CallRecord> trace() const = 0;
    virtual void clear_trace() = 0;
    virtual std::size_t calls(Verb verb) const = 0;
};

// `clock` (borrowed; null: the machine's) tells when deferred requests land: those due land before the next call.
std::unique_ptr<FaultStore> make_fault_store(std::shared_ptr<ObjectStore> store, Clock* clock = nullptr);

}  // namespace dray
