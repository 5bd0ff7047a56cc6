// MoveRig: a store, its faults, a clock and a journal in memory, for tests of the safe move: begin a run, kill it, go
// on with it, undo it.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "job/reasons.h"
#include "job/run_dir.h"
#include "ops/safe_move.h"
#include "store/fault_store.h"
#include "store/memory_store.h"

namespace dray {

// What stores honour: (a) every condition; (b) source conditions and single conditional deletes; (c) nothing.
enum class Honours : std::uint8_t { all, some, none };

inline std::string_view name_of(Honours honours) {
    return honours == Honours::all ? "all" : honours == Honours::some ? "some" : "none";
}

struct RigOptions {
    Honours honours = Honours::all;
    bool opaque_etags = false;
    MoveSettings settings;
    MemoryStoreOptions store;  // beside the above
};

// A journal in memory: what was waited for survives a death, the rest may be lost.
class MemoryJournal final : public Recorder {
public:
    Ticket record(const Receipt& receipt) override {
        std::lock_guard lock(mutex_);
        EXPECT_TRUE(receipt.reason.empty() || is_reason(receipt.reason)) << receipt.reason;
        receipts_.push_back(receipt);
        const bool left = receipt.state == ReceiptState::failed || receipt.state == ReceiptState::skipped;
        receipts_.back().untouched = left && known(receipt.n).state == ActionState::none;
        return receipts_.size();
    }
    void touch(std::uint64_t n) override {
        std::lock_guard lock(mutex_);
        touched_.insert(n);
    }
    Status wait_durable(Ticket ticket) override {
        std::lock_guard lock(mutex_);
        if (broken_) return Error{.code = Code::local, .message = "no space left on device", .reason = "disk-full"};
        durable_ = std::max<std::size_t>(durable_, ticket);
        return {};
    }
    bool durable(Ticket ticket) const override {
        std::lock_guard lock(mutex_);
        return durable_ >= ticket;
    }
    bool may_change() const override { return !broken_; }

    void break_disk() { broken_ = true; }
    // The machine crashes: of what nobody waited for, only the first `kept` survive.
    // What survives is durable, for opening a journal again syncs it. Nobody released what the dead process had
    // claimed.
    void lose_tail(std::size_t kept = 0) {
        receipts_.resize(std::min(receipts_.size(), durable_ + kept));
        durable_ = receipts_.size();
        died_ = true;
    }
    std::size_t not_durable() const { return receipts_.size() - durable_; }
    std::vector<Receipt> all() const { return receipts_; }

    // What a later process knows of action n.
    Earlier earlier(std::uint64_t n) const {
        std::lock_guard lock(mutex_);
        Earlier found = known(n);
        for (const Receipt& receipt : receipts_)
            if (receipt.n == n && receipt.state != ReceiptState::copied)
                found.state = receipt.state != ReceiptState::reopened ? ActionState::final : known(n).state;
        return found;
    }
    // The final receipt of an action; state none when it has none. More than one is a fault.
    Receipt final(std::uint64_t n) const {
        Receipt found{.n = n};
        for (const Receipt& receipt : receipts_) {
            if (receipt.n == n && receipt.state == ReceiptState::reopened) found = {.n = n};
            if (receipt.n != n || !is_final(receipt.state)) continue;
            EXPECT_EQ(found.state, ReceiptState::none) << "two final receipts for action " << n;
            found = receipt;
        }
        return found;
    }

private:
    // Final receipts left out.
    Earlier known(std::uint64_t n) const {
        Earlier found{.state = died_ || touched_.contains(n) ? ActionState::doubtful : ActionState::none, .copied = {}};
        for (const Receipt& receipt : receipts_)
            if (receipt.n == n && receipt.state == ReceiptState::copied)
                found = {.state = ActionState::copied, .copied = receipt};
        return found;
    }

    mutable std::mutex mutex_;
    std::vector<Receipt> receipts_;
    std::size_t durable_ = 0;
    std::set<std::uint64_t> touched_;
    bool died_ = false;  // a process that may have touched any
    std::atomic<bool> broken_ = false;
};

inline Capabilities capabilities_of(Honours honours) {
    const auto if_ = [](bool has) { return has ? Guarantee::proven : Guarantee::absent; };
    const bool all = honours == Honours::all, some = honours != Honours::none;
    Capabilities c;
    c.copy_source_if_match = c.remove_if_match = if_(some);
    c.copy_if_absent = c.put_if_absent = c.remove_many_if_match = if_(all);
    c.copies_properties = c.copies_tags = c.checksums = Guarantee::proven;
    return c;
}

class MoveRig {
public:
    static constexpr const char* kBucket = "b";

