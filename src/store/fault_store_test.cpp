#include "store/fault_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/body.h"
#include "store/memory_store.h"

namespace dray {
namespace {

using std::chrono::seconds;

class Faults : public testing::Test {
protected:
    SimulatedClock clock_;
    std::shared_ptr<ObjectStore> behind_ = make_memory_store({.clock = &clock_});
    std::unique_ptr<FaultStore> store_ = make_fault_store(behind_, &clock_);
    const ObjectRef a_{"b", "a", {}};
    const ObjectRef c_{"b", "c", {}};

    bool there(const ObjectRef& object) { return behind_->head({}, object).has_value(); }
    void put(const ObjectRef& object, std::string_view bytes) { ASSERT_TRUE(behind_->put({}, object, bytes)); }
};

TEST_F(Faults, FailsBeforeTheEffectAndOnlyAsOftenAsAsked) {
    store_->add({.verb = Verb::put,
                 .skip = 1,
                 .count = 2,
                 .action = FaultAction::fail,
                 .error = {.code = Code::throttled, .message = "slow down"}});
    ObjectStore& store = *store_;
    EXPECT_TRUE(store.put({}, a_, "1"));
    for (int i = 0; i < 2; ++i)
        EXPECT_EQ(store.put({}, c_, "2").error().code, Code::throttled);
    EXPECT_FALSE(there(c_));
    EXPECT_TRUE(store.put({}, c_, "3"));
}

TEST_F(Faults, LosesTheAnswerOfARequestThatTookEffect) {
    store_->add({.verb = Verb::remove, .action = FaultAction::lose_answer});
    put(a_, "1");
    auto removed = store_->remove({}, a_, {});
    ASSERT_FALSE(removed);
    EXPECT_TRUE(removed.error().unsure);
    EXPECT_FALSE(there(a_));
}

TEST_F(Faults, LandsADeferredRequestLaterAndUnheard) {
    store_->add({.verb = Verb::copy, .action = FaultAction::defer});
    put(a_, "1");
    {
        const ObjectRef target = c_;  // gone before the request lands
        auto copied = store_->copy({}, a_, target, {});
        ASSERT_FALSE(copied);
        EXPECT_TRUE(copied.error().unsure);
    }
    EXPECT_FALSE(there(c_));
    EXPECT_EQ(store_->in_flight(), 1u);
    EXPECT_EQ(store_->land(), 1u);
    EXPECT_TRUE(there(c_));
}

TEST_F(Faults, LandsADeferredRequestWhenTheClockPassesItsTime) {
    store_->add({.verb = Verb::remove, .action = FaultAction::defer, .delay = seconds(30)});
    put(a_, "1");
    EXPECT_FALSE(store_->remove({}, a_, {}));
    clock_.advance(seconds(29));
    EXPECT_TRUE(store_->head({}, a_));
    clock_.advance(seconds(2));
    EXPECT_FALSE(store_->head({}, a_));
}

TEST_F(Faults, ADeferredConditionIsJudgedWhenItLands) {
    put(a_, "old");
    const std::string etag = behind_->head({}, a_)->etag;
    store_->add({.verb = Verb::remove, .action = FaultAction::defer});
    EXPECT_FALSE(store_->remove({}, a_, {.if_match = etag}));
    put(a_, "new");
    store_->land();
    EXPECT_TRUE(there(a_)) << "it is another object by now";
}

TEST_F(Faults, RepeatsARequestAndAnswersWithTheSecondAnswer) {
    put(a_, "1");
    store_->add({.verb = Verb::copy, .action = FaultAction::repeat});
    auto copied = store_->copy({}, a_, c_, {.target_if_absent = true});
    ASSERT_FALSE(copied);
    EXPECT_EQ(copied.error().code, Code::exists) << "our own first effect looks like somebody else's";
}

TEST_F(Faults, ARepeatThatLandsLateHitsWhatIsThereByThen) {
    put(a_, "1");
    store_->add({.verb = Verb::remove, .action = FaultAction::repeat_later, .delay = seconds(10)});
    EXPECT_TRUE(store_->remove({}, a_, {}));
    put(a_, "restored");
    clock_.advance(seconds(11));
    EXPECT_FALSE(store_->head({}, a_));
}

TEST_F(Faults, ADeadProcessReachesNothingUntilItIsRevived) {
    store_->add({.verb = Verb::put, .action = FaultAction::die_after});
    ObjectStore& store = *store_;
    auto made = store.put({}, a_, "1");
    ASSERT_FALSE(made);
    EXPECT_TRUE(made.error().fatal);
    EXPECT_TRUE(there(a_)) << "the effect was there before the death";
    EXPECT_FALSE(store.put({}, c_, "2"));
    EXPECT_FALSE(there(c_));
    store_->revive();
    EXPECT_TRUE(store.put({}, c_, "2"));
}

TEST_F(Faults, LetsAnotherWriterActJustBeforeAndAfter) {
    put(a_, "listed");
    store_->add({.verb = Verb::copy,
                 .before = [&](const Call&) { put(a_, "changed"); },
                 .after =
                     [&](const Call& call) {
                         put({"b", std::string(call.key), {}}, "overwritten");
                     }});
    EXPECT_TRUE(store_->copy({}, a_, c_, {}));
    EXPECT_EQ(*get_whole({}, *behind_, a_), "changed");
    EXPECT_EQ(*get_whole({}, *behind_, c_), "overwritten");
}

TEST_F(Faults, MatchesAnyKeyOfABatchAndRecordsThemAll) {
    store_->add({.key = "needle", .action = FaultAction::fail});
    const std::vector<RemoveItem> items = {{.key = "hay"}, {.key = "a needle"}};
    EXPECT_FALSE(store_->remove_many({}, "b", items));
    ASSERT_EQ(store_->trace().size(), 1u);
    EXPECT_THAT(store_->trace()[0].keys, testing::ElementsAre("hay", "a needle"));
    EXPECT_EQ(store_->trace()[0].error, Code::unavailable);
    EXPECT_EQ(store_->calls(Verb::remove_many), 1u);
}

}  // namespace
}  // namespace dray
