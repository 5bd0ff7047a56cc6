// What holds of every run, wherever it is killed: each invariant is held against a small run whose process dies before,
// or just after, each of its calls to the store, and is resumed until it is finished; on a store that honours every
// condition and on one that honours none. That deaths of machines and other writers change nothing about the objects
// is the matter of safe_move_random_test.cpp, and of the program itself that of tests/crash.
#include <gtest/gtest.h>

#include <set>

#include "ops/life_rig.h"

namespace dray {
namespace {

using Objects = std::map<std::string, std::string>;  // key -> bytes

// in/a, in/b and a name that no terminal should be sent have no target yet; those of in/equal and in/theirs are there.
const std::string kAwkward = "in/\x1b[31mred";
const Objects kPlanted{{"in/a", "body a"},      {"in/b", "body b"},      {kAwkward, "body c"},
                       {"in/equal", "body d"},  {"out/equal", "body d"}, {"in/theirs", "body e"},
                       {"out/theirs", "theirs"}};
constexpr std::size_t kSources = 5;

std::string target_of(const std::string& source) {
    return "out/" + source.substr(3);
}

// One run from its plan to its end, in as many processes as it takes.
class DyingRun {
public:
    explicit DyingRun(bool honours_conditions) {
        MemoryStoreOptions options{.clock = &life.clock};
        options.ignores.copy_source_if_match = options.ignores.copy_if_absent = !honours_conditions;
        options.ignores.remove_if_match = options.ignores.remove_many_if_match = !honours_conditions;
        life.store = make_memory_store(options);
        for (const auto& [key, bytes] : kPlanted)
            life.put(key, bytes);
        const auto hear = [this](const std::string& sentence) { heard += sentence + "\n"; };
        life.env.watcher.say = life.env.watcher.note = hear;
        life.env.workers = 1;  // so that the calls have one order
        run = life.plan();
    }

    // `death`: at which call; nullopt: never. Returns whether it came to that.
    bool live(std::optional<std::uint32_t> death, FaultAction action) {
        std::uint32_t before = 0;
        const auto dies = [&](const Call& call) {
            ++calls;
            const bool now = death && before++ >= *death;
            if (before_call && !now) before_call(call);
            return now;
        };
        life.faults = {{.when = dies, .count = UINT32_MAX, .action = action}};
        process();
        const bool died = death && before > *death;
        if (died) {
            const auto journal = read_file(run.journal(), 1 << 20);
            if (journal && journal->find("{\"end\"") != std::string::npos) cut_the_end(run);
            death.reset();
            process();
        }
        life.faults.clear();
        return died;
    }

    Objects objects() const {
        Objects found;
        auto page = life.store->list(life.ctx, {.bucket = "b"});
        EXPECT_TRUE(page && !page->truncated);
        for (const ListedObject& object : page->objects)
            EXPECT_TRUE(life.store->get(life.ctx, {"b", object.key, {}}, {}, [&](std::string_view bytes) -> Status {
                found[object.key] += bytes;
                return {};
            }));
        return found;
    }

