// A single move where time passes: copies that show late, looks that grow old, requests that the store puts off. The
// ids are those of the fault catalogue.
#include <gtest/gtest.h>

#include "ops/move_rig.h"
#include "ops/mover.h"
#include "store/lent_store.h"
#include "store/retry_store.h"
#include "store/wrapped_store.h"

namespace dray {
namespace {

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

}  // namespace
}  // namespace dray
