#include "ops/safe_move.h"

#include <gtest/gtest.h>

#include "ops/move_rig.h"
#include "ops/remove_stage.h"
#include "store/wrapped_store.h"

namespace dray {
namespace {

using std::chrono::seconds;

struct Bill {
    const char* name;
    Honours honours;
    MoveSettings settings;
    std::size_t each;  // beside the batch deletes
    std::size_t batches;
    bool opaque = false;  // no ETag is a plain MD5
};

class RequestTable : public testing::TestWithParam<Bill> {};

TEST_P(RequestTable, IsWhatTheStoreCounts) {
    constexpr std::size_t kObjects = 50;
    const Bill& bill = GetParam();
    MoveRig rig({.honours = bill.honours, .opaque_etags = bill.opaque, .settings = bill.settings});
    for (std::size_t i = 0; i < kObjects; ++i) {
        const std::string name = std::to_string(i);
        rig.put("in/" + name, "body " + name);
        rig.plan("in/" + name, "out/" + name);
    }

    ASSERT_TRUE(rig.run());

    EXPECT_EQ(rig.requests(), kObjects * bill.each + bill.batches);
    EXPECT_NEAR(SafeMove::requests_each(
                    {.stores = {rig.store.get()}, .capabilities = {rig.capabilities}, .settings = bill.settings},
                    bill.opaque ? 1 : 0),
                static_cast<double>(bill.each), 0.5);
    std::size_t told = 0;
    for (const Receipt& receipt : rig.journal->all())
        told += receipt.requests;
    EXPECT_EQ(told, rig.requests()) << "receipts add up to what was sent";
    for (std::size_t i = 0; i < kObjects; ++i) {
        EXPECT_EQ(rig.bytes("out/" + std::to_string(i)), "body " + std::to_string(i));
        EXPECT_FALSE(rig.there("in/" + std::to_string(i)));
        EXPECT_EQ(rig.final(i).state, ReceiptState::deleted);
    }
}

INSTANTIATE_TEST_SUITE_P(Stores, RequestTable,
                         testing::Values(Bill{"all", Honours::all, {}, 1, 1}, Bill{"some", Honours::some, {}, 3, 0},
                                         Bill{"none", Honours::none, {}, 3, 1},
                                         Bill{"all_head_source", Honours::all, {.head_source = true}, 2, 1},
                                         Bill{"all_opaque", Honours::all, {}, 3, 1, true},
                                         Bill{
                                             "all_opaque_head_source", Honours::all, {.head_source = true}, 3, 1, true},
                                         Bill{"none_opaque", Honours::none, {}, 4, 1, true},
                                         Bill{"some_exclusive", Honours::some, {.exclusive = true}, 1, 1},
                                         Bill{"none_exclusive", Honours::none, {.exclusive = true}, 1, 1}),
                         [](const auto& bill) { return bill.param.name; });

TEST(SafeMove, AsksTheTargetOnceMoreWhereETagsProveNothing) {
    MoveRig rig({.opaque_etags = true, .store = {.no_checksums = true}});
    rig.capabilities.checksums = Guarantee::absent;
    rig.put("in/a", "body");
    rig.plan("in/a", "out/a");

    ASSERT_TRUE(rig.run());

    EXPECT_EQ(rig.requests(), 3U) << "copy, HEAD, batch";
    EXPECT_EQ(rig.journal->all().front().proof, Proof::size);
    EXPECT_EQ(rig.final().state, ReceiptState::deleted);
}

TEST(SafeMove, ComparesChecksumsWhereETagsProveNothing) {
    MoveRig rig({.opaque_etags = true});
    rig.put("in/a", "body");
    rig.plan("in/a", "out/a");

    ASSERT_TRUE(rig.run());

    EXPECT_EQ(rig.journal->all().front().proof, Proof::checksum);
    EXPECT_EQ(rig.journal->all().front().checksum.substr(0, 10), "CRC64NVME:");
    EXPECT_EQ(rig.bytes("out/a"), "body");
    EXPECT_FALSE(rig.there("in/a"));
}

TEST(SafeMove, ReadsBothSidesWhenAskedForBytes) {
    MoveRig rig({.settings = {.proof = WantedProof::bytes}});
    rig.put("in/a", "body");
    rig.plan("in/a", "out/a");

    ASSERT_TRUE(rig.run());

    EXPECT_EQ(rig.journal->all().front().proof, Proof::bytes);
    EXPECT_EQ(rig.faults->calls(Verb::get), 2U);
}

TEST(SafeMove, KeepsTheSourceWhenTheChecksumAskedForIsNotTold) {
    MoveRig rig({.settings = {.proof = WantedProof::checksum}, .store = {.no_checksums = true}});
    rig.put("in/a", "body");
    rig.plan("in/a", "out/a");

    ASSERT_TRUE(rig.run());

    EXPECT_EQ(rig.final().reason, "copy-unproven");
    EXPECT_EQ(rig.bytes("in/a"), "body");
}

TEST(SafeMove, RefusesWhatIsTooLargeWithoutARequest) {
    MoveRig rig({.store = {.limits = {.max_copy = 3}}});
    rig.put("in/a", "body");
    rig.plan("in/a", "out/a");

    ASSERT_TRUE(rig.run());

    EXPECT_EQ(rig.final().state, ReceiptState::failed);
    EXPECT_EQ(rig.final().reason, "too-large");
    EXPECT_EQ(rig.requests(), 0U);
    EXPECT_EQ(rig.bytes("in/a"), "body");
}

TEST(SafeMove, RefusesAKeyThatIsTooLongWithoutARequest) {
    MoveRig rig;
    rig.put("in/a", "body");
    rig.plan("in/a", std::string(1025, 'x'));

    ASSERT_TRUE(rig.run());

    EXPECT_EQ(rig.final().reason, "key-too-long");
    EXPECT_EQ(rig.requests(), 0U);
}

TEST(SafeMove, RefusesToMoveBetweenStores) {
    MoveRig rig;
    rig.put("in/a", "body");
    rig.plan("in/a", "out/a");
    rig.actions[0].to.store = 1;
    auto mover = make_safe_move(
        {.stores = {rig.faults.get(), rig.faults.get()}, .capabilities = {rig.capabilities, rig.capabilities}});

    mover->perform(rig.ctx, rig.actions[0], {}, *rig.journal);

    EXPECT_EQ(rig.final().code, Code::unsupported);
    EXPECT_EQ(rig.requests(), 0U);
}

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

// --- what does not settle

// SeaweedFS: `both` cannot be created if absent once `both/child` was there, although nothing is at `both`.
class Contradicting final : public WrappedStore {
public:
    Contradicting(std::unique_ptr<ObjectStore> store, std::string key)
        : WrappedStore(std::move(store)), key_(std::move(key)) {}
    Result<ObjectInfo> copy(const Context& ctx, const ObjectRef& from, const ObjectRef& to,
                            const CopyOptions& options) override {
        if (to.key == key_ && options.target_if_absent) return Error{.code = Code::conflict, .message = "412"};
        return WrappedStore::copy(ctx, from, to, options);
    }

private:
    const std::string key_;
};

TEST(SafeMove, CopiesAfterALookWhereTheStoreRefusesOntoNothing) {
    for (const bool strict : {false, true}) {
        MoveRig rig({.settings = {.strict = strict}});
        rig.use(std::make_shared<Contradicting>(make_memory_store({.clock = &rig.clock}), "out/both"));
        rig.put("in/both", "body");
        rig.plan("in/both", "out/both");

        ASSERT_TRUE(rig.run());

        EXPECT_EQ(rig.there("out/both"), !strict);
        EXPECT_EQ(rig.there("in/both"), strict) << "--strict never copies unguarded";
    }
}

TEST(SafeMove, NeverCopiesWithoutTheConditionOntoWhatTheLookSees) {
    MoveRig rig;
    rig.use(std::make_shared<Contradicting>(make_memory_store({.clock = &rig.clock}), "out/a"));
    rig.put("in/a", "body");
    rig.plan("in/a", "out/a");
    rig.put("out/a", "another");

    ASSERT_TRUE(rig.run());

    EXPECT_EQ(rig.final().reason, "conflict");
    EXPECT_EQ(rig.bytes("out/a"), "another");
}

TEST(SafeMove, TriesAtTheEndWhatAnotherObjectStoodInTheWayOf) {
    MoveRig rig;
    rig.put_and_plan({"a", "b"});
    // "a" cannot be copied for as long as "b" is where it was.
    rig.faults->add({.verb = Verb::copy,
                     .key = "out/a",
                     .when = [&](const Call&) { return rig.there("in/b"); },
                     .count = UINT32_MAX,
                     .action = FaultAction::fail,
                     .error = {.code = Code::conflict, .message = "409"}});

    ASSERT_TRUE(rig.run());

    EXPECT_EQ(rig.final(0).state, ReceiptState::deleted) << rig.final(0).detail;
    EXPECT_EQ(rig.final(1).state, ReceiptState::deleted);
}

// --- versions

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

// --- what belongs to an object beside its bytes

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

TEST(SafeMove, KeepsEverySourceUntilTheLastCopyIsProven) {
    MoveRig rig({.settings = {.delete_after = true}});
    rig.put_and_plan({"a", "b", "c"});
    std::size_t copies_at_first_delete = 0;
    rig.faults->add({.verb = Verb::remove_many,
                     .before = [&](const Call&) { copies_at_first_delete = rig.faults->calls(Verb::copy); }});

    ASSERT_TRUE(rig.run());

    EXPECT_EQ(copies_at_first_delete, 3U);
    EXPECT_FALSE(rig.there("in/a") || rig.there("in/b") || rig.there("in/c"));
    EXPECT_EQ(rig.final(2).state, ReceiptState::deleted);
}

TEST(SafeMove, MakesEveryReceiptDurableBeforeTheSecondPassMayDelete) {
    MoveRig rig({.settings = {.delete_after = true}});
    rig.put("in/a", "body");
    rig.plan("in/a", "out/a");
    auto mover = rig.process();

    ASSERT_TRUE(rig.pass(*mover));

    EXPECT_EQ(rig.journal->all().size(), 1U);
    EXPECT_EQ(rig.journal->not_durable(), 0U);
}

TEST(SafeMove, DeletesNothingWhenOneCopyOfAllCannotBeProven) {
    MoveRig rig({.settings = {.delete_after = true}});
    rig.put("in/a", "a");
    rig.put("in/b", "b");
    rig.put("out/b", "something else");
    rig.plan("in/a", "out/a");
    rig.plan("in/b", "out/b");

    ASSERT_TRUE(rig.run());

    EXPECT_TRUE(rig.there("in/a"));
    EXPECT_EQ(rig.final(0).state, ReceiptState::none) << "copied, and left for a person to decide";
    EXPECT_EQ(rig.final(1).reason, "conflict");
}

TEST(SafeMove, V27_SendsNothingOnceTheJournalFailed) {
    MoveRig rig;
    rig.put("in/a", "body");
    rig.plan("in/a", "out/a");
    rig.faults->add({.verb = Verb::copy, .after = [&](const Call&) { rig.journal->break_disk(); }});

    const Status ended = rig.run();

    EXPECT_EQ(rig.faults->calls(Verb::remove_many), 0U) << "no delete without a durable receipt";
    EXPECT_TRUE(rig.there("in/a"));
    ASSERT_FALSE(ended);
    EXPECT_EQ(ended.error().code, Code::local);
}

TEST(SafeMove, EndsTheRunWhenEverythingIsDenied) {
    MoveRig rig;
    for (int i = 0; i < 300; ++i) {
        rig.put("in/" + std::to_string(i), "body");
        rig.plan("in/" + std::to_string(i), "out/" + std::to_string(i));
    }
    rig.faults->add({.verb = Verb::copy,
                     .count = UINT32_MAX,
                     .action = FaultAction::fail,
                     .error = {.code = Code::denied, .message = "AccessDenied"}});

    const Status ended = rig.run();

    ASSERT_FALSE(ended);
    EXPECT_EQ(ended.error().code, Code::denied);
    EXPECT_EQ(rig.faults->calls(Verb::copy), 100U);
    EXPECT_EQ(rig.final(299).state, ReceiptState::none) << "not begun, so a resume begins it";
}

TEST(SafeMove, FailsOneDeniedObjectAndGoesOn) {
    MoveRig rig;
    rig.put_and_plan({"a", "b"});
    rig.faults->add({.verb = Verb::copy,
                     .key = "out/a",
                     .action = FaultAction::fail,
                     .error = {.code = Code::denied, .message = "AccessDenied"}});

    ASSERT_TRUE(rig.run());

    EXPECT_EQ(rig.final(0).reason, "denied");
    EXPECT_EQ(rig.final(1).state, ReceiptState::deleted);
}

TEST(SafeMove, FailsTheObjectsOfAMissingTargetBucketOnly) {
    MoveRig rig({.store = {.buckets = {"b", "there"}}});
    rig.put("in/a", "a");
    rig.put("in/b", "b");
    rig.plan("in/a", "a");
    rig.plan("in/b", "b");
    rig.actions[0].to.bucket = "missing";
    rig.actions[1].to.bucket = "there";

    ASSERT_TRUE(rig.run());

    EXPECT_EQ(rig.final(0).reason, "bad-bucket");
    EXPECT_TRUE(rig.there("in/a"));
    EXPECT_EQ(rig.final(1).state, ReceiptState::deleted);
}

TEST(SafeMove, LeavesACopyThatOutlivesTheStopByTenSecondsAsDoubtful) {
    MoveRig rig;
    rig.put("in/a", "body");
    rig.plan("in/a", "out/a");
    StopSource stop;
    const Context stopping(&stop, &rig.clock);
    // The copy is in flight when the stop comes: it may go on, and its answer counts.
    rig.faults->add({.verb = Verb::copy, .before = [&](const Call&) { stop.trigger(); }});
    auto mover = rig.process();

    mover->perform(stopping, rig.actions[0], {}, *rig.journal);
    ASSERT_TRUE(mover->finish(stopping, *rig.journal));

    EXPECT_EQ(rig.final().state, ReceiptState::none) << "a stopped run gives no final receipt";
    EXPECT_TRUE(rig.there("in/a"));
}

TEST(SafeMove, V16_BatchesDeletesByTheThousand) {
    MoveRig rig;
    constexpr int kObjects = 1001;
    for (int i = 0; i < kObjects; ++i) {
        rig.put("in/" + std::to_string(i), "x");
        rig.plan("in/" + std::to_string(i), "out/" + std::to_string(i));
    }

    ASSERT_TRUE(rig.run());

    std::vector<std::size_t> sizes;
    for (const CallRecord& call : rig.faults->trace())
        if (call.verb == Verb::remove_many) sizes.push_back(call.keys.size());
    EXPECT_EQ(sizes, (std::vector<std::size_t>{1000, 1}));
}

TEST(SafeMove, SendsABatchThatHasWaitedLongEnough) {
    MoveRig rig;
    rig.put_and_plan({"a", "b"});
    auto mover = rig.process();
    mover->perform(rig.ctx, rig.actions[0], {}, *rig.journal);
    EXPECT_TRUE(rig.there("in/a"));
    rig.clock.advance(kBatchWait);

    mover->perform(rig.ctx, rig.actions[1], {}, *rig.journal);

    EXPECT_FALSE(rig.there("in/a"));
}

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
