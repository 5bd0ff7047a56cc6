#include "sigv4.h"

#include <gtest/gtest.h>

#include "client.h"
#include "server.h"

namespace dray::model {
namespace {

// The worked examples of "Authenticating Requests: Using the Authorization Header" in the Amazon S3 API Reference.
constexpr std::int64_t kMay24 = 1'369'353'600'000'000;
const Credential kExample{"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "", false};

Refusal verify_example(std::string head, std::string_view body = {}) {
    Request request;
    request.head = std::move(head);
    request.body = Body(body);
    EXPECT_TRUE(parse_head(request));
    return Verifier().verify(request, {kExample}, {.now_us = kMay24});
}

std::string get_object_example(const std::string& signature) {
    return "GET /test.txt HTTP/1.1\r\nHost: examplebucket.s3.amazonaws.com\r\nRange: bytes=0-9\r\n"
           "x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\r\n"
           "x-amz-date: 20130524T000000Z\r\nAuthorization: AWS4-HMAC-SHA256 "
           "Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
           "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,Signature=" +
           signature;
}

TEST(SigV4, AcceptsThePublishedGetObjectExample) {
    EXPECT_EQ(
        verify_example(get_object_example("f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41")).status,
        0);
}

TEST(SigV4, RefusesThePublishedExampleWithOneDigitChanged) {
    const Refusal refusal =
        verify_example(get_object_example("f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb42"));
    EXPECT_EQ(refusal.code, "SignatureDoesNotMatch");
    EXPECT_NE(refusal.extra_xml.find("<CanonicalRequest>GET\n/test.txt\n"), std::string::npos);
    EXPECT_NE(refusal.extra_xml.find("<StringToSign>AWS4-HMAC-SHA256\n20130524T000000Z\n"), std::string::npos);
}

TEST(SigV4, AcceptsThePublishedPutObjectExampleWithADateHeaderAndADollarInTheKey) {
    const Refusal refusal = verify_example(
        "PUT /test%24file.text HTTP/1.1\r\nHost: examplebucket.s3.amazonaws.com\r\nDate: Fri, 24 May 2013 00:00:00 "
        "GMT\r\n"
        "x-amz-date: 20130524T000000Z\r\nx-amz-storage-class: REDUCED_REDUNDANCY\r\n"
        "x-amz-content-sha256: 44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072\r\n"
        "Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
        "SignedHeaders=date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class,"
        "Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        "Welcome to Amazon S3.");
    EXPECT_EQ(refusal.code, "");
}

TEST(SigV4, AcceptsThePublishedListExampleWithASortedQuery) {
    const Refusal refusal = verify_example(
        "GET /?prefix=J&max-keys=2 HTTP/1.1\r\nHost: examplebucket.s3.amazonaws.com\r\nx-amz-date: 20130524T000000Z\r\n"
        "x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\r\n"
        "Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
        "SignedHeaders=host;x-amz-content-sha256;x-amz-date,"
        "Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
    EXPECT_EQ(refusal.code, "");
}

class Signed : public ::testing::Test {
protected:
    std::unique_ptr<ModelS3> server = ModelS3::start();
    Client client{server->port()};
    void SetUp() override { server->make_bucket("box"); }
};

TEST_F(Signed, AWrongSecretIsASignatureThatDoesNotMatchAndIsCounted) {
    client.secret_key = "other";
    const Reply reply = client.send("PUT", "/box/a", "v");
    EXPECT_EQ(reply.status, 403);
    EXPECT_NE(reply.body.find("<Code>SignatureDoesNotMatch</Code>"), std::string::npos) << reply.body;
    EXPECT_FALSE(server->exists("box", "a"));
    EXPECT_EQ(server->stats().refused, 1);
}

TEST_F(Signed, AnUnknownAccessKeyIsNamed) {
    client.access_key = "nobody";
    EXPECT_NE(client.send("GET", "/box").body.find("<Code>InvalidAccessKeyId</Code>"), std::string::npos);
}

TEST_F(Signed, AWrongRegionIsAnsweredWithTheRightOne) {
    client.region = "eu-west-1";
    const Reply reply = client.send("GET", "/box");
    EXPECT_EQ(reply.status, 400);
    EXPECT_NE(reply.body.find("<Code>AuthorizationHeaderMalformed</Code>"), std::string::npos);
    EXPECT_NE(reply.body.find("<Region>us-east-1</Region>"), std::string::npos);
}

TEST_F(Signed, AClockSixteenMinutesOffIsTooSkewedUntilTheServersClockAgrees) {
    client.skew_s = 16 * 60;
    EXPECT_NE(client.send("GET", "/box").body.find("<Code>RequestTimeTooSkewed</Code>"), std::string::npos);
    server->set_clock_offset_ms(16 * 60 * 1000);
    EXPECT_EQ(client.send("GET", "/box").status, 200);
}

TEST_F(Signed, ABodyThatIsNotTheHashedOneIsRefused) {
    client.content_sha256 = to_hex(digest(Hash::sha256, "other"));
    EXPECT_NE(client.send("PUT", "/box/a", "v").body.find("<Code>XAmzContentSHA256Mismatch</Code>"), std::string::npos);
    EXPECT_FALSE(server->exists("box", "a"));
}

TEST_F(Signed, AnXAmzHeaderOutsideTheSignatureIsRefused) {
    std::string bytes = client.sign("GET", "/box", "", {});
    bytes.insert(bytes.find("\r\n") + 2, "x-amz-acl: public-read\r\n");
    EXPECT_EQ(client.exchange(bytes).status, 403);
}

TEST_F(Signed, AnExpiredTokenAndAMissingOneAreTold) {
    server->set_credentials({{"model-access-key", "model-secret-key", "token", false}});
    EXPECT_NE(client.send("GET", "/box").body.find("<Code>InvalidToken</Code>"), std::string::npos);
    EXPECT_EQ(client.send("GET", "/box", "", {{"x-amz-security-token", "token"}}).status, 200);
    server->set_credentials({{"model-access-key", "model-secret-key", "token", true}});
    EXPECT_NE(
        client.send("GET", "/box", "", {{"x-amz-security-token", "token"}}).body.find("<Code>ExpiredToken</Code>"),
        std::string::npos);
}

}  // namespace
}  // namespace dray::model
