#include "base/file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <thread>

#include "base/temp_directory.h"

namespace dray {
namespace {

std::string content_of(const std::string& path) {
    return read_file(path, 1 << 20).value_or("(no such file)");
}

std::size_t entries_in(const std::string& directory) {
    return static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator(directory), std::filesystem::directory_iterator()));
}

mode_t mode_of(const std::string& path) {
    struct stat facts {};
    EXPECT_EQ(::stat(path.c_str(), &facts), 0);
    return facts.st_mode & 0777;
}

TEST(Fd, ClosesWhatItOwnsOnce) {
    int number = -1;
    {
        Fd first(::open("/dev/null", O_RDONLY | O_CLOEXEC));
        number = first.get();
        Fd second(std::move(first));
        EXPECT_FALSE(first);  // NOLINT(bugprone-use-after-move): the moved-from state is the subject
        Fd third(::open("/dev/null", O_RDONLY | O_CLOEXEC));
        third = std::move(second);
        EXPECT_EQ(third.get(), number);
        EXPECT_NE(::fcntl(number, F_GETFD), -1);
    }
    EXPECT_EQ(::fcntl(number, F_GETFD), -1);
}

TEST(ReadFile, ReadsWholeFilesUpToItsLimit) {
    TempDirectory dir;
    const std::string text(300'000, 'x');
    ASSERT_TRUE(write_file_atomically(dir.file("a"), text));
    EXPECT_EQ(*read_file(dir.file("a"), text.size()), text);
    EXPECT_EQ(read_file(dir.file("a"), text.size() - 1).error().code, Code::corrupt);
    EXPECT_EQ(read_file(dir.file("b"), 10).error().code, Code::not_found);
    EXPECT_EQ(read_file(dir.path(), 10).error().code, Code::local) << "a directory";
    EXPECT_FALSE(read_file("/proc/self/status", 1 << 20)->empty()) << "files in /proc say that their size is 0";
}

TEST(ReadFile, ReadsEmptyFiles) {
    TempDirectory dir;
    ASSERT_TRUE(write_file_atomically(dir.file("a"), ""));
    EXPECT_EQ(*read_file(dir.file("a"), 0), "");
}

TEST(WriteFileAtomically, ReplacesAndLeavesNothingElseBehind) {
    TempDirectory dir;
    ASSERT_TRUE(write_file_atomically(dir.file("a"), "one"));
    ASSERT_TRUE(write_file_atomically(dir.file("a"), "two"));
    EXPECT_EQ(content_of(dir.file("a")), "two");
    EXPECT_EQ(entries_in(dir.path()), 1U);
    EXPECT_EQ(mode_of(dir.file("a")), 0600U);
}

TEST(WriteFileAtomically, RemovesItsTempFileWhenItFails) {
    TempDirectory dir;
    ASSERT_TRUE(make_directories(dir.file("taken/by/a/directory")));
    auto written = write_file_atomically(dir.file("taken"), "text");
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().code, Code::local);
    EXPECT_NE(written.error().message.find("taken"), std::string::npos) << written.error().message;
    EXPECT_EQ(entries_in(dir.path()), 1U);
    EXPECT_FALSE(write_file_atomically(dir.file("missing/a"), "text"));
}

TEST(MakeDirectories, MakesAllOfThemForTheOwnerOnly) {
    TempDirectory dir;
    ASSERT_TRUE(make_directories(dir.file("a/b//c/")));
    EXPECT_EQ(mode_of(dir.file("a/b/c")), 0700U);
    EXPECT_TRUE(make_directories(dir.file("a/b/c")));
    EXPECT_TRUE(make_directories("/"));
    EXPECT_FALSE(make_directories(""));
}

TEST(MakeDirectories, RefusesAFileInTheWay) {
    TempDirectory dir;
    ASSERT_TRUE(write_file_atomically(dir.file("a"), ""));
    EXPECT_EQ(make_directories(dir.file("a/b")).error().code, Code::local);
    EXPECT_EQ(make_directories(dir.file("a")).error().code, Code::local);
}

TEST(FreeBytes, AsksTheFileSystem) {
    TempDirectory dir;
    EXPECT_GT(*free_bytes(dir.path()), 0U);
    EXPECT_FALSE(free_bytes(dir.file("missing")));
}

TEST(RemoveFile, DoesNotMindAMissingFile) {
    TempDirectory dir;
    ASSERT_TRUE(write_file_atomically(dir.file("a"), ""));
    EXPECT_TRUE(remove_file(dir.file("a")));
    EXPECT_TRUE(remove_file(dir.file("a")));
    EXPECT_EQ(entries_in(dir.path()), 0U);
    EXPECT_FALSE(remove_file(dir.path())) << "a directory";
}

