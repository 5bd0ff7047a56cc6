// Tags, ACLs and attributes of an object.
#include <algorithm>
#include <array>

#include "api.h"
#include "xml.h"

namespace dray::model {
namespace {

bool read_tag_set(const Request& request, std::map<std::string, std::string>& tags) {
    XmlNode root;
    if (!parse_xml(request.body.str(), root) || root.name != "Tagging") return false;
    const XmlNode* set = root.child("TagSet");
    if (!set || set->children.size() > 10) return false;
    for (const XmlNode& tag : set->children) {
        std::string name(tag.child_text("Key"));
        if (tag.name != "Tag" || name.empty() || !tags.emplace(std::move(name), tag.child_text("Value")).second)
            return false;
    }
    return true;
}

// Replaces one version by a copy of it with other properties: same bytes, same id, same date.
void replace_props(Bucket& bucket, const std::string& key, const ObjectPtr& object, Props props) {
    Object changed = *object;
    changed.props = std::make_shared<const Props>(std::move(props));
    auto made = std::make_shared<const Object>(std::move(changed));
    Entry& entry = bucket.objects.find(key)->second;
    if (entry.newest == object) {
        entry.newest = std::move(made);
        return;
    }
    for (ObjectPtr& old : entry.older)
        if (old == object) old = made;
}

bool wants(std::string_view attributes, std::string_view name) {
    return attributes.find(name) != std::string_view::npos;
}

ObjectPtr find_asked(const Bucket& bucket, const Request& request, Answer& answer) {
    const std::string* version = request.param("versionId");
    ObjectPtr object = version ? find_version(bucket, request.key, *version) : current_object(bucket, request.key);
    if (object && !object->delete_marker) return object;
    if (version)
        fail(answer, 404, "NoSuchVersion", "The specified version does not exist.");
    else
        fail(answer, 404, "NoSuchKey", "The specified key does not exist.");
    return nullptr;
}

}  // namespace

void Api::tagging(Op op, Request& request, Answer& answer) {
    std::map<std::string, std::string> tags;
    std::string algorithm, value;
    if (op == Op::put_tagging) {
        if (!check_body(request, answer, algorithm, value)) return;
        if (!read_tag_set(request, tags))
            return fail(answer, 400, "MalformedXML", "The XML you provided was not well-formed");
    }
    const std::scoped_lock lock(world_.mutex);
    Bucket* bucket = need_bucket(request, answer);
    if (!bucket) return;
    const ObjectPtr object = find_asked(*bucket, request, answer);
    if (!object) return;
    if (object->version_id != "null") answer.add("x-amz-version-id", object->version_id);
    if (op == Op::get_tagging) {
        answer.set("content-type", "application/xml");
        XmlWriter xml(answer.text);
        xml.declaration().open("Tagging xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"").open("TagSet");
        for (const auto& [name, tag] : object->props->tags)
            xml.open("Tag").text("Key", name).text("Value", tag).close("Tag");
        xml.close("TagSet").close("Tagging");
        return;
    }
    Props props = *object->props;
    props.tags = std::move(tags);
    replace_props(*bucket, request.key, object, std::move(props));
    if (op == Op::delete_tagging) answer.status = 204;
}

bool Api::read_canned_acl(const Request& request, Answer& answer, Props& props) {
    static constexpr std::array<std::string_view, 7> kCanned = {
        "private",       "public-read",       "public-read-write",        "authenticated-read",
        "aws-exec-read", "bucket-owner-read", "bucket-owner-full-control"};
    const std::string_view acl = request.header("x-amz-acl");
    if (!acl.empty() && std::find(kCanned.begin(), kCanned.end(), acl) == kCanned.end()) {
        fail_invalid(answer, "The canned ACL is none that S3 knows");
        return false;
    }
    props.acl = acl;
    return true;
}

void Api::acl(Op op, Request& request, Answer& answer) {
    const std::scoped_lock lock(world_.mutex);
    Bucket* bucket = need_bucket(request, answer);
    if (!bucket) return;
    const ObjectPtr object = find_asked(*bucket, request, answer);
    if (!object) return;
    if (op == Op::put_acl) {
        if (bucket->ownership == "BucketOwnerEnforced")
            return fail(answer, 400, "AccessControlListNotSupported", "The bucket does not allow ACLs");
        Props props = *object->props;
        if (!read_canned_acl(request, answer, props)) return;
        return replace_props(*bucket, request.key, object, std::move(props));
    }
    answer.set("content-type", "application/xml");
    XmlWriter xml(answer.text);
    xml.declaration().open("AccessControlPolicy xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"");
    xml.open("Owner").text("ID", bucket->owner).close("Owner").open("AccessControlList");
    constexpr std::string_view kGrantee = "Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=";
    xml.open("Grant").open(std::string(kGrantee) + "\"CanonicalUser\"").text("ID", bucket->owner).close("Grantee");
    xml.raw("Permission", "FULL_CONTROL").close("Grant");
    if (object->props->acl.starts_with("public-read")) {
        xml.open("Grant").open(std::string(kGrantee) + "\"Group\"");
        xml.text("URI", "http://acs.amazonaws.com/groups/global/AllUsers").close("Grantee");
        xml.raw("Permission", "READ").close("Grant");
    }
    xml.close("AccessControlList").close("AccessControlPolicy");
}

void Api::attributes(Request& request, Answer& answer) {
    if (quirks_.attributes == Quirks::Attributes::broken)
        return fail(answer, 500, "InternalError", "We encountered an internal error.");
    const std::string_view asked = request.header("x-amz-object-attributes");
    if (asked.empty()) return fail_invalid(answer, "x-amz-object-attributes is missing");
    const std::scoped_lock lock(world_.mutex);
    Bucket* bucket = need_bucket(request, answer);
    if (!bucket) return;
    const ObjectPtr object = find_asked(*bucket, request, answer);
    if (!object) return;
    const Props& props = *object->props;
    answer.set("content-type", "application/xml");
    answer.add("last-modified", http_date(object->modified_us));
    if (object->version_id != "null") answer.add("x-amz-version-id", object->version_id);
    XmlWriter xml(answer.text);
    xml.declaration().open("GetObjectAttributesResponse xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"");
    if (wants(asked, "ETag")) xml.text("ETag", object->etag);
    if (wants(asked, "Checksum") && !props.checksum.empty() && quirks_.checksums)
        xml.open("Checksum")
            .text("Checksum" + to_upper(props.checksum_algorithm), props.checksum)
            .text("ChecksumType", props.checksum_type)
            .close("Checksum");
    if (wants(asked, "ObjectParts") && object->parts && quirks_.attributes == Quirks::Attributes::full) {
        xml.open("ObjectParts").raw("PartsCount", std::to_string(object->parts->size()));
        for (const Part& part : *object->parts) {
            xml.open("Part").raw("PartNumber", std::to_string(part.number)).raw("Size", std::to_string(part.size));
            if (!part.checksum.empty() && quirks_.checksums)
                xml.text("Checksum" + to_upper(props.checksum_algorithm), part.checksum);
            xml.close("Part");
        }
        xml.close("ObjectParts");
    }
    if (wants(asked, "StorageClass")) {
        const auto storage = props.headers.find("x-amz-storage-class");
        xml.text("StorageClass", storage == props.headers.end() ? std::string("STANDARD") : storage->second);
    }
    if (wants(asked, "ObjectSize")) xml.raw("ObjectSize", std::to_string(object->body.size()));
    xml.close("GetObjectAttributesResponse");
}

}  // namespace dray::model
