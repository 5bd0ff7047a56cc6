// Row P01, V01: dies at every point of moves, copies and undos, resumes, and compares with a calm run. Invariants I1,
// I2, I4, I6.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <set>
#include <thread>
#include <vector>

#include "world.h"

namespace dray::crash {
namespace {

constexpr int kResumesAllowed = 3;  // one is enough; more would hide that something does not go on

constexpr StoreKind kStores[] = {StoreKind::all_conditions, StoreKind::single_delete_only, StoreKind::no_conditions};

std::vector<Scenario> scenarios() {
    using Layout = Scenario::Layout;
    std::vector<Scenario> all;
    const auto add = [&](Scenario scenario) {
        scenario.seed = static_cast<std::uint32_t>(all.size() + 1);
        scenario.workers = 1 + all.size() % 2;
        all.push_back(scenario);
    };
    for (const StoreKind store : kStores) {
        for (const bool opaque : {false, true})
            for (const Layout layout : {Layout::prefix, Layout::by_date})
                for (const bool after : {false, true})
                    add({.store = store, .opaque_etags = opaque, .delete_after = after, .layout = layout});
        for (const bool after : {false, true})
            add({.store = store, .delete_after = after, .exclusive = true});
        for (const bool exclusive : {false, true})
            add({.store = store, .layout = Layout::segregate, .exclusive = exclusive});
        add({.store = store, .delete_after = true, .layout = Layout::segregate});
        for (const bool opaque : {false, true})
            for (const Overwrite overwrite : {Overwrite::never, Overwrite::changed})
                add({.store = store, .opaque_etags = opaque, .copies = overwrite});
        add({.store = store, .layout = Layout::by_date, .exclusive = true, .copies = Overwrite::never});
    }
    return all;
}

// Every body that was planted below in/ is still somewhere, whole.
void expect_nothing_lost(const World& world, const std::string& where) {
    std::multiset<std::string> there;
    for (const auto& [key, body] : world.objects())
        there.insert(body);
    for (const auto& [key, body] : world.kept(world.planted()))
        EXPECT_TRUE(there.contains(body)) << where << ": the content of " << key << " is gone";
}

// The keys in which two stores differ, for messages.
std::string difference(const Objects& is, const Objects& should) {
    std::string text;
    for (const auto& [key, body] : should)
        if (!is.contains(key))
            text += " missing " + key;
        else if (is.at(key) != body)
            text += " changed " + key;
    for (const auto& [key, body] : is)
        if (!should.contains(key)) text += " extra " + key;
    return text;
}

using At = Death::At;
constexpr At kAt[] = {At::store_call, At::after_store_call, At::journal};

// A process dies at each point, from the first on, until one ends before it comes to its point: so no point is passed
// over. `life` is told where to die and says whether it did. Worlds share nothing, so several live at once.
template <class Life>
std::uint64_t at_every_point(At at, const Life& life) {
    std::atomic<std::uint64_t> next = 0, end = UINT64_MAX;
    const auto live = [&] {
        for (std::uint64_t point = next++; point < end && !::testing::Test::HasFatalFailure(); point = next++) {
            if (life(Death{at, point})) continue;
            for (std::uint64_t seen = end; point < seen && !end.compare_exchange_weak(seen, point);) {
            }
        }
    };
    {
        std::vector<std::jthread> lives;
        for (unsigned i = 0; i < std::max(1U, std::thread::hardware_concurrency()); ++i)
            lives.emplace_back(live);
    }
    return std::min(end.load(), next.load());
}

std::string text_of(const Balance::Totals& balance) {
    return "listed " + std::to_string(balance.listed) + ", done " + std::to_string(balance.done) + ", skipped " +
           std::to_string(balance.skipped) + ", failed " + std::to_string(balance.failed) + ", left " +
           std::to_string(balance.left);
}

class Crash : public ::testing::TestWithParam<Scenario> {
protected:
    void SetUp() override {
        ASSERT_TRUE(calm.move()) << name_of(GetParam()) << ": " << calm.trouble();
        ASSERT_NE(calm.objects(), calm.planted()) << "the scenario moves nothing";
        move_counts = calm.last();
    }
    std::string where(const Death& death) const { return name_of(GetParam()) + ", " + name_of(death); }

