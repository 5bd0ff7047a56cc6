#include "ops/safe_move.h"

#include <gtest/gtest.h>

#include "ops/move_rig.h"
#include "ops/remove_stage.h"
#include "store/wrapped_store.h"

namespace dray {
namespace {

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

}  // namespace
}  // namespace dray
