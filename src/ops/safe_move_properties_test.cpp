// What belongs to an object beside its bytes: brought along, or the source is kept.
#include <gtest/gtest.h>

#include "ops/move_rig.h"

namespace dray {
namespace {

TEST(SafeMove, SendsTheStorageClassAndTheRedirectOfTheSourceAgain) {
    MoveRig rig({.settings = {.strict = true, .head_source = true}});
    rig.put("in/a", "body", {.content_type = "text/plain", .website_redirect = "/b", .storage_class = "STANDARD_IA"});
    rig.plan("in/a", "out/a");

    ASSERT_TRUE(rig.run());

    const Properties kept = rig.head("out/a").properties;
    EXPECT_EQ(kept.content_type, "text/plain");
    EXPECT_EQ(kept.website_redirect, "/b");
    EXPECT_EQ(kept.storage_class, "STANDARD_IA");
    EXPECT_EQ(rig.final().state, ReceiptState::deleted);
}

TEST(SafeMove, StrictKeepsTheSourceOfACopyThatLostAProperty) {
    MoveRig rig({.settings = {.strict = true}, .store = {.drops_properties_on_copy = true}});
    rig.put("in/a", "body", {.content_type = "text/plain"});
    rig.plan("in/a", "out/a");

    ASSERT_TRUE(rig.run());

    EXPECT_EQ(rig.final().reason, "property-lost");
    EXPECT_TRUE(rig.there("in/a"));
}

Properties with_tags() {
    return {.content_type = "text/plain",
            .metadata = {{"team", "blue"}},
            .tags = std::vector<NameValue>{{"cost", "17"}, {"who", "me"}}};
}

TEST(SafeMove, BringsTagsAlongWhereTheStoreDropsThem) {
    for (const bool plain : {true, false}) {
        MoveRig rig({.opaque_etags = !plain, .store = {.drops_tags_on_copy = true}});
        rig.capabilities.copies_tags = Guarantee::absent;
        rig.put("in/a", "body", with_tags());
        rig.plan("in/a", "out/a");

        ASSERT_TRUE(rig.run());

        EXPECT_EQ(rig.store->tags(rig.ctx, {"b", "out/a", {}}).value(), *with_tags().tags);
        EXPECT_EQ(rig.head("out/a").properties.metadata, with_tags().metadata);
        EXPECT_EQ(rig.final().state, ReceiptState::deleted);
        EXPECT_EQ(rig.final().lost, "");
    }
}

TEST(SafeMove, SetsTagsByThemselvesWhereTheCopyCannotCarryThem) {
    MoveRig rig({.store = {.drops_tags_on_copy = true}});
    rig.capabilities.copies_tags = Guarantee::absent;
    Properties properties = with_tags();
    properties.hidden_metadata = 1;  // so that nothing may be replaced
    rig.put("in/a", "body", properties);
    rig.plan("in/a", "out/a");

    ASSERT_TRUE(rig.run());

    EXPECT_EQ(rig.faults->calls(Verb::set_tags), 1U);
    EXPECT_EQ(rig.store->tags(rig.ctx, {"b", "out/a", {}}).value(), *with_tags().tags);
    EXPECT_EQ(rig.final().state, ReceiptState::deleted);
}

TEST(SafeMove, KeepsTheSourceWhenItsTagsCannotBeSetAtTheTarget) {
    MoveRig rig({.store = {.drops_tags_on_copy = true}});
    rig.capabilities.copies_tags = Guarantee::absent;
    Properties properties = with_tags();
    properties.hidden_metadata = 1;
    rig.put("in/a", "body", properties);
    rig.plan("in/a", "out/a");
    rig.faults->add({.verb = Verb::set_tags,
                     .action = FaultAction::fail,
                     .error = {.code = Code::denied, .message = "AccessDenied"}});

    ASSERT_TRUE(rig.run());

    EXPECT_EQ(rig.final().reason, "property-lost");
    EXPECT_EQ(rig.final().lost, "tags");
    EXPECT_NE(rig.final().detail.find("tag cost"), std::string::npos) << rig.final().detail;
    EXPECT_TRUE(rig.there("in/a"));
}

TEST(SafeMove, KeepsTheSourceWhoseTagsWereLostByACopyWithoutAnAnswer) {
    for (const bool lands : {true, false}) {
        MoveRig rig({.store = {.drops_tags_on_copy = true}});
        rig.capabilities.copies_tags = Guarantee::absent;
        rig.capabilities.copy_if_absent = Guarantee::proven;
        rig.put("in/a", "body", with_tags());
        rig.plan("in/a", "out/a");
        rig.faults->add({.verb = Verb::copy, .action = lands ? FaultAction::die_after : FaultAction::die});
        EXPECT_FALSE(rig.run());
        rig.after_death();
        EXPECT_TRUE(rig.store->set_tags(rig.ctx, {"b", "out/a", {}}, {}).has_value() == lands);

        ASSERT_TRUE(rig.run());

        EXPECT_EQ(rig.store->tags(rig.ctx, {"b", "out/a", {}}).value(), *with_tags().tags);
        EXPECT_EQ(rig.final().state, ReceiptState::deleted);
    }
}

TEST(SafeMove, DoesNotCopyWhatABareCopyWouldLoseForGood) {
    MoveRig rig({.store = {.drops_properties_on_copy = true}});
    rig.capabilities.copies_properties = Guarantee::absent;
    rig.put("in/a", "body", {.metadata = {{"seen", "1"}}, .hidden_metadata = 2});
    rig.plan("in/a", "out/a");

    ASSERT_TRUE(rig.run());

    EXPECT_EQ(rig.final().reason, "property-lost");
    EXPECT_EQ(rig.final().lost, "metadata");
    EXPECT_EQ(rig.faults->calls(Verb::copy), 0U);
    EXPECT_TRUE(rig.there("in/a"));
}

TEST(SafeMove, KeepsTheSourceOfAnyCopyThatIsSeenToLackAProperty) {
    for (const bool answered : {true, false}) {
        // The probe was wrong, or nobody could probe: what is seen counts.
        MoveRig rig({.opaque_etags = true, .store = {.drops_properties_on_copy = true}});
        rig.capabilities.copies_properties = Guarantee::unknown;
        rig.put("in/a", "body", {.content_type = "text/plain", .cache_control = "no-store", .metadata = {{"a", "1"}}});
        rig.plan("in/a", "out/a");
        if (!answered) rig.faults->add({.verb = Verb::copy, .action = FaultAction::lose_answer});

        ASSERT_TRUE(rig.run());

        EXPECT_EQ(rig.final().reason, "property-lost");
        EXPECT_EQ(rig.final().lost, "content,metadata");
        for (const char* name : {"content-type", "cache-control", "x-amz-meta-a"})
            EXPECT_NE(rig.final().detail.find(name), std::string::npos) << rig.final().detail;
        EXPECT_TRUE(rig.there("in/a"));
    }
}

TEST(SafeMove, GivesUpTheSourceWithoutWhatAPersonGaveUp) {
    MoveRig rig({.store = {.drops_properties_on_copy = true}});
    rig.settings.preserve = *PropertySet::parse("tags");
    rig.capabilities.copies_properties = Guarantee::unknown;
    rig.put("in/a", "body", {.content_type = "text/plain"});
    rig.plan("in/a", "out/a");

    ASSERT_TRUE(rig.run());

    EXPECT_EQ(rig.final().state, ReceiptState::deleted);
    EXPECT_EQ(rig.final().lost, "content");
}

TEST(SafeMove, OnlyReportsALostStorageClass) {
    MoveRig rig({.opaque_etags = true});
    rig.put("in/a", "body", {.storage_class = "GLACIER_IR"});
    rig.plan("in/a", "out/a");
    rig.faults->add({.verb = Verb::head, .key = "out/a", .before = [&](const Call&) {
                         EXPECT_TRUE(rig.store->copy(rig.ctx, {"b", "out/a", {}}, {"b", "aside", {}}, {}));
                     }});
    rig.actions[0].from.storage_class = "STANDARD_IA";  // listed so; the copy is asked for it and told otherwise

    ASSERT_TRUE(rig.run());

    EXPECT_EQ(rig.final().state, ReceiptState::deleted);
}

TEST(SafeMove, UndoKeepsTheTargetWhenBringingItBackLosesAProperty) {
    MoveRig rig({.opaque_etags = true, .store = {.drops_properties_on_copy = true}});
    rig.put("out/a", "body", {.content_type = "text/plain"});
    rig.capabilities.copies_properties = Guarantee::unknown;
    rig.actions.push_back({.what = Do::move_back,
                           .from = rig.side("out/a"),
                           .to = {.bucket = "b", .key = "in/a", .size = 4, .etag = "planned"},
                           .parent = ReceiptState::deleted});
    rig.parent_first_answer = WallTime{};

    ASSERT_TRUE(rig.run());

    EXPECT_EQ(rig.final().reason, "property-lost");
    EXPECT_TRUE(rig.there("out/a"));
}

TEST(SafeMove, SendsPropertiesAgainWhereCopiesAreBare) {
    MoveRig rig({.store = {.drops_properties_on_copy = true}});
    rig.capabilities.copies_properties = Guarantee::absent;
    const Properties properties{.content_type = "text/csv", .metadata = {{"station", "7"}}};
    rig.put("in/a", "body", properties);
    rig.plan("in/a", "out/a");

    ASSERT_TRUE(rig.run());

    ASSERT_EQ(rig.final().state, ReceiptState::deleted);
    EXPECT_EQ(rig.head("out/a").properties.content_type, "text/csv");
    EXPECT_EQ(rig.head("out/a").properties.metadata, properties.metadata);
}

}  // namespace
}  // namespace dray
