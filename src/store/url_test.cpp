#include "store/url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "store/test_dir.h"

namespace dray {
namespace {

using Form = StoreUrl::Form;

StoreUrl s3(Form form, std::string bucket, std::string key) {
    return {.kind = StoreKind::s3, .form = form, .bucket = std::move(bucket), .key = std::move(key)};
}

TEST(StoreUrls, TheEndSaysWhatIsMeant) {
    EXPECT_EQ(*parse_store_url("s3://b/key"), s3(Form::object, "b", "key"));
    EXPECT_EQ(*parse_store_url("s3://b/prefix/"), s3(Form::prefix, "b", "prefix/"));
    EXPECT_EQ(*parse_store_url("s3://b"), s3(Form::prefix, "b", ""));
    EXPECT_EQ(*parse_store_url("s3://b/"), s3(Form::prefix, "b", ""));
    EXPECT_EQ(*parse_store_url("s3://b/begins*"), s3(Form::begins, "b", "begins"));
    EXPECT_EQ(*parse_store_url("s3://b/a*b"), s3(Form::object, "b", "a*b"));
    EXPECT_EQ(*parse_store_url("s3://b/**"), s3(Form::begins, "b", "*"));
}

TEST(StoreUrls, LiteralKeysAreTakenAsTheyStand) {
    EXPECT_EQ(*parse_store_url("s3://b/key*", true), s3(Form::object, "b", "key*"));
    EXPECT_EQ(*parse_store_url("s3://b/folder/", true), s3(Form::object, "b", "folder/"));
    EXPECT_FALSE(parse_store_url("s3://b/", true));
}

TEST(StoreUrls, NothingOfAKeyIsDecodedOrTidied) {
    EXPECT_EQ(parse_store_url("s3://b/a?x#y")->key, "a?x#y");
    EXPECT_EQ(parse_store_url("s3://b//k")->key, "/k");
    EXPECT_EQ(parse_store_url("s3://b/a%20b/../c")->key, "a%20b/../c");
    EXPECT_EQ(parse_store_url("s3://b/a://b")->key, "a://b");
    EXPECT_EQ(parse_store_url("s3://b/\xff\x01")->key, "\xff\x01");
}

TEST(StoreUrls, HadoopsSchemesAndCapitalsAreTheSame) {
    for (const char* text : {"s3a://b/k", "s3n://b/k", "S3://b/k", "S3A://b/k"}) {
        EXPECT_EQ(*parse_store_url(text), s3(Form::object, "b", "k")) << text;
    }
}

TEST(StoreUrls, MistakesAreAnsweredWithTheNextStep) {
    for (const char* text :
         {"s3://", "s3:///key", "s3://*", "s3://b*/k", "gs://b/k", "file://host/dir/", "", "https://x/y"}) {
        auto url = parse_store_url(text);
        ASSERT_FALSE(url) << text;
        EXPECT_EQ(url.error().code, Code::invalid);
        EXPECT_THAT(url.error().message, testing::HasSubstr(";")) << text;
    }
    EXPECT_FALSE(parse_store_url("s3://b/" + std::string(1025, 'k')));
}

TEST(StoreUrls, ALocalDirectoryIsABucketAndAFileAnObjectInIt) {
    TestDir directory;
    const std::string real = std::filesystem::canonical(directory.path()).string();
    std::filesystem::create_directory(real + "/in");
    std::ofstream(real + "/in/a*b") << "x";
    const StoreUrl bucket{.kind = StoreKind::local, .form = Form::prefix, .bucket = real + "/in", .key = ""};
    EXPECT_EQ(*parse_store_url(real + "/in"), bucket);
    EXPECT_EQ(*parse_store_url(real + "/in/"), bucket);
    EXPECT_EQ(*parse_store_url("file://" + real + "/in/"), bucket);
    EXPECT_EQ(*parse_store_url(real + "/./in/../in//"), bucket);
    const StoreUrl file{.kind = StoreKind::local, .form = Form::object, .bucket = real + "/in", .key = "a*b"};
    EXPECT_EQ(*parse_store_url(real + "/in/a*b"), file);
    const StoreUrl begins{.kind = StoreKind::local, .form = Form::begins, .bucket = real + "/in", .key = "a"};
    EXPECT_EQ(*parse_store_url(real + "/in/a*"), begins);
    EXPECT_EQ(parse_store_url(real + "/new/dir")->bucket, real + "/new/dir") << "what is not there becomes a directory";
}

TEST(StoreUrls, ALinkedDirectoryHasOneName) {
    TestDir directory;
    const std::string real = std::filesystem::canonical(directory.path()).string();
    std::filesystem::create_directory(real + "/in");
    std::filesystem::create_directory_symlink(real + "/in", real + "/link");
    EXPECT_EQ(parse_store_url(real + "/link/")->bucket, real + "/in");
}

TEST(StoreUrls, DirectoriesInsideEachOtherShareTheOuterBucket) {
    auto local = [](std::string bucket, std::string key) {
        return StoreUrl{
            .kind = StoreKind::local, .form = Form::prefix, .bucket = std::move(bucket), .key = std::move(key)};
    };
    StoreUrl outer = local("/data", "in/"), inner = local("/data/out", "");
    share_bucket(outer, inner);
    EXPECT_EQ(outer, local("/data", "in/"));
    EXPECT_EQ(inner, local("/data", "out/"));
    StoreUrl deep = local("/data/a/b", "c/"), root = local("/", "");
    share_bucket(deep, root);
    EXPECT_EQ(deep, local("/", "data/a/b/c/"));
    StoreUrl one = local("/data", ""), other = local("/database", "");
    share_bucket(one, other);
    EXPECT_EQ(other, local("/database", "")) << "a name that begins the same is another directory";
}

TEST(StoreUrls, TextReadsBack) {
    for (const char* text : {"s3://b/key", "s3://b/prefix/", "s3://b/begins*", "s3://b/"}) {
        EXPECT_EQ(parse_store_url(text)->text(), text);
    }
}

TEST(StoreUrls, ALocalDirectoryThatIsNotThereYetIsAPrefixOfTheNearestThatIs) {
    const TestDir home;
    const std::string root = std::filesystem::canonical(home.path()).string();
    auto url = parse_store_url(home.path() + "/new/deeper/");
    ASSERT_TRUE(url) << url.error().message;
    rest_on_existing(*url);
    EXPECT_EQ(url->bucket, root);
    EXPECT_EQ(url->key, "new/deeper/");
    EXPECT_EQ(url->form, StoreUrl::Form::prefix);

    auto there = parse_store_url(home.path() + "/");
    rest_on_existing(*there);
    EXPECT_EQ(there->bucket, root);
    EXPECT_EQ(there->key, "");
}

TEST(StoreUrls, ALocalPathThatIsNotThereIsOneObjectWhereTheSourceIsOne) {
    const TestDir home;
    const std::string root = std::filesystem::canonical(home.path()).string();
    std::filesystem::create_directory(root + "/there");
    const StoreUrl file{.kind = StoreKind::local, .form = Form::object, .bucket = root, .key = "single.txt"};
    const StoreUrl folder{.kind = StoreKind::local, .form = Form::prefix, .bucket = root};

    const StoreUrl renamed{.kind = StoreKind::local, .form = Form::object, .bucket = root + "/new", .key = "renamed"};
    EXPECT_EQ(*parse_target_url(root + "/new/renamed", file), renamed);
    EXPECT_EQ(parse_target_url(root + "/new/", file)->form, Form::prefix);
    EXPECT_EQ(parse_target_url(root + "/there", file)->form, Form::prefix);
    EXPECT_EQ(parse_target_url(root + "/new", folder)->form, Form::prefix);
}

TEST(StoreUrls, KeysThatBeginSoLieBelowTheFolderOfTheirBeginning) {
    EXPECT_EQ(parse_store_url("s3://b/in*")->folder(), "");
    EXPECT_EQ(parse_store_url("s3://b/in/20*")->folder(), "in/");
    EXPECT_EQ(parse_store_url("s3://b/in/")->folder(), "in/");
}

}  // namespace
}  // namespace dray
