// Multipart uploads.
#include <algorithm>

#include "api.h"
#include "digest.h"
#include "xml.h"

namespace dray::model {
namespace {

std::string_view unquoted(std::string_view etag) {
    if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"') return etag.substr(1, etag.size() - 2);
    return etag;
}

std::string raw_of(std::string_view base64) {
    std::string raw;
    from_base64(base64, raw);
    return raw;
}

struct Completion {
    std::vector<Part> parts;  // with bodies
    Body body;
    std::string etag;
};

// md5 of the parts' md5s; the checksum of checksums for composite types.
void name_whole(const Upload& upload, const Quirks& quirks, Completion& whole, Props& props) {
    std::string digests, checksums;
    for (const Part& part : whole.parts) {
        std::string raw;
        from_hex(part.etag, raw);
        digests += raw;
        checksums += raw_of(part.checksum);
    }
    const std::string count = "-" + std::to_string(whole.parts.size());
    whole.etag = to_hex(digest(Hash::md5, digests)) + count;
    props.checksum.clear();
    if (props.checksum_algorithm.empty() || !quirks.checksums || whole.body.is_pattern()) {
        props.checksum_algorithm.clear();
        return;
    }
    if (props.checksum_type == "COMPOSITE") {
        props.checksum = to_base64(checksum(upload.props.checksum_algorithm, Body(checksums))) + count;
    } else {
        props.checksum = to_base64(checksum(upload.props.checksum_algorithm, whole.body));
    }
}

// Matches the client's list with what was uploaded.
bool gather(const Upload& upload, const XmlNode& root, const Quirks& quirks, Completion& whole, Answer& answer) {
    int before = 0;
    for (const XmlNode& node : root.children) {
        if (node.name != "Part") continue;
        std::uint64_t number = 0;
        if (!parse_number(node.child_text("PartNumber"), number) || number > 1'000'000) {
            fail(answer, 400, "MalformedXML", "The XML you provided was not well-formed");
            return false;
        }
        if (static_cast<int>(number) <= before) {
            fail(answer, 400, "InvalidPartOrder",
                 "The list of parts was not in ascending order. Parts must be ordered by part number.");
            return false;
        }
        before = static_cast<int>(number);
        const auto at = upload.parts.find(before);
        const std::string_view told = node.child_text("Checksum" + to_upper(upload.props.checksum_algorithm));
        if (at == upload.parts.end() || at->second.etag != unquoted(node.child_text("ETag")) ||
            (!told.empty() && told != at->second.checksum)) {
            fail(answer, 400, "InvalidPart",
                 "One or more of the specified parts could not be found.  The part may not have been uploaded, or the "
                 "specified entity tag may not match the part's entity tag.",
                 "<PartNumber>" + std::to_string(number) + "</PartNumber>");
            return false;
        }
        whole.parts.push_back(at->second);
    }
    if (whole.parts.empty()) {
        fail(answer, 400, "MalformedXML", "The XML you provided was not well-formed");
        return false;
    }
    for (std::size_t i = 0; i < whole.parts.size(); ++i) {
        const bool last = i + 1 == whole.parts.size();
        if (!last && whole.parts[i].size < quirks.min_part) {
            fail(answer, 400, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size",
                 "<PartNumber>" + std::to_string(whole.parts[i].number) + "</PartNumber>");
            return false;
        }
        const bool unequal =
            last ? whole.parts[i].size > whole.parts[0].size : whole.parts[i].size != whole.parts[0].size;
        if (quirks.equal_parts_only && unequal) {
            fail(answer, 400, "InvalidPart", "All non-trailing parts must have the same length.");
            return false;
        }
        whole.body.append(whole.parts[i].body);
    }
    return true;
}

// The size and checksum the client expects of the whole.
bool whole_as_told(const Request& request, const Completion& whole, const Props& props, Answer& answer) {
    std::uint64_t size = 0;
    if (const std::string_view told = request.header("x-amz-mp-object-size");
        !told.empty() && (!parse_number(told, size) || size != whole.body.size())) {
        fail(answer, 400, "InvalidRequest", "The provided x-amz-mp-object-size does not match the size of the object");
        return false;
    }
    const std::string_view told = props.checksum_algorithm.empty()
                                      ? std::string_view()
                                      : request.header("x-amz-checksum-" + props.checksum_algorithm);
    const std::string full = props.checksum_type == "COMPOSITE" ? std::string(told) : props.checksum;
    if (!told.empty() && told != full) {
        fail(answer, 400, "BadDigest", "The checksum you specified did not match the calculated checksum.");
        return false;
    }
    return true;
}

}  // namespace

Upload* Api::need_upload(Bucket& bucket, const Request& request, Answer& answer) {
    const std::string* id = request.param("uploadId");
    const auto at = id ? bucket.uploads.find(*id) : bucket.uploads.end();
    if (at == bucket.uploads.end() || at->second.key != request.key) {
        fail(
            answer, 404, "NoSuchUpload",
            "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or "
            "completed.");
        return nullptr;
    }
    return &at->second;
}

void Api::create_upload(Request& request, Answer& answer) {
    Upload upload;
    if (!read_props(request, answer, upload.props)) return;
    std::string algorithm = to_lower(request.header("x-amz-checksum-algorithm"));
    const std::string_view type = request.header("x-amz-checksum-type");
    if (!algorithm.empty() && checksum(algorithm, Body()).empty())
        return fail(answer, 400, "InvalidRequest", "Checksum algorithm provided is unsupported.");
    if (algorithm.empty() && quirks_.default_checksum) algorithm = "crc64nvme";
    if (!quirks_.checksums) algorithm.clear();
    const bool digest_only = algorithm == "sha1" || algorithm == "sha256";
    if (digest_only && type == "FULL_OBJECT")
        return fail(answer, 400, "InvalidRequest",
                    "The FULL_OBJECT checksum type cannot be used with the sha1 or sha256 algorithm.");
    if (algorithm == "crc64nvme" && type == "COMPOSITE")
        return fail(answer, 400, "InvalidRequest",
                    "The COMPOSITE checksum type cannot be used with the crc64nvme checksum algorithm.");
    upload.props.checksum_algorithm = algorithm;
    upload.props.checksum_type = !type.empty()              ? std::string(type)
                                 : algorithm == "crc64nvme" ? std::string("FULL_OBJECT")
                                                            : std::string("COMPOSITE");
    upload.key = request.key;

    const std::scoped_lock lock(world_.mutex);
    Bucket* bucket = need_bucket(request, answer);
    if (!bucket) return;
    upload.id = world_.new_id("upload-");
    upload.initiated_us = now_us();
    answer.set("content-type", "application/xml");
    if (request.has_header("x-amz-checksum-algorithm") && quirks_.checksums) {
        answer.add("x-amz-checksum-algorithm", to_upper(algorithm));
        answer.add("x-amz-checksum-type", upload.props.checksum_type);
    }
    XmlWriter xml(answer.text);
    xml.declaration().open("InitiateMultipartUploadResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"");
    xml.text("Bucket", bucket->name)
        .text("Key", request.key)
        .text("UploadId", upload.id)
        .close("InitiateMultipartUploadResult");
    std::string id = upload.id;
    bucket->uploads.emplace(std::move(id), std::move(upload));
}

void Api::upload_part(Request& request, Answer& answer) {
    std::uint64_t number = 0;
    const std::string* text = request.param("partNumber");
    if (!text || !parse_number(*text, number) || number < 1 || number > quirks_.max_parts)
        return fail_invalid(answer, "Part number must be an integer between 1 and " +
                                        std::to_string(quirks_.max_parts) + ", inclusive");
    std::string algorithm;
    Part part;
    part.number = static_cast<int>(number);
    if (!check_body(request, answer, algorithm, part.checksum)) return;
    part.size = request.body.size();
    part.body = request.body;
    part.etag = object_etag(request.body);
    std::string wanted;
    {
        const std::scoped_lock lock(world_.mutex);
        Bucket* bucket = need_bucket(request, answer);
        if (!bucket) return;
        const Upload* upload = need_upload(*bucket, request, answer);
        if (!upload) return;
        wanted = upload->props.checksum_algorithm;
    }
    if (!algorithm.empty() && !wanted.empty() && algorithm != wanted && wanted != "crc64nvme")
        return fail(answer, 400, "InvalidRequest",
                    "Checksum Type mismatch occurred, expected checksum Type: " + wanted +
                        ", actual checksum Type: " + algorithm);
    if (algorithm != wanted) part.checksum = wanted.empty() ? std::string() : to_base64(checksum(wanted, request.body));

    const std::scoped_lock lock(world_.mutex);
    Bucket* bucket = need_bucket(request, answer);
    if (!bucket) return;
    Upload* upload = need_upload(*bucket, request, answer);
    if (!upload) return;
    part.modified_us = now_us();
    answer.headers.append("etag: \"").append(part.etag).append("\"\r\n");
    upload->parts[part.number] = std::move(part);
}

void Api::complete_upload(Request& request, Answer& answer) {
    XmlNode root;
    if (!parse_xml(request.body.str(), root) || root.name != "CompleteMultipartUpload")
        return fail(answer, 400, "MalformedXML",
                    "The XML you provided was not well-formed or did not validate against our published schema");
    const std::scoped_lock lock(world_.mutex);
    Bucket* bucket = need_bucket(request, answer);
    if (!bucket) return;
    Upload* upload = need_upload(*bucket, request, answer);
    if (!upload) return;
    Completion whole;
    if (!gather(*upload, root, quirks_, whole, answer)) return;
    Props props = upload->props;
    name_whole(*upload, quirks_, whole, props);
    if (quirks_.etags == Quirks::Etags::opaque) whole.etag = to_hex(digest(Hash::md5, world_.new_id("opaque")));
    if (!whole_as_told(request, whole, props, answer)) return;
    if (!target_conditions(*bucket, request, quirks_.complete_if_none_match, quirks_.complete_if_match, answer)) return;
    if (!target_allowed(*bucket, request, whole.body.size(), answer)) return;

    answer.set("content-type", "application/xml");
    XmlWriter xml(answer.text);
    xml.declaration().open("CompleteMultipartUploadResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"");
    xml.text("Location", "http://" + std::string(request.header("host")) + std::string(request.path));
    xml.text("Bucket", bucket->name).text("Key", request.key);
    xml.text("ETag", quirks_.complete_etag_empty ? std::string() : "\"" + whole.etag + "\"");
    if (!props.checksum.empty())
        xml.text("Checksum" + to_upper(props.checksum_algorithm), props.checksum)
            .text("ChecksumType", props.checksum_type);
    xml.close("CompleteMultipartUploadResult");

    for (Part& part : whole.parts)
        part.body = {};
    Object object;
    object.body = std::move(whole.body);
    object.etag = std::move(whole.etag);
    object.modified_us = now_us();
    object.seen_from_us = seen_from_us(request);
    object.parts = std::make_shared<const std::vector<Part>>(std::move(whole.parts));
    object.props = std::make_shared<const Props>(std::move(props));
    bucket->uploads.erase(upload->id);
    const std::string version_id = store_object(world_, *bucket, request.key, std::move(object));
    if (version_id != "null") answer.add("x-amz-version-id", version_id);
}

void Api::abort_upload(Request& request, Answer& answer) {
    const std::scoped_lock lock(world_.mutex);
    Bucket* bucket = need_bucket(request, answer);
    if (!bucket || !need_upload(*bucket, request, answer)) return;
    bucket->uploads.erase(*request.param("uploadId"));
    answer.status = 204;
}

void Api::list_parts(Request& request, Answer& answer) {
    std::uint64_t max = 1000, marker = 0;
    const std::string* max_text = request.param("max-parts");
    const std::string* marker_text = request.param("part-number-marker");
    if ((max_text && !parse_number(*max_text, max)) || (marker_text && !parse_number(*marker_text, marker)))
        return fail_invalid(answer, "Argument max-parts must be an integer between 0 and 2147483647");
    max = std::min<std::uint64_t>(max, 1000);
    const std::scoped_lock lock(world_.mutex);
    Bucket* bucket = need_bucket(request, answer);
    if (!bucket) return;
    const Upload* upload = need_upload(*bucket, request, answer);
    if (!upload) return;

    std::string parts;
    XmlWriter xml(parts);
    std::uint64_t count = 0;
    int last = 0;
    auto at = upload->parts.upper_bound(static_cast<int>(std::min<std::uint64_t>(marker, 1'000'000)));
    for (; at != upload->parts.end() && count < max; ++at, ++count) {
        const Part& part = at->second;
        last = part.number;
        xml.open("Part")
            .raw("PartNumber", std::to_string(part.number))
            .raw("LastModified", iso_date(part.modified_us, true));
        xml.text("ETag", "\"" + part.etag + "\"").raw("Size", std::to_string(part.size));
        if (!part.checksum.empty()) xml.text("Checksum" + to_upper(upload->props.checksum_algorithm), part.checksum);
        xml.close("Part");
    }
    answer.set("content-type", "application/xml");
    XmlWriter out(answer.text);
    out.declaration().open("ListPartsResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"");
    out.text("Bucket", bucket->name).text("Key", upload->key).text("UploadId", upload->id);
    out.raw("PartNumberMarker", std::to_string(marker));
    if (at != upload->parts.end()) out.raw("NextPartNumberMarker", std::to_string(last));
    out.raw("MaxParts", std::to_string(max)).raw("IsTruncated", at != upload->parts.end() ? "true" : "false");
    out.raw("StorageClass", "STANDARD");
    answer.text += parts;
    out.close("ListPartsResult");
}

}  // namespace dray::model
