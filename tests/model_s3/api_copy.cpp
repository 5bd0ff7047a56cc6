// CopyObject and UploadPartCopy.
#include "api.h"
#include "digest.h"
#include "xml.h"

namespace dray::model {
namespace {

bool replaced(const Request& request, std::string_view directive) {
    return equals_nocase(request.header(directive), "REPLACE");
}

bool changes_something(const Request& request) {
    static constexpr std::string_view kChanges[] = {"x-amz-storage-class", "x-amz-website-redirect-location",
                                                    "x-amz-server-side-encryption", "x-amz-checksum-algorithm"};
    for (std::string_view name : kChanges)
        if (request.has_header(name)) return true;
    return replaced(request, "x-amz-metadata-directive");
}

bool source_conditions_hold(const Request& request, const Object& object) {
    std::int64_t when = 0;
    const std::int64_t modified = object.modified_us / 1'000'000 * 1'000'000;
    if (request.has_header("x-amz-copy-source-if-match")) {
        if (!etag_listed(request.header("x-amz-copy-source-if-match"), object.etag)) return false;
    } else if (parse_http_date(request.header("x-amz-copy-source-if-unmodified-since"), when) && modified > when) {
        return false;
    }
    if (request.has_header("x-amz-copy-source-if-none-match"))
        return !etag_listed(request.header("x-amz-copy-source-if-none-match"), object.etag);
    return !parse_http_date(request.header("x-amz-copy-source-if-modified-since"), when) || modified > when;
}

bool is_archived(const Props& props) {
    const auto storage = props.headers.find("x-amz-storage-class");
    return storage != props.headers.end() && (storage->second == "GLACIER" || storage->second == "DEEP_ARCHIVE");
}

// What a copy does not take over, whatever the metadata directive says.
void drop_uncopied(Props& props) {
    for (const char* name :
         {"x-amz-storage-class", "x-amz-website-redirect-location", "x-amz-server-side-encryption",
          "x-amz-server-side-encryption-aws-kms-key-id", "x-amz-server-side-encryption-bucket-key-enabled",
          "x-amz-object-lock-mode", "x-amz-object-lock-retain-until-date", "x-amz-object-lock-legal-hold"})
        props.headers.erase(name);
}

}  // namespace

bool Api::find_copy_source(const Request& request, bool conditions, CopySource& source, Answer& answer) {
    std::string_view raw = request.header("x-amz-copy-source");
    if (raw.starts_with('/')) raw.remove_prefix(1);
    if (raw.starts_with("%2F") || raw.starts_with("%2f")) raw.remove_prefix(3);
    if (const std::size_t at = raw.find("?versionId="); at != std::string_view::npos) {
        source.version_id = percent_decode(raw.substr(at + 11), true);
        raw = raw.substr(0, at);
    }
    // A bare + is a space here, as AWS decodes it: clients that do not escape it name another key.
    const std::string decoded = percent_decode(raw, true);
    const std::size_t slash = decoded.find('/');
    if (slash == std::string::npos || slash == 0 || slash + 1 == decoded.size()) {
        fail_invalid(answer, "Copy Source must mention the source bucket and key: sourcebucket/sourcekey");
        return false;
    }
    source.bucket = decoded.substr(0, slash);
    source.key = decoded.substr(slash + 1);
    if (!stored_key(quirks_, source.key)) {
        fail_invalid(answer, "Object name contains unsupported characters.");
        return false;
    }
    const Bucket* bucket = world_.bucket(source.bucket);
    if (!bucket) {
        fail(answer, 404, "NoSuchBucket", "The specified bucket does not exist");
        return false;
    }
    const std::string_view owner = request.header("x-amz-source-expected-bucket-owner");
    if (!owner.empty() && owner != bucket->owner) {
        fail(answer, 403, "AccessDenied", "Access Denied");
        return false;
    }
    source.object = source.version_id.empty() ? current_object(*bucket, source.key)
                                              : find_version(*bucket, source.key, source.version_id);
    if (!source.object) {
        if (source.version_id.empty())
            fail(answer, 404, "NoSuchKey", "The specified key does not exist.");
        else
            fail(answer, 404, "NoSuchVersion", "The specified version does not exist.");
        return false;
    }
    if (source.object->delete_marker) {
        fail(answer, 400, "InvalidRequest",
             "The source of a copy request may not specifically refer to a delete marker by version id.");
        return false;
    }
    if (conditions && !source_conditions_hold(request, *source.object)) {
        fail(answer, 412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold",
             "<Condition>x-amz-copy-source-If-Match</Condition>");
        return false;
    }
    if (is_archived(*source.object->props)) {
        fail(answer, 403, "InvalidObjectState", "The operation is not valid for the object's storage class");
        return false;
    }
    return true;
}

void Api::copy_object(Request& request, Answer& answer) {
    Props asked;
    if (!read_props(request, answer, asked)) return;
    for (std::string_view directive : {"x-amz-metadata-directive", "x-amz-tagging-directive"}) {
        const std::string_view value = request.header(directive);
        if (!value.empty() && value != "COPY" && value != "REPLACE")
            return fail_invalid(answer, "Unknown " + std::string(directive));
    }

    std::unique_lock lock(world_.mutex);
    Bucket* bucket = need_bucket(request, answer);
    if (!bucket) return;
    CopySource source;
    if (!find_copy_source(request, quirks_.copy_source_conditions, source, answer)) return;
    const Object& from = *source.object;
    if (from.body.size() > quirks_.max_copy)
        return fail(answer, 400, "InvalidRequest",
                    "The specified copy source is larger than the maximum allowable size for a copy source: " +
                        std::to_string(quirks_.max_copy));
    const bool in_place = source.bucket == request.bucket && source.key == request.key && source.version_id.empty();
    if (in_place && !changes_something(request))
        return fail(
            answer, 400, "InvalidRequest",
            "This copy request is illegal because it is trying to copy an object to itself without changing the "
            "object's metadata, storage class, website redirect location or encryption attributes.");

    const bool multipart = from.etag.find('-') != std::string::npos;
    std::string etag = from.etag;
    std::string algorithm = to_lower(request.header("x-amz-checksum-algorithm"));
    if (algorithm.empty()) algorithm = from.props->checksum_algorithm;
    const bool checksum_kept =
        algorithm == from.props->checksum_algorithm && from.props->checksum_type == "FULL_OBJECT";
    std::string value = checksum_kept ? from.props->checksum : std::string();
    const bool new_etag = (multipart && !quirks_.copy_keeps_multipart_etag) || quirks_.etags == Quirks::Etags::opaque;
    const bool new_checksum = !checksum_kept && quirks_.checksums && !algorithm.empty();
    if (new_etag || new_checksum) {
        lock.unlock();  // the source is immutable; hashing it must not stop the others
        if (new_etag) etag = object_etag(from.body);
        if (new_checksum) value = to_base64(checksum(algorithm, from.body));
        lock.lock();
        bucket = need_bucket(request, answer);
        if (!bucket) return;
    }
    if (!target_conditions(*bucket, request, quirks_.copy_if_none_match, quirks_.copy_if_match, answer)) return;
    if (!target_allowed(*bucket, request, from.body.size(), answer)) return;

    Props props = replaced(request, "x-amz-metadata-directive") ? asked : *from.props;
    if (!replaced(request, "x-amz-metadata-directive")) {
        drop_uncopied(props);
        for (const auto& [name, header] : asked.headers)
            if (name.starts_with("x-amz-")) props.headers[name] = header;
    }
    if (!quirks_.copy_keeps_tags) {
        props.tags.clear();
    } else if (replaced(request, "x-amz-tagging-directive") && quirks_.tagging_directive) {
        props.tags = asked.tags;
    } else {
        props.tags = from.props->tags;
    }
    props.acl = asked.acl;
    props.checksum_algorithm = value.empty() ? std::string() : algorithm;
    props.checksum = value;
    props.checksum_type = "FULL_OBJECT";

    Object object;
    object.body = quirks_.folder_body_lost && request.key.ends_with('/') ? Body() : from.body;
    object.etag = etag;
    object.modified_us = now_us();
    object.seen_from_us = seen_from_us(request);
    if (multipart && !new_etag) object.parts = from.parts;
    object.props = std::make_shared<const Props>(std::move(props));

    answer.set("content-type", "application/xml");
    XmlWriter xml(answer.text);
    xml.declaration().open("CopyObjectResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"");
    xml.raw("LastModified", iso_date(object.modified_us, true));
    answer.text.append("<ETag>&quot;").append(etag).append("&quot;</ETag>");
    if (!value.empty()) xml.text("Checksum" + to_upper(algorithm), value).raw("ChecksumType", "FULL_OBJECT");
    xml.close("CopyObjectResult");
    if (from.version_id != "null") answer.add("x-amz-copy-source-version-id", from.version_id);
    const std::string version_id = store_object(world_, *bucket, request.key, std::move(object));
    if (version_id != "null") answer.add("x-amz-version-id", version_id);
}

void Api::upload_part_copy(Request& request, Answer& answer) {
    if (!quirks_.part_copy) return fail(answer, 501, "NotImplemented", "UploadPartCopy is not implemented");
    std::uint64_t number = 0;
    const std::string* text = request.param("partNumber");
    if (!text || !parse_number(*text, number) || number < 1 || number > quirks_.max_parts)
        return fail_invalid(answer, "Part number must be an integer between 1 and " +
                                        std::to_string(quirks_.max_parts) + ", inclusive");

    std::unique_lock lock(world_.mutex);
    Bucket* bucket = need_bucket(request, answer);
    if (!bucket) return;
    if (!need_upload(*bucket, request, answer)) return;
    CopySource source;
    if (!find_copy_source(request, quirks_.part_copy_source_conditions, source, answer)) return;
    Body body = source.object->body;
    if (const std::string_view range = request.header("x-amz-copy-source-range"); !range.empty()) {
        std::uint64_t first = 0, last = 0;
        const std::size_t dash = range.find('-');
        if (!range.starts_with("bytes=") || dash == std::string_view::npos ||
            !parse_number(range.substr(6, dash - 6), first) || !parse_number(range.substr(dash + 1), last) ||
            last < first)
            return fail_invalid(
                answer,
                "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are "
                "the zero-based offsets of the first and last bytes to copy");
        if (last >= body.size())
            return fail_invalid(
                answer, "Range specified is not valid for source object of size: " + std::to_string(body.size()));
        body = body.sub(first, last - first + 1);
    }
    if (body.size() > quirks_.max_copy)
        return fail(answer, 400, "InvalidRequest",
                    "The specified copy source is larger than the maximum allowable size for a copy source: " +
                        std::to_string(quirks_.max_copy));

    lock.unlock();  // hashing must not stop the others
    Part part;
    part.number = static_cast<int>(number);
    part.size = body.size();
    part.etag = object_etag(body);
    part.modified_us = now_us();
    lock.lock();
    bucket = need_bucket(request, answer);
    if (!bucket) return;
    Upload* upload = need_upload(*bucket, request, answer);
    if (!upload) return;
    const std::string& algorithm = upload->props.checksum_algorithm;
    if (!algorithm.empty() && !body.is_pattern()) part.checksum = to_base64(checksum(algorithm, body));
    part.body = std::move(body);

    answer.set("content-type", "application/xml");
    XmlWriter xml(answer.text);
    xml.declaration().open("CopyPartResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"");
    xml.raw("LastModified", iso_date(part.modified_us, true)).text("ETag", "\"" + part.etag + "\"");
    if (!part.checksum.empty()) xml.text("Checksum" + to_upper(algorithm), part.checksum);
    xml.close("CopyPartResult");
    if (source.object->version_id != "null") answer.add("x-amz-copy-source-version-id", source.object->version_id);
    upload->parts[part.number] = std::move(part);
}

}  // namespace dray::model
