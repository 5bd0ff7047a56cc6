#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/client_rig.h"

namespace dray::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

TEST(HttpClient, SendsOneRequestAndGivesTheAnswer) {
    TestServer server([](Peer& peer) {
        peer.request();
        peer.send("HTTP/1.1 200 OK\r\nETag: \"x\"\r\nContent-Length: 5\r\n\r\nhello");
        peer.hold();
    });
    auto exchange = make_client()->send({}, get(server, "/b/a%20b//c/./../d?list-type=2"));

    EXPECT_EQ(exchange.fault, Fault::none) << exchange.detail;
    EXPECT_EQ(exchange.phase, Phase::complete);
    EXPECT_EQ(exchange.status, 200);
    EXPECT_EQ(exchange.body, "hello");
    EXPECT_EQ(find(exchange.headers, "etag"), "\"x\"");
    ASSERT_THAT(server.requests(), SizeIs(1));
    EXPECT_THAT(server.requests()[0], StartsWith("GET /b/a%20b//c/./../d?list-type=2 HTTP/1.1\r\n"))
        << "the path goes out byte for byte";
}

TEST(HttpClient, SendsBodiesFromMemoryAndFromASourceWithoutExpectOrAContentTypeOfItsOwn) {
    TestServer server([](Peer& peer) {
        while (!peer.request().empty())
            peer.answer("");
    });
    auto client = make_client();
    std::string big(3 << 20, 'x');
    Text source(big);
    EXPECT_TRUE(client->send({}, put(server, "small")).complete());
    EXPECT_TRUE(client->send({}, put(server, "")).complete());
    EXPECT_TRUE(client->send({}, put(server, big)).complete());
    EXPECT_TRUE(client->send({}, {.method = "PUT", .url = server.url(), .source = &source}).complete());

    auto requests = server.requests();
    ASSERT_THAT(requests, SizeIs(4));
    EXPECT_THAT(requests[0], HasSubstr("\r\n\r\nsmall"));
    EXPECT_THAT(requests[1], HasSubstr("Content-Length: 0\r\n"));
    for (const auto& request : requests) {
        EXPECT_THAT(request.substr(0, 500), Not(HasSubstr("Expect")));
        EXPECT_THAT(request.substr(0, 500), Not(HasSubstr("Content-Type")));
    }
    EXPECT_EQ(requests[2].size() - requests[2].find("\r\n\r\n") - 4, big.size());
    EXPECT_EQ(requests[3].size() - requests[3].find("\r\n\r\n") - 4, big.size());
    EXPECT_EQ(server.connections(), 1u);
}

TEST(HttpClient, AnswersToHeadHaveNoBodyWhateverTheirLengthSays) {
    TestServer server([](Peer& peer) {
        while (!peer.request().empty())
            peer.send("HTTP/1.1 200 OK\r\nContent-Length: 12345\r\n\r\n");
    });
    auto client = make_client();
    for (int i = 0; i < 2; ++i) {
        auto exchange = client->send({}, {.method = "HEAD", .url = server.url(), .changes = false});
        EXPECT_EQ(exchange.fault, Fault::none) << exchange.detail;
        EXPECT_EQ(find(exchange.headers, "Content-Length"), "12345");
    }
    EXPECT_EQ(server.connections(), 1u);
}

TEST(HttpClient, ChangesMethodsOnOneConnectionWithoutLeftovers) {
    TestServer server([](Peer& peer) {
        while (!peer.request().empty())
            peer.answer("");
    });
    auto client = make_client();
    Text source("abc");
    EXPECT_TRUE(client->send({}, {.method = "PUT", .url = server.url(), .source = &source}).complete());
    EXPECT_TRUE(client->send({}, get(server)).complete());
    EXPECT_TRUE(client->send({}, {.method = "POST", .url = server.url(), .body = "<x/>"}).complete());
    EXPECT_TRUE(client->send({}, {.method = "DELETE", .url = server.url()}).complete());
    auto requests = server.requests();
    ASSERT_THAT(requests, SizeIs(4));
    EXPECT_THAT(requests[1], Not(HasSubstr("Content-Length")));
    EXPECT_THAT(requests[2], StartsWith("POST "));
    EXPECT_THAT(requests[3], StartsWith("DELETE "));
    EXPECT_THAT(requests[3], Not(HasSubstr("Transfer-Encoding")));
}

TEST(HttpClient, GivesTheBodyOfASuccessToTheSinkAndKeepsTheBodyOfAnError) {
    TestServer server([](Peer& peer) {
        peer.request();
        peer.answer("payload");
        peer.request();
        peer.answer("<Error/>", "404 Not Found");
        peer.hold();
    });
    auto client = make_client();
    Collected sink;
    auto request = get(server);
    request.sink = &sink;
    auto good = client->send({}, request);
    EXPECT_EQ(sink.text, "payload");
    EXPECT_EQ(good.body, "");
    EXPECT_EQ(good.body_bytes, 7u);
    auto bad = client->send({}, request);
    EXPECT_EQ(bad.body, "<Error/>");
    EXPECT_EQ(sink.text, "payload");
}

