#include "job/journal.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>

#include "base/temp_directory.h"
#include "job/journal_file.h"

namespace dray {
namespace {

const std::string kPlan(64, 'a');

JournalWriter::Options some_options(AppendFile::Fault fault = {}) {
    return {.plan_checksum = kPlan, .run_id = "run-1", .fault = std::move(fault)};
}

Receipt copied(std::uint64_t n) {
    return {
        .n = n, .state = ReceiptState::copied, .etag = "e" + std::to_string(n), .proof = Proof::etag, .requests = 1};
}
Receipt deleted(std::uint64_t n) {
    return {.n = n, .state = ReceiptState::deleted, .requests = 1};
}

std::string text_of(const JournalLine& line) {
    using Kind = JournalLine::Kind;
    const std::string process = std::to_string(line.process) + ":";
    switch (line.kind) {
        case Kind::open: return process + "open";
        case Kind::claim: return process + "claim " + std::to_string(line.first) + "-" + std::to_string(line.last);
        case Kind::release: return process + "release " + std::to_string(line.first) + "-" + std::to_string(line.last);
        case Kind::read: return process + "read " + std::to_string(line.n) + " " + line.was;
        case Kind::receipt:
            return process + std::string(name_of(line.receipt.state)) + " " + std::to_string(line.receipt.n);
        case Kind::first_answer: return process + "first_answer";
        case Kind::end: return process + "end " + line.end.outcome;
    }
    return "?";
}

struct Content {
    JournalSummary summary;
    std::vector<std::string> lines;
};
Result<Content> content_of(const std::string& path) {
    Content content;
    TRY_LET(summary, read_journal(path, [&](const JournalLine& line) -> Status {
                content.lines.push_back(text_of(line));
                return {};
            }));
    content.summary = summary;
    return content;
}

std::string bytes_of(const std::string& path) {
    auto bytes = read_file(path, 1 << 30);
    CHECK(bytes.has_value());
    return *bytes;
}
// Without fsync, and as a new file (ext4 flushes one that is cut and written again): thousands are written here.
void write_raw(const std::string& path, std::string_view bytes) {
    std::filesystem::remove(path);
    std::ofstream(path, std::ios::binary) << bytes;
}

TEST(Journal, CountsTheProcessesThatWereOnFileSystemsOfTheirOwn) {
    TempDirectory temp;
    const std::string path = temp.file("journal");
    JournalWriter::Options own = some_options();
    own.own_file_systems = true;
    ASSERT_TRUE(JournalWriter::create(path, own));
    EXPECT_EQ(content_of(path)->summary.on_own, 1U);
    ASSERT_TRUE(JournalWriter::go_on(path, content_of(path)->summary, some_options()));
    EXPECT_EQ(content_of(path)->summary.on_own, 1U) << "not of the second";
    EXPECT_EQ(content_of(path)->summary.processes, 2U);
}

TEST(Journal, GivesBackWhatWasWrittenByEveryProcess) {
    TempDirectory temp;
    const std::string path = temp.file("journal");
    const WallTime answer(std::chrono::seconds(1'700'000'123));
    {
        auto writer = JournalWriter::create(path, some_options());
        ASSERT_TRUE(writer) << writer.error().message;
        EXPECT_EQ((*writer)->process(), 1U);
        ASSERT_TRUE((*writer)->claim(0, 99));
        ASSERT_TRUE((*writer)->first_answer(answer));
        ASSERT_TRUE((*writer)->first_answer(answer + std::chrono::hours(1)));
        (*writer)->append_read(3, R"({"tags":[1]})");
        ASSERT_TRUE((*writer)->wait_durable((*writer)->append(copied(3))));
    }
    auto first = content_of(path);
    ASSERT_TRUE(first) << first.error().message;
    EXPECT_FALSE(first->summary.last_process_ended);
    {
        auto writer = JournalWriter::go_on(path, first->summary, some_options());
        ASSERT_TRUE(writer);
        EXPECT_EQ((*writer)->process(), 2U);
        ASSERT_TRUE((*writer)->first_answer(answer + std::chrono::hours(2)));
        (*writer)->append(deleted(3));
        ASSERT_TRUE((*writer)->close({.outcome = "finished", .all_answered = true, .last_change = answer}));
    }
    auto second = content_of(path);
    ASSERT_TRUE(second);
    EXPECT_EQ(second->lines,
              (std::vector<std::string>{"1:open", "1:claim 0-99", "1:first_answer", R"(1:read 3 {"tags":[1]})",
                                        "1:copied 3", "2:open", "2:deleted 3", "2:end finished"}));
    const JournalSummary& summary = second->summary;
    EXPECT_EQ(summary.plan_checksum, kPlan);
    EXPECT_EQ(summary.processes, 2U);
    EXPECT_EQ(summary.lines, 8U);
    EXPECT_EQ(summary.first_answer, answer);
    EXPECT_TRUE(summary.last_process_ended);
    ASSERT_EQ(summary.ends.size(), 1U);
    EXPECT_TRUE(summary.ends[0].all_answered);
    EXPECT_EQ(summary.ends[0].last_change, answer);
    EXPECT_NE(summary.ends[0].at, WallTime{});
    EXPECT_FALSE(summary.dropped_tail);
    EXPECT_EQ(summary.good_bytes, std::filesystem::file_size(path));
}

TEST(Journal, DropsWhatNobodyWaitedForWhenTheProcessDies) {
    TempDirectory temp;
    {
        auto writer = JournalWriter::create(temp.file("journal"), some_options());
        ASSERT_TRUE(writer);
        ASSERT_TRUE((*writer)->wait_durable((*writer)->append(copied(1))));
        (*writer)->append(copied(2));
    }
    auto content = content_of(temp.file("journal"));
    ASSERT_TRUE(content);
    ASSERT_GE(content->lines.size(), 2U);
    EXPECT_EQ(content->lines[1], "1:copied 1");
}

TEST(Journal, WritesLinesThatNobodyWaitsForBeforeLong) {
    TempDirectory temp;
    auto writer = JournalWriter::create(temp.file("journal"), some_options());
    ASSERT_TRUE(writer);
    const Ticket ticket = (*writer)->append(copied(1));
    while (!(*writer)->durable(ticket))
        std::this_thread::yield();
    auto content = content_of(temp.file("journal"));
    ASSERT_TRUE(content);
    EXPECT_EQ(content->lines.back(), "1:copied 1");
}

TEST(Journal, IsNotMadeTwice) {
    TempDirectory temp;
    ASSERT_TRUE(JournalWriter::create(temp.file("journal"), some_options()));
    auto second = JournalWriter::create(temp.file("journal"), some_options());
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Code::exists);
}

TEST(Journal, OfAnotherPlanIsNotGoneOnWith) {
    TempDirectory temp;
    ASSERT_TRUE(JournalWriter::create(temp.file("journal"), some_options()));
    auto content = content_of(temp.file("journal"));
    ASSERT_TRUE(content);
    auto options = some_options();
    options.plan_checksum = std::string(64, 'b');
    auto writer = JournalWriter::go_on(temp.file("journal"), content->summary, options);
    ASSERT_FALSE(writer);
    EXPECT_EQ(writer.error().code, Code::corrupt);
}

TEST(Journal, KeepsEveryLineOfManyThreadsInTheOrderOfEach) {
    TempDirectory temp;
    constexpr std::uint64_t kThreads = 16, kEach = 200;
    {
        auto writer = JournalWriter::create(temp.file("journal"), some_options());
        ASSERT_TRUE(writer);
        std::vector<std::thread> threads;
        std::atomic<int> failures{0};
        for (std::uint64_t t = 0; t < kThreads; ++t)
            threads.emplace_back([&, t] {
                for (std::uint64_t i = 0; i < kEach; ++i) {
                    const Ticket ticket = (*writer)->append(copied(t * kEach + i));
                    const bool waits = i % 7 == 0;
                    if (waits && !((*writer)->wait_durable(ticket) && (*writer)->durable(ticket))) ++failures;
                }
            });
        for (std::thread& thread : threads)
            thread.join();
        EXPECT_EQ(failures, 0);
        ASSERT_TRUE((*writer)->close({.outcome = "finished"}));
    }
    std::vector<std::uint64_t> next(kThreads, 0);
    auto summary = read_journal(temp.file("journal"), [&](const JournalLine& line) -> Status {
        if (line.kind != JournalLine::Kind::receipt) return {};
        const std::uint64_t thread = line.receipt.n / kEach;
        EXPECT_EQ(line.receipt.n % kEach, next[thread]++);
        return {};
    });
    ASSERT_TRUE(summary) << summary.error().message;
    EXPECT_EQ(next, std::vector<std::uint64_t>(kThreads, kEach));
    EXPECT_LT(summary->groups, kThreads * kEach / 7) << "those who wait at the same time share a group";
}

TEST(Journal, HoldsBackAppendersWhenTheDiskIsSlowerThanThey) {
    TempDirectory temp;
    std::mutex gate;
    std::atomic<bool> slow = false;
    auto writer = JournalWriter::create(temp.file("journal"), some_options([&](std::string_view what) {
                                            if (slow && what == "sync") const std::scoped_lock wait(gate);
                                            return 0;
                                        }));
    ASSERT_TRUE(writer);
    std::atomic<std::uint64_t> appended{0};
    const Receipt large{.n = 1, .state = ReceiptState::failed, .detail = std::string(100'000, 'x')};
    std::unique_lock closed(gate);
    slow = true;
    std::thread appender([&] {
        for (int i = 0; i < 400; ++i) {
            (*writer)->append(large);
            appended += 100'000;
        }
    });
    // One group at the disk and a full queue behind it, at most.
    while (appended < kJournalQueueBytes)
        std::this_thread::yield();
    EXPECT_LT(appended, 2 * kJournalQueueBytes + 200'000);
    closed.unlock();
    appender.join();
    ASSERT_TRUE((*writer)->close({.outcome = "finished"}));
    EXPECT_TRUE(content_of(temp.file("journal")));
}

// At whichever write or sync the disk fails, from then on nothing counts.
TEST(Journal, P03_P04_NeverTrustsTheDiskAgainAfterAFailedWriteOrSync) {
    for (int failing = 0; failing < 12; ++failing) {
        TempDirectory temp;
        std::atomic<int> calls{0};
        auto writer = JournalWriter::create(temp.file("journal"), some_options([&](std::string_view) {
                                                return calls++ == failing ? ENOSPC : 0;  // and works again afterwards
                                            }));
        if (!writer) {
            EXPECT_LT(failing, 2);
            EXPECT_EQ(writer.error().code, Code::local);
            EXPECT_FALSE(std::filesystem::exists(temp.file("journal")));
            continue;
        }
        std::uint64_t durable = 0;
        Ticket durable_ticket = 0;
        for (std::uint64_t n = 0; n < 8; ++n) {
            const Ticket ticket = (*writer)->append(copied(n));
            const Status status = (*writer)->wait_durable(ticket);
            if (!status) {
                EXPECT_EQ(status.error().code, Code::local);
                EXPECT_EQ(status.error().reason, "disk-full");
                break;
            }
            durable = n + 1;
            durable_ticket = ticket;
        }
        ASSERT_LT(durable, 8U) << failing;
        EXPECT_TRUE((*writer)->failed());
        EXPECT_FALSE((*writer)->wait_durable((*writer)->append(copied(100))));
        EXPECT_FALSE((*writer)->wait_durable(durable_ticket)) << "no effect may follow, not even of an older line";
        EXPECT_FALSE((*writer)->close({.outcome = "finished"}));

        auto content = content_of(temp.file("journal"));
        ASSERT_TRUE(content) << content.error().message;
        EXPECT_GE(content->lines.size(), 1 + durable);
        for (const std::string& line : content->lines)
            EXPECT_EQ(line.find("end"), std::string::npos) << line;
    }
}

// A journal of several groups, and where each begins and ends.
struct Sample {
    TempDirectory temp;
    std::string bytes;
    std::vector<std::string> lines;
    std::vector<std::size_t> group_ends;

    Sample() {
        const std::string path = temp.file("sample");
        auto writer = JournalWriter::create(path, some_options());
        CHECK(writer.has_value());
        group_ends.push_back(std::filesystem::file_size(path));
        for (std::uint64_t group = 0; group < 3; ++group) {
            CHECK((*writer)->claim(group * 10, group * 10 + 9).has_value());
            group_ends.push_back(std::filesystem::file_size(path));
        }
        writer->reset();
        // The last group, of several lines, as one: appended as the writer would have.
        auto content = content_of(path);
        CHECK(content.has_value());
        bytes = bytes_of(path);
        std::string group;
        for (std::uint64_t n = 20; n < 24; ++n)
            write_receipt(group, copied(n));
        journal_file::close_group(group, 4, 5);
        bytes += group;
        group_ends.push_back(bytes.size());
        write_raw(path, bytes);
        auto whole = content_of(path);
        CHECK(whole.has_value() && !whole->summary.dropped_tail);
        lines = whole->lines;
    }
    std::size_t last_group() const { return group_ends[group_ends.size() - 2]; }
    bool is_beginning_of_ours(const std::vector<std::string>& found) const {
        return found.size() <= lines.size() && std::equal(found.begin(), found.end(), lines.begin());
    }
};

TEST(JournalDamage, P14_ACutTailIsDroppedWherever) {
    Sample sample;
    const std::string path = sample.temp.file("damaged");
    for (std::size_t bytes = 0; bytes < sample.bytes.size(); ++bytes) {
        write_raw(path, std::string_view(sample.bytes).substr(0, bytes));
        auto content = content_of(path);
        if (bytes < sample.group_ends[0]) {
            ASSERT_FALSE(content) << bytes;
            EXPECT_EQ(content.error().code, Code::corrupt);
            continue;
        }
        ASSERT_TRUE(content) << bytes << " " << content.error().message;
        std::size_t whole = 0;
        for (const std::size_t end : sample.group_ends)
            if (end <= bytes) whole = end;
        EXPECT_EQ(content->summary.good_bytes, whole);
        EXPECT_EQ(content->summary.dropped_tail, whole != bytes);
        EXPECT_TRUE(sample.is_beginning_of_ours(content->lines));
    }
}

TEST(JournalDamage, P14_AFlippedByteBeforeTheLastGroupIsRefusedAndInItDropsIt) {
    Sample sample;
    const std::string path = sample.temp.file("damaged");
    for (std::size_t i = 0; i < sample.bytes.size(); ++i)
        for (const int flip : {0x01, 0x04, 0x20, 0x80}) {
            std::string damaged = sample.bytes;
            damaged[i] = static_cast<char>(damaged[i] ^ flip);
            write_raw(path, damaged);
            auto content = content_of(path);
            if (i < sample.last_group()) {
                ASSERT_FALSE(content) << i;
                const Code code = content.error().code;  // a version that is damaged may look like a later one
                EXPECT_TRUE(code == Code::corrupt || code == Code::unsupported) << content.error().message;
            } else {
                ASSERT_TRUE(content) << i << " " << content.error().message;
                EXPECT_TRUE(content->summary.dropped_tail);
                EXPECT_EQ(content->summary.good_bytes, sample.last_group());
                EXPECT_TRUE(sample.is_beginning_of_ours(content->lines));
            }
        }
}

TEST(JournalDamage, P14_AGroupThatIsMissingOrTwiceThereIsRefused) {
    Sample sample;
    const std::string path = sample.temp.file("damaged");
    for (std::size_t g = 1; g + 1 < sample.group_ends.size(); ++g) {
        const std::size_t begin = sample.group_ends[g - 1], end = sample.group_ends[g];
        const std::string group = sample.bytes.substr(begin, end - begin);
        for (const std::string& middle : {std::string(), group + group}) {
            write_raw(path, sample.bytes.substr(0, begin) + middle + sample.bytes.substr(end));
            auto content = content_of(path);
            ASSERT_FALSE(content);
            EXPECT_EQ(content.error().code, Code::corrupt);
        }
    }
}

// While a group is written, power fails: any of its sectors may be on disk or not, and no later ones.
TEST(JournalDamage, P02_PowerLossLosesOnlyTheGroupThatWasBeingWritten) {
    constexpr std::size_t kSector = 64;  // smaller than any disk's, so that one group has many
    Sample sample;
    const std::string path = sample.temp.file("damaged");
    const std::size_t begin = sample.last_group();
    const std::size_t sectors = (sample.bytes.size() - begin + kSector - 1) / kSector;
    ASSERT_LT(sectors, 14U);
    for (std::size_t on_disk = 0; on_disk < std::size_t{1} << sectors; ++on_disk) {
        std::string torn = sample.bytes;
        for (std::size_t s = 0; s < sectors; ++s) {
            const std::size_t at = begin + s * kSector;
            if (on_disk >> s & 1U) continue;
            std::fill(torn.begin() + static_cast<std::ptrdiff_t>(at),
                      torn.begin() + static_cast<std::ptrdiff_t>(std::min(at + kSector, torn.size())), '\0');
        }
        write_raw(path, torn);
        auto content = content_of(path);
        ASSERT_TRUE(content) << on_disk << " " << content.error().message;
        const bool whole = on_disk + 1 == std::size_t{1} << sectors;
        EXPECT_EQ(content->summary.dropped_tail, !whole);
        EXPECT_EQ(content->summary.good_bytes, whole ? sample.bytes.size() : begin);
    }
}

TEST(JournalDamage, P14_ADroppedTailIsCutOffBeforeTheJournalGoesOn) {
    Sample sample;
    const std::string path = sample.temp.file("damaged");
    write_raw(path, sample.bytes.substr(0, sample.bytes.size() - 3));
    auto content = content_of(path);
    ASSERT_TRUE(content);
    {
        auto writer = JournalWriter::go_on(path, content->summary, some_options());
        ASSERT_TRUE(writer) << writer.error().message;
        ASSERT_TRUE((*writer)->close({.outcome = "stopped"}));
    }
    auto after = content_of(path);
    ASSERT_TRUE(after) << after.error().message;
    EXPECT_FALSE(after->summary.dropped_tail);
    content->lines.insert(content->lines.end(), {"2:open", "2:end stopped"});
    EXPECT_EQ(after->lines, content->lines);
}

TEST(JournalDamage, P14_EmptyZeroedAndForeignFilesAreNeverTakenForNewJournals) {
    TempDirectory temp;
    const std::string path = temp.file("journal");
    for (const std::string& bytes :
         {std::string(), std::string(4096, '\0'), std::string("{}\n"), std::string("hello\n"),
          std::string("{\"format\":\"dray-plan\",\"version\":1}\n")}) {
        write_raw(path, bytes);
        auto content = content_of(path);
        ASSERT_FALSE(content);
        EXPECT_EQ(content.error().code, Code::corrupt);
    }
    auto missing = content_of(temp.file("nowhere"));
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, Code::not_found);
}

std::string closed(std::string lines, std::uint64_t count, std::uint64_t group) {
    journal_file::close_group(lines, count, group);
    return lines;
}
std::string open_line(int version, int process = 1) {
    return R"({"format":"dray-journal","version":)" + std::to_string(version) + R"(,"plan":")" + kPlan +
           R"(","process":)" + std::to_string(process) + R"(,"at":"2026-01-01T00:00:00.000Z"})" + "\n";
}

TEST(JournalFormat, P26_OfAHigherVersionIsRefusedAndSaysSo) {
    TempDirectory temp;
    for (const std::string& bytes : {closed(open_line(2), 1, 1), open_line(2) + "another way to close groups\n"}) {
        write_raw(temp.file("journal"), bytes);
        auto content = content_of(temp.file("journal"));
        ASSERT_FALSE(content);
        EXPECT_EQ(content.error().code, Code::unsupported);
        EXPECT_NE(content.error().message.find("version 2"), std::string::npos);
    }
}

TEST(JournalFormat, PassesOverLinesAndMembersItDoesNotKnow) {
    TempDirectory temp;
    write_raw(temp.file("journal"), closed(open_line(1) + "{\"note\":\"of a later minor version\"}\n" +
                                               "{\"claim\":{\"first\":0,\"last\":1,\"worker\":7}}\n" +
                                               "{\"n\":1,\"state\":\"done\",\"seconds\":1.5}\n",
                                           4, 1));
    std::string extra;
    auto summary = read_journal(temp.file("journal"), [&](const JournalLine& line) -> Status {
        if (line.kind == JournalLine::Kind::receipt) extra = line.receipt.extra;
        return {};
    });
    ASSERT_TRUE(summary) << summary.error().message;
    EXPECT_EQ(extra, "\"seconds\":1.5");
    EXPECT_EQ(summary->lines, 4U);
}

TEST(JournalFormat, RefusesLinesThatCannotBe) {
    TempDirectory temp;
    for (const char* line :
         {R"({"claim":{"first":5,"last":4}})", R"({"claim":{"first":-1,"last":4}})", R"({"claim":7})",
          R"({"n":1e30,"state":"done"})", R"({"n":1,"state":"%s%n"})", R"({"read":"x","was":{}})", R"({"read":1})",
          R"({"end":{"all_answered":"maybe"}})", R"({"first_answer":12})", R"({"format":"dray-plan","version":1})",
          R"({"format":"dray-journal","version":1,"plan":"x","process":99999999999})"}) {
        write_raw(temp.file("journal"), closed(open_line(1), 1, 1) + closed(std::string(line) + "\n", 1, 2));
        auto content = content_of(temp.file("journal"));
        ASSERT_FALSE(content) << line;
        EXPECT_EQ(content.error().code, Code::corrupt) << line;
    }
}

TEST(JournalFormat, RefusesProcessesOfDifferentPlans) {
    TempDirectory temp;
    std::string other = open_line(1, 2);
    other.replace(other.find(kPlan), kPlan.size(), std::string(64, 'b'));
    write_raw(temp.file("journal"), closed(open_line(1), 1, 1) + closed(other, 1, 2));
    auto content = content_of(temp.file("journal"));
    ASSERT_FALSE(content);
    EXPECT_EQ(content.error().code, Code::corrupt);
}

TEST(ActionStates, FollowClaimsAndReceipts) {
    ActionStates states(100);
    const auto receipt = [](std::uint64_t n, ReceiptState state) {
        return JournalLine{.kind = JournalLine::Kind::receipt, .receipt = {.n = n, .state = state}};
    };
    ASSERT_TRUE(states.apply({.kind = JournalLine::Kind::claim, .first = 30, .last = 39}));
    ASSERT_TRUE(states.apply(receipt(31, ReceiptState::copied)));
    ASSERT_TRUE(states.apply(receipt(32, ReceiptState::copied)));
    ASSERT_TRUE(states.apply(receipt(32, ReceiptState::deleted)));
    ASSERT_TRUE(states.apply(receipt(33, ReceiptState::failed)));
    ASSERT_TRUE(states.apply(receipt(33, ReceiptState::copied)));
    ASSERT_TRUE(states.apply(receipt(34, ReceiptState::failed)));
    ASSERT_TRUE(states.apply(receipt(34, ReceiptState::reopened)));
    ASSERT_TRUE(states.apply(receipt(35, ReceiptState::failed)));
    ASSERT_TRUE(states.apply(receipt(35, ReceiptState::reopened)));
    ASSERT_TRUE(states.apply(receipt(35, ReceiptState::copied)));
    // A later process claims the rest of the slice again.
    ASSERT_TRUE(states.apply({.kind = JournalLine::Kind::claim, .first = 30, .last = 39}));
    EXPECT_EQ(states.get(29), ActionState::none);
    EXPECT_EQ(states.get(30), ActionState::doubtful);
    EXPECT_EQ(states.get(31), ActionState::copied);
    EXPECT_EQ(states.get(32), ActionState::final);
    EXPECT_EQ(states.get(33), ActionState::final);
    EXPECT_EQ(states.get(34), ActionState::doubtful);
    EXPECT_EQ(states.get(35), ActionState::copied);
    EXPECT_EQ(states.count(ActionState::none), 90U);
    EXPECT_EQ(states.count(ActionState::doubtful), 6U);
}

TEST(ActionStates, R22_WhatIsReleasedIsAsIfItHadNeverBeenClaimedAndReceiptsStay) {
    ActionStates states(10);
    const auto receipt = [&](Receipt one) {
        ASSERT_TRUE(states.apply({.kind = JournalLine::Kind::receipt, .receipt = std::move(one)}));
    };
    ASSERT_TRUE(states.apply({.kind = JournalLine::Kind::claim, .first = 0, .last = 9}));
    receipt({.n = 1, .state = ReceiptState::copied});
    receipt({.n = 2, .state = ReceiptState::deleted});
    receipt({.n = 3, .state = ReceiptState::failed, .untouched = true});
    receipt({.n = 4, .state = ReceiptState::failed, .untouched = true});
    receipt({.n = 4, .state = ReceiptState::reopened, .untouched = true});
    receipt({.n = 5, .state = ReceiptState::failed});
    receipt({.n = 5, .state = ReceiptState::reopened});

    ASSERT_TRUE(states.apply({.kind = JournalLine::Kind::release, .first = 0, .last = 3}));

    EXPECT_EQ(states.get(0), ActionState::none);
    EXPECT_EQ(states.get(1), ActionState::copied);
    EXPECT_EQ(states.get(2), ActionState::final);
    EXPECT_EQ(states.get(3), ActionState::final);
    EXPECT_EQ(states.get(4), ActionState::none);
    EXPECT_EQ(states.get(5), ActionState::doubtful);
    EXPECT_EQ(states.get(6), ActionState::doubtful) << "it was not released";
    ASSERT_TRUE(states.apply({.kind = JournalLine::Kind::claim, .first = 0, .last = 9}));
    EXPECT_EQ(states.get(0), ActionState::doubtful) << "a later process has it, and may die";
    EXPECT_EQ(states.get(4), ActionState::doubtful);
}

TEST(ActionStates, RefuseActionsThePlanDoesNotHave) {
    ActionStates states(10);
    for (const JournalLine& line :
         {JournalLine{.kind = JournalLine::Kind::claim, .first = 5, .last = 10},
          JournalLine{.kind = JournalLine::Kind::release, .first = 5, .last = 10},
          JournalLine{.kind = JournalLine::Kind::claim, .first = 0, .last = UINT64_MAX},
          JournalLine{.kind = JournalLine::Kind::receipt, .receipt = {.n = 10, .state = ReceiptState::done}}}) {
        const Status applied = states.apply(line);
        ASSERT_FALSE(applied);
        EXPECT_EQ(applied.error().code, Code::corrupt);
    }
    EXPECT_EQ(states.count(ActionState::none), 10U) << "a refused line changes nothing";
}

TEST(ActionStates, OfNeighboursCanBeSetAtOnce) {
    ActionStates states(1000);
    std::vector<std::thread> threads;
    for (std::uint64_t t = 0; t < 4; ++t)
        threads.emplace_back([&, t] {
            for (std::uint64_t n = t; n < states.size(); n += 4)
                states.set(n, t % 2 == 0 ? ActionState::copied : ActionState::final);
        });
    for (std::thread& thread : threads)
        thread.join();
    EXPECT_EQ(states.count(ActionState::copied), 500U);
    EXPECT_EQ(states.count(ActionState::final), 500U);
}

}  // namespace
}  // namespace dray
