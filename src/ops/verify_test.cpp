#include "ops/verify.h"

#include <gtest/gtest.h>

#include "ops/move_rig.h"

namespace dray {
namespace {

// What verify says of one action of a rig that has run.
Judgement judged(const MoveRig& rig) {
    JoinedAction joined{.action = rig.actions.at(0), .state = ActionState::final};
    for (const Receipt& receipt : rig.journal->all())
        (receipt.state == ReceiptState::copied ? joined.copied : joined.final) = receipt;
    return verify_action(rig.ctx, {rig.store.get()}, joined, {});
}

TEST(Verify, AGoodMoveAndAGoodUndoAreGoodWithOpaqueETags) {
    MoveRig rig({.opaque_etags = true});
    rig.put("in/a", "body");
    rig.plan("in/a", "out/a");
    ASSERT_TRUE(rig.run());
    EXPECT_EQ(judged(rig).reason, "");

    rig.become_undo();
    ASSERT_TRUE(rig.run());
    EXPECT_EQ(judged(rig).reason, "");
}

TEST(Verify, AnUndoThatLeftTheTargetIsGoodWithOpaqueETags) {
    MoveRig rig({.opaque_etags = true});
    rig.put("in/a", "body");
    rig.put("out/a", "body");
    rig.plan("in/a", "out/a");
    ASSERT_TRUE(rig.run());
    rig.become_undo();
    ASSERT_TRUE(rig.run());
    ASSERT_EQ(rig.final().reason, "target-left") << rig.final().detail;

    EXPECT_EQ(judged(rig).reason, "") << judged(rig).detail;
}

TEST(Verify, TheSameBytesUnderAnotherETagAreTheSameTarget) {
    MoveRig rig({.opaque_etags = true});
    rig.put("in/a", "body");
    rig.plan("in/a", "out/a");
    ASSERT_TRUE(rig.run());

    rig.put("out/a", "body");
    EXPECT_EQ(judged(rig).reason, "") << "R15: its checksum is the receipt's";
    rig.put("out/a", "ydob");
    EXPECT_EQ(judged(rig).reason, "target-changed");
}

}  // namespace
}  // namespace dray
