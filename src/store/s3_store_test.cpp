#include "store/s3_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "model_s3/server.h"
#include "store/model_store_test.h"

namespace dray {
namespace {

using model::Act;
using model::ModelS3;
using testing::HasSubstr;
using testing::Not;

// A model server with the bucket "raw", and our store in front of it.
class S3Store : public testing::Test {
protected:
    explicit S3Store(model::Options options = {}) : server(ModelS3::start(options)) {
        server->make_bucket("raw");
        auto credential = server->options().credentials.front();
        keys = {.access_key = credential.access_key, .secret_key = credential.secret_key, .source = "the test"};
        store = store_at(server->endpoint(), keys);
    }
    std::uint64_t requests(std::string_view operation) const { return server->stats().of(operation); }

    std::unique_ptr<ModelS3> server;
    s3::Credentials keys;
    std::unique_ptr<ObjectStore> store;
    Context ctx;
};

// H53, H54, V16: what a key may hold.
std::vector<std::string> awkward_keys() {
    return {"plain",
            "a b",
            "a+b",
            "a%2Bb",
            "a%20b",
            "a=b&c?d#e",
            "hive/dt=2024-01-01/x",
            "//a",
            "/a",
            "a//b",
            "a/",
            "..",
            ".",
            "a/./b",
            "a/../b",
            " lead",
            "trail ",
            "new\nline",
            "cr\rlf",
            "tab\there",
            "\x01ctl",
            "ü",
            "u\xCC\x88",
            "\xF0\x9F\x98\x80",
            "]]>",
            "<&>\"'",
            "versionId=?versionId=x",
            std::string(1024, 'k'),
            "~!*'()",
            "%",
            "\\"};
}

TEST_F(S3Store, V16_CarriesEveryKeyByteForByteThroughEveryVerb) {
    std::set<std::string> left;
    for (const auto& key : awkward_keys()) {
        ASSERT_TRUE(store->put(ctx, {"raw", key}, "v1")) << key;
        auto head = store->head(ctx, {"raw", key});
        ASSERT_TRUE(head) << key << ": " << head.error().message;
        EXPECT_EQ(head->size, 2u);
        EXPECT_EQ(server->body("raw", key), "v1");
        auto copied = store->copy(ctx, {"raw", key}, {"raw", "copies/" + key}, {.source_if_match = head->etag});
        ASSERT_TRUE(copied || key.size() > 1017) << key << ": " << copied.error().message;
        if (copied) left.insert("copies/" + key);
        left.insert(key);
    }
    auto page = store->list(ctx, {.bucket = "raw"});
    ASSERT_TRUE(page) << page.error().message;
    std::set<std::string> listed;
    for (const auto& object : page->objects)
        listed.insert(object.key);
    EXPECT_EQ(listed, left);

    std::vector<RemoveItem> items;
    for (const auto& key : left)
        items.push_back({.key = key});
    auto verdicts = store->remove_many(ctx, "raw", items);
    ASSERT_TRUE(verdicts) << verdicts.error().message;
    EXPECT_EQ(server->stats().of("DeleteObject"), 0u) << "one call, one request";
    std::uint64_t alone = 0;
    for (std::size_t i = 0; i < items.size(); ++i) {
        const auto& verdict = (*verdicts)[i].verdict;
        if (verdict) continue;
        EXPECT_EQ(verdict.error().code, Code::unsupported) << items[i].key << ": " << verdict.error().message;
        EXPECT_EQ(server->body("raw", items[i].key), "v1") << "it was not sent";
        EXPECT_TRUE(store->remove(ctx, {"raw", items[i].key}, {})) << items[i].key;
        ++alone;
    }
    EXPECT_GT(alone, 0u);
    EXPECT_LT(alone, items.size());
    EXPECT_TRUE(server->keys("raw").empty());
    EXPECT_EQ(server->stats().refused, 0u) << "every signature must be right";
}

TEST_F(S3Store, KeepsPropertiesThroughPutHeadAndCopy) {
    Properties properties{.content_type = "application/json",
                          .content_encoding = "gzip",
                          .content_language = "de",
                          .content_disposition = "attachment",
                          .cache_control = "max-age=60",
                          .expires = "Thu, 01 Dec 2033 16:00:00 GMT",
                          .metadata = {{"a", "1"}, {"a-b", "two  words"}},
                          .tags = std::vector<NameValue>{{"k&ey", "v=al ue"}, {"x", ""}}};
    ASSERT_TRUE(store->put(ctx, {"raw", "a"}, "v1", {.properties = properties}));
    auto head = store->head(ctx, {"raw", "a"});
    ASSERT_TRUE(head);
    EXPECT_EQ(head->properties.content_type, "application/json");
    EXPECT_EQ(head->properties.expires, properties.expires);
    ASSERT_EQ(head->properties.metadata.size(), 2u);
    EXPECT_EQ(head->properties.metadata[0], (NameValue{"a", "1"}));
    EXPECT_EQ(head->properties.tag_count, 2u);
    EXPECT_EQ(*store->tags(ctx, {"raw", "a"}), *properties.tags);
    EXPECT_NE(head->store_time, WallTime{});

    ASSERT_TRUE(store->copy(ctx, {"raw", "a"}, {"raw", "b"}, {.source_if_match = head->etag}));
    EXPECT_EQ(store->head(ctx, {"raw", "b"})->properties, head->properties);
    Properties other{.content_type = "text/plain", .metadata = {{"z", "9"}}};
    ASSERT_TRUE(store->copy(ctx, {"raw", "a"}, {"raw", "c"}, {.replace = other}));
    auto replaced = store->head(ctx, {"raw", "c"});
    EXPECT_EQ(replaced->properties.content_type, "text/plain");
    EXPECT_EQ(replaced->properties.metadata, other.metadata);
    ASSERT_TRUE(store->set_tags(ctx, {"raw", "c"}, {{"n", "<&>"}}));
    EXPECT_EQ(*store->tags(ctx, {"raw", "c"}), (std::vector<NameValue>{{"n", "<&>"}}));
}

TEST_F(S3Store, ConditionsEndAsConflictOrExists) {
    auto put = store->put(ctx, {"raw", "a"}, "v1");
    ASSERT_TRUE(put);
    EXPECT_EQ(store->put(ctx, {"raw", "a"}, "v2", {.if_absent = true}).error().code, Code::exists);
    EXPECT_EQ(store->put(ctx, {"raw", "a"}, "v2", {.if_match = "other"}).error().code, Code::conflict);
    EXPECT_EQ(store->copy(ctx, {"raw", "a"}, {"raw", "b"}, {.source_if_match = "other"}).error().code, Code::conflict);
    EXPECT_EQ(store->copy(ctx, {"raw", "none"}, {"raw", "b"}, {}).error().code, Code::not_found);
    EXPECT_EQ(store->remove(ctx, {"raw", "a"}, {.if_match = "other"}).error().code, Code::conflict);
    EXPECT_EQ(store->head(ctx, {"raw", "none"}).error().code, Code::not_found);
    EXPECT_TRUE(store->remove(ctx, {"raw", "none"}, {})) << "what is not there counts as removed";
    auto missing = store->list(ctx, {.bucket = "nowhere"});
    ASSERT_FALSE(missing);
    EXPECT_TRUE(missing.error().fatal);
    EXPECT_EQ(server->body("raw", "a"), "v1");
}

TEST_F(S3Store, ReadsRangesAndRefusesToSpliceThem) {
    server->seed("raw", "a", std::string_view("0123456789"));
    auto read = [&](const GetOptions& options, std::string& bytes) {
        return store->get(ctx, {"raw", "a"}, options, [&](std::string_view part) {
            bytes.append(part);
            return Status();
        });
    };
    std::string bytes;
    auto info = read({.offset = 2, .bytes = 3}, bytes);
    ASSERT_TRUE(info) << info.error().message;
    EXPECT_EQ(bytes, "234");
    EXPECT_EQ(info->size, 10u) << "the size is the object's";
    bytes.clear();
    ASSERT_TRUE(read({.if_match = info->etag, .offset = 8, .bytes = 100}, bytes));
    EXPECT_EQ(bytes, "89");
    bytes.clear();
    EXPECT_EQ(read({.if_match = "other"}, bytes).error().code, Code::conflict);
    EXPECT_EQ(read({.offset = 10}, bytes).error().reason, "bad-range");

    // H26: the whole object for a range; H28: a body that is cut.
    server->script({.operation = "GetObject", .act = Act::answer_instead, .status = 200, .body = "0123456789"});
    EXPECT_EQ(read({.offset = 2, .bytes = 3}, bytes).error().reason, "bad-range");
    EXPECT_EQ(bytes, "") << "no byte of it may pass";
    server->script({.operation = "GetObject", .act = Act::close_in_answer, .bytes = 5});
    auto cut = read({}, bytes);
    ASSERT_FALSE(cut);
    EXPECT_EQ(cut.error().code, Code::unavailable);
    EXPECT_FALSE(cut.error().unsure);
}

TEST_F(S3Store, GivesOneVerdictAKey) {
    for (auto key : {"a", "b", "c"})
        server->seed("raw", key, std::string_view("v"));
    auto etag = store->head(ctx, {"raw", "a"})->etag;
    std::vector<RemoveItem> items = {{.key = "a", .if_match = etag}, {.key = "b", .if_match = "other"}, {.key = "c"}};
    auto verdicts = store->remove_many(ctx, "raw", items);
    ASSERT_TRUE(verdicts) << verdicts.error().message;
    EXPECT_TRUE((*verdicts)[0].verdict);
    EXPECT_EQ((*verdicts)[1].verdict.error().code, Code::conflict);
    EXPECT_TRUE((*verdicts)[2].verdict);
    EXPECT_EQ(server->keys("raw"), std::vector<std::string>{"b"});
}

TEST_F(S3Store, V15_TrustsNoBatchAnswerThatDoesNotMatchItsRequest) {
    std::vector<RemoveItem> items = {{.key = "a"}, {.key = "b"}};
    auto answered = [&](std::string body) {
        server->script({.operation = "DeleteObjects", .act = Act::answer, .status = 200, .body = std::move(body)});
        auto verdicts = store->remove_many(ctx, "raw", items);
        CHECK(verdicts.has_value());
        std::string unsure;
        for (auto& v : *verdicts)
            unsure += v.verdict ? "done " : v.verdict.error().unsure ? "unsure " : "failed ";
        return unsure;
    };
    const std::string a = "<Deleted><Key>a</Key></Deleted>", b = "<Deleted><Key>b</Key></Deleted>";
    EXPECT_EQ(answered("<DeleteResult>" + a + b + "</DeleteResult>"), "done done ");
    EXPECT_EQ(answered("<DeleteResult>" + a + "</DeleteResult>"), "done unsure ");
    EXPECT_EQ(answered("<DeleteResult>" + a + a + "</DeleteResult>"), "unsure unsure ");
    EXPECT_EQ(answered("<DeleteResult>" + a + b + "<Deleted><Key>z</Key></Deleted></DeleteResult>"), "unsure unsure ");
    EXPECT_EQ(answered("<DeleteResult>" + a + "<Error><Key>b</Key><Code>AccessDenied</Code></Error></DeleteResult>"),
              "done failed ");
    EXPECT_EQ(answered("<DeleteResult>" + a + "<Error><Key>b</Key><Code>InternalError</Code></Error></DeleteResult>"),
              "done unsure ");
}

class S3StoreTraced : public S3Store {
protected:
    S3StoreTraced() : S3Store({.trace = true}) {}
    // The headers of the last request of this operation.
    std::map<std::string, std::string> headers(std::string_view operation) const {
        std::map<std::string, std::string> found;
        for (const model::Seen& seen : server->trace())
            if (seen.operation == operation) found = seen.headers;
        return found;
    }
};

// Older servers want Content-MD5 on a batch, newer ones any checksum, and some refuse the checksum headers altogether.
TEST_F(S3StoreTraced, V17_BatchesCarryContentMd5AndNoChecksumHeaders) {
    server->set_quirks({.checksums_not_implemented = true});
    server->seed("raw", "a", std::string_view("v"));
    server->seed("raw", "b", std::string_view("v"));

    auto verdicts = store->remove_many(ctx, "raw", std::vector<RemoveItem>{{.key = "a"}, {.key = "b"}});

    ASSERT_TRUE(verdicts) << verdicts.error().message;
    EXPECT_TRUE((*verdicts)[0].verdict && (*verdicts)[1].verdict);
    EXPECT_TRUE(server->keys("raw").empty()) << "the server compares the digest with the body before it deletes";
    EXPECT_EQ(requests("DeleteObjects"), 1u);
    const auto sent = headers("DeleteObjects");
    EXPECT_TRUE(sent.contains("content-md5"));
    for (const auto& [name, value] : sent) {
        EXPECT_FALSE(name.starts_with("x-amz-checksum") || name.starts_with("x-amz-sdk-checksum")) << name;
    }
}

TEST_F(S3StoreTraced, V20_WhoPaysAndWhoOwnsTheBucketIsToldWithEveryRequestOfAMove) {
    auto endpoint = s3::Endpoint::parse(server->endpoint());
    ASSERT_TRUE(endpoint);
    auto paying = make_s3_store({.endpoint = *endpoint,
                                 .credentials = s3::fixed_credentials(keys),
                                 .request_payer = true,
                                 .expected_bucket_owner = "111122223333"});
    ASSERT_TRUE(paying);
    server->seed("raw", "a", std::string_view("v"));
    ASSERT_TRUE((*paying)->list(ctx, {.bucket = "raw"}));
    ASSERT_TRUE((*paying)->copy(ctx, {"raw", "a"}, {"raw", "b"}, {}));
    ASSERT_TRUE((*paying)->head(ctx, {"raw", "b"}));
    ASSERT_TRUE((*paying)->remove(ctx, {"raw", "b"}, {}));
    ASSERT_TRUE((*paying)->remove_many(ctx, "raw", std::vector<RemoveItem>{{.key = "a"}}));
    for (const char* operation : {"ListObjectsV2", "CopyObject", "HeadObject", "DeleteObject", "DeleteObjects"}) {
        auto sent = headers(operation);
        EXPECT_EQ(sent["x-amz-request-payer"], "requester") << operation;
        EXPECT_EQ(sent["x-amz-expected-bucket-owner"], "111122223333") << operation;
    }
    EXPECT_EQ(headers("CopyObject")["x-amz-source-expected-bucket-owner"], "111122223333");
}

TEST_F(S3Store, LostAnswersToChangesAreUnsureAndSentOnce) {
    server->seed("raw", "a", std::string_view("v"));
    server->script({.operation = "CopyObject", .act = Act::close_after_effect});
    auto copied = store->copy(ctx, {"raw", "a"}, {"raw", "b"}, {});
    ASSERT_FALSE(copied);
    EXPECT_TRUE(copied.error().unsure);
    EXPECT_EQ(requests("CopyObject"), 1u) << "no hidden repeat";
    server->script({.operation = "DeleteObject", .act = Act::close_before_effect});
    EXPECT_TRUE(store->remove(ctx, {"raw", "a"}, {}).error().unsure);
    EXPECT_EQ(requests("DeleteObject"), 1u);
    server->script({.operation = "DeleteObjects", .act = Act::close_after_effect, .reset = true});
    auto batch = store->remove_many(ctx, "raw", std::vector<RemoveItem>{{.key = "a"}});
    ASSERT_FALSE(batch);
    EXPECT_TRUE(batch.error().unsure);
    EXPECT_EQ(requests("DeleteObjects"), 1u);
}

// H38: reads and plain puts go again on a fresh connection, conditional ones and copies do not.
TEST_F(S3Store, DeadConnectionsCostNothingWhereARepeatIsHarmless) {
    server->seed("raw", "a", std::string_view("v"));
    ASSERT_TRUE(store->head(ctx, {"raw", "a"}));
    server->script({.operation = "HeadObject", .act = Act::close_before_effect});
    EXPECT_TRUE(store->head(ctx, {"raw", "a"}));
    server->script({.operation = "PutObject", .act = Act::close_before_effect});
    auto plain = store->put(ctx, {"raw", "p"}, "v");
    EXPECT_TRUE(plain) << plain.error().message;
    server->script({.operation = "PutObject", .act = Act::close_before_effect});
    auto conditional = store->put(ctx, {"raw", "q"}, "v", {.if_absent = true});
    ASSERT_FALSE(conditional);
    EXPECT_TRUE(conditional.error().unsure);
}

// H20-H23 against a server rather than a string.
TEST_F(S3Store, A200WithoutItsResultIsNeverASuccess) {
    server->seed("raw", "a", std::string_view("v"));
    server->script({.operation = "CopyObject", .act = Act::answer_instead, .status = 200, .has_body = false});
    EXPECT_TRUE(store->copy(ctx, {"raw", "a"}, {"raw", "b"}, {}).error().unsure);
    server->script({.operation = "CopyObject", .act = Act::answer, .status = 200, .code = "InternalError"});
    EXPECT_TRUE(store->copy(ctx, {"raw", "a"}, {"raw", "b"}, {}).error().unsure);
    server->script({.operation = "CopyObject", .act = Act::cut_answer, .bytes = 40});
    EXPECT_TRUE(store->copy(ctx, {"raw", "a"}, {"raw", "b"}, {}).error().unsure);
    server->script({.operation = "CopyObject", .act = Act::drip, .delay_ms = 50});
    EXPECT_TRUE(store->copy(ctx, {"raw", "a"}, {"raw", "b"}, {})) << "white space before the result is progress";
}

// H06, H08.
TEST_F(S3Store, TakesOverTheStoresClockOnce) {
    server->seed("raw", "a", std::string_view("v"));
    server->set_clock_offset_ms(20 * 60 * 1000);
    EXPECT_TRUE(store->head(ctx, {"raw", "a"}));
    EXPECT_EQ(server->stats().refused, 1u);
    EXPECT_TRUE(store->head(ctx, {"raw", "a"}));
    EXPECT_EQ(server->stats().refused, 1u) << "the offset is kept";
}

TEST_F(S3Store, EndsAfterTwoRepairs) {
    server->script(
        {.operation = "HeadObject", .count = -1, .act = Act::answer, .status = 403, .code = "RequestTimeTooSkewed"});
    server->script(
        {.operation = "ListObjectsV2", .count = -1, .act = Act::answer, .status = 403, .code = "RequestTimeTooSkewed"});
    auto page = store->list(ctx, {.bucket = "raw"});
    ASSERT_FALSE(page);
    EXPECT_EQ(page.error().code, Code::credentials);
    EXPECT_TRUE(page.error().fatal);
    EXPECT_LE(server->stats().total, 3u);
}

// H11: one request, and no secret in the message.
TEST_F(S3Store, AWrongSecretEndsTheRunAtOnce) {
    auto stranger = store_at(server->endpoint(), {.access_key = keys.access_key, .secret_key = "hunter2hunter2"});
    auto page = stranger->list(ctx, {.bucket = "raw"});
    ASSERT_FALSE(page);
    EXPECT_EQ(page.error().code, Code::credentials);
    EXPECT_TRUE(page.error().fatal);
    EXPECT_THAT(page.error().message, HasSubstr("secret key"));
    EXPECT_THAT(page.error().message, Not(HasSubstr("hunter2")));
    EXPECT_EQ(server->stats().total, 1u);
}

// H14: one extra request a bucket, not a key.
class S3StoreElsewhere : public S3Store {
protected:
    S3StoreElsewhere() : S3Store({.region = "eu-west-3"}) {}
};
TEST_F(S3StoreElsewhere, FindsTheBucketsRegionOnce) {
    for (auto key : {"a", "b", "c"}) {
        auto put = store->put(ctx, {"raw", key}, "v");
        EXPECT_TRUE(put) << put.error().message;
    }
    EXPECT_EQ(server->stats().total, 4u);
}

// H15: a store that names a region and then refuses it too.
TEST_F(S3Store, EndsWhereARegionLeadsNowhere) {
    server->change_bucket("raw", [](model::Bucket& bucket) { bucket.region = "eu-west-3"; });
    auto put = store->put(ctx, {"raw", "a"}, "v");
    ASSERT_FALSE(put);
    EXPECT_EQ(put.error().reason, "wrong-region");
    EXPECT_TRUE(put.error().fatal);
    EXPECT_LE(server->stats().total, 3u);
}

TEST_F(S3Store, UploadsInPartsAndCopiesParts) {
    std::string five(5 << 20, 'x');
    auto upload = store->create_upload(ctx, {"raw", "big"}, {.properties = {.content_type = "x/y"}});
    ASSERT_TRUE(upload) << upload.error().message;
    auto source = bytes_source(five);
    auto first = store->upload_part(ctx, *upload, 1, *source);
    ASSERT_TRUE(first) << first.error().message;
    server->seed("raw", "tail", std::string_view("0123456789"));
    auto second = store->copy_part(ctx, *upload, 2, {.from = {"raw", "tail"}, .offset = 2, .bytes = 3});
    ASSERT_TRUE(second) << second.error().message;
    auto uploads = store->uploads(ctx, "raw", "");
    ASSERT_TRUE(uploads);
    ASSERT_EQ(uploads->size(), 1u);
    EXPECT_EQ((*uploads)[0].id, upload->id);
    auto told = store->parts(ctx, *upload);
    ASSERT_TRUE(told);
    ASSERT_EQ(told->size(), 2u);
    EXPECT_EQ((*told)[0].size, five.size());

    std::vector<Part> parts = {*first, *second};
    auto done = store->complete_upload(ctx, *upload, parts, {.size = five.size() + 3});
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_EQ(server->body("raw", "big"), five + "234");
    EXPECT_EQ(store->complete_upload(ctx, *upload, parts, {}).error().code, Code::not_found);
    EXPECT_TRUE(store->abort_upload(ctx, *upload)) << "an unknown upload counts as aborted";
}

TEST_F(S3Store, ReadsTheBucketsFacts) {
    auto facts = store->bucket_facts(ctx, "raw");
    ASSERT_TRUE(facts) << facts.error().message;
    EXPECT_EQ(facts->website, false);
    EXPECT_EQ(facts->object_lock, false);
    EXPECT_EQ(facts->versioned, false);
    EXPECT_LE(server->stats().total, 5u);
    EXPECT_TRUE(store->bucket_facts(ctx, "nowhere").error().fatal);
}

TEST_F(S3Store, TellsTheMarkerThatARemovalPutOnTop) {
    server->make_bucket("kept", model::Versioning::enabled);
    server->seed("kept", "a", std::string_view("v"));
    server->seed("kept", "b", std::string_view("v"));
    auto removed = store->remove(ctx, {"kept", "a"}, {});
    ASSERT_TRUE(removed);
    EXPECT_TRUE(removed->delete_marker);
    EXPECT_NE(removed->version, "");
    auto batch = store->remove_many(ctx, "kept", std::vector<RemoveItem>{{.key = "b"}});
    ASSERT_TRUE(batch);
    ASSERT_TRUE((*batch)[0].verdict);
    EXPECT_TRUE((*batch)[0].verdict->delete_marker);
    EXPECT_NE((*batch)[0].verdict->version, "");
    EXPECT_EQ(store->head(ctx, {"kept", "a"}).error().code, Code::not_found);
}

TEST_F(S3Store, UsesAsManyConnectionsAsWorkersAndNoMore) {
    std::vector<std::thread> workers;
    for (int w = 0; w < 16; ++w) {
        workers.emplace_back([&, w] {
            for (int i = 0; i < 30; ++i) {
                auto key = std::to_string(w) + "/" + std::to_string(i);
                EXPECT_TRUE(store->put({}, {"raw", key}, "v"));
                EXPECT_TRUE(store->head({}, {"raw", key}));
            }
        });
    }
    for (auto& worker : workers)
        worker.join();
    EXPECT_LE(server->stats().connections, 16u);
    EXPECT_EQ(server->stats().total, 960u);
}

TEST_F(S3Store, ListsPageByPageAndByFolder) {
    server->seed_many("raw", 2500, "d/%06d.json", std::string_view("v"));
    std::size_t listed = 0;
    ListRequest request{.bucket = "raw", .prefix = "d/"};
    for (;;) {
        auto page = store->list(ctx, request);
        ASSERT_TRUE(page) << page.error().message;
        listed += page->objects.size();
        if (!page->truncated) break;
        request.continuation = page->next;
    }
    EXPECT_EQ(listed, 2500u);
    EXPECT_EQ(requests("ListObjectsV2"), 3u);
    auto folders = store->list(ctx, {.bucket = "raw", .delimiter = "/"});
    ASSERT_TRUE(folders);
    EXPECT_EQ(folders->common_prefixes, std::vector<std::string>{"d/"});
    auto after = store->list(ctx, {.bucket = "raw", .start_after = "d/002498.json"});
    ASSERT_TRUE(after);
    ASSERT_EQ(after->objects.size(), 1u);
}

}  // namespace
}  // namespace dray
