#include "job/run_dir.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <set>

#include "base/temp_directory.h"
#include "job/run_files.h"

namespace dray {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

const WallTime kNow(seconds(1'700'000'000));

// A state directory, and runs in it as far along as a test wants them.
struct State {
    TempDirectory temp;
    StateDirectory state;

    State()
        : state([this] {
              auto opened = StateDirectory::open(temp.file("state"));
              CHECK(opened.has_value());
              return *std::move(opened);
          }()) {}

    RunPaths run(const std::string& name, RunPhase phase, int age = 0, bool effects = true,
                 const std::string& parent = "p") {
        auto made = state.create_run(name);
        CHECK(made.has_value());
        PlanHeader header{.run_id = made->id, .command = "mv", .parent = parent, .made_at = kNow - minutes(age)};
        CHECK(write_run_json(*made, header).has_value());
        if (phase == RunPhase::planning) return *made;
        auto plan = PlanWriter::create(made->plan(), header);
        CHECK(plan.has_value());
        if (effects) CHECK(plan->add({.what = Do::move}).has_value());
        const std::string checksum = *plan->seal();
        if (phase == RunPhase::planned) return *made;
        auto journal = JournalWriter::create(made->journal(), {.plan_checksum = checksum, .run_id = made->id});
        CHECK(journal.has_value());
        if (phase == RunPhase::applying) return *made;
        CHECK((*journal)->close({.outcome = phase == RunPhase::finished ? "finished" : "stopped"}).has_value());
        return *made;
    }
    std::string found(const std::string& name, Last last = Last::planned) {
        auto run = state.find_run(name, last);
        return run ? run->id : std::string(name_of(run.error().code));
    }
};

TEST(StateDirectory, ListsItsRunsNewestFirstWithWhatTheirFilesSay) {
    State s;
    int age = 50;
    for (const RunPhase phase :
         {RunPhase::planning, RunPhase::planned, RunPhase::applying, RunPhase::stopped, RunPhase::finished})
        s.run("run-" + std::string(name_of(phase)), phase, age -= 10);
    ASSERT_TRUE(write_file_atomically(s.temp.file("state/runs/run-finished/sealed-by"), "the-undo"));

    auto runs = s.state.runs();
    ASSERT_TRUE(runs);
    ASSERT_EQ(runs->size(), 5U);
    const std::vector<RunPhase> phases = {RunPhase::finished, RunPhase::stopped, RunPhase::applying, RunPhase::planned,
                                          RunPhase::planning};
    for (std::size_t i = 0; i < phases.size(); ++i) {
        EXPECT_EQ((*runs)[i].phase, phases[i]) << (*runs)[i].paths.id;
        EXPECT_EQ((*runs)[i].command, "mv");
        EXPECT_EQ((*runs)[i].parent, "p");
        EXPECT_EQ((*runs)[i].made_at, kNow - minutes(10 * i));
        EXPECT_FALSE((*runs)[i].live);
    }
    EXPECT_EQ(runs->front().sealed_by, "the-undo");
}

TEST(StateDirectory, FindsRunsByNameByBeginningAndAsLast) {
    State s;
    s.run("2026-a1", RunPhase::stopped, 40);
    s.run("2026-a2", RunPhase::finished, 30);
    s.run("2026-b1", RunPhase::planned, 20);
    s.run("2026-b2", RunPhase::planning, 10);
    EXPECT_EQ(s.found("2026-a1"), "2026-a1");
    EXPECT_EQ(s.found("2026-a"), "invalid");
    EXPECT_EQ(s.found("2026-b2"), "2026-b2");
    EXPECT_EQ(s.found("nothing"), "not_found");
    EXPECT_EQ(s.found("../runs/2026-a1"), "not_found");
    EXPECT_EQ(s.found(""), "not_found");
    EXPECT_EQ(s.found("last"), "2026-b1") << "one without a plan changed nothing";
    EXPECT_EQ(s.found("last", Last::unfinished), "2026-a1") << "neither finished nor only planned";
    ASSERT_TRUE(write_file_atomically(s.temp.file("state/runs/2026-a1/sealed-by"), "undo"));
    EXPECT_EQ(s.found("last", Last::unfinished), "not_found");
    auto missing = s.state.find_run("zzz");
    ASSERT_FALSE(missing);
    EXPECT_NE(missing.error().message.find("2026-a1"), std::string::npos) << "it says which there are";
}

TEST(StateDirectory, LastForUndoAndVerifyIsTheNewestThatHadSomethingToChange) {
    State s;
    s.run("moved", RunPhase::finished, 40);
    s.run("found-nothing", RunPhase::finished, 30, /*effects=*/false);
    s.run("planned", RunPhase::planned, 20);
    EXPECT_EQ(s.found("last", Last::changing), "moved");
    s.run("killed", RunPhase::applying, 10);
    EXPECT_EQ(s.found("last", Last::changing), "killed");
}

TEST(StateDirectory, LastForResumeMayBeAPlanThatSomebodyBeganToCarryOut) {
    State s;
    s.run("stopped", RunPhase::stopped, 40);
    const RunPaths probed = s.run("probed", RunPhase::planned, 30);
    EXPECT_EQ(s.found("last", Last::unfinished), "stopped");
    ASSERT_TRUE(write_file_atomically(probed.begun(), ""));
    EXPECT_EQ(s.found("last", Last::unfinished), "probed");
}

TEST(StateDirectory, PrunesWhatNobodyNeedsToGoOnWith) {
    State s;
    for (const RunPhase phase :
         {RunPhase::planning, RunPhase::planned, RunPhase::applying, RunPhase::stopped, RunPhase::finished})
        s.run(std::string(name_of(phase)), phase, 60, true, "");
    s.run("young", RunPhase::finished, 1, true, "");
    s.run("undo-of-stopped", RunPhase::planned, 60, true, "stopped");
    s.run("undo-of-nothing", RunPhase::planned, 60, true, "gone");
    const RunPaths undone = s.run("undone", RunPhase::applying, 60, true, "");
    ASSERT_TRUE(write_file_atomically(undone.seal(), "its-undo"));
    s.run("its-undo", RunPhase::finished, 1, true, "undone");

    auto pruned = s.state.prune(kNow - minutes(30));
    ASSERT_TRUE(pruned) << pruned.error().message;

    const auto runs = s.state.runs();
    ASSERT_TRUE(runs);
    std::set<std::string> left;
    for (const RunSummary& run : *runs)
        left.insert(run.paths.id);
    EXPECT_EQ(left, (std::set<std::string>{"applying", "stopped", "young", "undo-of-stopped", "its-undo"}));
    EXPECT_EQ(pruned->size(), 5U);
}

TEST(StateDirectory, DoesNotPruneWhatAProcessIsPlanning) {
    State s;
    const RunPaths run = s.run("planning", RunPhase::planning, 60);
    auto lock = s.state.lock_run(run);
    ASSERT_TRUE(lock);
    EXPECT_TRUE(s.state.prune(kNow)->empty());
}

TEST(StateDirectory, MakesUpNamesAndRefusesThoseThatAreNone) {
    State s;
    auto first = s.state.create_run(), second = s.state.create_run();
    ASSERT_TRUE(first && second);
    EXPECT_NE(first->id, second->id);
    EXPECT_EQ(first->id.size(), std::string("20261121-094312-k3f9").size());
    for (const char* name : {"last", "a/b", "..", ".hidden", "-f", "two words", "new\nline"}) {
        auto run = s.state.create_run(name);
        ASSERT_FALSE(run) << name;
        EXPECT_EQ(run.error().code, Code::invalid);
    }
    ASSERT_TRUE(s.state.create_run("mine"));
    auto again = s.state.create_run("mine");
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, Code::exists);
}

TEST(StateDirectory, KeepsWhatItMakesFromOtherUsers) {
    State s;
    const RunPaths run = s.run("mine", RunPhase::finished);
    auto lock = s.state.lock_run(run);
    ASSERT_TRUE(lock);
    for (const auto& entry : std::filesystem::recursive_directory_iterator(s.state.path())) {
        struct stat facts {};
        ASSERT_EQ(::stat(entry.path().c_str(), &facts), 0);
        EXPECT_EQ(facts.st_mode & 07777, entry.is_directory() ? 0700 : 0600) << entry.path();
    }
}

// Row S17.
TEST(StateDirectory, DoesNotTrustWhatOthersMayHavePlanted) {
    State s;
    const RunPaths run = s.run("mine", RunPhase::finished);
    ASSERT_EQ(::chmod(run.journal().c_str(), 0666), 0);
    EXPECT_EQ(s.found("mine"), "refused");
    ASSERT_EQ(::chmod(run.journal().c_str(), 0600), 0);
    EXPECT_EQ(s.found("mine"), "mine");
    std::filesystem::rename(run.plan(), run.plan() + ".real");
    std::filesystem::create_symlink(run.plan() + ".real", run.plan());
    EXPECT_EQ(s.found("mine"), "refused");

    ASSERT_EQ(::chmod(s.state.path().c_str(), 0777), 0);
    auto open = StateDirectory::open(s.state.path());
    ASSERT_FALSE(open);
    EXPECT_EQ(open.error().code, Code::refused);
    ASSERT_EQ(::chmod(s.state.path().c_str(), 01777), 0);
    EXPECT_TRUE(StateDirectory::open(s.state.path())) << "like /tmp";

    std::string foreign = "/";
    if (::geteuid() == 0) {
        foreign = s.temp.file("foreign");
        std::filesystem::create_directory(foreign);
        ASSERT_EQ(::chown(foreign.c_str(), 12345, 12345), 0);
    }
    auto checked = check_state_directory(foreign);
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().code, Code::refused);
    EXPECT_NE(checked.error().message.find("--state"), std::string::npos);
}

TEST(StateDirectory, P13_LetsOneProcessWorkOnARunAndTellsWhoDoes) {
    State s;
    const RunPaths run = s.run("mine", RunPhase::stopped);
    {
        auto lock = s.state.lock_run(run);
        ASSERT_TRUE(lock);
        EXPECT_TRUE(s.state.runs()->front().live);
        auto second = s.state.lock_run(run);
        ASSERT_FALSE(second);
        EXPECT_EQ(second.error().code, Code::refused);
        EXPECT_NE(second.error().message.find("process " + std::to_string(::getpid())), std::string::npos);
        EXPECT_FALSE(s.state.remove_run(run, true));
    }
    EXPECT_FALSE(s.state.runs()->front().live);
    EXPECT_TRUE(s.state.lock_run(run));
}

TEST(StateDirectory, RemovesFinishedRunsAndOthersOnlyWhenForced) {
    State s;
    EXPECT_TRUE(s.state.remove_run(s.run("finished", RunPhase::finished)));
    EXPECT_TRUE(s.state.remove_run(s.run("planned", RunPhase::planned)));
    const RunPaths begun = s.run("begun", RunPhase::applying);
    auto refused = s.state.remove_run(begun);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::refused);
    EXPECT_TRUE(s.state.remove_run(begun, true));
    EXPECT_TRUE(s.state.runs()->empty());
    EXPECT_TRUE(std::filesystem::is_empty(s.state.path() + "/runs"));
}

