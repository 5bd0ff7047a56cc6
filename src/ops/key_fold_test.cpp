#include "ops/key_fold.h"

#include <gtest/gtest.h>

namespace dray {
namespace {

TEST(KeyFold, CollapsesSlashesDotsCaseAndUnicodeForms) {
    EXPECT_EQ(folded("/a//b/"), "a/b");
    EXPECT_EQ(folded("a/./x/../b"), "a/b");
    EXPECT_EQ(folded("../a/../../b"), "b");
    EXPECT_EQ(folded("A/b.TXT"), "a/b.txt");
    EXPECT_EQ(folded("caf\x65\xCC\x81"), folded("CAF\xC3\x89"));
    EXPECT_EQ(folded(""), "");
    EXPECT_EQ(folded("///"), "");
}

TEST(KeyFold, AppliesOnlyTheFoldingsAskedFor) {
    EXPECT_EQ(folded("/A//./b/", kFoldCase), "/a//./b/");
    EXPECT_EQ(folded("/A//./b/", kFoldDots), "/A//b/");
    EXPECT_EQ(folded("/A//./b/", kFoldSlashes), "A/./b");
}

TEST(KeyFold, TellsWhichFoldingsMakeTwoKeysOne) {
    EXPECT_EQ(folds_between("a//b", "a/b"), kFoldSlashes);
    EXPECT_EQ(folds_between("a/", "a"), kFoldSlashes);
    EXPECT_EQ(folds_between("a/./b", "a/b"), kFoldDots);
    EXPECT_EQ(folds_between("A", "a"), kFoldCase);
    EXPECT_EQ(folds_between("\x65\xCC\x81", "\xC3\xA9"), kFoldUnicode);
    EXPECT_EQ(folds_between("A//b", "a/b"), kFoldSlashes | kFoldCase);
    EXPECT_EQ(folds_between("a", "a"), 0);
    EXPECT_EQ(folds_between("a", "b"), 0);
}

TEST(KeyFold, KeysThatAreNotUtf8FoldToo) {
    EXPECT_EQ(folds_between("A\xFF//b", "a\xFF/b"), kFoldSlashes | kFoldCase);
}

TEST(KeyFold, KeysOutsideAsciiMayBeOneObjectWhateverWeKnowOfThem) {
    EXPECT_TRUE(may_be_one_object("\xef\xac\x81x", "\xef\xac\x82x")) << "compatibility forms are not folded here";
    EXPECT_EQ(folds_between("\xef\xac\x81x", "\xef\xac\x82x"), 0);
    EXPECT_TRUE(may_be_one_object("A/b", "a//b"));
    EXPECT_FALSE(may_be_one_object("a/b", "a/c"));
}

}  // namespace
}  // namespace dray
