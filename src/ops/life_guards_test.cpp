// What stands between a run and harm in its life: one test for each guard, which fails when that guard is taken away.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "job/journal_file.h"
#include "job/plan.h"
#include "ops/contract.h"
#include "ops/life_rig.h"
#include "store/local_store.h"

namespace dray {
namespace {

using std::chrono::seconds;

Nanos waited_in(Life& life, const std::function<void()>& act) {
    const WallTime before = life.clock.wall();
    act();
    return life.clock.wall() - before;
}

TEST(LifeGuards, R8_ASealedRunIsNotGoneOnWithThoughItIsUnfinished) {
    Life life;
    life.put("in/a");
    const RunPaths run = life.plan();
    life.faults = {{.verb = Verb::remove_many, .action = FaultAction::die}};
    life.apply(run);
    life.faults = {{.verb = Verb::bucket_facts, .action = FaultAction::fail}};
    ASSERT_FALSE(undo_run(life.ctx, life.env, run.id, {})) << "it has sealed the run, and come no further";
    life.faults.clear();

    auto resumed = apply_run(life.ctx, life.env, run.id);

    ASSERT_FALSE(resumed);
    EXPECT_EQ(resumed.error().code, Code::refused);
    EXPECT_NE(resumed.error().message.find("dray undo " + run.id), std::string::npos) << resumed.error().message;
    EXPECT_TRUE(life.there("in/a")) << "the source that undo is about to look at";
}

TEST(LifeGuards, R8_NorIsOneThatWasUndone) {
    Life life;
    life.put("in/a");
    const RunPaths run = life.plan();
    ASSERT_TRUE(life.apply(run).finished());
    ASSERT_TRUE(undo_run(life.ctx, life.env, run.id, {}));

    auto again = apply_run(life.ctx, life.env, run.id);

    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, Code::refused);
}

TEST(LifeGuards, AJournalOfAnotherPlanIsNeverTakenForThisRuns) {
    Life life;
    life.put("in/a");
    life.put("also/a");
    const RunPaths first = life.plan(), second = life.plan("also/");
    ASSERT_TRUE(life.apply(first).finished());
    std::filesystem::copy_file(first.journal(), second.journal());

    auto applied = apply_run(life.ctx, life.env, second.id);

    ASSERT_FALSE(applied) << "its one action is not done, whatever that journal says";
    EXPECT_EQ(applied.error().code, Code::corrupt);
    EXPECT_TRUE(life.there("also/a"));
}

// A store that is a directory, for the same life.
struct LocalLife : Life {
    LocalLife() {
        std::filesystem::create_directories(bucket + "/in");
        std::ofstream(bucket + "/in/a") << "body";
        env.open_store = [](PlannedStore& planned) -> Result<std::unique_ptr<ObjectStore>> {
            auto opened = make_local_store({.durable = false});
            planned.identity = opened->identity();
            return opened;
        };
    }
    RunPaths killed_run() {
        MoveCommand all = Life::command();
        all.source_bucket = all.rule.source_bucket = all.rule.target_bucket = bucket;
        auto planned = plan_move(ctx, env, all);
        EXPECT_TRUE(planned) << planned.error().message;
        EXPECT_TRUE(apply(planned->run).finished());
        cut_the_end(planned->run);
        return planned->run;
    }
    std::string bucket = temp.file("bucket");
};

TEST(LifeGuards, R1_NothingOfAKilledRunLandsLateInADirectorySoItsUndoWaitsForNothing) {
    LocalLife life;
    const RunPaths run = life.killed_run();

    const Nanos waited = waited_in(life, [&] {
        auto undone = undo_run(life.ctx, life.env, run.id, {});
        ASSERT_TRUE(undone) << undone.error().message;
        EXPECT_TRUE(undone->finished());
    });

    EXPECT_LT(waited, Nanos(kQuietTime)) << "needs a file system of this machine's own: set TMPDIR";
    EXPECT_TRUE(std::filesystem::exists(life.bucket + "/in/a"));
    EXPECT_FALSE(std::filesystem::exists(life.bucket + "/out/a"));
}

TEST(LifeGuards, R2_NorDoesTheNextRunThere) {
    LocalLife life;
    const RunPaths run = life.killed_run();
    const std::vector<Scope> everything{{.identity = "file:", .bucket = life.bucket, .prefix = ""}};
    auto state = StateDirectory::open(life.env.state_directory);
    ASSERT_TRUE(state && state->create_run("other"));
    ASSERT_TRUE(take_scopes(*state, run.id, everything, life.clock.wall())->lock) << "it died before it let go";
    EXPECT_TRUE(life.apply(run).finished());

    auto grant = take_scopes(*state, "other", everything, life.clock.wall());

    ASSERT_TRUE(grant) << grant.error().message;
    EXPECT_TRUE(grant->lock) << "held by " << grant->holder;
    EXPECT_EQ(grant->wait_until, std::nullopt);
}

TEST(LifeGuards, R1_OneScopeInWhichSomethingMayLandLateIsEnough) {
    const TempDirectory temp;
    const JournalSummary killed{.processes = 1, .on_own = 1};
    const WallTime now{std::chrono::hours(500'000)};
    const Scope here{"file:", temp.path(), "in/"}, gone{"file:", temp.file("gone"), "in/"}, any{"file:", "", ""},
        remote{"https://s3.example", "b", "in/"};
    EXPECT_EQ(quiet_until({.scopes = {here, here}}, killed, now), std::nullopt);
    for (const Scope& other : {gone, any, remote})
        EXPECT_EQ(quiet_until({.scopes = {here, other}}, killed, now), now + kQuietTimeUnansweredCopy);
    EXPECT_EQ(quiet_until(RunContract(), killed, now), now + kQuietTimeUnansweredCopy) << "nobody knows where it was";
}

// What is a directory here may have been a mount over a network for the machine on which the process died.
TEST(LifeGuards, R1_OneProcessThatDoesNotSayThatItWasOnFileSystemsOfItsOwnIsEnough) {
    const TempDirectory temp;
    const RunContract here{.scopes = {{"file:", temp.path(), "in/"}}};
    const WallTime now{std::chrono::hours(500'000)};
    for (const JournalSummary& killed : {JournalSummary{.processes = 1}, JournalSummary{.processes = 2, .on_own = 1}})
        EXPECT_EQ(quiet_until(here, killed, now), now + kQuietTimeUnansweredCopy);
    EXPECT_EQ(quiet_until(here, {.processes = 2, .on_own = 2}, now), std::nullopt);
}

TEST(LifeGuards, R1_AnUndoOfAKilledRunWhoseJournalDoesNotSayWhereItWasWaits) {
    LocalLife life;
    const RunPaths run = life.killed_run();
    std::string journal = *read_file(run.journal(), 1 << 20), open = journal.substr(0, journal.find('\n') + 1);
    const std::string said = ",\"own_file_systems\":true";
    ASSERT_NE(open.find(said), std::string::npos) << open;
    open.erase(open.find(said), said.size());
    journal_file::close_group(open, 1, 1);
    journal.replace(0, journal.find('\n', journal.find(journal_file::kCommitBegin)) + 1, open);
    ASSERT_TRUE(write_file_atomically(run.journal(), journal));

    const Nanos waited = waited_in(life, [&] {
        auto undone = undo_run(life.ctx, life.env, run.id, {});
        ASSERT_TRUE(undone) << undone.error().message;
        EXPECT_TRUE(undone->finished());
    });

    EXPECT_GT(waited, std::chrono::minutes(20));
}

TEST(LifeGuards, R2_ARunOnAPrefixWaitsForWhatAnotherSentThereWithoutAnAnswer) {
    Life life;
    life.put("in/a");
    const RunPaths first = life.plan();
    life.faults = {{.verb = Verb::remove_many, .action = FaultAction::lose_answer}};
    ASSERT_TRUE(life.apply(first).finished());
    life.faults.clear();
    life.put("in/b");
    const RunPaths second = life.plan();

    const Nanos waited = waited_in(life, [&] { EXPECT_TRUE(life.apply(second).finished()); });

    EXPECT_GT(waited, seconds(30));
}

TEST(LifeGuards, R3_ARunOnAPrefixThatIsQuietWaitsForNothing) {
    Life life;
    life.put("in/a");
    ASSERT_TRUE(life.apply(life.plan()).finished());
    life.put("in/b");
    const RunPaths second = life.plan();

    EXPECT_LT(waited_in(life, [&] { EXPECT_TRUE(life.apply(second).finished()); }), seconds(30));
}

TEST(LifeGuards, R1_AnUndoWaitsForWhatItsParentSentBeforeItDied) {
    Life life;
    life.put("in/a");
    const RunPaths run = life.plan();
    // Nobody can look afterwards, so that the run is unfinished, and holds its prefix: no other rule makes undo wait.
    life.faults = {{.verb = Verb::remove_many, .action = FaultAction::defer, .delay = seconds(50)},
                   {.verb = Verb::head, .count = 100, .action = FaultAction::fail}};
    ASSERT_EQ(life.apply(run).balance.left, 1U);
    cut_the_end(run);
    life.faults.clear();

    const Nanos waited = waited_in(life, [&] {
        auto undone = undo_run(life.ctx, life.env, run.id, {});
        ASSERT_TRUE(undone) << undone.error().message;
        EXPECT_TRUE(undone->finished());
        EXPECT_FALSE(undone->sentences.empty()) << "it says what it waits for";
    });

    EXPECT_GT(waited, seconds(50));
    EXPECT_TRUE(life.there("in/a") && !life.there("out/a"));
}

// No condition ties the copy to its source, so it may bring other bytes when it lands late.
TEST(LifeGuards, R9_AResumeOnAStoreWithoutConditionsWaitsForTheCopyOfADeadProcess) {
    Life life;
    life.store = make_memory_store({.clock = &life.clock, .ignores = {.copy_source_if_match = true}});
    life.put("in/a");
    const RunPaths run = life.plan();
    life.faults = {{.verb = Verb::copy, .action = FaultAction::die}};
    life.apply(run);
    cut_the_end(run);
    life.faults.clear();

    const Nanos waited = waited_in(life, [&] { EXPECT_TRUE(life.apply(run).finished()); });

    EXPECT_GT(waited, std::chrono::minutes(20));
    EXPECT_TRUE(life.there("out/a") && !life.there("in/a"));
}

// No receipt tells who made the target, and it is older than the run.
TEST(LifeGuards, R4_AnUndoKnowsWhenItsParentBegan) {
    Life life;
    life.put("in/a");
    const RunPaths run = life.plan();
    life.put("out/a");
    life.faults = {{.verb = Verb::copy, .action = FaultAction::die}};
    life.apply(run);
    cut_the_end(run);
    life.faults.clear();

    auto undone = undo_run(life.ctx, life.env, run.id, {});

    ASSERT_TRUE(undone) << undone.error().message;
    EXPECT_EQ(undone->balance.failed_by["target-left"], 1U);
    EXPECT_TRUE(life.there("in/a") && life.there("out/a"));
}

TEST(LifeGuards, R7_KeysThatTheStoreWasSeenToMakeOneAreNotMovedTo) {
    for (const bool folds : {false, true}) {
        Life life;
        MemoryStoreOptions options{.clock = &life.clock};
        if (folds) options.alias = fold_slashes;
        life.store = make_memory_store(options);
        life.put("in/k-x", "one");
        life.put("in/k/-x", "two");
        MoveCommand command = Life::command();
        command.rule.match = "^k(/?)-x$";
        command.rule.to = "k{1}/x";

        auto moved = move_run(life.ctx, life.env, command);

        ASSERT_EQ(moved.has_value(), !folds) << (moved ? "" : moved.error().message);
        if (!folds) continue;
        EXPECT_EQ(moved.error().code, Code::refused);
        EXPECT_NE(moved.error().message.find("out/k//x"), std::string::npos) << moved.error().message;
        EXPECT_TRUE(life.there("in/k-x") && life.there("in/k/-x"));
    }
}

TEST(LifeGuards, StrictRefusesWhereAGuardIsMissingAndOthersAreToldOfIt) {
    for (const bool strict : {false, true}) {
        Life life;
        life.store = make_memory_store({.clock = &life.clock, .ignores = {.copy_if_absent = true}});
        life.put("in/a");
        MoveCommand command = Life::command();
        command.options.strict = strict;

        auto moved = move_run(life.ctx, life.env, command);

        ASSERT_EQ(moved.has_value(), !strict);
        EXPECT_EQ(life.there("in/a"), strict);
        const std::string said = strict                     ? moved.error().message
                                 : moved->sentences.empty() ? std::string()
                                                            : moved->sentences.front();
        EXPECT_NE(said.find("cannot refuse to copy over an existing object"), std::string::npos) << said;
    }
}

TEST(LifeGuards, ARunWhoseJournalWouldNotFitOnTheDiskIsNotBegun) {
    Life life;
    auto state = StateDirectory::open(life.env.state_directory);
    auto run = state->create_run("large");
    ASSERT_TRUE(run);
    auto plan = PlanWriter::create(
        run->plan(),
        {.run_id = "large", .command = "mv", .stores = {{}}, .options = write_contract({.scopes = {kEverything}})});
    ASSERT_TRUE(plan);
    plan->totals().effects = std::uint64_t{1} << 50;
    ASSERT_TRUE(plan->seal());
    bool opened = false;
    const auto open = life.env.open_store;
    life.env.open_store = [&](PlannedStore& planned) {
        opened = true;
        return open(planned);
    };

    auto applied = apply_run(life.ctx, life.env, "large");

    ASSERT_FALSE(applied);
    EXPECT_EQ(applied.error().code, Code::local);
    EXPECT_EQ(applied.error().reason, "disk-full") << applied.error().message;
    EXPECT_FALSE(opened);
}

// Website buckets, ACLs and locks: what COPY drops is known only from a look at the source.
TEST(LifeGuards, EachSourceIsLookedAtWhereFactsOfTheBucketDemandIt) {
    for (const bool website : {false, true}) {
        Life life;
        life.store = make_memory_store(
            {.clock = &life.clock,
             .facts = {.website = website, .acls_enabled = false, .object_lock = false, .default_encryption = false}});
        life.put("in/a");
        std::size_t looks = 0;
        life.faults = {{.verb = Verb::head, .key = "in/", .count = 100, .before = [&](const Call&) { ++looks; }}};

        ASSERT_TRUE(life.apply(life.plan()).finished());

        EXPECT_EQ(looks, website ? 1U : 0U);
    }
}

// The guards of deletes are proven again by each run, though the store's capabilities are remembered for a day.
TEST(LifeGuards, AConditionThatTheStoreHasLostSinceIsNotReliedOn) {
    Life life;
    life.use_unknown_store();
    life.put("in/a");
    ASSERT_TRUE(life.apply(life.plan()).finished());
    life.use_unknown_store({.copy_if_absent = true});
    life.put("in/b", "ours");
    const RunPaths run = life.plan();
    life.put("out/b", "theirs");

    const RunResult result = life.apply(run);

    EXPECT_EQ(result.balance.failed_by.at("conflict"), 1U);
    EXPECT_FALSE(result.sentences.empty()) << "what is missing is said";
    EXPECT_EQ(life.store->head(life.ctx, {"b", "out/b", {}})->size, 6U) << "theirs is not overwritten";
}

// The plan's etag of a target names what was there before the run.
TEST(LifeGuards, AnUndoNeverTakesForTheSourceWhatWasAtTheTargetBefore) {
    Life life;
    life.put("in/a", "ours");
    life.put("out/a", "theirs");
    const RunPaths run = life.plan();
    // It dies at its first look: whether it has copied anything, nobody knows.
    life.faults = {{.verb = Verb::head, .action = FaultAction::die}};
    life.apply(run);
    cut_the_end(run);
    life.faults.clear();
    ASSERT_TRUE(life.store->remove(life.ctx, {"b", "in/a", {}}, {}));

    auto undone = undo_run(life.ctx, life.env, run.id, {});

    ASSERT_TRUE(undone) << undone.error().message;
    EXPECT_EQ(undone->balance.failed_by["not_found"], 1U);
    EXPECT_FALSE(life.there("in/a"));
    EXPECT_TRUE(life.there("out/a"));
}

}  // namespace
}  // namespace dray
