// What is mended on the way to a store, end to end: features it lacks, keys that expire, hosts it points to, addresses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model_s3/server.h"
#include "store/body.h"
#include "store/checksums.h"
#include "store/listing.h"
#include "store/model_store_test.h"
#include "store/retry_store.h"

namespace dray {
namespace {

using model::Act;
using model::ModelS3;
using testing::HasSubstr;

std::unique_ptr<ModelS3> serve(model::Options options = {}) {
    auto server = ModelS3::start(std::move(options));
    server->make_bucket("raw");
    return server;
}

s3::Credentials keys_of(const ModelS3& server) {
    const auto& keys = server.options().credentials.front();
    return {.access_key = keys.access_key, .secret_key = keys.secret_key};
}

// H18, C02: one failed request an endpoint, then none.
TEST(S3Repairs, AStoreThatRejectsChecksumHeadersIsAskedOnce) {
    model::Quirks quirks;
    quirks.checksums_not_implemented = true;
    auto server = serve({.quirks = quirks});
    auto store = store_at(*server);
    for (const char* key : {"a", "b", "c"}) {
        auto put = store->put({}, {"raw", key}, "v", {.checksum = checksum_of(Checksum::Algorithm::sha256, "v")});
        ASSERT_TRUE(put) << put.error().message;
    }
    EXPECT_EQ(server->stats().of("PutObject"), 4u);
    EXPECT_EQ(server->keys("raw").size(), 3u);
}

// H02: a gateway lost the store's answer and says 503; the delete lands all the same, when nobody waits for it.
TEST(S3Repairs, AGatewaysWordForADeleteIsNeverRepeatedNorTakenForARefusal) {
    auto server = serve();
    server->seed("raw", "a", "v");
    server->script({.operation = "DeleteObject",
                    .act = Act::late_effect_answered,
                    .status = 503,
                    .body = "upstream connect error or disconnect/reset before headers"});
    RetryStore store(store_at(*server));

    auto removed = store.remove({}, {"raw", "a", {}}, {});

    ASSERT_FALSE(removed);
    EXPECT_TRUE(removed.error().unsure) << removed.error().message;
    EXPECT_EQ(server->stats().of("DeleteObject"), 1u);
    server->land_late();
    EXPECT_TRUE(server->keys("raw").empty());
}

TEST(S3Repairs, L10_AStoreThatListsOnlyInTheFirstVersionIsAskedOnce) {
    model::Quirks quirks;
    quirks.no_list_v2 = quirks.no_v1_next_marker = true;
    for (bool big_pages : {false, true}) {
        quirks.max_keys_ignored = big_pages;
        auto server = serve({.quirks = quirks});
        server->seed_many("raw", 2500, "d/%06d.json", std::string_view("v"));
        auto store = store_at(*server);
        for (int round = 0; round < 2; ++round) {
            auto all = list_all({}, *store, {.bucket = "raw", .prefix = "d/"}, {},
                                [](const ListPage&) -> Status { return {}; });
            ASSERT_TRUE(all) << all.error().message;
            EXPECT_EQ(all->objects, 2500u);
            EXPECT_EQ(all->anomalies.total(), 0u);
        }
        EXPECT_EQ(server->stats().of("ListObjectsV2"), 1u);
        EXPECT_EQ(server->stats().of("ListObjects"), big_pages ? 2u : 6u);
    }
}

TEST(S3Repairs, L10_FoldersOfAStoreThatTellsNoMarkerAreAllTold) {
    model::Quirks quirks;
    quirks.no_list_v2 = quirks.no_v1_next_marker = true;
    auto server = serve({.quirks = quirks});
    server->seed_many("raw", 30, "d/%06d/a.json", std::string_view("v"));
    server->seed_many("raw", 30, "d/%06d.json", std::string_view("v"));
    auto store = store_at(*server);
    auto all = list_all({}, *store, {.bucket = "raw", .prefix = "d/", .delimiter = "/", .max_keys = 7}, {},
                        [](const ListPage&) -> Status { return {}; });
    ASSERT_TRUE(all) << all.error().message;
    EXPECT_EQ(all->objects, 30u);
    EXPECT_EQ(all->common_prefixes, 30u);
    EXPECT_EQ(all->anomalies.total(), 0u);
}

// Gives the keys of the past until it is asked for newer ones.
class Renewing : public s3::CredentialSource {
public:
    Renewing(s3::Credentials old, s3::Credentials renewed, int& renewals)
        : now_(std::move(old)), next_(std::move(renewed)), renewals_(renewals) {}
    Result<s3::Credentials> get(const Context&) override { return now_; }
    Result<s3::Credentials> renew(const Context&, const s3::Credentials& stale) override {
        ++renewals_;
        if (next_.access_key == stale.access_key) return Error{.code = Code::credentials, .message = "no newer keys"};
        return now_ = next_;
    }

private:
    s3::Credentials now_, next_;
    int& renewals_;
};

std::unique_ptr<ObjectStore> store_with(const ModelS3& server, std::unique_ptr<s3::CredentialSource> source) {
    S3StoreOptions options{.endpoint = *s3::Endpoint::parse(server.endpoint()), .credentials = std::move(source)};
    return *make_s3_store(std::move(options));
}

// H09, H10: a token that expires in the middle costs one request, once.
TEST(S3Repairs, AnExpiredTokenIsRenewedAndTheRequestSentAgain) {
    auto server = serve();
    s3::Credentials old{.access_key = "OLD", .secret_key = "s1", .session_token = "t1"};
    s3::Credentials young{.access_key = "NEW", .secret_key = "s2", .session_token = "t2"};
    server->set_credentials({{.access_key = "OLD", .secret_key = "s1", .token = "t1", .expired = true},
                             {.access_key = "NEW", .secret_key = "s2", .token = "t2"}});
    int renewals = 0;
    auto store = store_with(*server, std::make_unique<Renewing>(old, young, renewals));
    for (const char* key : {"a", "b"})
        EXPECT_TRUE(store->put({}, {"raw", key}, "the body comes along again"));
    EXPECT_EQ(renewals, 1);
    EXPECT_EQ(server->stats().total, 3u);
    EXPECT_EQ(server->body("raw", "a"), "the body comes along again");

    auto stuck = store_with(*server, std::make_unique<Renewing>(old, old, renewals));
    auto put = stuck->put({}, {"raw", "c"}, "v");
    ASSERT_FALSE(put);
    EXPECT_EQ(put.error().code, Code::credentials);
    EXPECT_TRUE(put.error().fatal);
}

// S08: a store cannot send us, our signature or our bodies anywhere else.
TEST(S3Repairs, RedirectsToOtherHostsAreNeverFollowed) {
    auto canary = serve();
    for (int status : {301, 302, 307, 308}) {
        auto server = serve();
        model::Fault away{.operation = "PutObject", .count = -1, .act = Act::answer, .status = status};
        away.headers = {{"Location", canary->endpoint() + "/raw/a"}};
        away.body = "<Error><Code>TemporaryRedirect</Code><Endpoint>127.0.0.1:" + std::to_string(canary->port()) +
                    "</Endpoint></Error>";
        server->script(away);
        auto put = store_at(*server)->put({}, {"raw", "a"}, "v");
        ASSERT_FALSE(put) << status;
        EXPECT_LE(server->stats().total, 3u) << status;
    }
    EXPECT_EQ(canary->stats().connections, 0u);
}

TEST(S3Repairs, BucketsInTheHostNameAreSignedRight) {
    auto server = serve();
    auto endpoint = *s3::Endpoint::parse("http://localhost:" + std::to_string(server->port()));
    endpoint.addressing = s3::Addressing::virtual_host;
    auto store = *make_s3_store({.endpoint = endpoint, .credentials = s3::fixed_credentials(keys_of(*server))});
    for (const char* key : {"plain", "a b+c%2F", "//a//b/./..", "/lead", "\xc3\xbc", "q?x=1&y#z", "dir/"}) {
        ASSERT_TRUE(store->put({}, {"raw", key}, "v")) << key;
        EXPECT_EQ(*get_whole({}, *store, {"raw", key}), "v");
        auto copied = store->copy({}, {"raw", key}, {"raw", std::string("copies/") + key}, {});
        ASSERT_TRUE(copied) << copied.error().message;
        EXPECT_TRUE(server->exists("raw", key)) << key;
        EXPECT_TRUE(store->remove({}, {"raw", key}, {}));
    }
    auto page = store->list({}, {.bucket = "raw"});
    ASSERT_TRUE(page);
    EXPECT_EQ(page->objects.size(), 7u);
    EXPECT_EQ(server->stats().refused, 0u);
    auto facts = store->bucket_facts({}, "raw");
    EXPECT_TRUE(facts) << facts.error().message;
}

// H41: the first time it is a typing mistake.
TEST(S3Repairs, AHostThatNeverWasEndsTheRunAtOnce) {
    std::uint32_t repeats = 0;
    RetryOptions options;
    options.on_retry = [&](const Call&, const Error&, std::uint32_t, Nanos) { ++repeats; };
    RetryStore store(store_at("http://nowhere.invalid", {.access_key = "a", .secret_key = "s"}), options);
    auto page = store.list({}, {.bucket = "raw"});
    ASSERT_FALSE(page);
    EXPECT_TRUE(page.error().fatal);
    EXPECT_THAT(page.error().message, HasSubstr("--endpoint"));
    EXPECT_EQ(repeats, 0u);
}

TEST(S3Repairs, WhereNobodyListensIsNamedWithTheNextStep) {
    auto server = ModelS3::start();
    server->make_bucket("raw");
    const std::string endpoint = server->endpoint();
    auto store = store_at(*server);
    ASSERT_TRUE(store->list({}, {.bucket = "raw"}));
    server.reset();
    auto gone = store->list({}, {.bucket = "raw"});
    ASSERT_FALSE(gone);
    EXPECT_THAT(gone.error().message, HasSubstr(endpoint + " answered before"));
    auto never = store_at(endpoint, {.access_key = "a", .secret_key = "s"})->list({}, {.bucket = "raw"});
    ASSERT_FALSE(never);
    EXPECT_THAT(never.error().message, HasSubstr("is the store at " + endpoint + " running? check --endpoint"));
}

}  // namespace
}  // namespace dray
