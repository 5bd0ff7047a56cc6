#include "base/crew.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/resource.h>

#include <atomic>
#include <barrier>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

namespace dray {
namespace {

std::unique_ptr<Crew> make_crew(std::size_t workers) {
    auto crew = Crew::make(workers);
    EXPECT_TRUE(crew);
    return std::move(crew).value();
}

TEST(Crew, RunsEveryIndexOnce) {
    auto crew = make_crew(8);
    std::vector<std::atomic<int>> runs(10'000);
    crew->for_each(runs.size(), [&](std::size_t i) { ++runs[i]; });
    for (const auto& count : runs)
        EXPECT_EQ(count, 1);
}

TEST(Crew, UsesAllItsWorkersAtOnce) {
    auto crew = make_crew(16);
    EXPECT_EQ(crew->size(), 16U);
    std::barrier everybody(16);  // hangs unless 16 bodies are under way together
    crew->for_each(16, [&](std::size_t) { everybody.arrive_and_wait(); });
}

TEST(Crew, NeverHasMoreCallsUnderWayThanItsSize) {
    auto crew = make_crew(3);
    std::atomic<int> now = 0;
    std::atomic<int> most = 0;
    crew->for_each(2000, [&](std::size_t) {
        const int seen = ++now;
        int old = most;
        while (old < seen && !most.compare_exchange_weak(old, seen)) {
        }
        std::this_thread::yield();
        --now;
    });
    EXPECT_LE(most, 3);
}

TEST(Crew, OfOneRunsOnItsCaller) {
    auto crew = make_crew(1);
    const auto self = std::this_thread::get_id();
    crew->for_each(10, [&](std::size_t) { EXPECT_EQ(std::this_thread::get_id(), self); });
}

TEST(Crew, NestsWithoutStarving) {
    auto crew = make_crew(4);
    std::atomic<int> leaves = 0;
    crew->for_each(8, [&](std::size_t) {
        crew->for_each(8, [&](std::size_t) { crew->for_each(8, [&](std::size_t) { ++leaves; }); });
    });
    EXPECT_EQ(leaves, 512);
}

TEST(Crew, LendsIdleWorkersToANestedJob) {
    auto crew = make_crew(4);
    // Three, not four: when a worker was quicker to take the outer body, the outer caller waits for it and lends
    // nothing.
    std::barrier everybody(3);
    crew->for_each(1, [&](std::size_t) { crew->for_each(3, [&](std::size_t) { everybody.arrive_and_wait(); }); });
}

TEST(Crew, SharesItsWorkersBetweenCallers) {
    auto crew = make_crew(4);
    std::atomic<int> total = 0;
    std::vector<std::thread> callers;
    for (int i = 0; i < 4; ++i)
        callers.emplace_back([&] {
            for (int round = 0; round < 200; ++round)
                crew->for_each(10, [&](std::size_t) { ++total; });
        });
    for (auto& caller : callers)
        caller.join();
    EXPECT_EQ(total, 4 * 200 * 10);
}

TEST(Crew, DrainsUntilEveryStepSaysNo) {
    auto crew = make_crew(4);
    std::mutex mutex;
    int left = 1000;
    std::set<std::thread::id> inside;
    crew->drain([&] {
        const std::lock_guard lock(mutex);
        if (left == 0) return inside.erase(std::this_thread::get_id()), false;
        inside.insert(std::this_thread::get_id());
        --left;
        return true;
    });
    EXPECT_EQ(left, 0);
    EXPECT_TRUE(inside.empty()) << "drain returned while a step was still to be called";
}

TEST(Crew, DoesNothingForNoWork) {
    make_crew(4)->for_each(0, [](std::size_t) { FAIL(); });
}

TEST(Crew, StartsManyThreadsWithSmallStacks) {
    auto crew = make_crew(512);
    std::barrier everybody(512);
    std::atomic<std::size_t> largest = 0;
    const auto caller = std::this_thread::get_id();
    crew->for_each(512, [&](std::size_t) {
        everybody.arrive_and_wait();
        if (std::this_thread::get_id() == caller) return;
        pthread_attr_t attributes;
        ASSERT_EQ(::pthread_getattr_np(::pthread_self(), &attributes), 0);
        std::size_t bytes = 0;
        ::pthread_attr_getstacksize(&attributes, &bytes);
        ::pthread_attr_destroy(&attributes);
        std::size_t old = largest;
        while (old < bytes && !largest.compare_exchange_weak(old, bytes)) {
        }
    });
    EXPECT_GT(largest, 0U);
    EXPECT_LE(largest, std::size_t{1} << 20);
}

TEST(WorkersAllowed, FollowsTheDescriptorLimit) {
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    EXPECT_EQ(workers_allowed(1), 1U);
    EXPECT_EQ(workers_allowed(1'000'000'000, 1'000'000'000), 1U) << "at least one";
    rlimit after{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &after), 0);
    EXPECT_EQ(after.rlim_cur, after.rlim_max) << "the soft limit is raised";
    const std::size_t all = after.rlim_max == RLIM_INFINITY ? std::size_t{1} << 40 : (after.rlim_max - 64) / 4;
    EXPECT_EQ(workers_allowed(std::size_t{1} << 40, 4, 64), all);
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
}

}  // namespace
}  // namespace dray
