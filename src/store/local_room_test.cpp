#include "store/local_room.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <sstream>
#include <thread>

#include "base/random_test.h"
#include "store/body.h"
#include "store/local_aside.h"
#include "store/local_rig.h"
#include "store/local_store.h"
#include "store/test_dir.h"

namespace dray {
namespace {

namespace fs = std::filesystem;

// An object whose name became a directory, and becomes a plain file again.
class LocalRoom : public testing::Test {
protected:
    TestDir directory_;
    std::unique_ptr<ObjectStore> store_ = make_local_store({.durable = false});

    std::string path(const std::string& name) const { return directory_.path() + "/" + name; }
    ObjectRef at(const std::string& key) const { return {directory_.path(), key, {}}; }
    void write(const std::string& name, std::string_view bytes) const {
        std::ofstream(path(name), std::ios::binary) << bytes;
    }
    bool is_plain(const std::string& name) const { return fs::is_regular_file(fs::symlink_status(path(name))); }
    std::vector<std::string> names() const {
        std::vector<std::string> found;
        for (const auto& entry : fs::recursive_directory_iterator(directory_.path()))
            found.push_back(fs::relative(entry.path(), directory_.path()));
        std::sort(found.begin(), found.end());
        return found;
    }
    std::vector<std::string> keys() const { return keys_for_another_process(directory_.path()); }
    std::string bytes(const std::string& key) const {
        auto read = get_whole({}, *make_local_store({.durable = false}), at(key));
        return read ? *read : "<" + read.error().message + ">";
    }
    void both() {
        write("both", "object");
        ASSERT_TRUE(store_->put({}, at("both/child"), "child"));
        ASSERT_TRUE(fs::is_directory(path("both")));
    }
    // Where the names of the directory and of its body stand in an aside, as give_up_room() leaves it when it is
    // killed.
    std::string aside() const { return aside_of("both/.dray@", ""); }
    std::string aside_of(const std::string& file, const std::string& directory) const {
        struct stat body {};
        EXPECT_EQ(::lstat(path(file).c_str(), &body), 0);
        std::ostringstream name;
        name << kAsidePrefix << std::hex << body.st_ino << "-" << body.st_size << "-"
             << modified_time(body).time_since_epoch().count() << "-"
             << body.st_ctim.tv_sec * 1'000'000'000 + body.st_ctim.tv_nsec << "-0123456789abcdef";
        EXPECT_TRUE(is_aside_name(name.str()));
        fs::create_directory(path(directory + name.str()));
        return directory + name.str();
    }
    // Killed after the exchange.
    std::string killed() const {
        const std::string aside = this->aside();
        fs::rename(path("both"), path(aside + "/both"));
        fs::create_hard_link(path(aside + "/both/.dray@"), path("both"));
        return aside;
    }
};

// A user's own file had to make room for what a run brought, and stayed `sub/.dray@` when the run was undone.
TEST_F(LocalRoom, TheLastOtherKeyThatGoesGivesThePlainFileBack) {
    both();
    const std::string etag = store_->head({}, at("both"))->etag;
    ASSERT_TRUE(store_->put({}, at("both/more/x"), "x"));
    ASSERT_TRUE(store_->remove({}, at("both/child"), {}));
    EXPECT_FALSE(is_plain("both"));
    ASSERT_TRUE(store_->remove({}, at("both/more/x"), {.if_match = store_->head({}, at("both/more/x"))->etag}));
    EXPECT_THAT(names(), testing::ElementsAre("both"));
    EXPECT_TRUE(is_plain("both"));
    EXPECT_EQ(bytes("both"), "object");
    EXPECT_EQ(store_->head({}, at("both"))->etag, etag) << "nobody changed the object";
    EXPECT_TRUE(store_->remove({}, at("both"), {.if_match = etag}));
}

TEST_F(LocalRoom, APutThatIsRefusedGivesItBackToo) {
    write("both", "object");
    EXPECT_FALSE(store_->put({}, at("both/child/x"), "x", {.if_match = "no"}));
    EXPECT_THAT(names(), testing::ElementsAre("both"));
    EXPECT_TRUE(is_plain("both"));
}

TEST_F(LocalRoom, WhatBelongsToTheObjectStaysWithIt) {
    PutOptions options;
    options.properties.metadata = {{"k", std::string(70'000, 'v')}};  // too large for an attribute
    ASSERT_TRUE(store_->put({}, at("both"), "object", options));
    ASSERT_TRUE(store_->set_tags({}, at("both"), {{"t", "1"}}));
    ASSERT_EQ(::chmod(path("both").c_str(), 0640), 0);
    const auto before = store_->head({}, at("both"));
    ASSERT_TRUE(store_->put({}, at("both/child"), "child"));
    ASSERT_TRUE(store_->remove({}, at("both/child"), {}));
    ASSERT_TRUE(is_plain("both"));
    const auto now = store_->head({}, at("both"));
    ASSERT_TRUE(now);
    EXPECT_EQ(now->properties, before->properties);
    EXPECT_EQ(now->checksums, before->checksums);
    EXPECT_EQ(now->modified, before->modified);
    EXPECT_EQ(now->etag, before->etag);
    EXPECT_EQ(*store_->tags({}, at("both")), (std::vector<NameValue>{{"t", "1"}}));
}

TEST_F(LocalRoom, ADurableStoreGivesItBackAsWell) {
    auto durable = make_local_store({.durable = true});
    write("both", "object");
    ASSERT_TRUE(durable->put({}, at("both/child"), "child"));
    ASSERT_TRUE(durable->remove({}, at("both/child"), {}));
    EXPECT_TRUE(is_plain("both"));
    ASSERT_TRUE(durable->put({}, at("both/child"), "again")) << "the directory is made, and synced, anew";
    EXPECT_THAT(keys(), testing::ElementsAre("both", "both/child"));
}

TEST_F(LocalRoom, ADirectoryInWhichSomethingIsBegunStaysOne) {
    both();
    for (const char* name : {"both/.dray-tmp-1-0123456789abcdef", "both/link", "both/empty"}) {
        if (std::string_view(name).ends_with("empty"))
            fs::create_directory(path(name));
        else
            write(name, "somebody's");
        ASSERT_TRUE(store_->put({}, at("both/child"), "child"));
        ASSERT_TRUE(store_->remove({}, at("both/child"), {}));
        EXPECT_FALSE(is_plain("both")) << name;
        EXPECT_EQ(bytes("both"), "object");
        fs::remove(path(name));
    }
}

// What comes into the directory between the last look and the exchange: a file that another worker has begun to write.
TEST_F(LocalRoom, ADirectoryIntoWhichSomethingComesAtTheLastMomentGetsItsNameBack) {
    both();
    bool came = false;
    SyncCalls calls;
    // The body's second name is synced in the aside before the names change places.
    calls.file = [&](int fd) {
        struct stat second {};
        if (!came && ::fstatat(fd, "both", &second, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(second.st_mode)) {
            came = true;
            write("both/late", "bytes");
        }
        return 0;
    };
    calls.file_system = [](int) { return 0; };
    auto store = make_local_store({.durable = true, .sync = calls});
    const std::string etag = store->head({}, at("both"))->etag;
    ASSERT_TRUE(store->remove({}, at("both/child"), {}));
    EXPECT_TRUE(came);
    EXPECT_THAT(names(), testing::ElementsAre("both", "both/.dray@", "both/late"));
    EXPECT_THAT(keys(), testing::ElementsAre("both", "both/late"));
    EXPECT_EQ(store->head({}, at("both"))->etag, etag);
}

TEST_F(LocalRoom, AKillAtAnyMomentLosesNothing) {
    for (int last = 1; last < 12; ++last) {
        SCOPED_TRACE("killed at sync " + std::to_string(last));
        both();
        const pid_t child = ::fork();
        if (child == 0) {
            int calls = 0;
            SyncCalls dying;
            dying.file = [&](int) {
                if (++calls == last) ::_exit(9);
                return 0;
            };
            dying.file_system = [](int) { return 0; };
            auto store = make_local_store({.durable = true, .sync = dying});
            ::_exit(store->remove({}, at("both/child"), {}) ? 0 : 1);
        }
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        ASSERT_TRUE(WIFEXITED(status));
        EXPECT_EQ(bytes("both"), "object");
        EXPECT_THAT(keys(), testing::ElementsAre("both"));
        EXPECT_THAT(names(), testing::AnyOf(testing::ElementsAre("both"), testing::ElementsAre("both", "both/.dray@")));
        fs::remove_all(path("both"));
        if (WEXITSTATUS(status) == 0) return;  // it was through
    }
    FAIL() << "it never came to an end";
}

TEST_F(LocalRoom, KilledBeforeTheExchangeTheSecondNameGoes) {
    both();
    const std::string aside = this->aside();
    fs::create_hard_link(path("both/.dray@"), path(aside + "/both"));
    EXPECT_THAT(keys(), testing::ElementsAre("both", "both/child"));
    EXPECT_THAT(names(), testing::ElementsAre("both", "both/.dray@", "both/child"));
}

TEST_F(LocalRoom, KilledAfterTheExchangeTheDirectoryGoes) {
    for (const bool has_body : {true, false}) {
        both();
        fs::remove(path("both/child"));
        const std::string aside = killed();
        if (!has_body) fs::remove(path(aside + "/both/.dray@"));
        EXPECT_THAT(keys(), testing::ElementsAre("both")) << has_body;
        EXPECT_THAT(names(), testing::ElementsAre("both")) << has_body;
        EXPECT_EQ(bytes("both"), "object");
        fs::remove(path("both"));
    }
}

TEST_F(LocalRoom, KilledWhileTheBodysOtherNameGoesNothingStrangeIsLeft) {
    both();
    fs::remove(path("both/child"));
    const std::string room = killed() + "/both/", inner = aside_of(room + ".dray@", room);
    fs::rename(path(room + ".dray@"), path(inner + "/.dray@"));
    EXPECT_THAT(keys(), testing::ElementsAre("both"));
    EXPECT_EQ(bytes("both"), "object");
    EXPECT_THAT(keys(), testing::ElementsAre("both"));
    EXPECT_THAT(names(), testing::ElementsAre("both", "both/.dray@"));
}

// A worker of another process had the directory open, and has finished its object since.
TEST_F(LocalRoom, KilledAfterTheExchangeADirectoryWithAnObjectGetsItsNameBack) {
    for (const bool has_body : {true, false}) {
        both();
        const std::string aside = killed();
        if (!has_body) fs::remove(path(aside + "/both/.dray@"));
        EXPECT_THAT(keys(), testing::ElementsAre("both", "both/child")) << "in that very listing, " << has_body;
        EXPECT_THAT(names(), testing::ElementsAre("both", "both/.dray@", "both/child"));
        EXPECT_EQ(bytes("both"), "object");
        EXPECT_EQ(bytes("both/child"), "child");
        fs::remove_all(path("both"));
    }
}

TEST_F(LocalRoom, ADirectoryThatCannotGetItsNameBackIsKeptBesideIt) {
    both();
    killed();
    fs::remove(path("both"));
    write("both", "of somebody, since");
    EXPECT_EQ(keys().size(), 3u) << "nothing is lost: the new one, and the old one with its child";
    EXPECT_EQ(bytes("both"), "of somebody, since");
}

// Looking at an object while its name changes from a directory to a file and back, nobody ever finds it gone.
TEST_F(LocalRoom, AnObjectIsThereAllTheWhile) {
    write("both", "object");
    std::atomic<bool> over = false;
    std::thread changing([&] {
        for (int i = 0; i < 500; ++i) {
            EXPECT_TRUE(store_->put({}, at("both/child"), "child"));
            EXPECT_TRUE(store_->remove({}, at("both/child"), {}));
        }
        over = true;
    });
    auto other = make_local_store({.durable = false});
    std::uint64_t heads = 0, lists = 0, looks = 0;
    while (!over) {
        ++looks;
        heads += other->head({}, at("both")).has_value() ? 1 : 0;
        auto page = other->list({}, {.bucket = directory_.path()});
        lists += page && !page->objects.empty() && page->objects[0].key == "both" ? 1 : 0;
    }
    changing.join();
    EXPECT_EQ(heads, looks);
    EXPECT_EQ(lists, looks);
    EXPECT_TRUE(is_plain("both"));
}

// Against a map: whatever comes and goes, the same objects, the same ETags of what nobody touched, and a directory with
// a body in it only where a key lies below.
TEST_F(LocalRoom, AnyOrderOfPutsAndRemovesIsThatOfAMap) {
    const std::uint64_t seed = test_seed();
    SCOPED_TRACE(seed_text(seed));
    std::mt19937_64 random(seed);
    const std::vector<std::string> all = {"a",    "a/", "a/b", "a/b/c", "a/b/c/d", "a/x",
                                          "a//y", "b",  "b/a", ".dray", ".dray/a"};
    std::map<std::string, std::pair<std::string, std::string>> objects;  // bytes and ETag
    for (int step = 0; step < 2000; ++step) {
        const std::string& key = all[random() % all.size()];
        const auto known = objects.find(key);
        switch (random() % 3) {
            case 0: {
                const std::string body = "body " + std::to_string(step);
                auto made = store_->put({}, at(key), body);
                ASSERT_TRUE(made) << key << ": " << made.error().message;
                objects[key] = {body, made->etag};
                break;
            }
            case 1: {
                const std::string& from = all[random() % all.size()];
                if (from == key || !objects.contains(from)) break;
                auto made = store_->copy({}, at(from), at(key), {.source_if_match = objects[from].second});
                ASSERT_TRUE(made) << from << " to " << key << ": " << made.error().message;
                objects[key] = {objects[from].first, made->etag};
                break;
            }
            default:
                ASSERT_TRUE(
                    store_->remove({}, at(key), {.if_match = known == objects.end() ? "" : known->second.second}));
                objects.erase(key);
        }
        auto page = store_->list({}, {.bucket = directory_.path()});
        ASSERT_TRUE(page);
        std::map<std::string, std::string> told, expected;
        for (const auto& object : page->objects)
            told[object.key] = object.etag;
        for (const auto& [name, object] : objects)
            expected[name] = object.second;
        ASSERT_EQ(told, expected) << "step " << step << ", " << key;
        for (const auto& entry : fs::recursive_directory_iterator(directory_.path())) {
            if (entry.path().filename() != kSelfName) continue;
            const fs::directory_iterator around(entry.path().parent_path());
            ASSERT_GT(std::distance(begin(around), end(around)), 1)
                << "step " << step << ": " << entry.path() << " could be a plain file";
        }
    }
    for (const auto& [name, object] : objects)
        EXPECT_EQ(*get_whole({}, *store_, at(name)), object.first) << name;
}

}  // namespace
}  // namespace dray
