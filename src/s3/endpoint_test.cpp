#include "s3/endpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dray::s3 {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Endpoint, IsReadFromAUrl) {
    auto plain = Endpoint::parse("http://127.0.0.1:9000/");
    ASSERT_TRUE(plain);
    EXPECT_EQ(plain->scheme, "http");
    EXPECT_EQ(plain->host, "127.0.0.1");
    EXPECT_EQ(plain->port, 9000);
    EXPECT_EQ(plain->url(), "http://127.0.0.1:9000");
    EXPECT_EQ(Endpoint::parse("S3.Example.org")->url(), "https://s3.example.org");
    EXPECT_EQ(Endpoint::parse("https://s3.example.org:443")->url(), "https://s3.example.org")
        << "one store has one name";
    EXPECT_EQ(Endpoint::parse("minio:9000")->url(), "https://minio:9000");
    EXPECT_EQ(Endpoint::parse("localhost")->url(), "https://localhost");
    EXPECT_EQ(Endpoint::parse("http://minio")->url(), "http://minio");
    auto six = Endpoint::parse("http://[::1]:80");
    ASSERT_TRUE(six);
    EXPECT_EQ(six->host, "[::1]");
    EXPECT_EQ(six->port, 0);
}

TEST(Endpoint, RefusesWhatIsNoEndpoint) {
    for (std::string_view url :
         {"", "https://", "ftp://host", "https://host/bucket", "https://host?x=1", "https://h:0", "https://h:99999",
          "https://h:80x", "https://a b", "https://h\r\nEvil: 1", "nonsense"}) {
        auto endpoint = Endpoint::parse(url);
        ASSERT_FALSE(endpoint) << url;
        EXPECT_EQ(endpoint.error().code, Code::invalid);
    }
}

TEST(Endpoint, NeverRepeatsAPassword) {
    auto endpoint = Endpoint::parse("https://user:hunter2@host");
    ASSERT_FALSE(endpoint);
    EXPECT_THAT(endpoint.error().message, Not(HasSubstr("hunter2")));
}

TEST(Endpoint, PutsBucketsIntoTheHostOnlyWhereThatWorks) {
    auto aws = Endpoint::aws("eu-west-1");
    EXPECT_EQ(aws.target("logs", "a b").host, "logs.s3.eu-west-1.amazonaws.com");
    EXPECT_EQ(aws.target("logs", "a b").path, "/a%20b");
    EXPECT_EQ(aws.target("logs", "").path, "/");
    EXPECT_EQ(aws.target("with.dot", "k").host, "s3.eu-west-1.amazonaws.com") << "the certificate has one wildcard";
    EXPECT_EQ(aws.target("with.dot", "k").path, "/with.dot/k");
    EXPECT_EQ(Endpoint::aws("cn-north-1").host, "s3.cn-north-1.amazonaws.com.cn");

    auto own = *Endpoint::parse("https://s3.example.org");
    EXPECT_EQ(own.target("logs", "k").host, "s3.example.org");
    EXPECT_EQ(own.target("logs", "").path, "/logs");
    own.addressing = Addressing::virtual_host;
    EXPECT_EQ(own.target("logs", "k").host, "logs.s3.example.org");
    own.port = 8443;
    own.addressing = Addressing::path;
    EXPECT_EQ(own.target("logs", "//a/../b").host, "s3.example.org:8443");
    EXPECT_EQ(own.target("logs", "//a/../b").path, "/logs///a/../b") << "keys are bytes: nothing is folded";
}

TEST(UriEncoding, EscapesEveryByteButTheUnreservedOnes) {
    EXPECT_EQ(uri_encode("aZ0-._~", true), "aZ0-._~");
    EXPECT_EQ(uri_encode("a/b", true), "a/b");
    EXPECT_EQ(uri_encode("a/b", false), "a%2Fb");
    EXPECT_EQ(uri_encode("=+:@ \xC3\xBC\n", true), "%3D%2B%3A%40%20%C3%BC%0A");
}

TEST(UriEncoding, GoesThereAndBackForEveryByte) {
    std::string all;
    for (int i = 0; i < 256; ++i)
        all += static_cast<char>(i);
    std::string back;
    ASSERT_TRUE(uri_decode(uri_encode(all, true), false, back));
    EXPECT_EQ(back, all);
    ASSERT_TRUE(uri_decode(uri_encode(all, false), true, back)) << "form style reads + as a blank, and we send %20";
    EXPECT_EQ(back, all);
}

TEST(UriEncoding, ReadsFormStyleOnlyWhenTold) {
    std::string bytes;
    ASSERT_TRUE(uri_decode("a+b%2b", true, bytes));
    EXPECT_EQ(bytes, "a b+");
    ASSERT_TRUE(uri_decode("a+b%2b", false, bytes));
    EXPECT_EQ(bytes, "a+b+");
}

TEST(UriEncoding, RefusesBrokenEscapes) {
    std::string bytes;
    for (std::string_view text : {"%", "%4", "a%zz", "%4g", "abc%2"})
        EXPECT_FALSE(uri_decode(text, false, bytes)) << text;
}

}  // namespace
}  // namespace dray::s3
