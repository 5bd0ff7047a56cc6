// The faults of a single move, by the ids that the fault catalogue gives them.
#include <gtest/gtest.h>

#include <thread>

#include "ops/move_rig.h"
#include "ops/mover.h"
#include "store/wrapped_store.h"

namespace dray {
namespace {

// A store that passes over the last key of the first batch, in deed and in word.
class AnswersShort : public WrappedStore {
public:
    using WrappedStore::WrappedStore;
    Result<std::vector<RemoveVerdict>> remove_many(const Context& ctx, const std::string& bucket,
                                                   std::span<const RemoveItem> items) override {
        return WrappedStore::remove_many(ctx, bucket, items.first(items.size() - (batches++ == 0 ? 1 : 0)));
    }
    int batches = 0;
};

// A store that says "copied" and has kept the first bytes only.
class CopiesShort : public WrappedStore {
public:
    using WrappedStore::WrappedStore;
    Result<ObjectInfo> copy(const Context& ctx, const ObjectRef& from, const ObjectRef& to,
                            const CopyOptions& options) override {
        TRY_LET(whole, WrappedStore::copy(ctx, from, to, options));
        return put(ctx, to, "bo", {.properties = whole.properties});
    }
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

TEST(MoveFaults, V02_AShortCopyKeepsTheSourceWhereOnlyTheSizeCanTell) {
    MoveRig rig({.opaque_etags = true});
    rig.use(std::make_shared<CopiesShort>(
        make_memory_store({.clock = &rig.clock, .opaque_etags = true, .no_checksums = true})));
    rig.put("in/a", "body");
    rig.plan("in/a", "out/a");

    ASSERT_TRUE(rig.run());

    EXPECT_EQ(rig.final().reason, "copy-unproven");
    EXPECT_EQ(rig.bytes("in/a"), "body");
}

// Listed still, though it was deleted long ago.
TEST(MoveFaults, L08_AListedSourceThatIsGoneEndsItsMoveAlone) {
    Mv mv;
    mv.rig.put("in/b", "other");
    mv.rig.plan("in/b", "out/b");
    mv.rig.drop("in/a");

    ASSERT_TRUE(mv.rig.run());

    EXPECT_EQ(mv.rig.final(0).reason, "not_found");
    EXPECT_EQ(mv.rig.final(1).state, ReceiptState::deleted);
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

TEST(MoveFaults, V03_ASourceReplacedBeforeTheCopyIsNeverCopied) {
    for (const Honours honours : {Honours::all, Honours::some}) {
        for (const bool opaque : {false, true}) {
            Mv mv({.honours = honours, .opaque_etags = opaque});
            mv.rig.faults->add({.verb = Verb::copy, .before = [&](const Call&) { mv.rig.put("in/a", "ydob"); }});

            ASSERT_TRUE(mv.rig.run());

            EXPECT_EQ(mv.rig.bytes("in/a"), "ydob") << name_of(honours);
            EXPECT_FALSE(mv.rig.there("out/a"));
            EXPECT_EQ(mv.rig.final().reason, "conflict");
            EXPECT_EQ(mv.rig.faults->calls(Verb::remove) + mv.rig.faults->calls(Verb::remove_many), 0U)
                << "the condition kept it from being made, so nothing had to be taken away";
        }
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

TEST(MoveFaults, V15_AKeyWithoutAVerdictIsNotDone) {
    MoveRig rig;
    auto store = std::make_shared<AnswersShort>(make_memory_store({.clock = &rig.clock}));
    rig.use(store);
    rig.put_and_plan({"a", "b"});

    ASSERT_TRUE(rig.run());

    EXPECT_EQ(store->batches, 2);
    EXPECT_FALSE(rig.there("in/a") || rig.there("in/b")) << "the key that was passed over is asked for again";
    EXPECT_EQ(rig.final(1).state, ReceiptState::deleted);
}

// Each of several movers has planned all, with a journal of its own, so that no lock keeps them apart.
TEST(MoveFaults, V11_ManyMoversOfOneListLeaveEveryObjectInOnePlaceWhole) {
    constexpr std::size_t kObjects = 60;
    for (const Honours honours : {Honours::all, Honours::some, Honours::none}) {
        for (const std::size_t movers : {2U, 8U, 32U}) {
            MoveRig rig({.honours = honours});
            for (std::size_t i = 0; i < kObjects; ++i) {
                rig.put("in/" + std::to_string(i), "body " + std::to_string(i));
                rig.plan("in/" + std::to_string(i), "out/" + std::to_string(i));
            }
            std::vector<std::unique_ptr<MemoryJournal>> journals;
            std::vector<std::thread> threads;
            for (std::size_t m = 0; m < movers; ++m) {
                journals.push_back(std::make_unique<MemoryJournal>());
                threads.emplace_back([&rig, &journal = *journals.back()] {
                    auto mover = rig.process();
                    for (const Action& action : rig.actions)
                        mover->perform(rig.ctx, action, {}, journal);
                    EXPECT_TRUE(mover->finish(rig.ctx, journal));
                });
            }
            for (std::thread& thread : threads)
                thread.join();

            for (std::size_t i = 0; i < kObjects; ++i) {
                EXPECT_EQ(rig.bytes("out/" + std::to_string(i)), "body " + std::to_string(i)) << name_of(honours);
                EXPECT_FALSE(rig.there("in/" + std::to_string(i)));
                for (const auto& journal : journals) {
                    const Receipt end = journal->final(i);
                    EXPECT_TRUE(is_final(end.state)) << "nobody is left in doubt";
                    EXPECT_NE(end.state, ReceiptState::failed) << end.reason << ": " << end.detail;
                }
            }
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

TEST(MoveFaults, V19_OnlyTheCurrentVersionMovesAndItsHistoryStays) {
    MoveRig rig({.store = {.versioned = true}});
    const std::string first = rig.put("in/a", "first").version, second = rig.put("in/a", "second").version;
    rig.plan("in/a", "out/a");

    ASSERT_TRUE(rig.run());

    EXPECT_EQ(rig.bytes("out/a"), "second");
    EXPECT_FALSE(rig.there("in/a"));
    EXPECT_TRUE(rig.store->head({}, {"b", "in/a", first}));
    EXPECT_TRUE(rig.store->head({}, {"b", "in/a", second}));
}

TEST(MoveFaults, V19_AMarkerOnTopOfTheSourceMeansThatItIsGone) {
    for (const Honours honours : {Honours::all, Honours::some, Honours::none}) {
        MoveRig rig({.honours = honours, .store = {.versioned = true}});
        const std::string version = rig.put("in/a", "body").version;
        rig.plan("in/a", "out/a");
        rig.drop("in/a");

        ASSERT_TRUE(rig.run());

        EXPECT_EQ(rig.final().reason, "not_found") << name_of(honours);
        EXPECT_FALSE(rig.there("out/a"));
        EXPECT_TRUE(rig.store->head({}, {"b", "in/a", version}));
    }
}

// A lifecycle rule or a replication that takes the copy away again.
TEST(MoveFaults, V21_ACopyThatIsTakenAwayBeforeTheDeleteKeepsTheSource) {
    for (const Honours honours : {Honours::all, Honours::some, Honours::none}) {
        MoveRig rig({.honours = honours, .settings = {.delete_after = true}});
        rig.put("in/a", "body");
        rig.plan("in/a", "out/a");
        auto mover = rig.process();
        ASSERT_TRUE(rig.pass(*mover));
        ASSERT_EQ(rig.bytes("out/a"), "body");
        rig.drop("out/a");
        rig.faults->add({.verb = Verb::copy,
                         .action = FaultAction::fail,
                         .error = {.code = Code::invalid, .message = "InvalidRequest"}});

        mover->begin_deletes();
        ASSERT_TRUE(rig.pass(*mover));

        EXPECT_EQ(rig.bytes("in/a"), "body") << name_of(honours);
        EXPECT_NE(rig.final().state, ReceiptState::deleted);
    }
}

TEST(MoveFaults, V24_NoTargetIsEverRemovedToMakeRoom) {
    for (const Honours honours : {Honours::all, Honours::some, Honours::none}) {
        MoveRig rig({.honours = honours});
        for (const char* name : {"absent", "equal", "other"}) {
            rig.put(std::string("in/") + name, "body");
            if (name != std::string("absent")) rig.put(std::string("out/") + name, name[0] == 'e' ? "body" : "else");
            rig.plan(std::string("in/") + name, std::string("out/") + name);
        }

        ASSERT_TRUE(rig.run());

        EXPECT_EQ(rig.bytes("out/other"), "else");
        for (const CallRecord& call : rig.faults->trace()) {
            if (call.verb != Verb::remove && call.verb != Verb::remove_many) continue;
            EXPECT_FALSE(call.key.starts_with("out/")) << call.key;
            for (const std::string& key : call.keys)
                EXPECT_FALSE(key.starts_with("out/")) << key;
        }
    }
}

TEST(MoveFaults, V27_AJournalThatFailsDuringTheLookBeforeADeleteStopsTheDelete) {
    Mv mv({.honours = Honours::none});
    mv.rig.faults->add({.verb = Verb::remove_many,
                        .action = FaultAction::fail,
                        .error = {.code = Code::invalid, .message = "MalformedXML"}});
    // The first look is the batch's; the second comes right before the delete that replaces it.
    mv.rig.faults->add(
        {.verb = Verb::head, .key = "in/a", .skip = 1, .after = [&](const Call&) { mv.rig.journal->break_disk(); }});

    EXPECT_FALSE(mv.rig.run());

    EXPECT_EQ(mv.rig.faults->calls(Verb::remove_many), 1U);
    EXPECT_EQ(mv.rig.faults->calls(Verb::remove), 0U);
    EXPECT_TRUE(mv.rig.there("in/a"));
}

TEST(MoveFaults, V27_AJournalThatFailsWhileOneOfABatchIsProvenAgainStopsTheBatch) {
    MoveRig rig;
    rig.put_and_plan({"a", "b"});
    auto mover = rig.process();
    mover->perform(rig.ctx, rig.actions[0], {}, *rig.journal);
    rig.clock.advance(kProofAge + std::chrono::minutes(1));
    rig.faults->add({.verb = Verb::head, .key = "/a", .after = [&](const Call&) { rig.journal->break_disk(); }});

    mover->perform(rig.ctx, rig.actions[1], {}, *rig.journal);
    EXPECT_FALSE(mover->finish(rig.ctx, *rig.journal));

    EXPECT_EQ(rig.faults->calls(Verb::remove_many) + rig.faults->calls(Verb::remove), 0U);
    EXPECT_TRUE(rig.there("in/a") && rig.there("in/b"));
}

}  // namespace
}  // namespace dray
