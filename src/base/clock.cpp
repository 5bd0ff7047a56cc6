#include "base/clock.h"

#include <poll.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <mutex>

#include "base/context.h"

namespace dray {
namespace {

Error sleep_cancelled() {
    return Error{.code = Code::cancelled, .message = "stopped on request"};
}

class RealClock : public Clock {
public:
    // CLOCK_MONOTONIC, the clock of std::chrono::steady_clock, stands still while the machine is suspended
    // (clock_gettime(2)): what was seen before would look fresh after a night with the lid closed.
    SteadyTime steady() override {
        timespec now{};
        CHECK(::clock_gettime(CLOCK_BOOTTIME, &now) == 0);
        return SteadyTime(std::chrono::seconds(now.tv_sec) + Nanos(now.tv_nsec));
    }
    WallTime wall() override { return std::chrono::system_clock::now(); }

    Status wait_until(SteadyTime until, const StopSource* stop) override {
        pollfd watched = {.fd = stop ? stop->fd() : -1, .events = POLLIN, .revents = 0};
        while (true) {
            if (stop && stop->triggered()) return sleep_cancelled();
            const Nanos left = until - steady();
            if (left <= Nanos(0)) return {};
            const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
            const timespec timeout = {.tv_sec = seconds.count(), .tv_nsec = (left - seconds).count()};
            // A stop makes the descriptor readable, so poll returns at once; the loop then sees the flag. An
            // interrupted or early poll just goes round again.
            const int ready = ::ppoll(&watched, 1, &timeout, nullptr);
            CHECK(ready >= 0 || errno == EINTR || errno == ENOMEM);
        }
    }
};

}  // namespace

Clock& real_clock() {
    // Never destroyed: threads may read the time while the program ends.
    static RealClock* const clock = new RealClock;
    return *clock;
}

struct SimulatedClock::State {
    std::mutex mutex;
    WallTime start;
    Nanos passed{0};
};

SimulatedClock::SimulatedClock(WallTime start) : state_(std::make_shared<State>()) {
    state_->start = start;
}

SteadyTime SimulatedClock::steady() {
    const std::lock_guard lock(state_->mutex);
    // Not zero at the start, so that "an hour ago" is still a time after the epoch, as on a machine that is up.
    return SteadyTime(std::chrono::hours(24)) + state_->passed;
}

WallTime SimulatedClock::wall() {
    const std::lock_guard lock(state_->mutex);
    return state_->start + state_->passed;
}

Status SimulatedClock::wait_until(SteadyTime until, const StopSource* stop) {
    if (stop && stop->triggered()) return sleep_cancelled();
    const std::lock_guard lock(state_->mutex);
    state_->passed = std::max(state_->passed, until - SteadyTime(std::chrono::hours(24)));
    return {};
}

void SimulatedClock::advance(Nanos by) {
    const std::lock_guard lock(state_->mutex);
    state_->passed += by;
}

}  // namespace dray
