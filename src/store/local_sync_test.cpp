#include "store/local_sync.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <thread>

#include "store/body.h"
#include "store/local_file.h"
#include "store/local_store.h"
#include "store/test_dir.h"

namespace dray {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;

// What was synced, in order: directories by their path below the bucket ("." is the bucket), files as "file", and
// "all" for the file system.
class Syncs : public testing::Test {
protected:
    TestDir directory_;
    std::mutex mutex_;
    std::vector<std::string> done_;
    int failure_ = EIO;
    std::function<int(const std::string&)> before_ = [](const std::string&) { return 0; };

    std::unique_ptr<ObjectStore> a_process() {
        auto seen = [this](const std::string& what) {
            if (before_(what) != 0) {
                errno = failure_;
                return -1;
            }
            std::lock_guard lock(mutex_);
            done_.push_back(what);
            return 0;
        };
        return make_local_store({.durable = true,
                                 .sync = {.file = [=, this](int fd) { return seen(name_of_fd(fd)); },
                                          .file_system = [=](int) { return seen("all"); }}});
    }
    std::string name_of_fd(int fd) const {
        struct stat status {};
        ::fstat(fd, &status);
        if (!S_ISDIR(status.st_mode)) return "file";
        return fs::relative(fs::read_symlink("/proc/self/fd/" + std::to_string(fd)), directory_.path()).string();
    }
    ObjectRef at(const std::string& key) const { return {directory_.path(), key, {}}; }
    std::vector<std::string> take() {
        std::lock_guard lock(mutex_);
        return std::exchange(done_, {});
    }
};

TEST_F(Syncs, AnObjectIsDurableFromTheBucketDown) {
    auto store = a_process();
    ASSERT_TRUE(store->put({}, at("x/y/a"), "bytes"));
    EXPECT_THAT(take(), ElementsAre(".", "x", "file", "x/y"));
}

TEST_F(Syncs, ADirectoryIsMadeDurableOnce) {
    auto store = a_process();
    ASSERT_TRUE(store->put({}, at("x/a"), "bytes"));
    take();
    ASSERT_TRUE(store->put({}, at("x/b"), "bytes"));
    EXPECT_THAT(take(), ElementsAre("file", "x"));
}

// R22: undo would leave the copy alone, as one that was never made.
TEST_F(Syncs, ARightThatIsMissingOnceAnObjectHasItsNameIsNoRefusal) {
    auto store = a_process();
    ASSERT_TRUE(store->put({}, at("x/a"), "bytes"));
    failure_ = EACCES;
    for (const bool named : {false, true}) {
        before_ = [=](const std::string& what) { return what == (named ? "x" : "file") ? -1 : 0; };
        const auto put = store->put({}, at("x/b"), "bytes");
        ASSERT_FALSE(put);
        EXPECT_EQ(put.error().code, Code::denied);
        EXPECT_EQ(put.error().unsure, named);
        EXPECT_EQ(fs::exists(directory_.path() + "/x/b"), named);
    }
}

TEST_F(Syncs, AnotherWorkersNewDirectoryIsNotTrustedBeforeItsParentWasSynced) {
    auto store = a_process();
    std::condition_variable changed;
    bool reached = false, second_done = false;
    // The worker that made "x" is held just before it syncs the bucket.
    before_ = [&](const std::string& what) {
        std::unique_lock lock(mutex_);
        if (what != "." || reached) return 0;
        reached = true;
        changed.notify_all();
        changed.wait(lock, [&] { return second_done; });
        return 0;
    };
    std::thread first([&] { EXPECT_TRUE(store->put({}, at("x/a"), "bytes")); });
    {
        std::unique_lock lock(mutex_);
        changed.wait(lock, [&] { return reached; });
    }
    const auto put = store->put({}, at("x/b"), "bytes");
    const std::vector<std::string> synced = take();
    {
        std::lock_guard lock(mutex_);
        second_done = true;
        changed.notify_all();
    }
    first.join();
    ASSERT_TRUE(put);
    EXPECT_THAT(synced, ElementsAre(".", "file", "x")) << "x/b counts as durable, so the name x must be";
}

TEST_F(Syncs, WhatAKilledProcessMadeIsSyncedByTheNext) {
    fs::create_directories(directory_.path() + "/x/y");
    auto store = a_process();
    ASSERT_TRUE(store->put({}, at("x/y/a"), "bytes"));
    EXPECT_THAT(take(), ElementsAre(".", "x", "file", "x/y"));
}

TEST_F(Syncs, ADirectoryThatCameBackIsSyncedAgain) {
    auto store = a_process();
    ASSERT_TRUE(store->put({}, at("x/a"), "bytes"));
    ASSERT_TRUE(store->remove({}, at("x/a"), {}));
    ASSERT_FALSE(fs::exists(directory_.path() + "/x"));
    take();
    ASSERT_TRUE(store->put({}, at("x/b"), "bytes"));
    EXPECT_THAT(take(), ElementsAre(".", "file", "x"));
}

TEST_F(Syncs, AnObjectThatBecomesADirectoryIsDurableInsideBeforeItsNameIsTaken) {
    auto store = a_process();
    ASSERT_TRUE(store->put({}, at("x"), "bytes"));
    take();
    ASSERT_TRUE(store->put({}, at("x/a"), "bytes"));
    const auto synced = take();
    ASSERT_EQ(synced.size(), 4U);
    EXPECT_THAT(synced[0], testing::AllOf(testing::StartsWith(".dray-aside-"), testing::EndsWith("/x")));
    EXPECT_THAT(std::vector(synced.begin() + 1, synced.end()), ElementsAre(".", "file", "x"));
}

TEST_F(Syncs, AnObjectWhoseNameIsADirectoryIsDurableInThatDirectory) {
    auto store = a_process();
    fs::create_directories(directory_.path() + "/x");
    ASSERT_TRUE(store->put({}, at("x"), "bytes"));
    EXPECT_THAT(take(), ElementsAre("file", ".", "x"));
    fs::create_directories(directory_.path() + "/x/held");
    ASSERT_TRUE(store->remove({}, at("x"), {}));
    EXPECT_THAT(take(), ElementsAre("x")) << "its name was in x";
}

TEST_F(Syncs, TagsAreDurable) {
    auto store = a_process();
    ASSERT_TRUE(store->put({}, at("x/a"), "bytes"));
    take();
    ASSERT_TRUE(store->set_tags({}, at("x/a"), {{"color", "red"}}));
    EXPECT_THAT(take(), ElementsAre("x"));
}

TEST_F(Syncs, ALookCountsOnlyOnceTheLeftoversOfAKilledRunAreDurable) {
    auto store = a_process();
    ASSERT_TRUE(store->put({}, at("x/a"), "bytes"));
    take();
    ASSERT_TRUE(store->head({}, at("x/a")));
    EXPECT_THAT(take(), ElementsAre("all"));
    ASSERT_TRUE(store->head({}, at("x/a")));
    EXPECT_THAT(take(), IsEmpty()) << "what is written from now on is synced by whoever writes it";
}

TEST_F(Syncs, ARefusedSyncIsNeverAnObjectMade) {
    for (const std::string refused : {".", "file", "x"}) {
        auto store = a_process();
        before_ = [&](const std::string& what) { return what == refused ? -1 : 0; };
        const auto put = store->put({}, at("x/a"), "bytes", {});
        ASSERT_FALSE(put) << refused;
        EXPECT_EQ(put.error().code, Code::local) << refused;
    }
}

TEST_F(Syncs, AStoreThatIsNotDurableSyncsNothing) {
    auto store = make_local_store({.durable = false, .sync = {.file = [](int) { return -1; }, .file_system = {}}});
    EXPECT_TRUE(store->put({}, at("x/a"), "bytes"));
    EXPECT_TRUE(store->head({}, at("x/a")));
    EXPECT_TRUE(store->remove({}, at("x/a"), {}));
}

}  // namespace
}  // namespace dray
