// Multipart uploads of the local store: a directory for each under ".dray-uploads" of the bucket, with the parts as
// files in it. docs/local-store.md.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "store/local_file.h"
#include "store/object_store.h"

namespace dray {

Result<Upload> make_local_upload(const LocalBucket& bucket, const ObjectRef& object, const Properties& properties);
// Errors of all below: not_found (no such upload).
Result<Properties> local_upload_properties(const LocalBucket& bucket, const Upload& upload);
Result<Part> write_local_part(const LocalBucket& bucket, const Upload& upload, std::uint32_t number,
                              const std::function<Status(TempFile&)>& fill);
Result<std::vector<Part>> local_parts(const LocalBucket& bucket, const Upload& upload);
// The files of `parts`, which must ascend and be what is there. Error: invalid, reason "invalid-part".
Result<std::vector<Fd>> open_local_parts(const LocalBucket& bucket, const Upload& upload, std::span<const Part> parts);
Result<std::vector<Upload>> local_uploads(const LocalBucket& bucket, const std::string& prefix);
Status remove_local_upload(const LocalBucket& bucket, const Upload& upload);  // one that is not there is fine

}  // namespace dray