TEST(QuietTime, IsNoneWhenEveryRequestWasAnswered) {
    EXPECT_EQ(quiet_until({.processes = 1, .ends = {{.all_answered = true}}, .last_process_ended = true}, kNow),
              std::nullopt);
    EXPECT_EQ(quiet_until({}, kNow), std::nullopt);
}

TEST(QuietTime, CountsFromTheLastChangeOfEveryProcess) {
    const JournalSummary calm{.processes = 2,
                              .ends = {{.last_change = kNow - seconds(50)}, {.all_answered = true}},
                              .last_process_ended = true};
    EXPECT_EQ(quiet_until(calm, kNow), kNow + seconds(10));
    const JournalSummary copy{.processes = 1,
                              .ends = {{.copy_unanswered = true, .last_change = kNow - minutes(10)}},
                              .last_process_ended = true};
    EXPECT_EQ(quiet_until(copy, kNow), kNow + minutes(20));
}

TEST(QuietTime, CountsFromTheLockForAProcessThatDied) {
    EXPECT_EQ(quiet_until({.processes = 1}, kNow), kNow + minutes(30));
    const JournalSummary earlier{.processes = 2,
                                 .ends = {{.all_answered = true}},
                                 .last_process_ended = true,
                                 .died_before = kNow - minutes(12)};
    EXPECT_EQ(quiet_until(earlier, kNow), kNow + minutes(18));
}