TEST(AppendFile, AppendsAndKnowsItsSize) {
    TempDirectory dir;
    {
        auto file = AppendFile::open(dir.file("a"), AppendFile::Mode::create_new);
        ASSERT_TRUE(file);
        ASSERT_TRUE(file->write("one"));
        ASSERT_TRUE(file->sync());
        EXPECT_EQ(file->size(), 3U);
    }
    auto file = AppendFile::open(dir.file("a"), AppendFile::Mode::append);
    ASSERT_TRUE(file);
    EXPECT_EQ(file->size(), 3U);
    ASSERT_TRUE(file->write("two"));
    EXPECT_EQ(file->size(), 6U);
    EXPECT_EQ(content_of(dir.file("a")), "onetwo");
    EXPECT_EQ(mode_of(dir.file("a")), 0600U);
}

TEST(AppendFile, DoesNotCreateOverAFileThatIsThere) {
    TempDirectory dir;
    ASSERT_TRUE(write_file_atomically(dir.file("a"), "kept"));
    EXPECT_EQ(AppendFile::open(dir.file("a"), AppendFile::Mode::create_new).error().code, Code::exists);
    EXPECT_EQ(content_of(dir.file("a")), "kept");
}

TEST(AppendFile, P03AFullDiskIsNamedAndEndsTheFile) {
    TempDirectory dir;
    int writes = 0;
    auto file = AppendFile::open(dir.file("a"), AppendFile::Mode::create_new,
                                 [&](std::string_view call) { return call == "write" && ++writes == 2 ? ENOSPC : 0; });
    ASSERT_TRUE(file);
    ASSERT_TRUE(file->write("one"));
    auto written = file->write("two");
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().code, Code::local);
    EXPECT_EQ(written.error().reason, "disk-full");
    EXPECT_EQ(file->write("three").error().reason, "disk-full") << "half a record must stay the last one";
    EXPECT_EQ(content_of(dir.file("a")), "one");
}

TEST(AppendFile, P03TheKernelsFullDiskIsNamedToo) {
    auto file = AppendFile::open("/dev/full", AppendFile::Mode::append);
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_EQ(file->write("one").error().reason, "disk-full");
}

TEST(AppendFile, P04AFailedSyncPoisonsTheFile) {
    TempDirectory dir;
    int syncs = 0;
    auto file = AppendFile::open(dir.file("a"), AppendFile::Mode::create_new,
                                 [&](std::string_view call) { return call == "sync" && ++syncs == 1 ? EIO : 0; });
    ASSERT_TRUE(file);
    ASSERT_TRUE(file->write("one"));
    EXPECT_EQ(file->sync().error().code, Code::local);
    EXPECT_FALSE(file->sync()) << "the kernel would say yes now, and the pages may be gone";
    EXPECT_FALSE(file->write("two"));
    EXPECT_EQ(syncs, 1);
    EXPECT_EQ(content_of(dir.file("a")), "one");
}

TEST(AppendFile, P04AFailedWritePoisonsTheFile) {
    TempDirectory dir;
    bool fail = true;
    auto file = AppendFile::open(dir.file("a"), AppendFile::Mode::create_new,
                                 [&](std::string_view) { return std::exchange(fail, false) ? EIO : 0; });
    ASSERT_TRUE(file);
    EXPECT_FALSE(file->write("one"));
    EXPECT_FALSE(file->sync());
    EXPECT_EQ(content_of(dir.file("a")), "");
}

TEST(FileLock, ExcludesOthersUntilItIsDropped) {
    TempDirectory dir;
    {
        auto lock = FileLock::try_lock(dir.file("lock"), "run 1");
        ASSERT_TRUE(lock);
        ASSERT_TRUE(lock->has_value());
        EXPECT_EQ(content_of(dir.file("lock")), "run 1");

        auto second = FileLock::try_lock(dir.file("lock"), "run 2");
        ASSERT_TRUE(second);
        EXPECT_FALSE(second->has_value());
        EXPECT_EQ(content_of(dir.file("lock")), "run 1") << "the loser must not write its name";
    }
    auto third = FileLock::try_lock(dir.file("lock"), "3");
    ASSERT_TRUE(third);
    EXPECT_TRUE(third->has_value());
    EXPECT_EQ(content_of(dir.file("lock")), "3");
}

TEST(FileLock, SurvivesReadersOfTheSameFile) {
    TempDirectory dir;
    auto lock = FileLock::try_lock(dir.file("lock"));
    ASSERT_TRUE(lock && lock->has_value());
    // With classic POSIX locks, this open and close in the same process would have dropped the lock.
    EXPECT_EQ(content_of(dir.file("lock")), "");
    auto second = FileLock::try_lock(dir.file("lock"));
    ASSERT_TRUE(second);
    EXPECT_FALSE(second->has_value());
}

TEST(FileLock, NamesADirectoryThatIsMissing) {
    TempDirectory dir;
    EXPECT_EQ(FileLock::try_lock(dir.file("missing/lock")).error().code, Code::local);
}

}  // namespace
}  // namespace dray
