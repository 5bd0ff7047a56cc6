#include "store/local_mounts.h"

#include <gtest/gtest.h>

#include "store/test_dir.h"

namespace dray {
namespace {

constexpr std::string_view kMounts =
    "21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
    "30 21 0:26 / /proc rw,nosuid - proc proc rw\n"
    "40 21 0:50 / /far rw,relatime shared:9 master:1 - nfs4 server:/export rw,vers=4.2\n"
    "41 21 8:2 / /data rw - xfs /dev/sdb1 rw\n"
    "42 41 0:51 / /data/mixed/in/far rw - cifs //server/share rw\n"
    "43 41 0:52 / /data/with\\040blank rw - fuse.sshfs host:/ rw\n"
    "44 40 8:3 / /far/away/near rw - btrfs /dev/sdc1 rw\n"
    "45 21 0:53 / /covered rw - nfs server:/other rw\n"
    "46 45 0:54 / /covered rw - tmpfs tmpfs rw\n"
    "47 21 8:4 / /under/inner rw - ext4 /dev/sdd1 rw\n"
    "48 21 0:55 / /under rw - nfs4 server:/third rw\n";

struct Place {
    const char* path;
    std::uint64_t mount;
};

TEST(LocalMounts, AFileSystemOfThisKernelLeavesNothingBehind) {
    for (const auto& [path, mount] : {Place{"/home/user", 21}, Place{"/data/own", 41}, Place{"/data/mixed/out", 41},
                                      Place{"/far/away/near/by", 44}, Place{"/covered/x", 46}, Place{"/faraway", 21}})
        EXPECT_TRUE(dies_with_its_process(path, mount, kMounts)) << path;
}

TEST(LocalMounts, OverANetworkOrInAProgramWhatWasHandedOnMayStillHappen) {
    for (const auto& [path, mount] : {Place{"/far", 40}, Place{"/far/x", 40}, Place{"/far/away", 40},
                                      Place{"/data/with blank", 43}, Place{"/data/with blank/x", 43}})
        EXPECT_FALSE(dies_with_its_process(path, mount, kMounts)) << path;
}

// What lies below the later mount is still listed, and nobody gets there.
TEST(LocalMounts, AMountThatALaterOneCoversIsNotWhereAPathLeads) {
    EXPECT_FALSE(dies_with_its_process("/under/inner/x", 48, kMounts));
    EXPECT_TRUE(dies_with_its_process("/under/inner/x", 47, kMounts)) << "whoever is in it is in it";
    EXPECT_FALSE(dies_with_its_process("/covered/x", 45, kMounts));
}

TEST(LocalMounts, OneFarFileSystemBelowADirectoryIsEnough) {
    for (const auto& [path, mount] :
         {Place{"/", 21}, Place{"/data", 41}, Place{"/data/mixed", 41}, Place{"/data/mixed/in", 41}})
        EXPECT_FALSE(dies_with_its_process(path, mount, kMounts)) << path;
}

TEST(LocalMounts, WhatNobodyCanTellIsNotReliedOn) {
    EXPECT_FALSE(dies_with_its_process("/data", 21, ""));
    EXPECT_FALSE(dies_with_its_process("/data", 21, "21 1 8:1 / / rw,relatime\n"));
    EXPECT_FALSE(dies_with_its_process("/data", 21, "x 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n"));
    EXPECT_FALSE(dies_with_its_process("/home", 99, kMounts)) << "a mount that is not listed";
    const TestDir directory;
    EXPECT_FALSE(dies_with_its_process(directory.path() + "/not there"));
}

TEST(LocalMounts, TheDirectoriesOfTestsAreOfThisKernel) {
    const TestDir directory;
    EXPECT_TRUE(dies_with_its_process(directory.path())) << "needs a file system of this machine's own: set TMPDIR";
}

}  // namespace
}  // namespace dray
