// Which connection a request goes out on, what becomes of it when that one dies, and the way through proxies.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <semaphore>
#include <thread>

#include "http/client_rig.h"

namespace dray::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::SizeIs;
using testing::StartsWith;

TEST(HttpClient, UsesTheWarmestConnectionAndNeverMoreThanCallsInFlight) {
    TestServer server([](Peer& peer) {
        while (!peer.request().empty())
            peer.answer("");
    });
    auto client = make_client();
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i < 50; ++i)
                EXPECT_TRUE(client->send({}, get(server)).complete());
        });
    }
    for (auto& thread : threads)
        thread.join();
    EXPECT_LE(server.connections(), 8u);
    auto counters = client->counters();
    EXPECT_EQ(counters.requests, 400u);
    EXPECT_LE(counters.connections_open_most, 8u);
    EXPECT_EQ(counters.connections_opened, server.connections());

    auto before = server.connections();
    for (int i = 0; i < 20; ++i)
        EXPECT_TRUE(client->send({}, get(server)).reused_connection);
    EXPECT_EQ(server.connections(), before);
}

TEST(HttpClient, TwoHostsUsedInTurnKeepTheirConnections) {
    auto script = [](Peer& peer) {
        while (!peer.request().empty())
            peer.answer("");
    };
    TestServer one(script), other(script);
    auto client = make_client();
    for (int i = 0; i < 5; ++i) {
        EXPECT_TRUE(client->send({}, get(one)).complete());
        EXPECT_TRUE(client->send({}, get(other)).complete());
    }
    EXPECT_EQ(one.connections(), 1u);
    EXPECT_EQ(other.connections(), 1u);
}

// H38 and rule R3.
TEST(HttpClient, NeverSendsAChangingRequestTwiceWhenAReusedConnectionDies) {
    TestServer server([](Peer& peer) {
        peer.request();
        peer.answer("");
        peer.request();  // the second one is taken, and the connection closed without a byte
    });
    auto client = make_client();
    ASSERT_TRUE(client->send({}, put(server, "one")).complete());
    auto exchange = client->send({}, put(server, "two"));

    EXPECT_EQ(exchange.fault, Fault::dead_connection) << exchange.detail;
    EXPECT_EQ(exchange.phase, Phase::sent);
    EXPECT_THAT(server.requests(), SizeIs(2)) << "the hidden repeat must not reach the server";
}

TEST(HttpClient, NeverSendsABodyFromASourceTwiceEither) {
    TestServer server([](Peer& peer) {
        peer.request();
        peer.answer("");
        peer.request();
    });
    auto client = make_client();
    ASSERT_TRUE(client->send({}, put(server, "one")).complete());
    Text source("two");
    auto exchange = client->send({}, {.method = "PUT", .url = server.url(), .source = &source});
    EXPECT_EQ(exchange.fault, Fault::dead_connection) << exchange.detail;
    EXPECT_EQ(exchange.phase, Phase::sent);
    EXPECT_THAT(server.requests(), SizeIs(2));
}

TEST(HttpClient, RepeatsAReadingRequestOnAFreshConnectionWhenAReusedOneDies) {
    TestServer server([](Peer& peer) {
        peer.request();
        peer.answer("first");
        if (peer.number() == 0) peer.request();
    });
    auto client = make_client();
    ASSERT_TRUE(client->send({}, get(server)).complete());
    auto exchange = client->send({}, get(server));
    EXPECT_EQ(exchange.fault, Fault::none) << exchange.detail;
    EXPECT_EQ(server.connections(), 2u);
}

TEST(HttpClient, AFreshRequestLeavesTheIdleConnectionAlone) {
    TestServer server([](Peer& peer) {
        while (!peer.request().empty())
            peer.answer("");
    });
    auto client = make_client();
    ASSERT_TRUE(client->send({}, get(server)).complete());
    auto request = put(server, "x");
    request.fresh = true;
    auto exchange = client->send({}, request);
    EXPECT_TRUE(exchange.complete());
    EXPECT_FALSE(exchange.reused_connection);
    EXPECT_EQ(server.connections(), 2u);
}

TEST(HttpClient, AConnectionClosedWhileIdleIsNoticedBeforeTheRequestIsSent) {
    std::binary_semaphore closed(0);
    TestServer server([&](Peer& peer) {
        peer.request();
        peer.answer("");
        peer.finish();
        closed.release();
    });
    auto client = make_client();
    for (int i = 0; i < 20; ++i) {
        auto exchange = client->send({}, put(server, "x"));
        ASSERT_TRUE(exchange.complete()) << exchange.detail;
        closed.acquire();
    }
    EXPECT_EQ(server.requests().size(), 20u);
    EXPECT_EQ(server.connections(), 20u);
}

