#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client.h"
#include "digest.h"
#include "server.h"

namespace dray::model {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class Objects : public ::testing::Test {
protected:
    std::unique_ptr<ModelS3> server = ModelS3::start();
    Client client{server->port()};
    void SetUp() override { server->make_bucket("box"); }
    std::string etag(const std::string& key) { return "\"" + server->object("box", key)->etag + "\""; }
};

TEST_F(Objects, APutIsReadBackWithItsBytesAndEveryProperty) {
    const Reply put = client.send("PUT", "/box/dir/a%20b.txt", "hello",
                                  {{"content-type", "text/plain"},
                                   {"cache-control", "no-store"},
                                   {"x-amz-meta-origin", "lab 7"},
                                   {"x-amz-storage-class", "STANDARD_IA"},
                                   {"x-amz-tagging", "k=v&l=w+x"}});
    EXPECT_EQ(put.status, 200) << put.body;
    EXPECT_EQ(put.header("etag"), "\"5d41402abc4b2a76b9719d911017c592\"");
    EXPECT_NE(put.header("x-amz-request-id"), "");
    const Reply get = client.send("GET", "/box/dir/a%20b.txt");
    EXPECT_EQ(get.body, "hello");
    EXPECT_EQ(get.header("content-type"), "text/plain");
    EXPECT_EQ(get.header("cache-control"), "no-store");
    EXPECT_EQ(get.header("x-amz-meta-origin"), "lab 7");
    EXPECT_EQ(get.header("x-amz-storage-class"), "STANDARD_IA");
    EXPECT_EQ(get.header("x-amz-tagging-count"), "2");
    EXPECT_EQ(server->props("box", "dir/a b.txt").tags.at("l"), "w x");
    const Reply head = client.send("HEAD", "/box/dir/a%20b.txt");
    EXPECT_EQ(head.header("content-length"), "5");
    EXPECT_EQ(head.body, "");
}

TEST_F(Objects, WordsThatS3DoesNotKnowAreRefusedWithEveryPutAndCopy) {
    server->seed("box", "source", std::string_view("v"));
    const std::pair<const char*, const char*> wrong[] = {
        {"x-amz-storage-class", "NOPE"}, {"x-amz-server-side-encryption", "foo"}, {"x-amz-acl", "nope"}};
    for (const auto& [header, value] : wrong) {
        const Reply put = client.send("PUT", "/box/new", "v", {{header, value}});
        EXPECT_EQ(put.status, 400) << header << put.body;
        EXPECT_THAT(put.body, HasSubstr("<Code>Invalid")) << header;
        EXPECT_EQ(client.send("PUT", "/box/new", "", {{"x-amz-copy-source", "/box/source"}, {header, value}}).status,
                  400)
            << header;
        EXPECT_EQ(client.send("POST", "/box/new?uploads", "", {{header, value}}).status, 400) << header;
    }
    EXPECT_EQ(client.send("PUT", "/box/source?acl", "", {{"x-amz-acl", "nope"}}).status, 400);
    EXPECT_THAT(server->keys("box"), ElementsAre("source"));
    EXPECT_EQ(
        client.send("PUT", "/box/new", "v", {{"x-amz-server-side-encryption", "aws:kms"}, {"x-amz-acl", "private"}})
            .status,
        200);
}

TEST_F(Objects, KeysAreBytesAndNeverPaths) {
    for (const char* path :
         {"a//b", "/a/b", "a/b", "./a/b", "a/../b", "a%5Cb", "%C3%BC", "u%CC%88", "%01", "a+b", "a%2Bb%20"})
        EXPECT_EQ(client.send("PUT", std::string("/box/") + path, path).status, 200) << path;
    EXPECT_THAT(server->keys("box"), ElementsAre("\x01", "./a/b", "/a/b", "a+b", "a+b ", "a/../b", "a//b", "a/b",
                                                 "a\\b", "u\xCC\x88", "\xC3\xBC"));
    EXPECT_EQ(client.send("GET", "/box/a//b").body, "a//b");
    EXPECT_EQ(client.send("PUT", "/box/" + std::string(1024, 'k'), "v").status, 200);
    EXPECT_THAT(client.send("PUT", "/box/" + std::string(1025, 'k'), "v").body, HasSubstr("KeyTooLongError"));
}

TEST_F(Objects, RangesAreCutAsAsked) {
    server->seed("box", "a", "0123456789");
    auto range = [&](const char* value) { return client.send("GET", "/box/a", "", {{"range", value}}); };
    EXPECT_EQ(range("bytes=2-4").body, "234");
    EXPECT_EQ(range("bytes=2-4").header("content-range"), "bytes 2-4/10");
    EXPECT_EQ(range("bytes=7-").body, "789");
    EXPECT_EQ(range("bytes=-3").body, "789");
    EXPECT_EQ(range("bytes=5-100").body, "56789");
    EXPECT_EQ(range("bytes=10-").status, 416);
    EXPECT_EQ(range("lines=1-2").status, 200);
}

TEST_F(Objects, ConditionalReadsFollowTheEtag) {
    server->seed("box", "a", "v1");
    EXPECT_EQ(client.send("GET", "/box/a", "", {{"if-match", etag("a")}}).status, 200);
    EXPECT_EQ(client.send("GET", "/box/a", "", {{"if-match", "\"other\""}}).status, 412);
    EXPECT_EQ(client.send("GET", "/box/a", "", {{"if-none-match", etag("a")}}).status, 304);
    EXPECT_EQ(client.send("GET", "/box/a").body, "v1") << "the connection must be in step after a 304";
}

TEST_F(Objects, ConditionalPutsKeepTheOldBytes) {
    EXPECT_EQ(client.send("PUT", "/box/a", "v0", {{"if-match", "\"x\""}}).status, 404);
    EXPECT_EQ(client.send("PUT", "/box/a", "v1", {{"if-none-match", "*"}}).status, 200);
    EXPECT_EQ(client.send("PUT", "/box/a", "v2", {{"if-none-match", "*"}}).status, 412);
    EXPECT_EQ(client.send("PUT", "/box/a", "v2", {{"if-match", "\"x\""}}).status, 412);
    EXPECT_EQ(server->body("box", "a"), "v1");
    EXPECT_EQ(client.send("PUT", "/box/a", "v2", {{"if-match", etag("a")}}).status, 200);
    EXPECT_EQ(server->body("box", "a"), "v2");
}

TEST_F(Objects, WrongDigestsAreRefusedAndRightOnesAreKept) {
    EXPECT_THAT(client.send("PUT", "/box/a", "v", {{"content-md5", to_base64(std::string(16, 'x'))}}).body,
                HasSubstr("BadDigest"));
    EXPECT_THAT(client.send("PUT", "/box/a", "v", {{"content-md5", "junk"}}).body, HasSubstr("InvalidDigest"));
    EXPECT_THAT(client.send("PUT", "/box/a", "v", {{"x-amz-checksum-crc32c", "AAAAAA=="}}).body,
                HasSubstr("BadDigest"));
    EXPECT_FALSE(server->exists("box", "a"));
    // Check values of the catalogue of CRCs for "123456789".
    for (const auto& [name, hex] : {std::pair<const char*, const char*>{"crc32", "cbf43926"},
                                    {"crc32c", "e3069283"},
                                    {"crc64nvme", "ae8b14860a799888"}}) {
        std::string raw;
        ASSERT_TRUE(from_hex(hex, raw));
        const std::string header = std::string("x-amz-checksum-") + name;
        EXPECT_EQ(client.send("PUT", "/box/a", "123456789", {{header, to_base64(raw)}}).status, 200) << name;
        EXPECT_EQ(client.send("HEAD", "/box/a", "", {{"x-amz-checksum-mode", "ENABLED"}}).header(header),
                  to_base64(raw));
        EXPECT_EQ(client.send("HEAD", "/box/a").header(header), "");
    }
}

TEST_F(Objects, AnObjectSentWithoutAChecksumGetsCrc64Nvme) {
    client.send("PUT", "/box/a", "123456789");
    std::string raw;
    ASSERT_TRUE(from_hex("ae8b14860a799888", raw));
    EXPECT_EQ(
        client.send("HEAD", "/box/a", "", {{"x-amz-checksum-mode", "ENABLED"}}).header("x-amz-checksum-crc64nvme"),
        to_base64(raw));
}

TEST_F(Objects, DeletesHeedTheEtagAndAreNotFussyWithoutOne) {
    server->seed("box", "a", "v1");
    EXPECT_EQ(client.send("DELETE", "/box/a", "", {{"if-match", "\"x\""}}).status, 412);
    EXPECT_TRUE(server->exists("box", "a"));
    EXPECT_EQ(client.send("DELETE", "/box/a", "", {{"if-match", etag("a")}}).status, 204);
    EXPECT_EQ(client.send("DELETE", "/box/a").status, 204);
    EXPECT_EQ(client.send("DELETE", "/box/a", "", {{"if-match", "\"x\""}}).status, 404);
}

std::string md5_of(const std::string& body) {
    return to_base64(digest(Hash::md5, body));
}

TEST_F(Objects, ABatchDeleteJudgesEachKeyByItself) {
    for (const char* key : {"a", "b", "c&d"})
        server->seed("box", key, "v1");
    const std::string body =
        "<Delete><Object><Key>a</Key><ETag>" + server->object("box", "a")->etag +
        "</ETag></Object><Object><Key>b</Key><ETag>\"x\"</ETag></Object><Object><Key>c&amp;d</Key></Object>"
        "<Object><Key>gone</Key></Object></Delete>";
    EXPECT_THAT(client.send("POST", "/box?delete", body).body, HasSubstr("Missing required header"));
    const Reply reply = client.send("POST", "/box?delete", body, {{"content-md5", md5_of(body)}});
    EXPECT_EQ(reply.status, 200) << reply.body;
    EXPECT_THAT(reply.body, HasSubstr("<Deleted><Key>a</Key></Deleted>"));
    EXPECT_THAT(reply.body, HasSubstr("<Error><Key>b</Key><Code>PreconditionFailed</Code>"));
    EXPECT_THAT(reply.body, HasSubstr("<Deleted><Key>c&amp;d</Key></Deleted><Deleted><Key>gone</Key></Deleted>"));
    EXPECT_THAT(server->keys("box"), ElementsAre("b"));
}

TEST_F(Objects, AQuietBatchDeleteNamesOnlyFailuresAndTakesAThousandKeys) {
    std::string body = "<Delete><Quiet>true</Quiet>";
    for (int i = 0; i < 1000; ++i)
        body += "<Object><Key>" + std::to_string(i) + "</Key></Object>";
    std::string whole = body + "</Delete>";
    EXPECT_THAT(client.send("POST", "/box?delete", whole, {{"content-md5", md5_of(whole)}}).body,
                Not(HasSubstr("<Deleted>")));
    whole = body + "<Object><Key>1001</Key></Object></Delete>";
    EXPECT_THAT(client.send("POST", "/box?delete", whole, {{"content-md5", md5_of(whole)}}).body,
                HasSubstr("MalformedXML"));
}

TEST_F(Objects, ACopyTakesPropertiesAndTagsUnlessToldOtherwise) {
    server->seed("box", "a b", "v1",
                 {.headers = {{"content-type", "text/x"}, {"x-amz-storage-class", "STANDARD_IA"}},
                  .meta = {{"m", "1"}},
                  .tags = {{"t", "1"}}});
    EXPECT_EQ(client.send("PUT", "/box/copy", "", {{"x-amz-copy-source", "/box/a%20b"}}).status, 200);
    EXPECT_EQ(server->body("box", "copy"), "v1");
    EXPECT_EQ(server->props("box", "copy").meta.at("m"), "1");
    EXPECT_EQ(server->props("box", "copy").tags.at("t"), "1");
    EXPECT_EQ(server->props("box", "copy").headers.at("content-type"), "text/x");
    EXPECT_FALSE(server->props("box", "copy").headers.contains("x-amz-storage-class"))
        << "a copy's class comes from the request";
    EXPECT_EQ(client
                  .send("PUT", "/box/new", "",
                        {{"x-amz-copy-source", "box/a%20b"},
                         {"x-amz-metadata-directive", "REPLACE"},
                         {"x-amz-meta-n", "2"},
                         {"x-amz-tagging-directive", "REPLACE"},
                         {"x-amz-tagging", "u=2"}})
                  .status,
              200);
    EXPECT_FALSE(server->props("box", "new").meta.contains("m"));
    EXPECT_EQ(server->props("box", "new").meta.at("n"), "2");
    EXPECT_EQ(server->props("box", "new").tags.at("u"), "2");
}

TEST_F(Objects, ACopyHeedsConditionsOnBothSides) {
    server->seed("box", "a", "v1");
    auto copy = [&](Client::Headers headers) {
        headers.emplace_back("x-amz-copy-source", "/box/a");
        return client.send("PUT", "/box/b", "", std::move(headers)).status;
    };
    EXPECT_EQ(copy({{"x-amz-copy-source-if-match", "\"x\""}}), 412);
    EXPECT_FALSE(server->exists("box", "b"));
    EXPECT_EQ(copy({{"x-amz-copy-source-if-match", etag("a")}, {"if-none-match", "*"}}), 200);
    EXPECT_EQ(copy({{"if-none-match", "*"}}), 412);
    EXPECT_EQ(copy({{"if-match", "\"x\""}}), 412);
    EXPECT_EQ(copy({{"if-match", etag("b")}}), 200);
}

TEST_F(Objects, ACopyRefusesWhatS3Refuses) {
    server->seed("box", "a", "v1");
    server->seed("box", "huge", Body::pattern((5ULL << 30) + 1));
    server->seed("box", "cold", "v", {.headers = {{"x-amz-storage-class", "GLACIER"}}});
    auto copy = [&](const char* from, const char* to, Client::Headers headers = {}) {
        headers.emplace_back("x-amz-copy-source", from);
        return client.send("PUT", to, "", std::move(headers)).body;
    };
    EXPECT_THAT(copy("/box/a", "/box/a"), HasSubstr("InvalidRequest"));
    EXPECT_THAT(copy("/box/a", "/box/a", {{"x-amz-metadata-directive", "REPLACE"}}), HasSubstr("CopyObjectResult"));
    EXPECT_THAT(copy("/box/huge", "/box/b"), HasSubstr("InvalidRequest"));
    EXPECT_THAT(copy("/box/cold", "/box/b"), HasSubstr("InvalidObjectState"));
    EXPECT_THAT(copy("/box/none", "/box/b"), HasSubstr("NoSuchKey"));
    EXPECT_THAT(copy("/none/a", "/box/b"), HasSubstr("NoSuchBucket"));
}

TEST_F(Objects, TagsAreReadAndReplacedWithoutTouchingTheObject) {
    server->seed("box", "a", "v1", {.tags = {{"t", "<1>"}}});
    const std::int64_t before = server->object("box", "a")->modified_us;
    EXPECT_THAT(client.send("GET", "/box/a?tagging").body,
                HasSubstr("<Tag><Key>t</Key><Value>&lt;1&gt;</Value></Tag>"));
    const std::string body = "<Tagging><TagSet><Tag><Key>n</Key><Value>2</Value></Tag></TagSet></Tagging>";
    EXPECT_EQ(client.send("PUT", "/box/a?tagging", body, {{"content-md5", md5_of(body)}}).status, 200);
    EXPECT_EQ(server->props("box", "a").tags, (std::map<std::string, std::string>{{"n", "2"}}));
    EXPECT_EQ(server->object("box", "a")->modified_us, before);
}

TEST_F(Objects, AVersionedBucketKeepsEveryVersionAndItsMarkers) {
    server->make_bucket("ver", Versioning::enabled);
    const std::string v1 = client.send("PUT", "/ver/a", "1").header("x-amz-version-id");
    const std::string v2 = client.send("PUT", "/ver/a", "2").header("x-amz-version-id");
    EXPECT_NE(v1, v2);
    const Reply deleted = client.send("DELETE", "/ver/a");
    EXPECT_EQ(deleted.header("x-amz-delete-marker"), "true");
    EXPECT_EQ(client.send("GET", "/ver/a").status, 404);
    EXPECT_EQ(client.send("GET", "/ver/a").header("x-amz-delete-marker"), "true");
    EXPECT_EQ(client.send("GET", "/ver/a?versionId=" + v1).body, "1");
    EXPECT_EQ(client.send("GET", "/ver?versions&max-keys=2").body.find("<VersionId>" + v1), std::string::npos);
    const Reply rest = client.send("GET", "/ver?versions&key-marker=a&version-id-marker=" + v2);
    EXPECT_THAT(rest.body, HasSubstr("<VersionId>" + v1));
    EXPECT_THAT(rest.body, Not(HasSubstr("<VersionId>" + v2)));
    EXPECT_EQ(client.send("DELETE", "/ver/a?versionId=" + deleted.header("x-amz-version-id")).status, 204);
    EXPECT_EQ(client.send("GET", "/ver/a").body, "2");
    EXPECT_EQ(server->versions("ver", "a").size(), 2U);
}

TEST_F(Objects, AnEncodedSlashIsASlashAndAFarBucketTellsItsRegion) {
    server->seed("box", "a/b", "v");
    EXPECT_EQ(client.send("GET", "/box/a%2Fb").body, "v");
    server->change_bucket("far", [](Bucket& bucket) { bucket.region = "eu-west-1"; });
    const Reply moved = client.send("GET", "/far/a");
    EXPECT_EQ(moved.status, 301);
    EXPECT_EQ(moved.header("x-amz-bucket-region"), "eu-west-1");
}

TEST_F(Objects, BucketFactsAnswerAsAnUntouchedBucketOfAws) {
    EXPECT_THAT(client.send("GET", "/box?website").body, HasSubstr("NoSuchWebsiteConfiguration"));
    EXPECT_THAT(client.send("GET", "/box?object-lock").body, HasSubstr("ObjectLockConfigurationNotFoundError"));
    EXPECT_THAT(client.send("GET", "/box?ownershipControls").body, HasSubstr("BucketOwnerEnforced"));
    EXPECT_THAT(client.send("GET", "/box?encryption").body, HasSubstr("AES256"));
    EXPECT_THAT(client.send("GET", "/box?versioning").body, Not(HasSubstr("Status")));
    EXPECT_THAT(client.send("GET", "/box?location").body, HasSubstr("LocationConstraint"));
    EXPECT_EQ(client.send("HEAD", "/box").header("x-amz-bucket-region"), "us-east-1");
    EXPECT_EQ(client.send("HEAD", "/none").status, 404);
    EXPECT_EQ(client.send("GET", "/box?tagging").status, 501);
}

TEST_F(Objects, ALockedObjectStays) {
    server->seed("box", "a", "v", {.headers = {{"x-amz-object-lock-legal-hold", "ON"}}});
    EXPECT_EQ(client.send("DELETE", "/box/a").status, 403);
    EXPECT_TRUE(server->exists("box", "a"));
}

}  // namespace
}  // namespace dray::model
