#include "ops/remove_stage.h"

#include <gtest/gtest.h>

#include <thread>

namespace dray {
namespace {

using std::chrono::milliseconds;

const SteadyTime kStart{std::chrono::hours(1)};

OneMove move_of(std::uint64_t n) {
    OneMove move;
    move.action.n = n;
    move.action.from.bucket = "b";
    return move;
}

TEST(RemoveStage, ABatchNeverHoldsMoreKeysThanARequestTakes) {
    RemoveStage stage(kBatchWait);
    // Several workers may add before the first of them takes.
    for (std::uint64_t n = 0; n < kBatchKeys + 3; ++n)
        stage.add(move_of(n), kStart);
    auto full = stage.due(kStart);
    ASSERT_TRUE(full);
    EXPECT_EQ(full->moves.size(), kBatchKeys);
    EXPECT_FALSE(stage.due(kStart)) << "the rest waits for more";
    auto rest = stage.any();
    ASSERT_TRUE(rest);
    EXPECT_EQ(rest->moves.size(), 3u);
    EXPECT_EQ(rest->moves.front().action.n, kBatchKeys);
    EXPECT_FALSE(stage.any());
}

TEST(RemoveStage, ABatchIsDueWhenItsFirstKeyHasWaited) {
    RemoveStage stage(kBatchWait);
    stage.add(move_of(1), kStart);
    stage.add(move_of(2), kStart + milliseconds(500));
    EXPECT_FALSE(stage.due(kStart + kBatchWait - milliseconds(1)));
    auto batch = stage.due(kStart + kBatchWait);
    ASSERT_TRUE(batch);
    EXPECT_EQ(batch->moves.size(), 2u);
}

TEST(RemoveStage, LooksGatherUntilAWholeBatchOfThemCanBeTaken) {
    RemoveStage stage(kBatchWaitAfterLook);
    for (std::uint64_t n = 1; n < kBatchKeys; ++n)
        stage.add_to_look(move_of(n), kStart);
    EXPECT_FALSE(stage.to_look(kStart, false));
    stage.add_to_look(move_of(0), kStart);
    for (std::uint64_t n = 0; n < kBatchKeys; ++n)
        ASSERT_TRUE(stage.to_look(kStart, false)) << n;
    EXPECT_FALSE(stage.to_look(kStart, true));
}

TEST(RemoveStage, LooksAreTakenAtOnceWhenNothingFollowsOrTheyHaveWaited) {
    RemoveStage stage(kBatchWaitAfterLook);
    stage.add_to_look(move_of(1), kStart);
    EXPECT_TRUE(stage.to_look(kStart, true));
    stage.add_to_look(move_of(2), kStart);
    EXPECT_FALSE(stage.to_look(kStart + kBatchWait - milliseconds(1), false));
    EXPECT_TRUE(stage.to_look(kStart + kBatchWait, false));
}

class UpTo final : public Recorder {
public:
    Ticket record(const Receipt&) override { return 0; }
    Status wait_durable(Ticket) override { return {}; }
    bool durable(Ticket ticket) const override { return ticket <= on_disk; }
    bool may_change() const override { return true; }
    void touch(std::uint64_t) override {}
    Ticket on_disk = 0;
};

TEST(RemoveStage, AMoveThatIsDeletedAloneIsGivenOutWhenItsReceiptIsOnDisk) {
    RemoveStage stage(kBatchWait);
    UpTo recorder;
    for (Ticket ticket : {1, 2}) {
        OneMove move = move_of(ticket);
        move.ticket = ticket;
        stage.add_alone(std::move(move));
    }
    EXPECT_FALSE(stage.alone(recorder, false));
    recorder.on_disk = 1;
    auto first = stage.alone(recorder, false);
    ASSERT_TRUE(first);
    EXPECT_EQ(first->action.n, 1u);
    EXPECT_FALSE(stage.alone(recorder, false));
    EXPECT_TRUE(stage.alone(recorder, true)) << "at the end whoever takes it waits for the disk";
}

TEST(RemoveStage, WorkersWaitForTheDiskWhenTooManyMovesDo) {
    RemoveStage stage(kBatchWait);
    const UpTo recorder;
    for (Ticket ticket = 1; ticket <= kWaitingAlone + 1; ++ticket) {
        OneMove move = move_of(ticket);
        move.ticket = ticket;
        stage.add_alone(std::move(move));
    }
    EXPECT_TRUE(stage.alone(recorder, false));
    EXPECT_FALSE(stage.alone(recorder, false));
}

TEST(RemoveStage, ADistantStoresLooksAreUsedBeforeAnotherLookOutlastsThem) {
    RemoveStage stage(kBatchWaitAfterLook);
    stage.add_looked(move_of(1), kStart, milliseconds(20));
    EXPECT_FALSE(stage.due(kStart + milliseconds(50))) << "another look is short";
    stage.add_looked(move_of(2), kStart + milliseconds(50), milliseconds(150));
    auto batch = stage.due(kStart + milliseconds(50));
    ASSERT_TRUE(batch);
    EXPECT_EQ(batch->moves.size(), 2u);
}

TEST(RemoveStage, OnlySoManyBatchesAreUnderWayAtOnce) {
    RemoveStage stage(kBatchWait);
    for (std::uint64_t n = 0; n < kBatchKeys * (kBatchesAtOnce + 1); ++n)
        stage.add(move_of(n), kStart);
    for (std::size_t i = 0; i < kBatchesAtOnce; ++i)
        ASSERT_TRUE(stage.due(kStart)) << i;
    EXPECT_FALSE(stage.due(kStart));
    stage.sent();
    EXPECT_TRUE(stage.due(kStart));
}

TEST(RemoveStage, WhoeverComesWaitsWhenTooManyMovesWaitAndNoBatchCanGo) {
    RemoveStage stage(kBatchWait);
    for (std::uint64_t n = 0; n < kBatchKeys * kBatchesAtOnce + kWaitingMoves; ++n)
        stage.add(move_of(n), kStart);
    for (std::size_t i = 0; i < kBatchesAtOnce; ++i)
        ASSERT_TRUE(stage.due(kStart)) << i;
    std::optional<RemoveStage::Batch> batch;
    std::thread comes([&] { batch = stage.due(kStart); });
    stage.sent();
    comes.join();
    EXPECT_TRUE(batch) << "it came back without one, and would have begun another move";
}

}  // namespace
}  // namespace dray
