#include "s3/classify.h"

#include <algorithm>
#include <charconv>

#include "base/log.h"
#include "base/time.h"
#include "s3/error_rules.h"

namespace dray::s3 {
namespace {

// What the body of an error says, as far as there is one.
struct Told {
    std::string code, message, request_id, region, endpoint, condition;
};

Told told_by(const XmlElement& root) {
    auto text = [&](std::string_view name) { return root.child_text(name).value_or(""); };
    return {.code = text("Code"),
            .message = text("Message"),
            .request_id = text("RequestId"),
            .region = text("Region"),
            .endpoint = text("Endpoint"),
            .condition = text("Condition")};
}

Told told_by(const http::Exchange& exchange) {
    Told told;
    if (!exchange.body.empty()) {
        auto document = XmlDocument::parse(exchange.body);
        if (document && document->root().name() == "Error") told = told_by(document->root());
    }
    // Answers to HEAD have no body; MinIO says the code in a header.
    if (told.code.empty()) told.code = http::find(exchange.headers, "x-minio-error-code");
    if (told.request_id.empty()) told.request_id = http::find(exchange.headers, "x-amz-request-id");
    return told;
}

std::string where(const Call& call) {
    std::string text(facts_of(call.operation).name);
    if (!call.bucket.empty()) text += " s3://" + printable(call.bucket);
    if (!call.key.empty()) text += "/" + printable(call.key);
    return text;
}

// "CopyObject s3://b/k: 404 NoSuchKey: The specified key does not exist. (request 4442587FB7D0A2F9); <advice>"
std::string message_of(const Call& call, int status, const Told& told, std::string_view advice) {
    std::string text = where(call) + ": " + std::to_string(status);
    if (!told.code.empty()) text += " " + printable(told.code);
    if (!told.message.empty()) text += ": " + printable(told.message);
    if (!told.request_id.empty()) text += " (request " + printable(told.request_id) + ")";
    if (!advice.empty()) text.append("; ").append(advice);
    return text;
}

std::string describe(std::chrono::seconds skew) {
    auto seconds = skew.count();
    return "the store's clock is " + std::to_string(std::abs(seconds)) + " s " + (seconds > 0 ? "ahead of" : "behind") +
           " this machine's";
}

std::chrono::milliseconds retry_after(const http::Headers& headers) {
    auto number = [](std::string_view text) -> std::int64_t {
        std::int64_t value = 0;
        auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        return error == std::errc() && end == text.data() + text.size() && value > 0 ? value : 0;
    };
    auto seconds = std::chrono::seconds(std::min<std::int64_t>(number(http::find(headers, "retry-after")), 86'400));
    auto exact =
        std::chrono::milliseconds(std::min<std::int64_t>(number(http::find(headers, "x-amz-retry-after")), 86'400'000));
    return std::min<std::chrono::milliseconds>(std::max<std::chrono::milliseconds>(seconds, exact), kMaxRetryAfter);
}

// 412: which of the call's conditions failed. S3 names it; where it does not, a single one is the one, and among
// several the one about the source or the old object counts, since it makes the caller look.
void settle_precondition(const Call& call, const Told& told, Error& error) {
    bool absent = http::find(call.headers, "if-none-match") == "*";
    bool others = http::has(call.headers, "if-match") || http::has(call.headers, "x-amz-copy-source-if-match");
    bool named_absent = told.condition.find("If-None-Match") != std::string::npos;
    if (absent && (!others || named_absent)) error.code = Code::exists;
}

// 409 or 412 to a read that named no condition: not the store's word about what was asked.
bool answers_what_nobody_asked(const Call& call, const Error& error) {
    const bool conditional = std::any_of(call.headers.begin(), call.headers.end(), [](const http::Header& header) {
        return header.name.find("if-") != std::string::npos;
    });
    return error.code == Code::conflict && !facts_of(call.operation).changes && !conditional;
}

// M23: some stores say "too large" in other words.
bool says_too_large(const Call& call, const Told& told) {
    return call.operation == Operation::copy_object && told.code == "InvalidRequest" &&
           told.message.find("maximum allowable size") != std::string::npos;
}

// H18.
bool rejects_checksum(const Call& call, int status, const Told& told) {
    if (status != 400 && status != 501) return false;
    return std::any_of(call.headers.begin(), call.headers.end(), [&](const http::Header& header) {
        bool ours = header.name.starts_with("x-amz-checksum-") || header.name.starts_with("x-amz-sdk-checksum-");
        bool named = told.message.find("x-amz-checksum") != std::string::npos ||
                     told.message.find("x-amz-sdk-checksum") != std::string::npos ||
                     told.message.find(header.name) != std::string::npos;
        return ours && (named || told.code == "NotImplemented");
    });
}

std::string host_of(std::string_view url) {
    if (auto scheme = url.find("://"); scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
    return std::string(url.substr(0, url.find_first_of("/?#")));
}

void settle_region(const http::Exchange& exchange, const Told& told, Outcome& outcome) {
    outcome.region = http::find(exchange.headers, "x-amz-bucket-region");
    if (outcome.region.empty()) outcome.region = told.region;
    outcome.host = exchange.status == 307 ? host_of(http::find(exchange.headers, "location")) : "";
    if (exchange.status == 307 && outcome.host.empty()) outcome.host = host_of(told.endpoint);
}

// Answers to HEAD carry no code: what a refusal may have meant is tried once.
Repair repair_of_bare_head(const Call& call, const http::Exchange& exchange) {
    if (facts_of(call.operation).method != "HEAD" || exchange.status != 400) return Repair::none;
    return http::has(exchange.headers, "x-amz-bucket-region") ? Repair::region : Repair::credentials;
}

// An answer that says no: `status` is the one that counts, for errors come with a 200 too.
Outcome refused(const Call& call, const http::Exchange& exchange, int status, const Told& told, WallTime signed_at) {
    const auto& facts = facts_of(call.operation);
    const ErrorRule* known = rule_of_code(told.code);
    // A 503 is a wish for patience whatever its body says; so is a gateway's 429.
    bool by_status = !known || ((status == 503 || status == 429) && known->code != Code::throttled);
    const ErrorRule& rule = by_status ? rule_of_status(status) : *known;

    Outcome outcome;
    outcome.error = Error{.code = rule.code, .reason = std::string(rule.reason), .fatal = rule.fatal};
    Error& error = *outcome.error;
    outcome.repair = rule.repair;
    // H02: a proxy says 503 too when the way to the store broke after the request had gone through. Only a store's own
    // word that it declined tells that nothing was done.
    const bool gateway = by_status && rule.code == Code::throttled;
    // Nor is a 404 without a store's word for it an answer to a delete, or such a 403 one to any change: what is behind
    // the proxy may have carried it out, or not have heard of it.
    const bool deletes = call.operation == Operation::delete_object || call.operation == Operation::delete_objects;
    const bool nobodys = told.code.empty() && ((deletes && status == 404) || status == 403);
    error.unsure = facts.changes && (rule.maybe_done || gateway || nobodys);
    std::string advice(rule.advice);
    if (answers_what_nobody_asked(call, error)) {
        error.code = Code::unavailable;
        error.reason = "not-an-answer";
        advice = "no condition was sent that could fail; look at what stands between here and the store";
    }
    if (error.temporary()) error.retry_after = retry_after(exchange.headers);

    auto date = date_of(exchange.headers);
    auto skew = date ? std::chrono::round<std::chrono::seconds>(*date - signed_at) : std::chrono::seconds(0);
    if (status == 403 && outcome.repair == Repair::none && std::chrono::abs(skew) > kSkewSuspected) {
        outcome.repair = Repair::clock;  // H07
    }
    if (outcome.repair == Repair::clock && date) {
        if (!advice.empty()) advice += ": ";
        advice += describe(skew);
    }
    if (outcome.repair == Repair::none) outcome.repair = repair_of_bare_head(call, exchange);
    if (outcome.repair == Repair::region) settle_region(exchange, told, outcome);
    if (rule.code == Code::denied && advice.empty()) {
        advice = "these credentials may lack the permission " + std::string(facts.permission);
    }

    if (status == 412) settle_precondition(call, told, error);
    if (status == 405 && http::find(exchange.headers, "x-amz-delete-marker") == "true") error.code = Code::not_found;
    if (says_too_large(call, told)) error.reason = "too-large";
    if (status == 404 && call.operation == Operation::head_bucket) {
        error.reason = "no-such-bucket";
        error.fatal = true;
        advice = "check the bucket's name and the endpoint";
    }
    if (rejects_checksum(call, status, told)) outcome.repair = Repair::checksum;
    error.message = message_of(call, status, told, advice);
    return outcome;
}

// A 2xx that is not what S3 answers: a captive portal, a cut document, a status of its own making.
Outcome not_an_answer(const Call& call, const http::Exchange& exchange, std::string_view why) {
    Told told = {.request_id = std::string(http::find(exchange.headers, "x-amz-request-id"))};
    Error error{.code = Code::unavailable,
                .message = message_of(call, exchange.status, told, why),
                .reason = "not-an-answer",
                .unsure = facts_of(call.operation).changes};
    Outcome outcome;
    outcome.error = std::move(error);
    return outcome;
}

// An <Error> in a 200: S3 had begun to answer before it failed.
Outcome refused_in_200(const Call& call, const http::Exchange& exchange, const Told& told, WallTime signed_at) {
    // InternalError and its like come as 500 elsewhere; an unknown code is treated as one about the request.
    const ErrorRule* rule = rule_of_code(told.code);
    bool server_side = rule && (rule->code == Code::unavailable || rule->code == Code::throttled);
    auto outcome = refused(call, exchange, server_side ? 500 : 400, told, signed_at);
    // H21: nobody knows what an unknown failure left of an upload that was being completed.
    if (!rule && call.operation == Operation::complete_multipart_upload) {
        outcome.error->code = Code::unavailable;
        outcome.error->unsure = true;
    }
    outcome.error->message = message_of(call, exchange.status, told, rule ? rule->advice : "");
    return outcome;
}

bool expected_status(const Call& call, int status) {
    if (status == 206) return call.operation == Operation::get_object || call.operation == Operation::head_object;
    return status == 200 || status == 204;
}

Outcome accepted(const Call& call, const http::Exchange& exchange, WallTime signed_at) {
    const auto& facts = facts_of(call.operation);
    if (!expected_status(call, exchange.status)) return not_an_answer(call, exchange, "not a status of this operation");
    if (facts.needs_etag && !http::has(exchange.headers, "etag")) {
        return not_an_answer(call, exchange, "the answer has no ETag");
    }
    if (facts.root.empty()) {
        if (facts.changes && !exchange.body.empty() && !facts.needs_etag) {
            return not_an_answer(call, exchange, "the answer has a body, where S3 sends none");
        }
        return {};
    }
    if (call.operation == Operation::list_objects) {
        auto page = read_list_page(exchange.body);
        if (page && page->root == facts.root) {
            Outcome outcome;
            outcome.page.emplace(*std::move(page));
            return outcome;
        }
    }
    auto document = XmlDocument::parse(exchange.body);
    if (!document) return not_an_answer(call, exchange, "no whole XML document: " + document.error().message);
    auto root = document->root();
    if (root.name() == "Error") return refused_in_200(call, exchange, told_by(root), signed_at);
    if (root.name() != facts.root) {
        return not_an_answer(call, exchange, "the document is no " + std::string(facts.root));
    }
    Outcome outcome;
    outcome.document.emplace(std::move(*document));
    return outcome;
}

Error broken(const Call& call, const http::Exchange& exchange, Code code, std::string_view reason,
             std::string_view advice = {}) {
    bool left = exchange.phase != http::Phase::unsent;
    std::string text = where(call) + ": " + printable(exchange.detail);
    if (!advice.empty()) text.append("; ").append(advice);
    return {.code = code,
            .message = std::move(text),
            .reason = std::string(reason),
            .unsure = left && facts_of(call.operation).changes,
            .unsent = !left};
}

Error fatal(Error error) {
    error.fatal = true;
    return error;
}

// H43: the two ends share no TLS version, or one of them speaks something else. Other broken handshakes may be the
// line's.
bool never_speaks_tls(std::string_view detail) {
    constexpr std::string_view kLasting[] = {"unsupported protocol", "wrong version number", "alert protocol version",
                                             "no protocols available"};
    return std::any_of(std::begin(kLasting), std::end(kLasting),
                       [&](std::string_view words) { return detail.find(words) != std::string_view::npos; });
}

// The exchange ended before an answer was complete.
Outcome unanswered(const Call& call, const http::Exchange& exchange) {
    using http::Fault;
    Outcome outcome;
    auto error = [&]() -> Error {
        switch (exchange.fault) {
            case Fault::tls_verify:
                return fatal(broken(call, exchange, Code::unavailable, "tls",
                                    "the certificate of the store is not trusted; --ca-bundle FILE names its "
                                    "authority, --insecure switches the check off"));
            case Fault::tls: {
                Error e = broken(call, exchange, Code::unavailable, "tls");
                e.fatal = exchange.phase == http::Phase::unsent && never_speaks_tls(exchange.detail);
                return e;
            }
            case Fault::proxy: {
                auto e = broken(call, exchange, Code::unavailable, "proxy", "check HTTPS_PROXY, HTTP_PROXY, NO_PROXY");
                e.fatal = exchange.detail.find("407") != std::string::npos;
                return e;
            }
            case Fault::stopped: return broken(call, exchange, Code::cancelled, "");
            case Fault::deadline: return broken(call, exchange, Code::exhausted, "");
            case Fault::late: return broken(call, exchange, Code::throttled, kTooLateToSend);
            case Fault::too_large: return broken(call, exchange, Code::corrupt, "too-large");
            case Fault::unsendable: return broken(call, exchange, Code::invalid, "");
            case Fault::local: return broken(call, exchange, Code::local, "");
            case Fault::source: {  // less than Content-Length left us: no store takes that for a whole request
                Error e = exchange.local_error;
                return std::move(e).within(where(call));
            }
            case Fault::sink: {
                Error e = exchange.local_error;
                return std::move(e).within(where(call));
            }
            case Fault::dead_connection:
                if (call.repeatable) outcome.repair = Repair::stale;
                [[fallthrough]];
            default: return broken(call, exchange, Code::unavailable, http::name_of(exchange.fault));
        }
    };
    outcome.error = error();
    return outcome;
}

// True when the status alone settles it: the rest of the answer is only words (H02).
bool status_is_enough(const http::Exchange& exchange) {
    using http::Fault;
    bool cut = exchange.fault == Fault::truncated || exchange.fault == Fault::reset ||
               exchange.fault == Fault::stalled || exchange.fault == Fault::too_large;
    return exchange.complete() || (cut && exchange.status >= 300);
}

}  // namespace

std::optional<WallTime> date_of(const http::Headers& headers) {
    static const WallTime kEarliest{std::chrono::seconds(1'420'070'400)};  // 2015
    static const WallTime kLatest{std::chrono::seconds(4'102'444'800)};    // 2100
    auto text = http::find(headers, "date");
    if (text.empty()) return std::nullopt;
    auto date = parse_http_date(text);
    if (!date || *date < kEarliest || *date > kLatest) return std::nullopt;
    return *date;
}

Outcome classify(const Call& call, const http::Exchange& exchange, WallTime signed_at) {
    if (!status_is_enough(exchange)) return unanswered(call, exchange);
    if (exchange.status / 100 == 2) return accepted(call, exchange, signed_at);
    return refused(call, exchange, exchange.status, told_by(exchange), signed_at);
}

}  // namespace dray::s3
