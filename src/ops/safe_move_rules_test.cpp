// One test for each rule of docs/safe-move.md. R19 to R21 are in safe_move_found_test.cpp,
// R22 is in safe_move_untouched_test.cpp.
#include <gtest/gtest.h>

#include "ops/key_fold.h"
#include "ops/move_rig.h"
#include "ops/rule_scene.h"

namespace dray {
namespace {

using std::chrono::minutes, std::chrono::seconds;

TEST(Rules, R1_UndoWaitsUntilNothingOfItsParentCanLand) {
    expect_needed(1, [](int off) {
        MoveRig rig({.settings = without(off)});
        rig.put("in/a", "body");
        rig.plan("in/a", "out/a");
        rig.faults->add({.verb = Verb::remove_many, .action = FaultAction::repeat_later, .delay = seconds(30)});
        EXPECT_TRUE(rig.run());
        rig.after_death();  // before its end line

        rig.become_undo();
        EXPECT_TRUE(rig.run());
        rig.let_all_land();

        return rig.bytes("in/a") == "body";
    });
}

TEST(Rules, R2_ANewRunWaitsUntilNothingOfTheRunBeforeCanLand) {
    expect_needed(2, [](int off) {
        MoveRig rig({.settings = without(off)});
        rig.put("in/a", "body");
        rig.plan("in/a", "out/a");
        EXPECT_TRUE(rig.run());
        rig.become_undo();
        rig.faults->add({.verb = Verb::remove_many, .action = FaultAction::repeat_later, .delay = seconds(30)});
        EXPECT_TRUE(rig.run());

        rig.actions.clear();
        rig.journal = std::make_unique<MemoryJournal>();
        rig.plan("in/a", "out/a");
        rig.scope_quiet_until = rig.clock.wall() + kQuietTime;  // what the lock says
        EXPECT_TRUE(rig.run());
        rig.let_all_land();

        return rig.bytes("out/a") == "body";
    });
}

TEST(Rules, R3_ARunWithAnUnansweredRequestSaysSo) {
    expect_needed(3, [](int off) {
        MoveRig rig({.settings = without(off)});
        rig.put("in/a", "body");
        rig.plan("in/a", "out/a");
        rig.faults->add({.verb = Verb::remove_many, .action = FaultAction::defer, .delay = seconds(30)});
        EXPECT_TRUE(rig.run());
        EXPECT_EQ(rig.final().state, ReceiptState::deleted) << "the delete was repeated after a look";

        rig.become_undo();  // waits only when the run said that something was unanswered
        EXPECT_TRUE(rig.run());
        rig.let_all_land();

        return rig.bytes("in/a") == "body";
    });
}

TEST(Rules, R3_ACalmRunHasNoQuietTime) {
    MoveRig rig;
    rig.put("in/a", "body");
    rig.plan("in/a", "out/a");
    ASSERT_TRUE(rig.run());
    EXPECT_TRUE(rig.last->all_answered);
    EXPECT_FALSE(rig.last->copy_unanswered);
    const WallTime before = rig.clock.wall();

    rig.become_undo();
    ASSERT_TRUE(rig.run());

    EXPECT_EQ(rig.clock.wall(), before) << "undo at once";
}

TEST(Rules, R4_UndoLeavesATargetThatThePlanKnew) {
    expect_needed(4, [](int off) {
        MoveRig rig({.settings = without(off)});
        rig.put("in/a", "body");
        rig.put("out/a", "body");
        rig.plan("in/a", "out/a");
        EXPECT_TRUE(rig.run());
        EXPECT_FALSE(rig.there("in/a")) << "an equal target finishes the move";

        rig.become_undo();
        EXPECT_TRUE(rig.run());

        return rig.bytes("in/a") == "body" && rig.bytes("out/a") == "body";
    });
}

TEST(Rules, R4_UndoLeavesATargetThatIsOlderThanTheRun) {
    expect_needed(4, [](int off) {
        MoveRig rig({.settings = without(off)});
        rig.put("in/a", "body");
        rig.plan("in/a", "out/a");
        rig.put("out/a", "body");  // after the listing, before the run
        EXPECT_TRUE(rig.run());

        rig.become_undo();
        EXPECT_TRUE(rig.run());

        return rig.bytes("in/a") == "body" && rig.bytes("out/a") == "body";
    });
}

// The clock that answers the listing may be ahead of the one that dates objects.
TEST(Rules, R4_ATargetThatOurReceiptNamesIsOursWhateverTheClockSays) {
    MoveRig rig;
    rig.put("in/a", "body");
    rig.plan("in/a", "out/a");
    rig.first_answer = rig.clock.wall() + seconds(30);
    ASSERT_TRUE(rig.run());

    rig.become_undo();
    ASSERT_TRUE(rig.run());

    EXPECT_EQ(rig.final().state, ReceiptState::deleted) << rig.final().reason;
    EXPECT_TRUE(rig.there("in/a") && !rig.there("out/a"));
}

TEST(Rules, R4_ATargetWithoutAReceiptThatIsOlderThanTheRunIsLeftAndNamed) {
    expect_needed(4, [](int off) {
        MoveRig rig({.settings = without(off)});
        rig.put("in/a", "body");
        rig.plan("in/a", "out/a");
        const ObjectInfo theirs = rig.put("out/a", "body");
        rig.faults->add({.verb = Verb::copy, .action = FaultAction::die});
        EXPECT_FALSE(rig.run());
        rig.after_death();

        rig.become_undo();
        EXPECT_TRUE(rig.run());

        EXPECT_TRUE(rig.there("in/a"));
        return rig.bytes("out/a") == "body" && rig.final().state == ReceiptState::failed &&
               rig.final().reason == "target-left" && rig.final().detail.find(theirs.etag) != std::string::npos;
    });
}

TEST(Rules, R5_UndoNamesWhereThePlannedBytesAre) {
    expect_needed(5, [](int off) {
        MoveRig rig({.settings = without(off)});
        const ObjectInfo planned = rig.put("in/a", "body");
        rig.plan("in/a", "out/a");
        rig.faults->add({.verb = Verb::remove_many, .before = [&](const Call&) { rig.put("in/a", "new"); }});
        EXPECT_TRUE(rig.run());
        EXPECT_EQ(rig.final().state, ReceiptState::failed);

        rig.become_undo();
        EXPECT_TRUE(rig.run());

        return rig.final().state == ReceiptState::failed && rig.final().detail.find(planned.etag) != std::string::npos;
    });
}

// A store whose LastModified has whole seconds: a copy may have its source's.
TEST(Rules, R6_ACopyOfOursWithinTheSameSecondIsNoAlias) {
    for (const bool back : {false, true}) {
        MoveRig rig;
        ASSERT_TRUE(rig.store->put(rig.ctx, {"b", "in/a", {}}, "body"));  // and the clock stands still
        rig.plan("in/a", "out/a");
        rig.faults->add({.verb = Verb::remove_many, .action = FaultAction::die});
        EXPECT_FALSE(rig.run());
        ASSERT_EQ(rig.head("in/a").modified, rig.head("out/a").modified);
        rig.after_death();
        if (back) rig.become_undo();

        EXPECT_TRUE(rig.run());

        EXPECT_EQ(rig.final().state, ReceiptState::deleted) << rig.final().reason;
        EXPECT_EQ(rig.there("in/a"), back);
        EXPECT_EQ(rig.there("out/a"), !back);
    }
}

TEST(Rules, R6_NorIsOneInAnotherBucketUnderTheSameKey) {
    MoveRig rig;
    ASSERT_TRUE(rig.store->put(rig.ctx, {"b", "a", {}}, "body"));  // and the clock stands still
    rig.plan("a", "a");
    rig.actions[0].to = {.bucket = "c", .key = "a"};
    rig.actions[0].target_existed = false;
    rig.faults->add({.verb = Verb::remove_many, .action = FaultAction::die});
    EXPECT_FALSE(rig.run());
    rig.after_death();
    rig.become_undo();

    EXPECT_TRUE(rig.run());

    EXPECT_EQ(rig.final().state, ReceiptState::deleted) << rig.final().reason;
    EXPECT_TRUE(rig.there("a"));
    EXPECT_FALSE(rig.store->head(rig.ctx, {"c", "a", {}}));
}

TEST(Rules, R6_AnUndoThatMayBeLookingAtOneObjectFailsAndNamesIt) {
    MoveRig rig;
    ASSERT_TRUE(rig.store->put(rig.ctx, {"b", "in/a", {}}, "body"));
    rig.plan("in/a", "out/a");
    rig.faults->add({.verb = Verb::copy, .action = FaultAction::die_after});  // no receipt tells who made the target
    EXPECT_FALSE(rig.run());
    rig.after_death();
    rig.become_undo();

    EXPECT_TRUE(rig.run());

    EXPECT_EQ(rig.final().state, ReceiptState::failed);
    EXPECT_EQ(rig.final().reason, "alias");
    EXPECT_NE(rig.final().detail.find("out/a"), std::string::npos);
    EXPECT_TRUE(rig.there("in/a") && rig.there("out/a"));
}

TEST(Rules, R6_ATargetThatIsTheSourceUnderAnotherNameIsLeftAlone) {
    for (const Honours honours : {Honours::all, Honours::some, Honours::none}) {
        for (const bool exclusive : {false, true}) {
            expect_needed(6, [=](int off) {
                MoveSettings settings = without(off);
                settings.exclusive = exclusive;
                MoveRig rig({.honours = honours, .settings = settings, .store = {.alias = fold_slashes}});
                rig.put("in/a", "body");
                rig.plan("in/a", "in//a");
                rig.actions[0].to = {.bucket = "b", .key = "in//a"};  // listings show one name only
                rig.actions[0].target_existed = false;
                EXPECT_TRUE(rig.run());

                return rig.final().reason == "alias" && rig.bytes("in/a") == "body";
            });
        }
    }
}

TEST(Rules, R7_KeysThatCollapseIntoOneMustBeRefusedBeforehand) {
    const auto run_anyway = [] {
        MoveRig rig({.honours = Honours::none, .store = {.alias = fold_slashes}});
        rig.put("in/a", "one");
        rig.put("in/b", "two");
        rig.plan("in/a", "out/x");
        rig.plan("in/b", "out//x");
        // Both look before either copies, as two workers do.
        rig.faults->add({.verb = Verb::copy, .key = "out/x", .before = [&rig](const Call&) {
                             EXPECT_TRUE(rig.store->copy({}, {"b", "in/b", {}}, {"b", "out//x", {}}, {}));
                             rig.drop("in/b");
                         }});
        EXPECT_TRUE(rig.run());
        return rig.anywhere("one") && rig.anywhere("two");
    };

    EXPECT_FALSE(run_anyway()) << "nothing later can save both";
    EXPECT_TRUE(may_be_one_object("out/x", "out//x"));
    EXPECT_TRUE(may_be_one_object("out/./x", "out/y/../X/"));
    EXPECT_TRUE(may_be_one_object("\xc3\xa9", "e\xcc\x81"));
    EXPECT_FALSE(may_be_one_object("out/x", "out/y"));
}

// The seal itself is job's; this is what it is for.
TEST(Rules, R8_AParentThatIsResumedAgainstItsOwnUndoLosesBothCopies) {
    const auto play = [](bool sealed) {
        MoveRig rig;
        rig.put("in/a", "body");
        rig.plan("in/a", "out/a");
        rig.faults->add({.verb = Verb::remove_many, .action = FaultAction::die});
        EXPECT_FALSE(rig.run());
        rig.after_death();
        const Action action = rig.actions[0];
        const Earlier earlier = rig.journal->earlier(0);
        auto parent = rig.process();

        rig.become_undo();
        MemoryJournal second;
        rig.faults->add({.verb = Verb::remove, .before = [&](const Call&) {
                             if (sealed) return;
                             parent->perform(rig.ctx, action, earlier, second);
                             EXPECT_TRUE(parent->finish(rig.ctx, second));
                         }});
        EXPECT_TRUE(rig.run());
        return rig.anywhere("body");
    };

    EXPECT_TRUE(play(true));
    EXPECT_FALSE(play(false)) << "without the seal the scene must show the loss";
}

TEST(Rules, R9_AnUnansweredCopyIsWaitedForWhereNothingTiesItToItsSource) {
    expect_needed(9, [](int off) {
        MoveRig rig({.honours = Honours::none, .settings = without(off)});
        rig.put("in/a", "body");
        rig.plan("in/a", "out/a");
        rig.faults->add({.verb = Verb::copy, .action = FaultAction::defer, .delay = seconds(100)});
        rig.faults->add({.verb = Verb::remove_many, .after = [&](const Call&) { rig.put("in/a", "foreign"); }});
        EXPECT_TRUE(rig.run());
        rig.let_all_land();

        return rig.bytes("out/a") == "body";
    });
}

TEST(Rules, R9_SoIsACopyOfADeadProcess) {
    expect_needed(9, [](int off) {
        MoveRig rig({.honours = Honours::none, .settings = without(off)});
        rig.put("in/a", "body");
        rig.plan("in/a", "out/a");
        rig.faults->add({.verb = Verb::copy, .action = FaultAction::defer, .delay = seconds(100)});
        rig.faults->add({.verb = Verb::head, .skip = 1, .action = FaultAction::die});
        rig.settings.without_rules |= 1U << 9;  // the first process dies before it can wait
        EXPECT_FALSE(rig.run());
        rig.settings = without(off);
        rig.after_death();
        rig.faults->add({.verb = Verb::remove_many, .after = [&](const Call&) { rig.put("in/a", "foreign"); }});
        EXPECT_TRUE(rig.run());
        rig.let_all_land();

        return rig.bytes("out/a") == "body";
    });
}

TEST(Rules, R10_TheListingDoesNotProveThatATargetIsThere) {
    expect_needed(10, [](int off) {
        MoveRig rig({.settings = without(off)});
        rig.put("in/a", "body");
        rig.put("out/a", "body");
        rig.plan("in/a", "out/a");
        rig.drop("out/a");
        EXPECT_TRUE(rig.run());

        return rig.anywhere("body");
    });
}

TEST(Rules, R11_AVanishedSourceIsDoneOnlyWhenTheTargetHoldsIt) {
    expect_needed(11, [](int off) {
        MoveRig rig({.settings = without(off)});
        rig.put("in/a", "body");
        rig.plan("in/a", "out/a");
        rig.after_death();  // claimed, nothing recorded
        rig.drop("in/a");
        rig.put("out/a", "something else");
        EXPECT_TRUE(rig.run());

        return rig.final().state == ReceiptState::failed;
    });
}

TEST(Rules, R11_AndThenItIsDone) {
    MoveRig rig;
    rig.put("in/a", "body");
    rig.plan("in/a", "out/a");
    rig.after_death();
    rig.drop("in/a");
    rig.put("out/a", "body");

    ASSERT_TRUE(rig.run());

    EXPECT_EQ(rig.final().state, ReceiptState::done);
    EXPECT_EQ(rig.final().reason, "vanished");
}

TEST(Rules, R12_UndoLeavesATargetThatIsNotOurs) {
    expect_needed(12, [](int off) {
        MoveRig rig({.settings = without(off)});
        rig.put("in/a", "body");
        rig.plan("in/a", "out/a");
        rig.faults->add({.verb = Verb::remove_many, .action = FaultAction::die});
        EXPECT_FALSE(rig.run());
        rig.after_death();
        rig.put("out/a", "foreign");

        rig.become_undo();
        EXPECT_TRUE(rig.run());

        return rig.bytes("in/a") == "body" && rig.bytes("out/a") == "foreign";
    });
}

TEST(Rules, R13_ACopyOfAChangedSourceGoesOnlyUnderACondition) {
    expect_needed(13, [](int off) {
        MoveRig rig({.settings = without(off), .store = {.ignores = {.copy_source_if_match = true}}});
        rig.put("in/a", "body");
        rig.plan("in/a", "out/a");
        rig.put("in/a", "changed");
        rig.faults->add({.verb = Verb::remove, .before = [&](const Call&) { rig.put("out/a", "foreign"); }});
        EXPECT_TRUE(rig.run());

        EXPECT_EQ(rig.final().reason, "conflict");
        EXPECT_EQ(rig.bytes("in/a"), "changed");
        return rig.bytes("out/a") == "foreign";
    });
}

TEST(Rules, R13_WhereItIsProvenTheCopyGoesAgain) {
    MoveRig rig({.store = {.ignores = {.copy_source_if_match = true}}});
    rig.put("in/a", "body");
    rig.plan("in/a", "out/a");
    rig.put("in/a", "changed");

    ASSERT_TRUE(rig.run());

    EXPECT_EQ(rig.final().reason, "conflict");
    EXPECT_FALSE(rig.there("out/a"));
    EXPECT_EQ(rig.bytes("in/a"), "changed");
}

TEST(Rules, R13_WhereItIsNotTheCopyStaysAndIsNamed) {
    MoveRig rig({.honours = Honours::none});
    rig.put("in/a", "body");
    rig.plan("in/a", "out/a");
    const ObjectInfo changed = rig.put("in/a", "changed");

    ASSERT_TRUE(rig.run());

    EXPECT_EQ(rig.bytes("out/a"), "changed");
    EXPECT_NE(rig.final().detail.find(changed.etag), std::string::npos);
}

TEST(Rules, R14_ADeleteThatWasRefusedIsLookedAt) {
    for (const Honours honours : {Honours::all, Honours::some}) {
        expect_needed(14, [=](int off) {
            MoveRig rig({.honours = honours, .settings = without(off)});
            rig.put("in/a", "body");
            rig.plan("in/a", "out/a");
            const Verb verb = honours == Honours::all ? Verb::remove_many : Verb::remove;
            rig.faults->add({.verb = verb, .before = [&](const Call&) { rig.put("in/a", "changed"); }});
            EXPECT_TRUE(rig.run());

            EXPECT_EQ(rig.bytes("in/a"), "changed");
            return rig.final().reason == "conflict";
        });
    }
}

TEST(Rules, R15_TheSameBytesUnderAnotherETagAreTheSameTarget) {
    expect_needed(15, [](int off) {
        MoveRig rig({.honours = Honours::some, .opaque_etags = true, .settings = without(off)});
        rig.put("in/a", "body");
        rig.plan("in/a", "out/a");
        rig.faults->add({.verb = Verb::copy, .action = FaultAction::repeat_later});
        rig.faults->add({.verb = Verb::remove, .before = [&](const Call&) { rig.faults->land(); }});
        EXPECT_TRUE(rig.run());

        rig.become_undo();
        EXPECT_TRUE(rig.run());

        return rig.final().state == ReceiptState::deleted && rig.bytes("in/a") == "body";
    });
}

TEST(Rules, R16_ACopyThatAnEarlierProcessRecordedIsProvenAgain) {
    expect_needed(16, [](int off) {
        MoveRig rig({.settings = without(off)});
        rig.put("in/a", "body");
        rig.plan("in/a", "out/a");
        rig.faults->add({.verb = Verb::remove_many, .action = FaultAction::die});
        EXPECT_FALSE(rig.run());
        rig.after_death();
        rig.drop("out/a");
        EXPECT_TRUE(rig.run());

        return rig.anywhere("body");
    });
}

TEST(Rules, R16_SoIsOneThatHasWaitedTooLong) {
    expect_needed(16, [](int off) {
        MoveRig rig({.settings = without(off)});
        rig.put("in/a", "body");
        rig.plan("in/a", "out/a");
        auto mover = rig.process();
        mover->perform(rig.ctx, rig.actions[0], {}, *rig.journal);
        rig.clock.advance(minutes(11));
        rig.drop("out/a");
        EXPECT_TRUE(mover->finish(rig.ctx, *rig.journal));

        return rig.anywhere("body");
    });
}

// What the plan says of its targets was true when it was listed; another run has moved something there since.
TEST(Rules, R17_AStalePlanIsNotTrustedToSayThatATargetIsAbsent) {
    expect_needed(17, [](int off) {
        MoveSettings settings = without(off);
        settings.exclusive = settings.plan_is_stale = true;
        MoveRig rig({.honours = Honours::none, .settings = settings});
        rig.put("in/a", "body");
        rig.plan("in/a", "out/a");
        rig.put("out/a", "the only copy of another run's");
        EXPECT_TRUE(rig.run());

        return rig.bytes("out/a") == "the only copy of another run's" && rig.there("in/a");
    });
}

}  // namespace
}  // namespace dray
