#include "api.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "digest.h"
#include "xml.h"

namespace dray::model {
namespace {

constexpr std::array<std::string_view, static_cast<std::size_t>(Op::count_)> kNames = {
    "Unknown",
    "Control",
    "ListBuckets",
    "CreateBucket",
    "DeleteBucket",
    "HeadBucket",
    "GetBucketLocation",
    "GetBucketVersioning",
    "PutBucketVersioning",
    "GetBucketWebsite",
    "GetBucketOwnershipControls",
    "GetObjectLockConfiguration",
    "GetBucketEncryption",
    "GetBucketAcl",
    "ListObjectsV2",
    "ListObjects",
    "ListObjectVersions",
    "ListMultipartUploads",
    "DeleteObjects",
    "GetObject",
    "HeadObject",
    "PutObject",
    "CopyObject",
    "DeleteObject",
    "GetObjectTagging",
    "PutObjectTagging",
    "DeleteObjectTagging",
    "GetObjectAcl",
    "PutObjectAcl",
    "GetObjectAttributes",
    "CreateMultipartUpload",
    "UploadPart",
    "UploadPartCopy",
    "CompleteMultipartUpload",
    "AbortMultipartUpload",
    "ListParts",
};

Op route_bucket_get(const Request& request) {
    static constexpr std::pair<std::string_view, Op> kFacts[] = {
        {"location", Op::bucket_location}, {"versioning", Op::bucket_versioning},
        {"website", Op::bucket_website},   {"ownershipControls", Op::bucket_ownership},
        {"object-lock", Op::bucket_lock},  {"encryption", Op::bucket_encryption},
        {"acl", Op::bucket_acl},           {"versions", Op::list_versions},
        {"uploads", Op::list_uploads},
    };
    for (const auto& [name, op] : kFacts)
        if (request.has_param(name)) return op;
    static constexpr std::string_view kOthers[] = {"policy",       "tagging",        "cors",
                                                   "lifecycle",    "replication",    "logging",
                                                   "notification", "requestPayment", "accelerate"};
    for (std::string_view name : kOthers)
        if (request.has_param(name)) return Op::unknown;
    const std::string* type = request.param("list-type");
    return type && *type == "2" ? Op::list_v2 : Op::list_v1;
}

Op route_bucket(const Request& request) {
    if (request.method == "GET") return route_bucket_get(request);
    if (request.method == "HEAD") return Op::head_bucket;
    if (request.method == "PUT") {
        if (request.has_param("versioning")) return Op::put_bucket_versioning;
        return request.query.empty() ? Op::create_bucket : Op::unknown;
    }
    if (request.method == "DELETE") return request.query.empty() ? Op::delete_bucket : Op::unknown;
    if (request.method == "POST" && request.has_param("delete")) return Op::delete_objects;
    return Op::unknown;
}

Op route_object(const Request& request) {
    const bool tagging = request.has_param("tagging"), acl = request.has_param("acl");
    const bool upload = request.has_param("uploadId");
    if (request.method == "GET" || request.method == "HEAD") {
        const bool head = request.method == "HEAD";
        if (head) return Op::head_object;
        if (tagging) return Op::get_tagging;
        if (acl) return Op::get_acl;
        if (upload) return Op::list_parts;
        return request.has_param("attributes") ? Op::get_attributes : Op::get_object;
    }
    if (request.method == "PUT") {
        const bool copy = request.has_header("x-amz-copy-source");
        if (tagging) return Op::put_tagging;
        if (acl) return Op::put_acl;
        if (upload || request.has_param("partNumber")) return copy ? Op::upload_part_copy : Op::upload_part;
        return copy ? Op::copy_object : Op::put_object;
    }
    if (request.method == "DELETE") return upload ? Op::abort_upload : tagging ? Op::delete_tagging : Op::delete_object;
    if (request.method == "POST" && request.has_param("uploads")) return Op::create_upload;
    if (request.method == "POST" && upload) return Op::complete_upload;
    return Op::unknown;
}

// The bucket in front of ".domain" in a Host header, or empty.
std::string_view virtual_bucket(std::string_view host, std::string_view domain) {
    host = host.substr(0, host.find(':'));
    if (host.size() <= domain.size() + 1 || !host.ends_with(domain)) return {};
    host.remove_suffix(domain.size());
    if (!host.ends_with('.')) return {};
    host.remove_suffix(1);
    return host;
}

bool too_long(const std::string& key) {
    return key.size() > 1024;
}

// How keys of this request are kept here. False: an answer was written.
bool settle_key(const Quirks& quirks, Op op, Request& request, Answer& answer) {
    if (request.key.empty()) return true;
    if (too_long(request.key)) {
        fail(answer, 400, "KeyTooLongError", "Your key is too long",
             "<Size>" + std::to_string(request.key.size()) + "</Size><MaxSizeAllowed>1024</MaxSizeAllowed>");
        return false;
    }
    if (stored_key(quirks, request.key)) return true;
    if (op == Op::head_object) {
        fail(answer, 404, "NoSuchKey", "The specified key does not exist.");
    } else {
        fail(answer, 400, "InvalidArgument", "Object name contains unsupported characters.");
    }
    return false;
}

}  // namespace

std::string_view op_name(Op op) {
    return kNames[static_cast<std::size_t>(op)];
}

Op route(Request& request, std::string_view domain) {
    request.bucket.clear();
    request.key.clear();
    if (request.path.starts_with("/_model/")) return Op::control;
    const std::string_view by_host = virtual_bucket(request.header("host"), domain);
    std::string_view rest = request.path.substr(1);
    if (by_host.empty()) {
        const std::size_t slash = rest.find('/');
        request.bucket = percent_decode(rest.substr(0, slash), false);
        rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
    } else {
        request.bucket = by_host;
    }
    request.key = percent_decode(rest, false);
    if (request.bucket.empty()) return request.method == "GET" && request.key.empty() ? Op::list_buckets : Op::unknown;
    return request.key.empty() ? route_bucket(request) : route_object(request);
}

std::int64_t Api::now_us() const {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::microseconds>(now).count() + clock_offset_us_;
}

void Api::handle(Op op, Request& request, Answer& answer) {
    if (!settle_key(quirks_, op, request, answer)) return;
    switch (op) {
        case Op::list_buckets: return list_buckets(answer);
        case Op::create_bucket: return create_bucket(request, answer);
        case Op::delete_bucket: return delete_bucket(request, answer);
        case Op::put_bucket_versioning: return put_versioning(request, answer);
        case Op::head_bucket:
        case Op::bucket_location:
        case Op::bucket_versioning:
        case Op::bucket_website:
        case Op::bucket_ownership:
        case Op::bucket_lock:
        case Op::bucket_encryption:
        case Op::bucket_acl: return bucket_fact(op, request, answer);
        case Op::list_v1:
        case Op::list_v2: return list_objects(op, request, answer);
        case Op::list_versions: return list_versions(request, answer);
        case Op::list_uploads: return list_uploads(request, answer);
        case Op::delete_objects: return delete_many(request, answer);
        case Op::get_object: return get_object(request, answer, false);
        case Op::head_object: return get_object(request, answer, true);
        case Op::put_object: return put_object(request, answer);
        case Op::copy_object: return copy_object(request, answer);
        case Op::delete_object: return delete_one(request, answer);
        case Op::get_tagging:
        case Op::put_tagging:
        case Op::delete_tagging: return tagging(op, request, answer);
        case Op::get_acl:
        case Op::put_acl: return acl(op, request, answer);
        case Op::get_attributes: return attributes(request, answer);
        case Op::create_upload: return create_upload(request, answer);
        case Op::upload_part: return upload_part(request, answer);
        case Op::upload_part_copy: return upload_part_copy(request, answer);
        case Op::complete_upload: return complete_upload(request, answer);
        case Op::abort_upload: return abort_upload(request, answer);
        case Op::list_parts: return list_parts(request, answer);
        case Op::unknown:
        case Op::control:
        case Op::count_: break;
    }
    fail(answer, 501, "NotImplemented", "A header you provided implies functionality that is not implemented");
}

Bucket* Api::need_bucket(const Request& request, Answer& answer) {
    Bucket* bucket = world_.bucket(request.bucket);
    if (!bucket) {
        fail(answer, 404, "NoSuchBucket", "The specified bucket does not exist",
             "<BucketName>" + request.bucket + "</BucketName>");
        return nullptr;
    }
    if (!bucket->region.empty() && bucket->region != region_) {
        fail(answer, 301, "PermanentRedirect",
             "The bucket you are attempting to access must be addressed using the specified endpoint.",
             "<Bucket>" + bucket->name + "</Bucket><Endpoint>s3." + bucket->region + ".amazonaws.com</Endpoint>");
        answer.add("x-amz-bucket-region", bucket->region);
        return nullptr;
    }
    const std::string_view owner = request.header("x-amz-expected-bucket-owner");
    if (!owner.empty() && owner != bucket->owner) {
        fail(answer, 403, "AccessDenied", "Access Denied");
        return nullptr;
    }
    return bucket;
}

void fail(Answer& answer, int status, std::string_view code, std::string_view message, std::string_view extra_xml) {
    answer.status = status;
    answer.object = false;
    answer.body = {};
    answer.text.clear();
    XmlWriter xml(answer.text);
    xml.declaration().open("Error").text("Code", code).text("Message", message);
    answer.text += extra_xml;
    xml.close("Error");
    answer.set("content-type", "application/xml");
}

void fail_invalid(Answer& answer, std::string_view message) {
    fail(answer, 400, "InvalidArgument", message);
}

bool etag_listed(std::string_view list, std::string_view etag) {
    while (!list.empty()) {
        std::string_view item = list.substr(0, list.find(','));
        list.remove_prefix(std::min(list.size(), item.size() + 1));
        while (item.starts_with(' '))
            item.remove_prefix(1);
        while (item.ends_with(' '))
            item.remove_suffix(1);
        if (item == "*") return true;
        if (item.starts_with("W/")) item.remove_prefix(2);
        if (item.size() >= 2 && item.front() == '"' && item.back() == '"') item = item.substr(1, item.size() - 2);
        if (item == etag) return true;
    }
    return false;
}

bool parse_tags(std::string_view text, std::map<std::string, std::string>& tags) {
    tags.clear();
    while (!text.empty()) {
        const std::string_view item = text.substr(0, text.find('&'));
        text.remove_prefix(std::min(text.size(), item.size() + 1));
        if (item.empty()) continue;
        const std::size_t equals = item.find('=');
        std::string name = percent_decode(item.substr(0, equals), true);
        std::string value = equals == std::string_view::npos ? "" : percent_decode(item.substr(equals + 1), true);
        if (name.empty() || name.size() > 512 || value.size() > 1024 || !tags.emplace(name, value).second) return false;
    }
    return tags.size() <= 10;
}

}  // namespace dray::model
