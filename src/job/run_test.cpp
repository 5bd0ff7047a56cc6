#include "job/run.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <fstream>
#include <functional>
#include <mutex>
#include <set>

#include "base/temp_directory.h"
#include "job/joined.h"
#include "job/pace.h"

namespace dray {
namespace {

Action move_of(std::uint64_t i) {
    return {.from = {.bucket = "raw", .key = "in/file-" + std::to_string(i), .size = 10, .etag = "e"},
            .to = {.bucket = "dst", .key = "out/file-" + std::to_string(i)}};
}
Action verdict_of(Do what, const std::string& reason) {
    Action action = move_of(0);
    action.what = what;
    action.reason = reason;
    return action;
}
Receipt deletion(std::uint64_t n) {
    return {.n = n, .state = ReceiptState::deleted, .requests = 2};
}

// Performs by calling a function; remembers what it was given.
class Scripted : public Performer {
public:
    using Act = std::function<void(const Action&, const Earlier&, Recorder&)>;
    explicit Scripted(Act act) : act_(std::move(act)) {}
    void perform(const Context&, const Action& action, const Earlier& earlier, Recorder& recorder) override {
        {
            const std::scoped_lock lock(mutex_);
            EXPECT_TRUE(seen.insert(action.n).second) << action.n << " was performed twice";
        }
        act_(action, earlier, recorder);
    }
    void last_call(const Context&, Recorder&, bool last) override {
        if (at_last) at_last(last);
    }
    std::uint64_t answers() const override { return answered; }
    Status finish(const Context&, Recorder&) override {
        ++finished;
        return {};
    }
    std::optional<Error> fatal() const override {
        if (is_fatal) return Error{.code = Code::credentials, .message = "the key is wrong", .fatal = true};
        return std::nullopt;
    }

    std::set<std::uint64_t> seen;
    std::function<void(bool last)> at_last;
    std::atomic<std::uint64_t> answered{0};
    std::atomic<int> finished{0};
    std::atomic<bool> is_fatal{false};

private:
    Act act_;
    std::mutex mutex_;
};

// A planned run, and processes of it one after the other.
struct Moves {
    TempDirectory temp;
    std::string checksum;
    PlanTotals totals;

    explicit Moves(std::uint64_t moves) : Moves(moves, {}) {}
    Moves(std::uint64_t moves, const std::vector<Action>& verdicts) {
        auto writer = PlanWriter::create(plan(), {.run_id = "r", .command = "mv"});
        CHECK(writer.has_value());
        for (std::uint64_t i = 0; i < moves; ++i)
            CHECK(writer->add(move_of(i)).has_value());
        for (const Action& verdict : verdicts)
            CHECK(writer->add(verdict).has_value());
        writer->totals().listed = writer->totals().actions;
        totals = writer->totals();
        checksum = *writer->seal();
    }
    std::string plan() const { return temp.file("plan"); }
    std::string journal() const { return temp.file("journal"); }

