#include "job/pace.h"

#include <algorithm>

namespace dray {

Pace::Pace(std::uint32_t most, SteadyTime now)
    : most_(most), width_(std::min(most, kPaceFirst)), begun_(now), last_ended_(now) {}

bool Pace::ended(SteadyTime now, std::uint64_t answers) {
    last_ended_ = now;
    if (width_ == most_) return false;
    const Nanos elapsed = now - begun_;
    const std::uint64_t count = answers - answers_;
    const bool over =
        phase_ == Phase::settled ? elapsed >= retry_ : elapsed >= kPaceInterval && count >= kPaceAnswers * width();
    if (!over) return false;
    const std::uint32_t before = width();
    next(static_cast<double>(count) / std::chrono::duration<double>(elapsed).count());
    begun_ = now;
    answers_ = answers;
    return width() > before;
}

// A phase is over, in which there were so many answers a second.
void Pace::next(double rate) {
    switch (phase_) {
        case Phase::starting:  // connections were opened
        case Phase::settled: phase_ = Phase::measuring; return;
        case Phase::measuring:
            measured_ = rate;
            phase_ = Phase::trying;
            return;
        case Phase::trying: {
            const bool waits = rate * std::chrono::duration<double>(kPaceWaits).count() < width();
            tried_ = rate;
            if (!waits)
                phase_ = Phase::comparing;
            else if (rate >= kPaceGainOfWaiting * measured_)
                keep_more(rate);
            else
                settle();
            return;
        }
        case Phase::comparing:
            if (tried_ >= kPaceGain * std::max(measured_, rate)) {
                width_ = twice();
                retry_ = kPaceRetry;
                phase_ = Phase::measuring;
            } else {
                settle();
            }
            return;
    }
}

// Many workers are needed soon where each of them waits long: what was tried is the measure of the next trial.
void Pace::keep_more(double rate) {
    width_ = twice();
    retry_ = kPaceRetry;
    measured_ = rate;  // phase_ stays: trying
}

void Pace::settle() {
    retry_ = std::min(kPaceLongestRetry, retry_ * 2);
    phase_ = Phase::settled;
}

}  // namespace dray
