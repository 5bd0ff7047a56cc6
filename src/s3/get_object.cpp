#include "s3/get_object.h"

#include <algorithm>

#include "base/log.h"
#include "s3/fields.h"

namespace dray::s3 {
namespace {

struct Range {
    std::uint64_t first = 0, last = 0, size = 0;  // last: of the last byte; size: of the object
};

// "bytes 0-9/443"
std::optional<Range> range_of(std::string_view text) {
    if (!text.starts_with("bytes ")) return std::nullopt;
    text.remove_prefix(6);
    auto dash = text.find('-'), slash = text.find('/');
    if (dash == std::string_view::npos || slash == std::string_view::npos || slash < dash) return std::nullopt;
    auto first = number(text.substr(0, dash)), last = number(text.substr(dash + 1, slash - dash - 1));
    auto size = number(text.substr(slash + 1));
    if (!first || !last || !size || *first > *last || *last >= *size) return std::nullopt;
    return Range{*first, *last, *size};
}

// Stands before the caller's sink and lets pass only what was asked for.
class Gate : public http::BodySink {
public:
    Gate(const GetObject& request, http::BodySink& sink) : request_(request), sink_(sink) {}
    Status begin(int status, const http::Headers& headers) override {
        TRY(check(status, headers));
        return sink_.begin(status, headers);
    }
    Status write(std::string_view bytes) override { return sink_.write(bytes); }

    // What the headers promise; for answers without a body it is asked after the fact.
    Status check(int status, const http::Headers& headers) const {
        auto etag = unquoted_etag(http::find(headers, "etag"));
        if (!request_.if_match.empty() && !etag.empty() && etag != request_.if_match) {
            return error(Code::conflict, "", "it is another object by now (etag " + printable(etag) + ")");
        }
        // H33: a transcoded body has other bytes than the object.
        if (!ranged()) return status == 200 ? Status() : wrong("part of the object came for the whole");
        if (status != 206) return wrong("the whole object came for a range");
        auto range = range_of(http::find(headers, "content-range"));
        if (!range) return wrong("a range came without saying which");
        if (range->first != request_.offset) return wrong("another range came");
        auto behind = range->size - range->first;  // bytes from there to the end
        if (range->last - range->first + 1 != std::min(request_.bytes, behind)) return wrong("another range came");
        return {};
    }
    bool ranged() const { return request_.offset != 0 || request_.bytes != UINT64_MAX; }

private:
    Error error(Code code, std::string_view reason, std::string_view why) const {
        return {.code = code, .message = std::string(why), .reason = std::string(reason)};
    }
    Status wrong(std::string_view why) const { return error(Code::unavailable, "bad-range", why); }

    const GetObject& request_;
    http::BodySink& sink_;
};

}  // namespace

Result<Answer> get_object(const Context& ctx, Client& client, const GetObject& request, http::BodySink& sink) {
    Gate gate(request, sink);
    Call call{.operation = Operation::get_object, .bucket = request.bucket, .key = request.key, .repeatable = true};
    if (!request.version.empty()) call.query.emplace_back("versionId", request.version);
    if (!request.if_match.empty()) call.headers.push_back({"if-match", quoted_etag(request.if_match)});
    if (gate.ranged()) {
        std::string range = "bytes=" + std::to_string(request.offset) + "-";
        if (request.bytes != UINT64_MAX) range += std::to_string(request.offset + request.bytes - 1);
        call.headers.push_back({"range", std::move(range)});
    } else {
        call.headers.push_back({"x-amz-checksum-mode", "ENABLED"});  // a range has no checksum of its own
    }
    call.sink = &gate;
    TRY_LET(answer, client.send(ctx, std::move(call)));
    if (auto checked = gate.check(answer.status, answer.headers); !checked) {
        return std::move(checked).error().within("GetObject s3://" + printable(request.bucket) + "/" +
                                                 printable(request.key));
    }
    auto length = number(answer.header("content-length"));
    if (length && *length != answer.body_bytes) {
        return Error{.code = Code::unavailable,
                     .message = "GetObject s3://" + printable(request.bucket) + "/" + printable(request.key) +
                                ": the body is shorter or longer than announced"};
    }
    return std::move(answer);
}

}  // namespace dray::s3