    struct Outcome {
        Status status;
        Balance::Totals balance;
    };
    struct Process {
        const Context& ctx;
        std::uint64_t limit = UINT64_MAX;
        std::size_t workers = 4;
        AppendFile::Fault fault;
        RunProgress* progress = nullptr;
    };
    // `ends`: with an end line; else as if killed.
    Outcome process(Performer& performer, const Process& how, bool ends = true) const {
        auto reader = PlanReader::open(plan());
        CHECK(reader.has_value());
        ActionStates states(reader->size());
        Balance balance;
        const JournalWriter::Options options{.plan_checksum = checksum, .run_id = "r", .fault = how.fault};
        auto earlier = read_journal(journal(), [&](const JournalLine& line) { return states.apply(line); });
        auto writer =
            earlier ? JournalWriter::go_on(journal(), *earlier, options) : JournalWriter::create(journal(), options);
        CHECK(writer.has_value());
        auto crew = Crew::make(how.workers);
        CHECK(crew.has_value());
        Status status = run_plan(how.ctx, {.plan = &*reader,
                                           .journal = writer->get(),
                                           .states = &states,
                                           .earlier_journal = earlier ? journal() : "",
                                           .scratch = temp.path(),
                                           .performer = &performer,
                                           .crew = crew->get(),
                                           .balance = &balance,
                                           .progress = how.progress,
                                           .limit = how.limit});
        if (ends) {
            release_untouched(states, **writer);
            (void)(*writer)->close({.outcome = "stopped"});
        }
        return {.status = status, .balance = balance.totals(reader->totals())};
    }
    std::vector<std::pair<std::uint64_t, std::uint64_t>> claims() const {
        std::vector<std::pair<std::uint64_t, std::uint64_t>> found;
        auto read = read_journal(journal(), [&](const JournalLine& line) -> Status {
            if (line.kind == JournalLine::Kind::claim) found.emplace_back(line.first, line.last);
            return {};
        });
        CHECK(read.has_value());
        return found;
    }
};

void move_it(const Action& action, const Earlier&, Recorder& recorder) {
    recorder.record(deletion(action.n));
}

TEST(RunPlan, PerformsEveryActionOnceAndTheBalanceAddsUp) {
    const Moves run(10'000, {verdict_of(Do::skip, "limit"), verdict_of(Do::fail, "collision")});
    Scripted performer([](const Action& action, const Earlier& earlier, Recorder& recorder) {
        EXPECT_EQ(earlier.state, ActionState::none);
        if (action.n % 10 == 0)
            recorder.record(
                {.n = action.n, .state = ReceiptState::failed, .code = Code::conflict, .reason = "conflict"});
        else if (action.n % 10 == 1)
            recorder.record({.n = action.n, .state = ReceiptState::done, .reason = "equal"});
        else
            recorder.record(deletion(action.n));
    });
    RunProgress progress;
    const auto outcome = run.process(performer, {.ctx = {}, .progress = &progress});
    ASSERT_TRUE(outcome.status) << outcome.status.error().message;
    EXPECT_EQ(performer.seen.size(), 10'000U);
    EXPECT_EQ(performer.finished, 1);
    EXPECT_TRUE(outcome.balance.adds_up());
    EXPECT_EQ(outcome.balance.left, 0U);
    EXPECT_EQ(outcome.balance.done_by, (std::map<std::string, std::uint64_t>{{"moved", 8000}, {"equal", 1000}}));
    EXPECT_EQ(outcome.balance.failed_by, (std::map<std::string, std::uint64_t>{{"conflict", 1000}, {"collision", 1}}));
    EXPECT_EQ(outcome.balance.skipped_by, (std::map<std::string, std::uint64_t>{{"limit", 1}}));
    EXPECT_EQ(progress.effects, 10'000U);
    EXPECT_EQ(progress.done, 9000U);
    EXPECT_EQ(progress.failed, 1000U);
    EXPECT_EQ(progress.bytes_done, 100'000U);
    EXPECT_EQ(progress.in_flight, 0U);
    EXPECT_EQ(run.claims(),
              (std::vector<std::pair<std::uint64_t, std::uint64_t>>{{0, 4095}, {4096, 8191}, {8192, 9999}}));
}

TEST(RunPlan, BeginsNoActionBeforeItsClaimIsDurable) {
    const Moves run(kActionsPerClaim * 2 + 5);
    std::atomic<bool> checked = false;
    Scripted performer([&](const Action& action, const Earlier&, Recorder& recorder) {
        if (action.n % kActionsPerClaim == 0) {
            const auto claims = run.claims();  // what a reader finds on the disk now
            EXPECT_TRUE(std::ranges::any_of(
                claims, [&](const auto& claim) { return claim.first <= action.n && action.n <= claim.second; }));
            checked = true;
        }
        recorder.record(deletion(action.n));
    });
    ASSERT_TRUE(run.process(performer, {.ctx = {}}).status);
    EXPECT_TRUE(checked);
}

TEST(RunPlan, GoesOnWhereTheLastProcessDied) {
    const Moves run(9000);
    // The first process: some moved, some copied only, some without a receipt; then it dies.
    std::atomic<std::uint64_t> performed{0};
    StopSource stop;
    Scripted first([&](const Action& action, const Earlier&, Recorder& recorder) {
        Ticket ticket = 0;
        if (action.n % 3 != 2)
            ticket =
                recorder.record({.n = action.n, .state = ReceiptState::copied, .etag = "e" + std::to_string(action.n)});
        if (action.n % 3 == 0) ticket = recorder.record(deletion(action.n));
        ASSERT_TRUE(recorder.wait_durable(ticket));
        if (++performed == 500) stop.trigger();
    });
    const auto died = run.process(first, {.ctx = Context(&stop)}, false);
    ASSERT_TRUE(died.status);
    EXPECT_TRUE(died.balance.adds_up());
    EXPECT_GT(died.balance.left, 8000U);

    Scripted second([&](const Action& action, const Earlier& earlier, Recorder& recorder) {
        const bool begun = first.seen.contains(action.n);
        if (begun && action.n % 3 == 1) {
            EXPECT_EQ(earlier.state, ActionState::copied);
            EXPECT_EQ(earlier.copied.value_or(Receipt()).etag, "e" + std::to_string(action.n));
        } else {
            EXPECT_EQ(earlier.copied, std::nullopt);
            if (action.n < kActionsPerClaim) {
                EXPECT_EQ(earlier.state, ActionState::doubtful);
            }
            if (action.n >= 2 * kActionsPerClaim) {
                EXPECT_EQ(earlier.state, ActionState::none);
            }
        }
        recorder.record(deletion(action.n));
    });
    const auto finished = run.process(second, {.ctx = {}});
    ASSERT_TRUE(finished.status);
    EXPECT_TRUE(finished.balance.adds_up());
    EXPECT_EQ(finished.balance.done, 9000U) << "with the receipts of the first process";
    EXPECT_EQ(finished.balance.left, 0U);
    for (const std::uint64_t n : first.seen) {
        const bool again = n % 3 == 0 && second.seen.contains(n);
        EXPECT_FALSE(again) << n << " was final";
    }
}

// What a run's journal says of each action.
std::vector<ActionState> states_of(const Moves& run) {
    ActionStates states(run.totals.actions);
    CHECK(read_journal(run.journal(), [&](const JournalLine& line) { return states.apply(line); }).has_value());
    std::vector<ActionState> all;
    for (std::uint64_t n = 0; n < states.size(); ++n)
        all.push_back(states.get(n));
    return all;
}

// Of ten actions one is touched and left, one fails untouched, one fails touched, one is moved; then it is stopped.
void end_early(const Moves& run, bool ends) {
    StopSource stop;
    Scripted performer([&](const Action& action, const Earlier&, Recorder& recorder) {
        const std::uint64_t n = action.n;
        if (n == 1 || n == 3) recorder.touch(n);
        if (n == 2 || n == 3) recorder.record({.n = n, .state = ReceiptState::failed});
        if (n == 4) recorder.record(deletion(4));
        if (n == 5) stop.trigger();
    });
    ASSERT_TRUE(run.process(performer, {.ctx = Context(&stop), .workers = 1}, ends).status);
}

TEST(RunPlan, R22_WhatNobodyTouchedIsUntouchedWhenTheProcessHasEndedByItself) {
    using enum ActionState;
    const Moves run(10);
    end_early(run, true);

    EXPECT_EQ(states_of(run), (std::vector{none, doubtful, final, final, final, none, none, none, none, none}));
    auto plan = PlanReader::open(run.plan());
    auto joined = JoinedReader::open(*plan, run.journal(), run.temp.path());
    ASSERT_TRUE(joined);
    for (const bool untouched : {true, false, true, false, false, true})
        EXPECT_EQ((*joined->next())->untouched(), untouched);

    Scripted second([](const Action& action, const Earlier& earlier, Recorder& recorder) {
        EXPECT_EQ(earlier.state, action.n == 1 ? doubtful : none) << action.n;
        recorder.record(deletion(action.n));
    });
    EXPECT_EQ(run.process(second, {.ctx = {}}).balance.left, 0U);
}

TEST(RunPlan, R22_WhatADeadProcessHadClaimedIsDoubtfulThoughALaterOneEndsByItself) {
    using enum ActionState;
    const Moves run(10);
    end_early(run, false);
    const std::vector died{doubtful, doubtful, final, final, final, doubtful, doubtful, doubtful, doubtful, doubtful};
    ASSERT_EQ(states_of(run), died);

    Scripted second([](const Action&, const Earlier&, Recorder&) {});
    ASSERT_TRUE(run.process(second, {.ctx = {}}).status);

    EXPECT_EQ(states_of(run), died);
}

TEST(RunPlan, DoesNotClaimWhatIsFinal) {
    const Moves run(2 * kActionsPerClaim);
    Scripted all(move_it), none(move_it);
    ASSERT_TRUE(run.process(all, {.ctx = {}}).status);
    const std::size_t claims = run.claims().size();
    const auto again = run.process(none, {.ctx = {}});
    ASSERT_TRUE(again.status);
    EXPECT_TRUE(none.seen.empty());
    EXPECT_EQ(run.claims().size(), claims);
    EXPECT_EQ(again.balance.done, 2 * kActionsPerClaim);
}

TEST(RunPlan, CountsAnActionOnceThoughItHasSeveralFinalReceipts) {
    const Moves run(10);
    Scripted twice([](const Action& action, const Earlier&, Recorder& recorder) {
        recorder.record(deletion(action.n));
        recorder.record(deletion(action.n));
    });
    EXPECT_EQ(run.process(twice, {.ctx = {}}).balance.done, 10U);
    Scripted nothing(move_it);
    EXPECT_EQ(run.process(nothing, {.ctx = {}}).balance.done, 10U);
}

// What failed in one process, is reopened by the next and done by the one after it, is done, and nothing else.
TEST(RunPlan, CountsWhatWasReopenedByWhatCameAfterIt) {
    const Moves run(10);
    const Receipt failed{
        .n = 3, .state = ReceiptState::failed, .code = Code::conflict, .reason = "conflict", .lost = "tags"};
    Scripted fails([&](const Action& action, const Earlier&, Recorder& recorder) {
        if (action.n == 4) recorder.record({.n = 4, .state = ReceiptState::copied, .etag = "e"});
        Receipt receipt = failed;
        receipt.n = action.n;
        recorder.record(action.n == 3 || action.n == 4 ? receipt : deletion(action.n));
    });
    EXPECT_EQ(run.process(fails, {.ctx = {}}).balance.failed, 2U);
    {
        auto journal = read_journal(run.journal(), {});
        auto writer = JournalWriter::go_on(run.journal(), *journal, {.plan_checksum = run.checksum});
        ASSERT_TRUE(writer);
        for (const std::uint64_t n : {3, 4}) {
            Receipt reopened = failed;
            reopened.n = n;
            reopened.state = ReceiptState::reopened;
            (*writer)->append(reopened);
        }
        (*writer)->append({.n = 4, .state = ReceiptState::copied, .etag = "e"});
        ASSERT_TRUE((*writer)->close({}));
    }
    RunProgress progress;
    Scripted again([](const Action& action, const Earlier& earlier, Recorder& recorder) {
        EXPECT_EQ(earlier.state, action.n == 4 ? ActionState::copied : ActionState::doubtful);
        EXPECT_EQ(earlier.copied.has_value(), action.n == 4);
        recorder.record(deletion(action.n));
    });
    const auto outcome = run.process(again, {.ctx = {}, .progress = &progress});
    EXPECT_EQ(again.seen, (std::set<std::uint64_t>{3, 4}));
    EXPECT_EQ(outcome.balance.done_by, (std::map<std::string, std::uint64_t>{{"moved", 10}}));
    EXPECT_TRUE(outcome.balance.failed_by.empty() && outcome.balance.lost.empty());
    EXPECT_EQ(outcome.balance.left + outcome.balance.failed, 0U);
    EXPECT_EQ(progress.failed, 0U);
    EXPECT_EQ(progress.done, 10U);
    Scripted nothing(move_it);
    EXPECT_EQ(run.process(nothing, {.ctx = {}}).balance.done, 10U) << "nor is it counted twice later";
    EXPECT_TRUE(nothing.seen.empty());
}

TEST(JoinedReader, HasNoFinalReceiptForWhatWasReopened) {
    const Moves run(2);
    Scripted fails([](const Action& action, const Earlier&, Recorder& recorder) {
        recorder.record({.n = action.n, .state = ReceiptState::failed, .code = Code::conflict, .reason = "conflict"});
        if (action.n == 1) recorder.record({.n = 1, .state = ReceiptState::reopened, .reason = "conflict"});
    });
    run.process(fails, {.ctx = {}});
    auto plan = PlanReader::open(run.plan());
    auto joined = JoinedReader::open(*plan, run.journal(), run.temp.path());
    ASSERT_TRUE(joined);

    EXPECT_TRUE((*joined->next())->final);
    const auto reopened = *joined->next();
    EXPECT_FALSE(reopened->final);
    EXPECT_EQ(reopened->state, ActionState::doubtful);
}

TEST(RunPlan, BeginsNoMoreThanItsLimit) {
    const Moves run(10'000);
    Scripted performer(move_it);
    const auto outcome = run.process(performer, {.ctx = {}, .limit = 4200});
    ASSERT_TRUE(outcome.status);
    EXPECT_EQ(performer.seen.size(), 4200U);
    EXPECT_EQ(outcome.balance.left, 5800U);
    EXPECT_EQ(run.claims().back().second, 4199U) << "what is beyond the limit stays untouched";
}

TEST(RunPlan, BeginsWithFewOfItsWorkers) {
    const Moves run(3000);
    SimulatedClock clock;  // stands still: nothing speaks for more
    const Context ctx(nullptr, &clock);
    std::atomic<std::uint32_t> inside = 0, most = 0, last_calls = 0;
    auto come_and_go = [&] {
        const std::uint32_t now = ++inside;
        for (std::uint32_t seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
        }
        std::this_thread::yield();
        --inside;
    };
    Scripted performer([&](const Action& action, const Earlier&, Recorder& recorder) {
        come_and_go();
        recorder.record(deletion(action.n));
    });
    performer.at_last = [&](bool) { ++last_calls, come_and_go(); };
    ASSERT_TRUE(run.process(performer, {.ctx = ctx, .workers = 256}).status);
    EXPECT_EQ(last_calls, 256U) << "each has one";
    EXPECT_EQ(performer.seen.size(), 3000U);
    EXPECT_LE(most, kPaceFirst);
}

TEST(RunPlan, TellsALastCallWhenNothingIsPerformedAnyMore) {
    const Moves run(1000);
    std::atomic<int> performing = 0, lasts = 0;
    Scripted performer([&](const Action& action, const Earlier&, Recorder& recorder) {
        ++performing;
        recorder.record(deletion(action.n));
        --performing;
    });
    performer.at_last = [&](bool last) {
        if (!last) return;
        ++lasts;
        EXPECT_EQ(performing, 0);
        EXPECT_EQ(performer.seen.size(), 1000U);
    };
    ASSERT_TRUE(run.process(performer, {.ctx = {}, .workers = 8}).status);
    EXPECT_GE(lasts, 1);
}

TEST(RunPlan, TakesAllItsWorkersWhenNothingEnds) {
    const Moves run(200);
    std::mutex mutex;
    std::condition_variable all_in;
    std::size_t inside = 0;
    Scripted performer([&](const Action& action, const Earlier&, Recorder& recorder) {
        std::unique_lock lock(mutex);
        if (++inside == 100) all_in.notify_all();
        EXPECT_TRUE(all_in.wait_for(lock, std::chrono::minutes(1), [&] { return inside >= 100; }));
        recorder.record(deletion(action.n));
    });
    ASSERT_TRUE(run.process(performer, {.ctx = {}, .workers = 100}).status);
    EXPECT_EQ(performer.seen.size(), 200U);
}

TEST(RunPlan, BeginsNothingAfterAFatalErrorAndReturnsIt) {
    const Moves run(10'000);
    Scripted performer([&](const Action& action, const Earlier&, Recorder& recorder) {
        recorder.record(deletion(action.n));
        if (action.n == 100) performer.is_fatal = true;
    });
    const auto outcome = run.process(performer, {.ctx = {}});
    ASSERT_FALSE(outcome.status);
    EXPECT_EQ(outcome.status.error().code, Code::credentials);
    EXPECT_LT(performer.seen.size(), 10'000U);
    EXPECT_EQ(performer.finished, 1);
    EXPECT_TRUE(outcome.balance.adds_up());
}

TEST(RunPlan, StopsAtOnceAndThatIsNoError) {
    const Moves run(100);
    StopSource stop;
    stop.trigger();
    Scripted performer(move_it);
    const auto outcome = run.process(performer, {.ctx = Context(&stop)});
    EXPECT_TRUE(outcome.status);
    EXPECT_TRUE(performer.seen.empty());
    EXPECT_EQ(performer.finished, 1);
    EXPECT_EQ(outcome.balance.left, 100U);
}

// At each of the journal's first writes and syncs.
TEST(RunPlan, P03_P04_EndsWithTheJournalsErrorWhereverItFails) {
    for (int failing = 2; failing < 14; ++failing) {
        const Moves run(10'000);
        std::atomic<int> calls{0};
        Scripted performer([](const Action& action, const Earlier&, Recorder& recorder) {
            const Ticket ticket = recorder.record(deletion(action.n));
            if (action.n % 16 == 0) (void)recorder.wait_durable(ticket);
        });
        const auto outcome = run.process(
            performer, {.ctx = {}, .fault = [&](std::string_view) { return calls++ == failing ? EIO : 0; }});
        ASSERT_FALSE(outcome.status) << failing;
        EXPECT_EQ(outcome.status.error().code, Code::local);
        EXPECT_LT(performer.seen.size(), 10'000U);
        EXPECT_EQ(performer.finished, 1);

        Scripted rest(move_it);
        const auto resumed = run.process(rest, {.ctx = {}});
        ASSERT_TRUE(resumed.status);
        EXPECT_EQ(resumed.balance.done, 10'000U);
        EXPECT_TRUE(resumed.balance.adds_up());
    }
}

TEST(RunPlan, ReportsAPlanThatIsDamagedInTheMiddle) {
    const Moves run(2 * kActionsPerFrame);
    auto bytes = read_file(run.plan(), 64 << 20);
    ASSERT_TRUE(bytes);
    auto reader = PlanReader::open(run.plan());
    ASSERT_TRUE(reader);
    // Damaged after it was checked and opened.
    std::fstream file(run.plan(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(bytes->size() / 2));
    file << std::string(512, '\0') << std::flush;
    ActionStates states(reader->size());
    Balance balance;
    auto writer = JournalWriter::create(run.journal(), {.plan_checksum = run.checksum});
    auto crew = Crew::make(2);
    ASSERT_TRUE(writer && crew);
    Scripted performer(move_it);
    const Status status = run_plan({}, {.plan = &*reader,
                                        .journal = writer->get(),
                                        .states = &states,
                                        .scratch = run.temp.path(),
                                        .performer = &performer,
                                        .crew = crew->get(),
                                        .balance = &balance});
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, Code::corrupt);
    EXPECT_EQ(performer.finished, 1);
}

TEST(Balance, DoesNotAddUpWhenThePlanLostSomething) {
    Balance balance;
    balance.count({.n = 0, .state = ReceiptState::deleted});
    balance.count({.n = 1, .state = ReceiptState::copied});
    balance.count({.n = 2, .state = ReceiptState::failed, .code = Code::denied});
    PlanTotals plan{.listed = 10, .actions = 10, .effects = 9, .skipped = {{"limit", 1}}};
    auto totals = balance.totals(plan);
    EXPECT_TRUE(totals.adds_up());
    EXPECT_EQ(totals.left, 7U);
    EXPECT_EQ(totals.failed_by.begin()->first, "denied") << "the code, where there is no reason";
    plan.effects = 8;
    EXPECT_FALSE(balance.totals(plan).adds_up());
}

}  // namespace
}  // namespace dray
