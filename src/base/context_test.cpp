#include "base/context.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>

#include <csignal>
#include <thread>

#include "base/file.h"

namespace dray {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Context, IsUnlimitedByDefault) {
    EXPECT_TRUE(Context().check());
    EXPECT_FALSE(Context().deadline());
    EXPECT_TRUE(Context().sleep(Nanos(1)));
}

TEST(Context, SleepsOnTheSimulatedClockInNoTime) {
    SimulatedClock clock;
    const Context ctx(nullptr, &clock);
    const SteadyTime before = clock.steady();
    const WallTime wall_before = clock.wall();
    EXPECT_TRUE(ctx.sleep(hours(5)));
    EXPECT_EQ(clock.steady() - before, hours(5));
    EXPECT_EQ(clock.wall() - wall_before, hours(5));
}

TEST(Context, KeepsTheEarlierOfTwoDeadlines) {
    SimulatedClock clock;
    const Context ctx = Context(nullptr, &clock).within(seconds(1)).within(hours(1));
    EXPECT_EQ(*ctx.deadline(), clock.steady() + seconds(1));
    clock.advance(milliseconds(999));
    EXPECT_TRUE(ctx.check());
    clock.advance(milliseconds(1));
    EXPECT_EQ(ctx.check().error().code, Code::exhausted);
}

TEST(Context, EndsASleepAtTheDeadline) {
    SimulatedClock clock;
    const Context ctx = Context(nullptr, &clock).within(seconds(3));
    const SteadyTime before = clock.steady();
    EXPECT_EQ(ctx.sleep(seconds(10)).error().code, Code::exhausted);
    EXPECT_EQ(clock.steady() - before, seconds(3));
}

TEST(Context, AnEndlessTimeoutDoesNotOverflow) {
    EXPECT_TRUE(Context().within(Nanos::max()).check());
    EXPECT_TRUE(Context().within(Nanos::max()).within(Nanos::max()).check());
}

TEST(Context, AStopWakesASleepOnTheRealClock) {
    StopSource stop;
    std::thread trigger([&] { stop.trigger(); });
    EXPECT_EQ(Context(&stop).sleep(hours(1)).error().code, Code::cancelled);
    trigger.join();
}

TEST(Context, AStopIsSeenOnTheSimulatedClock) {
    StopSource stop;
    SimulatedClock clock;
    const SteadyTime before = clock.steady();
    stop.trigger();
    EXPECT_EQ(Context(&stop, &clock).sleep(hours(1)).error().code, Code::cancelled);
    EXPECT_EQ(clock.steady(), before) << "a stopped wait takes no time";
}

TEST(Context, UnstoppableIgnoresTheStopButKeepsTheDeadline) {
    StopSource stop;
    stop.trigger();
    SimulatedClock clock;
    const Context ctx = Context(&stop, &clock).within(seconds(1)).unstoppable();
    EXPECT_TRUE(ctx.check());
    EXPECT_EQ(ctx.sleep(seconds(2)).error().code, Code::exhausted);
}

TEST(Context, WaitsForADescriptorAStopOrTheDeadline) {
    const Fd event(::eventfd(0, EFD_CLOEXEC));
    EXPECT_EQ(Context().within(milliseconds(1)).wait_readable(event.get()).error().code, Code::exhausted);

    StopSource stop;
    std::thread trigger([&] { stop.trigger(); });
    EXPECT_EQ(Context(&stop).wait_readable(event.get()).error().code, Code::cancelled);
    trigger.join();

    ASSERT_EQ(::eventfd_write(event.get(), 1), 0);
    EXPECT_TRUE(Context().within(hours(1)).wait_readable(event.get()));
}

TEST(StopSource, StaysTriggeredAndReadable) {
    StopSource stop;
    EXPECT_FALSE(stop.triggered());
    stop.trigger();
    stop.trigger();
    EXPECT_TRUE(stop.triggered());
    pollfd watched = {.fd = stop.fd(), .events = POLLIN, .revents = 0};
    EXPECT_EQ(::poll(&watched, 1, 0), 1);
}

StopSource* g_signalled = nullptr;

TEST(StopSource, CanBeTriggeredInASignalHandler) {
    StopSource stop;
    g_signalled = &stop;
    const auto old = std::signal(SIGUSR1, [](int) { g_signalled->trigger(); });
    errno = 77;
    std::raise(SIGUSR1);
    const int errno_after = errno;
    std::signal(SIGUSR1, old);
    EXPECT_TRUE(stop.triggered());
    EXPECT_EQ(errno_after, 77);
}

TEST(SimulatedClock, MovesOnlyForward) {
    SimulatedClock clock;
    const SteadyTime before = clock.steady();
    EXPECT_TRUE(clock.wait_until(before - hours(1), nullptr));
    EXPECT_EQ(clock.steady(), before);
}

TEST(SimulatedClock, IsSharedByThreads) {
    SimulatedClock clock;
    const SteadyTime before = clock.steady();
    std::thread one([&] {
        for (int i = 0; i < 1000; ++i)
            clock.advance(Nanos(1));
    });
    for (int i = 0; i < 1000; ++i)
        clock.advance(Nanos(1));
    one.join();
    EXPECT_EQ(clock.steady() - before, Nanos(2000));
}

TEST(RealClock, DoesNotWaitForThePast) {
    EXPECT_TRUE(real_clock().wait_until(SteadyTime(Nanos(1)), nullptr));
    EXPECT_GT(real_clock().wall(), WallTime(seconds(1'700'000'000)));
}

}  // namespace
}  // namespace dray
