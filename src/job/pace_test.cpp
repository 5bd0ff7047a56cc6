#include "job/pace.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace dray {
namespace {

// A store that needs `latency` for a piece of work and gets `capacity` of them done in a second at most.
struct PacedStore {
    double latency;
    double capacity;
    double rate(std::uint32_t width) const { return std::min(capacity, width / latency); }
};

class PaceOfARun : public testing::Test {
protected:
    void work(Pace& pace, const PacedStore& store, double seconds) {
        const SteadyTime end = now_ + std::chrono::duration_cast<Nanos>(std::chrono::duration<double>(seconds));
        while (now_ < end) {
            now_ += Nanos(static_cast<std::int64_t>(1e9 / store.rate(pace.width())));
            pace.ended(now_, ++answers_);
            widest_ = std::max(widest_, pace.width());
        }
    }

    SteadyTime now_{std::chrono::hours(1)};
    std::uint64_t answers_ = 0;
    std::uint32_t widest_ = 0;
};

TEST_F(PaceOfARun, AFarStoreSoonGetsAllWorkers) {
    Pace pace(256, now_);
    EXPECT_EQ(pace.width(), kPaceFirst);
    work(pace, {.latency = 0.1, .capacity = 1e6}, 1.5);
    EXPECT_EQ(pace.width(), 256u);
}

TEST_F(PaceOfARun, AQuickStoreGetsMoreForAsLongAsItGetsMoreDone) {
    Pace pace(256, now_);
    work(pace, {.latency = 0.01, .capacity = 10'000}, 5);
    EXPECT_EQ(pace.width(), 128u);  // 100 would do
}

TEST_F(PaceOfARun, AStoreThatIsBusyWithFewGetsNoMoreButForATrialNowAndThen) {
    Pace pace(256, now_);
    work(pace, {.latency = 0.001, .capacity = 3000}, 600);
    EXPECT_LE(widest_, 2 * kPaceFirst);
    EXPECT_LE(pace.width(), 2 * kPaceFirst);
}

// Each answer takes long there because others are before it in the queue: more workers would only make it longer.
TEST_F(PaceOfARun, AStoreThatIsSlowBecauseItIsBusyGetsNoMoreEither) {
    Pace pace(256, now_);
    work(pace, {.latency = 0.06, .capacity = 200}, 600);
    EXPECT_LE(widest_, 2 * kPaceFirst);
}

// A thousand moves whose looks are taken at once: the one piece of work that they are part of ends late.
TEST_F(PaceOfARun, CountsAnswersAndNotWork) {
    Pace pace(256, now_);
    for (int burst = 0; burst < 100; ++burst) {
        work(pace, {.latency = 0.005, .capacity = 3000}, 1);
        now_ += Nanos(std::chrono::milliseconds(300));
        answers_ += 900;
        pace.ended(now_, answers_);
    }
    EXPECT_LE(widest_, 2 * kPaceFirst);
}

TEST_F(PaceOfARun, AStoreThatBecomesQuickerLaterGetsMoreThen) {
    Pace pace(256, now_);
    work(pace, {.latency = 0.001, .capacity = 3000}, 10);
    EXPECT_EQ(pace.width(), kPaceFirst);
    work(pace, {.latency = 0.01, .capacity = 1e6}, 120);
    EXPECT_EQ(pace.width(), 256u);
}

TEST_F(PaceOfARun, NeverGivesMoreThanThereAre) {
    Pace one(1, now_), odd(100, now_);
    work(one, {.latency = 1, .capacity = 1e6}, 30);
    EXPECT_EQ(one.width(), 1u);
    work(odd, {.latency = 1, .capacity = 1e6}, 30);
    EXPECT_EQ(odd.width(), 100u);
}

TEST_F(PaceOfARun, IsSilentWhenNothingHasEndedForASecond) {
    Pace pace(256, now_);
    EXPECT_FALSE(pace.silent(now_ + kPaceSilence / 2));
    EXPECT_TRUE(pace.silent(now_ + kPaceSilence));
    pace.ended(now_ + kPaceSilence, 1);
    EXPECT_FALSE(pace.silent(now_ + kPaceSilence));
}

}  // namespace
}  // namespace dray
