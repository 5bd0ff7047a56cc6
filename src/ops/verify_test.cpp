#include "ops/verify.h"

#include <gtest/gtest.h>

#include "ops/move_rig.h"
#include "store/wrapped_store.h"

namespace dray {
namespace {

// What verify says of one action of a rig that has run.
Judgement judged(const MoveRig& rig, const VerifyOptions& options = {}) {
    JoinedAction joined{.action = rig.actions.at(0), .state = ActionState::final};
    for (const Receipt& receipt : rig.journal->all())
        (receipt.state == ReceiptState::copied ? joined.copied : joined.final) = receipt;
    return verify_action(rig.ctx, {rig.store.get()}, joined, options);
}

// Tells the truth about an object, and hands out less of it.
class ReadsShort : public WrappedStore {
public:
    using WrappedStore::WrappedStore;
    Result<ObjectInfo> get(const Context& ctx, const ObjectRef& object, const GetOptions& options,
                           const ByteSink& sink) override {
        return WrappedStore::get(ctx, object, options,
                                 [&](std::string_view bytes) { return sink(bytes.substr(0, bytes.size() - 1)); });
    }
};

TEST(Verify, ATargetOfAnotherSizeIsFoundWhereNothingElseTells) {
    MoveRig rig;
    rig.put("in/a", "body");
    rig.plan("in/a", "out/a");
    rig.put("out/a", "longer");
    JoinedAction joined{.action = rig.actions[0], .state = ActionState::final};
    joined.final = Receipt{.state = ReceiptState::done};  // of a store that tells no ETag

    EXPECT_EQ(verify_action(rig.ctx, {rig.store.get()}, joined, {}).reason, "target-changed");
    rig.put("out/a", "four");
    EXPECT_EQ(verify_action(rig.ctx, {rig.store.get()}, joined, {}).reason, "");
}

TEST(Verify, OtherBytesOfTheSameSizeAreFoundByTheETagOfTheReceipt) {
    MoveRig rig({.store = {.no_checksums = true}});
    rig.put("in/a", "body");
    rig.plan("in/a", "out/a");
    ASSERT_TRUE(rig.run());
    EXPECT_EQ(judged(rig).reason, "");

    rig.put("out/a", "ydob");

    EXPECT_EQ(judged(rig).reason, "target-changed");
}

TEST(Verify, ASourceThatIsThereAgainIsFound) {
    MoveRig rig;
    rig.put("in/a", "body");
    rig.plan("in/a", "out/a");
    ASSERT_TRUE(rig.run());

    rig.put("in/a", "body");

    EXPECT_EQ(judged(rig).reason, "source-present");
}

TEST(Verify, ATargetThatIsGoneIsFound) {
    MoveRig rig;
    rig.put("in/a", "body");
    rig.plan("in/a", "out/a");
    ASSERT_TRUE(rig.run());

    rig.drop("out/a");

    EXPECT_EQ(judged(rig).reason, "target-missing");
}

TEST(Verify, DeepFindsAnObjectThatCannotBeReadWhole) {
    for (const bool shortened : {false, true}) {
        MoveRig rig;
        auto memory = make_memory_store({.clock = &rig.clock, .opaque_etags = true, .no_checksums = true});
        rig.use(shortened ? std::make_shared<ReadsShort>(std::move(memory))
                          : std::shared_ptr<ObjectStore>(std::move(memory)));
        rig.put("in/a", "body");
        rig.plan("in/a", "out/a");
        ASSERT_TRUE(rig.run());

        EXPECT_EQ(judged(rig, {.deep = true}).reason, shortened ? "bytes-differ" : "no-checksum");
    }
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
    ASSERT_EQ(rig.final().reason, "target-kept") << rig.final().detail;

    EXPECT_EQ(judged(rig).reason, "") << judged(rig).detail;
}

TEST(Verify, AnUndoThatCouldNotTellWhoMadeTheTargetHoldsTheSourceToItsWord) {
    MoveRig rig;
    rig.put("in/a", "body");
    rig.plan("in/a", "out/a");
    rig.faults->add({.verb = Verb::copy, .action = FaultAction::die_after});
    EXPECT_FALSE(rig.run());
    rig.after_death();
    rig.become_undo();
    rig.put("out/a", "other");
    ASSERT_TRUE(rig.run());
    ASSERT_EQ(rig.final().reason, "target-left") << rig.final().detail;

    EXPECT_EQ(judged(rig).reason, "") << judged(rig).detail;
    rig.put("in/a", "new");
    EXPECT_NE(judged(rig).reason, "");
}

// Of the same size, so that only the receipt's etag tells.
TEST(Verify, OtherBytesAtATargetThatSomebodyElseHadBroughtAreFound) {
    for (const bool died : {false, true}) {
        MoveRig rig;
        rig.put("in/a", "body");
        rig.plan("in/a", "out/a");
        rig.drop("in/a");
        rig.put("out/a", "body");
        if (died) rig.after_death();
        ASSERT_TRUE(rig.run());
        ASSERT_EQ(rig.final().reason, died ? "vanished" : "done-by-other");
        EXPECT_EQ(judged(rig).reason, "") << judged(rig).detail;

        rig.put("out/a", "ydob");

        EXPECT_EQ(judged(rig).reason, "target-changed");
    }
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