TEST(HttpClient, SendsNothingAfterTheTimeUntilWhichItMayBeSent) {
    TestServer server([](Peer& peer) {
        peer.request();
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        peer.hold();
    });
    auto client = make_client();
    SimulatedClock clock;
    const Context ctx = Context(nullptr, &clock).sending_until(clock.steady());
    EXPECT_EQ(client->send(ctx, put(server, "x")).status, 200);
    clock.advance(std::chrono::milliseconds(1));

    auto exchange = client->send(ctx, put(server, "x"));

    EXPECT_EQ(exchange.fault, Fault::late);
    EXPECT_EQ(exchange.phase, Phase::unsent);
    EXPECT_EQ(client->send({}, {.method = "PUT", .url = server.url("/b/k"), .fresh = true}).status, 200);
}

TEST(HttpClient, SaysThatNothingWasSentWhenNobodyListens) {
    std::string url;
    {
        TestServer server([](Peer&) {});
        url = server.url();
    }
    auto exchange = make_client()->send({}, {.method = "PUT", .url = url});
    EXPECT_EQ(exchange.fault, Fault::connect);
    EXPECT_EQ(exchange.phase, Phase::unsent);
    EXPECT_THAT(exchange.detail, HasSubstr("refused"));
}

TEST(HttpClient, SaysThatANameDoesNotResolve) {
    auto exchange = make_client()->send({}, {.method = "GET", .url = "http://nowhere.invalid/", .changes = false});
    EXPECT_EQ(exchange.fault, Fault::resolve) << exchange.detail;
    EXPECT_EQ(exchange.phase, Phase::unsent);
}

// One variable of the environment, for the time of a test.
class Variable {
public:
    Variable(const char* name, const std::string& value) : name_(name) { ::setenv(name, value.c_str(), 1); }
    ~Variable() { ::unsetenv(name_); }
    Variable(const Variable&) = delete;
    Variable& operator=(const Variable&) = delete;

private:
    const char* name_;
};

// H45.
TEST(HttpClient, PlainHttpThroughAProxyIsSpokenInTheProxysWayAndNeverTwice) {
    TestServer proxy([](Peer& peer) {
        peer.request();
        peer.answer("through");
        peer.request();  // taken, and the connection closed without a byte
    });
    const Variable variable("http_proxy", proxy.url());
    auto client = make_client();
    const Request request{.method = "PUT", .url = "http://store.invalid/b//./k", .body = "x"};
    EXPECT_EQ(client->send({}, request).body, "through");
    auto again = client->send({}, request);
    EXPECT_EQ(again.fault, Fault::dead_connection) << again.detail;
    EXPECT_EQ(again.phase, Phase::sent);
    ASSERT_THAT(proxy.requests(), SizeIs(2)) << "the hidden repeat must not reach the proxy";
    EXPECT_THAT(proxy.requests()[0], StartsWith("PUT http://store.invalid/b//./k HTTP/1.1\r\n"));
}

TEST(HttpClient, AProxyThatRefusesToConnectSentNothingOn) {
    TestServer proxy([](Peer& peer) {
        peer.request();
        peer.answer("", "407 Proxy Authentication Required");
    });
    const Variable variable("https_proxy", proxy.url());
    auto exchange = make_client()->send({}, {.method = "PUT", .url = "https://store.invalid/k", .body = "x"});
    EXPECT_EQ(exchange.fault, Fault::proxy) << exchange.detail;
    EXPECT_EQ(exchange.phase, Phase::unsent);
    EXPECT_THAT(exchange.detail, HasSubstr("407"));
    ASSERT_THAT(proxy.requests(), SizeIs(1));
    EXPECT_THAT(proxy.requests()[0], StartsWith("CONNECT store.invalid:443 "));
}

TEST(HttpClient, NamesAServerThatDoesNotSpeakTls) {
    TestServer server([](Peer& peer) { peer.answer("", "400 Bad Request"); });
    auto request = get(server);
    request.url.insert(4, "s");
    auto exchange = make_client()->send({}, request);
    EXPECT_EQ(exchange.fault, Fault::tls);
    EXPECT_EQ(exchange.phase, Phase::unsent);
    EXPECT_THAT(exchange.detail, HasSubstr("wrong version number"));
}

}  // namespace
}  // namespace dray::http
