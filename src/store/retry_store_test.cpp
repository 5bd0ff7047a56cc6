#include "store/retry_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "store/body.h"
#include "store/fault_store.h"
#include "store/limit_store.h"
#include "store/memory_store.h"
#include "store/trace_store.h"

namespace dray {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

class Retries : public testing::Test {
protected:
    SimulatedClock clock_;
    StopSource stop_;
    Context ctx_{&stop_, &clock_};
    std::shared_ptr<ObjectStore> memory_ = make_memory_store({.clock = &clock_});
    FaultStore* faults_ = nullptr;
    std::vector<Nanos> waits_;
    const ObjectRef a_{"b", "a", {}};
    const ObjectRef c_{"b", "c", {}};

    std::unique_ptr<RetryStore> retrying(RetryOptions options = {}) {
        auto faults = make_fault_store(memory_, &clock_);
        faults_ = faults.get();
        options.on_retry = [&](const Call&, const Error&, std::uint32_t, Nanos wait) { waits_.push_back(wait); };
        return std::make_unique<RetryStore>(std::move(faults), std::move(options));
    }
    static Error failing(Code code, bool unsure = false) {
        return {.code = code, .message = "scripted", .unsure = unsure};
    }
    void put(const ObjectRef& object, std::string_view bytes) { ASSERT_TRUE(memory_->put({}, object, bytes)); }
};

TEST_F(Retries, AStopEndsThePauseBeforeAnotherAttemptThoughAChangeMayFinish) {
    for (const bool unsure : {false, true}) {
        StopSource stop, over;
        auto store = retrying();
        put(a_, "1");
        const auto stopping = [&](const Call&) {
            stop.trigger();
            return true;
        };
        faults_->add({.verb = Verb::put,
                      .when = stopping,
                      .action = FaultAction::fail,
                      .error = failing(Code::unavailable, unsure)});
        const auto made = store->put(Context(&stop, &clock_).finishing(over), a_, "2");
        EXPECT_EQ(made.has_value(), unsure) << "what may have been done is done again while there is time";
        EXPECT_EQ(faults_->calls(Verb::put), unsure ? 2U : 1U);
    }
}

TEST_F(Retries, H03_UpToSevenTransientErrorsAreOvercome) {
    for (std::uint32_t failures = 1; failures <= 7; ++failures) {
        auto store = retrying();
        put(a_, "1");
        faults_->add(
            {.verb = Verb::head, .count = failures, .action = FaultAction::fail, .error = failing(Code::unavailable)});
        EXPECT_TRUE(store->head(ctx_, a_)) << failures;
        EXPECT_EQ(faults_->calls(Verb::head), failures + 1);
    }
}

TEST_F(Retries, C13_GarbledBytesAreSentOnceMoreAndNotAgain) {
    for (const std::uint32_t failures : {1U, 2U}) {
        auto store = retrying();
        faults_->add(
            {.verb = Verb::put, .count = failures, .action = FaultAction::fail, .error = failing(Code::corrupt)});
        const auto made = store->put(ctx_, a_, "1");
        EXPECT_EQ(made.has_value(), failures == 1);
        if (!made) {
            EXPECT_EQ(made.error().code, Code::corrupt) << "not 'exhausted': it says what is wrong";
        }
        EXPECT_EQ(faults_->calls(Verb::put), 2U);
    }
}

TEST_F(Retries, TheEighthFailureIsTheLast) {
    auto store = retrying();
    faults_->add({.count = 100, .action = FaultAction::fail, .error = failing(Code::unavailable)});
    auto head = store->head(ctx_, a_);
    ASSERT_FALSE(head);
    EXPECT_EQ(head.error().code, Code::exhausted);
    EXPECT_EQ(faults_->calls(Verb::head), 8u);
    ASSERT_EQ(waits_.size(), 7u);
    Nanos most = milliseconds(50);
    for (Nanos wait : waits_) {
        EXPECT_LE(wait, std::min<Nanos>(most, seconds(20)));
        most *= 2;
    }
}

TEST_F(Retries, H04_SlowAnswersUseTimeAndNotAttempts) {
    auto store = retrying();
    put(a_, "1");
    faults_->add({.verb = Verb::head, .count = 12, .action = FaultAction::fail, .error = failing(Code::throttled)});
    EXPECT_TRUE(store->head(ctx_, a_));
    EXPECT_EQ(faults_->calls(Verb::head), 13u);
}

TEST_F(Retries, WhatTheStoreAsksForIsWaitedUpToFiveMinutes) {
    auto store = retrying();
    put(a_, "1");
    Error slow = failing(Code::throttled);
    slow.retry_after = seconds(90);
    faults_->add({.action = FaultAction::fail, .error = slow});
    slow.retry_after = std::chrono::hours(9);
    faults_->add({.action = FaultAction::fail, .error = slow});
    EXPECT_TRUE(store->head(ctx_, a_));
    ASSERT_EQ(waits_.size(), 2u);
    EXPECT_EQ(waits_[0], seconds(90));
    EXPECT_EQ(waits_[1], minutes(5));
}

TEST_F(Retries, ARequestIsGivenUpAfterFifteenMinutes) {
    auto store = retrying();
    Error slow = failing(Code::throttled);
    slow.retry_after = minutes(5);
    faults_->add({.count = 100, .action = FaultAction::fail, .error = slow});
    auto head = store->head(ctx_, a_);
    ASSERT_FALSE(head);
    EXPECT_EQ(head.error().code, Code::exhausted);
    EXPECT_EQ(waits_.size(), 3u);
}

TEST_F(Retries, AnUnsureChangeIsNeverSentAgain) {
    put(a_, "1");
    auto store = retrying();
    faults_->add({.count = 100, .action = FaultAction::lose_answer});
    auto copied = store->copy(ctx_, a_, c_, {});
    ASSERT_FALSE(copied);
    EXPECT_TRUE(copied.error().unsure);
    EXPECT_EQ(copied.error().code, Code::unavailable);
    EXPECT_FALSE(store->remove(ctx_, a_, {}));
    const std::vector<RemoveItem> items = {{.key = "c"}};
    EXPECT_FALSE(store->remove_many(ctx_, "b", items));
    EXPECT_FALSE(store->put(ctx_, c_, "1", {.if_absent = true}));
    EXPECT_FALSE(store->create_upload(ctx_, c_, {}));
    EXPECT_EQ(faults_->trace().size(), 5u) << "each was sent once";
}

TEST_F(Retries, AChangeThatCertainlyDidNotHappenIsSentAgain) {
    put(a_, "1");
    auto store = retrying();
    faults_->add({.verb = Verb::copy, .count = 2, .action = FaultAction::fail, .error = failing(Code::throttled)});
    EXPECT_TRUE(store->copy(ctx_, a_, c_, {.target_if_absent = true}));
    EXPECT_EQ(faults_->calls(Verb::copy), 3u);
}

TEST_F(Retries, APlainPutIsSentAgainFromItsStart) {
    auto store = retrying();
    faults_->add({.verb = Verb::put, .count = 2, .action = FaultAction::lose_answer});
    ASSERT_TRUE(store->put(ctx_, a_, "whole body"));
    EXPECT_EQ(*get_whole({}, *memory_, a_), "whole body");
    EXPECT_EQ(faults_->calls(Verb::put), 3u);
}

TEST_F(Retries, APutThatMayHaveHappenedStaysUnsureWhateverCameAfter) {
    auto store = retrying();
    faults_->add({.verb = Verb::put, .action = FaultAction::lose_answer});
    faults_->add({.verb = Verb::put, .action = FaultAction::fail, .error = failing(Code::denied)});
    auto made = store->put(ctx_, a_, "x");
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, Code::denied);
    EXPECT_TRUE(made.error().unsure);
}

