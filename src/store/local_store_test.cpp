#include "store/local_store.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "store/body.h"
#include "store/local_file.h"
#include "store/local_listing.h"
#include "store/local_properties.h"
#include "store/local_record.h"
#include "store/test_dir.h"

namespace dray {
namespace {

namespace fs = std::filesystem;

class Local : public testing::Test {
protected:
    TestDir directory_;
    std::unique_ptr<ObjectStore> store_ = make_local_store({.durable = false});

    std::string path(const std::string& name) const { return directory_.path() + "/" + name; }
    ObjectRef at(const std::string& key) const { return {directory_.path(), key, {}}; }
    void write(const std::string& name, std::string_view bytes) {
        fs::create_directories(fs::path(path(name)).parent_path());
        std::ofstream(path(name), std::ios::binary) << bytes;
    }
    ObjectInfo put(const std::string& key, std::string_view bytes, const PutOptions& options = {}) {
        auto made = store_->put({}, at(key), bytes, options);
        EXPECT_TRUE(made) << made.error().message;
        return made ? *made : ObjectInfo{};
    }
    // More than any file system keeps in an attribute: the kernel takes 64 KiB for one.
    static PutOptions with_large_record() {
        PutOptions options;
        for (int i = 0; i < 70; ++i)
            options.properties.metadata.push_back({"n" + std::to_string(10 + i), std::string(1000, 'v')});
        return options;
    }
    void damage_record(const std::string& name) const {
        constexpr std::string_view kHalf = "{half";
        if (::getxattr(path(name).c_str(), kRecordAttribute, nullptr, 0) >= 0) {
            ASSERT_EQ(::setxattr(path(name).c_str(), kRecordAttribute, kHalf.data(), kHalf.size(), 0), 0);
            return;
        }
        std::vector<fs::path> records;
        for (const auto& entry : fs::directory_iterator(directory_.path()))
            if (entry.path().filename().string().starts_with(kRecordPrefix)) records.push_back(entry.path());
        ASSERT_EQ(records.size(), 1u) << "there is no record to damage";
        std::ofstream(records[0], std::ios::binary) << kHalf;
    }
    std::vector<std::string> names_under(const std::string& name) const {
        std::vector<std::string> names;
        for (const auto& entry : fs::recursive_directory_iterator(path(name))) {
            names.push_back(fs::relative(entry.path(), directory_.path()).string());
        }
        std::sort(names.begin(), names.end());
        return names;
    }
    std::vector<std::string> keys(std::size_t held = kHeldEntries, const std::string& prefix = {}) {
        std::vector<std::string> found;
        OwnChanges own_changes;
        auto walk = LocalWalk::start({}, *LocalBucket::open(directory_.path()), prefix, {}, own_changes, held);
        EXPECT_TRUE(walk);
        for (;;) {
            auto next = (*walk)->next({});
            EXPECT_TRUE(next);
            if (!next || !*next) return found;
            if (const auto* object = std::get_if<ListedObject>(&**next)) found.push_back(object->key);
        }
    }
};

TEST_F(Local, OrdinaryKeysAreOrdinaryFiles) {
    put("in/2024/a.txt", "bytes");
    EXPECT_THAT(names_under("."), testing::ElementsAre("in", "in/2024", "in/2024/a.txt"));
    std::ifstream file(path("in/2024/a.txt"));
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), "bytes");
}

TEST_F(Local, FilesOfOthersAreObjects) {
    write("in/100%.csv", "x");
    auto head = store_->head({}, at("in/100%.csv"));
    ASSERT_TRUE(head);
    EXPECT_EQ(head->size, 1u);
    EXPECT_TRUE(head->checksums.empty()) << "nothing is known of bytes that we did not write";
    EXPECT_THAT(keys(), testing::ElementsAre("in/100%.csv"));
}

TEST_F(Local, ABucketThatIsNotThereIsFatal) {
    auto head = store_->head({}, {path("nothing"), "a", {}});
    ASSERT_FALSE(head);
    EXPECT_EQ(head.error().code, Code::not_found);
    EXPECT_TRUE(head.error().fatal);
    EXPECT_THAT(head.error().message, testing::HasSubstr("No such file or directory"));
}

