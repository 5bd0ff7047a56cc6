#include "s3/delete_object.h"

#include "s3/fields.h"

namespace dray::s3 {

Result<Answer> delete_object(const Context& ctx, Client& client, const DeleteObject& request) {
    Call call{.operation = Operation::delete_object, .bucket = request.bucket, .key = request.key};
    if (!request.version.empty()) call.query.emplace_back("versionId", request.version);
    if (!request.if_match.empty()) call.headers.push_back({"if-match", quoted_etag(request.if_match)});
    auto answer = client.send(ctx, std::move(call));
    // Only where the store itself says so; a proxy's 404 tells nothing of the object.
    bool gone = !answer && answer.error().code == Code::not_found && !answer.error().fatal && !answer.error().unsure;
    if (gone && request.if_match.empty()) return Answer{.status = 404};
    return answer;
}

}  // namespace dray::s3
