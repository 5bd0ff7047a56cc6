// The faults of a single move, by the ids that the fault catalogue gives them.
#include <gtest/gtest.h>

#include <thread>

#include "ops/move_rig.h"
#include "ops/mover.h"
#include "store/lent_store.h"
#include "store/retry_store.h"
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

// An old store shows what it made a while later.
FaultRule hidden(MoveRig& rig, const std::string& key, std::chrono::seconds for_) {
    const WallTime until = rig.clock.wall() + for_;
    return {.verb = Verb::head,
            .key = key,
            .when = [&rig, until](const Call&) { return rig.clock.wall() < until; },
            .count = 1000,
            .action = FaultAction::fail,
            .error = {.code = Code::not_found, .message = "404"}};
}

TEST(MoveFaults, L08_ACopyThatShowsWithinAMinuteIsProvenThen) {
    Mv mv({.opaque_etags = true});
    mv.rig.faults->add(hidden(mv.rig, "out/a", std::chrono::seconds(59)));

    ASSERT_TRUE(mv.rig.run());

    EXPECT_EQ(mv.rig.final().state, ReceiptState::deleted);
    EXPECT_EQ(mv.rig.bytes("out/a"), "body");
    EXPECT_FALSE(mv.rig.there("in/a"));
}

TEST(MoveFaults, L08_ACopyThatDoesNotShowWithinAMinuteKeepsTheSource) {
    Mv mv({.opaque_etags = true});
    const WallTime begun = mv.rig.clock.wall();
    mv.rig.faults->add(hidden(mv.rig, "out/a", std::chrono::hours(1)));

    ASSERT_TRUE(mv.rig.run());

    EXPECT_EQ(mv.rig.final().reason, "copy-unproven");
    EXPECT_EQ(mv.rig.bytes("in/a"), "body");
    EXPECT_GE(mv.rig.clock.wall() - begun, kShownWithin);
    EXPECT_LT(mv.rig.clock.wall() - begun, kShownWithin + std::chrono::seconds(5));
    EXPECT_LE(mv.rig.faults->calls(Verb::head), 16U) << "it is asked patiently";
}