TEST_F(Local, TheETagChangesWithEveryChangeOfContent) {
    const std::string first = put("a", "one").etag;
    EXPECT_FALSE(is_plain_md5(first));
    EXPECT_EQ(store_->head({}, at("a"))->etag, first) << "and only then";
    // Written in place, with size and modification time put back: only the change time tells.
    struct stat before {};
    ASSERT_EQ(::stat(path("a").c_str(), &before), 0);
    write("a", "two");
    const timespec times[2] = {before.st_atim, before.st_mtim};
    ASSERT_EQ(::utimensat(AT_FDCWD, path("a").c_str(), times, 0), 0);
    EXPECT_NE(store_->head({}, at("a"))->etag, first);
}

TEST_F(Local, RemovedAndWrittenAgainAtOnceIsAnotherETag) {
    std::set<std::string> etags;
    for (int i = 0; i < 200; ++i) {
        etags.insert(put("a", "same").etag);
        EXPECT_TRUE(store_->remove({}, at("a"), {}));
    }
    EXPECT_EQ(etags.size(), 200u);
}

TEST_F(Local, AnObjectInTheWayMovesIntoTheDirectory) {
    PutOptions options;
    options.properties.metadata = {{"k", "v"}};
    put("both", "object", options);
    ASSERT_TRUE(store_->set_tags({}, at("both"), {{"t", "1"}}));
    put("both/child", "child");
    EXPECT_TRUE(fs::is_directory(path("both")));
    EXPECT_EQ(*get_whole({}, *store_, at("both")), "object");
    EXPECT_EQ(store_->head({}, at("both"))->properties.metadata, options.properties.metadata);
    EXPECT_EQ(store_->tags({}, at("both"))->size(), 1u);
    EXPECT_THAT(keys(), testing::ElementsAre("both", "both/child"));
}

TEST_F(Local, RemovingTheLastObjectRemovesItsDirectoriesAndSideFiles) {
    put("a/b/c", "x");
    ASSERT_TRUE(store_->set_tags({}, at("a/b/c"), {{"t", "1"}}));
    put("a/keep", "x");
    ASSERT_TRUE(store_->remove({}, at("a/b/c"), {}));
    EXPECT_THAT(names_under("."), testing::ElementsAre("a", "a/keep"));
}

TEST_F(Local, ARefusedPutLeavesNothingBehind) {
    put("a", "x");
    EXPECT_FALSE(store_->put({}, at("a"), "y", {.if_absent = true}));
    EXPECT_FALSE(store_->put({}, at("new/dir/b"), "y", {.if_match = "no"}));
    EXPECT_THAT(names_under("."), testing::ElementsAre("a"));
}

TEST_F(Local, MetadataTooLargeForAttributesGoesToASideFile) {
    const PutOptions options = with_large_record();
    put("a", "x", options);
    EXPECT_LT(::getxattr(path("a").c_str(), kRecordAttribute, nullptr, 0), 0);
    EXPECT_EQ(store_->head({}, at("a"))->properties.metadata, options.properties.metadata);
    ASSERT_TRUE(store_->copy({}, at("a"), at("b"), {}));
    EXPECT_EQ(store_->head({}, at("b"))->properties.metadata, options.properties.metadata);
    EXPECT_TRUE(store_->remove({}, at("a"), {}));
    EXPECT_TRUE(store_->remove({}, at("b"), {}));
    EXPECT_THAT(names_under("."), testing::IsEmpty());
}

TEST_F(Local, MetadataThatNobodyCouldReadBackIsRefused) {
    PutOptions options;
    options.properties.metadata = {{"n", std::string(1 << 20, 'v')}};
    const auto made = store_->put({}, at("a"), "x", options);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, Code::invalid);
    EXPECT_THAT(names_under("."), testing::IsEmpty());
}

TEST_F(Local, AChecksumIsToldOnlyOfTheBytesItWasMadeOf) {
    put("a", "one");
    EXPECT_EQ(store_->head({}, at("a"))->checksums.size(), 1u);
    write("a", "other");
    EXPECT_TRUE(store_->head({}, at("a"))->checksums.empty());
}