    explicit MoveRig(RigOptions options = {}) : settings(options.settings) {
        MemoryStoreOptions memory = options.store;
        memory.clock = &clock;
        memory.opaque_etags = memory.opaque_etags || options.opaque_etags;
        memory.etag_changes_on_copy = memory.etag_changes_on_copy || options.opaque_etags;
        if (options.honours == Honours::none) {
            memory.ignores.copy_source_if_match = memory.ignores.remove_if_match = true;
        }
        if (options.honours != Honours::all) memory.ignores.copy_if_absent = memory.ignores.remove_many_if_match = true;
        use(make_memory_store(memory));
        capabilities = capabilities_of(options.honours);
    }

    // From here on the run's store, with no faults yet.
    void use(std::shared_ptr<ObjectStore> other) {
        store = std::move(other);
        faults = make_fault_store(store, &clock);
    }

    // --- the store, behind the faults; the clock goes on, so that no two writes have one LastModified
    ObjectInfo put(const std::string& key, const std::string& bytes, const Properties& properties = {}) {
        clock.advance(std::chrono::seconds(2));
        auto made = store->put(ctx, {kBucket, key, {}}, bytes, {.properties = properties});
        EXPECT_TRUE(made);
        clock.advance(std::chrono::seconds(2));
        return *made;
    }
    void drop(const std::string& key) { EXPECT_TRUE(store->remove(ctx, {kBucket, key, {}}, {})); }
    bool there(const std::string& key) const { return store->head(ctx, {kBucket, key, {}}).has_value(); }
    std::string bytes(const std::string& key) const {
        std::string bytes;
        auto got = store->get(ctx, {kBucket, key, {}}, {}, [&](std::string_view piece) {
            bytes += piece;
            return Status();
        });
        return got ? bytes : "(nothing)";
    }
    ObjectInfo head(const std::string& key) const {
        auto info = store->head(ctx, {kBucket, key, {}});
        return info ? *info : ObjectInfo{};
    }

    // --- plan, as a listing sees it now
    Side side(const std::string& key) const {
        const ObjectInfo info = head(key);
        return {.bucket = kBucket,
                .key = key,
                .size = info.size,
                .etag = info.etag,
                .modified = info.modified,
                .storage_class = info.properties.storage_class};
    }
    void plan(const std::string& from, const std::string& to) {
        Action action{.n = actions.size(), .what = settings.what, .from = side(from), .to = side(to)};
        action.target_existed = !action.to.etag.empty();
        actions.push_back(std::move(action));
    }
    // Each in/NAME, with its name as bytes, goes to out/NAME.
    void put_and_plan(std::initializer_list<const char*> names) {
        for (const std::string name : names) {
            put("in/" + name, name);
            plan("in/" + name, "out/" + name);
        }
    }

    // --- processes
    std::unique_ptr<SafeMove> process() {
        return make_safe_move({.stores = {faults.get()},
                               .capabilities = {capabilities},
                               .settings = settings,
                               .earlier_quiet_until = earlier_quiet_until,
                               .scope_quiet_until = scope_quiet_until,
                               .parent_quiet_until = parent_quiet_until,
                               .parent_first_answer = parent_first_answer});
    }
    // One process, from its start to its end; what an earlier one left is gone on with.
    Status run() {
        auto mover = process();
        if (!first_answer) first_answer = clock.wall();
        Status ended = pass(*mover);
        if (ended && settings.delete_after && copied_all()) {
            mover->begin_deletes();
            ended = pass(*mover);
        }
        last = mover->sent();
        if (!last->all_answered) {
            const Nanos quiet = last->copy_unanswered ? Nanos(kQuietTimeUnansweredCopy) : Nanos(kQuietTime);
            stay_quiet_until(last->last_change + quiet);
        }
        return ended;
    }
    Status pass(SafeMove& mover) {
        for (const Action& action : actions) {
            const Earlier earlier = journal->earlier(action.n);
            if (earlier.state == ActionState::final) continue;
            mover.perform(ctx, action, earlier, *journal);
        }
        return mover.finish(ctx, *journal);
    }
    bool copied_all() const {
        return std::all_of(actions.begin(), actions.end(), [&](const Action& action) {
            return journal->final(action.n).state != ReceiptState::failed;
        });
    }
    // The process is dead, perhaps the machine too: what nobody waited for may be lost.
    void after_death(std::size_t receipts_kept = 0) {
        journal->lose_tail(receipts_kept);
        faults->revive();
        stay_quiet_until(clock.wall() + kQuietTimeUnansweredCopy);
        earlier_quiet_until = quiet_until;
    }
    // Somebody asks for the run again: what failed is doubtful, or untouched.
    void try_again() {
        for (const Action& action : actions) {
            if (journal->final(action.n).state != ReceiptState::failed) continue;
            EXPECT_TRUE(journal->wait_durable(journal->record({.n = action.n, .state = ReceiptState::reopened})));
        }
        earlier_quiet_until = quiet_until;
    }
    void stay_quiet_until(WallTime until) { quiet_until = std::max(quiet_until.value_or(until), until); }

