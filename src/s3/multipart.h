// Multipart uploads: an object in parts, visible only when it is completed.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "s3/client.h"
#include "s3/copy_object.h"

namespace dray::s3 {

struct UploadId {
    std::string bucket, key, id;
};
struct UploadedPart {
    std::uint32_t number = 1;  // 1 to 10,000
    std::string etag;          // without quotes
    std::uint64_t size = 0;    // bytes; 0 where the answer does not tell
};
struct StartedUpload {
    UploadId upload;
    WallTime started{};
};

// `headers`: the properties of the object to be.
Result<StartedUpload> create_multipart_upload(const Context& ctx, Client& client, const std::string& bucket,
                                              const std::string& key, http::Headers headers);
// Over https a Content-MD5 goes along: unlike other checksums it asks nothing of the upload's beginning.
Result<UploadedPart> upload_part(const Context& ctx, Client& client, const UploadId& upload, std::uint32_t number,
                                 http::BodySource& source);
Result<UploadedPart> upload_part_copy(const Context& ctx, Client& client, const UploadId& upload, std::uint32_t number,
                                      const CopySource& from, std::uint64_t offset, std::uint64_t bytes);
struct CompleteUpload {
    UploadId upload;
    std::span<const UploadedPart> parts;  // ascending
    http::Headers headers;                // conditions
};
struct Completed {
    std::string etag;  // without quotes; empty: the store did not say
    Answer answer;
};
// Only a whole result counts; everything else after the request left is unsure.
Result<Completed> complete_multipart_upload(const Context& ctx, Client& client, const CompleteUpload& request);
Status abort_multipart_upload(const Context& ctx, Client& client, const UploadId& upload);  // errors: not_found, ...
Result<std::vector<UploadedPart>> list_parts(const Context& ctx, Client& client, const UploadId& upload);
Result<std::vector<StartedUpload>> list_multipart_uploads(const Context& ctx, Client& client, const std::string& bucket,
                                                          const std::string& prefix);

}  // namespace dray::s3
