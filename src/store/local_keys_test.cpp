#include "store/local_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "base/random_test.h"

namespace dray {
namespace {

using testing::ElementsAre;

// The key that a path stands for, read back as a listing does.
std::string key_of(const std::vector<std::string>& path) {
    std::string key;
    std::vector<std::string> begun;
    bool first = true;
    for (const std::string& file : path) {
        const LocalName name = local_name(file, begun);
        EXPECT_NE(name.kind, LocalName::Kind::ours) << file;
        if (name.kind == LocalName::Kind::beginning) {
            begun.push_back(file);
            continue;
        }
        if (!first) key += '/';
        first = false;
        key += name.bytes;
        begun.clear();
    }
    return key;
}

TEST(LocalKeys, OrdinaryNamesStandAsTheyAre) {
    EXPECT_THAT(local_path("a/b.txt"), ElementsAre("a", "b.txt"));
    EXPECT_THAT(local_path("100%/a%20b"), ElementsAre("100%", "a%20b"));
    EXPECT_THAT(local_path("\x01\xff"), ElementsAre("\x01\xff"));
    EXPECT_THAT(local_path(".hidden/...x"), ElementsAre(".hidden", "...x"));
}

TEST(LocalKeys, WhatTheSystemForbidsOrWeNeedIsEscaped) {
    EXPECT_THAT(local_path("a//b"), ElementsAre("a", ".dray=", "b"));
    EXPECT_THAT(local_path("/a/"), ElementsAre(".dray=", "a", ".dray="));
    EXPECT_THAT(local_path("../."), ElementsAre(".dray=..", ".dray=."));
    EXPECT_THAT(local_path(".dray-x%"), ElementsAre(".dray=.dray-x%25"));
    EXPECT_THAT(local_path(".DRAY="), ElementsAre(".dray=.DRAY="));
    EXPECT_THAT(local_path(std::string("a\0b", 3)), ElementsAre(".dray=a%00b"));
}

TEST(LocalKeys, LongElementsGoOnInsideDirectories) {
    const auto path = local_path(std::string(300, 'n'));
    EXPECT_THAT(path, ElementsAre(".dray+" + std::string(200, 'n'), ".dray=" + std::string(100, 'n')));
}

TEST(LocalKeys, NamesMadeByHandBelongToNoKey) {
    for (const char* name : {".dray=plain", ".dray=%41", ".dray=%2", ".dray@", ".dray-tmp-1", ".dray", ".Dray=x"}) {
        EXPECT_EQ(local_name(name).kind, LocalName::Kind::ours) << name;
    }
    EXPECT_EQ(local_name(".dray=rest", {".dray+short"}).kind, LocalName::Kind::ours);
}

TEST(LocalKeys, DifferentKeysNeverShareAPathAndEveryPathReadsBack) {
    const std::uint64_t seed = test_seed();
    SCOPED_TRACE(seed_text(seed));
    std::mt19937_64 random(seed);
    const std::vector<std::string> pieces = {"a",
                                             "/",
                                             ".",
                                             "..",
                                             "%",
                                             "%25",
                                             ".dray=",
                                             "//",
                                             "\0",
                                             ".dray",
                                             ".dray+",
                                             ".dray@",
                                             "\xff\xfe",
                                             std::string(1, '\0'),
                                             std::string(200, 'x'),
                                             std::string(256, 'y')};
    std::map<std::vector<std::string>, std::string> seen;
    for (int i = 0; i < 200'000; ++i) {
        std::string key;
        for (auto n = random() % 6 + 1; n > 0; --n)
            key += pieces[random() % pieces.size()];
        if (key.empty() || key.size() > 1024) continue;
        const auto path = local_path(key);
        for (const std::string& name : path) {
            ASSERT_TRUE(!name.empty() && name != "." && name != ".." && name.size() <= 255);
            ASSERT_EQ(name.find_first_of(std::string("/\0", 2)), std::string::npos);
        }
        ASSERT_EQ(key_of(path), key);
        ASSERT_EQ(seen.emplace(path, key).first->second, key);
    }
}

}  // namespace
}  // namespace dray
