#include "base/external_sort.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <random>
#include <vector>

#include "base/temp_directory.h"

namespace dray {
namespace {

constexpr std::uint64_t kTiny = ExternalSorter::kLeastMemory;

std::vector<std::string> random_records(std::size_t count, std::size_t longest) {
    std::mt19937_64 random(count);
    std::vector<std::string> records(count);
    for (std::string& record : records) {
        record.resize(random() % (longest + 1));
        // Few different bytes, so that there are equal records, equal beginnings and zeros.
        for (char& byte : record)
            byte = "\0\0a\x7f\x80\xFF"[random() % 6];
    }
    return records;
}

std::vector<std::string> drain(ExternalSorter& sorter) {
    std::vector<std::string> records;
    while (true) {
        auto record = sorter.next();
        EXPECT_TRUE(record) << record.error().message;
        if (!record || !*record) return records;
        records.emplace_back(**record);
    }
}

void expect_sorted(std::vector<std::string> records, std::uint64_t memory) {
    TempDirectory dir;
    ExternalSorter sorter(dir.path(), memory);
    for (const std::string& record : records)
        ASSERT_TRUE(sorter.add(record));
    EXPECT_EQ(sorter.count(), records.size());
    ASSERT_TRUE(sorter.finish());
    EXPECT_TRUE(std::filesystem::is_empty(dir.path())) << "files are unlinked as soon as they are open";
    std::sort(records.begin(), records.end());
    EXPECT_TRUE(drain(sorter) == records);
    EXPECT_FALSE(sorter.next()->has_value()) << "the end stays the end";
}

TEST(ExternalSorter, SortsNothingAndOneRecord) {
    expect_sorted({}, kTiny);
    expect_sorted({"one"}, kTiny);
    expect_sorted({""}, kTiny);
}

TEST(ExternalSorter, OrdersBytesNotCharacters) {
    expect_sorted({"b", "a\xFF", "a", "", "\x80", "a\x01", std::string("a\0", 2), std::string("a\0b", 3), "B",
                   "aaaaaaaab", "aaaaaaaaa", "aaaaaaaa", std::string("\0", 1), "a"},
                  kTiny);
}

TEST(ExternalSorter, SortsInMemoryAsStdSort) {
    expect_sorted(random_records(50'000, 20), 16 << 20);
}

TEST(ExternalSorter, SortsRunsOnDiskAsStdSort) {
    expect_sorted(random_records(50'000, 40), kTiny);
}

TEST(ExternalSorter, MergesInPassesWhenThereAreManyRuns) {
    // About 40 runs; with so little memory only six can be merged at once.
    expect_sorted(random_records(400'000, 60), kTiny);
}

TEST(ExternalSorter, CarriesTheLongestRecords) {
    auto records = random_records(100, ExternalSorter::kMaxRecord);
    for (std::size_t i = 0; i < 10; ++i)
        records[i].resize(ExternalSorter::kMaxRecord, 'x');
    expect_sorted(records, kTiny);
}

TEST(ExternalSorter, RefusesARecordThatIsTooLong) {
    TempDirectory dir;
    ExternalSorter sorter(dir.path());
    EXPECT_EQ(sorter.add(std::string(ExternalSorter::kMaxRecord + 1, 'x')).error().code, Code::invalid);
}

TEST(ExternalSorter, TouchesNoDiskWhileItsMemorySuffices) {
    ExternalSorter sorter("/nowhere");
    ASSERT_TRUE(sorter.add("b"));
    ASSERT_TRUE(sorter.add("a"));
    ASSERT_TRUE(sorter.finish());
    EXPECT_EQ(drain(sorter), (std::vector<std::string>{"a", "b"}));
}

TEST(ExternalSorter, NamesADirectoryThatIsMissing) {
    ExternalSorter sorter("/nowhere", kTiny);
    Status status;
    for (int i = 0; status && i < 20; ++i)
        status = sorter.add(std::string(60'000, 'x'));
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, Code::local);
    EXPECT_NE(status.error().message.find("/nowhere"), std::string::npos);
}

// Adds and reads everything; the write with this number (from 1) meets a full disk.
Status sort_with_full_disk_at(const std::vector<std::string>& records, int failing_write, int& writes) {
    TempDirectory dir;
    ExternalSorter sorter(dir.path(), kTiny, [&] { return ++writes == failing_write ? ENOSPC : 0; });
    for (const std::string& record : records)
        TRY(sorter.add(record));
    TRY(sorter.finish());
    while (true) {
        TRY_LET(record, sorter.next());
        if (!record) return {};
    }
}

TEST(ExternalSorter, P03AFullDiskAtAnyWriteIsNamed) {
    const auto records = random_records(80, ExternalSorter::kMaxRecord);  // 2.6 MB: more than six runs
    int all_writes = 0;
    ASSERT_TRUE(sort_with_full_disk_at(records, 0, all_writes));
    ASSERT_GT(all_writes, 10);
    for (int failing = 1; failing <= all_writes; ++failing) {
        int writes = 0;
        const Status status = sort_with_full_disk_at(records, failing, writes);
        ASSERT_FALSE(status);
        EXPECT_EQ(status.error().code, Code::local);
        EXPECT_EQ(status.error().reason, "disk-full");
        EXPECT_EQ(writes, failing) << "nothing more is written after a failure";
    }
}

TEST(ExternalSorter, CanBeMovedWhileItWorks) {
    TempDirectory dir;
    std::vector<std::string> records = random_records(60'000, 40);
    ExternalSorter first(dir.path(), kTiny);
    for (const std::string& record : records)
        ASSERT_TRUE(first.add(record));
    ExternalSorter second(std::move(first));
    ASSERT_TRUE(second.finish());
    ExternalSorter third(std::move(second));
    std::sort(records.begin(), records.end());
    EXPECT_TRUE(drain(third) == records);
}

TEST(U64, SortsAsItsBytesAndReadsBack) {
    std::string before;
    for (const std::uint64_t value : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{255}, std::uint64_t{256},
                                      std::uint64_t{1} << 40, ~std::uint64_t{0}}) {
        std::string bytes;
        append_u64(bytes, value);
        EXPECT_EQ(bytes.size(), 8U);
        EXPECT_EQ(read_u64(bytes + "behind"), value);
        EXPECT_LT(before, bytes);
        before = bytes;
    }
}

}  // namespace
}  // namespace dray
