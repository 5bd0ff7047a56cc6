// Row P01, V01: dies at every point of moves and undos, resumes, and compares with a calm run. Invariants I1, I2, I4,
// I6.
#include <gtest/gtest.h>

#include <set>

#include "world.h"

namespace dray::crash {
namespace {

constexpr int kResumesAllowed = 3;  // one is enough; more would hide that something does not go on

std::vector<Scenario> scenarios() {
    std::vector<Scenario> all;
    std::uint32_t seed = 1;
    for (const StoreKind store : {StoreKind::all_conditions, StoreKind::single_delete_only, StoreKind::no_conditions})
        for (const bool opaque : {false, true})
            for (const bool by_date : {false, true})
                for (const bool after : {false, true})
                    all.push_back({seed++, store, opaque, after, by_date});
    return all;
}

// Every body that was planted below in/ is still somewhere, whole.
void expect_nothing_lost(const World& world, const std::string& where) {
    std::multiset<std::string> there;
    for (const auto& [key, body] : world.objects())
        there.insert(body);
    for (const auto& [key, body] : world.planted())
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

std::vector<Death> deaths(const Counts& counts) {
    std::vector<Death> all;
    for (std::uint64_t i = 0; i < counts.store_calls; ++i) {
        all.push_back({Death::At::store_call, i});
        all.push_back({Death::At::after_store_call, i});
    }
    for (std::uint64_t i = 0; i < counts.journal_writes; ++i)
        all.push_back({Death::At::journal, i});
    return all;
}

class Crash : public ::testing::TestWithParam<Scenario> {};

TEST_P(Crash, P01_V01_AMoveThatDiesAnywhereEndsAsACalmOne) {
    World calm(GetParam());
    ASSERT_TRUE(calm.move()) << name_of(GetParam()) << ": " << calm.trouble();
    const Objects expected = calm.objects();
    ASSERT_NE(expected, calm.planted()) << "the scenario moves nothing";

    for (const Death& death : deaths(calm.last())) {
        const std::string where = name_of(GetParam()) + ", " + name_of(death);
        World world(GetParam());
        bool finished = world.move(death);
        expect_nothing_lost(world, where);
        for (int i = 0; i < kResumesAllowed && !finished; ++i)
            finished = world.move();
        EXPECT_TRUE(finished) << where << ": " << world.trouble();
        EXPECT_EQ(difference(world.objects(), expected), "") << where;
    }
}

TEST_P(Crash, P01_V01_AnUndoThatDiesAnywhereEndsAsACalmOne) {
    World calm(GetParam());
    ASSERT_TRUE(calm.move()) << name_of(GetParam()) << ": " << calm.trouble();
    ASSERT_TRUE(calm.undo()) << calm.trouble();
    EXPECT_EQ(difference(calm.objects(), calm.planted()), "") << "undo brings back what was there";

    for (const Death& death : deaths(calm.last())) {
        const std::string where = name_of(GetParam()) + ", undo, " + name_of(death);
        World world(GetParam());
        ASSERT_TRUE(world.move()) << where;
        bool finished = world.undo(death);
        expect_nothing_lost(world, where);
        for (int i = 0; i < kResumesAllowed && !finished; ++i)
            finished = world.undo();
        EXPECT_TRUE(finished) << where << ": " << world.trouble();
        EXPECT_EQ(difference(world.objects(), world.planted()), "") << where;
    }
}

TEST_P(Crash, V25_AMoveThatDiedAnywhereCanBeUndone) {
    World calm(GetParam());
    ASSERT_TRUE(calm.move()) << name_of(GetParam()) << ": " << calm.trouble();
    for (const Death& death : deaths(calm.last())) {
        const std::string where = name_of(GetParam()) + ", " + name_of(death) + ", then undo";
        World world(GetParam());
        if (world.move(death)) continue;
        bool undone = world.undo();
        if (!undone && world.objects() == world.planted()) continue;  // it had not begun: there is nothing to undo
        for (int i = 0; i < kResumesAllowed && !undone; ++i)
            undone = world.undo();
        EXPECT_TRUE(undone) << where << ": " << world.trouble();
        EXPECT_EQ(difference(world.objects(), world.planted()), "") << where;
    }
}

INSTANTIATE_TEST_SUITE_P(Plans, Crash, ::testing::ValuesIn(scenarios()),
                         [](const auto& plan) { return "Plan" + std::to_string(plan.param.seed); });

}  // namespace
}  // namespace dray::crash
