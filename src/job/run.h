// run_plan(): carries a plan out with a crew of workers, claim by claim, so that it can be killed at any moment and
// resumed.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/context.h"
#include "base/crew.h"
#include "job/journal.h"
#include "job/plan.h"

namespace dray {

// The balance of a run: listed = done + skipped + failed + left, by reason. Thread-safe.
class Balance {
public:
    void count(const Receipt& receipt);  // final receipts count, what is reopened is taken back; others do nothing
    struct Totals {
        std::uint64_t listed = 0, done = 0, skipped = 0, failed = 0, left = 0;
        std::map<std::string, std::uint64_t> skipped_by, failed_by, done_by;  // done_by: "moved", "equal", ...
        std::map<std::string, std::uint64_t> lost;  // objects whose copy lacks a property, by property (Receipt::lost)
        bool adds_up() const { return listed == done + skipped + failed + left; }
    };
    // With the verdicts of the plan. `left` is what has no final receipt.
    Totals totals(const PlanTotals& plan) const;

private:
    mutable std::mutex mutex_;
    std::uint64_t done_ = 0, skipped_ = 0, failed_ = 0;
    std::map<std::string, std::uint64_t> done_by_, skipped_by_, failed_by_, lost_;
};

// What a performer knows of an action from earlier processes.
struct Earlier {
    ActionState state = ActionState::none;
    // The `copied` receipt, where there is one, and whether this process wrote it.
    std::optional<Receipt> copied;
};

// Where a performer puts receipts. Thread-safe.
class Recorder {
public:
    virtual ~Recorder() = default;
    virtual Ticket record(const Receipt& receipt) = 0;
    virtual Status wait_durable(Ticket ticket) = 0;
    virtual bool durable(Ticket ticket) const = 0;  // wait_durable() would return at once
    virtual bool may_change() const = 0;            // false: the journal failed; send nothing that changes anything
    // R22: a request of action n may have changed something. To be told before a receipt of it, or the return from
    // perform(): what nobody says this of counts as untouched once it has failed, or the process has ended by itself.
    virtual void touch(std::uint64_t n) = 0;
};

// What an operation does with an action. perform() is called from many workers at once, once for each action that is
// not final; it blocks for the requests of that action. It need not have a final receipt when it returns (a delete may
// wait in a batch), but after finish() every action performed has one, unless ctx stopped or something failed.
class Performer {
public:
    virtual ~Performer() = default;
    virtual void perform(const Context& ctx, const Action& action, const Earlier& earlier, Recorder& recorder) = 0;
    // Called by each worker when there is no further action for it: what waits in batches may be got ready in parallel.
    // `last`: no perform() is under way any more, and none will be.
    virtual void last_call(const Context&, Recorder&, bool /*last*/) {}
    // Requests answered so far, by which it is told whether more workers get more done. Called often.
    virtual std::uint64_t answers() const = 0;
    virtual Status finish(const Context& ctx, Recorder& recorder) = 0;
    // An error that ends the run, if one came up (wrong key, breaker, TLS): no further action is begun.
    virtual std::optional<Error> fatal() const = 0;
};

// What a person watches while it runs. Written by the engine, read by anybody.
struct RunProgress {
    std::atomic<std::uint64_t> effects{0};                      // to be done in all
    std::atomic<std::uint64_t> done{0}, failed{0}, skipped{0};  // final receipts, those of earlier processes too
    std::atomic<std::uint64_t> bytes_done{0};                   // of the objects that were performed by this process
    std::atomic<std::uint64_t> in_flight{0};
};

struct RunSetup {
    PlanReader* plan = nullptr;
    JournalWriter* journal = nullptr;
    // State at the start, from read_journal(); updated as receipts come. What is claimed stays `none` until touched.
    ActionStates* states = nullptr;
    // When there were earlier processes, the journal's path: their final receipts are counted into `balance`, and
    // their `copied` receipts handed to the performer. Empty: there were none.
    std::string earlier_journal;
    std::string scratch;  // directory for the join of those
    Performer* performer = nullptr;
    Crew* crew = nullptr;
    Balance* balance = nullptr;
    RunProgress* progress = nullptr;
    std::uint64_t limit = UINT64_MAX;  // effects to begin at most
};

// Hands every action that is neither a verdict nor final to the performer, in order of n as far as several workers
// allow. Before that a claim that covers it is durable: of at most kActionsPerClaim consecutive numbers, and at most
// two claims are open, the one being worked on and the next, so that no worker waits at a border. Memory: two such
// slices. Returns when every action was performed, or ctx stopped, or something ended the run; performer.finish() was
// called then in any case. A stop is not an error here: look at the balance. Errors, the first that applies: local
// (journal), local or corrupt (plan, earlier journal), the performer's fatal one, what finish() returns.
Status run_plan(const Context& ctx, const RunSetup& setup);

// R22, for a process that ends by itself, when nothing is sent any more: the journal says of what was claimed and not
// touched that it is as if it had never been claimed. In as few lines as can be: what lies in between has receipts, and
// a release says nothing of that.
void release_untouched(const ActionStates& states, JournalWriter& journal);

}  // namespace dray