    Life life;
    RunPaths run;
    std::optional<Error> error;  // of the last process, before its first effect
    RunResult result;
    std::string heard;      // what a person was told
    std::size_t calls = 0;  // to the store
    std::function<void(const Call&)> before_call;

private:
    void process() {
        auto ended = apply_run(life.ctx, life.env, run.id);
        error = ended ? std::nullopt : std::optional(ended.error());
        result = ended ? *ended : RunResult{};
    }
};

// Calls `check` with the end of a run for each death there can be, and of one without a death. `begin` sees it before.
template <class Check>
void at_every_death(const Check& check, const std::function<void(DyingRun&)>& begin = {}) {
    for (const bool honours_conditions : {true, false}) {
        for (const FaultAction action : {FaultAction::die, FaultAction::die_after}) {
            std::uint32_t death = 0;
            for (bool died = true; died; ++death) {
                SCOPED_TRACE(testing::Message()
                             << "death at call " << death << (action == FaultAction::die ? "" : ", after its effect")
                             << (honours_conditions ? "" : ", no conditions"));
                DyingRun run(honours_conditions);
                if (begin) begin(run);
                died = run.live(death, action);
                check(run);
                if (testing::Test::HasFailure()) return;
            }
            EXPECT_GT(death, 5U) << "there is something to die at";
        }
    }
}

TEST(Invariants, I1_WhatIsReportedDoneCanBeReadBack) {
    at_every_death([](DyingRun& dying) {
        auto verified = verify_run(dying.life.ctx, dying.life.env, dying.run.id, {.deep = true});
        ASSERT_TRUE(verified);
        EXPECT_EQ(verified->checked, kSources);
        EXPECT_EQ(verified->good, kSources) << (verified->examples.empty() ? "" : verified->examples.front());
        const Objects objects = dying.objects();
        std::uint64_t whole = 0;
        for (const auto& [source, bytes] : kPlanted)
            if (source.starts_with("in/")) {
                const auto target = objects.find(target_of(source));
                whole += target != objects.end() && target->second == bytes ? 1 : 0;
            }
        EXPECT_EQ(dying.result.balance.done, whole);
    });
}

TEST(Invariants, I2_ASourceGoesOnlyWhenTheReceiptOfItsProvenCopyIsOnDisk) {
    std::size_t deletes = 0;
    const auto begin = [&](DyingRun& dying) {
        dying.before_call = [&](const Call& call) {
            if (call.verb != Verb::remove && call.verb != Verb::remove_many) return;
            ++deletes;
            std::set<std::string> recorded;
            auto plan = PlanReader::open(dying.run.plan());
            auto read = read_journal(dying.run.journal(), [&](const JournalLine& line) -> Status {
                if (line.kind != JournalLine::Kind::receipt || line.receipt.state != ReceiptState::copied) return {};
                TRY(plan->seek(line.receipt.n));
                TRY_LET(action, plan->next());
                const auto target = dying.life.store->head({}, {"b", action->to.key, {}});
                if (target && target->etag == line.receipt.etag) recorded.insert(action->from.key);
                return {};
            });
            ASSERT_TRUE(read);
            std::vector<std::string> keys{std::string(call.key)};
            if (call.verb == Verb::remove_many) keys.clear();
            for (const RemoveItem& item : call.items)
                keys.push_back(item.key);
            for (const std::string& key : keys)
                EXPECT_TRUE(recorded.contains(key)) << key;
        };
    };
    at_every_death([](DyingRun&) {}, begin);
    EXPECT_GT(deletes, 0U);
}

TEST(Invariants, I3_I4_ATargetIsAbsentOrWholeAndNothingIsOverwritten) {
    const auto look = [](DyingRun& dying) {
        const Objects now = dying.objects();
        for (const auto& [source, bytes] : kPlanted) {
            if (!source.starts_with("in/")) continue;
            const std::string target = target_of(source);
            const auto before = kPlanted.find(target);
            const auto found = now.find(target);
            if (before != kPlanted.end()) {
                ASSERT_TRUE(found != now.end()) << target;
                EXPECT_EQ(found->second, before->second) << target;
            } else if (found != now.end()) {
                EXPECT_EQ(found->second, bytes) << target;
            }
        }
    };
    at_every_death(look, [&](DyingRun& dying) { dying.before_call = [&](const Call&) { look(dying); }; });
}

TEST(Invariants, I5_ARunIsAllDoneOnlyWhenEverySourceIsAtItsTarget) {
    at_every_death([](DyingRun& dying) {
        const Balance::Totals& balance = dying.result.balance;
        EXPECT_TRUE(balance.adds_up());
        std::uint64_t stayed = 0;
        for (const auto& [key, bytes] : dying.objects())
            stayed += key.starts_with("in/") ? 1 : 0;
        EXPECT_EQ(stayed, 1U) << "in/theirs, whose target holds something else";
        EXPECT_EQ(balance.failed + balance.left + balance.skipped, stayed);
    });
}

TEST(Invariants, I6_ARunThatDiedAnywhereEndsAsACalmOneDoes) {
    DyingRun calm(true);
    ASSERT_FALSE(calm.live(std::nullopt, FaultAction::none));
    const Objects end = calm.objects();
    ASSERT_NE(end, kPlanted);
    at_every_death([&](DyingRun& dying) {
        EXPECT_EQ(dying.objects(), end);
        EXPECT_FALSE(dying.error) << dying.error->message;
        EXPECT_TRUE(dying.result.finished());
        EXPECT_EQ(dying.life.phase(dying.run), RunPhase::finished);
    });
}

TEST(Invariants, I6_SoDoesOneThatDiedWhileItTriedAgainWhatFailed) {
    const auto begin = [](DyingRun& dying) {
        ASSERT_FALSE(dying.live(std::nullopt, FaultAction::none));
        ASSERT_TRUE(dying.life.store->remove(dying.life.ctx, {"b", "out/theirs", {}}, {}));
    };
    at_every_death(
        [](DyingRun& dying) {
            for (const auto& [key, bytes] : dying.objects())
                EXPECT_TRUE(key.starts_with("out/")) << key;
            EXPECT_EQ(dying.objects()["out/theirs"], "body e");
            EXPECT_EQ(dying.result.balance.done, kSources);
            EXPECT_TRUE(dying.result.finished());
        },
        begin);
}

TEST(Invariants, I7_ADeathCostsABoundedNumberOfRequests) {
    constexpr std::size_t kMostEach = 12, kMostARun = 20;
    at_every_death([](DyingRun& dying) { EXPECT_LE(dying.calls, kMostARun + kMostEach * kSources); });
}

TEST(Invariants, I8_NoRawControlByteReachesAPersonOrAFile) {
    const auto is_plain = [](const std::string& text, const std::string& where) {
        for (const char c : text)
            if (static_cast<unsigned char>(c) < 0x20 && c != '\n') ADD_FAILURE() << where << ": " << int(c);
    };
    at_every_death([&](DyingRun& dying) {
        is_plain(dying.heard, "what was said");
        for (const std::string& file : {dying.run.journal(), dying.run.report(), dying.run.run_json()})
            is_plain(*read_file(file, 1 << 20), file);
        ASSERT_TRUE(dying.life.store->remove(dying.life.ctx, {"b", target_of(kAwkward), {}}, {}));
        auto verified = verify_run(dying.life.ctx, dying.life.env, dying.run.id, {});
        ASSERT_TRUE(verified);
        ASSERT_EQ(verified->bad, 1U);
        is_plain(verified->examples.at(0), "what verify found");
    });
}

TEST(Invariants, I9_NothingIsSentBesideThePlanAndNoFileIsWrittenBesideTheState) {
    const auto begin = [](DyingRun& dying) {
        dying.before_call = [](const Call& call) {
            EXPECT_EQ(call.bucket, "b");
            const auto planned = [](std::string_view key) { return key.starts_with("in/") || key.starts_with("out/"); };
            const bool names_a_key = call.verb != Verb::bucket_facts && call.items.empty();
            EXPECT_TRUE(!names_a_key || planned(call.key)) << call.key;
            for (const RemoveItem& item : call.items)
                EXPECT_TRUE(item.key.starts_with("in/")) << item.key;
        };
    };
    const auto check = [](DyingRun& dying) {
        for (const auto& file : std::filesystem::directory_iterator(dying.life.temp.path()))
            EXPECT_EQ(file.path().filename(), "state");
    };
    at_every_death(check, begin);
}

TEST(Invariants, I10_NoTemporaryFileAndNoOpenUploadIsLeft) {
    const std::set<std::string> kept{"plan.jsonl.zst", "journal.jsonl", "run.json", "report.json", "begun", "lock"};
    at_every_death([&](DyingRun& dying) {
        for (const auto& file : std::filesystem::recursive_directory_iterator(dying.run.directory))
            EXPECT_TRUE(!file.is_regular_file() || kept.contains(file.path().filename())) << file.path();
        auto uploads = dying.life.store->uploads(dying.life.ctx, "b", "");
        ASSERT_TRUE(uploads);
        EXPECT_TRUE(uploads->empty());
    });
}

}  // namespace
}  // namespace dray