TEST(QuietTime, IsBoundedThoughTheClockWasWrongThen) {
    const JournalSummary future{
        .processes = 1, .ends = {{.last_change = kNow + std::chrono::hours(1000)}}, .last_process_ended = true};
    EXPECT_EQ(quiet_until(future, kNow), kNow + minutes(30));
}

Scope scope(const std::string& prefix) {
    return {.identity = "mem:", .bucket = "b", .prefix = prefix};
}

TEST(Scopes, OverlapWhenOnePrefixHoldsTheOther) {
    EXPECT_TRUE(scope("a/").overlaps(scope("a/b/")));
    EXPECT_TRUE(scope("a/b/").overlaps(scope("a/")));
    EXPECT_TRUE(scope("").overlaps(scope("z")));
    EXPECT_TRUE(scope("foo").overlaps(scope("food")));
    EXPECT_FALSE(scope("a/").overlaps(scope("b/")));
    EXPECT_FALSE(scope("a/").overlaps({.identity = "mem:", .bucket = "c", .prefix = "a/"}));
    EXPECT_FALSE(scope("a/").overlaps({.identity = "https://x", .bucket = "b", .prefix = "a/"}));
    EXPECT_FALSE(scope("").overlaps({.identity = "mem:", .bucket = "bb", .prefix = ""}));

    const Scope any{.identity = "mem:", .bucket = "", .prefix = "z/"};
    EXPECT_TRUE(any.overlaps(scope("a/")) && scope("a/").overlaps(any)) << "its bucket depends on the object";
    const Scope outer{.identity = "file:", .bucket = "/data", .prefix = "in/"};
    const Scope inner{.identity = "file:", .bucket = "/data/in/2024", .prefix = ""};
    EXPECT_TRUE(outer.overlaps(inner) && inner.overlaps(outer)) << "a local bucket may lie inside another";
    EXPECT_FALSE(outer.overlaps({.identity = "file:", .bucket = "/data/out", .prefix = ""}));
    EXPECT_TRUE(inner.overlaps({.identity = "file:", .bucket = "/", .prefix = ""}));
}

