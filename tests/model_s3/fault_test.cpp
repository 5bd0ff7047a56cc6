#include "fault.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "client.h"
#include "digest.h"
#include "http.h"
#include "server.h"

namespace dray::model {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Faults : public ::testing::Test {
protected:
    std::unique_ptr<ModelS3> server = ModelS3::start({.trace = true, .control = true});
    Client client{server->port()};
    void SetUp() override {
        server->make_bucket("box");
        client.close_each = true;
    }
    int put(const std::string& key, const std::string& body = "v") {
        return client.send("PUT", "/box/" + key, body).status;
    }
};

TEST_F(Faults, ARuleSkipsActsAndIsUsedUp) {
    server->script({.operation = "PutObject",
                    .key = "x",
                    .skip = 1,
                    .count = 2,
                    .act = Act::answer,
                    .status = 503,
                    .code = "SlowDown",
                    .headers = {{"retry-after", "1"}}});
    EXPECT_EQ(put("other"), 200);
    EXPECT_EQ(put("x1"), 200);
    const Reply slow = client.send("PUT", "/box/x2", "v");
    EXPECT_EQ(slow.status, 503);
    EXPECT_THAT(slow.body, HasSubstr("<Code>SlowDown</Code>"));
    EXPECT_EQ(slow.header("retry-after"), "1");
    EXPECT_EQ(put("x3"), 503);
    EXPECT_EQ(put("x4"), 200);
    EXPECT_FALSE(server->exists("box", "x2"));
    EXPECT_EQ(server->stats().faults, 2U);
    EXPECT_EQ(server->stats().of("PutObject"), 5U);
}

TEST_F(Faults, AShareOfRequestsIsSpreadEvenly) {
    server->script({.count = -1, .percent = 30, .act = Act::answer});
    int failed = 0;
    for (int i = 0; i < 100; ++i)
        failed += put("k") == 503;
    EXPECT_EQ(failed, 30);
}

TEST_F(Faults, TheConnectionEndsBeforeOrAfterTheEffect) {
    server->script({.key = "unread", .act = Act::close_before_reading});
    server->script({.key = "partly", .act = Act::close_in_request, .bytes = 1, .reset = true});
    server->script({.key = "before", .act = Act::close_before_effect});
    server->script({.key = "after", .act = Act::close_after_effect});
    for (const char* key : {"unread", "partly", "before"}) {
        EXPECT_EQ(put(key), 0) << key;
        EXPECT_FALSE(server->exists("box", key)) << key;
    }
    EXPECT_EQ(put("after"), 0);
    EXPECT_TRUE(server->exists("box", "after"));
}

TEST_F(Faults, ALateRequestLandsWhenTheTestSaysSo) {
    server->seed("box", "a", "v");
    server->script({.operation = "DeleteObject", .act = Act::late_effect});
    EXPECT_EQ(client.send("DELETE", "/box/a").status, 0);
    EXPECT_TRUE(server->exists("box", "a"));
    EXPECT_EQ(server->waiting_late(), 1U);
    EXPECT_EQ(server->land_late(), std::vector<int>{204});
    EXPECT_FALSE(server->exists("box", "a"));
    EXPECT_EQ(server->waiting_late(), 0U);
}

TEST_F(Faults, ARepeatedRequestIsAnsweredByItsSecondRun) {
    server->script({.act = Act::twice});
    EXPECT_EQ(client.send("PUT", "/box/a", "v", {{"if-none-match", "*"}}).status, 412);
    EXPECT_EQ(server->body("box", "a"), "v");
}

TEST_F(Faults, SuccessCanBeToldAsErrorAndErrorAsSuccess) {
    server->script({.key = "a", .act = Act::answer_instead, .status = 500, .code = "InternalError"});
    server->script({.key = "b", .act = Act::answer, .status = 200, .code = "InternalError"});
    server->script({.key = "c", .act = Act::answer_instead, .status = 200, .has_body = false});
    EXPECT_EQ(put("a"), 500);
    EXPECT_TRUE(server->exists("box", "a"));
    const Reply error = client.send("PUT", "/box/b", "v");
    EXPECT_EQ(error.status, 200);
    EXPECT_THAT(error.body, HasSubstr("<Error>"));
    EXPECT_EQ(client.send("GET", "/box/c").body, "");
}

TEST_F(Faults, AnAnswerIsCutTruncatedOrDamagedWhereTheRuleSays) {
    server->seed("box", "a", "0123456789");
    server->script({.act = Act::close_in_answer, .bytes = 4});
    const Reply cut = client.send("GET", "/box/a");
    EXPECT_EQ(cut.header("content-length"), "10");
    EXPECT_EQ(cut.body, "0123");
    EXPECT_FALSE(cut.complete);
    server->script({.act = Act::close_in_answer, .bytes = 0});
    EXPECT_EQ(client.send("GET", "/box/a").body, "");
    server->script({.act = Act::cut_answer, .bytes = 4});
    const Reply shorter = client.send("GET", "/box/a");
    EXPECT_EQ(shorter.body, "0123");
    EXPECT_TRUE(shorter.complete);
    server->script({.act = Act::flip_answer_bit, .bytes = 8});
    EXPECT_EQ(client.send("GET", "/box/a").body, "0023456789");
    EXPECT_EQ(server->body("box", "a"), "0123456789");
}

TEST_F(Faults, ABitFlippedOnTheWireIsFoundByThePayloadHash) {
    server->script({.act = Act::flip_request_bit, .bytes = 3});
    EXPECT_THAT(client.send("PUT", "/box/a", "hello").body, HasSubstr("XAmzContentSHA256Mismatch"));
    EXPECT_FALSE(server->exists("box", "a"));
}

TEST_F(Faults, WhiteSpaceDripsBeforeTheResult) {
    server->seed("box", "a", "v");
    const Client::Headers copy = {{"x-amz-copy-source", "/box/a"}};
    server->script({.act = Act::drip, .delay_ms = 20});
    const Reply good = client.send("PUT", "/box/b", "", copy);
    EXPECT_TRUE(good.complete);
    EXPECT_THAT(good.body, ::testing::ContainsRegex("<\\?xml[^>]*\\?>\n +<CopyObjectResult"));
    server->script({.act = Act::drip, .code = "InternalError", .delay_ms = 20});
    const Reply bad = client.send("PUT", "/box/c", "", copy);
    EXPECT_EQ(bad.status, 200);
    EXPECT_THAT(bad.body, HasSubstr("<Error><Code>InternalError</Code>"));
    server->script({.act = Act::drip_then_close, .delay_ms = 20});
    EXPECT_FALSE(client.send("PUT", "/box/d", "", copy).complete);
    EXPECT_TRUE(server->exists("box", "d"));
}

TEST_F(Faults, PausesAndTricklesDeliverEverythingLater) {
    server->seed("box", "a", "0123456789");
    server->script({.act = Act::pause, .bytes = 5, .delay_ms = 30});
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_EQ(client.send("GET", "/box/a").body, "0123456789");
    EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(25));
    server->script({.act = Act::trickle, .bytes = 3, .delay_ms = 1});
    EXPECT_EQ(client.send("GET", "/box/a").body, "0123456789");
}