TEST_F(Local, RottenBytesAreNeitherReadNorCopiedAsGood) {
    put("a", "one");
    struct stat before {};
    ASSERT_EQ(::stat(path("a").c_str(), &before), 0);
    write("a", "two");
    const timespec times[2] = {before.st_atim, before.st_mtim};
    ASSERT_EQ(::utimensat(AT_FDCWD, path("a").c_str(), times, 0), 0);
    for (const Error& error :
         {get_whole({}, *store_, at("a")).error(), store_->copy({}, at("a"), at("b"), {}).error()}) {
        EXPECT_EQ(error.code, Code::local)
            << "corrupt would be an answer that came over a line: copied or not, who knows";
        EXPECT_EQ(error.reason, "corrupt");
        EXPECT_THAT(error.message, testing::HasSubstr(path("a")));
    }
    EXPECT_FALSE(store_->head({}, at("b")));
}

// Wherever it is: an attribute, or a side file.
TEST_F(Local, ADamagedRecordNamesItsFileAndLeavesNothingOpen) {
    for (const PutOptions& options : {PutOptions(), with_large_record()}) {
        put("a", "one", options);
        damage_record("a");
        const auto names = names_under(".");
        for (const Error& error : {store_->head({}, at("a")).error(), store_->copy({}, at("a"), at("b"), {}).error()}) {
            EXPECT_EQ(error.code, Code::local);
            EXPECT_EQ(error.reason, "corrupt");
            EXPECT_THAT(error.message, testing::HasSubstr(path("a")));
        }
        EXPECT_EQ(names_under("."), names);
    }
}

// S04: links, devices and what they point at.
TEST_F(Local, NeverFollowsALinkOutOfTheBucket) {
    TestDir outside;
    std::ofstream(outside.path() + "/secret") << "secret";
    fs::create_directory(path("in"));
    fs::create_symlink(outside.path() + "/secret", path("link"));
    fs::create_directory_symlink(outside.path(), path("dir"));
    ASSERT_EQ(::mkfifo(path("fifo").c_str(), 0600), 0);
    EXPECT_THAT(keys(), testing::IsEmpty());
    for (const char* key : {"link", "dir/secret", "fifo", "../", "dir"}) {
        EXPECT_FALSE(store_->head({}, at(key))) << key;
    }
    auto made = store_->put({}, at("dir/new"), "x");
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, Code::refused);
    EXPECT_TRUE(store_->put({}, at("link"), "mine")) << "the link itself is replaced, never what it points at";
    EXPECT_TRUE(store_->remove({}, at("dir/secret"), {}));
    std::ifstream secret(outside.path() + "/secret");
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(secret), {}), "secret");
    EXPECT_FALSE(fs::exists(outside.path() + "/new"));
}

// S01: keys that would lead elsewhere as paths.
TEST_F(Local, KeysThatLookLikePathsStayInside) {
    fs::create_directory(path("bucket"));
    const std::string bucket = path("bucket");
    for (const char* key : {"../x", "a/../../x", "/etc/x", "..", ".", "a/./b", "../bucket-evil/x", "C:\\x", "..\\x"}) {
        ASSERT_TRUE(store_->put({}, {bucket, key, {}}, key)) << key;
    }
    std::vector<std::string> around;
    for (const auto& entry : fs::directory_iterator(directory_.path()))
        around.push_back(entry.path().filename());
    EXPECT_THAT(around, testing::ElementsAre("bucket"));
}

TEST_F(Local, KeysDeeperThanAnyPathMayBeWork) {
    const std::string deep(1024, '/');
    put(deep, "deep");
    EXPECT_EQ(*get_whole({}, *store_, at(deep)), "deep");
    EXPECT_THAT(keys(), testing::ElementsAre(deep));
    EXPECT_TRUE(store_->remove({}, at(deep), {}));
    EXPECT_THAT(names_under("."), testing::IsEmpty());
}