TEST(Scopes, OfOneBucketUnderTwoEndpointNamesOverlap) {
    const Scope one{.identity = "http://127.0.0.1:9000", .bucket = "b", .prefix = "in/"};
    const Scope two{.identity = "http://localhost:9000", .bucket = "b", .prefix = "in/2024/"};
    EXPECT_TRUE(one.overlaps(two) && two.overlaps(one));
    EXPECT_FALSE(one.overlaps({.identity = two.identity, .bucket = "c", .prefix = "in/"}));
    EXPECT_FALSE(one.overlaps({.identity = "file:", .bucket = "b", .prefix = "in/"}));

    State s;
    s.run("one", RunPhase::stopped);
    s.run("two", RunPhase::planned);
    ASSERT_TRUE(take_scopes(s.state, "one", {one}, kNow));
    auto refused = take_scopes(s.state, "two", {two}, kNow);
    ASSERT_TRUE(refused);
    EXPECT_FALSE(refused->lock);
    EXPECT_EQ(refused->holder_store, one.identity) << "so that a person can tell whether it is another store";
}

TEST(Scopes, OfAnUnfinishedRunAreRefusedNamingItUntilItIsFinished) {
    State s;
    s.run("one", RunPhase::stopped);
    s.run("two", RunPhase::planned);
    auto one = take_scopes(s.state, "one", {scope("a/"), scope("out/\xff")}, kNow);
    ASSERT_TRUE(one && one->lock) << one.error().message;
    auto two = take_scopes(s.state, "two", {scope("x/"), scope("out/\xff/deep/")}, kNow);
    ASSERT_TRUE(two);
    EXPECT_FALSE(two->lock);
    EXPECT_EQ(two->holder, "one");
    EXPECT_FALSE(two->holder_live);
    {
        auto lock = s.state.lock_run({.id = "one", .directory = s.state.path() + "/runs/one"});
        ASSERT_TRUE(lock);
        EXPECT_TRUE(take_scopes(s.state, "two", {scope("a/")}, kNow)->holder_live);
    }
    EXPECT_TRUE(take_scopes(s.state, "two", {scope("elsewhere/")}, kNow)->lock);
    EXPECT_TRUE(take_scopes(s.state, "one", {scope("a/")}, kNow)->lock) << "resume takes its own again";

    ASSERT_TRUE(one->lock->release(std::nullopt));
    auto after = take_scopes(s.state, "two", {scope("a/")}, kNow);
    ASSERT_TRUE(after && after->lock);
    EXPECT_EQ(after->wait_until, std::nullopt);
}

// Rule R2.
TEST(Scopes, CanBeLookedAtWithoutTakingThem) {
    State s;
    s.run("one", RunPhase::applying);
    const std::vector<Scope> scopes = {{"store", "b", "in/"}};
    EXPECT_TRUE(look_at_scopes(s.state, scopes, kNow)->holder.empty());
    ASSERT_TRUE(take_scopes(s.state, "one", scopes, kNow)->lock);
    EXPECT_EQ(look_at_scopes(s.state, scopes, kNow)->holder, "one");
    EXPECT_TRUE(look_at_scopes(s.state, {{"store", "b", "out/"}}, kNow)->holder.empty());
    EXPECT_TRUE(take_scopes(s.state, "one", scopes, kNow)->lock) << "looking took nothing";
}

