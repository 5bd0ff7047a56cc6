#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client.h"
#include "digest.h"
#include "server.h"

namespace dray::model {
namespace {

using ::testing::HasSubstr;

std::string between(const std::string& text, const std::string& open, const std::string& close) {
    const std::size_t at = text.find(open);
    if (at == std::string::npos) return {};
    return text.substr(at + open.size(), text.find(close, at) - at - open.size());
}

class Multipart : public ::testing::Test {
protected:
    std::unique_ptr<ModelS3> server = ModelS3::start({.quirks = small_parts()});
    Client client{server->port()};

    static Quirks small_parts() {
        Quirks quirks;
        quirks.min_part = 5;
        return quirks;
    }
    void SetUp() override { server->make_bucket("box"); }
    std::string create(Client::Headers headers = {}) {
        return between(client.send("POST", "/box/a?uploads", "", std::move(headers)).body, "<UploadId>", "</UploadId>");
    }
    std::string part(const std::string& id, int number, const std::string& body) {
        return client.send("PUT", "/box/a?partNumber=" + std::to_string(number) + "&uploadId=" + id, body)
            .header("etag");
    }
    static std::string list(const std::vector<std::pair<int, std::string>>& parts) {
        std::string xml = "<CompleteMultipartUpload>";
        for (const auto& [number, etag] : parts)
            xml += "<Part><PartNumber>" + std::to_string(number) + "</PartNumber><ETag>" + etag + "</ETag></Part>";
        return xml + "</CompleteMultipartUpload>";
    }
    Reply complete(const std::string& id, const std::string& xml, Client::Headers headers = {}) {
        return client.send("POST", "/box/a?uploadId=" + id, xml, std::move(headers));
    }
};

TEST_F(Multipart, PartsInAnyOrderBecomeOneObjectWithTheEtagOfEtags) {
    const std::string id = create({{"x-amz-meta-m", "1"}});
    const std::string second = part(id, 2, "world"), first = part(id, 1, "hello ");
    EXPECT_FALSE(server->exists("box", "a"));
    const Reply done = complete(id, list({{1, first}, {2, second}}));
    EXPECT_EQ(done.status, 200) << done.body;
    EXPECT_EQ(server->body("box", "a"), "hello world");
    const std::string digests = digest(Hash::md5, "hello ") + digest(Hash::md5, "world");
    EXPECT_EQ(server->object("box", "a")->etag, to_hex(digest(Hash::md5, digests)) + "-2");
    EXPECT_EQ(server->props("box", "a").meta.at("m"), "1");
    EXPECT_THAT(complete(id, list({{1, first}, {2, second}})).body, HasSubstr("NoSuchUpload"));
    EXPECT_TRUE(server->uploads("box").empty());
}

TEST_F(Multipart, CompleteRefusesWrongListsAndKeepsTheUpload) {
    const std::string id = create();
    const std::string one = part(id, 1, "abc"), two = part(id, 2, "defghi");
    EXPECT_THAT(complete(id, list({{2, two}, {1, one}})).body, HasSubstr("InvalidPartOrder"));
    EXPECT_THAT(complete(id, list({{1, two}})).body, HasSubstr("InvalidPart"));
    EXPECT_THAT(complete(id, list({{1, one}, {2, two}})).body, HasSubstr("EntityTooSmall"));
    EXPECT_THAT(complete(id, list({})).body, HasSubstr("MalformedXML"));
    EXPECT_THAT(complete(id, list({{2, two}}), {{"x-amz-mp-object-size", "7"}}).body, HasSubstr("InvalidRequest"));
    EXPECT_EQ(server->uploads("box").size(), 1U);
    EXPECT_EQ(complete(id, list({{2, two}}), {{"x-amz-mp-object-size", "6"}}).status, 200);
}

TEST_F(Multipart, CompleteIfNoneMatchKeepsTheObjectThatIsThere) {
    server->seed("box", "a", "old");
    const std::string id = create();
    const std::string one = part(id, 1, "new");
    EXPECT_EQ(complete(id, list({{1, one}}), {{"if-none-match", "*"}}).status, 412);
    EXPECT_EQ(server->body("box", "a"), "old");
}

TEST_F(Multipart, FullObjectChecksumsAreThoseOfTheWholeAndCompositeOnesCountTheirParts) {
    std::string id = create({{"x-amz-checksum-algorithm", "CRC32C"}, {"x-amz-checksum-type", "FULL_OBJECT"}});
    std::string one = part(id, 1, "12345"), two = part(id, 2, "6789");
    EXPECT_EQ(complete(id, list({{1, one}, {2, two}})).status, 200);
    std::string raw;
    ASSERT_TRUE(from_hex("e3069283", raw));
    EXPECT_EQ(server->props("box", "a").checksum, to_base64(raw));
    id = create({{"x-amz-checksum-algorithm", "SHA256"}});
    one = part(id, 1, "12345");
    two = part(id, 2, "6789");
    EXPECT_EQ(complete(id, list({{1, one}, {2, two}})).status, 200);
    const std::string composite = digest(Hash::sha256, digest(Hash::sha256, "12345") + digest(Hash::sha256, "6789"));
    EXPECT_EQ(server->props("box", "a").checksum, to_base64(composite) + "-2");
}

TEST_F(Multipart, PartsAreCopiedByInclusiveRangeAndPinned) {
    server->seed("box", "src", "0123456789");
    const std::string id = create();
    const std::string target = "/box/a?partNumber=1&uploadId=" + id;
    auto copy = [&](const char* range, Client::Headers headers = {}) {
        headers.emplace_back("x-amz-copy-source", "/box/src");
        headers.emplace_back("x-amz-copy-source-range", range);
        return client.send("PUT", target, "", std::move(headers));
    };
    EXPECT_EQ(copy("bytes=0-10").status, 400);
    EXPECT_EQ(copy("bytes=2-5", {{"x-amz-copy-source-if-match", "\"x\""}}).status, 412);
    const std::string etag = between(copy("bytes=2-5").body, "<ETag>", "</ETag>");
    EXPECT_EQ(complete(id, list({{1, etag}})).status, 200);
    EXPECT_EQ(server->body("box", "a"), "2345");
}

TEST_F(Multipart, AHugeObjectWithoutMemoryIsCopiedInParts) {
    constexpr std::uint64_t kSize = 12ULL << 30;
    server->seed("box", "huge", Body::pattern(kSize));
    const std::string id = create();
    std::vector<std::pair<int, std::string>> parts;
    for (std::uint64_t at = 0; at < kSize; at += 4ULL << 30) {
        const int number = static_cast<int>(parts.size()) + 1;
        const std::string range = "bytes=" + std::to_string(at) + "-" + std::to_string(at + (4ULL << 30) - 1);
        const Reply reply = client.send("PUT", "/box/a?partNumber=" + std::to_string(number) + "&uploadId=" + id, "",
                                        {{"x-amz-copy-source", "/box/huge"}, {"x-amz-copy-source-range", range}});
        parts.emplace_back(number, between(reply.body, "<ETag>", "</ETag>"));
    }
    EXPECT_EQ(complete(id, list(parts)).status, 200);
    EXPECT_EQ(client.send("HEAD", "/box/a").header("content-length"), std::to_string(kSize));
    const Client::Headers far = {{"range", "bytes=8589934590-8589934599"}};
    EXPECT_EQ(client.send("GET", "/box/a", "", far).body, client.send("GET", "/box/huge", "", far).body);
}

TEST_F(Multipart, PartsAndUploadsAreListedInPagesAndAbortForgetsThem) {
    const std::string id = create();
    for (int number : {1, 2, 7})
        part(id, number, "hello");
    const std::string first = client.send("GET", "/box/a?uploadId=" + id + "&max-parts=2").body;
    EXPECT_THAT(first, HasSubstr("<NextPartNumberMarker>2</NextPartNumberMarker>"));
    EXPECT_THAT(client.send("GET", "/box/a?uploadId=" + id + "&part-number-marker=2").body,
                HasSubstr("<PartNumber>7</PartNumber>"));
    EXPECT_THAT(client.send("GET", "/box?uploads").body, HasSubstr("<UploadId>" + id + "</UploadId>"));
    EXPECT_EQ(client.send("DELETE", "/box/a?uploadId=" + id).status, 204);
    EXPECT_THAT(client.send("GET", "/box/a?uploadId=" + id).body, HasSubstr("NoSuchUpload"));
}

TEST_F(Multipart, ACopyOfAMultipartObjectGetsAPlainEtagAsOnAws) {
    server->seed_multipart("box", "m", "hello world", 6);
    EXPECT_TRUE(server->object("box", "m")->etag.ends_with("-2"));
    client.send("PUT", "/box/copy", "", {{"x-amz-copy-source", "/box/m"}});
    EXPECT_EQ(server->object("box", "copy")->etag, to_hex(digest(Hash::md5, "hello world")));
}

}  // namespace
}  // namespace dray::model
