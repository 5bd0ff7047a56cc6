// That a new journal's name is on disk before anything is done on the strength of it. The program's own fsync() stands
// in front of the C library's, and looks at what is there when a directory is synced.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>

#include "base/temp_directory.h"
#include "job/journal.h"

namespace {

std::atomic<bool> watched{false};
std::atomic<int> synced_with_journal{0};

}  // namespace

extern "C" int fsync(int fd) {
    struct stat facts {};
    struct stat journal {};
    if (watched && ::fstat(fd, &facts) == 0 && S_ISDIR(facts.st_mode) &&
        ::fstatat(fd, "journal.jsonl", &journal, 0) == 0)
        ++synced_with_journal;
    return static_cast<int>(::syscall(SYS_fsync, fd));
}

namespace dray {
namespace {

TEST(JournalName, IsOnDiskWhenTheJournalIsMade) {
    const TempDirectory temp;
    watched = true;

    auto journal = JournalWriter::create(temp.file("journal.jsonl"), {.plan_checksum = "c", .run_id = "r"});

    ASSERT_TRUE(journal) << journal.error().message;
    EXPECT_GT(synced_with_journal, 0) << "a crash now would leave a run that changed something without its journal";
    watched = false;
}

}  // namespace
}  // namespace dray
