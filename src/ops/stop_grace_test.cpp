#include "ops/stop_grace.h"

#include <gtest/gtest.h>

namespace dray {
namespace {

TEST(StopGrace, IsForWhatHasBegunAndNotForWhatLeadsUpToIt) {
    StopSource stop;
    const Context ctx(&stop);
    StopGrace grace;
    const Context changing = grace.of(ctx.within(std::chrono::hours(1)));
    EXPECT_TRUE(changing.check());
    stop.trigger();
    EXPECT_TRUE(changing.check()) << "the answer of what is under way is worth ten seconds";
    EXPECT_EQ(changing.before_effect().check().error().code, Code::cancelled);
    EXPECT_TRUE(changing.deadline());
}

TEST(StopGrace, EndsTenSecondsAfterTheStop) {
    StopSource stop;
    SimulatedClock clock;
    StopGrace grace;
    const Context changing = grace.of(Context(&stop, &clock));
    stop.trigger();
    const SteadyTime before = clock.steady();
    EXPECT_EQ(changing.wait_readable(-1).error().code, Code::cancelled);
    EXPECT_GE(clock.steady() - before, kStopGrace);
}

TEST(StopGrace, LeavesAContextThatNeverStopsAsItIs) {
    StopGrace grace;
    EXPECT_EQ(grace.of(Context()).stop(), nullptr);
}

}  // namespace
}  // namespace dray
