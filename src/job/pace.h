// Pace: how many workers of a crew are worth their while. A near server is busy with a few; more of them only switch
// threads, queue there and heat caches. A far one, or one with big objects, needs them all. So a run begins with few,
// tries twice as many, and keeps them if they clearly get more answers than the few did.
//
// It counts answers of the store, whatever was asked: pieces of work end in bursts (a thousand moves wait for their
// looks together), answers do not.
#pragma once

#include <cstdint>

#include "base/clock.h"

namespace dray {

inline constexpr std::uint32_t kPaceFirst = 16;
// One rate is measured over so long at least, and until there were so many answers for each worker.
inline constexpr Nanos kPaceInterval = std::chrono::milliseconds(150);
inline constexpr std::uint64_t kPaceAnswers = 2;
// What twice as many must bring to stay. Where a worker mostly waits, one more costs little.
inline constexpr double kPaceGain = 1.3;
inline constexpr double kPaceGainOfWaiting = 1.15;
inline constexpr Nanos kPaceWaits = std::chrono::milliseconds(50);  // an answer takes longer: it mostly waits
inline constexpr Nanos kPaceRetry = std::chrono::seconds(2);        // after they did not; twice as long each time
inline constexpr Nanos kPaceLongestRetry = std::chrono::minutes(1);
// When there was no answer for so long, all work is slow, and nothing speaks against more of it.
inline constexpr Nanos kPaceSilence = std::chrono::seconds(1);

// Not thread-safe.
class Pace {
public:
    Pace(std::uint32_t most, SteadyTime now);

    // How many may work at once: 1 to `most`.
    std::uint32_t width() const { return phase_ == Phase::trying ? twice() : width_; }
    bool silent(SteadyTime now) const { return now - last_ended_ >= kPaceSilence; }
    // A piece of work has ended, and so many requests were answered since the run began. True: width() has grown.
    bool ended(SteadyTime now, std::uint64_t answers);

private:
    enum class Phase : std::uint8_t { starting, measuring, trying, comparing, settled };
    std::uint32_t twice() const { return width_ > most_ / 2 ? most_ : width_ * 2; }
    void next(double rate);
    void keep_more(double rate);
    void settle();

    const std::uint32_t most_;
    std::uint32_t width_;
    Phase phase_ = Phase::starting;
    SteadyTime begun_;  // of the phase
    SteadyTime last_ended_;
    std::uint64_t answers_ = 0;        // when the phase began
    double measured_ = 0, tried_ = 0;  // answers in a second with width_, and with twice as many
    Nanos retry_ = kPaceRetry;
};

}  // namespace dray
