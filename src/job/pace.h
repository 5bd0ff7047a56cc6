// Pace: how many workers of a crew are worth their while. A near server is busy with a few; more of them only switch
// threads, queue there and heat caches. A far one, or one with big objects, needs them all. So a run begins with few.
// While each of them ends little, more begin at once; otherwise twice as many are tried, and stay if they get clearly
// more done than the few did before and after the trial.
#pragma once

#include <cstdint>

#include "base/clock.h"

namespace dray {

inline constexpr std::uint32_t kPaceFirst = 16;
inline constexpr Nanos kPaceInterval = std::chrono::milliseconds(150);  // that one rate is measured over
inline constexpr double kPaceGain = 1.3;                                // what twice as many must bring to stay
inline constexpr Nanos kPaceRetry = std::chrono::seconds(2);            // after they did not; twice as long each time
inline constexpr Nanos kPaceLongestRetry = std::chrono::minutes(1);
// When nothing has ended for so long, all work is slow, and nothing speaks against more of it.
inline constexpr Nanos kPaceSilence = std::chrono::seconds(1);

// Not thread-safe.
class Pace {
public:
    Pace(std::uint32_t most, SteadyTime now);

    // How many may work at once: 1 to `most`.
    std::uint32_t width() const { return phase_ == Phase::trying ? twice() : width_; }
    bool silent(SteadyTime now) const { return now - last_ended_ >= kPaceSilence; }
    // A piece of work has ended. True: width() has grown.
    bool ended(SteadyTime now);

private:
    enum class Phase : std::uint8_t { starting, measuring, trying, comparing, settled };
    std::uint32_t twice() const { return width_ > most_ / 2 ? most_ : width_ * 2; }
    Phase next(double rate);

    const std::uint32_t most_;
    std::uint32_t width_;
    Phase phase_ = Phase::starting;
    SteadyTime begun_;  // of the phase
    SteadyTime last_ended_;
    std::uint64_t count_ = 0;          // ended in this phase
    double measured_ = 0, tried_ = 0;  // ended in a second with width_, and with twice as many
    Nanos retry_ = kPaceRetry;
};

}  // namespace dray
