#include "s3/multipart.h"

#include "base/log.h"
#include "s3/fields.h"
#include "s3/put_object.h"

namespace dray::s3 {
namespace {

// Pages of one listing of parts or uploads: 10,000 parts are 10 pages of 1,000; a store that pages for ever ends here.
constexpr int kMaxPages = 1000;

Call call_of(Operation operation, const UploadId& upload) {
    Call call{.operation = operation, .bucket = upload.bucket, .key = upload.key};
    call.query.emplace_back("uploadId", upload.id);
    return call;
}

Error bad(const UploadId& upload, std::string_view why) {
    return {.code = Code::corrupt,
            .message = "s3://" + printable(upload.bucket) + "/" + printable(upload.key) + ": " + std::string(why)};
}

}  // namespace

Result<StartedUpload> create_multipart_upload(const Context& ctx, Client& client, const std::string& bucket,
                                              const std::string& key, http::Headers headers) {
    Call call{.operation = Operation::create_multipart_upload, .bucket = bucket, .key = key};
    call.query.emplace_back("uploads", "");
    call.headers = std::move(headers);
    TRY_LET(answer, client.send(ctx, std::move(call)));
    UploadId upload{.bucket = bucket, .key = key, .id = answer.document->root().child_text("UploadId").value_or("")};
    if (upload.id.empty()) return bad(upload, "CreateMultipartUpload answered without an upload id");
    return StartedUpload{.upload = std::move(upload), .started = answer.store_time};
}

Result<UploadedPart> upload_part(const Context& ctx, Client& client, const UploadId& upload, std::uint32_t number,
                                 http::BodySource& source) {
    Call call = call_of(Operation::upload_part, upload);
    call.query.emplace_back("partNumber", std::to_string(number));
    call.source = &source;
    call.repeatable = true;
    if (!client.signs_bodies()) TRY(add_body_checksum(call.headers, source, false));
    TRY_LET(answer, client.send(ctx, std::move(call)));
    return UploadedPart{.number = number, .etag = unquoted_etag(answer.header("etag")), .size = source.size()};
}

Result<UploadedPart> upload_part_copy(const Context& ctx, Client& client, const UploadId& upload, std::uint32_t number,
                                      const CopySource& from, std::uint64_t offset, std::uint64_t bytes) {
    Call call = call_of(Operation::upload_part_copy, upload);
    call.query.emplace_back("partNumber", std::to_string(number));
    add_copy_source(call.headers, from);
    auto range = "bytes=" + std::to_string(offset) + "-" + std::to_string(offset + bytes - 1);
    call.headers.push_back({"x-amz-copy-source-range", std::move(range)});
    TRY_LET(answer, client.send(ctx, std::move(call)));
    auto etag = unquoted_etag(answer.document->root().child_text("ETag").value_or(""));
    if (etag.empty()) return bad(upload, "UploadPartCopy answered without an ETag");
    return UploadedPart{.number = number, .etag = std::move(etag), .size = bytes};
}

Result<Completed> complete_multipart_upload(const Context& ctx, Client& client, const CompleteUpload& request) {
    Call call = call_of(Operation::complete_multipart_upload, request.upload);
    call.body = "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
    for (const auto& part : request.parts) {
        call.body += "<Part><PartNumber>" + std::to_string(part.number) + "</PartNumber><ETag>";
        xml_escape(call.body, quoted_etag(part.etag));
        call.body += "</ETag></Part>";
    }
    call.body += "</CompleteMultipartUpload>";
    call.headers = request.headers;
    call.headers.push_back({"content-type", "application/xml"});
    TRY_LET(answer, client.send(ctx, std::move(call)));
    auto etag = unquoted_etag(answer.document->root().child_text("ETag").value_or(""));
    return Completed{.etag = std::move(etag), .answer = std::move(answer)};
}

Status abort_multipart_upload(const Context& ctx, Client& client, const UploadId& upload) {
    TRY(client.send(ctx, call_of(Operation::abort_multipart_upload, upload)));
    return {};
}

Result<std::vector<UploadedPart>> list_parts(const Context& ctx, Client& client, const UploadId& upload) {
    std::vector<UploadedPart> parts;
    std::string marker;
    for (int page = 0; page < kMaxPages; ++page) {
        Call call = call_of(Operation::list_parts, upload);
        call.repeatable = true;
        if (!marker.empty()) call.query.emplace_back("part-number-marker", marker);
        TRY_LET(answer, client.send(ctx, std::move(call)));
        auto root = answer.document->root();
        for (const auto& element : root.children("Part")) {
            auto place = number(element.child_text("PartNumber").value_or(""));
            auto size = number(element.child_text("Size").value_or(""));
            if (!place || *place == 0 || *place > 10'000 || !size)
                return bad(upload, "ListParts tells a part that is none");
            parts.push_back({.number = static_cast<std::uint32_t>(*place),
                             .etag = unquoted_etag(element.child_text("ETag").value_or("")),
                             .size = *size});
        }
        if (root.child_text("IsTruncated").value_or("") != "true") return parts;
        auto next = root.child_text("NextPartNumberMarker").value_or("");
        if (next.empty() || next == marker) break;
        marker = next;
    }
    return bad(upload, "ListParts does not come to an end");
}

Result<std::vector<StartedUpload>> list_multipart_uploads(const Context& ctx, Client& client, const std::string& bucket,
                                                          const std::string& prefix) {
    std::vector<StartedUpload> uploads;
    UploadId marker{.bucket = bucket};
    for (int page = 0; page < kMaxPages; ++page) {
        Call call{.operation = Operation::list_multipart_uploads, .bucket = bucket, .repeatable = true};
        call.query = {{"uploads", ""}, {"encoding-type", "url"}};
        if (!prefix.empty()) call.query.emplace_back("prefix", prefix);
        if (!marker.key.empty()) call.query.emplace_back("key-marker", marker.key);
        if (!marker.id.empty()) call.query.emplace_back("upload-id-marker", marker.id);
        TRY_LET(answer, client.send(ctx, std::move(call)));
        auto root = answer.document->root();
        bool encoded = root.child_text("EncodingType").value_or("") == "url";
        auto key_in = [&](const XmlElement& element, std::string_view name) {
            auto text = element.child_text(name).value_or("");
            std::string bytes;
            return encoded && uri_decode(text, true, bytes) ? bytes : text;
        };
        for (const auto& element : root.children("Upload")) {
            uploads.push_back({.upload = {.bucket = bucket,
                                          .key = key_in(element, "Key"),
                                          .id = element.child_text("UploadId").value_or("")},
                               .started = time_or_epoch(element.child_text("Initiated").value_or(""))});
        }
        if (root.child_text("IsTruncated").value_or("") != "true") return uploads;
        UploadId next{.bucket = bucket,
                      .key = key_in(root, "NextKeyMarker"),
                      .id = root.child_text("NextUploadIdMarker").value_or("")};
        if (next.key.empty() || (next.key == marker.key && next.id == marker.id)) break;
        marker = std::move(next);
    }
    return bad(marker, "ListMultipartUploads does not come to an end");
}

}  // namespace dray::s3
