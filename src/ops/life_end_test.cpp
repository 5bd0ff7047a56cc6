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

}  // namespace
}  // namespace dray
