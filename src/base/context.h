// Context: how long a call may take. Passed first to every call that can block.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "base/result.h"

namespace dray {

// Asks every wait that heeds it to end, once and for good. Thread-safe; trigger() is async-signal-safe.
class StopSource {
public:
    StopSource();
    // Triggered with `followed` as well, which it cannot trigger; borrowed, must outlive this.
    explicit StopSource(const StopSource* followed);
    ~StopSource();
    StopSource(const StopSource&) = delete;
    StopSource& operator=(const StopSource&) = delete;

    void trigger() noexcept;
    bool triggered() const noexcept {
        return triggered_.load(std::memory_order_acquire) || (followed_ && followed_->triggered());
    }
    // Becomes readable at trigger() and stays so: poll it beside a socket. Owned by this object.
    int fd() const noexcept { return watched_ >= 0 ? watched_ : fd_; }

private:
    std::atomic<bool> triggered_ = false;
    const StopSource* const followed_ = nullptr;
    int fd_ = -1;
    int watched_ = -1;  // readable when fd_ is, or that of the one followed
};

// A small value: copy it. What it points to is borrowed and must outlive the calls it is passed to.
class Context {
public:
    Context() = default;  // never stops, has no deadline, runs on the machine's clock
    explicit Context(const StopSource* stop, Clock* clock = nullptr) : stop_(stop), clock_(clock) {}

    // The same context that also ends `timeout` from now; the earlier deadline holds.
    Context within(Nanos timeout) const;
    // The same context without the stop: for what must be finished although we were asked to stop.
    Context unstoppable() const;
    // The same context for a request that changes something: what has begun ends when `over` says so, which follows the
    // stop. What only leads up to it ends with the stop itself: see before_effect(). `over` is borrowed.
    Context finishing(const StopSource& over) const;
    // The same context for requests that change nothing and of which one may be enough: it ends with `stop`, which
    // follows the stop of this one. Borrowed.
    Context ending_with(const StopSource& stop) const;
    // For a wait after which nothing has been changed yet (a lock, a turn, a pause before the next attempt): the same
    // context that stops at once where this one is finishing().
    Context before_effect() const;

    // The same context for a change that rests on what was seen before: what is not sent by `until` is not sent at all
    // (Code::throttled, and nothing happened), so that the caller looks again. `slow`: how often the store has asked
    // for patience with this change already.
    Context sending_until(SteadyTime until, std::uint32_t slow = 0) const;

    Clock& clock() const { return clock_ ? *clock_ : real_clock(); }
    const StopSource* stop() const { return stop_; }
    bool stopped() const { return stop_ && stop_->triggered(); }
    std::optional<SteadyTime> deadline() const { return deadline_; }
    std::optional<SteadyTime> send_until() const { return send_until_; }
    std::uint32_t slow_answers() const { return slow_answers_; }
    bool too_late_to_send() const { return send_until_ && clock().steady() > *send_until_; }

    // Error: cancelled (asked to stop) or exhausted (past the deadline).
    Status check() const;
    // Waits. Error: as check(), at once when it happens; a wait that would pass the deadline ends there with exhausted.
    Status sleep(Nanos duration) const;
    // Waits until `fd` is readable, closed or broken. Error: as check(), at once when it happens; local. It is the
    // kernel that waits: on a simulated clock the time left is taken as real time.
    Status wait_readable(int fd) const;

private:
    const StopSource* stop_ = nullptr;
    const StopSource* first_stop_ = nullptr;  // of a context that is finishing(): the stop that `stop_` follows
    Clock* clock_ = nullptr;
    std::optional<SteadyTime> deadline_, send_until_;
    std::uint32_t slow_answers_ = 0;
};

}  // namespace dray
