// The faults of a single move, by the ids that the fault catalogue gives them.
#include <gtest/gtest.h>

#include "ops/move_rig.h"

namespace dray {
namespace {

struct Mv {
    explicit Mv(RigOptions options = {}) : rig(std::move(options)) {
        rig.put("in/a", "body");
        rig.plan("in/a", "out/a");
    }
    MoveRig rig;
};

TEST(MoveFaults, V02_ACopyThatIsNotThereKeepsTheSource) {
    Mv mv({.opaque_etags = true});
    mv.rig.faults->add({.verb = Verb::copy, .after = [&](const Call&) { mv.rig.drop("out/a"); }});

    ASSERT_TRUE(mv.rig.run());

    EXPECT_EQ(mv.rig.final().reason, "copy-unproven");
    EXPECT_EQ(mv.rig.bytes("in/a"), "body");
}

TEST(MoveFaults, V02_ACopyWithOtherBytesKeepsTheSource) {
    for (const char* other : {"bo", "BODY"}) {
        Mv mv({.opaque_etags = true});
        mv.rig.faults->add({.verb = Verb::copy, .after = [&](const Call&) { mv.rig.put("out/a", other); }});

        ASSERT_TRUE(mv.rig.run());

        EXPECT_EQ(mv.rig.final().state, ReceiptState::failed) << other;
        EXPECT_EQ(mv.rig.bytes("in/a"), "body");
    }
}

TEST(MoveFaults, V03_ASourceReplacedAfterTheCopyStays) {
    for (const Honours honours : {Honours::all, Honours::some, Honours::none}) {
        Mv mv({.honours = honours});
        mv.rig.faults->add({.verb = Verb::copy, .after = [&](const Call&) { mv.rig.put("in/a", "new"); }});

        ASSERT_TRUE(mv.rig.run());

        EXPECT_EQ(mv.rig.bytes("in/a"), "new") << name_of(honours);
        EXPECT_EQ(mv.rig.bytes("out/a"), "body");
        EXPECT_EQ(mv.rig.final().reason, "conflict");
    }
}

TEST(MoveFaults, V04_OnAVersionedBucketTheDeletePutsAMarkerAndIsRecorded) {
    Mv mv({.store = {.versioned = true}});
    const std::string version = mv.rig.head("in/a").version;

    ASSERT_TRUE(mv.rig.run());

    EXPECT_FALSE(mv.rig.final().version.empty());
    EXPECT_FALSE(mv.rig.journal->all().front().version.empty());
    EXPECT_TRUE(mv.rig.store->head({}, {"b", "in/a", version})) << "history stays";
}

TEST(MoveFaults, V05_ALostAnswerToADeleteIsLookedAt) {
    for (const Honours honours : {Honours::all, Honours::some, Honours::none}) {
        for (const FaultAction action : {FaultAction::lose_answer, FaultAction::defer}) {
            Mv mv({.honours = honours});
            const Verb verb = honours == Honours::some ? Verb::remove : Verb::remove_many;
            mv.rig.faults->add({.verb = verb, .action = action});

            ASSERT_TRUE(mv.rig.run());

            EXPECT_EQ(mv.rig.final().state, ReceiptState::deleted) << name_of(honours);
            EXPECT_FALSE(mv.rig.there("in/a"));
            EXPECT_EQ(mv.rig.bytes("out/a"), "body");
            EXPECT_FALSE(mv.rig.last->all_answered);
            EXPECT_FALSE(mv.rig.last->copy_unanswered);
        }
    }
}

TEST(MoveFaults, V06_ADeniedDeleteIsItsOwnEnd) {
    Mv mv({.honours = Honours::some});
    mv.rig.faults->add({.verb = Verb::remove,
                        .action = FaultAction::fail,
                        .error = {.code = Code::denied, .message = "AccessDenied: object lock"}});

    ASSERT_TRUE(mv.rig.run());

    EXPECT_EQ(mv.rig.final().reason, "delete-denied");
    EXPECT_EQ(mv.rig.bytes("in/a"), "body");
    EXPECT_EQ(mv.rig.bytes("out/a"), "body");
    EXPECT_EQ(mv.rig.faults->calls(Verb::remove), 1U) << "no storm of repeats";
}

TEST(MoveFaults, V07_AnEqualTargetFinishesTheMoveAndADifferentOneEndsIt) {
    for (const Honours honours : {Honours::all, Honours::some, Honours::none}) {
        for (const bool opaque : {false, true}) {
            MoveRig rig({.honours = honours, .opaque_etags = opaque});
            rig.put("in/a", "body");
            rig.put("in/b", "body");
            rig.put("in/c", "body");
            rig.put("out/a", "body");
            rig.put("out/b", "else");
            rig.put("out/c", "body", {.content_type = "text/other"});
            for (const char* name : {"a", "b", "c"})
                rig.plan(std::string("in/") + name, std::string("out/") + name);

            ASSERT_TRUE(rig.run());

            EXPECT_EQ(rig.final(0).state, ReceiptState::deleted);
            EXPECT_EQ(rig.final(0).reason, "equal");
            EXPECT_FALSE(rig.there("in/a"));
            EXPECT_EQ(rig.final(1).reason, "conflict");
            EXPECT_EQ(rig.bytes("in/b"), "body");
            EXPECT_EQ(rig.bytes("out/b"), "else");
            EXPECT_EQ(rig.final(2).reason, "conflict") << "equal in bytes, not in properties";
            EXPECT_EQ(rig.faults->calls(Verb::copy), 0U);
        }
    }
}

TEST(MoveFaults, V07_AnEqualTargetThatOnlyBytesCanTellIsRead) {
    MoveRig rig({.opaque_etags = true, .store = {.no_checksums = true}});
    rig.put("in/a", "body");
    rig.put("out/a", "body");
    rig.plan("in/a", "out/a");

    ASSERT_TRUE(rig.run());

    EXPECT_EQ(rig.journal->all().front().proof, Proof::bytes);
    EXPECT_EQ(rig.final().state, ReceiptState::deleted);
}

TEST(MoveFaults, V08_ATargetThatAppearsBeforeTheCopyIsNotOverwritten) {
    Mv mv;
    mv.rig.faults->add({.verb = Verb::copy, .before = [&](const Call&) { mv.rig.put("out/a", "foreign"); }});

    ASSERT_TRUE(mv.rig.run());

    EXPECT_EQ(mv.rig.bytes("out/a"), "foreign");
    EXPECT_EQ(mv.rig.bytes("in/a"), "body");
    EXPECT_EQ(mv.rig.final().reason, "conflict");
}

TEST(MoveFaults, V09_OurOwnCopyWhoseAnswerWasLostIsKnownAgain) {
    for (const Honours honours : {Honours::all, Honours::some, Honours::none}) {
        for (const bool opaque : {false, true}) {
            Mv mv({.honours = honours, .opaque_etags = opaque});
            mv.rig.faults->add({.verb = Verb::copy, .action = FaultAction::lose_answer});

            ASSERT_TRUE(mv.rig.run());

            EXPECT_EQ(mv.rig.final().state, ReceiptState::deleted) << name_of(honours);
            EXPECT_EQ(mv.rig.bytes("out/a"), "body");
            EXPECT_EQ(mv.rig.faults->calls(Verb::copy), 1U);
            EXPECT_TRUE(mv.rig.last->copy_unanswered);
        }
    }
}

TEST(MoveFaults, V15_ABatchThatFailsAsAWholeIsTriedOneByOne) {
    Mv mv;
    mv.rig.faults->add({.verb = Verb::remove_many,
                        .action = FaultAction::fail,
                        .error = {.code = Code::invalid, .message = "MalformedXML"}});

    ASSERT_TRUE(mv.rig.run());

    EXPECT_EQ(mv.rig.faults->calls(Verb::remove), 1U);
    EXPECT_EQ(mv.rig.final().state, ReceiptState::deleted);
}

TEST(MoveFaults, V18_ABatchWithoutProvenConditionsIsNotUsedWhereASingleDeleteHasThem) {
    Mv mv({.honours = Honours::some});

    ASSERT_TRUE(mv.rig.run());

    EXPECT_EQ(mv.rig.faults->calls(Verb::remove_many), 0U);
    EXPECT_EQ(mv.rig.faults->calls(Verb::remove), 1U);
}

}  // namespace
}  // namespace dray