TEST(MoveFaults, L08_AStopEndsTheWaitAndTheMoveIsGoneOnWith) {
    Mv mv({.opaque_etags = true});
    StopSource stop;
    mv.rig.ctx = Context(&stop, &mv.rig.clock);
    FaultRule rule = hidden(mv.rig, "out/a", std::chrono::seconds(30));
    rule.when = [&, hides = rule.when](const Call& call) {
        stop.trigger();
        return hides(call);
    };
    mv.rig.faults->add(rule);
    (void)mv.rig.run();
    mv.rig.ctx = Context(nullptr, &mv.rig.clock);
    EXPECT_EQ(mv.rig.final().state, ReceiptState::none) << "it is doubtful, not failed";
    EXPECT_EQ(mv.rig.bytes("in/a"), "body");

    mv.rig.after_death();
    mv.rig.clock.advance(std::chrono::hours(1));
    ASSERT_TRUE(mv.rig.run());
    EXPECT_EQ(mv.rig.final().state, ReceiptState::deleted);
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

TEST(MoveFaults, V03_ALookThatHasGrownOldIsTakenAgain) {
    MoveRig rig({.honours = Honours::none});
    rig.put_and_plan({"a", "b"});
    // Whichever is looked at second: meanwhile, for seconds, another writer replaces the one that was looked at first.
    std::string first;
    rig.faults->add({.verb = Verb::head, .key = "in/", .after = [&](const Call& call) { first = call.key; }});
    rig.faults->add({.verb = Verb::head, .key = "in/", .after = [&](const Call&) { rig.put(first, "new"); }});

    ASSERT_TRUE(rig.run());

    ASSERT_FALSE(first.empty());
    EXPECT_EQ(rig.bytes(first), "new");
    EXPECT_EQ(rig.final(first == "in/a" ? 0 : 1).reason, "conflict");
    EXPECT_EQ(rig.final(first == "in/a" ? 1 : 0).state, ReceiptState::deleted);
}

// The store answers 12 s after it looked, and the source is another object by then.
TEST(MoveFaults, V03_ALookThatWasAnsweredLateIsTakenAgain) {
    Mv mv({.honours = Honours::none});
    std::uint32_t looks = 0;
    mv.rig.faults->add({.verb = Verb::head, .key = "in/a", .count = 100, .after = [&](const Call&) {
                            if (++looks == 1) mv.rig.clock.advance(std::chrono::seconds(12));
                        }});
    bool replaced = false;
    mv.rig.faults->add({.verb = Verb::remove_many, .before = [&](const Call&) {
                            if (!replaced && looks == 1) mv.rig.put("in/a", "new");
                            replaced = true;
                        }});

    ASSERT_TRUE(mv.rig.run());

    EXPECT_EQ(looks, 2u);
    EXPECT_EQ(mv.rig.bytes("out/a"), "body");
    EXPECT_FALSE(mv.rig.there("in/a"));
}

TEST(MoveFaults, V03_AStoreWhoseLooksAreAllSlowKeepsItsSources) {
    Mv mv({.honours = Honours::none});
    mv.rig.faults->add({.verb = Verb::head, .key = "in/a", .count = 1000, .after = [&](const Call&) {
                            mv.rig.clock.advance(std::chrono::seconds(3));
                        }});

    ASSERT_TRUE(mv.rig.run());

    EXPECT_TRUE(mv.rig.there("in/a"));
    EXPECT_EQ(mv.rig.faults->calls(Verb::remove_many), 0u);
    EXPECT_LT(mv.rig.faults->calls(Verb::head), 40u);
}

Error slow_down(std::chrono::milliseconds wait) {
    return {.code = Code::throttled, .message = "SlowDown", .retry_after = wait};
}

// A store whose batches cannot carry keys with a line break, and where a delete by itself is slow.
class CarriesPlainKeys : public WrappedStore {
public:
    using WrappedStore::WrappedStore;
    Result<std::vector<RemoveVerdict>> remove_many(const Context& ctx, const std::string& bucket,
                                                   std::span<const RemoveItem> items) override {
        std::vector<RemoveVerdict> verdicts;
        for (const RemoveItem& item : items) {
            const bool awkward = item.key.find('\n') != std::string::npos;
            if (awkward) verdicts.push_back({Error{.code = Code::unsupported}});
            if (!awkward) verdicts.push_back({remove(ctx, {bucket, item.key, {}}, {})});
        }
        return verdicts;
    }
};

TEST(MoveFaults, V16_EachKeyThatABatchCannotCarryHasALookOfItsOwn) {
    MoveRig rig({.honours = Honours::none});
    for (int n = 0; n < 5; ++n) {
        const std::string name = "a\n" + std::to_string(n);
        rig.put("in/" + name, "body");
        rig.plan("in/" + name, "out/" + name);
    }
    rig.faults =
        make_fault_store(std::make_shared<CarriesPlainKeys>(std::make_unique<LentStore>(*rig.store)), &rig.clock);
    // While the first delete is under way, somebody writes all others anew.
    std::string first;
    rig.faults->add({.verb = Verb::remove,
                     .before = [&](const Call& call) { first = call.key; },
                     .after =
                         [&](const Call&) {
                             for (const Action& action : rig.actions)
                                 if (action.from.key != first) rig.put(action.from.key, "new");
                         }});

    ASSERT_TRUE(rig.run());

    EXPECT_FALSE(rig.there(first));
    for (const Action& action : rig.actions) {
        if (action.from.key == first) continue;
        EXPECT_EQ(rig.bytes(action.from.key), "new");
        EXPECT_EQ(rig.final(action.n).reason, "conflict");
    }
}

// Somebody takes the target away meanwhile, so that the source is the last copy.
FaultRule delete_put_off_while_the_target_goes(MoveRig& rig) {
    return {.when = [](const Call& call) { return call.verb == Verb::remove || call.verb == Verb::remove_many; },
            .action = FaultAction::fail,
            .error = slow_down(std::chrono::seconds(15)),
            .before = [&rig](const Call&) { rig.drop("out/a"); }};
}

TEST(MoveFaults, H01_R18_ADeleteThatTheStorePutsOffIsProvenAgain) {
    for (const Honours honours : {Honours::all, Honours::some, Honours::none}) {
        Mv mv({.honours = honours});
        mv.rig.faults->add(delete_put_off_while_the_target_goes(mv.rig));

        ASSERT_TRUE(mv.rig.run());

        EXPECT_EQ(mv.rig.bytes("out/a"), "body") << name_of(honours);
        EXPECT_FALSE(mv.rig.there("in/a")) << name_of(honours);
        EXPECT_EQ(mv.rig.final().state, ReceiptState::deleted);
        EXPECT_TRUE(mv.rig.last->all_answered);
    }
}

// The same through the repeats of the store in front.
TEST(MoveFaults, H01_R18_NoDeleteIsRepeatedOnAnOldProof) {
    for (const Honours honours : {Honours::all, Honours::some, Honours::none}) {
        Mv mv({.honours = honours});
        mv.rig.faults->add(delete_put_off_while_the_target_goes(mv.rig));
        RetryStore retrying(std::make_unique<LentStore>(*mv.rig.faults));
        auto mover =
            make_safe_move({.stores = {&retrying}, .capabilities = {mv.rig.capabilities}, .settings = mv.rig.settings});

        ASSERT_TRUE(mv.rig.pass(*mover));

        EXPECT_EQ(mv.rig.bytes("out/a"), "body") << name_of(honours);
        EXPECT_EQ(mv.rig.final().state, ReceiptState::deleted) << name_of(honours);
    }
}

// H01: what the store's patience costs is time, not the object.
TEST(MoveFaults, H01_FiftySlowAnswersToOneRequestFailNothing) {
    for (const Honours honours : {Honours::all, Honours::some, Honours::none}) {
        for (const bool unsure : {false, true}) {
            Mv mv({.honours = honours});
            Error slow = slow_down(std::chrono::seconds(1));
            slow.unsure = unsure;
            for (const Verb verb : {Verb::copy, Verb::remove, Verb::remove_many})
                mv.rig.faults->add({.verb = verb, .count = 50, .action = FaultAction::fail, .error = slow});

            ASSERT_TRUE(mv.rig.run());

            EXPECT_EQ(mv.rig.bytes("out/a"), "body") << name_of(honours) << unsure;
            EXPECT_EQ(mv.rig.final().state, ReceiptState::deleted) << name_of(honours) << unsure;
            EXPECT_EQ(mv.rig.last->all_answered, !unsure);
        }
    }
}

TEST(MoveFaults, H01_AQuarterOfAnHourOfSlowAnswersLeavesTheActionToAResume) {
    Mv mv;
    mv.rig.faults->add({.verb = Verb::remove_many,
                        .count = 100,
                        .action = FaultAction::fail,
                        .error = slow_down(std::chrono::minutes(4))});

    ASSERT_TRUE(mv.rig.run());

    EXPECT_EQ(mv.rig.final().state, ReceiptState::none);
    EXPECT_TRUE(mv.rig.there("in/a"));
    EXPECT_LE(mv.rig.faults->calls(Verb::remove_many), 4u);
}

// Where the store lets a copy replace what is there: the look that found nothing has to be fresh.
TEST(MoveFaults, H01_R18_ACopyThatTheStorePutsOffLooksAtItsTargetAgain) {
    Mv mv({.honours = Honours::some});
    mv.rig.faults->add({.verb = Verb::copy,
                        .action = FaultAction::fail,
                        .error = slow_down(std::chrono::seconds(15)),
                        .before = [&](const Call&) { mv.rig.put("out/a", "theirs"); }});

    ASSERT_TRUE(mv.rig.run());

    EXPECT_EQ(mv.rig.bytes("out/a"), "theirs");
    EXPECT_EQ(mv.rig.bytes("in/a"), "body");
    EXPECT_EQ(mv.rig.final().reason, "conflict");
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
        rig.claimed = true;
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
