#include "s3/sign.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <random>
#include <vector>

#include "base/checksum.h"
#include "base/time.h"
#include "s3/endpoint.h"

namespace dray::s3 {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using Query = std::vector<QueryParameter>;

struct Vector {
    std::string_view name, method, path;
    Query query;
    http::Headers headers;
    std::string_view payload_hash, signature;
};
void PrintTo(const Vector& v, std::ostream* out) {
    *out << v.name;
}

std::string signature_of(const std::string& authorization) {
    return authorization.substr(authorization.find("Signature=") + 10);
}

WallTime at(std::string_view iso) {
    auto time = parse_iso8601(iso);
    CHECK(time.has_value());
    return *time;
}

// "Signature Calculations for the Authorization Header: Transferring Payload in a Single Chunk", Amazon S3 API
// reference.
class S3Examples : public testing::TestWithParam<Vector> {};

TEST_P(S3Examples, AreSignedAsPublished) {
    const auto& v = GetParam();
    Signer signer;
    Credentials credentials{.access_key = "AKIAIOSFODNN7EXAMPLE",
                            .secret_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"};
    auto authorization = signer.authorization(
        credentials, "us-east-1", at("2013-05-24T00:00:00Z"),
        {.method = v.method, .path = v.path, .query = v.query, .headers = v.headers, .payload_hash = v.payload_hash});
    EXPECT_EQ(signature_of(authorization), v.signature);
    EXPECT_THAT(authorization,
                HasSubstr("AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request"));
}

const http::Header kHost{"Host", "examplebucket.s3.amazonaws.com"};
const http::Header kDate{"x-amz-date", "20130524T000000Z"};
const http::Header kEmpty{"x-amz-content-sha256", std::string(kEmptySha256)};
constexpr std::string_view kPutHash = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072";

INSTANTIATE_TEST_SUITE_P(Published, S3Examples,
                         testing::Values(Vector{"GetObject",
                                                "GET",
                                                "/test.txt",
                                                {},
                                                {kHost, {"Range", "bytes=0-9"}, kEmpty, kDate},
                                                kEmptySha256,
                                                "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
                                         Vector{"PutObject",
                                                "PUT",
                                                "/test%24file.text",
                                                {},
                                                {{"Date", "Fri, 24 May 2013 00:00:00 GMT"},
                                                 kHost,
                                                 kDate,
                                                 {"x-amz-storage-class", "REDUCED_REDUNDANCY"},
                                                 {"x-amz-content-sha256", std::string(kPutHash)}},
                                                kPutHash,
                                                "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"},
                                         Vector{"GetLifecycle",
                                                "GET",
                                                "/",
                                                {{"lifecycle", ""}},
                                                {kHost, kDate, kEmpty},
                                                kEmptySha256,
                                                "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
                                         Vector{"ListObjects",
                                                "GET",
                                                "/",
                                                {{"prefix", "J"}, {"max-keys", "2"}},
                                                {kHost, kDate, kEmpty},
                                                kEmptySha256,
                                                "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"}),
                         [](const auto& v) { return std::string(v.param.name); });

// "aws4_testsuite", the signature test suite of the AWS General Reference.
class TestSuite : public testing::TestWithParam<Vector> {};

TEST_P(TestSuite, IsSignedAsPublished) {
    const auto& v = GetParam();
    Signer signer("service");
    Credentials credentials{.access_key = "AKIDEXAMPLE", .secret_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"};
    auto authorization = signer.authorization(
        credentials, "us-east-1", at("2015-08-30T12:36:00Z"),
        {.method = v.method, .path = v.path, .query = v.query, .headers = v.headers, .payload_hash = v.payload_hash});
    EXPECT_EQ(signature_of(authorization), v.signature);
}

const http::Header kSuiteHost{"Host", "example.amazonaws.com"};
const http::Header kSuiteDate{"X-Amz-Date", "20150830T123600Z"};

INSTANTIATE_TEST_SUITE_P(
    Published, TestSuite,
    testing::Values(
        Vector{"get_vanilla",
               "GET",
               "/",
               {},
               {kSuiteHost, kSuiteDate},
               kEmptySha256,
               "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
        Vector{"get_vanilla_empty_query_key",
               "GET",
               "/",
               {{"Param1", "value1"}},
               {kSuiteHost, kSuiteDate},
               kEmptySha256,
               "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"},
        Vector{"get_vanilla_query_order_key_case",
               "GET",
               "/",
               {{"Param2", "value2"}, {"Param1", "value1"}},
               {kSuiteHost, kSuiteDate},
               kEmptySha256,
               "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
        Vector{"get_vanilla_utf8_query",
               "GET",
               "/",
               {{"%E1%88%B4", "bar"}},
               {kSuiteHost, kSuiteDate},
               kEmptySha256,
               "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
        Vector{"get_utf8",
               "GET",
               "/%E1%88%B4",
               {},
               {kSuiteHost, kSuiteDate},
               kEmptySha256,
               "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
        Vector{"get_header_key_duplicate",
               "GET",
               "/",
               {},
               {kSuiteHost, {"My-Header1", "value2"}, {"My-Header1", "value2"}, {"My-Header1", "value1"}, kSuiteDate},
               kEmptySha256,
               "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"},
        Vector{"get_header_value_order",
               "GET",
               "/",
               {},
               {kSuiteHost,
                {"My-Header1", "value4"},
                {"My-Header1", "value1"},
                {"My-Header1", "value3"},
                {"My-Header1", "value2"},
                kSuiteDate},
               kEmptySha256,
               "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01"},
        Vector{"get_header_value_trim",
               "GET",
               "/",
               {},
               {kSuiteHost, {"My-Header1", " value1"}, {"My-Header2", " \"a   b   c\""}, kSuiteDate},
               kEmptySha256,
               "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
        Vector{"post_vanilla",
               "POST",
               "/",
               {},
               {kSuiteHost, kSuiteDate},
               kEmptySha256,
               "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
        Vector{"post_vanilla_query",
               "POST",
               "/",
               {{"Param1", "value1"}},
               {kSuiteHost, kSuiteDate},
               kEmptySha256,
               "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"},
        Vector{"post_x_www_form_urlencoded",
               "POST",
               "/",
               {},
               {{"Content-Type", "application/x-www-form-urlencoded"}, kSuiteHost, kSuiteDate},
               "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e",
               "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"}),
    [](const auto& v) { return std::string(v.param.name); });

// The same specification once more, slowly and without cleverness.
namespace naive {

std::string text_of(const Sha256& digest) {
    return std::string(digest.begin(), digest.end());
}

std::string escape(const std::string& bytes) {
    std::string out;
    for (unsigned char c : bytes) {
        char escaped[4];
        std::snprintf(escaped, sizeof escaped, "%%%02X", c);
        if (std::isalnum(c) || c == '-' || c == '_' || c == '.' || c == '~') {
            out += static_cast<char>(c);
        } else {
            out += escaped;
        }
    }
    return out;
}

std::string path_of(const std::string& bucket, const std::string& key) {
    std::string out = "/" + bucket + "/";
    for (char c : key)
        out += c == '/' ? "/" : escape(std::string(1, c));
    return out;
}

std::string signature(const std::string& method, const std::string& bucket, const std::string& key,
                      const std::multimap<std::string, std::string>& query,
                      const std::map<std::string, std::string>& headers, const std::string& payload,
                      const std::string& secret, const std::string& region, const std::string& date) {
    std::vector<std::string> parameters;
    std::vector<std::pair<std::string, std::string>> encoded;
    for (const auto& [name, value] : query)
        encoded.emplace_back(escape(name), escape(value));
    std::sort(encoded.begin(), encoded.end());
    std::string joined;
    for (const auto& [name, value] : encoded)
        joined += (joined.empty() ? "" : "&") + name + "=" + value;
    std::string lines, names;
    for (const auto& [name, value] : headers) {
        lines += name + ":" + value + "\n";
        names += (names.empty() ? "" : ";") + name;
    }
    std::string canonical =
        method + "\n" + path_of(bucket, key) + "\n" + joined + "\n" + lines + "\n" + names + "\n" + payload;
    std::string day = date.substr(0, 8);
    std::string scope = day + "/" + region + "/s3/aws4_request";
    std::string k = text_of(hmac_sha256("AWS4" + secret, day));
    k = text_of(hmac_sha256(k, region));
    k = text_of(hmac_sha256(k, "s3"));
    k = text_of(hmac_sha256(k, "aws4_request"));
    return hex(hmac_sha256(k, "AWS4-HMAC-SHA256\n" + date + "\n" + scope + "\n" + hex(sha256(canonical))));
}

}  // namespace naive

TEST(Signer, AgreesWithANaiveSecondImplementationOnTenThousandAwkwardRequests) {
    std::mt19937 random(20240309);
    auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
    auto bytes = [&](std::size_t longest) {
        static const std::string awkward = "=+:@&?#%/ ~!*'()[]\"\\;,$<>\x7f\x01";
        std::string out;
        for (std::size_t i = below(longest); i > 0; --i) {
            out += below(3) == 0 ? awkward[below(awkward.size())] : static_cast<char>(below(256));
        }
        return out;
    };
    Signer signer;
    Endpoint endpoint = *Endpoint::parse("http://127.0.0.1:9000");
    for (int round = 0; round < 10'000; ++round) {
        Credentials credentials{.access_key = "AK", .secret_key = "secret" + std::to_string(below(3))};
        std::string region = below(2) ? "us-east-1" : "eu-west-3";
        auto now = WallTime(std::chrono::seconds(1'700'000'000 + static_cast<int>(below(40)) * 7200));
        std::string key = "k" + bytes(60);
        std::multimap<std::string, std::string> query;
        for (std::size_t i = below(4); i > 0; --i)
            query.emplace(bytes(6), bytes(12));
        std::map<std::string, std::string> headers = {{"host", "127.0.0.1:9000"}, {"x-amz-date", amz_date(now)}};
        for (std::size_t i = below(4); i > 0; --i) {
            headers["x-amz-meta-" + std::string(1, static_cast<char>('a' + below(3))) + (below(2) ? "-b" : "")] =
                "v" + std::to_string(random());
        }

        Query encoded;
        for (const auto& [name, value] : query) {
            encoded.emplace_back(uri_encode(name, false), uri_encode(value, false));
        }
        std::shuffle(encoded.begin(), encoded.end(), random);
        http::Headers sent;
        for (const auto& [name, value] : headers)
            sent.push_back({name, " " + value + "  "});
        std::shuffle(sent.begin(), sent.end(), random);
        auto path = endpoint.target("bucket", key).path;
        auto authorization = signer.authorization(
            credentials, region, now,
            {.method = "PUT", .path = path, .query = encoded, .headers = sent, .payload_hash = kUnsignedPayload});

        ASSERT_THAT(authorization,
                    EndsWith(naive::signature("PUT", "bucket", key, query, headers, std::string(kUnsignedPayload),
                                              credentials.secret_key, region, amz_date(now))))
            << "round " << round << ", key " << key;
    }
}

}  // namespace
}  // namespace dray::s3
