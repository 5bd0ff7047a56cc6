#include "s3/head_object.h"

namespace dray::s3 {

Result<Answer> head_object(const Context& ctx, Client& client, const HeadObject& request) {
    Call call{.operation = Operation::head_object, .bucket = request.bucket, .key = request.key, .repeatable = true};
    if (!request.version.empty()) call.query.emplace_back("versionId", request.version);
    call.headers.push_back({"x-amz-checksum-mode", "ENABLED"});
    return client.send(ctx, std::move(call));
}

}  // namespace dray::s3