TEST(Scopes, ReleasedWithAQuietTimeMakeTheNextRunWaitItOut) {
    State s;
    s.run("one", RunPhase::finished);
    s.run("two", RunPhase::planned);
    auto one = take_scopes(s.state, "one", {scope("a/")}, kNow);
    ASSERT_TRUE(one && one->lock);
    ASSERT_TRUE(one->lock->release(kNow + seconds(60)));
    auto two = take_scopes(s.state, "two", {scope("a/b/")}, kNow + seconds(20));
    ASSERT_TRUE(two && two->lock);
    EXPECT_EQ(two->wait_until, kNow + seconds(60));
    ASSERT_TRUE(two->lock->release(std::nullopt));
    auto later = take_scopes(s.state, "two", {scope("a/b/")}, kNow + seconds(60));
    ASSERT_TRUE(later && later->lock);
    EXPECT_EQ(later->wait_until, std::nullopt);
}

// Rule R17.
TEST(Scopes, TellForADayThatSomethingWasChangedThere) {
    State s;
    s.run("one", RunPhase::finished);
    s.run("two", RunPhase::planned);
    auto one = take_scopes(s.state, "one", {scope("a/")}, kNow);
    ASSERT_TRUE(one && one->lock);
    EXPECT_EQ(one->changed, std::nullopt);
    ASSERT_TRUE(one->lock->release(kNow + seconds(1)));

    EXPECT_EQ(take_scopes(s.state, "two", {scope("a/b/")}, kNow + seconds(2))->changed, kNow + seconds(1));
    EXPECT_EQ(take_scopes(s.state, "two", {scope("c/")}, kNow + seconds(2))->changed, std::nullopt);
    ASSERT_TRUE(s.state.remove_run({.id = "one", .directory = s.state.path() + "/runs/one"}));
    EXPECT_EQ(take_scopes(s.state, "two", {scope("a/")}, kNow + seconds(2))->changed, kNow + seconds(1))
        << "pruning a run does not undo what it did";
    EXPECT_EQ(take_scopes(s.state, "two", {scope("a/")}, kNow + seconds(1) + kScopesRemembered)->changed, std::nullopt);
}

TEST(Scopes, AreTakenOverByTheUndoOfADeadRunAndNotOfALiveOne) {
    State s;
    const RunPaths parent = s.run("parent", RunPhase::applying);
    s.run("undo", RunPhase::planned);
    s.run("third", RunPhase::planned);
    ASSERT_TRUE(take_scopes(s.state, "parent", {scope("a/")}, kNow)->lock);
    {
        auto live = s.state.lock_run(parent);
        ASSERT_TRUE(live);
        auto undo = take_scopes(s.state, "undo", {scope("a/")}, kNow, "parent");
        ASSERT_TRUE(undo);
        EXPECT_FALSE(undo->lock);
        EXPECT_EQ(undo->holder, "parent");
    }
    auto undo = take_scopes(s.state, "undo", {scope("a/")}, kNow, "parent");
    ASSERT_TRUE(undo && undo->lock);
    EXPECT_EQ(take_scopes(s.state, "third", {scope("a/")}, kNow)->holder, "undo");
    EXPECT_EQ(take_scopes(s.state, "parent", {scope("a/")}, kNow)->holder, "undo") << "it cannot go on any more";
}

TEST(Scopes, OfARunThatIsGoneAreFree) {
    State s;
    s.run("one", RunPhase::stopped);
    s.run("two", RunPhase::planned);
    ASSERT_TRUE(take_scopes(s.state, "one", {scope("a/")}, kNow)->lock);
    std::filesystem::remove_all(s.state.path() + "/runs/one");
    EXPECT_TRUE(take_scopes(s.state, "two", {scope("a/")}, kNow)->lock);
}

TEST(Scopes, ThatCannotBeReadAreNeverTakenForFree) {
    State s;
    s.run("two", RunPhase::planned);
    for (const char* text : {"", "{}", R"({"format":"dray-scopes","version":2,"run":"x"})", R"({"format":7})",
                             R"({"format":"dray-scopes","version":1,"run":"x","scopes":[{"bucket":5}]})"}) {
        ASSERT_TRUE(write_file_atomically(s.state.path() + "/locks/one.json", text));
        auto grant = take_scopes(s.state, "two", {scope("a/")}, kNow);
        ASSERT_FALSE(grant) << text;
        EXPECT_EQ(grant.error().code, Code::corrupt);
    }
}

}  // namespace
}  // namespace dray
