// Buckets and their facts.
#include "api.h"
#include "xml.h"

namespace dray::model {
namespace {

constexpr std::string_view kNamespace = "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"";

std::string with_namespace(std::string_view name) {
    return std::string(name) + " " + std::string(kNamespace);
}

void write_versioning(const Bucket& bucket, Answer& answer) {
    XmlWriter xml(answer.text);
    xml.declaration().open(with_namespace("VersioningConfiguration"));
    if (bucket.versioning != Versioning::off)
        xml.text("Status", bucket.versioning == Versioning::enabled ? "Enabled" : "Suspended");
    xml.close("VersioningConfiguration");
}

void write_ownership(const Bucket& bucket, Answer& answer) {
    if (bucket.ownership.empty())
        return fail(answer, 404, "OwnershipControlsNotFoundError", "The bucket ownership controls were not found");
    XmlWriter(answer.text)
        .declaration()
        .open(with_namespace("OwnershipControls"))
        .open("Rule")
        .text("ObjectOwnership", bucket.ownership)
        .close("Rule")
        .close("OwnershipControls");
}

void write_encryption(const Bucket& bucket, Answer& answer) {
    if (bucket.encryption.empty())
        return fail(answer, 404, "ServerSideEncryptionConfigurationNotFoundError",
                    "The server side encryption configuration was not found");
    XmlWriter(answer.text)
        .declaration()
        .open(with_namespace("ServerSideEncryptionConfiguration"))
        .open("Rule")
        .open("ApplyServerSideEncryptionByDefault")
        .text("SSEAlgorithm", bucket.encryption)
        .close("ApplyServerSideEncryptionByDefault")
        .raw("BucketKeyEnabled", "false")
        .close("Rule")
        .close("ServerSideEncryptionConfiguration");
}

void write_acl(const Bucket& bucket, Answer& answer) {
    XmlWriter(answer.text)
        .declaration()
        .open(with_namespace("AccessControlPolicy"))
        .open("Owner")
        .text("ID", bucket.owner)
        .close("Owner")
        .open("AccessControlList")
        .open("Grant")
        .open("Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"CanonicalUser\"")
        .text("ID", bucket.owner)
        .close("Grantee")
        .raw("Permission", "FULL_CONTROL")
        .close("Grant")
        .close("AccessControlList")
        .close("AccessControlPolicy");
}

// Three to 63 of lower-case letters, digits, dots and dashes.
bool good_bucket_name(std::string_view name) {
    if (name.size() < 3 || name.size() > 63) return false;
    for (char c : name)
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.')) return false;
    return name.front() != '-' && name.front() != '.' && name.back() != '-';
}

}  // namespace

void Api::list_buckets(Answer& answer) {
    const std::scoped_lock lock(world_.mutex);
    XmlWriter xml(answer.text);
    xml.declaration().open(with_namespace("ListAllMyBucketsResult"));
    xml.open("Owner").text("ID", "111122223333").close("Owner").open("Buckets");
    for (const auto& [name, bucket] : world_.buckets)
        xml.open("Bucket").text("Name", name).text("CreationDate", iso_date(bucket.created_us, true)).close("Bucket");
    xml.close("Buckets").close("ListAllMyBucketsResult");
}

void Api::create_bucket(Request& request, Answer& answer) {
    if (!good_bucket_name(request.bucket))
        return fail(answer, 400, "InvalidBucketName", "The specified bucket is not valid.");
    const std::scoped_lock lock(world_.mutex);
    if (world_.bucket(request.bucket))
        return fail(answer, 409, "BucketAlreadyOwnedByYou",
                    "Your previous request to create the named bucket succeeded and you already own it.");
    world_.make_bucket(request.bucket, now_us());
    answer.add("location", "/" + request.bucket);
}

void Api::delete_bucket(Request& request, Answer& answer) {
    const std::scoped_lock lock(world_.mutex);
    const Bucket* bucket = need_bucket(request, answer);
    if (!bucket) return;
    if (!bucket->objects.empty())
        return fail(answer, 409, "BucketNotEmpty", "The bucket you tried to delete is not empty");
    world_.buckets.erase(world_.buckets.find(request.bucket));
    answer.status = 204;
}

void Api::put_versioning(Request& request, Answer& answer) {
    if (!quirks_.versioning) return fail(answer, 501, "NotImplemented", "Versioning is not implemented");
    XmlNode root;
    if (!parse_xml(request.body.str(), root)) return fail(answer, 400, "MalformedXML", "The XML is not well formed");
    const std::string_view status = root.child_text("Status");
    if (status != "Enabled" && status != "Suspended")
        return fail(answer, 400, "IllegalVersioningConfigurationException", "Status must be Enabled or Suspended");
    const std::scoped_lock lock(world_.mutex);
    if (Bucket* bucket = need_bucket(request, answer))
        bucket->versioning = status == "Enabled" ? Versioning::enabled : Versioning::suspended;
}

void Api::bucket_fact(Op op, Request& request, Answer& answer) {
    const std::scoped_lock lock(world_.mutex);
    const Bucket* bucket = need_bucket(request, answer);
    if (!bucket) return;
    answer.set("content-type", "application/xml");
    const bool always = op == Op::head_bucket || op == Op::bucket_location || op == Op::bucket_versioning;
    if (!always && !quirks_.bucket_facts) return fail(answer, 501, "NotImplemented", "Not implemented");
    switch (op) {
        case Op::head_bucket:
            answer.no_body = true;
            return answer.add("x-amz-bucket-region", bucket->region.empty() ? region_ : bucket->region);
        case Op::bucket_location: {
            const std::string& region = bucket->region.empty() ? region_ : bucket->region;
            XmlWriter(answer.text).declaration().open(with_namespace("LocationConstraint"));
            if (region != "us-east-1") xml_escape(region, answer.text);
            XmlWriter(answer.text).close("LocationConstraint");
            return;
        }
        case Op::bucket_versioning: return write_versioning(*bucket, answer);
        case Op::bucket_website:
            if (bucket->website_xml.empty())
                return fail(answer, 404, "NoSuchWebsiteConfiguration",
                            "The specified bucket does not have a website configuration");
            answer.text = bucket->website_xml;
            return;
        case Op::bucket_ownership: return write_ownership(*bucket, answer);
        case Op::bucket_lock:
            if (bucket->lock_xml.empty())
                return fail(answer, 404, "ObjectLockConfigurationNotFoundError",
                            "Object Lock configuration does not exist for this bucket");
            answer.text = bucket->lock_xml;
            return;
        case Op::bucket_encryption: return write_encryption(*bucket, answer);
        default: return write_acl(*bucket, answer);
    }
}

}  // namespace dray::model