// A store whose reads break off in the middle.
class BreakingReads : public WrappedStore {
public:
    using WrappedStore::WrappedStore;
    int breaks = 1;
    std::vector<std::uint64_t> offsets;
    Result<ObjectInfo> get(const Context& ctx, const ObjectRef& object, const GetOptions& options,
                           const ByteSink& sink) override {
        offsets.push_back(options.offset);
        if (breaks-- <= 0) return WrappedStore::get(ctx, object, options, sink);
        GetOptions part = options;
        part.bytes = 3;
        TRY(WrappedStore::get(ctx, object, part, sink));
        return Error{.code = Code::unavailable, .message = "the connection broke"};
    }
};

TEST_F(Retries, H28_ABrokenReadGoesOnWhereItStoppedWhenItIsPinned) {
    auto inner = std::make_unique<BreakingReads>(make_memory_store({.clock = &clock_}));
    BreakingReads& reads = *inner;
    reads.breaks = 2;
    RetryStore store(std::move(inner));
    auto made = store.put(ctx_, a_, "0123456789");
    ASSERT_TRUE(made);
    EXPECT_EQ(*get_whole(ctx_, store, a_, {.if_match = made->etag}), "0123456789");
    EXPECT_THAT(reads.offsets, testing::ElementsAre(0, 3, 6));
    reads.breaks = 1;
    auto unpinned = get_whole(ctx_, store, a_);
    ASSERT_FALSE(unpinned) << "the rest could be another object's";
    EXPECT_EQ(unpinned.error().code, Code::unavailable);
}

