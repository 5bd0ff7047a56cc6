// Clock: the time and the wait for it, behind one interface, so that quiet times and back-off are tested in no time.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include "base/result.h"

namespace dray {

class StopSource;

using Nanos = std::chrono::nanoseconds;
using SteadyTime =
    std::chrono::time_point<std::chrono::steady_clock, Nanos>;               // suspended time counts; differences only
using WallTime = std::chrono::time_point<std::chrono::system_clock, Nanos>;  // UTC; may jump

// Thread-safe.
class Clock {
public:
    virtual ~Clock() = default;
    virtual SteadyTime steady() = 0;
    virtual WallTime wall() = 0;
    // Waits until `until`, or returns Code::cancelled at once when `stop` (may be null) is triggered.
    virtual Status wait_until(SteadyTime until, const StopSource* stop) = 0;
};

// The machine's clocks.
Clock& real_clock();

// A clock that stands still until it is told to move, or until somebody waits: then it jumps to the end of the wait.
class SimulatedClock : public Clock {
public:
    explicit SimulatedClock(WallTime start = WallTime(std::chrono::seconds(1'700'000'000)));
    SteadyTime steady() override;
    WallTime wall() override;
    Status wait_until(SteadyTime until, const StopSource* stop) override;
    void advance(Nanos by);

private:
    struct State;
    // shared: worker threads may still read the clock while a test's owner of it winds down.
    std::shared_ptr<State> state_;
};

}  // namespace dray