TEST_F(Local, ALargeDirectoryIsListedInSlicesOfBoundedSize) {
    std::vector<std::string> expected;
    for (int i = 0; i < 300; ++i) {
        const std::string key = (i % 3 ? "d/" : "d-") + std::to_string(i) + (i % 5 ? "" : "/x");
        write(key, "x");
        expected.push_back(key);
    }
    put("d/", "empty element");
    expected.push_back("d/");
    std::sort(expected.begin(), expected.end());
    for (std::size_t held : {1u, 7u, 1000u})
        EXPECT_EQ(keys(held), expected) << held;
}

TEST_F(Local, AListingGoesOnFromATokenThatItNoLongerHolds) {
    for (int i = 0; i < 10; ++i)
        write("k" + std::to_string(i), "x");
    auto first = store_->list({}, {.bucket = directory_.path(), .max_keys = 4});
    ASSERT_TRUE(first);
    auto other = make_local_store({.durable = false});  // another process
    auto second = other->list({}, {.bucket = directory_.path(), .continuation = first->next, .max_keys = 4});
    ASSERT_TRUE(second);
    EXPECT_EQ(second->objects.front().key, "k4");
    EXPECT_EQ(store_->list({}, {.bucket = directory_.path(), .continuation = "nonsense"}).error().code, Code::invalid);
}

TEST_F(Local, OurOwnFilesAreInNoListing) {
    auto upload = store_->create_upload({}, at("big"), {});
    ASSERT_TRUE(upload);
    ASSERT_TRUE(store_->upload_part({}, *upload, 1, *bytes_source("x")));
    write(".dray-tmp-1-2", "left by a crash");
    put("tagged", "x");
    ASSERT_TRUE(store_->set_tags({}, at("tagged"), {{"t", "1"}}));
    EXPECT_THAT(keys(), testing::ElementsAre("tagged"));
}

TEST_F(Local, WhatIsNoObjectIsToldOnceAndOurOwnFilesAreNot) {
    put("in/object", "x");
    ASSERT_TRUE(store_->set_tags({}, at("in/object"), {{"t", "1"}}));
    put("in/both", "x");
    put("in/both/child", "x");
    ASSERT_TRUE(store_->create_upload({}, at("big"), {}));
    for (const char* name :
         {"in/.drayage", "in/.DRAY", "in/.dray=plain", "in/.dray-tmp-note", "in/.dray-uploads", ".dray@"})
        write(name, "somebody's");
    fs::create_directory(path("in/.drayman"));
    fs::create_symlink("object", path("in/link"));
    ASSERT_EQ(::mkfifo(path("in/pipe").c_str(), 0600), 0);
    std::vector<std::string> others, objects;
    for (ListRequest request{.bucket = directory_.path(), .max_keys = 2};;) {
        auto page = store_->list({}, request);
        ASSERT_TRUE(page);
        for (const auto& other : page->others)
            others.push_back(other.key + ": " + other.what);
        for (const auto& object : page->objects)
            objects.push_back(object.key);
        if (!page->truncated) break;
        request.continuation = page->next;
    }
    EXPECT_THAT(objects, testing::ElementsAre("in/both", "in/both/child", "in/object"));
    const std::string why = ": a name that begins with .dray and is not one of dray's";
    EXPECT_THAT(others, testing::ElementsAre(".dray@" + why, "in/.DRAY" + why, "in/.dray-tmp-note" + why,
                                             "in/.dray-uploads" + why, "in/.dray=plain" + why, "in/.drayage" + why,
                                             "in/.drayman" + why, "in/link: a symbolic link", "in/pipe: a pipe"));
    auto folders = store_->list({}, {.bucket = directory_.path(), .delimiter = "/"});
    ASSERT_TRUE(folders);
    EXPECT_EQ(folders->others.size(), 1u) << "those at the top";
}

