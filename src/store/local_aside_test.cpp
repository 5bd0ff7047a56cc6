#include "store/local_aside.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "store/body.h"
#include "store/local_rig.h"
#include "store/local_store.h"
#include "store/test_dir.h"

namespace dray {
namespace {

namespace fs = std::filesystem;

// What a delete and a new directory do when others write there at the worst moment, and when they are killed.
class LocalAside : public testing::Test {
protected:
    TestDir directory_;
    Fd fd_{::open(directory_.path().c_str(), O_RDONLY | O_DIRECTORY)};
    std::unique_ptr<ObjectStore> store_ = make_local_store({.durable = false});

    std::string path(const std::string& name) const { return directory_.path() + "/" + name; }
    ObjectRef at(const std::string& key) const { return {directory_.path(), key, {}}; }
    void write(const std::string& name, std::string_view bytes) const {
        std::ofstream(path(name), std::ios::binary) << bytes;
    }
    // As others replace a file: a new one takes its name.
    void replace(const std::string& name, std::string_view bytes) const {
        write(name + ".new", bytes);
        fs::rename(path(name + ".new"), path(name));
    }
    std::string read(const std::string& name) const {
        std::ifstream file(path(name), std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    LocalFile opened(const std::string& name) const {
        LocalFile file{.fd = Fd(::open(path(name).c_str(), O_RDONLY))};
        EXPECT_EQ(::fstat(file.fd.get(), &file.status), 0) << name;
        return file;
    }
    struct stat look(const std::string& name) const {
        struct stat status {};
        EXPECT_EQ(::lstat(path(name).c_str(), &status), 0) << name;
        return status;
    }
    std::vector<std::string> names() const {
        std::vector<std::string> found;
        for (const auto& entry : fs::directory_iterator(directory_.path()))
            found.push_back(entry.path().filename());
        std::sort(found.begin(), found.end());
        return found;
    }
    std::vector<std::string> keys() const { return keys_for_another_process(directory_.path()); }
    // As unlink_exactly() leaves it when it is killed: before the rename, and after it.
    std::string aside_for(const struct stat& doomed) const {
        const std::string aside = std::string(kAsidePrefix) + hex_of(doomed.st_ino) + "-" + hex_of(doomed.st_size) +
                                  "-" + hex_of(modified_time(doomed).time_since_epoch().count()) + "-" +
                                  hex_of(doomed.st_ctim.tv_sec * 1'000'000'000 + doomed.st_ctim.tv_nsec) +
                                  "-0123456789abcdef";
        EXPECT_TRUE(is_aside_name(aside));
        fs::create_directory(path(aside));
        return aside;
    }
    std::string killed_over(const std::string& name, const struct stat& doomed) const {
        const std::string aside = aside_for(doomed);
        fs::rename(path(name), path(aside + "/" + name));
        return aside;
    }
    static std::string hex_of(auto number) {
        std::ostringstream text;
        text << std::hex << number;
        return text.str();
    }
};

TEST_F(LocalAside, ASecondNameThatAnotherFileHasByNowIsLeftToThatOne) {
    write("first", "bytes");
    fs::create_hard_link(path("first"), path("second"));
    const struct stat seen = look("first");
    ASSERT_TRUE(unlink_second_name(fd_.get(), "second", seen, path("second")));
    EXPECT_EQ(names(), std::vector<std::string>{"first"});

    fs::create_hard_link(path("first"), path("second"));
    replace("second", "of somebody, at the last moment");
    const Status left = unlink_second_name(fd_.get(), "second", seen, path("second"));

    ASSERT_FALSE(left);
    EXPECT_EQ(left.error().code, Code::conflict);
    EXPECT_EQ(read("second"), "of somebody, at the last moment");
    EXPECT_EQ(names(), (std::vector<std::string>{"first", "second"}));
}

TEST_F(LocalAside, ADirectoryThatCannotBeReadIsNotTakenForAnEmptyOne) {
    const Fd none(::open(path("none").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    EXPECT_FALSE(some_names(none.get(), 1, path("none")));
    EXPECT_EQ(*some_names(fd_.get(), 2, directory_.path()), std::vector<std::string>{"none"});
}

TEST_F(LocalAside, LeftoversThatNobodyCouldLookForAreToldOf) {
    const Fd none(::open(path("none").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    OwnChanges own_changes;
    testing::internal::CaptureStderr();
    sweep_leftovers({}, none.get(), path(""), own_changes);
    EXPECT_THAT(testing::internal::GetCapturedStderr(),
                testing::AllOf(testing::HasSubstr("left-aside"), testing::HasSubstr(path(""))));
}

TEST_F(LocalAside, ADeleteTakesTheFileThatWasLookedAt) {
    write("a", "old");
    EXPECT_TRUE(unlink_exactly(fd_.get(), "a", opened("a"), "a"));
    EXPECT_THAT(names(), testing::IsEmpty());
}

// B6: a delete was a check and then an unlink, and took whatever had the name by then.
TEST_F(LocalAside, ADeleteNeverTakesAFileThatGotTheNameSinceTheLook) {
    write("a", "old");
    const auto seen = opened("a");
    replace("a", "new bytes of somebody");
    const auto gone = unlink_exactly(fd_.get(), "a", seen, "a");
    ASSERT_FALSE(gone);
    EXPECT_EQ(gone.error().code, Code::conflict);
    EXPECT_THAT(names(), testing::ElementsAre("a"));
    EXPECT_EQ(read("a"), "new bytes of somebody");
}

TEST_F(LocalAside, ADeleteNeverTakesAFileThatWasWrittenSinceTheLook) {
    write("a", "old");
    const auto seen = opened("a");
    write("a", "written in place");
    EXPECT_EQ(unlink_exactly(fd_.get(), "a", seen, "a").error().code, Code::conflict);
    EXPECT_EQ(read("a"), "written in place");
}

TEST_F(LocalAside, ADeleteGivesBackWhatIsNoFileAtAll) {
    write("a", "old");
    const auto seen = opened("a");
    fs::remove(path("a"));
    fs::create_symlink("elsewhere", path("a"));
    EXPECT_EQ(unlink_exactly(fd_.get(), "a", seen, "a").error().code, Code::conflict);
    EXPECT_THAT(names(), testing::ElementsAre("a"));
    EXPECT_TRUE(fs::is_symlink(path("a")));
}

// B8: what a program wrote after the copy went with the file that it had open.
TEST_F(LocalAside, AFileThatAProgramHasOpenForWritingStays) {
    for (const bool mapped : {false, true}) {
        write("a", "old\n");
        Fd writer(::open(path("a").c_str(), O_RDWR));
        void* memory = mapped ? ::mmap(nullptr, 4, PROT_READ | PROT_WRITE, MAP_SHARED, writer.get(), 0) : nullptr;
        ASSERT_NE(memory, MAP_FAILED);
        if (mapped) writer = Fd();
        const std::string etag = store_->head({}, at("a"))->etag;
        const auto gone = store_->remove({}, at("a"), {.if_match = etag});
        ASSERT_FALSE(gone) << "mapped: " << mapped;
        EXPECT_EQ(gone.error().code, Code::refused);
        EXPECT_THAT(gone.error().message, testing::HasSubstr(path("a")));
        EXPECT_EQ(store_->head({}, at("a"))->etag, etag) << "nobody changed it";
        if (mapped) {
            ASSERT_EQ(::munmap(memory, 4), 0);
        } else {
            writer = Fd();
        }
        EXPECT_TRUE(store_->remove({}, at("a"), {.if_match = etag}));
        EXPECT_THAT(names(), testing::IsEmpty());
    }
}

TEST_F(LocalAside, AFileThatAProgramOnlyReadsGoes) {
    write("a", "old");
    Fd reader(::open(path("a").c_str(), O_RDONLY));
    EXPECT_TRUE(store_->remove({}, at("a"), {.if_match = store_->head({}, at("a"))->etag}));
}

TEST_F(LocalAside, TwoFilesThatGotTheNameOneAfterTheOtherAreBothKeptAndNamed) {
    write("a", "old");
    auto aside = Aside::make(fd_.get(), "a", look("a"), "a");
    ASSERT_TRUE(aside);
    replace("a", "second");
    ASSERT_EQ(::renameat(fd_.get(), "a", aside->fd(), "a"), 0);
    write("a", "third");
    const auto settled = aside->settle(path("a"));
    ASSERT_FALSE(settled);
    EXPECT_EQ(settled.error().code, Code::conflict);
    EXPECT_EQ(read("a"), "third");
    std::string beside;
    for (const std::string& name : names())
        if (name.starts_with("a.kept-by-dray-")) beside = name;
    EXPECT_EQ(read(beside), "second");
    EXPECT_THAT(settled.error().message, testing::AllOf(testing::HasSubstr(path("a")), testing::HasSubstr(beside)));
    EXPECT_THAT(keys(), testing::ElementsAre("a", beside)) << "both are objects that everybody sees";
}

TEST_F(LocalAside, ANameOfTheLongestKindIsKeptToo) {
    const std::string longest(255, 'n');
    write(longest, "old");
    auto aside = Aside::make(fd_.get(), longest, look(longest), "a");
    ASSERT_TRUE(aside);
    write("other", "second");
    ASSERT_EQ(::renameat(fd_.get(), "other", aside->fd(), longest.c_str()), 0);
    EXPECT_FALSE(aside->settle("a"));
    EXPECT_EQ(keys().size(), 2u);
}

TEST_F(LocalAside, ARefusedDeleteTouchesNothing) {
    write("a", "old");
    const Fd writer(::open(path("a").c_str(), O_WRONLY));
    const auto before = look("a");
    EXPECT_EQ(unlink_exactly(fd_.get(), "a", opened("a"), "a").error().code, Code::refused);
    EXPECT_EQ(local_etag(look("a")), local_etag(before)) << "a later process finds what its plan says";
}

// A process that is killed between taking the name away and unlinking: by the time that somebody looks, the file may be
// the last copy, or have a program that writes to it. Whoever looks only gives it back.
TEST_F(LocalAside, TheFileOfAnInterruptedDeleteComesBackInTheNextListing) {
    write("a", "old");
    write("b", "stays");
    killed_over("a", look("a"));
    EXPECT_THAT(keys(), testing::ElementsAre("a", "b"));
    EXPECT_THAT(names(), testing::ElementsAre("a", "b"));
    EXPECT_EQ(read("a"), "old");
}

TEST_F(LocalAside, AProcessThatGivesAFileBackGoesOnWithTheDelete) {
    for (const bool by_listing : {false, true}) {
        write("a", "old");
        const std::string planned = local_etag(look("a"));
        killed_over("a", look("a"));
        auto resumed = make_local_store({.durable = false});
        if (by_listing) {
            EXPECT_EQ(resumed->list({}, {.bucket = directory_.path()})->objects[0].etag, planned);
        }
        EXPECT_TRUE(resumed->remove({}, at("a"), {.if_match = planned})) << by_listing;
        EXPECT_THAT(names(), testing::IsEmpty());
    }
}

TEST_F(LocalAside, AFileThatSomebodyTouchedWhileItWasAsideIsAnother) {
    write("a", "old");
    const std::string planned = local_etag(look("a"));
    const std::string aside = killed_over("a", look("a"));
    // As if the file had been put aside a minute ago and had its mode changed now.
    const timespec then[2] = {{look(aside).st_atim.tv_sec - 60, 0}, {look(aside).st_mtim.tv_sec - 60, 0}};
    ASSERT_EQ(::utimensat(AT_FDCWD, path(aside).c_str(), then, 0), 0);
    auto resumed = make_local_store({.durable = false});
    EXPECT_EQ(resumed->remove({}, at("a"), {.if_match = planned}).error().code, Code::conflict);
    EXPECT_EQ(read("a"), "old");
}

TEST_F(LocalAside, TheBodyOfADirectoryComesBackToWhoLooksForIt) {
    ASSERT_TRUE(store_->put({}, at("both"), "object"));
    ASSERT_TRUE(store_->put({}, at("both/child"), "child"));
    const std::string aside = aside_for(look("both/.dray@"));
    fs::rename(path(aside), path("both/" + aside));
    fs::rename(path("both/.dray@"), path("both/" + aside + "/.dray@"));
    auto resumed = make_local_store({.durable = false});
    EXPECT_EQ(*get_whole({}, *resumed, at("both")), "object");
    EXPECT_THAT(keys(), testing::ElementsAre("both", "both/child"));
}

TEST_F(LocalAside, AnAsideThatCannotBeOpenedIsListedAsSuch) {
    write("a", "old");
    const std::string aside = aside_for(look("a"));
    fs::remove(path(aside));
    write(aside, "in the way");
    auto page = store_->list({}, {.bucket = directory_.path()});
    ASSERT_TRUE(page);
    ASSERT_EQ(page->others.size(), 1u);
    EXPECT_EQ(page->others[0].key, aside);
    EXPECT_EQ(page->objects.size(), 1u);
}

TEST_F(LocalAside, AFileThatAnInterruptedDeleteHadNotMeantComesBack) {
    write("a", "old");
    const auto seen = look("a");
    replace("a", "somebody's");
    killed_over("a", seen);
    EXPECT_THAT(keys(), testing::ElementsAre("a")) << "in that very listing";
    EXPECT_THAT(names(), testing::ElementsAre("a"));
    EXPECT_EQ(read("a"), "somebody's");
}

TEST_F(LocalAside, ALookAndAWriteOfANewProcessBringItBackAsWell) {
    for (const bool by_write : {false, true}) {
        write("a", "old");
        const auto seen = look("a");
        replace("a", "somebody's");
        killed_over("a", seen);
        auto resumed = make_local_store({.durable = false});
        if (by_write) {
            EXPECT_TRUE(resumed->put({}, at("b"), "x"));
        }
        EXPECT_TRUE(resumed->head({}, at("a"))) << by_write;
        EXPECT_EQ(read("a"), "somebody's");
    }
}

TEST_F(LocalAside, AFileWhoseNameIsTakenByNowComesBackBesideIt) {
    write("a", "old");
    const auto seen = look("a");
    replace("a", "second");
    killed_over("a", seen);
    write("a", "third");
    EXPECT_EQ(keys().size(), 2u);
    EXPECT_EQ(read("a"), "third");
}

TEST_F(LocalAside, ADirectoryBegunByAKilledProcessGoesAndItsObjectStays) {
    write("both", "object");
    const std::string aside = aside_for(look("both"));
    fs::create_directories(path(aside + "/both"));
    fs::create_hard_link(path("both"), path(aside + "/both/.dray@"));
    EXPECT_THAT(keys(), testing::ElementsAre("both"));
    EXPECT_THAT(names(), testing::ElementsAre("both"));
    EXPECT_EQ(read("both"), "object");
}

TEST_F(LocalAside, ADirectoryBegunByAKilledProcessIsTheObjectWhereItsFileIsGone) {
    write("both", "object");
    const std::string aside = aside_for(look("both"));
    fs::create_directories(path(aside + "/both"));
    fs::rename(path("both"), path(aside + "/both/.dray@"));
    EXPECT_THAT(keys(), testing::ElementsAre("both"));
    EXPECT_EQ(*get_whole({}, *store_, at("both")), "object");
}

TEST_F(LocalAside, ADirectoryFinishedByAKilledProcessKeepsItsBody) {
    ASSERT_TRUE(store_->put({}, at("both"), "object"));
    fs::create_hard_link(path("both"), path("former"));
    ASSERT_TRUE(store_->put({}, at("both/child"), "child"));
    const std::string aside = aside_for(look("former"));
    fs::rename(path("former"), path(aside + "/both"));
    EXPECT_THAT(keys(), testing::ElementsAre("both", "both/child"));
    EXPECT_THAT(names(), testing::ElementsAre("both"));
}

// B7: what took the name between the link and the exchange was unlinked as if it were the object's own second name.
TEST_F(LocalAside, ANewFileThatTakesTheNameWhileADirectoryIsMadeOfItIsTheObject) {
    write("both", "old");
    bool replaced = false;
    SyncCalls calls;
    // The body is synced inside the new directory after it was linked there and before the names are exchanged.
    calls.file = [&](int fd) {
        struct stat inside {};
        if (!replaced && ::fstatat(fd, kSelfName.data(), &inside, 0) == 0) {
            replaced = true;
            replace("both", "new bytes of somebody");
        }
        return 0;
    };
    calls.file_system = [](int) { return 0; };
    auto store = make_local_store({.durable = true, .sync = calls});
    ASSERT_TRUE(store->put({}, at("both/child"), "child"));
    EXPECT_TRUE(replaced);
    EXPECT_EQ(*get_whole({}, *store, at("both")), "new bytes of somebody");
    EXPECT_EQ(*get_whole({}, *store, at("both/child")), "child");
    EXPECT_THAT(names(), testing::ElementsAre("both"));
}

TEST_F(LocalAside, ALinkThatTakesTheNameWhileADirectoryIsMadeOfItIsKeptBesideIt) {
    write("both", "old");
    bool replaced = false;
    SyncCalls calls;
    calls.file = [&](int fd) {
        struct stat inside {};
        if (!replaced && ::fstatat(fd, kSelfName.data(), &inside, 0) == 0) {
            replaced = true;
            fs::remove(path("both"));
            fs::create_symlink("elsewhere", path("both"));
        }
        return 0;
    };
    calls.file_system = [](int) { return 0; };
    auto store = make_local_store({.durable = true, .sync = calls});
    auto made = store->put({}, at("both/child"), "child");
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, Code::conflict);
    EXPECT_THAT(made.error().message, testing::HasSubstr("both.kept-by-dray-"));
    EXPECT_TRUE(replaced);
    EXPECT_EQ(names().size(), 2u);
}

// E24: a link or an unlink of our own is no change of the object.
TEST_F(LocalAside, RemovingOneNameOfAFileLeavesItsOtherNamesTheirETag) {
    write("a", "bytes");
    fs::create_hard_link(path("a"), path("b"));
    fs::create_hard_link(path("a"), path("c"));
    const std::string etag = store_->head({}, at("a"))->etag;
    for (const char* key : {"a", "b", "c"}) {
        EXPECT_EQ(store_->head({}, at(key))->etag, etag) << key;
        EXPECT_TRUE(store_->remove({}, at(key), {.if_match = etag})) << key;
    }
    EXPECT_THAT(names(), testing::IsEmpty());
}

TEST_F(LocalAside, AnObjectThatMovesIntoADirectoryOfItsNameKeepsItsETag) {
    write("x", "bytes");
    const std::string etag = store_->head({}, at("x"))->etag;
    ASSERT_TRUE(store_->copy({}, at("x"), at("x/x"), {.source_if_match = etag, .target_if_absent = true}));
    EXPECT_EQ(store_->head({}, at("x"))->etag, etag);
    EXPECT_EQ(store_->list({}, {.bucket = directory_.path()})->objects[0].etag, etag);
    EXPECT_TRUE(store_->remove({}, at("x"), {.if_match = etag}));
    EXPECT_THAT(keys(), testing::ElementsAre("x/x"));
}

TEST_F(LocalAside, AChangeByOthersAfterOursIsSeen) {
    write("a", "bytes");
    fs::create_hard_link(path("a"), path("b"));
    const std::string etag = store_->head({}, at("a"))->etag;
    ASSERT_TRUE(store_->remove({}, at("a"), {.if_match = etag}));
    const auto before = look("b");
    write("b", "BYTES");
    const timespec times[2] = {before.st_atim, before.st_mtim};
    ASSERT_EQ(::utimensat(AT_FDCWD, path("b").c_str(), times, 0), 0);
    ASSERT_NE(look("b").st_ctim.tv_nsec, before.st_ctim.tv_nsec);
    EXPECT_NE(store_->head({}, at("b"))->etag, etag);
}

// E23: the look said that nothing is there and the copy that something is, twelve times over.
TEST_F(LocalAside, ALinkAtTheTargetIsRefusedAtOnce) {
    write("a", "bytes");
    fs::create_symlink("nowhere", path("dangling"));
    ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
    for (const char* key : {"dangling", "pipe"}) {
        auto made = store_->copy({}, at("a"), at(key), {.target_if_absent = true});
        ASSERT_FALSE(made);
        EXPECT_EQ(made.error().code, Code::refused) << key;
        EXPECT_THAT(made.error().message, testing::HasSubstr(path(key)));
    }
    EXPECT_THAT(names(), testing::ElementsAre("a", "dangling", "pipe"));
}

}  // namespace
}  // namespace dray
