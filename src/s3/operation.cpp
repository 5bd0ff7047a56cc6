#include "s3/operation.h"

#include <array>

namespace dray::s3 {
namespace {

constexpr std::array<OperationFacts, kOperations> kFacts = {{
    {.name = "ListObjects", .method = "GET", .permission = "s3:ListBucket", .root = "ListBucketResult"},
    {.name = "HeadObject", .method = "HEAD", .permission = "s3:GetObject"},
    {.name = "GetObject", .method = "GET", .permission = "s3:GetObject"},
    {.name = "PutObject", .method = "PUT", .permission = "s3:PutObject", .changes = true, .needs_etag = true},
    {.name = "CopyObject",
     .method = "PUT",
     .permission = "s3:PutObject, and s3:GetObject on the source",
     .root = "CopyObjectResult",
     .changes = true,
     .patient = true},
    {.name = "DeleteObject", .method = "DELETE", .permission = "s3:DeleteObject", .changes = true},
    {.name = "DeleteObjects",
     .method = "POST",
     .permission = "s3:DeleteObject",
     .root = "DeleteResult",
     .changes = true},
    {.name = "GetObjectTagging", .method = "GET", .permission = "s3:GetObjectTagging", .root = "Tagging"},
    {.name = "PutObjectTagging", .method = "PUT", .permission = "s3:PutObjectTagging", .changes = true},
    {.name = "CreateMultipartUpload",
     .method = "POST",
     .permission = "s3:PutObject",
     .root = "InitiateMultipartUploadResult",
     .changes = true},
    {.name = "UploadPart", .method = "PUT", .permission = "s3:PutObject", .changes = true, .needs_etag = true},
    {.name = "UploadPartCopy",
     .method = "PUT",
     .permission = "s3:PutObject, and s3:GetObject on the source",
     .root = "CopyPartResult",
     .changes = true,
     .patient = true},
    {.name = "CompleteMultipartUpload",
     .method = "POST",
     .permission = "s3:PutObject",
     .root = "CompleteMultipartUploadResult",
     .changes = true,
     .patient = true},
    {.name = "AbortMultipartUpload", .method = "DELETE", .permission = "s3:AbortMultipartUpload", .changes = true},
    {.name = "ListParts", .method = "GET", .permission = "s3:ListMultipartUploadParts", .root = "ListPartsResult"},
    {.name = "ListMultipartUploads",
     .method = "GET",
     .permission = "s3:ListBucketMultipartUploads",
     .root = "ListMultipartUploadsResult"},
    {.name = "HeadBucket", .method = "HEAD", .permission = "s3:ListBucket"},
    {.name = "GetBucketVersioning",
     .method = "GET",
     .permission = "s3:GetBucketVersioning",
     .root = "VersioningConfiguration"},
    {.name = "GetBucketWebsite", .method = "GET", .permission = "s3:GetBucketWebsite", .root = "WebsiteConfiguration"},
    {.name = "GetBucketOwnershipControls",
     .method = "GET",
     .permission = "s3:GetBucketOwnershipControls",
     .root = "OwnershipControls"},
    {.name = "GetBucketEncryption",
     .method = "GET",
     .permission = "s3:GetEncryptionConfiguration",
     .root = "ServerSideEncryptionConfiguration"},
    {.name = "GetObjectLockConfiguration",
     .method = "GET",
     .permission = "s3:GetBucketObjectLockConfiguration",
     .root = "ObjectLockConfiguration"},
}};

}  // namespace

const OperationFacts& facts_of(Operation operation) {
    return kFacts[static_cast<std::size_t>(operation)];
}

}  // namespace dray::s3
