// The life of a copy: planned, applied, verified, undone.
#include <gtest/gtest.h>

#include "ops/life_rig.h"

namespace dray {
namespace {

MoveCommand copy_command(Overwrite overwrite = Overwrite::never) {
    MoveCommand command = Life::command();
    command.command = "cp";
    command.options.what = Do::copy;
    command.options.overwrite = overwrite;
    command.options.preserve = PropertySet();
    return command;
}

RunResult run(Life& life, const MoveCommand& command) {
    auto result = move_run(life.ctx, life.env, command);
    EXPECT_TRUE(result) << result.error().message;
    return result ? *result : RunResult{};
}

RunResult undo(Life& life, const RunResult& run) {
    auto result = undo_run(life.ctx, life.env, run.run.id, {});
    EXPECT_TRUE(result) << result.error().message;
    return result ? *result : RunResult{};
}

TEST(CopyLife, IsVerifiedUndoneAndVerifiedAgain) {
    Life life;
    life.put("in/a");
    life.put("in/equal");
    life.put("out/equal");
    const RunResult copied = run(life, copy_command());
    EXPECT_EQ(copied.balance.done_by, (std::map<std::string, std::uint64_t>{{"copied", 1}}));
    EXPECT_EQ(copied.balance.skipped_by, (std::map<std::string, std::uint64_t>{{"equal", 1}}));
    EXPECT_TRUE(copied.finished() && copied.balance.adds_up());

    auto good = verify_run(life.ctx, life.env, copied.run.id, {.deep = true});
    ASSERT_TRUE(good);
    EXPECT_EQ(good->good, 2U);
    life.put("out/equal", "other");
    auto bad = verify_run(life.ctx, life.env, copied.run.id, {});
    ASSERT_TRUE(bad);
    EXPECT_EQ(bad->bad_by, (std::map<std::string, std::uint64_t>{{"target-changed", 1}}));

    const RunResult back = undo(life, copied);
    EXPECT_EQ(back.balance.listed, 1U) << "what was skipped is nobody's business";
    EXPECT_TRUE(life.there("in/a") && !life.there("out/a") && life.there("out/equal"));
    auto undone = verify_run(life.ctx, life.env, copied.run.id, {});
    ASSERT_TRUE(undone);
    EXPECT_EQ(undone->good, 1U);
}

TEST(CopyLife, R21_AnUndoKeepsACopyThatHasMoreThanWhatIsAtItsSourceNow) {
    Life life;
    ASSERT_TRUE(life.store->put(life.ctx, {"b", "in/a", {}}, "body", {.properties = {.metadata = {{"owner", "us"}}}}));
    const RunResult copied = run(life, copy_command());
    life.put("in/a");  // the same bytes, bare

    const RunResult back = undo(life, copied);

    EXPECT_EQ(back.balance.failed_by, (std::map<std::string, std::uint64_t>{{"property-lost", 1}}));
    EXPECT_TRUE(life.there("out/a"));
}

TEST(CopyLife, AnUndoSaysFirstWhatWasOverwrittenAndLeavesIt) {
    Life life;
    life.put("in/a");
    life.put("in/b");
    life.put("out/b", "before");
    const RunResult copied = run(life, copy_command(Overwrite::changed));
    EXPECT_EQ(copied.balance.done_by, (std::map<std::string, std::uint64_t>{{"copied", 1}, {"overwritten", 1}}));

    std::string said;
    life.env.watcher.say = [&](const std::string& sentence) { said = sentence; };
    const RunResult back = undo(life, copied);

    EXPECT_NE(said.find("1 target was overwritten"), std::string::npos) << said;
    EXPECT_EQ(back.balance.skipped_by, (std::map<std::string, std::uint64_t>{{"overwritten", 1}}));
    EXPECT_TRUE(back.finished() && back.balance.adds_up());
    EXPECT_TRUE(!life.there("out/a") && life.there("out/b") && life.there("in/b"));
}

TEST(CopyLife, OnAVersionedBucketWhatWasOverwrittenIsBackAfterUndo) {
    Life life;
    life.store = make_memory_store({.clock = &life.clock, .versioned = true});
    life.put("in/b");
    life.put("out/b", "before");
    const RunResult copied = run(life, copy_command(Overwrite::always));
    EXPECT_EQ(life.store->head(life.ctx, {"b", "out/b", {}})->size, 4U);

    const RunResult back = undo(life, copied);

    EXPECT_EQ(back.balance.skipped, 0U);
    EXPECT_EQ(life.store->head(life.ctx, {"b", "out/b", {}})->size, 6U);
}

TEST(CopyLife, WithoutAGuaranteeOfCopiesItIsSaidOnceAndNothingOfDeletes) {
    for (const bool strict : {false, true}) {
        Life life;
        life.use_unknown_store({.copy_if_absent = true, .remove_if_match = true, .remove_many_if_match = true});
        life.put("in/a");
        MoveCommand command = copy_command();
        command.options.strict = strict;
        auto result = move_run(life.ctx, life.env, command);
        if (strict) {
            ASSERT_FALSE(result);
            EXPECT_EQ(result.error().code, Code::refused);
            EXPECT_FALSE(life.there("out/a"));
        } else {
            ASSERT_TRUE(result);
            EXPECT_EQ(result->sentences.size(), 1U);
        }
    }
}

TEST(CopyLife, ACopyBelowItsOwnSourceSaysThatTheNextRunWouldCopyItAgain) {
    Life life;
    life.put("in/a");
    MoveCommand command = copy_command();
    command.rule.target_prefix = "in/copy/";
    auto planned = plan_move(life.ctx, life.env, command);
    ASSERT_TRUE(planned);
    ASSERT_EQ(planned->warnings.size(), 1U);
    EXPECT_NE(planned->warnings.front().find("copy it to in/copy/copy/a"), std::string::npos)
        << planned->warnings.front();
}

}  // namespace
}  // namespace dray