TEST_F(Retries, ARepeatThatWouldComeTooLateIsTheCallersToSend) {
    auto store = retrying();
    put(a_, "1");
    Error slow = failing(Code::throttled);
    slow.retry_after = seconds(15);
    faults_->add({.verb = Verb::remove, .action = FaultAction::fail, .error = slow});

    auto removed = store->remove(ctx_.sending_until(clock_.steady() + seconds(5)), a_, {});

    ASSERT_FALSE(removed);
    EXPECT_EQ(removed.error().code, Code::throttled);
    EXPECT_GE(removed.error().retry_after, seconds(15));
    EXPECT_FALSE(removed.error().unsure);
    EXPECT_EQ(faults_->calls(Verb::remove), 1u);
    EXPECT_TRUE(store->head(ctx_, a_));
    EXPECT_TRUE(store->remove(ctx_.sending_until(clock_.steady() + seconds(5), 1), a_, {}));
    EXPECT_EQ(store->governor().tokens, 500u) << "the repeat was paid for, and earned its price back";
}

TEST_F(Retries, WhatWasParkedTooLongIsNotSent) {
    auto store = retrying();
    put(a_, "1");
    faults_->add({.verb = Verb::head, .count = 20, .action = FaultAction::fail, .error = failing(Code::throttled)});
    while (!store->governor().open)
        (void)store->head(ctx_.within(milliseconds(1)), a_);

    auto removed = store->remove(ctx_.sending_until(clock_.steady() + milliseconds(200)), a_, {});

    ASSERT_FALSE(removed);
    EXPECT_EQ(removed.error().reason, kTooLateToSend);
    EXPECT_TRUE(removed.error().unsent);
    EXPECT_EQ(faults_->calls(Verb::remove), 0u);
    EXPECT_EQ(store->governor().in_flight, 0u);
}

TEST_F(Retries, SaysOfAChangeThatNothingWasSentOnlyWhereThatIsSoOfEveryAttempt) {
    const Error unreachable{.code = Code::unavailable, .message = "no connection", .unsent = true};
    for (const bool slowed : {false, true}) {
        auto store = retrying({.max_attempts = 3});
        if (slowed)
            faults_->add({.verb = Verb::remove, .action = FaultAction::fail, .error = failing(Code::throttled)});
        faults_->add({.verb = Verb::remove, .count = 20, .action = FaultAction::fail, .error = unreachable});
        const auto removed = store->remove(ctx_, a_, {});
        ASSERT_FALSE(removed);
        EXPECT_EQ(removed.error().code, Code::exhausted);
        EXPECT_EQ(removed.error().unsent, !slowed);
    }
    for (const bool slowed : {false, true}) {
        StopSource stop, over;
        auto store = retrying();
        if (slowed)
            faults_->add({.verb = Verb::remove,
                          .action = FaultAction::fail,
                          .error = failing(Code::throttled),
                          .before = [&](const Call&) { stop.trigger(); }});
        else
            stop.trigger();
        const auto removed = store->remove(Context(&stop, &clock_).finishing(over), a_, {});
        ASSERT_FALSE(removed);
        EXPECT_EQ(removed.error().code, Code::cancelled);
        EXPECT_EQ(removed.error().unsent, !slowed);
    }
}

