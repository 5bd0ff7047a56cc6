#include "ops/own_places.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/temp_directory.h"

namespace dray {
namespace {

TEST(OwnPlaces, HoldWhatIsInADirectoryOfOursWhateverTheBucket) {
    const TempDirectory temp;
    std::filesystem::create_directories(temp.file("home/.local/state/dray/runs"));
    OwnPlaces own({temp.file("home/.local/state/dray")});

    EXPECT_TRUE(own.hold(temp.file("home"), ".local/state/dray/runs/a/journal.jsonl"));
    EXPECT_TRUE(own.hold(temp.path(), "home/.local/state/dray/locks/guard"));
    EXPECT_TRUE(own.hold(temp.file("home/.local/state/dray"), "runs/a/plan.jsonl.zst"));
    EXPECT_TRUE(own.hold(temp.file("home/.local/state/dray/runs"), "a"));

    EXPECT_FALSE(own.hold(temp.file("home"), ".local/state/drayage/a"));
    EXPECT_FALSE(own.hold(temp.file("home"), ".local/state"));
    EXPECT_FALSE(own.hold(temp.file("home"), "data.csv"));
    EXPECT_FALSE(own.hold(temp.file("elsewhere"), ".local/state/dray/a"));
    EXPECT_FALSE(OwnPlaces().hold(temp.file("home"), ".local/state/dray/a"));
}

TEST(OwnPlaces, AreFoundThroughLinks) {
    const TempDirectory temp;
    std::filesystem::create_directories(temp.file("disk/state"));
    std::filesystem::create_directory_symlink(temp.file("disk"), temp.file("link"));
    OwnPlaces own({temp.file("link/state/")});

    EXPECT_TRUE(own.hold(temp.file("disk"), "state/runs/a/journal.jsonl"));
    EXPECT_TRUE(own.hold(temp.file("link"), "state/runs/a/journal.jsonl"));
    EXPECT_FALSE(own.hold(temp.file("disk"), "data"));
}

TEST(OwnPlaces, AreBelowTheRootDirectoryToo) {
    const TempDirectory temp;
    OwnPlaces own({temp.path()});
    const std::string key = std::filesystem::canonical(temp.path()).string().substr(1) + "/journal.jsonl";
    EXPECT_TRUE(own.hold("/", key));
    EXPECT_FALSE(own.hold("/", "etc/passwd"));
}

}  // namespace
}  // namespace dray
