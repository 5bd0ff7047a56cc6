// A copy: the safe move without its delete, what it does with objects at its target, and its undo.
#include <gtest/gtest.h>

#include "ops/move_rig.h"

namespace dray {
namespace {

constexpr Honours kHonours[] = {Honours::all, Honours::some, Honours::none};

RigOptions copying(RigOptions options = {}) {
    options.settings.what = Do::copy;
    options.settings.preserve = PropertySet();
    return options;
}

RigOptions copying(Overwrite overwrite, Honours honours = Honours::all) {
    RigOptions options = copying({.honours = honours});
    options.settings.overwrite = overwrite;
    return options;
}

TEST(Copy, LeavesItsSourceAndEndsWithTheReceiptOfWhatItMade) {
    for (const Honours honours : kHonours) {
        for (const bool opaque : {false, true}) {
            MoveRig rig(copying({.honours = honours, .opaque_etags = opaque}));
            rig.put_and_plan({"a", "b"});

            ASSERT_TRUE(rig.run());

            for (const char* key : {"in/a", "out/a"})
                EXPECT_EQ(rig.bytes(key), "a") << name_of(honours);
            EXPECT_EQ(rig.final(0).state, ReceiptState::done);
            EXPECT_EQ(rig.final(0).reason, "copied");
            EXPECT_EQ(rig.final(0).etag, rig.head("out/a").etag);
            EXPECT_NE(rig.final(0).proof, Proof::none);
            EXPECT_EQ(rig.journal->all().size(), 2U) << "one receipt an object";
        }
    }
}

TEST(Copy, TakesOneRequestWhereConditionsAreProvenAndTwoElsewhere) {
    for (const Honours honours : kHonours) {
        MoveRig rig(copying({.honours = honours}));
        rig.put_and_plan({"a", "b", "c"});

        ASSERT_TRUE(rig.run());

        const std::size_t each = honours == Honours::all ? 1 : 2;
        EXPECT_EQ(rig.requests(), 3 * each) << name_of(honours);
        EXPECT_EQ(SafeMove::requests_each({.capabilities = {rig.capabilities}, .settings = rig.settings}, 0),
                  static_cast<double>(each));
    }
}

TEST(Copy, BringsEveryPropertyAlong) {
    MoveRig rig(copying());
    const Properties properties{.content_type = "text/csv",
                                .content_encoding = "gzip",
                                .cache_control = "no-store",
                                .expires = "tomorrow",
                                .metadata = {{"impresso-last-ts", "2024"}},
                                .tags = std::vector<NameValue>{{"team", "x"}}};
    rig.put("in/a", "body", properties);
    rig.plan("in/a", "out/a");

    ASSERT_TRUE(rig.run());

    EXPECT_TRUE(lost_properties(rig.head("in/a").properties, rig.head("out/a").properties).empty());
    auto tags = rig.store->tags(rig.ctx, {MoveRig::kBucket, "out/a", {}});
    ASSERT_TRUE(tags);
    EXPECT_EQ(*tags, *properties.tags);
}

TEST(Copy, CountsAPropertyThatTheStoreDropsAndFailsForItOnlyWhenAsked) {
    for (const bool asked : {false, true}) {
        RigOptions options = copying({.store = {.drops_properties_on_copy = true}});
        if (asked) options.settings.preserve = PropertySet::all();
        MoveRig rig(options);
        rig.capabilities.copies_properties = Guarantee::absent;
        // What HTTP cannot show cannot be sent with the copy.
        rig.put("in/a", "body", {.metadata = {{"owner", "us"}}, .hidden_metadata = 1});
        rig.plan("in/a", "out/a");

        ASSERT_TRUE(rig.run());

        EXPECT_EQ(rig.final().lost, "metadata");
        EXPECT_EQ(rig.final().state, asked ? ReceiptState::failed : ReceiptState::done) << rig.final().detail;
    }
}

TEST(Copy, SkipsWhatIsEqualInBytesAndPropertiesAndKeepsWhatIsNot) {
    struct Case {
        std::string body, owner, reason;
        ReceiptState state;
    };
    const std::vector<Case> cases{{"body", "us", "equal", ReceiptState::skipped},
                                  {"body", "them", "conflict", ReceiptState::failed},
                                  {"other", "us", "conflict", ReceiptState::failed},
                                  {"same", "us", "conflict", ReceiptState::failed}};
    for (const Honours honours : kHonours) {
        for (const Case& one : cases) {
            MoveRig rig(copying({.honours = honours}));
            rig.put("in/a", "body", {.metadata = {{"owner", "us"}}});
            rig.put("out/a", one.body, {.metadata = {{"owner", one.owner}}});
            rig.plan("in/a", "out/a");

            ASSERT_TRUE(rig.run());

            EXPECT_EQ(rig.final().state, one.state) << one.body << one.owner;
            EXPECT_EQ(rig.final().reason, one.reason) << one.body << one.owner;
            EXPECT_TRUE(rig.final().untouched) << "nothing was sent that changes anything";
            EXPECT_EQ(rig.bytes("out/a"), one.body);
            EXPECT_EQ(rig.faults->calls(Verb::copy), 0U);
        }
    }
}

TEST(Copy, ATargetThatAppearsAfterThePlanIsLookedAt) {
    for (const Honours honours : kHonours) {
        for (const std::string body : {"body", "other"}) {
            MoveRig rig(copying({.honours = honours}));
            rig.put("in/a", "body");
            rig.plan("in/a", "out/a");
            rig.put("out/a", body);

            ASSERT_TRUE(rig.run());

            EXPECT_EQ(rig.final().reason, body == "body" ? "equal" : "conflict");
            EXPECT_EQ(rig.bytes("out/a"), body);
        }
    }
}

TEST(Copy, OverwritesOnlyAsMuchAsWasAskedFor) {
    struct Case {
        Overwrite overwrite;
        bool older;  // the target is older than the source
        std::string target, reason;
    };
    const std::vector<Case> cases{
        {Overwrite::newer, true, "other", "overwritten"},   {Overwrite::newer, false, "other", "not-newer"},
        {Overwrite::newer, true, "body", "equal"},          {Overwrite::changed, false, "other", "overwritten"},
        {Overwrite::changed, false, "same", "overwritten"}, {Overwrite::changed, false, "body", "equal"},
        {Overwrite::always, false, "other", "overwritten"}, {Overwrite::always, false, "body", "overwritten"}};
    for (const Honours honours : kHonours) {
        for (const bool listed : {true, false}) {
            for (const Case& one : cases) {
                MoveRig rig(copying(one.overwrite, honours));
                if (one.older) rig.put("out/a", one.target);
                rig.put("in/a", "body");
                if (!one.older) rig.put("out/a", one.target);
                rig.plan("in/a", "out/a");
                if (!listed) rig.actions.back().to = {.bucket = MoveRig::kBucket, .key = "out/a"};
                rig.actions.back().target_existed = listed;

                ASSERT_TRUE(rig.run());

                const std::string what = one.target + ", " + one.reason + (listed ? ", listed" : "");
                EXPECT_EQ(rig.final().reason, one.reason) << what;
                EXPECT_EQ(rig.bytes("out/a"), one.reason == "not-newer" ? one.target : "body") << what;
                EXPECT_EQ(rig.bytes("in/a"), "body");
            }
        }
    }
}

TEST(Copy, OverwritingWhatTheListingKnewTakesOneRequest) {
    for (const Honours honours : kHonours) {
        for (const Overwrite overwrite : {Overwrite::changed, Overwrite::always}) {
            MoveRig rig(copying(overwrite, honours));
            rig.put("in/a", "body");
            rig.put("out/a", "longer body");
            rig.plan("in/a", "out/a");

            ASSERT_TRUE(rig.run());

            EXPECT_EQ(rig.requests(), 1U) << name_of(honours);
            EXPECT_EQ(rig.bytes("out/a"), "body");
        }
    }
}

TEST(Copy, ChangesPropertiesAndSendsAllOthersAgain) {
    RigOptions options = copying();
    options.settings.changes = {.content = {{"content-type", "text/plain"}},
                                .metadata = {{"owner", "them"}, {"added", "1"}}};
    MoveRig rig(options);
    const Properties had{.content_type = "text/csv",
                         .cache_control = "no-store",
                         .metadata = {{"kept", "yes"}, {"owner", "us"}},
                         .tags = std::vector<NameValue>{{"team", "x"}}};
    rig.put("in/a", "body", had);
    rig.plan("in/a", "out/a");

    ASSERT_TRUE(rig.run());
    const Properties now = rig.head("out/a").properties;
    EXPECT_EQ(now.content_type, "text/plain");
    EXPECT_EQ(now.cache_control, "no-store");
    EXPECT_EQ(now.metadata, (std::vector<NameValue>{{"added", "1"}, {"kept", "yes"}, {"owner", "them"}}));
    EXPECT_EQ(now.tag_count, 1U);
    EXPECT_EQ(rig.head("in/a").properties.content_type, "text/csv");

    // Asked for again it finds the target as it would make it.
    rig.actions.clear();
    rig.journal = std::make_unique<MemoryJournal>();
    rig.plan("in/a", "out/a");
    ASSERT_TRUE(rig.run());
    EXPECT_EQ(rig.final().reason, "equal") << rig.final().detail;
}

TEST(Copy, MetadataThatCannotBeReadRefusesAChangeOfProperties) {
    RigOptions options = copying();
    options.settings.changes = {.content = {}, .metadata = {{"owner", "them"}}};
    MoveRig rig(options);
    rig.put("in/a", "body", {.hidden_metadata = 2});
    rig.plan("in/a", "out/a");

    ASSERT_TRUE(rig.run());

    EXPECT_EQ(rig.final().reason, "property-lost");
    EXPECT_FALSE(rig.there("out/a"));
}

TEST(Copy, OfASourceThatChangedOrWentIsAFailureThatNamesIt) {
    for (const Honours honours : kHonours) {
        MoveRig rig(copying({.honours = honours}));
        rig.put_and_plan({"a", "b"});
        rig.put("in/a", "another");
        rig.drop("in/b");

        ASSERT_TRUE(rig.run());

        EXPECT_EQ(rig.final(0).reason, "conflict") << name_of(honours);
        EXPECT_EQ(rig.final(1).reason, "not_found") << name_of(honours);
        EXPECT_FALSE(rig.there("out/b"));
        EXPECT_TRUE(honours == Honours::none || !rig.there("out/a"));
    }
}

TEST(Copy, AnAnswerThatWasLostIsLookedAtAndWaitsForNothing) {
    for (const Honours honours : kHonours) {
        for (const FaultAction action : {FaultAction::lose_answer, FaultAction::defer}) {
            MoveRig rig(copying({.honours = honours}));
            rig.put_and_plan({"a"});
            rig.faults->add({.verb = Verb::copy, .action = action});
            const WallTime begun = rig.clock.wall();

            ASSERT_TRUE(rig.run());

            EXPECT_EQ(rig.final().reason, "copied") << name_of(honours) << rig.final().detail;
            EXPECT_LT(rig.clock.wall() - begun, Nanos(kQuietTime)) << "no delete follows that could go wrong";
            rig.let_all_land();
            EXPECT_EQ(rig.bytes("out/a"), "a");
        }
    }
}

TEST(Copy, GoneOnWithAfterADeathItEndsAsACalmOne) {
    for (const Honours honours : kHonours) {
        for (const FaultAction action : {FaultAction::die, FaultAction::die_after}) {
            MoveRig rig(copying({.honours = honours}));
            rig.put("in/there", "there");
            rig.put("out/there", "there");
            rig.plan("in/there", "out/there");
            rig.put_and_plan({"a"});
            rig.faults->add({.verb = Verb::copy, .action = action});
            (void)rig.run();
            rig.after_death();

            ASSERT_TRUE(rig.run());

            EXPECT_EQ(rig.final(0).reason, "equal") << "what the listing knew is not taken for ours";
            EXPECT_EQ(rig.final(1).reason, "copied");
            EXPECT_EQ(rig.bytes("out/a"), "a");
        }
    }
}

TEST(Copy, UndoTakesAwayWhatItMadeAndNothingElse) {
    for (const Honours honours : kHonours) {
        for (const bool opaque : {false, true}) {
            MoveRig rig(copying({.honours = honours, .opaque_etags = opaque}));
            rig.put("in/there", "there");
            rig.put("out/there", "there");
            rig.plan("in/there", "out/there");
            rig.put_and_plan({"a"});
            ASSERT_TRUE(rig.run());

            rig.become_undo();
            ASSERT_TRUE(rig.run());

            EXPECT_EQ(rig.bytes("in/a"), "a") << name_of(honours);
            EXPECT_FALSE(rig.there("out/a")) << name_of(honours);
            EXPECT_EQ(rig.bytes("out/there"), "there");
        }
    }
}

TEST(Copy, UndoRemovesATargetOnlyWhileItsSourceIsSeenAsPlanned) {
    for (const Honours honours : kHonours) {
        MoveRig rig(copying({.honours = honours}));
        rig.put_and_plan({"changed", "gone", "theirs"});
        ASSERT_TRUE(rig.run());
        rig.put("in/changed", "another");
        rig.drop("in/gone");
        rig.put("out/theirs", "foreign");

        rig.become_undo();
        ASSERT_TRUE(rig.run());

        EXPECT_EQ(rig.final(0).reason, "conflict");
        EXPECT_EQ(rig.bytes("out/changed"), "changed") << "the only planned bytes";
        EXPECT_EQ(rig.bytes("in/gone"), "gone") << "moved back";
        EXPECT_FALSE(rig.there("out/gone"));
        EXPECT_EQ(rig.final(2).reason, "target-left");
        EXPECT_EQ(rig.bytes("out/theirs"), "foreign");
    }
}

TEST(Copy, UndoOnAVersionedBucketTakesOffTheVersionThatItPutOnTop) {
    for (const bool foreign : {false, true}) {
        RigOptions options = copying(Overwrite::always);
        options.store.versioned = true;
        MoveRig rig(options);
        rig.put("in/a", "body");
        const ObjectInfo before = rig.put("out/a", "before");
        rig.plan("in/a", "out/a");
        ASSERT_TRUE(rig.run());
        ASSERT_EQ(rig.bytes("out/a"), "body");
        if (foreign) rig.put("out/a", "foreign");

        rig.become_undo();
        ASSERT_TRUE(rig.run());

        EXPECT_EQ(rig.bytes("out/a"), foreign ? "foreign" : "before");
        EXPECT_EQ(rig.head("out/a").version == before.version, !foreign);
        EXPECT_EQ(rig.bytes("in/a"), "body");
    }
}

TEST(Copy, TwoNamesOfOneObjectAreEqualAndNeverWrittenTo) {
    const auto one = [](std::string_view key) { return std::string(key == "out/a" ? std::string_view("in/a") : key); };
    for (const Overwrite overwrite : {Overwrite::never, Overwrite::always}) {
        RigOptions options = copying(overwrite, Honours::none);
        options.store.alias = one;
        MoveRig rig(options);
        rig.put("in/a", "body");
        rig.plan("in/a", "out/a");
        rig.actions.back().to = {.bucket = MoveRig::kBucket, .key = "out/a"};
        rig.actions.back().target_existed = false;

        ASSERT_TRUE(rig.run());
        EXPECT_EQ(rig.final().reason, overwrite == Overwrite::never ? "equal" : "alias");
        EXPECT_EQ(rig.faults->calls(Verb::copy), 0U);

        rig.become_undo();
        ASSERT_TRUE(rig.run());
        EXPECT_EQ(rig.bytes("in/a"), "body");
    }
}

}  // namespace
}  // namespace dray
