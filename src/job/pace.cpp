#include "job/pace.h"

#include <algorithm>

namespace dray {
namespace {

// What a worker ends in an interval; with less, its time goes into waiting for the store.
constexpr double kSlow = 3;

}  // namespace

Pace::Pace(std::uint32_t most, SteadyTime now)
    : most_(most), width_(std::min(most, kPaceFirst)), begun_(now), last_ended_(now) {}

bool Pace::ended(SteadyTime now) {
    last_ended_ = now;
    ++count_;
    const Nanos elapsed = now - begun_;
    if (width_ == most_ || elapsed < (phase_ == Phase::settled ? retry_ : kPaceInterval)) return false;
    const std::uint32_t before = width();
    const double intervals = std::chrono::duration<double>(elapsed) / std::chrono::duration<double>(kPaceInterval);
    const double rate = static_cast<double>(count_) / intervals;
    if (rate < kSlow * before) {
        width_ = phase_ == Phase::trying ? width_ : twice();
        phase_ = Phase::measuring;
    } else {
        phase_ = next(rate);
    }
    begun_ = now;
    count_ = 0;
    return width() > before;
}

// A phase is over, in which so many ended in an interval.
Pace::Phase Pace::next(double rate) {
    switch (phase_) {
        case Phase::starting:
        case Phase::settled: return Phase::measuring;
        case Phase::measuring: measured_ = rate; return Phase::trying;
        case Phase::trying: tried_ = rate; return Phase::comparing;
        case Phase::comparing: break;
    }
    if (tried_ < kPaceGain * std::max(measured_, rate)) {
        retry_ = std::min(kPaceLongestRetry, retry_ * 2);
        return Phase::settled;
    }
    retry_ = kPaceRetry;
    width_ = twice();
    return Phase::measuring;
}

}  // namespace dray