TEST_F(Retries, WhatRestsOnALookGoesAheadOfTheNumberInFlight) {
    Governor governor({.concurrency = 1});
    ASSERT_TRUE(governor.admit(ctx_, 0));
    auto urgent = governor.admit(ctx_.sending_until(clock_.steady() + milliseconds(200)), 0);
    ASSERT_TRUE(urgent);
    EXPECT_EQ(urgent->parked, Nanos(0));
}

TEST_F(Retries, AStopEndsTheWaitAtOnce) {
    auto store = retrying();
    faults_->add(
        {.count = 100, .action = FaultAction::fail, .error = failing(Code::unavailable), .before = [&](const Call&) {
             stop_.trigger();
         }});
    auto head = store->head(ctx_, a_);
    ASSERT_FALSE(head);
    EXPECT_EQ(head.error().code, Code::cancelled);
    EXPECT_EQ(faults_->trace().size(), 1u);
}

TEST_F(Retries, WhatIsNotTemporaryIsAnsweredAtOnce) {
    auto store = retrying();
    EXPECT_EQ(store->head(ctx_, a_).error().code, Code::not_found);
    EXPECT_EQ(faults_->trace().size(), 1u);
    EXPECT_EQ(store->governor().concurrency, 256u);
}

TEST_F(Retries, ConcurrencyIsHalvedOnSlowAndGrowsWithSuccesses) {
    auto store = retrying();
    put(a_, "1");
    faults_->add({.count = 2, .action = FaultAction::fail, .error = failing(Code::throttled)});
    ASSERT_TRUE(store->head(ctx_, a_));
    EXPECT_EQ(store->governor().concurrency, 64u);
    for (int i = 0; i < 15; ++i)
        ASSERT_TRUE(store->head(ctx_, a_));
    EXPECT_EQ(store->governor().concurrency, 65u);
}

TEST_F(Retries, H05_ABodyThatFailsThreeTimesLowersTheConcurrency) {
    auto store = retrying();
    faults_->add({.verb = Verb::put, .count = 3, .action = FaultAction::fail, .error = failing(Code::unavailable)});
    ASSERT_TRUE(store->put(ctx_, a_, "body"));
    EXPECT_EQ(store->governor().concurrency, 128u);
}

TEST_F(Retries, H01_AnOutageOpensTheBreakerAndOneProbeAtATimeFindsItsEnd) {
    auto store = retrying({.max_time = minutes(60)});
    put(a_, "1");
    const SteadyTime end = clock_.steady() + minutes(5);
    faults_->add({.when = [&](const Call&) { return clock_.steady() < end; },
                  .count = 1'000'000,
                  .action = FaultAction::fail,
                  .error = failing(Code::throttled)});
    bool opened = false;
    while (clock_.steady() < end) {
        ASSERT_TRUE(store->head(ctx_, a_)) << "parked, never failed";
        opened = opened || store->governor().slow > 20;
    }
    EXPECT_TRUE(opened);
    EXPECT_LT(clock_.steady() - end, seconds(30));
    EXPECT_FALSE(store->governor().open);
    EXPECT_LT(faults_->calls(Verb::head), 150u) << "a probe now and then, for five minutes";
}

TEST_F(Retries, TheEndpointIsGivenUpAfterFifteenMinutesOfOpenBreaker) {
    Governor governor({});
    for (int i = 0; i < 20; ++i) {
        auto permit = governor.admit(ctx_, 0);
        ASSERT_TRUE(permit);
        governor.settle(ctx_, *permit, Governor::Answer::transient);
    }
    EXPECT_TRUE(governor.state().open);
    const SteadyTime opened = clock_.steady();
    for (;;) {
        auto permit = governor.admit(ctx_, 14);
        if (!permit) {
            EXPECT_TRUE(permit.error().fatal);
            EXPECT_EQ(permit.error().code, Code::unavailable);
            break;
        }
        EXPECT_TRUE(permit->probe);
        governor.settle(ctx_, *permit, Governor::Answer::transient);
        ASSERT_LT(clock_.steady() - opened, minutes(16));
    }
    EXPECT_GT(clock_.steady() - opened, minutes(15));
}

TEST_F(Retries, RepeatsCostTokensThatSuccessBringsBack) {
    Governor governor({});
    auto repeat = governor.admit(ctx_, 14);
    ASSERT_TRUE(repeat);
    EXPECT_EQ(governor.state().tokens, 486u);
    governor.settle(ctx_, *repeat, Governor::Answer::success);
    EXPECT_EQ(governor.state().tokens, 500u);
}

