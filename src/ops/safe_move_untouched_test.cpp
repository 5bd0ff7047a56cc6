// R22: what no process may have changed anything for is untouched, and nothing else is.
#include <gtest/gtest.h>

#include "ops/move_requests.h"
#include "ops/move_rig.h"
#include "ops/rule_scene.h"

namespace dray {
namespace {

const Error kDenied{.code = Code::denied, .message = "AccessDenied"};

void nobody_may_look(MoveRig& rig) {
    rig.faults->add({.verb = Verb::head, .count = UINT32_MAX, .action = FaultAction::fail, .error = kDenied});
}

// The action of a run that moved one object and ended by itself, as an undo finds it: nullopt, it is untouched.
std::optional<Action> left_to_undo(MoveRig& rig) {
    rig.put("in/a", "body");
    rig.plan("in/a", "out/a");
    EXPECT_TRUE(rig.run());
    rig.become_undo();
    return rig.actions.empty() ? std::nullopt : std::optional(rig.actions[0]);
}

TEST(Rules, R22_ACopyThatMayHaveBeenMadeIsUndoneThoughTheRunEndedByItself) {
    expect_needed(22, [](int off) {
        MoveRig rig({.settings = without(off)});
        rig.put("in/a", "body");
        rig.plan("in/a", "out/a");
        rig.faults->add({.verb = Verb::copy, .action = FaultAction::lose_answer});
        nobody_may_look(rig);
        EXPECT_TRUE(rig.run());
        EXPECT_EQ(rig.final().state, ReceiptState::none);
        rig.faults->clear_rules();

        rig.become_undo();
        EXPECT_TRUE(rig.run());
        return rig.bytes("in/a") == "body" && !rig.there("out/a");
    });
}

TEST(Untouched, IsWhatTheStoreDeniedToCopy) {
    for (const Honours honours : {Honours::all, Honours::some, Honours::none}) {
        MoveRig rig({.honours = honours});
        rig.faults->add({.verb = Verb::copy, .action = FaultAction::fail, .error = kDenied});
        EXPECT_FALSE(left_to_undo(rig)) << name_of(honours);
    }
}

TEST(Untouched, IsWhatNobodyMayLookAt) {
    for (const Honours honours : {Honours::some, Honours::none}) {
        MoveRig rig({.honours = honours});
        nobody_may_look(rig);
        EXPECT_FALSE(left_to_undo(rig)) << name_of(honours);
    }
}

// A stop before its turn came, a look that had grown old, an endpoint that nobody answers at.
TEST(Untouched, IsWhatNothingWasSentFor) {
    for (const Code code : {Code::cancelled, Code::throttled, Code::exhausted})
        for (const bool unsent : {true, false}) {
            MoveRig rig;
            rig.faults->add({.verb = Verb::copy,
                             .action = FaultAction::fail,
                             .error = {.code = code, .message = "stopped", .unsent = unsent}});
            nobody_may_look(rig);
            EXPECT_EQ(left_to_undo(rig).has_value(), !unsent) << name_of(code);
        }
}

TEST(Untouched, IsWhatAStopLeavesUnsent) {
    StopSource stop;
    stop.trigger();
    const Context stopped(&stop);
    MoveRig rig;
    MoveRequests requests({.stores = {rig.faults.get()}});
    std::uint32_t sent = 0;

    auto copied = requests.copy(stopped, 0, {"b", "in/a", {}}, {"b", "out/a", {}}, {}, sent);

    ASSERT_FALSE(copied);
    EXPECT_EQ(copied.error().code, Code::cancelled);
    EXPECT_FALSE(may_have_changed(copied.error()));
    EXPECT_EQ(sent, 0U);
}

// A proxy may have sent it twice: then the second is refused for what the first has made. And a local copy has its name
// when the sync of its directory fails.
TEST(Untouched, IsNotWhatFailedInAnyOtherWay) {
    for (const Code code : {Code::exists, Code::conflict, Code::not_found, Code::local}) {
        MoveRig rig;
        rig.faults->add(
            {.verb = Verb::copy, .action = FaultAction::fail, .error = {.code = code, .message = "refused"}});
        nobody_may_look(rig);
        EXPECT_TRUE(left_to_undo(rig)) << name_of(code);
        EXPECT_EQ(rig.actions[0].parent, ReceiptState::failed);
    }
}

// A proxy sends the copy twice, and the bucket's retention denies the second. Nobody can tell: undo leaves that copy.
TEST(Untouched, IsWhatWasCopiedAllTheSameWhenADenialMisleadsAndNothingIsLost) {
    MoveRig rig;
    rig.put("in/a", "body");
    rig.plan("in/a", "out/a");
    rig.faults->add({.verb = Verb::copy, .action = FaultAction::fail, .error = kDenied, .before = [&](const Call&) {
                         rig.put("out/a", "body");
                     }});
    EXPECT_TRUE(rig.run());
    EXPECT_TRUE(rig.final().untouched);
    EXPECT_TRUE(rig.there("in/a") && rig.there("out/a"));
    rig.try_again();

    EXPECT_TRUE(rig.run());

    EXPECT_EQ(rig.final().state, ReceiptState::deleted);
    EXPECT_EQ(rig.bytes("out/a"), "body");
    EXPECT_FALSE(rig.there("in/a"));
}

TEST(Untouched, IsNotWhatWasCopiedAndMayNotBeDeleted) {
    MoveRig rig;
    for (const Verb verb : {Verb::remove, Verb::remove_many})
        rig.faults->add({.verb = verb, .count = UINT32_MAX, .action = FaultAction::fail, .error = kDenied});
    const auto left = left_to_undo(rig);
    ASSERT_TRUE(left);
    EXPECT_EQ(left->parent, ReceiptState::failed);
}

TEST(Untouched, IsNotWhatADeadProcessMayHaveCopied) {
    MoveRig rig;
    rig.put("in/a", "body");
    rig.plan("in/a", "out/a");
    rig.faults->add({.verb = Verb::copy, .action = FaultAction::die_after});
    EXPECT_FALSE(rig.run());
    rig.after_death();
    rig.faults->clear_rules();
    nobody_may_look(rig);
    EXPECT_TRUE(rig.run()) << "the next process can tell nothing, and ends by itself";
    EXPECT_EQ(rig.final().state, ReceiptState::none);
    rig.faults->clear_rules();

    rig.become_undo();
    EXPECT_TRUE(rig.run());

    EXPECT_EQ(rig.bytes("in/a"), "body");
    EXPECT_FALSE(rig.there("out/a"));
}

TEST(Untouched, IsTakenUpByAResumeAsIfItHadNeverBeenBegun) {
    MoveRig rig;
    rig.put("in/a", "body");
    rig.plan("in/a", "out/a");
    rig.faults->add({.verb = Verb::copy, .action = FaultAction::fail, .error = kDenied});
    EXPECT_TRUE(rig.run());
    ASSERT_TRUE(rig.final().untouched);
    rig.try_again();
    nobody_may_look(rig);

    EXPECT_TRUE(rig.run());

    EXPECT_EQ(rig.final().state, ReceiptState::deleted) << "no look was needed, as in a first process";
}

}  // namespace
}  // namespace dray
