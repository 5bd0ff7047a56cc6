// The governor of one endpoint: how many requests are in flight, how many repeats it may be asked for, and whether it
// is asked at all. Workers share one. It never fails work for being slow: it makes it wait.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <random>

#include "base/context.h"
#include "base/result.h"

namespace dray {

struct GovernorOptions {
    std::uint32_t concurrency = 256;       // in flight at most; where it starts
    std::uint32_t successes_to_grow = 16;  // one more in flight after so many
    std::uint32_t tokens = 500;            // repeats: a quota that successes refill
    Nanos breaker_window = std::chrono::seconds(10);
    std::uint32_t breaker_answers = 20;                  // fewer in the window say nothing
    Nanos first_probe = std::chrono::milliseconds(500);  // after opening; doubles up to last_probe
    Nanos last_probe = std::chrono::seconds(5);
    Nanos open_limit = std::chrono::minutes(15);  // then the endpoint is given up
};

struct GovernorState {
    std::uint32_t concurrency = 0, in_flight = 0, tokens = 0;
    bool open = false;                                     // the breaker: only single probes go out
    std::uint64_t successes = 0, transient = 0, slow = 0;  // answers so far
};

class Governor {
public:
    enum class Answer : std::uint8_t { success, transient, slow, neutral };  // neutral: it was not the store
    struct Permit {
        bool probe = false;
        std::uint32_t spent = 0;  // tokens
        SteadyTime since{};
        Nanos parked{0};  // how long it was waited for
    };

    explicit Governor(GovernorOptions options)
        : options_(options), concurrency_(options.concurrency), tokens_(options.tokens) {}

    // Waits until a request may go out; `cost` is the price in tokens of a repeat, 0 for a first attempt. Every permit
    // is settled once. A request that may be sent for a moment more (ctx's send_until) is not held back by the number
    // in flight: it follows on one that was. Errors: cancelled, exhausted (ctx), unavailable and fatal (open longer
    // than open_limit).
    Result<Permit> admit(const Context& ctx, std::uint32_t cost);
    void settle(const Context& ctx, const Permit& permit, Answer answer);
    // Fewer at once, as after a SLOW answer.
    void halve(const Context& ctx, const Permit& permit);

    // A random share of `most`, so that workers do not come back together.
    Nanos jitter(Nanos most);
    GovernorState state() const;

private:
    enum class Verdict : std::uint8_t { go, probe, wait, give_up };
    Verdict ask(SteadyTime now, std::uint32_t cost, bool urgent);
    void note_answer(SteadyTime now, bool failed);
    void open_breaker(SteadyTime now);

    const GovernorOptions options_;
    mutable std::mutex mutex_;
    std::uint32_t concurrency_, in_flight_ = 0, tokens_;
    std::uint32_t growth_ = 0;  // successes since the last growth
    SteadyTime halved_{};
    struct Seen {
        SteadyTime at;
        bool failed;
    };
    std::deque<Seen> window_;
    std::size_t failed_ = 0;  // in the window
    bool open_ = false, probing_ = false;
    SteadyTime opened_{}, next_probe_{};
    Nanos probe_wait_{0};
    std::uint64_t successes_ = 0, transient_ = 0, slow_ = 0;
    std::mt19937_64 random_{std::random_device{}()};
};

}  // namespace dray
