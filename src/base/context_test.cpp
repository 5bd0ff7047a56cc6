#include "base/context.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string_view>
#include <thread>

#include "base/file.h"

namespace dray {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

bool shifts_boot_time() {
    const int file = ::open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
    constexpr std::string_view kOffset = "boottime 1000 0";
    const bool done = file >= 0 && ::write(file, kOffset.data(), kOffset.size()) > 0;
    if (file >= 0) ::close(file);
    return done;
}

SteadyTime boot_time() {
    timespec now{};
    ::clock_gettime(CLOCK_BOOTTIME, &now);
    return SteadyTime(seconds(now.tv_sec) + Nanos(now.tv_nsec));
}

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

// In a time namespace whose clock has been suspended for 1,000 s more than it ran; where the kernel grants none, on
// this machine's own clocks.
TEST(Clock, CountsTheTimeThatTheMachineWasSuspended) {
    const pid_t outer = ::fork();
    if (outer == 0) {
        const bool granted = ::unshare(CLONE_NEWUSER | CLONE_NEWTIME) == 0 && shifts_boot_time();
        const pid_t inner = granted ? ::fork() : 0;  // the namespace is for children
        if (inner != 0) {
            int ended = 0;
            ::waitpid(inner, &ended, 0);
            ::_exit(WIFEXITED(ended) ? WEXITSTATUS(ended) : 1);
        }
        ::_exit(std::chrono::abs(real_clock().steady() - boot_time()) < seconds(5) ? 0 : 1);
    }
    int ended = 0;
    ASSERT_EQ(::waitpid(outer, &ended, 0), outer);
    EXPECT_TRUE(WIFEXITED(ended) && WEXITSTATUS(ended) == 0);
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

TEST(Context, AStopThatFollowsAnotherIsTriggeredByEither) {
    const auto readable = [](const StopSource& stop) {
        pollfd watched = {.fd = stop.fd(), .events = POLLIN, .revents = 0};
        return ::poll(&watched, 1, 0) == 1;
    };
    StopSource outer, quiet;
    StopSource inner(&outer), own(&quiet);
    EXPECT_FALSE(readable(inner));
    EXPECT_TRUE(Context(&inner).check());

    outer.trigger();
    EXPECT_TRUE(readable(inner));
    EXPECT_EQ(Context(&inner).sleep(hours(1)).error().code, Code::cancelled);

    own.trigger();
    EXPECT_TRUE(readable(own));
    EXPECT_FALSE(quiet.triggered());
    EXPECT_FALSE(readable(quiet));
}

TEST(Context, WhatHasBegunMayFinishAfterAStopAndWhatHasNotEndsWithIt) {
    StopSource stop, over;
    const Context ctx = Context(&stop).finishing(over).within(hours(1));
    stop.trigger();
    EXPECT_TRUE(ctx.check());
    EXPECT_EQ(ctx.before_effect().sleep(hours(1)).error().code, Code::cancelled);
    EXPECT_EQ(ctx.before_effect().deadline(), ctx.deadline());
    EXPECT_TRUE(ctx.unstoppable().before_effect().check());
    over.trigger();
    EXPECT_EQ(ctx.check().error().code, Code::cancelled);
    EXPECT_EQ(Context(&stop).before_effect().stop(), &stop) << "any other context is as it was";
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
