#include "base/budget.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace dray {
namespace {

using std::chrono::milliseconds;

// A context whose waits end at once: take() either succeeds or would have waited.
Context impatient() {
    return Context().within(milliseconds(1));
}

TEST(Budget, CountsWhatIsTakenAndGivenBack) {
    Budget budget(100);
    {
        auto lease = budget.take({}, 60);
        ASSERT_TRUE(lease);
        EXPECT_EQ(lease->bytes(), 60U);
        EXPECT_EQ(budget.in_use(), 60U);
    }
    EXPECT_EQ(budget.in_use(), 0U);
}

TEST(Budget, RefusesMoreThanTheWhole) {
    Budget budget(100);
    EXPECT_EQ(budget.take({}, 101).error().code, Code::invalid);
    EXPECT_TRUE(budget.take({}, 100));
}

TEST(Budget, MovingALeaseKeepsItsBytesOnce) {
    Budget budget(100);
    Budget::Lease kept;
    {
        auto lease = budget.take({}, 30);
        kept = std::move(lease).value();
    }
    EXPECT_EQ(budget.in_use(), 30U);
    auto other = budget.take({}, 50);
    kept = std::move(other).value();
    EXPECT_EQ(budget.in_use(), 50U) << "the lease that was replaced is given back at once";
    kept = {};
    EXPECT_EQ(budget.in_use(), 0U);
}

TEST(Budget, AWaitEndsAtTheDeadlineOrAtAStop) {
    Budget budget(100);
    auto all = budget.take({}, 100);
    EXPECT_EQ(budget.take(impatient(), 1).error().code, Code::exhausted);

    StopSource stop;
    std::thread trigger([&] { stop.trigger(); });
    EXPECT_EQ(budget.take(Context(&stop), 1).error().code, Code::cancelled);
    trigger.join();
    EXPECT_EQ(budget.in_use(), 100U);
}

// Starts take() in a thread and returns when it stands in the queue.
class Taker {
public:
    Taker(Budget& budget, std::uint64_t bytes, const StopSource* stop = nullptr)
        : thread_([this, &budget, bytes, stop] {
              auto lease = budget.take(Context(stop), bytes);
              taken_ = lease.has_value();
              done_.trigger();
          }) {}
    ~Taker() { thread_.join(); }
    bool finish() {
        EXPECT_TRUE(Context().wait_readable(done_.fd()));
        return taken_;
    }
    bool waits() const { return !done_.triggered(); }

private:
    std::atomic<bool> taken_ = false;
    StopSource done_;
    std::thread thread_;
};

TEST(Budget, ServesALargeRequestBeforeSmallOnesThatCameLater) {
    Budget budget(100);
    auto half = std::move(budget.take({}, 50)).value();
    Taker large(budget, 100);
    // Once the large one waits, a small one that would fit has to queue behind it.
    while (budget.take(impatient(), 1)) {
    }
    EXPECT_EQ(budget.take(impatient(), 10).error().code, Code::exhausted);
    EXPECT_TRUE(large.waits());
    half = {};
    EXPECT_TRUE(large.finish());
}

TEST(Budget, ACancelledRequestLetsThoseBehindItPass) {
    Budget budget(100);
    auto half = std::move(budget.take({}, 50)).value();
    StopSource stop;
    Taker large(budget, 100, &stop);
    while (budget.take(impatient(), 1)) {
    }
    Taker small(budget, 20);
    stop.trigger();
    EXPECT_FALSE(large.finish());
    EXPECT_TRUE(small.finish());
}

TEST(Budget, NeverExceedsItsLimitUnderContention) {
    Budget budget(10);
    std::atomic<std::uint64_t> held = 0;
    std::atomic<bool> exceeded = false;
    std::vector<std::thread> threads;
    for (std::uint64_t t = 0; t < 8; ++t)
        threads.emplace_back([&, t] {
            for (std::uint64_t i = 0; i < 500; ++i) {
                const std::uint64_t bytes = 1 + (i + t) % 10;
                auto lease = budget.take({}, bytes);
                if (held.fetch_add(bytes) + bytes > 10) exceeded = true;
                held.fetch_sub(bytes);
            }
        });
    for (auto& thread : threads)
        thread.join();
    EXPECT_FALSE(exceeded);
    EXPECT_EQ(budget.in_use(), 0U);
}

}  // namespace
}  // namespace dray