TEST(HttpClient, AFailingSinkEndsTheExchangeWithItsError) {
    TestServer server([](Peer& peer) {
        peer.request();
        peer.answer("payload");
        peer.hold();
    });
    Collected sink;
    sink.full = true;
    auto request = get(server);
    request.sink = &sink;
    auto exchange = make_client()->send({}, request);
    EXPECT_EQ(exchange.fault, Fault::sink);
    EXPECT_EQ(exchange.local_error.message, "the disk is full");
}

TEST(HttpClient, ASinkMayRefuseTheBodyByItsHeaders) {
    struct Picky : Collected {
        Status begin(int status, const Headers& headers) override {
            seen = status;
            if (find(headers, "content-range").empty()) return Error{.code = Code::corrupt, .message = "no range"};
            return {};
        }
        int seen = 0;
    };
    TestServer server([](Peer& peer) {
        peer.request();
        peer.answer("payload");
        peer.hold();
    });
    Picky sink;
    auto request = get(server);
    request.sink = &sink;
    auto exchange = make_client()->send({}, request);
    EXPECT_EQ(exchange.fault, Fault::sink);
    EXPECT_EQ(sink.seen, 200);
    EXPECT_EQ(sink.text, "") << "no byte of a refused body may reach the sink";
}

struct Broken {
    std::string_view name;
    std::string_view answer;
    Fault fault;
    Phase phase;
};
void PrintTo(const Broken& broken, std::ostream* out) {
    *out << broken.name;
}
class BrokenAnswers : public testing::TestWithParam<Broken> {};

TEST_P(BrokenAnswers, AreNamedAndNeverTakenForWhole) {
    TestServer server([](Peer& peer) {
        peer.request();
        peer.send(GetParam().answer);
    });
    auto exchange = make_client()->send({}, put(server, "body"));
    EXPECT_EQ(exchange.fault, GetParam().fault) << name_of(exchange.fault) << ": " << exchange.detail;
    EXPECT_EQ(exchange.phase, GetParam().phase);
    EXPECT_THAT(server.requests(), SizeIs(1));
}

