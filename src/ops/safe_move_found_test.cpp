// What a safe move finds and has not made: a target that was there, a source that came back, an absence that something
// in front of the store made up. Rules R19 to R21 of docs/safe-move.md.
#include <gtest/gtest.h>

#include "ops/move_rig.h"
#include "ops/rule_scene.h"

namespace dray {
namespace {

using std::chrono::seconds;

const auto kNotThere = Error{.code = Code::not_found, .message = "404 of a proxy"};

const Properties kPrecious{.content_type = "text/x-precious", .metadata = {{"owner", "alice"}}};

Properties tagged(const std::string& owner) {
    return {.tag_count = 1, .tags = std::vector<NameValue>{{"owner", owner}}};
}

std::size_t heads_of(const MoveRig& rig, const std::string& key) {
    const auto trace = rig.faults->trace();
    return static_cast<std::size_t>(std::count_if(trace.begin(), trace.end(), [&](const CallRecord& call) {
        return call.verb == Verb::head && call.key == key;
    }));
}

TEST(Rules, R19_AFoundTargetIsLookedAtOnceMoreBeforeTheDelete) {
    expect_needed(19, [](int off) {
        MoveRig rig({.settings = without(off)});
        rig.put("in/a", "body");
        rig.put("out/a", "body");
        rig.plan("in/a", "out/a");
        // A second mover takes it away after the proof.
        rig.faults->add({.verb = Verb::head, .key = "in/a", .after = [&](const Call&) { rig.drop("out/a"); }});
        EXPECT_TRUE(rig.run());

        return rig.anywhere("body");
    });
}

TEST(Rules, R20_AnAbsenceThatContradictsTheListingDoesNotCountByItself) {
    expect_needed(20, [](int off) {
        MoveRig rig({.honours = Honours::none, .settings = without(off)});
        rig.put("in/a", "body");
        rig.put("out/a", "somebody else's");
        rig.plan("in/a", "out/a");
        rig.faults->add({.verb = Verb::head, .key = "out/a", .action = FaultAction::fail, .error = kNotThere});
        EXPECT_TRUE(rig.run());

        return rig.bytes("out/a") == "somebody else's" && rig.bytes("in/a") == "body";
    });
}

TEST(Rules, R20_ASourceIsNotGoneBecauseAProxySaysSo) {
    for (const Verb verb : {Verb::remove, Verb::head}) {
        expect_needed(20, [verb](int off) {
            MoveRig rig({.honours = Honours::some, .settings = without(off)});
            rig.put("in/a", "body");
            rig.plan("in/a", "out/a");
            rig.faults->add({.verb = Verb::remove, .action = FaultAction::fail, .error = kNotThere});
            if (verb == Verb::head)
                rig.faults->add({.verb = Verb::head, .key = "in/a", .action = FaultAction::fail, .error = kNotThere});
            EXPECT_TRUE(rig.run());

            const bool gone = !rig.there("in/a");
            return verb == Verb::remove ? gone && off == 0 : gone;
        });
    }
}

TEST(FoundTarget, WhoMayNotListTakesTheAnswerToHeadForTrue) {
    MoveRig rig({.honours = Honours::some});
    rig.put("in/a", "body");
    rig.plan("in/a", "out/a");
    rig.faults->add({.verb = Verb::list,
                     .count = UINT32_MAX,
                     .action = FaultAction::fail,
                     .error = {.code = Code::denied, .message = "AccessDenied"}});
    rig.faults->add({.verb = Verb::remove, .before = [&](const Call&) { rig.drop("in/a"); }});
    EXPECT_TRUE(rig.run());

    EXPECT_TRUE(is_final(rig.final().state));
    EXPECT_EQ(rig.bytes("out/a"), "body");
}

TEST(FoundTarget, OneThatStaysHiddenBehindAProxyIsNeverWrittenTo) {
    MoveRig rig({.honours = Honours::none});
    rig.put("in/a", "body");
    rig.put("out/a", "somebody else's");
    rig.plan("in/a", "out/a");
    rig.faults->add(
        {.verb = Verb::head, .key = "out/a", .count = 1000, .action = FaultAction::fail, .error = kNotThere});

    ASSERT_TRUE(rig.run());

    EXPECT_EQ(rig.final().state, ReceiptState::failed);
    EXPECT_EQ(rig.final().reason, "not-an-answer");
    EXPECT_EQ(rig.bytes("out/a"), "somebody else's");
    EXPECT_EQ(rig.bytes("in/a"), "body");
    EXPECT_LE(heads_of(rig, "out/a"), 30U) << "it is not asked for ever";
}

TEST(FoundTarget, OneThatIsReallyGoneByNowIsCopiedTo) {
    MoveRig rig({.honours = Honours::none});
    rig.put("in/a", "body");
    rig.put("out/a", "somebody else's");
    rig.plan("in/a", "out/a");
    rig.drop("out/a");
    rig.put("out/a-longer", "a neighbour in the listing");

    ASSERT_TRUE(rig.run());

    EXPECT_EQ(rig.final().state, ReceiptState::deleted);
    EXPECT_EQ(rig.bytes("out/a"), "body");
    EXPECT_EQ(rig.faults->calls(Verb::list), 1U);
}

TEST(FoundTarget, ACalmMoveAndACalmUndoListNothing) {
    for (const Honours honours : {Honours::all, Honours::some, Honours::none}) {
        MoveRig rig({.honours = honours});
        rig.put("in/a", "body");
        rig.plan("in/a", "out/a");
        ASSERT_TRUE(rig.run());
        rig.become_undo();
        ASSERT_TRUE(rig.run());

        EXPECT_EQ(rig.bytes("in/a"), "body");
        EXPECT_EQ(rig.faults->calls(Verb::list), 0U) << name_of(honours);
    }
}

TEST(Rules, R21_AFoundTargetIsEqualOnlyWithAllThatBelongsToIt) {
    struct Case {
        const char* what;
        Properties source, target;
    };
    const std::vector<Case> cases{
        {"a tag's value", tagged("alice"), tagged("bob")},
        {"class", {.storage_class = "GLACIER_IR"}, {}},
        {"class of the target", {}, {.storage_class = "GLACIER_IR"}},
        {"redirect", {.website_redirect = "/elsewhere"}, {}},
        {"encryption", {.encryption = "aws:kms", .kms_key_id = "k1"}, {}},
        {"key", {.encryption = "aws:kms", .kms_key_id = "k1"}, {.encryption = "aws:kms", .kms_key_id = "k2"}},
        {"legal hold", {.legal_hold = "ON"}, {}},
    };
    for (const Case& one : cases) {
        SCOPED_TRACE(one.what);
        expect_needed(21, [&](int off) {
            MoveRig rig({.settings = without(off)});
            rig.put("in/a", "body", one.source);
            rig.put("out/a", "body", one.target);
            rig.plan("in/a", "out/a");
            EXPECT_TRUE(rig.run());
            if (off == 0) {
                EXPECT_EQ(rig.final().reason, "conflict");
            }

            return rig.there("in/a");
        });
    }
}

TEST(FoundTarget, IsEqualWithTheSameTagsAndWhatTheBucketAddsToIt) {
    MoveRig rig;
    Properties source = tagged("alice"), target = tagged("alice");
    target.encryption = "AES256";
    rig.put("in/a", "body", source);
    rig.put("out/a", "body", target);
    rig.plan("in/a", "out/a");

    ASSERT_TRUE(rig.run());

    EXPECT_EQ(rig.final().state, ReceiptState::deleted) << rig.final().detail;
    EXPECT_EQ(rig.final().reason, "equal");
}

TEST(FoundTarget, OfTheClassThatWasAskedForIsEqual) {
    MoveRig rig({.settings = {.storage_class = "STANDARD_IA"}});
    rig.put("in/a", "body");
    rig.put("out/a", "body", {.storage_class = "STANDARD_IA"});
    rig.plan("in/a", "out/a");

    ASSERT_TRUE(rig.run());

    EXPECT_EQ(rig.final().state, ReceiptState::deleted) << rig.final().detail;
}

TEST(Rules, R21_UndoKeepsTheTargetBesideBareBytesAtTheSource) {
    expect_needed(21, [](int off) {
        MoveRig rig({.settings = without(off)});
        rig.put("in/a", "body", kPrecious);
        rig.plan("in/a", "out/a");
        EXPECT_TRUE(rig.run());
        rig.put("in/a", "body");  // somebody's, without what belonged to it

        rig.become_undo();
        EXPECT_TRUE(rig.run());

        const bool kept = rig.head("out/a").properties.metadata == kPrecious.metadata;
        if (off == 0) {
            EXPECT_EQ(rig.final().reason, "property-lost");
        }
        return kept && rig.there("in/a");
    });
}

TEST(Rules, R21_UndoKeepsTheTargetBesideASourceWithOtherTags) {
    expect_needed(21, [](int off) {
        MoveRig rig({.settings = without(off)});
        rig.put("in/a", "body", tagged("alice"));
        rig.plan("in/a", "out/a");
        EXPECT_TRUE(rig.run());
        rig.put("in/a", "body", tagged("bob"));

        rig.become_undo();
        EXPECT_TRUE(rig.run());

        return rig.there("out/a");
    });
}

TEST(FoundTarget, UndoTakesAwayACopyOfASourceThatNeverWent) {
    MoveRig rig({.settings = {.encryption = "aws:kms", .kms_key_id = "k1"}});
    rig.put("in/a", "body", kPrecious);
    rig.plan("in/a", "out/a");
    rig.faults->add({.verb = Verb::remove_many, .action = FaultAction::die});
    EXPECT_FALSE(rig.run());
    rig.after_death();

    rig.become_undo();
    ASSERT_TRUE(rig.run());

    EXPECT_FALSE(rig.there("out/a")) << "what the run gave its copies is no property of the source";
    EXPECT_EQ(rig.head("in/a").properties.metadata, kPrecious.metadata);
}

TEST(FoundTarget, AResumeLeavesABareObjectAtTheTarget) {
    for (const bool strict : {false, true}) {
        MoveRig rig({.settings = {.strict = strict}});
        rig.put("in/a", "body", kPrecious);
        rig.plan("in/a", "out/a");
        rig.faults->add({.verb = Verb::copy, .action = FaultAction::die});
        EXPECT_FALSE(rig.run());
        rig.after_death();
        rig.put("out/a", "body");

        EXPECT_TRUE(rig.run());

        EXPECT_EQ(rig.final().state, ReceiptState::failed);
        EXPECT_EQ(rig.head("in/a").properties.metadata, kPrecious.metadata) << "the only object with its metadata";
    }
}

TEST(FoundTarget, AResumeDoesNotTakeAnothersTagsForItsOwn) {
    MoveRig rig;
    rig.put("in/a", "body", tagged("alice"));
    rig.plan("in/a", "out/a");
    rig.faults->add({.verb = Verb::copy, .action = FaultAction::die});
    EXPECT_FALSE(rig.run());
    rig.after_death();
    rig.put("out/a", "body", tagged("bob"));

    EXPECT_TRUE(rig.run());

    EXPECT_TRUE(rig.there("in/a"));
    EXPECT_EQ(rig.store->tags(rig.ctx, {MoveRig::kBucket, "out/a", {}})->front().value, "bob");
}

TEST(SafeMove, KeepsASourceWhoseEncryptionTheCopyLacks) {
    MoveRig rig({.settings = {.strict = true}});
    rig.put("in/a", "body", {.encryption = "aws:kms", .kms_key_id = "k1"});
    rig.plan("in/a", "out/a");

    ASSERT_TRUE(rig.run());

    EXPECT_EQ(rig.final().reason, "property-lost");
    EXPECT_NE(rig.final().detail.find("server-side-encryption"), std::string::npos) << rig.final().detail;
    EXPECT_EQ(rig.head("in/a").properties.encryption, "aws:kms");
}

TEST(SafeMove, ReadsSourcesFirstOnceOneWasSeenToHaveAKeyOfItsOwn) {
    MoveRig rig({.opaque_etags = true});  // as S3's are then
    rig.put("in/a", "body", {.encryption = "aws:kms", .kms_key_id = "k1"});
    rig.put("in/b", "body", {.encryption = "aws:kms", .kms_key_id = "k2"});
    rig.plan("in/a", "out/a");
    rig.plan("in/b", "out/b");

    ASSERT_TRUE(rig.run());

    EXPECT_EQ(rig.final(0).reason, "property-lost");
    EXPECT_EQ(rig.final(1).state, ReceiptState::deleted) << rig.final(1).detail;
    EXPECT_EQ(rig.head("out/b").properties.kms_key_id, "k2");
}

TEST(SafeMove, TakesTheEncryptionAlongWhereSourcesAreRead) {
    MoveRig rig({.settings = {.strict = true, .head_source = true}});
    rig.put("in/a", "body", {.encryption = "aws:kms", .kms_key_id = "k1"});
    rig.plan("in/a", "out/a");

    ASSERT_TRUE(rig.run());

    EXPECT_EQ(rig.final().state, ReceiptState::deleted) << rig.final().detail;
    EXPECT_EQ(rig.head("out/a").properties.kms_key_id, "k1");
}

// Two uploads of one second: only their versions tell that they are two objects (E25).
TEST(FoundTarget, UploadedInTheSameSecondIsNoAliasWhereVersionsTellThemApart) {
    for (const bool versioned : {false, true}) {
        MoveRig rig({.store = {.versioned = versioned}});
        ASSERT_TRUE(rig.store->put(rig.ctx, {MoveRig::kBucket, "in/a", {}}, "body"));
        ASSERT_TRUE(rig.store->put(rig.ctx, {MoveRig::kBucket, "out/a", {}}, "body"));
        rig.clock.advance(seconds(2));
        rig.plan("in/a", "out/a");

        ASSERT_TRUE(rig.run());

        EXPECT_EQ(rig.there("in/a"), !versioned);
        EXPECT_EQ(rig.final().reason, versioned ? "equal" : "alias");
    }
}

}  // namespace
}  // namespace dray