// C10: a private file of another user became one of ours that everybody could read.
TEST_F(Local, ACopyKeepsModeOwnerAndAttributes) {
    put("a", "x");
    // Only root may keep what is another's.
    const uid_t user = ::geteuid() == 0 ? 1234U : ::geteuid();
    const gid_t group = ::geteuid() == 0 ? 1235U : ::getegid();
    ASSERT_EQ(::chown(path("a").c_str(), user, group), 0);
    ASSERT_EQ(::setxattr(path("a").c_str(), "user.colour", "red", 3, 0), 0)
        << "needs a file system with extended attributes: set TMPDIR";
    ASSERT_EQ(::chmod(path("a").c_str(), 04511), 0);
    ASSERT_TRUE(store_->copy({}, at("a"), at("b"), {}));
    const auto to = store_->head({}, at("b"))->properties;
    EXPECT_EQ(to.file_mode, "4511");
    EXPECT_EQ(to.file_owner, std::to_string(user) + ":" + std::to_string(group));
    EXPECT_EQ(to.file_attributes, (std::vector<NameValue>{{"user.colour", "red"}}));
    struct stat status {};
    ASSERT_EQ(::stat(path("b").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 04511u);
}

struct AclEntry {
    std::uint16_t tag = 0, rights = 0;
    std::uint32_t id = 0xffffffff;
};
// As the kernel keeps a POSIX ACL in an attribute: version 2, then the entries.
std::string acl_of(std::initializer_list<AclEntry> entries) {
    std::string bytes("\2\0\0\0", 4);
    for (const AclEntry& entry : entries)
        bytes.append(reinterpret_cast<const char*>(&entry), sizeof entry);
    return bytes;
}

// F3: the mode lifted the mask of the list that the new file had from its directory.
TEST_F(Local, ACopyTakesNoRightsFromTheDefaultListOfItsDirectory) {
    write("in/a", "private");
    write("out/x", "x");
    // user::rwx user:2000:rwx group::--- mask::rwx other::---
    const std::string stranger = acl_of({{1, 7}, {2, 7, 2000}, {4, 0}, {0x10, 7}, {0x20, 0}});
    ASSERT_EQ(::setxattr(path("out").c_str(), "system.posix_acl_default", stranger.data(), stranger.size(), 0), 0)
        << "needs a file system with POSIX ACLs: set TMPDIR";
    ASSERT_EQ(::chmod(path("in/a").c_str(), 0640), 0);
    ASSERT_TRUE(store_->copy({}, at("in/a"), at("out/a"), {}));
    const auto from = store_->head({}, at("in/a"))->properties, to = store_->head({}, at("out/a"))->properties;
    EXPECT_EQ(to.file_attributes, from.file_attributes);
    EXPECT_EQ(to.file_mode, "0640");
}

TEST_F(Local, AListOfItsOwnComesAlongWhateverTheDirectorySays) {
    write("in/a", "shared");
    write("out/x", "x");
    const std::string stranger = acl_of({{1, 7}, {2, 7, 2000}, {4, 0}, {0x10, 7}, {0x20, 0}});
    const std::string friends = acl_of({{1, 6}, {2, 4, 3000}, {4, 4}, {0x10, 4}, {0x20, 0}});
    ASSERT_EQ(::setxattr(path("out").c_str(), "system.posix_acl_default", stranger.data(), stranger.size(), 0), 0)
        << "needs a file system with POSIX ACLs: set TMPDIR";
    ASSERT_EQ(::setxattr(path("in/a").c_str(), "system.posix_acl_access", friends.data(), friends.size(), 0), 0);
    ASSERT_TRUE(store_->copy({}, at("in/a"), at("out/a"), {}));
    const auto to = store_->head({}, at("out/a"))->properties;
    EXPECT_EQ(to.file_attributes, (std::vector<NameValue>{{"system.posix_acl_access", friends}}));
}

// F12: dray stood still and said nothing.
TEST_F(Local, AnotherProgramsLockIsToldOnceAfterTwoSeconds) {
    const Fd theirs(::open(directory_.path().c_str(), O_RDONLY | O_DIRECTORY));
    ASSERT_EQ(::flock(theirs.get(), LOCK_EX), 0);
    SimulatedClock clock;
    auto stderr_of_a_wait = [&](Nanos patience) {
        testing::internal::CaptureStderr();
        const auto made = store_->put(Context(nullptr, &clock).within(patience), at("a"), "x");
        EXPECT_EQ(made.error().code, Code::exhausted);
        return testing::internal::GetCapturedStderr();
    };
    EXPECT_EQ(stderr_of_a_wait(std::chrono::seconds(1)), "");
    EXPECT_THAT(stderr_of_a_wait(std::chrono::seconds(60)),
                testing::AllOf(testing::HasSubstr("waiting-for-lock"), testing::HasSubstr(path(""))));
    EXPECT_EQ(stderr_of_a_wait(std::chrono::seconds(60)), "") << "once a directory";
}

TEST_F(Local, AStopEndsTheWaitForALockAtOnce) {
    const Fd theirs(::open(directory_.path().c_str(), O_RDONLY | O_DIRECTORY));
    ASSERT_EQ(::flock(theirs.get(), LOCK_EX), 0);
    StopSource stop;
    std::thread stopping([&] { stop.trigger(); });
    const auto made = store_->put(Context(&stop), at("a"), "x");
    stopping.join();
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, Code::cancelled);
}