    // From here on this rig is the undo of its run. A run of which every process ended by itself and had all answered
    // has no quiet time (R3).
    void become_undo() {
        std::vector<Action> back;
        for (const Action& action : actions) {
            Earlier known = journal->earlier(action.n);
            const Receipt final = journal->final(action.n);
            const bool made = final.reason == "copied" || final.reason == "overwritten";
            if (action.what == Do::copy && made) known.copied = final;
            if (known.state == ActionState::none || final.untouched) continue;
            Action undo{.n = action.n, .what = Do::move_back, .from = action.to, .to = action.from};
            undo.target_existed = action.target_existed ||
                                  (known.copied && known.copied->reason != "" && known.copied->reason != "copied");
            undo.parent = action.what == Do::copy && made     ? ReceiptState::copied
                          : final.state != ReceiptState::none ? final.state
                          : known.copied                      ? ReceiptState::copied
                                                              : ReceiptState::none;
            undo.from.etag = known.copied ? known.copied->etag : std::string();
            undo.from.size = action.from.size;
            if (known.copied && (!undo.target_existed || known.copied->reason == "overwritten"))
                undo.from.version = known.copied->version;
            if (final.state == ReceiptState::deleted) undo.parent_marker = final.version;
            undo.parent_checksum = known.copied ? known.copied->checksum : std::string();
            back.push_back(std::move(undo));
        }
        actions = std::move(back);
        parent_first_answer = first_answer;
        parent_quiet_until = std::exchange(quiet_until, std::nullopt);
        journal = std::make_unique<MemoryJournal>();
        last.reset();
        earlier_quiet_until.reset();
    }

    Receipt final(std::uint64_t n = 0) const { return journal->final(n); }
    // Whatever is still in flight lands.
    void let_all_land() {
        clock.advance(std::chrono::hours(24));
        faults->land();
    }
    bool anywhere(const std::string& body) const {
        return std::any_of(actions.begin(), actions.end(), [&](const Action& action) {
            return bytes(action.from.key) == body || bytes(action.to.key) == body;
        });
    }
    std::size_t requests() const {
        std::size_t sent = 0;
        for (const CallRecord& call : faults->trace())
            sent += !call.landed_late;
        return sent;
    }

    SimulatedClock clock;
    Context ctx{nullptr, &clock};
    MoveSettings settings;
    Capabilities capabilities;
    std::shared_ptr<ObjectStore> store;  // shared: the fault store stands in front of it
    std::unique_ptr<FaultStore> faults;
    std::vector<Action> actions;
    std::unique_ptr<MemoryJournal> journal = std::make_unique<MemoryJournal>();
    std::optional<SentRequests> last;  // of the last process that ended by itself
    std::optional<WallTime> earlier_quiet_until, scope_quiet_until, parent_quiet_until, parent_first_answer;
    std::optional<WallTime> first_answer;  // of the run
    std::optional<WallTime> quiet_until;   // what this run sent may land until then
};

// The rig of one move: "body" goes from in/a to out/a.
struct Mv {
    explicit Mv(RigOptions options = {}) : rig(std::move(options)) {
        rig.put("in/a", "body");
        rig.plan("in/a", "out/a");
    }
    MoveRig rig;
};

}  // namespace dray
