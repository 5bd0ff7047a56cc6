// Moves the other way: what undo brings back, and what it takes away of a bucket with versions.
#include <gtest/gtest.h>

#include "ops/move_rig.h"

namespace dray {
namespace {

TEST(SafeMove, MovesEverythingBack) {
    for (const Honours honours : {Honours::all, Honours::some, Honours::none}) {
        for (const bool opaque : {false, true}) {
            MoveRig rig({.honours = honours, .opaque_etags = opaque});
            rig.put("in/a", "body");
            rig.plan("in/a", "out/a");
            ASSERT_TRUE(rig.run());
            ASSERT_FALSE(rig.there("in/a"));

            rig.become_undo();
            ASSERT_TRUE(rig.run());

            EXPECT_EQ(rig.bytes("in/a"), "body") << name_of(honours);
            EXPECT_FALSE(rig.there("out/a")) << name_of(honours);
            EXPECT_EQ(rig.final().state, ReceiptState::deleted);
        }
    }
}

// With opaque ETags the restored source has another one than was planned: the undo's own receipt says that it is good.
TEST(SafeMove, AnUndoThatDiedAfterItsDeleteIsFinishedByTheNext) {
    for (const bool opaque : {false, true}) {
        MoveRig rig({.opaque_etags = opaque});
        rig.put("in/a", "body");
        rig.plan("in/a", "out/a");
        ASSERT_TRUE(rig.run());
        rig.become_undo();
        rig.faults->add({.verb = Verb::remove_many, .action = FaultAction::die_after});
        (void)rig.run();
        ASSERT_TRUE(rig.there("in/a") && !rig.there("out/a"));
        rig.after_death();

        ASSERT_TRUE(rig.run());

        EXPECT_EQ(rig.final().state, ReceiptState::done) << rig.final().detail;
        EXPECT_EQ(rig.bytes("in/a"), "body");
    }
}

TEST(SafeMove, UndoOnAVersionedBucketTakesAwayItsMarkerAndItsVersionAndNothingElse) {
    for (const Honours honours : {Honours::all, Honours::some, Honours::none}) {
        MoveRig rig({.honours = honours, .opaque_etags = true, .store = {.versioned = true}});
        const ObjectInfo planned = rig.put("in/a", "body");
        rig.plan("in/a", "out/a");
        ASSERT_TRUE(rig.run());
        ASSERT_FALSE(rig.there("in/a"));

        rig.become_undo();
        ASSERT_TRUE(rig.run());

        EXPECT_EQ(rig.head("in/a").version, planned.version) << "the object itself, not a copy of its copy";
        EXPECT_EQ(rig.head("in/a").modified, planned.modified);
        EXPECT_FALSE(rig.there("out/a"));
        EXPECT_EQ(rig.faults->calls(Verb::copy), 1U) << "of the move";
    }
}

TEST(SafeMove, UndoOnAVersionedBucketLeavesAVersionThatAnotherWriterPutOnTop) {
    MoveRig rig({.store = {.versioned = true}});
    rig.put("in/a", "body");
    rig.plan("in/a", "out/a");
    ASSERT_TRUE(rig.run());
    rig.become_undo();
    rig.faults->add({.verb = Verb::remove_many, .before = [&](const Call&) { rig.put("out/a", "foreign"); }});

    ASSERT_TRUE(rig.run());

    EXPECT_EQ(rig.bytes("in/a"), "body");
    EXPECT_EQ(rig.bytes("out/a"), "foreign") << "though it came between the look and the delete";
}

TEST(SafeMove, UndoCopiesBackWhereTheMarkerMayNotBeTakenAway) {
    MoveRig rig({.store = {.versioned = true}});
    rig.put("in/a", "body");
    rig.plan("in/a", "out/a");
    ASSERT_TRUE(rig.run());
    rig.become_undo();
    rig.faults->add({.verb = Verb::remove,
                     .key = "in/a",
                     .action = FaultAction::fail,
                     .error = {.code = Code::denied, .message = "AccessDenied"}});

    ASSERT_TRUE(rig.run());

    EXPECT_EQ(rig.bytes("in/a"), "body");
    EXPECT_FALSE(rig.there("out/a"));
    EXPECT_EQ(rig.faults->calls(Verb::copy), 2U);
}

TEST(SafeMove, UndoOfAVersionedBucketIsResumedAfterADeathAtAnyRequest) {
    for (std::uint32_t at = 0; at < 8; ++at) {
        MoveRig rig({.opaque_etags = true, .store = {.versioned = true}});
        const ObjectInfo planned = rig.put("in/a", "body");
        rig.plan("in/a", "out/a");
        ASSERT_TRUE(rig.run());
        rig.become_undo();
        rig.faults->add({.skip = at, .action = FaultAction::die_after});
        if (rig.run()) break;
        rig.after_death();

        ASSERT_TRUE(rig.run());

        EXPECT_EQ(rig.bytes("in/a"), "body") << at;
        EXPECT_EQ(rig.head("in/a").version, planned.version) << at;
        EXPECT_FALSE(rig.there("out/a")) << at;
    }
}

}  // namespace
}  // namespace dray