// A change under way may finish after a stop; one that waits for the lock has not begun.
TEST_F(Local, AStopEndsTheWaitForALockAtOnceThoughChangesMayFinish) {
    put("a", "x");
    const std::string etag = put("b/c", "x").etag;
    const Fd theirs(::open(directory_.path().c_str(), O_RDONLY | O_DIRECTORY)),
        below(::open(path("b").c_str(), O_RDONLY | O_DIRECTORY));
    ASSERT_EQ(::flock(theirs.get(), LOCK_EX), 0);
    ASSERT_EQ(::flock(below.get(), LOCK_EX), 0);
    StopSource stop, over;
    stop.trigger();
    const Context ctx = Context(&stop).finishing(over).within(std::chrono::seconds(10));
    EXPECT_EQ(store_->copy(ctx, at("a"), at("copy"), {}).error().code, Code::cancelled);
    EXPECT_EQ(store_->remove(ctx, at("b/c"), {.if_match = etag}).error().code, Code::cancelled);
    EXPECT_THAT(keys(), testing::ElementsAre("a", "b/c"));
    ASSERT_EQ(::flock(theirs.get(), LOCK_UN), 0);
    EXPECT_TRUE(store_->copy(ctx, at("a"), at("copy"), {})) << "nobody holds it, so there is nothing to wait for";
}

