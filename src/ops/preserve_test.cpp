#include "ops/preserve.h"

#include <gtest/gtest.h>

namespace dray {
namespace {

TEST(Preserve, WordsAreReadAndWrittenAlike) {
    for (const char* words :
         {"none", "content,metadata,tags,redirect,lock", "tags,storage-class", "lock,mode,owner,attributes"})
        EXPECT_EQ(PropertySet::parse(words).value().words(), words);
    EXPECT_EQ(*PropertySet::parse("all"), PropertySet::all());
    EXPECT_EQ(PropertySet::usual().words(), "content,metadata,tags,redirect,lock,encryption");
    EXPECT_EQ(PropertySet::parse("tags,colour").error().code, Code::invalid);
    EXPECT_EQ(PropertySet::parse("tags,,lock").error().code, Code::invalid);
}

TEST(Preserve, ChangesReplaceWhatTheyNameAndLeaveTheRest) {
    const Properties had{.content_type = "text/csv", .cache_control = "no-store", .metadata = {{"b", "1"}, {"d", "2"}}};
    const Properties now =
        changed(had, {.content = {{"content-type", "text/plain"}}, .metadata = {{"d", "3"}, {"a", "4"}, {"c", "5"}}});
    Properties expected = had;
    expected.content_type = "text/plain";
    expected.metadata = {{"a", "4"}, {"b", "1"}, {"c", "5"}, {"d", "3"}};
    EXPECT_EQ(now, expected);
    Properties any;
    EXPECT_FALSE(set_content(any, "storage-class", "GLACIER")) << "no header of content";
}

TEST(Preserve, WhatTheTargetHasBeyondItsSourceIsNoLoss) {
    Properties from{.metadata = {{"a", "1"}}, .tag_count = 1}, to = from;
    to.content_type = "binary/octet-stream";
    to.metadata.push_back({"b", "2"});
    to.tag_count = 3;
    EXPECT_TRUE(lost_properties(from, to).empty());
}

TEST(Preserve, EveryPropertyThatIsMissingOrDifferentIsNamed) {
    const Properties from{.content_type = "a/b",
                          .content_encoding = "gzip",
                          .content_language = "de",
                          .content_disposition = "inline",
                          .cache_control = "no-store",
                          .expires = "0",
                          .website_redirect = "/",
                          .storage_class = "COLD",
                          .metadata = {{"a", "1"}, {"b", "2"}},
                          .hidden_metadata = 1,
                          .tags = std::vector<NameValue>{{"t", "1"}},
                          .lock_mode = "GOVERNANCE",
                          .legal_hold = "ON",
                          .file_mode = "0600",
                          .file_owner = "1000:100",
                          .file_attributes = {{"user.colour", "red"}}};
    const Properties to{.content_type = "a/c",
                        .metadata = {{"a", "2"}},
                        .tags = std::vector<NameValue>{{"t", "2"}},
                        .file_mode = "0644",
                        .file_attributes = {{"user.colour", "blue"}}};
    std::vector<std::string> names;
    for (const LostProperty& lost : lost_properties(from, to))
        names.push_back(std::string(name_of(lost.property)) + ": " + lost.name);
    EXPECT_EQ(names, (std::vector<std::string>{
                         "content: content-type", "content: content-encoding", "content: content-language",
                         "content: content-disposition", "content: cache-control", "content: expires",
                         "redirect: website-redirect-location", "lock: object-lock-mode",
                         "lock: object-lock-legal-hold", "storage-class: storage-class", "metadata: x-amz-meta-a",
                         "metadata: x-amz-meta-b", "metadata: 1 x-amz-meta-* that HTTP cannot show", "tags: tag t",
                         "mode: mode 0600", "owner: owner 1000:100", "attributes: attribute user.colour"}));
}

TEST(Preserve, AnEncryptionIsLostWithItsKeyAndNotWhereStoresEncryptBySomeOfTheirOwn) {
    const Properties kms{.encryption = "aws:kms", .kms_key_id = "k1"};
    const auto lost = [](const Properties& from, const Properties& to) { return joined(lost_properties(from, to)); };
    EXPECT_EQ(lost(kms, {.encryption = "AES256"}), "server-side-encryption");
    EXPECT_EQ(lost(kms, {.encryption = "aws:kms", .kms_key_id = "k2"}), "kms-key-id");
    EXPECT_EQ(lost({.encryption = "aws:kms"}, kms), "") << "no key was asked for";
    EXPECT_EQ(lost({.encryption = "AES256"}, {}), "");
    EXPECT_EQ(lost({.encryption = "AES256"}, kms), "");
}

TEST(Preserve, WhatDiffersEitherWayIsNamedOnce) {
    const Properties plain{.content_type = "a/b", .metadata = {{"team", "blue"}}};
    Properties other = plain;
    other.content_type = "a/c";
    other.storage_class = "COLD";
    other.metadata.push_back({"more", "1"});
    EXPECT_EQ(joined(differing_properties(plain, other)), "content-type, storage-class, x-amz-meta-more");
    EXPECT_TRUE(differing_properties(plain, plain).empty());
    const Properties locked{.encryption = "aws:kms", .lock_mode = "GOVERNANCE"};
    EXPECT_TRUE(differing_properties({}, locked).empty()) << "the bucket's doing";
    EXPECT_FALSE(differing_properties(locked, {}).empty());
    EXPECT_FALSE(differing_properties({.tag_count = 2}, {.tag_count = 2}).empty()) << "nobody has read them";
}

}  // namespace
}  // namespace dray
