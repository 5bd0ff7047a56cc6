// The journal held against a model of it: random lines by random processes, some of which die in mid-write.
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <random>

#include "base/random_test.h"
#include "base/temp_directory.h"
#include "job/journal.h"

namespace dray {
namespace {

constexpr std::uint64_t kActions = 40;

std::string random_bytes(std::mt19937_64& random, std::size_t longest) {
    std::string bytes;
    for (auto n = random() % (longest + 1); n > 0; --n)
        bytes += static_cast<char>(random() % 4 == 0 ? random() % 256 : 'a' + random() % 26);
    return bytes;
}

Receipt random_receipt(std::mt19937_64& random, std::uint64_t n) {
    if (random() % 2 == 0)
        return {.n = n, .state = ReceiptState::copied, .etag = random_bytes(random, 8), .proof = Proof::etag};
    if (random() % 2 == 0) return {.n = n, .state = ReceiptState::deleted, .version = random_bytes(random, 8)};
    return {.n = n,
            .state = random() % 2 == 0 ? ReceiptState::failed : ReceiptState::reopened,
            .code = Code::conflict,
            .reason = "conflict",
            .detail = random_bytes(random, 30),
            .untouched = random() % 2 == 0};
}

// What a reader must find: claims, releases and receipts in order.
struct Model {
    std::map<std::uint64_t, ActionState> states;
    std::vector<Receipt> receipts;

    void claim(std::uint64_t first, std::uint64_t last) {
        for (std::uint64_t n = first; n <= last; ++n)
            states.try_emplace(n, ActionState::doubtful);
    }
    void release(std::uint64_t first, std::uint64_t last) {
        for (std::uint64_t n = first; n <= last; ++n)
            if (states.contains(n) && states[n] == ActionState::doubtful) states.erase(n);
    }
    void receipt(const Receipt& receipt) {
        receipts.push_back(receipt);
        const bool reopened = receipt.state == ReceiptState::reopened;
        if (reopened && receipt.untouched)
            states.erase(receipt.n);
        else if (reopened)
            states[receipt.n] = ActionState::doubtful;
        else if (states[receipt.n] != ActionState::final)
            states[receipt.n] = is_final(receipt.state) ? ActionState::final : ActionState::copied;
    }
};

// One process: what it wrote is durable when this returns.
void write_some(std::mt19937_64& random, JournalWriter& writer, Model& model) {
    for (auto steps = random() % 12; steps > 0; --steps) {
        const std::uint64_t n = random() % kActions;
        if (!model.states.contains(n) || random() % 4 == 0) {
            const std::uint64_t last = std::min(kActions - 1, n + random() % 5);
            ASSERT_TRUE(writer.claim(n, last));
            model.claim(n, last);
        } else if (random() % 4 == 0) {
            const std::uint64_t last = std::min(kActions - 1, n + random() % 5);
            ASSERT_TRUE(writer.wait_durable(writer.append_release(n, last)));
            model.release(n, last);
        } else {
            const Receipt receipt = random_receipt(random, n);
            ASSERT_TRUE(writer.wait_durable(writer.append(receipt)));
            model.receipt(receipt);
        }
    }
}

TEST(JournalProperty, ReadingItIsReplayingWhatWasWritten) {
    const std::uint64_t seed = test_seed();
    SCOPED_TRACE(seed_text(seed));
    std::mt19937_64 random(seed);
    for (int round = 0; round < 60; ++round) {
        SCOPED_TRACE("round " + std::to_string(round));
        TempDirectory temp;
        const std::string path = temp.file("journal");
        const JournalWriter::Options options{.plan_checksum = std::string(64, 'a'), .run_id = "run"};
        Model model;
        const auto processes = 1 + random() % 4;
        for (std::uint64_t process = 0; process < processes; ++process) {
            auto summary = process == 0 ? Result<JournalSummary>(JournalSummary{}) : read_journal(path, {});
            ASSERT_TRUE(summary) << summary.error().message;
            auto writer =
                process == 0 ? JournalWriter::create(path, options) : JournalWriter::go_on(path, *summary, options);
            ASSERT_TRUE(writer) << writer.error().message;
            write_some(random, **writer, model);
            if (HasFatalFailure()) return;
            if (random() % 2 == 0) {
                ASSERT_TRUE((*writer)->close({.outcome = "stopped"}));
                continue;
            }
            // Dies while it writes a further group, of which some bytes arrive.
            const auto whole = std::filesystem::file_size(path);
            ASSERT_TRUE((*writer)->wait_durable((*writer)->append(random_receipt(random, 0))));
            writer->reset();
            std::filesystem::resize_file(path, whole + random() % (std::filesystem::file_size(path) - whole));
        }

        ActionStates states(kActions);
        std::vector<Receipt> receipts;
        auto read = read_journal(path, [&](const JournalLine& line) -> Status {
            if (line.kind == JournalLine::Kind::receipt) receipts.push_back(line.receipt);
            return states.apply(line);
        });

        ASSERT_TRUE(read) << read.error().message;
        EXPECT_EQ(read->processes, processes);
        EXPECT_EQ(receipts, model.receipts);
        for (std::uint64_t n = 0; n < kActions; ++n) {
            const auto known = model.states.find(n);
            EXPECT_EQ(states.get(n), known == model.states.end() ? ActionState::none : known->second) << n;
        }
    }
}

TEST(ActionProperty, AnyKeyReadsBackAsItWas) {
    const std::uint64_t seed = test_seed();
    SCOPED_TRACE(seed_text(seed));
    std::mt19937_64 random(seed);
    for (int round = 0; round < 20'000; ++round) {
        const Action action{.n = random(),
                            .from = {.bucket = "b", .key = random_bytes(random, 40), .etag = random_bytes(random, 8)},
                            .to = {.bucket = "b", .key = random_bytes(random, 40)},
                            .detail = random_bytes(random, 10)};
        std::string line;
        write_action(line, action);
        ASSERT_EQ(line.find('\n'), line.size() - 1) << round;
        JsonParser parser;
        auto json = parser.parse(line);
        ASSERT_TRUE(json) << line;
        auto back = read_action(*json);
        ASSERT_TRUE(back) << back.error().message;
        ASSERT_EQ(back->from.key, action.from.key);
        ASSERT_EQ(back->to.key, action.to.key);
        ASSERT_EQ(back->n, action.n);
    }
}

}  // namespace
}  // namespace dray
