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
    "46 45 0:54 / /covered rw - tmpfs tmpfs rw\n";

TEST(LocalMounts, AFileSystemOfThisKernelLeavesNothingBehind) {
    for (const char* path :
         {"/home/user", "/data/own", "/data/mixed/out", "/far/away/near/by", "/covered/x", "/faraway"})
        EXPECT_TRUE(dies_with_its_process(path, kMounts)) << path;
}

TEST(LocalMounts, OverANetworkOrInAProgramWhatWasHandedOnMayStillHappen) {
    for (const char* path : {"/far", "/far/x", "/far/away", "/data/with blank", "/data/with blank/x"})
        EXPECT_FALSE(dies_with_its_process(path, kMounts)) << path;
}

TEST(LocalMounts, OneFarFileSystemBelowADirectoryIsEnough) {
    for (const char* path : {"/", "/data", "/data/mixed", "/data/mixed/in"})
        EXPECT_FALSE(dies_with_its_process(path, kMounts)) << path;
}

TEST(LocalMounts, WhatNobodyCanTellIsNotReliedOn) {
    EXPECT_FALSE(dies_with_its_process("/data", ""));
    EXPECT_FALSE(dies_with_its_process("/data", "21 1 8:1 / / rw,relatime\n"));
    const TestDir directory;
    EXPECT_FALSE(dies_with_its_process(directory.path() + "/not there"));
}

TEST(LocalMounts, TheDirectoriesOfTestsAreOfThisKernel) {
    const TestDir directory;
    EXPECT_TRUE(dies_with_its_process(directory.path())) << "needs a file system of this machine's own: set TMPDIR";
}

}  // namespace
}  // namespace dray
