// The calls of S3's API that dray makes, and what is true of each by S3's own documentation.
#pragma once

#include <cstdint>
#include <string_view>

namespace dray::s3 {

enum class Operation : std::uint8_t {
    list_objects,
    head_object,
    get_object,
    put_object,
    copy_object,
    delete_object,
    delete_objects,
    get_object_tagging,
    put_object_tagging,
    create_multipart_upload,
    upload_part,
    upload_part_copy,
    complete_multipart_upload,
    abort_multipart_upload,
    list_parts,
    list_multipart_uploads,
    head_bucket,
    get_bucket_versioning,
    get_bucket_website,
    get_bucket_ownership_controls,
    get_bucket_encryption,
    get_object_lock_configuration,
};
inline constexpr std::size_t kOperations = 22;

struct OperationFacts {
    std::string_view name;  // "CopyObject": in messages and policies
    std::string_view method;
    std::string_view permission;  // "s3:PutObject": what a policy must allow
    std::string_view root = {};   // of the XML document that a 200 must carry; empty: none
    bool changes = false;         // what others can see, or it leaves an upload behind
    bool needs_etag = false;      // in the headers of a success
    bool patient = false;         // may be silent for many minutes, or send white space, before it answers
};
const OperationFacts& facts_of(Operation operation);

}  // namespace dray::s3
