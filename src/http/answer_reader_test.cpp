#include "http/answer_reader.h"

#include <gtest/gtest.h>

namespace dray::http {
namespace {

struct Reading {
    Exchange exchange;
    bool complete = false, keeps_connection = false;
    std::size_t taken = 0;
};

// The answer in pieces of `piece` bytes, and then the end of the connection.
Reading read(std::string_view text, std::size_t piece, std::string method = "GET") {
    Request request{.method = std::move(method), .url = "http://h/"};
    Transfer transfer(request);
    transfer.begin();
    AnswerReader reader(transfer, request.method == "HEAD");
    Reading reading;
    while (reading.taken < text.size()) {
        const auto part = text.substr(reading.taken, piece);
        const auto taken = reader.take(part);
        reading.taken += taken;
        if (taken < part.size()) break;
    }
    reading.keeps_connection = reader.keeps_connection();
    reader.closed();
    reading.complete = reader.complete() && !transfer.ended();
    reading.exchange = std::move(transfer.exchange);
    return reading;
}

struct Whole {
    std::string_view name, text, body;
    bool keeps_connection;
    std::string method = "GET";
};
class WholeAnswers : public testing::TestWithParam<Whole> {};

TEST_P(WholeAnswers, AreTheSameHoweverTheyAreCut) {
    const Whole& whole = GetParam();
    for (std::size_t piece : {std::size_t{1}, std::size_t{2}, std::size_t{7}, whole.text.size()}) {
        const Reading reading = read(whole.text, piece, whole.method);
        EXPECT_TRUE(reading.complete) << piece << ": " << reading.exchange.detail;
        EXPECT_EQ(reading.exchange.body, whole.body) << piece;
        EXPECT_EQ(reading.keeps_connection, whole.keeps_connection) << piece;
        EXPECT_EQ(reading.taken, whole.text.size()) << piece;
    }
}

std::string name_of_whole(const testing::TestParamInfo<Whole>& param) {
    return std::string(param.param.name);
}

INSTANTIATE_TEST_SUITE_P(
    H28H30H40, WholeAnswers,
    testing::Values(
        Whole{"counted", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello", true},
        Whole{"empty", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", true},
        Whole{"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y \r\nlo\r\n0\r\n\r\n",
              "hello", true},
        Whole{"trailers", "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n00\r\nX: y\r\n\r\n",
              "hello", true},
        Whole{"until_close", "HTTP/1.1 200 OK\r\n\r\nhello", "hello", false},
        Whole{"close_said", "HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 2\r\n\r\nok", "ok", false},
        Whole{"old_version", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", "ok", false},
        Whole{"no_content", "HTTP/1.1 204 No Content\r\n\r\n", "", true},
        Whole{"interim", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "ok", true},
        Whole{"bare_line_ends", "HTTP/1.1 200 OK\nContent-Length: 2\n\nok", "ok", true},
        Whole{"to_head", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "", true, "HEAD"}),
    name_of_whole);

struct NotWhole {
    std::string_view name, text;
    Fault fault;
};
class NotWholeAnswers : public testing::TestWithParam<NotWhole> {};

TEST_P(NotWholeAnswers, AreNeverTakenForWholeHoweverTheyAreCut) {
    for (std::size_t piece : {std::size_t{1}, GetParam().text.size()}) {
        const Reading reading = read(GetParam().text, piece);
        EXPECT_FALSE(reading.complete);
        EXPECT_FALSE(reading.keeps_connection);
        EXPECT_EQ(reading.exchange.fault, GetParam().fault) << piece << ": " << reading.exchange.detail;
    }
}

INSTANTIATE_TEST_SUITE_P(
    H28H30H46, NotWholeAnswers,
    testing::Values(
        NotWhole{"cut_body", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", Fault::truncated},
        NotWhole{"cut_chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhell", Fault::truncated},
        NotWhole{"cut_before_the_last_chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
                 Fault::truncated},
        NotWhole{"cut_trailers", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n",
                 Fault::truncated},
        NotWhole{"long_chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n0\r\n\r\n",
                 Fault::malformed},
        NotWhole{"negative_chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", Fault::malformed},
        NotWhole{"huge_chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n11111111111111111\r\n",
                 Fault::malformed},
        NotWhole{"packed", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", Fault::malformed},
        NotWhole{"chunked_twice",
                 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                 Fault::malformed},
        NotWhole{"signed_length", "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello", Fault::malformed},
        NotWhole{"length_list", "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello", Fault::malformed},
        NotWhole{"huge_length", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nhello",
                 Fault::malformed},
        NotWhole{"two_status_lines", "HTTP/1.1 200 OK\r\nHTTP/1.1 404 X\r\nContent-Length: 0\r\n\r\n",
                 Fault::malformed},
        NotWhole{"no_status", "HTTP/1.1 000 OK\r\nContent-Length: 0\r\n\r\n", Fault::malformed},
        NotWhole{"another_version", "HTTP/2 200\r\nContent-Length: 0\r\n\r\n", Fault::malformed},
        NotWhole{"an_empty_line_first", "\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Fault::malformed}),
    [](const testing::TestParamInfo<NotWhole>& param) { return std::string(param.param.name); });

TEST(AnswerReader, LeavesWhatFollowsTheAnswer) {
    const std::string_view answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    const Reading reading = read(std::string(answer) + "HTTP/1.1 200 OK\r\n\r\nevil", 1000);
    EXPECT_TRUE(reading.complete);
    EXPECT_EQ(reading.taken, answer.size());
    EXPECT_EQ(reading.exchange.body, "ok");
}

}  // namespace
}  // namespace dray::http