const std::string kLongLine = "HTTP/1.1 200 OK\r\nX: " + std::string(70 << 10, 'x') + "\r\nContent-Length: 0\r\n\r\n";
const std::string kManyHeaders = [] {
    std::string text = "HTTP/1.1 200 OK\r\n";
    for (int i = 0; i < 10'000; ++i)
        text += "X-Padding-" + std::to_string(i) + ": 0123456789012345678901234567\r\n";
    return text + "Content-Length: 0\r\n\r\n";
}();

INSTANTIATE_TEST_SUITE_P(
    H28H30H46, BrokenAnswers,
    testing::Values(
        Broken{"no answer", "", Fault::reset, Phase::sent},
        Broken{"half a status line", "HTTP/1.1 20", Fault::reset, Phase::sent},
        Broken{"half the headers", "HTTP/1.1 200 OK\r\nETag: x\r\n", Fault::truncated, Phase::answering},
        Broken{"no body", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", Fault::truncated, Phase::answering},
        Broken{"half a body", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe", Fault::truncated, Phase::answering},
        Broken{"no last chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n", Fault::truncated,
               Phase::answering},
        Broken{"bad chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhe\r\n", Fault::malformed,
               Phase::answering},
        Broken{"not HTTP", "SSH-2.0-OpenSSH_9.2\r\n", Fault::malformed, Phase::sent},
        Broken{"negative length", "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", Fault::malformed, Phase::answering},
        Broken{"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", Fault::malformed,
               Phase::answering},
        Broken{"length and chunks",
               "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", Fault::malformed,
               Phase::answering},
        Broken{"long line", kLongLine, Fault::malformed, Phase::answering},
        Broken{"many headers", kManyHeaders, Fault::malformed, Phase::answering},
        Broken{"control byte", "HTTP/1.1 200 OK\r\nX: a\x01z\r\nContent-Length: 0\r\n\r\n", Fault::malformed,
               Phase::answering}),
    [](const testing::TestParamInfo<Broken>& param) {
        std::string name(param.param.name);
        for (char& c : name)
            c = c == ' ' ? '_' : c;
        return name;
    });

TEST(HttpClient, SkipsInterimAnswers) {
    TestServer server([](Peer& peer) {
        peer.request();
        peer.send("HTTP/1.1 100 Continue\r\nX: old\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n");
        peer.answer("done");
        peer.hold();
    });
    auto exchange = make_client()->send({}, put(server, "x"));
    EXPECT_EQ(exchange.status, 200);
    EXPECT_EQ(exchange.body, "done");
    EXPECT_FALSE(has(exchange.headers, "X"));
}

// H30, H39: bytes behind an answer, or ahead of the next request, must never become the next answer.
TEST(HttpClient, NeverReadsLeftoverBytesAsTheNextAnswer) {
    TestServer server([](Peer& peer) {
        while (!peer.request().empty()) {
            peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
        }
    });
    auto client = make_client();
    for (int i = 0; i < 10; ++i) {
        auto exchange = client->send({}, get(server));
        EXPECT_TRUE(exchange.body == "ok" || !exchange.complete()) << exchange.body;
    }
    EXPECT_GE(server.connections(), 10u);
}

TEST(HttpClient, StopsSendingWhenTheAnswerComesEarly) {
    TestServer server([](Peer& peer) {
        peer.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
        peer.hold();
    });
    Text source(std::string(8 << 20, 'x'));
    auto exchange = make_client()->send({}, {.method = "PUT", .url = server.url(), .source = &source});
    EXPECT_EQ(exchange.status, 403);
    EXPECT_EQ(exchange.body, "no");
}

TEST(HttpClient, GivesUpOnSilenceAtEachStage) {
    TestServer server([](Peer& peer) {
        auto request = peer.request();
        if (request.starts_with("GET /body")) peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
        peer.hold();
    });
    auto client = make_client();
    auto request = get(server, "/first");
    request.timeouts = {.first_byte = seconds(1), .idle = seconds(30)};
    auto silent = client->send({}, request);
    EXPECT_EQ(silent.fault, Fault::stalled);
    EXPECT_EQ(silent.phase, Phase::sent);
    request = get(server, "/body");
    request.timeouts = {.first_byte = seconds(30), .idle = seconds(1)};
    auto halfway = client->send({}, request);
    EXPECT_EQ(halfway.fault, Fault::stalled);
    EXPECT_EQ(halfway.phase, Phase::answering);
}

TEST(HttpClient, GivesUpOnATrickle) {
    TestServer server([](Peer& peer) {
        peer.request();
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
        while (peer.still_there(milliseconds(20)) && peer.send("x")) {
        }
    });
    auto request = get(server);
    request.timeouts = {.slow = seconds(1)};
    auto exchange = make_client()->send({}, request);
    EXPECT_EQ(exchange.fault, Fault::stalled);
    EXPECT_THAT(exchange.detail, HasSubstr("1 KiB/s"));
}

TEST(HttpClient, AStopEndsTheWaitAtOnce) {
    StopSource stop;
    TestServer server([&](Peer& peer) {
        peer.request();
        stop.trigger();
        peer.hold();
    });
    auto exchange = make_client()->send(Context(&stop), put(server, "x"));
    EXPECT_EQ(exchange.fault, Fault::stopped);
    EXPECT_EQ(exchange.phase, Phase::sent);
}

TEST(HttpClient, NothingLeavesAfterAStop) {
    StopSource stop;
    stop.trigger();
    TestServer server([](Peer& peer) { peer.request(); });
    auto exchange = make_client()->send(Context(&stop), put(server, "x"));
    EXPECT_EQ(exchange.fault, Fault::stopped);
    EXPECT_EQ(exchange.phase, Phase::unsent);
    EXPECT_THAT(server.requests(), SizeIs(0));
}

TEST(HttpClient, ADeadlineEndsTheWait) {
    TestServer server([](Peer& peer) {
        peer.request();
        peer.hold();
    });
    auto exchange = make_client()->send(Context().within(milliseconds(50)), put(server, "x"));
    EXPECT_EQ(exchange.fault, Fault::deadline);
    EXPECT_EQ(exchange.phase, Phase::sent);
}

TEST(HttpClient, BoundsACollectedBody) {
    TestServer server([](Peer& peer) {
        peer.request();
        peer.answer(std::string(100'000, 'x'));
        peer.hold();
    });
    auto request = get(server);
    request.max_body = 50'000;
    EXPECT_EQ(make_client()->send({}, request).fault, Fault::too_large);
}

TEST(HttpClient, RefusesWhatWouldSmuggleASecondRequest) {
    TestServer server([](Peer& peer) { peer.request(); });
    auto client = make_client();
    auto request = get(server);
    request.headers = {{"X-Amz-Meta-A", "x\r\nEvil: yes"}};
    EXPECT_EQ(client->send({}, request).fault, Fault::unsendable);
    request.headers.clear();
    request.url += "a b";
    EXPECT_EQ(client->send({}, request).fault, Fault::unsendable);
    EXPECT_THAT(server.requests(), SizeIs(0));
}

TEST(HttpClient, SendsHeadersWithoutAValue) {
    TestServer server([](Peer& peer) {
        peer.request();
        peer.answer("");
    });
    auto request = get(server);
    request.headers = {{"x-amz-meta-empty", ""}, {"x-amz-meta-a", "1"}};
    EXPECT_TRUE(make_client()->send({}, request).complete());
    ASSERT_THAT(server.requests(), SizeIs(1));
    EXPECT_THAT(server.requests()[0], HasSubstr("x-amz-meta-empty:\r\nx-amz-meta-a: 1\r\n"));
}

}  // namespace
}  // namespace dray::http
