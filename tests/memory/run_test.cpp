// How much memory carrying a plan out takes, beside what the process had before.
#include "job/run.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fstream>

#include "base/temp_directory.h"

namespace dray {
namespace {

constexpr std::uint64_t kActions = 1'000'000;
constexpr std::uint64_t kMostGrowth = std::uint64_t{60} << 20;  // bytes
constexpr std::size_t kWorkers = 64;

std::uint64_t resident_bytes() {
    std::uint64_t total = 0, resident = 0;
    std::ifstream("/proc/self/statm") >> total >> resident;
    return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::uint64_t beyond(std::uint64_t before, std::uint64_t now) {
    return now - std::min(before, now);
}

// The plan's checksum.
std::string plan_moves(const std::string& path) {
    auto writer = PlanWriter::create(path, {.run_id = "r", .command = "mv"});
    CHECK(writer.has_value());
    for (std::uint64_t i = 0; i < kActions; ++i) {
        const std::string name = "/file-" + std::to_string(i);
        CHECK(writer
                  ->add({.from = {.bucket = "raw", .key = "in" + name, .size = 10, .etag = "e"},
                         .to = {.bucket = "dst", .key = "out" + name}})
                  .has_value());
    }
    writer->totals().listed = writer->totals().actions;
    return *writer->seal();
}

// Says of every action that it is done.
class Null : public Performer {
public:
    void perform(const Context&, const Action& action, const Earlier&, Recorder& recorder) override {
        recorder.record({.n = action.n, .state = ReceiptState::deleted, .etag = action.from.etag, .requests = 1});
        if (action.n % 5'000 == 0) peak = std::max(peak.load(), resident_bytes());
        ++answered;
    }
    std::uint64_t answers() const override { return answered; }
    Status finish(const Context&, Recorder&) override { return {}; }
    std::optional<Error> fatal() const override { return std::nullopt; }
    std::atomic<std::uint64_t> peak{0}, answered{0};
};

TEST(RunMemory, CarriesAMillionActionsInFlatMemory) {
    const TempDirectory directory;
    const std::uint64_t before = resident_bytes();
    const std::string checksum = plan_moves(directory.file("plan"));
    EXPECT_LT(beyond(before, resident_bytes()), kMostGrowth) << "to write the plan";

    auto plan = PlanReader::open(directory.file("plan"));
    auto journal = JournalWriter::create(directory.file("journal"), {.plan_checksum = checksum, .run_id = "r"});
    auto crew = Crew::make(kWorkers);
    ASSERT_TRUE(plan && journal && crew);
    ActionStates states(plan->size());
    Balance balance;
    Null performer;
    const Status status = run_plan({}, {.plan = &*plan,
                                        .journal = journal->get(),
                                        .states = &states,
                                        .scratch = directory.path(),
                                        .performer = &performer,
                                        .crew = crew->get(),
                                        .balance = &balance});
    ASSERT_TRUE(status) << status.error().message;
    EXPECT_EQ(balance.totals(plan->totals()).done, kActions);
    EXPECT_GT(performer.peak.load(), 0U);
    EXPECT_LT(beyond(before, performer.peak.load()), kMostGrowth);
}

}  // namespace
}  // namespace dray
