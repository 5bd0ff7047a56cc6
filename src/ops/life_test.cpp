#include "ops/life.h"

#include <gtest/gtest.h>

#include <set>

#include "base/checksum.h"
#include "ops/life_rig.h"

namespace dray {
namespace {

TEST(Life, AnotherStoreThanThePlansIsRefused) {
    Life life;
    life.put("in/x");
    const RunPaths run = life.plan();
    ASSERT_TRUE(life.apply(run).finished());
    const auto theirs = life.env.open_store;
    life.env.open_store = [&](PlannedStore& planned) {
        auto opened = theirs(planned);
        planned.identity = "http://another.example";
        return opened;
    };
    auto undone = undo_run(life.ctx, life.env, run.id, {});
    ASSERT_FALSE(undone);
    EXPECT_EQ(undone.error().code, Code::refused);
    EXPECT_NE(undone.error().message.find("http://another.example"), std::string::npos) << undone.error().message;
    auto verified = verify_run(life.ctx, life.env, run.id, {});
    ASSERT_FALSE(verified);
    EXPECT_EQ(verified.error().code, Code::refused);
    life.env.open_store = theirs;
    EXPECT_TRUE(undo_run(life.ctx, life.env, run.id, {})) << "and the run is not sealed by the refusal";
}

TEST(Life, L12_ATargetBelowTheSourceThatTheNextRunWouldMoveOnIsSaid) {
    Life life;
    life.put("in/x/a");
    MoveCommand command = Life::command();
    command.rule.target_prefix = "in/archive/";
    auto planned = plan_move(life.ctx, life.env, command);
    ASSERT_TRUE(planned);
    ASSERT_EQ(planned->warnings.size(), 1U);
    EXPECT_NE(planned->warnings[0].find("in/archive/archive/x/a"), std::string::npos) << planned->warnings[0];

    command.rule.to = "{basename}";
    planned = plan_move(life.ctx, life.env, command);
    ASSERT_TRUE(planned);
    EXPECT_TRUE(planned->warnings.empty()) << "what is there stays where it is";
    command.rule.target_prefix = "out/";
    planned = plan_move(life.ctx, life.env, command);
    ASSERT_TRUE(planned);
    EXPECT_TRUE(planned->warnings.empty());
}

TEST(Life, ARunThatLeavesSomethingIsNotFinished) {
    Life life;
    life.put("in/a");
    const RunPaths run = life.plan();
    // The copy's answer is lost, and nobody can look afterwards: the action stays doubtful.
    life.faults = {{.verb = Verb::copy, .action = FaultAction::lose_answer},
                   {.verb = Verb::head, .count = 100, .action = FaultAction::fail}};

    const RunResult result = life.apply(run);

    EXPECT_EQ(result.balance.left, 1U);
    EXPECT_EQ(life.phase(run), RunPhase::stopped) << "it must be found by `resume`, and not be pruned";

    life.faults.clear();
    EXPECT_TRUE(life.apply(run).finished());
    EXPECT_EQ(life.phase(run), RunPhase::finished);
    EXPECT_TRUE(life.there("out/a") && !life.there("in/a"));
}

TEST(Life, ARunThatDiedWhenAllWasDoneLetsGoOfItsPrefixWhenItIsResumed) {
    Life life;
    life.put("in/a");
    const RunPaths run = life.plan();
    ASSERT_TRUE(life.apply(run).finished());
    cut_the_end(run);
    {
        auto state = StateDirectory::open(life.env.state_directory);
        ASSERT_TRUE(take_scopes(*state, run.id, {kEverything}, life.clock.wall())->lock);
    }
    ASSERT_EQ(life.phase(run), RunPhase::applying);

    EXPECT_TRUE(life.apply(run).finished());

    EXPECT_EQ(life.phase(run), RunPhase::finished);
    const ScopeGrant grant = life.ask_for_everything();
    EXPECT_TRUE(grant.lock) << "held by " << grant.holder;
    EXPECT_TRUE(grant.wait_until && *grant.wait_until > life.clock.wall())
        << "what the dead process sent may still land (R2)";
}

TEST(Life, AnUndoThatCannotBeginYetKeepsWhatItsParentHeld) {
    Life life;
    life.put("in/a");
    const RunPaths run = life.plan();
    life.faults = {{.verb = Verb::remove_many, .count = 100, .action = FaultAction::lose_answer}};
    life.apply(run);
    cut_the_end(run);

    life.faults = {{.verb = Verb::bucket_facts, .action = FaultAction::fail}};
    auto undone = undo_run(life.ctx, life.env, run.id, {});
    ASSERT_FALSE(undone);

    const ScopeGrant grant = life.ask_for_everything();
    EXPECT_FALSE(grant.lock && !grant.wait_until) << "the parent's requests may still land: R2";

    life.faults.clear();
    undone = undo_run(life.ctx, life.env, run.id, {});
    ASSERT_TRUE(undone) << undone.error().message;
    EXPECT_TRUE(undone->finished());
    EXPECT_TRUE(life.there("in/a") && !life.there("out/a"));
}

TEST(Life, AMoveThatAnotherRunStandsInTheWayOfIsRefusedBeforeItListsAndLeavesNoRun) {
    Life life;
    life.put("in/a");
    const RunPaths run = life.plan();
    life.faults = {{.verb = Verb::copy, .action = FaultAction::lose_answer},
                   {.verb = Verb::head, .count = 100, .action = FaultAction::fail}};
    ASSERT_EQ(life.apply(run).balance.left, 1U);

    life.faults = {{.verb = Verb::list, .count = 100, .action = FaultAction::fail}};
    auto refused = move_run(life.ctx, life.env, Life::command());

    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::refused) << refused.error().message;
    EXPECT_NE(refused.error().message.find("dray undo " + run.id), std::string::npos) << refused.error().message;
    EXPECT_EQ(life.runs().size(), 1U);
}

TEST(Life, AMoveThatFailsBeforeItsFirstEffectStaysToBeResumedUnlessItWasToBeDropped) {
    Life life;
    life.put("in/a");
    life.faults = {{.verb = Verb::bucket_facts, .count = 100, .action = FaultAction::fail}};

    ASSERT_FALSE(move_run(life.ctx, life.env, Life::command(), {.drop_unbegun = true}));
    EXPECT_TRUE(life.runs().empty());

    auto failed = move_run(life.ctx, life.env, Life::command());
    ASSERT_FALSE(failed);
    auto state = StateDirectory::open(life.env.state_directory);
    auto last = state->find_run("last", Last::unfinished);
    ASSERT_TRUE(last) << last.error().message;
    EXPECT_NE(failed.error().message.find("dray resume " + last->id), std::string::npos) << failed.error().message;

    life.faults.clear();
    EXPECT_TRUE(life.apply(*last).finished());
    EXPECT_TRUE(life.there("out/a"));
}

TEST(Life, ARunThatDiedBeforeItsJournalDoesNotHoldItsPrefix) {
    Life life;
    life.put("in/a");
    const RunPaths dead = life.plan();
    auto state = StateDirectory::open(life.env.state_directory);
    ASSERT_TRUE(take_scopes(*state, dead.id, {kEverything}, life.clock.wall())->lock);

    auto moved = move_run(life.ctx, life.env, Life::command());

    ASSERT_TRUE(moved) << moved.error().message;
    EXPECT_TRUE(moved->finished());
}

TEST(Life, UndoOfTheLastRunIsThatOfTheLastThatChangedSomething) {
    Life life;
    life.put("in/a");
    life.apply(life.plan());
    life.apply(life.plan());  // finds nothing

    auto undone = undo_run(life.ctx, life.env, "last", {});

    ASSERT_TRUE(undone) << undone.error().message;
    EXPECT_TRUE(life.there("in/a"));
}

TEST(Life, ARunThatWasUndoneSaysSoAndNotToResumeIt) {
    Life life;
    life.put("in/a");
    const RunPaths run = life.plan();
    life.apply(run);
    auto undone = undo_run(life.ctx, life.env, run.id, {});
    ASSERT_TRUE(undone && undone->finished());

    auto again = apply_run(life.ctx, life.env, run.id);

    ASSERT_FALSE(again);
    EXPECT_NE(again.error().message.find("was undone by " + undone->run.id), std::string::npos);
    EXPECT_EQ(again.error().message.find("dray resume"), std::string::npos) << again.error().message;
}

TEST(Life, UndoLeavesATargetThatWasFoundEqualAndNotMade) {
    Life life;
    life.put("in/a");
    const RunPaths run = life.plan();
    // Another writer makes the target after the run's first answer and before its copy.
    life.faults = {{.verb = Verb::copy, .before = [&](const Call&) { life.put("out/a"); }}};
    ASSERT_TRUE(life.apply(run).finished());
    ASSERT_FALSE(life.there("in/a"));

    life.faults.clear();
    auto undone = undo_run(life.ctx, life.env, run.id, {});

    ASSERT_TRUE(undone) << undone.error().message;
    EXPECT_TRUE(undone->finished());
    EXPECT_TRUE(life.there("in/a"));
    EXPECT_TRUE(life.there("out/a")) << "it is the other writer's";
    EXPECT_EQ(undone->balance.done_by["target-kept"], 1U);
}

TEST(Life, WhatFailedIsTriedAgainWhenTheRunIsResumed) {
    Life life;
    life.put("in/a", "ours");
    life.put("in/b");
    const RunPaths run = life.plan();
    life.put("out/a", "theirs");
    const RunResult first = life.apply(run);
    ASSERT_TRUE(first.finished());
    ASSERT_EQ(first.balance.failed_by.at("conflict"), 1U);
    EXPECT_EQ(life.apply(run).balance.failed, 1U) << "the cause is there still";
    EXPECT_EQ(life.phase(run), RunPhase::finished);

    ASSERT_TRUE(life.store->remove(life.ctx, {"b", "out/a", {}}, {}));
    const RunResult again = life.apply(run);

    EXPECT_TRUE(again.finished());
    EXPECT_EQ(again.balance.done_by, (std::map<std::string, std::uint64_t>{{"moved", 2}}));
    EXPECT_TRUE(again.balance.failed_by.empty());
    EXPECT_TRUE(life.there("out/a") && !life.there("in/a"));
    auto verified = verify_run(life.ctx, life.env, run.id, {});
    ASSERT_TRUE(verified);
    EXPECT_EQ(verified->good, 2U);

    std::size_t requests = 0;
    life.faults = {{.count = 1000, .before = [&](const Call&) { ++requests; }}};
    EXPECT_TRUE(life.apply(run).finished());
    EXPECT_EQ(requests, 0U) << "nothing failed, nothing is left: it is answered from its files";
}

TEST(Life, WithDeleteAfterTheRestIsDeletedOnceTheCauseOfAFailureIsGone) {
    Life life;
    life.put("in/a", "ours");
    life.put("in/b");
    MoveCommand command = Life::command();
    command.options.delete_after = true;
    auto planned = plan_move(life.ctx, life.env, command);
    ASSERT_TRUE(planned);
    life.put("out/a", "theirs");
    EXPECT_EQ(life.apply(planned->run).balance.left, 1U) << "no source goes before all are copied";
    ASSERT_TRUE(life.there("in/b"));

    ASSERT_TRUE(life.store->remove(life.ctx, {"b", "out/a", {}}, {}));
    const RunResult again = life.apply(planned->run);

    EXPECT_TRUE(again.finished());
    EXPECT_EQ(again.balance.done, 2U);
    EXPECT_FALSE(life.there("in/a") || life.there("in/b"));
    EXPECT_TRUE(life.ask_for_everything().lock);
}

TEST(Life, AnUndoThatFailedDoesTheRestWhenItIsAskedAgain) {
    Life life;
    life.put("in/a");
    life.put("in/b");
    const RunPaths first = life.plan();
    ASSERT_TRUE(life.apply(first).finished());
    MoveCommand further = Life::command("out/");
    further.rule.to = "{path}";
    further.rule.target_prefix = "fin/";
    auto planned = plan_move(life.ctx, life.env, further);
    ASSERT_TRUE(planned);
    ASSERT_TRUE(life.apply(planned->run).finished());
    auto early = undo_run(life.ctx, life.env, first.id, {});
    ASSERT_TRUE(early);
    ASSERT_EQ(early->balance.failed_by["not_found"], 2U) << "what it made is not there: the second run goes first";

    ASSERT_TRUE(undo_run(life.ctx, life.env, planned->run.id, {}));
    auto again = undo_run(life.ctx, life.env, first.id, {});

    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(again->run.id, early->run.id) << "one undo, under one seal";
    EXPECT_TRUE(again->finished());
    EXPECT_EQ(again->balance.failed, 0U);
    EXPECT_TRUE(life.there("in/a") && life.there("in/b") && !life.there("out/a"));
}

TEST(Life, ACopyThatWasProvenIsRememberedWhenItsDeleteIsTriedAgain) {
    Life life;
    life.put("in/a");
    const RunPaths run = life.plan();
    life.faults = {{.verb = Verb::remove_many,
                    .action = FaultAction::fail,
                    .error = {.code = Code::denied, .message = "AccessDenied"}}};
    ASSERT_EQ(life.apply(run).balance.failed_by["delete-denied"], 1U);
    life.faults = {{.verb = Verb::head, .action = FaultAction::die}};
    life.apply(run);
    life.faults.clear();

    auto status = run_status(life.env, run.id);
    ASSERT_TRUE(status);
    EXPECT_EQ(status->copied, 1U) << "by its receipt, whatever its ETag is";
    EXPECT_TRUE(life.apply(run).finished());
    EXPECT_TRUE(life.there("out/a") && !life.there("in/a"));
}

TEST(Life, WhatMayNotBeTouchedKeepsNeitherAResumeNorAnUndoFromTheRest) {
    Life life;
    const auto denied = Error{.code = Code::denied, .message = "AccessDenied"};
    for (int i = 0; i < 150; ++i) {
        const std::string name = "a" + std::to_string(100 + i);
        life.put("in/" + name);
        for (const Verb verb : {Verb::head, Verb::copy})
            for (const std::string folder : {"in/", "out/"})
                life.faults.push_back({.verb = verb,
                                       .key = folder + name,
                                       .count = UINT32_MAX,
                                       .action = FaultAction::fail,
                                       .error = denied});
    }
    life.put("in/b", "ours");
    const RunPaths run = life.plan();
    EXPECT_FALSE(life.apply(run).finished()) << "the first hundred look as if nothing were allowed";

    const RunResult resumed = life.apply(run);

    EXPECT_TRUE(life.there("out/b") && !life.there("in/b"));
    EXPECT_EQ(resumed.balance.done, 1U);
    EXPECT_EQ(resumed.balance.failed, 150U);
    EXPECT_TRUE(resumed.finished());
    const auto undone = undo_run(life.ctx, life.env, run.id, {});
    ASSERT_TRUE(undone) << undone.error().message;
    EXPECT_TRUE(life.there("in/b") && !life.there("out/b"));
}

TEST(Life, ARunThatWasKilledWhileItTriedAgainIsUnfinished) {
    Life life;
    life.put("in/a", "ours");
    const RunPaths run = life.plan();
    life.put("out/a", "theirs");
    ASSERT_EQ(life.apply(run).balance.failed, 1U);
    ASSERT_TRUE(life.store->remove(life.ctx, {"b", "out/a", {}}, {}));
    life.faults = {{.verb = Verb::copy, .action = FaultAction::die_after}};
    life.apply(run);
    life.faults.clear();

    auto status = run_status(life.env, run.id);
    ASSERT_TRUE(status);
    EXPECT_EQ(status->balance.left, 1U);
    EXPECT_TRUE(status->balance.failed_by.empty());
    auto verified = verify_run(life.ctx, life.env, run.id, {});
    ASSERT_TRUE(verified);
    EXPECT_EQ(verified->bad_by["unfinished"], 1U);
    EXPECT_TRUE(life.apply(run).finished());
    EXPECT_TRUE(life.there("out/a") && !life.there("in/a"));
}

// R17. On a store that overwrites, and under --exclusive, nothing but this look stands between the two runs.
TEST(Life, APlanThatIsOlderThanAnotherRunOnItsPrefixIsNotTrusted) {
    Life life;
    life.store =
        make_memory_store({.clock = &life.clock, .ignores = {.copy_if_absent = true, .remove_many_if_match = true}});
    life.put("in/a", "one");
    life.put("also/a", "two");
    const RunPaths first = life.plan("in/", true), second = life.plan("also/", true);

    ASSERT_TRUE(life.apply(first).finished());
    const RunResult result = life.apply(second);

    EXPECT_EQ(result.balance.failed_by.at("conflict"), 1U);
    EXPECT_EQ(life.store->head(life.ctx, {"b", "out/a", {}})->size, 3U);
    EXPECT_TRUE(life.there("also/a"));
    auto bytes = life.store->head(life.ctx, {"b", "out/a", {}});
    ASSERT_TRUE(bytes);
    EXPECT_EQ(bytes->etag, hex(md5("one"))) << "the first run's object, the only copy of it, is untouched";
}

TEST(Life, AFreshPlanUnderExclusiveDoesNotLook) {
    Life life;
    life.store =
        make_memory_store({.clock = &life.clock, .ignores = {.copy_if_absent = true, .remove_many_if_match = true}});
    life.put("in/a");
    ASSERT_TRUE(life.apply(life.plan("in/", true)).finished());
    life.put("in/b");
    std::size_t looks = 0;
    life.faults = {{.verb = Verb::head, .key = "out/", .count = 100, .before = [&](const Call&) { ++looks; }}};

    ASSERT_TRUE(life.apply(life.plan("in/", true)).finished());

    EXPECT_EQ(looks, 0U);
}

TEST(Life, EveryBucketOfATemplateIsProbedAsTheOneWhoRuns) {
    Life life;
    life.use_unknown_store();
    life.put("in/one-bucket/a");
    life.put("in/two-bucket/b");
    std::set<std::string> probed;
    life.faults = {{.verb = Verb::put, .key = ".dray-probe-", .count = 1000, .before = [&](const Call& call) {
                        probed.insert(std::string(call.bucket));
                    }}};
    MoveCommand command{.stores = {{}}, .source_bucket = "b", .source_prefix = "in/"};
    command.rule = {.match = "([^/]+)/(.+)", .to = "s3://{1}/out/{2}", .source_bucket = "b", .source_prefix = "in/"};
    auto planned = plan_move(life.ctx, life.env, command);
    ASSERT_TRUE(planned) << planned.error().message;

    ASSERT_TRUE(life.apply(planned->run).finished());

    EXPECT_EQ(probed, (std::set<std::string>{"b", "one-bucket", "two-bucket"}));
    EXPECT_TRUE(life.store->head(life.ctx, {"one-bucket", "out/a", {}}));
    EXPECT_TRUE(life.store->head(life.ctx, {"two-bucket", "out/b", {}}));
}

TEST(Life, AnUndoIsNotMistakenForARunWhoseNameBeginsTheSame) {
    Life life;
    life.put("in/a");
    const RunPaths run = life.plan();
    ASSERT_TRUE(life.apply(run).finished());
    ASSERT_TRUE(write_file_atomically(run.seal(), "undo-1"));
    auto state = StateDirectory::open(life.env.state_directory);
    ASSERT_TRUE(state->create_run("undo-12"));

    auto undone = undo_run(life.ctx, life.env, run.id, {});

    ASSERT_FALSE(undone);
    EXPECT_EQ(undone.error().code, Code::not_found) << undone.error().message;
}

}  // namespace
}  // namespace dray