TEST_F(Faults, ADelayedAnswerHoldsUpNobodyElse) {
    server->script({.key = "slow", .delay_ms = 60'000});
    Client slow(server->port());
    std::thread waiting([&] { EXPECT_EQ(slow.send("PUT", "/box/slow", "v").status, 0); });
    while (!server->exists("box", "slow"))
        std::this_thread::yield();
    EXPECT_EQ(put("fast"), 200);
    server.reset();
    waiting.join();
}

TEST_F(Faults, EarlyAnswersComeBeforeTheBodyIsRead) {
    server->script({.act = Act::answer_early, .status = 503, .code = "SlowDown"});
    std::string bytes = client.sign("PUT", "/box/a", std::string(1 << 20, 'x'), {});
    bytes.resize(bytes.find("\r\n\r\n") + 4);
    EXPECT_EQ(client.exchange(bytes).status, 503);
}

TEST_F(Faults, ExpectContinueIsAnsweredAndChunkedBodiesAreRead) {
    std::string bytes = client.sign("PUT", "/box/a", "hello", {});
    bytes.replace(bytes.find("content-length: 5"), 17, "expect: 100-continue\r\ntransfer-encoding: chunked");
    bytes.replace(bytes.rfind("hello"), 5, "2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n");
    EXPECT_EQ(client.exchange(bytes).status, 200);
    EXPECT_EQ(server->body("box", "a"), "hello");
}

TEST_F(Faults, HooksRunAroundTheEffect) {
    server->seed("box", "a", "v1");
    server->script({.operation = "CopyObject",
                    .before_effect = [&](const Call& call) { server->seed(call.bucket, "a", "changed"); },
                    .after_effect = [&](const Call&, Answer& answer) { answer.set("x-seen", "yes"); }});
    EXPECT_EQ(client.send("PUT", "/box/b", "", {{"x-amz-copy-source", "/box/a"}}).header("x-seen"), "yes");
    EXPECT_EQ(server->body("box", "b"), "changed");
}

TEST_F(Faults, ListingsLoseRepeatAndRefuseTokens) {
    server->seed_many("box", 4, "%d", "v");
    auto list = [&](const std::string& more = {}) {
        return client.send("GET", "/box?list-type=2&max-keys=2" + more).body;
    };
    const std::string first = list();
    const std::size_t at = first.find("<NextContinuationToken>") + 23;
    const std::string token = first.substr(at, first.find('<', at) - at);
    std::string query = "&continuation-token=";
    percent_encode(token, false, query);
    server->script({.act = Act::no_token});
    EXPECT_THAT(list(), Not(HasSubstr("NextContinuationToken")));
    server->script({.act = Act::same_token});
    EXPECT_THAT(list(query), HasSubstr("<NextContinuationToken>" + token + "<"));
    server->script({.act = Act::repeat_page});
    EXPECT_THAT(list(query), HasSubstr("<Key>0</Key>"));
    server->script({.act = Act::empty_page});
    const std::string empty = list(query);
    EXPECT_THAT(empty, Not(HasSubstr("<Key>")));
    EXPECT_THAT(empty, HasSubstr("<IsTruncated>true</IsTruncated>"));
    server->script({.act = Act::refuse_token});
    EXPECT_THAT(list(), HasSubstr("<Key>0</Key>"));
    EXPECT_THAT(list(query), HasSubstr("InvalidArgument"));
    EXPECT_THAT(list(query), HasSubstr("<Key>3</Key>"));
}

TEST_F(Faults, RawBytesAreSentAsTheyAre) {
    server->script({.act = Act::raw, .body = "HTTP/1.1 299 Odd\r\ncontent-length: 2\r\n\r\nok, and more"});
    const Reply reply = client.send("GET", "/box/a");
    EXPECT_EQ(reply.status, 299);
    EXPECT_EQ(reply.body, "ok");
}

TEST_F(Faults, IdleConnectionsAreClosedOnDemandAndConnectionsAreCounted) {
    client.close_each = false;
    client.reconnect();
    server->reset_stats();
    EXPECT_EQ(put("a"), 200);
    EXPECT_EQ(put("b"), 200);
    EXPECT_EQ(server->stats().max_open, 1U);
    server->close_idle();
    EXPECT_TRUE(client.closed());
}

TEST_F(Faults, TheTraceNamesWhatWasAskedAndAnswered) {
    put("a");
    client.send("GET", "/box/none");
    const auto trace = server->trace();
    ASSERT_EQ(trace.size(), 2U);
    EXPECT_EQ(trace[0].operation, "PutObject");
    EXPECT_EQ(trace[1].key, "none");
    EXPECT_EQ(trace[1].status, 404);
}

TEST_F(Faults, TheControlEndpointsTakeRulesAndGiveCounters) {
    auto plain = [&](const std::string& method, const std::string& path, const std::string& body) {
        client.reconnect();
        return client.exchange(method + " " + path + " HTTP/1.1\r\nhost: x\r\ncontent-length: " +
                               std::to_string(body.size()) + "\r\n\r\n" + body);
    };
    EXPECT_EQ(plain("POST", "/_model/faults",
                    R"([{"operation":"PutObject","act":"answer","status":503,"headers":{"retry-after":"2"}}])")
                  .status,
              200);
    EXPECT_EQ(plain("POST", "/_model/faults", R"({"act":"unheard-of"})").status, 400);
    const Reply slow = client.send("PUT", "/box/a", "v");
    EXPECT_EQ(slow.status, 503);
    EXPECT_EQ(slow.header("retry-after"), "2");
    EXPECT_THAT(plain("GET", "/_model/stats", "").body, HasSubstr("\"PutObject\":1"));
    EXPECT_EQ(plain("POST", "/_model/reset", "").status, 200);
    EXPECT_THAT(plain("GET", "/_model/stats", "").body, HasSubstr("\"total\":0"));
}

}  // namespace
}  // namespace dray::model
