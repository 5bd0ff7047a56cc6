#include "s3/copy_object.h"

#include "s3/fields.h"

namespace dray::s3 {

// Encoded like a path (H54): a `?` in the key must not begin the version, nor a `+` become a blank.
void add_copy_source(http::Headers& headers, const CopySource& source) {
    std::string value = "/" + uri_encode(source.bucket, false) + "/";
    uri_encode(value, source.key, true);
    if (!source.version.empty()) value += "?versionId=" + uri_encode(source.version, false);
    headers.push_back({"x-amz-copy-source", std::move(value)});
    if (!source.if_match.empty()) {
        headers.push_back({"x-amz-copy-source-if-match", quoted_etag(source.if_match)});
    }
}

Result<Copied> copy_object(const Context& ctx, Client& client, const CopyObject& request) {
    Call call{
        .operation = Operation::copy_object, .bucket = request.bucket, .key = request.key, .headers = request.headers};
    add_copy_source(call.headers, request.from);
    TRY_LET(answer, client.send(ctx, std::move(call)));
    auto root = answer.document->root();
    return Copied{.etag = unquoted_etag(root.child_text("ETag").value_or("")),
                  .modified = time_or_epoch(root.child_text("LastModified").value_or("")),
                  .answer = std::move(answer)};
}

}  // namespace dray::s3
