// The multipart uploads that a memory store holds.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "store/object_store.h"

namespace dray {

struct MemoryPart {
    std::shared_ptr<const std::string> bytes;
    std::string etag;
};
struct MemoryUpload {
    Upload upload;
    PutOptions options;
    std::map<std::uint32_t, MemoryPart> parts;
};

// Not thread-safe: the store locks.
class MemoryUploads {
public:
    Upload begin(const ObjectRef& object, const PutOptions& options, WallTime now);
    // Error: not_found, reason "no-such-upload".
    Result<MemoryUpload*> find(const Upload& upload);
    void end(const Upload& upload);  // one that is not there is fine
    // By key, and those of one key as they were begun.
    std::vector<Upload> below(const std::string& bucket, const std::string& prefix) const;

private:
    std::map<std::string, MemoryUpload> uploads_;  // by id
    std::uint64_t begun_ = 0;
};

struct JoinedParts {
    std::string bytes;
    std::string etag;  // as S3 makes it: of the parts' digests
};
// Once the parts named are what the store holds. Error: invalid, reason "invalid-part".
Result<JoinedParts> join_parts(const MemoryUpload& upload, std::span<const Part> parts, std::uint64_t min_part);

}  // namespace dray
