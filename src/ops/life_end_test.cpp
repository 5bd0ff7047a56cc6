// That every run can be brought to an end, whatever its user may not do: resumed or undone, and its prefix let go.
#include <gtest/gtest.h>

#include "ops/life_rig.h"

namespace dray {
namespace {

const Error kDenied{.code = Code::denied, .message = "AccessDenied"};

void deny(Life& life, Verb verb, const std::string& key) {
    life.faults.push_back(
        {.verb = verb, .key = key, .count = UINT32_MAX, .action = FaultAction::fail, .error = kDenied});
}

// More objects than it takes for the run to end early, none of which may be read.
RunPaths denied_run(Life& life) {
    for (int i = 0; i < 150; ++i)
        life.put("in/a" + std::to_string(100 + i));
    life.put("in/b");
    const RunPaths run = life.plan();
    for (const std::string folder : {"in/a", "out/a"})
        for (const Verb verb : {Verb::head, Verb::copy})
            deny(life, verb, folder);
    const RunResult result = life.apply(run);
    EXPECT_TRUE(result.error && result.error->code == Code::denied);
    EXPECT_GT(result.balance.left, 0U);
    return run;
}

TEST(LifeEnd, R22_ADeniedRunIsUndoneWithoutALookAndItsPrefixIsFree) {
    Life life;
    const RunPaths run = denied_run(life);

    auto undone = undo_run(life.ctx, life.env, run.id, {});

    ASSERT_TRUE(undone) << undone.error().message;
    EXPECT_TRUE(undone->finished());
    EXPECT_EQ(undone->balance.failed, 0U);
    EXPECT_TRUE(life.ask_for_everything().lock);
}

TEST(LifeEnd, R22_ADeniedRunIsFinishedByAResumeAndItsPrefixIsFree) {
    Life life;
    const RunPaths run = denied_run(life);

    const RunResult resumed = life.apply(run);
    EXPECT_TRUE(resumed.finished());
    EXPECT_EQ(resumed.balance.failed_by, (std::map<std::string, std::uint64_t>{{"denied", 150}}));
    EXPECT_TRUE(life.there("out/b"));
    EXPECT_TRUE(life.apply(run).finished()) << "and it stays finished when it is asked for once more";
    EXPECT_TRUE(life.ask_for_everything().lock);
}

TEST(LifeEnd, R22_WhatADeniedRunMayHaveCopiedIsLookedAtByItsUndo) {
    Life life;
    life.put("in/0");
    life.faults = {{.verb = Verb::copy, .key = "out/0", .action = FaultAction::lose_answer}};
    deny(life, Verb::head, "/0");
    const RunPaths run = denied_run(life);
    EXPECT_TRUE(life.there("out/0"));
    life.faults.clear();

    auto undone = undo_run(life.ctx, life.env, run.id, {});

    ASSERT_TRUE(undone) << undone.error().message;
    EXPECT_TRUE(undone->finished());
    EXPECT_EQ(undone->balance.done, 1U);
    EXPECT_TRUE(life.there("in/0") && !life.there("out/0"));
}

// Damages the run, undoes it in vain, mends it and goes on with it.
void expect_refused_unsealed(Life& life, const RunPaths& run, const std::string& file, const std::string& damaged) {
    const std::string whole = *read_file(file, 1 << 20);
    ASSERT_TRUE(write_file_atomically(file, damaged));
    const std::size_t runs = life.runs().size();

    EXPECT_FALSE(undo_run(life.ctx, life.env, run.id, {}));

    EXPECT_EQ(life.runs().size(), runs) << "no undo was begun";
    ASSERT_TRUE(write_file_atomically(file, whole));
    auto resumed = apply_run(life.ctx, life.env, run.id);
    ASSERT_TRUE(resumed) << "it is not sealed: " << resumed.error().message;
    EXPECT_TRUE(resumed->finished());
}

RunPaths stopped_run(Life& life, const std::string& in) {
    life.put(in + "a");
    const RunPaths run = life.plan(in);
    life.faults = {{.verb = Verb::copy, .action = FaultAction::lose_answer},
                   {.verb = Verb::head, .count = 100, .action = FaultAction::fail}};
    EXPECT_EQ(life.apply(run).balance.left, 1U);
    life.faults.clear();
    return run;
}

TEST(LifeEnd, AnUndoWithTheJournalOfAnotherPlanIsRefusedBeforeTheRunIsSealed) {
    Life life;
    life.put("also/b");
    const RunPaths other = life.plan("also/");
    ASSERT_TRUE(life.apply(other).finished());
    const RunPaths run = stopped_run(life, "in/");
    expect_refused_unsealed(life, run, run.journal(), *read_file(other.journal(), 1 << 20));
}

TEST(LifeEnd, AnUndoWithADamagedJournalIsRefusedBeforeTheRunIsSealed) {
    Life life;
    const RunPaths run = stopped_run(life, "in/");
    std::string journal = *read_file(run.journal(), 1 << 20);
    journal[journal.find("claim")] = 'x';
    expect_refused_unsealed(life, run, run.journal(), journal);
}

TEST(LifeEnd, AnUndoWithADamagedPlanIsRefusedBeforeTheRunIsSealed) {
    Life life;
    const RunPaths run = stopped_run(life, "in/");
    std::string plan = *read_file(run.plan(), 1 << 20);
    plan[plan.size() / 3] ^= 0x20;
    expect_refused_unsealed(life, run, run.plan(), plan);
}

// Two buckets of targets, of which one may not be changed any more when the run is undone.
struct TwoBuckets {
    Life life;
    RunPaths run;