TEST_F(Retries, AnEmptyQuotaLetsOneRepeatAtATimeThroughAndFreshRequestsAll) {
    Governor governor({.tokens = 10, .breaker_answers = 1000});
    auto probe = governor.admit(ctx_, 14);
    ASSERT_TRUE(probe);
    EXPECT_TRUE(probe->probe);
    auto fresh = governor.admit(ctx_, 0);
    ASSERT_TRUE(fresh);
    EXPECT_FALSE(fresh->probe);
    const Context soon = ctx_.within(seconds(20));
    auto second = governor.admit(soon, 14);
    EXPECT_FALSE(second) << "while the first is under way";
}

TEST_F(Retries, ManyWorkersNeverExceedTheConcurrency) {
    std::atomic<int> inside = 0, most = 0, failures = 0;
    Governor governor({.concurrency = 3});
    std::vector<std::thread> threads;
    for (int worker = 0; worker < 8; ++worker) {
        threads.emplace_back([&] {
            for (int i = 0; i < 50; ++i) {
                auto permit = governor.admit(ctx_, 0);
                if (!permit) ++failures;
                if (!permit) continue;
                const int now = ++inside;
                for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
                }
                --inside;
                governor.settle(ctx_, *permit, Governor::Answer::success);
            }
        });
    }
    for (auto& thread : threads)
        thread.join();
    EXPECT_EQ(failures, 0);
    EXPECT_LE(most, 3);
    EXPECT_EQ(governor.state().in_flight, 0u);
    EXPECT_EQ(governor.state().successes, 400u);
}

TEST_F(Retries, LimitsSpreadRequestsAndBytesOverTime) {
    LimitStore store(make_memory_store({.clock = &clock_}), {.rate = 10, .bwlimit = 1000});
    const SteadyTime start = clock_.steady();
    ObjectStore& plain = store;
    for (int i = 0; i < 21; ++i)
        EXPECT_FALSE(plain.head(ctx_, a_));
    EXPECT_EQ(clock_.steady() - start, seconds(2));
    ASSERT_TRUE(plain.put(ctx_, a_, std::string(5000, 'x')));
    ASSERT_TRUE(get_whole(ctx_, plain, a_));
    EXPECT_GE(clock_.steady() - start, seconds(7)) << "the read waits for the bytes written before it";
}

TEST_F(Retries, WhatRestsOnALookDoesNotWaitForItsTurnLongerThanItHolds) {
    LimitStore store(make_memory_store({.clock = &clock_}), {.rate = 1});
    ObjectStore& plain = store;
    EXPECT_FALSE(plain.head(ctx_, a_));
    const SteadyTime looked = clock_.steady();
    EXPECT_FALSE(plain.remove(ctx_.sending_until(looked + milliseconds(200)), a_, {.if_match = "none"}));
    EXPECT_EQ(clock_.steady(), looked);
    EXPECT_FALSE(plain.head(ctx_, a_));
    EXPECT_EQ(clock_.steady() - looked, seconds(2)) << "its turn is paid for by those behind it";
}

TEST_F(Retries, TraceCountsCallsBytesErrorsAndLatencies) {
    auto trace = std::make_shared<Trace>();
    TraceStore store(make_memory_store(), trace);
    ASSERT_TRUE(store.put(ctx_, a_, "12345"));
    ASSERT_TRUE(get_whole(ctx_, store, a_));
    EXPECT_FALSE(store.head(ctx_, c_));
    const Traced traced = trace->so_far();
    EXPECT_EQ(traced.calls(), 3u);
    EXPECT_EQ(traced.of(Verb::put).bytes_out, 5u);
    EXPECT_EQ(traced.of(Verb::get).bytes_in, 5u);
    EXPECT_EQ(traced.of(Verb::head).errors.at(Code::not_found), 1u);
    Latencies latencies;
    for (int i = 0; i < 99; ++i)
        latencies.add(milliseconds(1));
    latencies.add(seconds(1));
    EXPECT_LT(latencies.at(0.5), milliseconds(3));
    EXPECT_GE(latencies.at(1.0), seconds(1));
}

}  // namespace
}  // namespace dray
