#include "s3/classify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dray::s3 {
namespace {

using testing::HasSubstr;
using testing::Not;

const WallTime kNow{std::chrono::seconds(1'700'000'000)};  // Tue, 14 Nov 2023 22:13:20 GMT

std::string error_xml(std::string_view code, std::string_view rest = "") {
    return "<?xml version=\"1.0\"?><Error><Code>" + std::string(code) + "</Code><Message>words</Message>" +
           std::string(rest) + "<RequestId>REQ1</RequestId></Error>";
}

Call call_of(Operation operation, http::Headers headers = {}) {
    const auto& facts = facts_of(operation);
    return {.operation = operation,
            .bucket = "logs",
            .key = "a/b.json",
            .headers = std::move(headers),
            .repeatable = !facts.changes || operation == Operation::upload_part};
}

http::Exchange answered(int status, std::string body = "", http::Headers headers = {}) {
    http::Exchange exchange{.status = status, .headers = std::move(headers), .body = std::move(body)};
    exchange.phase = http::Phase::complete;
    return exchange;
}

http::Exchange broken(http::Fault fault, http::Phase phase, int status = 0) {
    http::Exchange exchange{.status = status, .phase = phase, .fault = fault, .detail = "the reason"};
    return exchange;
}

struct Row {
    std::string name;  // the row of the fault catalogue it stands for, and what is different here
    Operation operation;
    http::Exchange exchange;
    Code code = Code::unavailable;
    bool unsure = false;
    bool fatal = false;
    Repair repair = Repair::none;
    http::Headers headers = {};  // of the call
};
void PrintTo(const Row& row, std::ostream* out) {
    *out << row.name;
}
class Refusals : public testing::TestWithParam<Row> {};

TEST_P(Refusals, AreClassified) {
    const Row& row = GetParam();
    auto outcome = classify(call_of(row.operation, row.headers), row.exchange, kNow);
    ASSERT_TRUE(outcome.error) << "never a success";
    const Error& error = *outcome.error;
    EXPECT_EQ(name_of(error.code), name_of(row.code)) << error.message;
    EXPECT_EQ(error.unsure, row.unsure) << error.message;
    EXPECT_EQ(error.unsent, !row.exchange.complete() && row.exchange.phase == http::Phase::unsent) << error.message;
    EXPECT_EQ(error.fatal, row.fatal) << error.message;
    EXPECT_EQ(outcome.repair, row.repair) << error.message;
    EXPECT_THAT(error.message, HasSubstr("s3://logs/a/b.json")) << "an error names its object";
    EXPECT_THAT(error.message, HasSubstr(std::string(facts_of(row.operation).name)));
}

using enum Operation;
using http::Fault;
using http::Phase;
// The store's clock, 20 minutes from ours.
const http::Headers kDateAhead = {{"Date", "Tue, 14 Nov 2023 22:33:20 GMT"}};
const http::Headers kDateBehind = {{"Date", "Tue, 14 Nov 2023 21:53:20 GMT"}};

std::vector<Row> status_rows() {
    return {
        {"H01_SlowDown", copy_object, answered(503, error_xml("SlowDown")), Code::throttled},
        {"H01_SlowDown_delete", delete_object, answered(503, error_xml("SlowDown")), Code::throttled},
        {"H01_SlowDownWrite", delete_object, answered(503, error_xml("SlowDownWrite")), Code::throttled, true},
        {"H01_ServiceUnavailable", copy_object, answered(503, error_xml("ServiceUnavailable")), Code::throttled, true},
        {"H02_503_without_a_body", copy_object, answered(503), Code::throttled, true},
        {"H02_503_without_a_body_read", head_object, answered(503), Code::throttled},
        {"H02_503_in_html", list_objects, answered(503, "<html><body>busy"), Code::throttled},
        {"H02_503_of_a_gateway_delete", delete_object, answered(503, "upstream connect error"), Code::throttled, true},
        {"H02_503_of_a_gateway_batch", delete_objects, answered(503, "upstream connect error"), Code::throttled, true},
        {"H02_503_cut", delete_objects, broken(Fault::truncated, Phase::answering, 503), Code::throttled, true},
        {"H02_503_with_another_code", copy_object, answered(503, error_xml("InternalError")), Code::throttled, true},
        {"H03_500_read", get_object, answered(500, error_xml("InternalError")), Code::unavailable},
        {"H03_500_copy", copy_object, answered(500, error_xml("InternalError")), Code::unavailable, true},
        {"H03_500_complete", complete_multipart_upload, answered(500), Code::unavailable, true},
        {"H03_500_delete", delete_object, answered(500), Code::unavailable, true},
        {"H04_502", copy_object, answered(502, "<html>"), Code::unavailable, true},
        {"H04_504", delete_object, answered(504), Code::unavailable, true},
        {"H04_504_read", head_object, answered(504), Code::unavailable},
        {"H04_408", put_object, answered(408), Code::unavailable, true},
        {"H04_429", put_object, answered(429), Code::throttled, true},
        {"not_sent_in_time", delete_object, broken(Fault::late, Phase::unsent), Code::throttled},
        {"H04_429_read", get_object, answered(429), Code::throttled},
        {"H04_429_named", put_object, answered(429, error_xml("TooManyRequestsException")), Code::throttled},
        {"H05_RequestTimeout", upload_part, answered(400, error_xml("RequestTimeout")), Code::unavailable},
        {"H06_clock", get_object, answered(403, error_xml("RequestTimeTooSkewed"), kDateAhead), Code::credentials,
         false, true, Repair::clock},
        {"H07_clock_as_AccessDenied", get_object, answered(403, error_xml("AccessDenied"), kDateAhead), Code::denied,
         false, false, Repair::clock},
        {"H07_clock_as_signature", get_object, answered(403, error_xml("SignatureDoesNotMatch"), kDateAhead),
         Code::credentials, false, true, Repair::clock},
        {"H07_clock_behind_HEAD", head_object, answered(403, "", kDateBehind), Code::denied, false, false,
         Repair::clock},
        {"H09_ExpiredToken", put_object, answered(400, error_xml("ExpiredToken")), Code::credentials, false, true,
         Repair::credentials},
        {"H09_HEAD_has_no_code", head_object, answered(400), Code::invalid, false, false, Repair::credentials},
        {"H11_InvalidAccessKeyId", list_objects, answered(403, error_xml("InvalidAccessKeyId")), Code::credentials,
         false, true},
        {"H11_SignatureDoesNotMatch", list_objects, answered(403, error_xml("SignatureDoesNotMatch")),
         Code::credentials, false, true},
        {"H12_AccessDenied", copy_object, answered(403, error_xml("AccessDenied")), Code::denied},
        {"R22_403_of_nobody", copy_object, answered(403), Code::denied, true},
        {"H13_HEAD_403", head_object, answered(403), Code::denied},
        {"H13_HEAD_500", head_object, answered(500), Code::unavailable},
        {"H14_301", get_object, answered(301, error_xml("PermanentRedirect"), {{"x-amz-bucket-region", "eu-west-1"}}),
         Code::invalid, false, true, Repair::region},
        {"H14_HEAD_301", head_object, answered(301), Code::invalid, false, true, Repair::region},
        {"H14_AuthorizationHeaderMalformed", list_objects,
         answered(400, error_xml("AuthorizationHeaderMalformed", "<Region>eu-west-1</Region>")), Code::invalid, false,
         true, Repair::region},
        {"H16_307", put_object, answered(307, error_xml("TemporaryRedirect")), Code::unavailable, false, false,
         Repair::region},
        {"H17_412",
         delete_object,
         answered(412, error_xml("PreconditionFailed")),
         Code::conflict,
         false,
         false,
         Repair::none,
         {{"if-match", "\"x\""}}},
        {"H17_412_if_absent",
         put_object,
         answered(412, error_xml("PreconditionFailed")),
         Code::exists,
         false,
         false,
         Repair::none,
         {{"if-none-match", "*"}}},
        {"H17_412_of_two_named",
         copy_object,
         answered(412, error_xml("PreconditionFailed", "<Condition>If-None-Match</Condition>")),
         Code::exists,
         false,
         false,
         Repair::none,
         {{"if-none-match", "*"}, {"x-amz-copy-source-if-match", "\"x\""}}},
        {"H17_412_of_two_unnamed",
         copy_object,
         answered(412),
         Code::conflict,
         false,
         false,
         Repair::none,
         {{"if-none-match", "*"}, {"x-amz-copy-source-if-match", "\"x\""}}},
        // A listing, or any read, that names no condition cannot fail for one.
        {"H17_412_of_a_listing", list_objects, answered(412, error_xml("PreconditionFailed")), Code::unavailable},
        {"H17_409_of_a_listing", list_objects, answered(409), Code::unavailable},
        {"H17_409_of_a_HEAD", head_object, answered(409), Code::unavailable},
        {"H17_412_of_a_read",
         get_object,
         answered(412, error_xml("PreconditionFailed")),
         Code::conflict,
         false,
         false,
         Repair::none,
         {{"if-match", "\"x\""}}},
        {"H17_409_conditional", put_object, answered(409, error_xml("ConditionalRequestConflict")), Code::unavailable},
        {"H17_409_aborted", put_object, answered(409, error_xml("OperationAborted")), Code::unavailable},
        {"H18_501_names_our_header",
         put_object,
         answered(501, error_xml("NotImplemented")),
         Code::unsupported,
         false,
         false,
         Repair::checksum,
         {{"x-amz-checksum-crc64nvme", "AAAAAAAAAAA="}}},
        {"H18_501_about_something_else", put_object, answered(501, error_xml("NotImplemented")), Code::unsupported},
        {"H19_418", get_object, answered(418), Code::invalid},
        {"H19_599", copy_object, answered(599), Code::unavailable, true},
        {"H19_unknown_code_4xx", copy_object, answered(400, error_xml("Nonesuch")), Code::invalid},
        {"H19_299_change", copy_object, answered(299, error_xml("x")), Code::unavailable, true},
        {"H19_299_read", get_object, answered(299), Code::unavailable},
        {"NoSuchBucket", list_objects, answered(404, error_xml("NoSuchBucket")), Code::not_found, false, true},
        {"NoSuchKey", copy_object, answered(404, error_xml("NoSuchKey")), Code::not_found},
        {"NoSuchUpload", complete_multipart_upload, answered(404, error_xml("NoSuchUpload")), Code::not_found},
        {"HEAD_404", head_object, answered(404), Code::not_found},
        {"DELETE_404_of_the_store", delete_object, answered(404, error_xml("NoSuchKey")), Code::not_found},
        {"DELETE_404_of_a_proxy", delete_object, answered(404, "<html>default backend</html>"), Code::not_found, true},
        {"batch_404_of_a_proxy", delete_objects, answered(404), Code::not_found, true},
        {"HEAD_of_a_marker", head_object, answered(405, "", {{"x-amz-delete-marker", "true"}}), Code::not_found},
        {"HeadBucket_404", head_bucket, answered(404), Code::not_found, false, true},
        {"C13_BadDigest", put_object, answered(400, error_xml("BadDigest")), Code::corrupt},
        {"M17_InvalidPartOrder", complete_multipart_upload, answered(400, error_xml("InvalidPartOrder")),
         Code::invalid},
        {"M28_archived", copy_object, answered(403, error_xml("InvalidObjectState")), Code::invalid},
        {"416", get_object, answered(416, error_xml("InvalidRange")), Code::invalid},
        {"401", get_object, answered(401), Code::credentials, false, true},
    };
}

const std::string kCopyResult = "<CopyObjectResult><ETag>\"x\"</ETag></CopyObjectResult>";

std::vector<Row> rows_of_false_successes() {
    return {
        {"H20_InternalError_copy", copy_object, answered(200, error_xml("InternalError")), Code::unavailable, true},
        {"H20_InternalError_part", upload_part_copy, answered(200, error_xml("InternalError")), Code::unavailable,
         true},
        {"H20_InternalError_complete", complete_multipart_upload, answered(200, error_xml("InternalError")),
         Code::unavailable, true},
        {"H20_InternalError_batch", delete_objects, answered(200, error_xml("InternalError")), Code::unavailable, true},
        {"H20_SlowDown_copy", copy_object, answered(200, error_xml("SlowDown")), Code::throttled},
        {"H20_NoSuchKey_copy", copy_object, answered(200, error_xml("NoSuchKey")), Code::not_found},
        {"H21_unknown_copy", copy_object, answered(200, error_xml("Nonesuch")), Code::invalid},
        {"H21_unknown_complete", complete_multipart_upload, answered(200, error_xml("Nonesuch")), Code::unavailable,
         true},
        {"H22_closed_after_white_space", complete_multipart_upload, broken(Fault::truncated, Phase::answering, 200),
         Code::unavailable, true},
        {"H23_empty_complete", complete_multipart_upload, answered(200), Code::unavailable, true},
        {"H23_empty_copy", copy_object, answered(200), Code::unavailable, true},
        {"H23_empty_batch", delete_objects, answered(200), Code::unavailable, true},
        {"H23_blank_copy", copy_object, answered(200, "  \n "), Code::unavailable, true},
        {"H23_cut_copy", copy_object, answered(200, kCopyResult.substr(0, 30)), Code::unavailable, true},
        {"H23_no_xml_complete", complete_multipart_upload, answered(200, "OK"), Code::unavailable, true},
        {"H23_204_copy", copy_object, answered(204), Code::unavailable, true},
        {"H25_portal_list", list_objects, answered(200, "<html><body>Log in</body></html>"), Code::unavailable},
        {"H25_portal_put", put_object, answered(200, "<html></html>"), Code::unavailable, true},
        {"H25_portal_delete", delete_object, answered(200, "<html></html>"), Code::unavailable, true},
        {"H25_portal_copy", copy_object, answered(200, "<html></html>"), Code::unavailable, true},
        {"H47_cut_list", list_objects, answered(200, "<ListBucketResult><Contents><Key>a</Key>"), Code::unavailable},
        {"H48_doctype", list_objects, answered(200, "<!DOCTYPE x []><ListBucketResult/>"), Code::unavailable},
        {"M14_part_without_etag", upload_part, answered(200), Code::unavailable, true},
    };
}

std::vector<Row> rows_of_broken_exchanges() {
    auto stale = broken(Fault::dead_connection, Phase::sent);
    return {
        {"H28_cut_read", get_object, broken(Fault::truncated, Phase::answering, 200), Code::unavailable},
        {"H34_reset_change", copy_object, broken(Fault::reset, Phase::sent), Code::unavailable, true},
        {"H34_reset_read", get_object, broken(Fault::reset, Phase::sent), Code::unavailable},
        {"H35_stalled_connect", copy_object, broken(Fault::stalled, Phase::unsent), Code::unavailable},
        {"H35_stalled_answer", copy_object, broken(Fault::stalled, Phase::sent), Code::unavailable, true},
        {"H38_stale_read", get_object, stale, Code::unavailable, false, false, Repair::stale},
        {"H38_stale_part", upload_part, stale, Code::unavailable, true, false, Repair::stale},
        {"H38_stale_copy", copy_object, stale, Code::unavailable, true},
        {"H38_stale_delete", delete_object, stale, Code::unavailable, true},
        {"H41_no_address", get_object, broken(Fault::resolve, Phase::unsent), Code::unavailable},
        {"H42_refused", delete_object, broken(Fault::connect, Phase::unsent), Code::unavailable},
        {"H43_certificate", get_object, broken(Fault::tls_verify, Phase::unsent), Code::unavailable, false, true},
        {"H44_tls_broken", copy_object, broken(Fault::tls, Phase::unsent), Code::unavailable},
        {"H45_proxy", get_object, broken(Fault::proxy, Phase::unsent), Code::unavailable},
        {"H46_headers", copy_object, broken(Fault::malformed, Phase::answering), Code::unavailable, true},
        {"S18_unsendable", copy_object, broken(Fault::unsendable, Phase::unsent), Code::invalid},
        {"a_stop_before", copy_object, broken(Fault::stopped, Phase::unsent), Code::cancelled},
        {"a_stop_after", copy_object, broken(Fault::stopped, Phase::sent), Code::cancelled, true},
        {"a_stop_of_a_read", get_object, broken(Fault::stopped, Phase::sent), Code::cancelled},
        {"a_deadline", delete_object, broken(Fault::deadline, Phase::answering), Code::exhausted, true},
        {"no_descriptor", get_object, broken(Fault::local, Phase::unsent), Code::local},
        {"too_large", list_objects, broken(Fault::too_large, Phase::answering, 200), Code::corrupt},
    };
}

std::string row_name(const testing::TestParamInfo<Row>& row) {
    return row.param.name;
}
INSTANTIATE_TEST_SUITE_P(ByStatus, Refusals, testing::ValuesIn(status_rows()), row_name);
INSTANTIATE_TEST_SUITE_P(In200, Refusals, testing::ValuesIn(rows_of_false_successes()), row_name);
INSTANTIATE_TEST_SUITE_P(Unanswered, Refusals, testing::ValuesIn(rows_of_broken_exchanges()), row_name);

TEST(Classify, TakesAWholeResultForASuccess) {
    EXPECT_FALSE(classify(call_of(copy_object), answered(200, kCopyResult), kNow).error);
    EXPECT_FALSE(classify(call_of(put_object), answered(200, "", {{"ETag", "\"x\""}}), kNow).error);
    EXPECT_FALSE(classify(call_of(delete_object), answered(204), kNow).error);
    EXPECT_FALSE(classify(call_of(head_object), answered(200), kNow).error);
    EXPECT_FALSE(classify(call_of(get_object), answered(206), kNow).error);
}

// H24.
TEST(Classify, AcceptsResultsBehindWhiteSpaceCommentsAndNamespaces) {
    for (std::string body :
         {"\n\n   \n" + kCopyResult, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n  \n" + kCopyResult,
          "\xEF\xBB\xBF" + kCopyResult, "<!-- x -->" + kCopyResult,
          std::string("<CopyObjectResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><New/><ETag>x</ETag>"
                      "</CopyObjectResult>")}) {
        auto outcome = classify(call_of(copy_object), answered(200, body), kNow);
        EXPECT_FALSE(outcome.error) << body << ": " << outcome.error->message;
    }
}

// H23, at every byte.
TEST(Classify, NeverTakesACutResultForASuccess) {
    for (std::size_t cut = 0; cut < kCopyResult.size(); ++cut) {
        auto outcome = classify(call_of(copy_object), answered(200, kCopyResult.substr(0, cut)), kNow);
        ASSERT_TRUE(outcome.error) << cut;
        EXPECT_TRUE(outcome.error->unsure) << cut;
    }
}

TEST(Classify, NoStatusMakesAChangingCallASuccessWithoutItsResult) {
    for (int status = 100; status < 1000; ++status) {
        EXPECT_TRUE(classify(call_of(copy_object), answered(status), kNow).error) << status;
        bool deleted = !classify(call_of(delete_object), answered(status), kNow).error;
        EXPECT_EQ(deleted, status == 200 || status == 204) << status;
    }
}

TEST(Classify, ObeysTheStoresWishForPatience) {
    auto wait = [](http::Headers headers) {
        return classify(call_of(get_object), answered(503, "", std::move(headers)), kNow).error->retry_after;
    };
    EXPECT_EQ(wait({{"Retry-After", "7"}}), std::chrono::seconds(7));
    EXPECT_EQ(wait({{"x-amz-retry-after", "1500"}}), std::chrono::milliseconds(1500));
    EXPECT_EQ(wait({{"Retry-After", "999999999999"}}), kMaxRetryAfter) << "no store parks us for good";
    EXPECT_EQ(wait({{"Retry-After", "-3"}}), std::chrono::seconds(0));
    EXPECT_EQ(wait({{"Retry-After", "soon"}}), std::chrono::seconds(0));
}

TEST(Classify, TellsTheRegionAndWhereItWasToldOf) {
    auto told = classify(call_of(get_object),
                         answered(400, error_xml("AuthorizationHeaderMalformed", "<Region>eu-west-1</Region>")), kNow);
    EXPECT_EQ(told.region, "eu-west-1");
    auto moved = classify(call_of(put_object),
                          answered(307, "", {{"Location", "https://logs.s3-us-west-2.amazonaws.com/a/b.json"}}), kNow);
    EXPECT_EQ(moved.host, "logs.s3-us-west-2.amazonaws.com");
}

TEST(Classify, BelievesNoAbsurdClock) {
    auto date = [](std::string text) { return date_of({{"date", std::move(text)}}); };
    EXPECT_TRUE(date("Sat, 09 Mar 2024 04:05:06 GMT"));
    EXPECT_FALSE(date("Thu, 01 Jan 1970 00:00:00 GMT"));
    EXPECT_FALSE(date("Fri, 31 Dec 9999 23:59:59 GMT"));
    EXPECT_FALSE(date("yesterday"));
    EXPECT_FALSE(date_of({}));
}

TEST(Classify, MessagesNameTheRequestTheCauseAndTheNextStep) {
    auto message = [](Operation operation, const http::Exchange& exchange) {
        return classify(call_of(operation), exchange, kNow).error->message;
    };
    EXPECT_EQ(message(list_objects, answered(404, error_xml("NoSuchBucket"))),
              "ListObjects s3://logs/a/b.json: 404 NoSuchBucket: words (request REQ1); check the bucket's name and the "
              "endpoint");
    EXPECT_THAT(message(get_object, answered(403, error_xml("RequestTimeTooSkewed"), kDateAhead)),
                HasSubstr("1200 s ahead of"));
    EXPECT_THAT(message(copy_object, answered(403, error_xml("AccessDenied"))), HasSubstr("s3:PutObject"));
    EXPECT_THAT(message(get_object, broken(Fault::tls_verify, Phase::unsent)), HasSubstr("--ca-bundle"));
}

// S12.
TEST(Classify, MessagesHoldNoControlBytes) {
    Call call = call_of(get_object);
    call.key = "a\nb\x1b[31m";
    auto outcome = classify(call, answered(404, error_xml("NoSuchKey")), kNow);
    EXPECT_THAT(outcome.error->message, Not(HasSubstr("\n")));
    EXPECT_THAT(outcome.error->message, Not(HasSubstr("\x1b")));
}

TEST(Classify, H43AStoreThatSpeaksNoTlsEndsTheRunAndABrokenHandshakeDoesNot) {
    auto exchange = broken(Fault::tls, Phase::unsent);
    exchange.detail = "error:0A00010B:SSL routines::wrong version number";
    EXPECT_TRUE(classify(call_of(get_object), exchange, kNow).error->fatal);
    exchange.detail = "OpenSSL SSL_connect: Connection reset by peer";
    EXPECT_FALSE(classify(call_of(get_object), exchange, kNow).error->fatal);
}

}  // namespace
}  // namespace dray::s3
