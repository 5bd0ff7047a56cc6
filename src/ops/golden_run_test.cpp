// Row P26: the files of a run, as each version of their formats was written, are read for ever.
#include <gtest/gtest.h>

#include <filesystem>

#include "base/file.h"
#include "base/temp_directory.h"
#include "job/joined.h"
#include "ops/life.h"
#include "ops/report.h"

namespace dray {
namespace {

const std::string kGolden = DRAY_TEST_DATA "/runs/v1/";

// A state directory with the run in it, named "golden".
struct GoldenRun {
    GoldenRun() {
        env.state_directory = temp.file("state");
        auto state = StateDirectory::open(env.state_directory);
        CHECK(state.has_value());
        auto created = state->create_run("golden");
        CHECK(created.has_value());
        run = *created;
        for (const char* name : {"plan.jsonl.zst", "journal.jsonl", "report.json", "run.json"})
            std::filesystem::copy_file(kGolden + name, run.directory + "/" + name);
    }
    TempDirectory temp;
    RunEnvironment env;
    RunPaths run;
};

TEST(GoldenRun, P26_ItsPlanIsReadActionByAction) {
    auto plan = PlanReader::open(kGolden + "plan.jsonl.zst");
    ASSERT_TRUE(plan) << plan.error().message;
    EXPECT_EQ(plan->header().run_id, "golden");
    EXPECT_EQ(plan->header().command, "mv");
    EXPECT_EQ(plan->header().stores.at(0).endpoint, "http://127.0.0.1:18099");
    EXPECT_EQ(plan->totals().effects, 7U);
    ASSERT_EQ(plan->size(), 8U);
    auto actions = plan->frame(0);
    ASSERT_TRUE(actions) << actions.error().message;
    const Action& equal = (*actions)[1];
    EXPECT_EQ(equal.what, Do::move);
    EXPECT_EQ(equal.from.key, "in/f1_20240302.csv");
    EXPECT_EQ(equal.from.etag, "9e1b5fe7764c7acf9adbdaa33d7a7299");
    EXPECT_EQ(equal.from.size, 8U);
    EXPECT_TRUE(equal.target_existed);
    EXPECT_EQ((*actions)[6].from.key, "in/odd\xff_20240309.csv") << "a key that is not UTF-8";
    EXPECT_EQ((*actions)[7].what, Do::skip);
    EXPECT_EQ((*actions)[7].reason, "no-match");
}

TEST(GoldenRun, P26_ItsJournalIsReplayed) {
    GoldenRun golden;
    auto plan = PlanReader::open(golden.run.plan());
    ASSERT_TRUE(plan);
    auto joined = JoinedReader::open(*plan, golden.run.journal(), golden.temp.path());
    ASSERT_TRUE(joined) << joined.error().message;
    EXPECT_EQ(joined->journal().processes, 2U);
    EXPECT_TRUE(joined->journal().died_before) << "the first process was killed";
    ASSERT_EQ(joined->journal().ends.size(), 1U);
    EXPECT_TRUE(joined->journal().ends[0].all_answered);
    EXPECT_FALSE(joined->journal().dropped_tail);

    std::vector<std::string> ends;
    for (auto next = joined->next(); next && *next; next = joined->next()) {
        const auto& final = (*next)->final;
        ends.push_back(final ? std::string(name_of(final->state)) + " " + final->reason : "none");
        if ((*next)->action.n == 5) {
            ASSERT_TRUE((*next)->copied);
            EXPECT_EQ((*next)->copied->checksum, "CRC64NVME:7YbRDT2i1Ck=");
            EXPECT_EQ((*next)->copied->proof, Proof::checksum);
        }
    }
    ASSERT_GE(ends.size(), 7U);
    EXPECT_EQ(ends[0], "failed conflict");
    EXPECT_EQ(ends[1], "deleted equal");
    EXPECT_EQ(ends[6], "deleted ");
}

TEST(GoldenRun, P26_ItsStatusAndReportAreWhatTheyWere) {
    GoldenRun golden;
    auto status = run_status(golden.env, "golden");
    ASSERT_TRUE(status) << status.error().message;
    EXPECT_EQ(status->summary.phase, RunPhase::finished);
    EXPECT_EQ(status->summary.command, "mv");
    const Balance::Totals& balance = status->balance;
    EXPECT_EQ(balance.listed, 8U);
    EXPECT_EQ(balance.done, 6U);
    EXPECT_EQ(balance.skipped, 1U);
    EXPECT_EQ(balance.failed, 1U);
    EXPECT_EQ(balance.left, 0U);
    const Status known = check_report(*read_file(golden.run.report(), 1 << 20));
    EXPECT_TRUE(known) << known.error().message;
}

// The other two files: plan_test.cpp and journal_test.cpp.
TEST(GoldenRun, P26_AReportOfAHigherVersionIsRefusedAndSaysSo) {
    std::string report = *read_file(kGolden + "report.json", 1 << 20);
    const std::string version = "\"version\":1";
    report.replace(report.find(version), version.size(), "\"version\":2");

    const Status refused = check_report(report);

    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::unsupported);
    EXPECT_EQ(refused.error().message,
              "the report has format version 2, and this program reads up to 1: use a newer dray");
    for (const char* other : {"", "{}", "[]", R"({"format":"dray-plan","version":1})", R"({"format":"dray-report"})"})
        EXPECT_EQ(check_report(other).error().code, Code::corrupt) << other;
}

}  // namespace
}  // namespace dray
