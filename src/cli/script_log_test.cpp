#include "cli/script_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "base/temp_directory.h"

namespace dray {
namespace {

using testing::HasSubstr;
using testing::Not;

// A run of four moves: one done, one skipped, one failed, one left.
class Logged : public testing::Test {
protected:
    Logged() {
        PlanWriter plan = *PlanWriter::create(run_.plan(), {.run_id = run_.id, .command = "segregate"});
        for (const char* name : {"done", "alias", "failed", "left"})
            EXPECT_TRUE(plan.add({.what = Do::move,
                                  .from = {.key = std::string("in/") + name},
                                  .to = {.key = std::string("out/") + name}}));
        EXPECT_TRUE(plan.add({.what = Do::skip, .from = {.key = "in/"}, .reason = "directory-marker"}));
        auto journal = JournalWriter::create(run_.journal(), {.plan_checksum = *plan.seal(), .run_id = run_.id});
        EXPECT_TRUE(journal);
        EXPECT_TRUE((*journal)->claim(0, 3));
        (*journal)->append({.n = 0, .state = ReceiptState::deleted});
        (*journal)->append({.n = 1, .state = ReceiptState::skipped, .reason = "alias"});
        (*journal)->append({.n = 2, .state = ReceiptState::failed, .reason = "conflict"});
        EXPECT_TRUE((*journal)->close({.outcome = "stopped"}));
    }

    std::string log(const std::optional<ActionStates>& logged) {
        const std::string path = temp_.file("script.log");
        {
            ScriptLog log(path, {.year = 2024}, /*debug=*/true);
            const Status written = log_run(log, run_, logged);
            EXPECT_TRUE(written) << written.error().message;
            EXPECT_EQ(log.lost(), 0U);
        }
        return *read_file(path, 1 << 20);
    }

    TempDirectory temp_;
    const RunPaths run_{.id = "r", .directory = temp_.path()};
};

TEST_F(Logged, WhatASettledRunSkippedIsNotCalledMoved) {
    const std::string text = log(std::nullopt);
    EXPECT_THAT(text, HasSubstr("[DEBUG][s3_segregation_20240101][dray/segregate/0] - moved in/done to out/done\n"));
    EXPECT_THAT(text, HasSubstr("skipped in/alias: alias\n"));
    EXPECT_THAT(text, Not(HasSubstr("moved in/alias")));
    EXPECT_THAT(text, HasSubstr("[ERROR][s3_segregation_20240101][dray/segregate/0] - Error moving in/failed to "
                                "out/failed: conflict\n"));
    EXPECT_THAT(text, HasSubstr("skipped in/: directory-marker\n"));
    EXPECT_THAT(text, Not(HasSubstr("in/left")));
}

TEST_F(Logged, WhatAnEarlierStartLoggedIsNotLoggedAgain) {
    auto logged = logged_before({.paths = run_, .phase = RunPhase::stopped});
    ASSERT_TRUE(logged && *logged);
    EXPECT_EQ(log(*logged), "");
}

TEST_F(Logged, AKilledStartHasLoggedNothing) {
    auto logged = logged_before({.paths = run_, .phase = RunPhase::applying});
    ASSERT_TRUE(logged);
    EXPECT_FALSE(*logged);
}

}  // namespace
}  // namespace dray