TEST_F(Local, AnOwnerThatCannotBeKeptTakesSetUserIdWithItAndIsTold) {
    write("a", "x");
    ASSERT_EQ(::chmod(path("a").c_str(), 06755), 0);
    ASSERT_EQ(::chmod(directory_.path().c_str(), 0777), 0);
    const bool root = ::geteuid() == 0;  // who may give any file away, and so goes on as somebody else
    const uid_t user = root ? 1234U : ::geteuid();
    const pid_t child = ::fork();
    if (child == 0) {
        if (root && (::setgroups(0, nullptr) != 0 || ::setgid(1235) != 0 || ::setuid(user) != 0)) ::_exit(2);
        LocalFile from{.fd = Fd(::open(path("a").c_str(), O_RDONLY))};
        const Fd to(::open(path("b").c_str(), O_RDWR | O_CREAT | O_EXCL, 0600));
        if (!from.fd || !to || ::fstat(from.fd.get(), &from.status) != 0) ::_exit(3);
        from.status.st_uid = user + 1;
        ::_exit(keep_file_properties(from, to.get(), "b") ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_EQ(status, 0);
    const auto to = store_->head({}, at("b"))->properties;
    EXPECT_TRUE(to.file_owner.starts_with(std::to_string(user) + ":")) << to.file_owner;
    EXPECT_EQ(to.file_mode, "0755") << "a program never gets the rights of another user than before";
}

TEST_F(Local, TheNextWriteSweepsWhatACrashLeftADayAgoAndNothingElse) {
    const std::string old = ".dray-tmp-123-0123456789abcdef", young = ".dray-tmp-124-0123456789abcdef";
    const std::vector<std::string> strangers = {".dray-tmp-note", ".dray-tmp-1-2", ".dray-tmp-x-0123456789abcdef"};
    for (const std::string& name : {old, young})
        write(name, "half");
    for (const std::string& name : strangers)
        write(name, "not ours");
    const auto two_days_ago = std::filesystem::file_time_type::clock::now() - std::chrono::hours(48);
    const std::filesystem::path bucket = directory_.path();
    std::filesystem::last_write_time(bucket / old, two_days_ago);
    for (const std::string& name : strangers)
        std::filesystem::last_write_time(bucket / name, two_days_ago);
    put("a", "x");
    EXPECT_FALSE(std::filesystem::exists(bucket / old));
    EXPECT_TRUE(std::filesystem::exists(bucket / young)) << "somebody may be writing it";
    for (const std::string& name : strangers)
        EXPECT_TRUE(std::filesystem::exists(bucket / name)) << name;
}

TEST_F(Local, ADurableStoreWritesCopiesAndRemoves) {
    auto durable = make_local_store({.durable = true});
    ASSERT_TRUE(durable->put({}, at("x/a"), "bytes"));
    ASSERT_TRUE(durable->copy({}, at("x/a"), at("y/b"), {}));
    ASSERT_TRUE(durable->remove({}, at("x/a"), {}));
    EXPECT_EQ(*get_whole({}, *durable, at("y/b")), "bytes");
    EXPECT_THAT(keys(), testing::ElementsAre("y/b"));
}

TEST(LocalErrors, SayWhatTheDiskSaid) {
    EXPECT_EQ(io_error("write", "/d/f", ENOSPC).code, Code::local);
    EXPECT_EQ(io_error("write", "/d/f", ENOSPC).reason, "disk-full");
    EXPECT_EQ(io_error("write", "/d/f", EROFS).reason, "read-only");
    EXPECT_EQ(io_error("write", "/d/f", EACCES).code, Code::denied);
    for (int number : {ENOSPC, EDQUOT, EROFS})
        EXPECT_TRUE(io_error("write", "/d/f", number).fatal) << "the next object would fail as well";
    EXPECT_FALSE(io_error("write", "/d/f", EACCES).fatal);
    EXPECT_THAT(io_error("write", "/d/f", ENOSPC).message, testing::HasSubstr("/d/f"));
    EXPECT_THAT(io_error("write", "/d/f", ENOSPC).message, testing::HasSubstr("No space left on device"));
}

// Conditional changes by several processes: each counter step is made by exactly one of them.
TEST_F(Local, ConditionsHoldAmongProcesses) {
    put("counter", "0");
    constexpr int kProcesses = 4, kSteps = 25;
    std::vector<pid_t> children;
    for (int process = 0; process < kProcesses; ++process) {
        const pid_t child = ::fork();
        if (child == 0) {
            auto mine = make_local_store({.durable = false});
            for (int done = 0; done < kSteps;) {
                std::string bytes;
                auto read = mine->get({}, at("counter"), {}, [&](std::string_view more) -> Status {
                    bytes += more;
                    return {};
                });
                if (!read) ::_exit(1);
                auto made =
                    mine->put({}, at("counter"), std::to_string(std::stoi(bytes) + 1), {.if_match = read->etag});
                if (made) ++done;
            }
            ::_exit(0);
        }
        children.push_back(child);
    }
    for (pid_t child : children) {
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        EXPECT_EQ(status, 0);
    }
    EXPECT_EQ(*get_whole({}, *store_, at("counter")), std::to_string(kProcesses * kSteps));
}

TEST_F(Local, DirectoriesThatComeAndGoLoseNoObject) {
    std::vector<std::thread> threads;
    std::atomic<int> failures = 0;
    for (int worker = 0; worker < 4; ++worker) {
        threads.emplace_back([&, worker] {
            for (int i = 0; i < 200; ++i) {
                const ObjectRef object = at(i % 2 ? "x" : "x/y/z" + std::to_string(worker));
                if (!store_->put({}, object, "bytes")) ++failures;
                if (worker > 0 && !store_->remove({}, object, {})) ++failures;
            }
        });
    }
    for (auto& thread : threads)
        thread.join();
    EXPECT_EQ(failures, 0);
    EXPECT_EQ(*get_whole({}, *store_, at("x/y/z0")), "bytes");
}

}  // namespace
}  // namespace dray
