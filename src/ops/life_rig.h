// Life: a state directory and a store in memory, for tests of the life of a run: plan, apply, die, resume, undo.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/temp_directory.h"
#include "job/run_dir.h"
#include "ops/life.h"
#include "store/fault_store.h"
#include "store/memory_store.h"

namespace dray {

inline const Scope kEverything{.identity = "mem:", .bucket = "b", .prefix = ""};

// A state directory and a store in memory; each process opens the store anew, with the faults it is given.
class Life {
public:
    Life() {
        env.state_directory = temp.file("state");
        env.workers = 2;
        env.open_store = [this](PlannedStore& planned) -> Result<std::unique_ptr<ObjectStore>> {
            planned.identity = store->identity();
            planned.access_key = access_key;
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

    // The store is one as a probe meets it: what it can do is found out by effect, and remembered for its access key.
    void use_unknown_store(IgnoredConditions ignores = {}) {
        store = make_memory_store({.clock = &clock, .tells_capabilities = false, .ignores = ignores});
        access_key = "AKIDEXAMPLE";
    }

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
    std::string access_key;  // of who opens the store; empty: it has no such thing
    std::vector<FaultRule> faults;
    RunEnvironment env;
};

// As if the process had died just before it ended by itself.
inline void cut_the_end(const RunPaths& run) {
    const std::string text = *read_file(run.journal(), 1 << 20);
    const auto end = std::min(text.find("{\"release\""), text.find("{\"end\""));
    ASSERT_NE(end, std::string::npos);
    std::filesystem::resize_file(run.journal(), end);
}

}  // namespace dray