    TwoBuckets() {
        life.store = make_memory_store({.clock = &life.clock, .tells_capabilities = false});
        life.put("in/one/a");
        life.put("in/two/b");
        MoveCommand command{.stores = {{}}, .source_bucket = "b", .source_prefix = "in/"};
        command.rule = {
            .match = "([^/]+)/(.+)", .to = "s3://{1}/out/{2}", .source_bucket = "b", .source_prefix = "in/"};
        auto planned = plan_move(life.ctx, life.env, command);
        EXPECT_TRUE(planned) << planned.error().message;
        run = planned->run;
        EXPECT_TRUE(life.apply(run).finished());
        EXPECT_TRUE(at("one", "out/a") && at("two", "out/b"));
        for (const Verb verb : {Verb::put, Verb::copy, Verb::remove, Verb::remove_many})
            life.faults.push_back({.verb = verb,
                                   .when = [](const Call& call) { return call.bucket == "one"; },
                                   .count = UINT32_MAX,
                                   .action = FaultAction::fail,
                                   .error = kDenied});
    }
    bool at(const std::string& bucket, const std::string& key) const {
        return life.store->head(life.ctx, {bucket, key, {}}).has_value();
    }
};

TEST(LifeEnd, ABucketThatMayNotBeChangedDoesNotKeepAnUndoFromTheOthers) {
    TwoBuckets two;

    auto undone = undo_run(two.life.ctx, two.life.env, two.run.id, {});

    ASSERT_TRUE(undone) << undone.error().message;
    EXPECT_TRUE(two.at("b", "in/two/b") && !two.at("two", "out/b"));
    EXPECT_TRUE(two.at("b", "in/one/a") && two.at("one", "out/a")) << "the source is back, beside the target";
    EXPECT_EQ(undone->balance.failed_by, (std::map<std::string, std::uint64_t>{{"delete-denied", 1}}));
    EXPECT_EQ(undone->balance.done, 1U);
    EXPECT_TRUE(undone->finished());

    auto resumed = apply_run(two.life.ctx, two.life.env, two.run.id);
    ASSERT_FALSE(resumed);
    EXPECT_EQ(resumed.error().message.find("was undone"), std::string::npos) << resumed.error().message;
    EXPECT_NE(resumed.error().message.find("was begun"), std::string::npos);
    EXPECT_NE(resumed.error().message.find("dray undo " + two.run.id), std::string::npos);
}

TEST(LifeEnd, ABucketThatMayNotBeProbedTakesNoGuardFromTheOthers) {
    TwoBuckets two;
    // Somebody's own object takes the target's place at the last moment: only a condition of the delete saves it.
    two.life.faults.push_back({.verb = Verb::remove_many,
                               .key = "out/b",
                               .when = [](const Call& call) { return call.bucket == "two"; },
                               .before =
                                   [&](const Call&) {
                                       EXPECT_TRUE(two.life.store->put(two.life.ctx, {"two", "out/b", {}}, "theirs"));
                                   }});

    auto undone = undo_run(two.life.ctx, two.life.env, two.run.id, {});

    ASSERT_TRUE(undone) << undone.error().message;
    EXPECT_TRUE(two.at("b", "in/two/b"));
    ASSERT_TRUE(two.at("two", "out/b"));
    EXPECT_EQ(undone->balance.failed_by["conflict"], 1U);
}

TEST(LifeEnd, ASecondUndoTakesUpOnlyWhatTheFirstMightNotDo) {
    TwoBuckets two;
    ASSERT_TRUE(undo_run(two.life.ctx, two.life.env, two.run.id, {}));
    std::size_t touched = 0;
    two.life.faults = {
        {.key = "/b", .count = UINT32_MAX, .before = [&](const Call&) { ++touched; }},
    };

    auto again = undo_run(two.life.ctx, two.life.env, two.run.id, {});

    ASSERT_TRUE(again) << again.error().message;
    EXPECT_TRUE(again->finished());
    EXPECT_EQ(again->balance.failed, 0U);
    EXPECT_TRUE(two.at("b", "in/one/a") && !two.at("one", "out/a"));
    EXPECT_EQ(touched, 0U) << "what was brought back is done";
    auto resumed = apply_run(two.life.ctx, two.life.env, two.run.id);
    ASSERT_FALSE(resumed);
    EXPECT_NE(resumed.error().message.find("was undone by"), std::string::npos);
}

}  // namespace
}  // namespace dray
