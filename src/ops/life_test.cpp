#include "ops/life.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "base/checksum.h"
#include "base/file.h"
#include "base/temp_directory.h"
#include "job/run_dir.h"
#include "store/fault_store.h"
#include "store/memory_store.h"

namespace dray {
namespace {

const Scope kEverything{.identity = "mem:", .bucket = "b", .prefix = ""};

// A state directory and a store in memory; each process opens the store anew, with the faults it is given.
class Life {
public:
    Life() {
        env.state_directory = temp.file("state");
        env.workers = 2;
        env.open_store = [this](PlannedStore& planned) -> Result<std::unique_ptr<ObjectStore>> {
            planned.identity = store->identity();
            auto opened = make_fault_store(store, &clock);
            for (const FaultRule& rule : faults)
                opened->add(rule);
            return std::unique_ptr<ObjectStore>(std::move(opened));
        };
    }

    void put(const std::string& key, const std::string& bytes = "body") {
        clock.advance(std::chrono::seconds(2));
        EXPECT_TRUE(store->put(ctx, {"b", key, {}}, bytes));
        clock.advance(std::chrono::seconds(2));
    }
    bool there(const std::string& key) const { return store->head(ctx, {"b", key, {}}).has_value(); }

    static MoveCommand command(const std::string& in = "in/", bool exclusive = false) {
        MoveCommand command{.stores = {{}}, .source_bucket = "b", .source_prefix = in};
        command.options.exclusive = exclusive;
        command.rule = {
            .to = "{path}", .source_bucket = "b", .source_prefix = in, .target_bucket = "b", .target_prefix = "out/"};
        return command;
    }
    RunPaths plan(const std::string& in = "in/", bool exclusive = false) {
        auto planned = plan_move(ctx, env, command(in, exclusive));
        EXPECT_TRUE(planned) << planned.error().message;
        return planned->run;
    }
    RunResult apply(const RunPaths& run) {
        auto result = apply_run(ctx, env, run.id);
        EXPECT_TRUE(result) << result.error().message;
        return result ? *result : RunResult{};
    }
    RunPhase phase(const RunPaths& run) {
        auto status = run_status(env, run.id);
        EXPECT_TRUE(status);
        return status->summary.phase;
    }
    std::vector<RunSummary> runs() {
        auto state = StateDirectory::open(env.state_directory);
        EXPECT_TRUE(state);
        return *state->runs();
    }
    // What another run would be told that wants the whole bucket.
    ScopeGrant ask_for_everything() {
        auto state = StateDirectory::open(env.state_directory);
        EXPECT_TRUE(state && state->create_run("other"));
        auto grant = take_scopes(*state, "other", {kEverything}, clock.wall());
        EXPECT_TRUE(grant) << grant.error().message;
        return *std::move(grant);
    }

    TempDirectory temp;
    SimulatedClock clock;
    Context ctx{nullptr, &clock};
    std::shared_ptr<ObjectStore> store = make_memory_store({.clock = &clock});
    std::vector<FaultRule> faults;
    RunEnvironment env;
};

// As if the process had died just before its end line.
void cut_the_end(const RunPaths& run) {
    const std::string text = *read_file(run.journal(), 1 << 20);
    const auto end = text.find("{\"end\"");
    ASSERT_NE(end, std::string::npos);
    std::filesystem::resize_file(run.journal(), end);
}

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
    life.store = make_memory_store({.clock = &life.clock, .tells_capabilities = false});
    const auto open = life.env.open_store;
    life.env.open_store = [&](PlannedStore& planned) {
        planned.access_key = "AKIDEXAMPLE";
        return open(planned);
    };
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