    // All points were run. How journal lines fall into groups is a matter of milliseconds, and with several workers so
    // is the number of calls; with one it is exact.
    void expect_all(At at, std::uint64_t points, const Counts& counts) const {
        if (at == At::journal) {
            EXPECT_GE(points, 4U) << "opened, claimed, at least one group of receipts, ended";
        } else if (GetParam().workers == 1) {
            EXPECT_EQ(points, counts.store_calls) << name_of(GetParam());
        } else {
            EXPECT_GE(points, counts.store_calls / 2) << name_of(GetParam());
        }
        RecordProperty(name_of(Death{at, points}), static_cast<int>(points));
    }

    World calm{GetParam()};
    Counts move_counts;
};

TEST_P(Crash, P01_V01_AMoveThatDiesAnywhereEndsAsACalmOne) {
    const Objects expected = calm.objects();
    for (const At at : kAt) {
        const auto points = at_every_point(at, [&](const Death& death) {
            World world(GetParam());
            bool finished = world.move(death);
            const bool died = world.died();
            expect_nothing_lost(world, where(death));
            for (int i = 0; i < kResumesAllowed && !finished; ++i)
                finished = world.move();
            EXPECT_TRUE(finished) << where(death) << ": " << world.trouble();
            EXPECT_EQ(difference(world.objects(), expected), "") << where(death);
            EXPECT_EQ(text_of(world.balance()), text_of(calm.balance())) << where(death);
            return died;
        });
        expect_all(at, points, move_counts);
    }
}

TEST_P(Crash, P01_V01_AnUndoThatDiesAnywhereEndsAsACalmOne) {
    ASSERT_TRUE(calm.undo()) << calm.trouble();
    EXPECT_EQ(difference(calm.kept(calm.objects()), calm.kept(calm.planted())), "")
        << "undo brings back what was there";
    for (const At at : kAt) {
        const auto points = at_every_point(at, [&](const Death& death) {
            World world(GetParam());
            EXPECT_TRUE(world.move()) << where(death);
            bool finished = world.undo(death);
            const bool died = world.died();
            expect_nothing_lost(world, where(death));
            for (int i = 0; i < kResumesAllowed && !finished; ++i)
                finished = world.undo();
            EXPECT_TRUE(finished) << where(death) << ": " << world.trouble();
            EXPECT_EQ(difference(world.kept(world.objects()), world.kept(world.planted())), "") << where(death);
            EXPECT_EQ(text_of(world.balance()), text_of(calm.balance())) << where(death);
            return died;
        });
        expect_all(at, points, calm.last());
    }
}

TEST_P(Crash, V25_AMoveThatDiedAnywhereCanBeUndone) {
    for (const At at : kAt) {
        const auto points = at_every_point(at, [&](const Death& death) {
            World world(GetParam());
            world.move(death);
            const bool died = world.died();
            bool undone = world.undo();
            if (!undone && world.objects() == world.planted()) return died;  // not begun: there is nothing to undo
            for (int i = 0; i < kResumesAllowed && !undone; ++i)
                undone = world.undo();
            EXPECT_TRUE(undone) << where(death) << ": " << world.trouble();
            EXPECT_EQ(difference(world.kept(world.objects()), world.kept(world.planted())), "") << where(death);
            return died;
        });
        expect_all(at, points, move_counts);
    }
}

INSTANTIATE_TEST_SUITE_P(Plans, Crash, ::testing::ValuesIn(scenarios()),
                         [](const auto& plan) { return "Plan" + std::to_string(plan.param.seed); });

}  // namespace
}  // namespace dray::crash
