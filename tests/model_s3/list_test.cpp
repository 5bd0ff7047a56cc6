#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client.h"
#include "http.h"
#include "server.h"
#include "xml.h"

namespace dray::model {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::string encoded(const std::string& text) {
    std::string out;
    percent_encode(text, false, out);
    return out;
}

struct Page {
    std::vector<std::string> keys, prefixes;
    std::string token, next_marker, encoding;
    bool truncated = false;
};

Page parse_page(const std::string& body) {
    XmlNode root;
    EXPECT_TRUE(parse_xml(body, root)) << body;
    Page page;
    for (const XmlNode& node : root.children) {
        if (node.name == "Contents") page.keys.emplace_back(node.child_text("Key"));
        if (node.name == "CommonPrefixes") page.prefixes.emplace_back(node.child_text("Prefix"));
    }
    page.token = root.child_text("NextContinuationToken");
    page.next_marker = root.child_text("NextMarker");
    page.encoding = root.child_text("EncodingType");
    page.truncated = root.child_text("IsTruncated") == "true";
    return page;
}

class Listing : public ::testing::Test {
protected:
    std::unique_ptr<ModelS3> server = ModelS3::start();
    std::unique_ptr<Client> client = std::make_unique<Client>(server->port());
    void use(const Quirks& quirks) {
        client.reset();
        server = ModelS3::start({.quirks = quirks});
        client = std::make_unique<Client>(server->port());
    }
    void seed(std::initializer_list<const char*> keys) {
        for (const char* key : keys)
            server->seed("box", key, "v");
    }
    Page list(const std::string& query) {
        const Reply reply = client->send("GET", "/box?" + query);
        EXPECT_EQ(reply.status, 200) << reply.body;
        return parse_page(reply.body);
    }
    // Every page of a V2 listing: keys and prefixes in the order they came.
    std::vector<std::string> all(const std::string& query) {
        std::vector<std::string> items;
        std::string token;
        do {
            const Page page =
                list("list-type=2&" + query + (token.empty() ? "" : "&continuation-token=" + encoded(token)));
            items.insert(items.end(), page.keys.begin(), page.keys.end());
            items.insert(items.end(), page.prefixes.begin(), page.prefixes.end());
            token = page.token;
        } while (!token.empty());
        return items;
    }
};

TEST_F(Listing, KeysComeInByteOrderOverPagesOfAnySize) {
    seed({"b", "a/b", "a-b", "a", "a.b", "\xC3\xBC", "Z"});
    for (const char* size : {"1", "2", "3", "7", "1000"})
        EXPECT_THAT(all(std::string("max-keys=") + size), ElementsAre("Z", "a", "a-b", "a.b", "a/b", "b", "\xC3\xBC"));
}

TEST_F(Listing, DelimitersFoldIntoPrefixesOnceAlsoOverPages) {
    seed({"a/1", "a/2", "a/3", "b", "c/1", "d"});
    for (const char* size : {"1", "2", "1000"}) {
        const auto items = all(std::string("delimiter=%2F&max-keys=") + size);
        EXPECT_THAT(items, ::testing::UnorderedElementsAre("a/", "b", "c/", "d")) << size;
    }
    EXPECT_THAT(all("prefix=a%2F&delimiter=%2F"), ElementsAre("a/1", "a/2", "a/3"));
    EXPECT_THAT(all("prefix=a&delimiter=%2F"), ElementsAre("a/"));
}

TEST_F(Listing, StartAfterNeedNotBeAKey) {
    seed({"a", "b", "c"});
    EXPECT_THAT(all("start-after=aa"), ElementsAre("b", "c"));
    EXPECT_THAT(all("start-after=b"), ElementsAre("c"));
    EXPECT_THAT(all("prefix=b&start-after=a"), ElementsAre("b"));
    EXPECT_THAT(all("prefix=b&start-after=c"), ElementsAre());
}

TEST_F(Listing, TheFirstVersionGoesOnByMarkerAndNamesItOnlyWithADelimiter) {
    seed({"a/1", "a/2", "b", "c"});
    const Page plain = list("max-keys=2");
    EXPECT_TRUE(plain.truncated);
    EXPECT_EQ(plain.next_marker, "");
    EXPECT_THAT(list("marker=a%2F2").keys, ElementsAre("b", "c"));
    const Page folded = list("delimiter=%2F&max-keys=1");
    EXPECT_EQ(folded.next_marker, "a/");
    EXPECT_THAT(list("delimiter=%2F&marker=a%2F").keys, ElementsAre("b", "c"));
}

TEST_F(Listing, UrlEncodingIsFormStyleUnlessTheStoreDiffers) {
    seed({"a b+c%2F/d"});
    EXPECT_THAT(all("encoding-type=url"), ElementsAre("a+b%2Bc%252F/d"));
    use(Quirks::radosgw());
    seed({"a b+c%2F/d"});
    EXPECT_THAT(all("encoding-type=url"), ElementsAre("a%20b%2Bc%252F%2Fd"));
    use(Quirks::versitygw());
    seed({"a b+c%2F/d"});
    EXPECT_THAT(all("encoding-type=url"), ElementsAre("a b+c%2F/d"));
    EXPECT_EQ(list("list-type=2&encoding-type=url").encoding, "");
}

TEST_F(Listing, SeaweedListsInDirectoryOrder) {
    use(Quirks::seaweedfs());
    seed({"a", "a-b", "a.b", "a/b", "b"});
    for (const char* size : {"1", "2", "1000"})
        EXPECT_THAT(all(std::string("max-keys=") + size), ElementsAre("a", "a/b", "a-b", "a.b", "b"));
}

TEST_F(Listing, ForeignTokensAndWrongArgumentsAreRefused) {
    seed({"a"});
    EXPECT_EQ(client->send("GET", "/box?list-type=2&continuation-token=junk").status, 400);
    EXPECT_EQ(client->send("GET", "/box?list-type=2&max-keys=-1").status, 400);
    EXPECT_EQ(client->send("GET", "/box?list-type=2&encoding-type=base64").status, 400);
    EXPECT_FALSE(list("list-type=2&max-keys=0").truncated);
}

TEST_F(Listing, MillisecondsAreKeptOrCutAsTheStoreDoes) {
    server->seed("box", "a", "v", {}, {}, 1'700'000'000'123'000);
    EXPECT_THAT(client->send("GET", "/box?list-type=2").body, HasSubstr("<LastModified>2023-11-14T22:13:20.123Z<"));
    EXPECT_EQ(client->send("HEAD", "/box/a").header("last-modified"), "Tue, 14 Nov 2023 22:13:20 GMT");
    use(Quirks::seaweedfs());
    server->seed("box", "a", "v", {}, {}, 1'700'000'000'123'000);
    EXPECT_THAT(client->send("GET", "/box?list-type=2").body, HasSubstr("<LastModified>2023-11-14T22:13:20.000Z<"));
}

TEST_F(Listing, ManyKeysShareOneObject) {
    server->seed_many("box", 2500, "k/%05d", "body");
    EXPECT_EQ(all("max-keys=1000").size(), 2500U);
    EXPECT_EQ(server->keys("box").front(), "k/00000");
    EXPECT_EQ(server->stats().of("ListObjectsV2"), 3U);
}

TEST_F(Listing, MinioHidesWhatLiesBelowAFile) {
    use(Quirks::minio());
    server->make_bucket("box");
    EXPECT_EQ(client->send("PUT", "/box/both", "v").status, 200);
    EXPECT_EQ(client->send("PUT", "/box/both/child", "v").status, 200);
    EXPECT_THAT(all("max-keys=1000"), ElementsAre("both"));
    EXPECT_EQ(client->send("GET", "/box/both/child").status, 200);
}

}  // namespace
}  // namespace dray::model
