// GET, HEAD, PUT, DELETE, DeleteObjects and the rules they share.
#include <algorithm>
#include <array>

#include "api.h"
#include "digest.h"
#include "xml.h"

namespace dray::model {
namespace {

constexpr std::array<std::string_view, 5> kChecksums = {"crc32", "crc32c", "crc64nvme", "sha1", "sha256"};

// Answered as they were given.
constexpr std::array<std::string_view, 14> kKeptHeaders = {"content-type",
                                                           "content-encoding",
                                                           "content-language",
                                                           "content-disposition",
                                                           "cache-control",
                                                           "expires",
                                                           "x-amz-website-redirect-location",
                                                           "x-amz-storage-class",
                                                           "x-amz-server-side-encryption",
                                                           "x-amz-server-side-encryption-aws-kms-key-id",
                                                           "x-amz-server-side-encryption-bucket-key-enabled",
                                                           "x-amz-object-lock-mode",
                                                           "x-amz-object-lock-retain-until-date",
                                                           "x-amz-object-lock-legal-hold"};

constexpr std::array<std::string_view, 9> kClasses = {
    "STANDARD", "STANDARD_IA",  "ONEZONE_IA", "INTELLIGENT_TIERING", "REDUCED_REDUNDANCY",
    "GLACIER",  "DEEP_ARCHIVE", "GLACIER_IR", "EXPRESS_ONEZONE"};

constexpr std::array<std::string_view, 3> kEncryptions = {"AES256", "aws:kms", "aws:kms:dsse"};

constexpr std::size_t kMaxMetadata = 2048;  // bytes of names and values

std::string mangled(std::string_view utf8) {
    std::string out;
    for (char c : utf8) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x80) {
            out += c;
        } else {
            out += static_cast<char>(0xC0 | (byte >> 6));
            out += static_cast<char>(0x80 | (byte & 0x3F));
        }
    }
    return out;
}

// aws-chunked is how the body travelled, not what it is.
std::string stored_encoding(std::string_view value) {
    std::string kept;
    while (!value.empty()) {
        std::string_view item = value.substr(0, value.find(','));
        value.remove_prefix(std::min(value.size(), item.size() + 1));
        while (item.starts_with(' '))
            item.remove_prefix(1);
        if (item == "aws-chunked" || item.empty()) continue;
        if (!kept.empty()) kept += ",";
        kept += item;
    }
    return kept;
}

enum class Range { whole, part, unsatisfiable };

Range parse_range(std::string_view text, std::uint64_t size, std::uint64_t& first, std::uint64_t& length) {
    if (!text.starts_with("bytes=") || text.find(',') != std::string_view::npos) return Range::whole;
    text.remove_prefix(6);
    const std::size_t dash = text.find('-');
    if (dash == std::string_view::npos) return Range::whole;
    std::uint64_t last = 0;
    if (dash == 0) {
        if (!parse_number(text.substr(1), last)) return Range::whole;
        if (last == 0 || size == 0) return Range::unsatisfiable;
        length = std::min(last, size);
        first = size - length;
        return Range::part;
    }
    if (!parse_number(text.substr(0, dash), first)) return Range::whole;
    if (dash + 1 == text.size()) {
        last = size == 0 ? 0 : size - 1;
    } else if (!parse_number(text.substr(dash + 1), last) || last < first) {
        return Range::whole;
    }
    if (first >= size) return Range::unsatisfiable;
    length = std::min(last, size - 1) - first + 1;
    return Range::part;
}

// 200 to go on; 304 or 412 otherwise.
int read_conditions(const Request& request, const Object& object) {
    std::int64_t when = 0;
    const std::int64_t modified = object.modified_us / 1'000'000 * 1'000'000;
    if (request.has_header("if-match")) {
        if (!etag_listed(request.header("if-match"), object.etag)) return 412;
    } else if (parse_http_date(request.header("if-unmodified-since"), when) && modified > when) {
        return 412;
    }
    if (request.has_header("if-none-match"))
        return etag_listed(request.header("if-none-match"), object.etag) ? 304 : 200;
    return parse_http_date(request.header("if-modified-since"), when) && modified <= when ? 304 : 200;
}

bool is_archived(const Object& object) {
    const auto storage = object.props->headers.find("x-amz-storage-class");
    return storage != object.props->headers.end() &&
           (storage->second == "GLACIER" || storage->second == "DEEP_ARCHIVE");
}

void fail_marker(const Object& marker, bool by_version, Answer& answer) {
    if (by_version) {
        fail(answer, 405, "MethodNotAllowed", "The specified method is not allowed against this resource.");
    } else {
        fail(answer, 404, "NoSuchKey", "The specified key does not exist.");
    }
    answer.add("x-amz-delete-marker", "true");
    answer.add("x-amz-version-id", marker.version_id);
}

bool has_child(const Bucket& bucket, const std::string& key) {
    const std::string folder = key + "/";
    const auto at = bucket.objects.lower_bound(folder);
    return at != bucket.objects.end() && at->first.starts_with(folder);
}

bool has_file_above(const Bucket& bucket, std::string_view key) {
    for (std::size_t slash = key.find('/'); slash != std::string_view::npos; slash = key.find('/', slash + 1))
        if (current_object(bucket, key.substr(0, slash))) return true;
    return false;
}

}  // namespace

void add_object_headers(const Object& object, const Quirks& quirks, bool checksum_mode, Answer& answer) {
    answer.headers.reserve(512);
    answer.add("last-modified", http_date(object.modified_us));
    answer.headers.append("etag: \"").append(object.etag).append("\"\r\n");
    answer.add("accept-ranges", "bytes");
    const Props& props = *object.props;
    if (!props.headers.contains("content-type")) answer.add("content-type", "binary/octet-stream");
    for (const auto& [name, value] : props.headers) {
        if (name == "x-amz-storage-class" && (value == "STANDARD" || quirks.classes != Quirks::Classes::kept)) continue;
        answer.add(name, value);
    }
    for (const auto& [name, value] : props.meta)
        answer.headers.append("x-amz-meta-").append(name).append(": ").append(value).append("\r\n");
    if (!props.tags.empty()) answer.add("x-amz-tagging-count", std::to_string(props.tags.size()));
    if (object.version_id != "null") answer.add("x-amz-version-id", object.version_id);
    if (checksum_mode && quirks.checksums && !props.checksum.empty()) {
        answer.add("x-amz-checksum-" + props.checksum_algorithm, props.checksum);
        answer.add("x-amz-checksum-type", props.checksum_type);
    }
}

std::string Api::object_etag(const Body& body) {
    if (quirks_.etags == Quirks::Etags::md5) return plain_etag(body);
    const std::scoped_lock lock(world_.mutex);
    return to_hex(digest(Hash::md5, world_.new_id("opaque")));
}

void Api::get_object(Request& request, Answer& answer, bool head) {
    answer.no_body = head;
    ObjectPtr object;
    const std::string* version = request.param("versionId");
    {
        const std::scoped_lock lock(world_.mutex);
        const Bucket* bucket = need_bucket(request, answer);
        if (!bucket) return;
        const auto at = bucket->objects.find(request.key);
        if (at != bucket->objects.end())
            object = version ? find_version(*bucket, request.key, *version) : at->second.newest;
    }
    if (!object) {
        if (version) return fail(answer, 404, "NoSuchVersion", "The specified version does not exist.");
        return fail(answer, 404, "NoSuchKey", "The specified key does not exist.");
    }
    if (object->delete_marker) return fail_marker(*object, version != nullptr, answer);

    const int verdict = read_conditions(request, *object);
    if (verdict == 412)
        return fail(answer, 412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold");
    add_object_headers(*object, quirks_, equals_nocase(request.header("x-amz-checksum-mode"), "ENABLED"), answer);
    if (verdict == 304) {
        answer.status = 304;
        answer.no_body = true;
        return;
    }
    if (!head && is_archived(*object))
        return fail(answer, 403, "InvalidObjectState", "The operation is not valid for the object's storage class");

    std::uint64_t first = 0, length = object->body.size();
    switch (parse_range(request.header("range"), object->body.size(), first, length)) {
        case Range::whole: break;
        case Range::part:
            answer.status = 206;
            answer.add("content-range", "bytes " + std::to_string(first) + "-" + std::to_string(first + length - 1) +
                                            "/" + std::to_string(object->body.size()));
            break;
        case Range::unsatisfiable:
            answer.headers.clear();
            return fail(answer, 416, "InvalidRange", "The requested range is not satisfiable");
    }
    if (object->parts) answer.add("x-amz-mp-parts-count", std::to_string(object->parts->size()));
    answer.told_length = length;
    if (head) return;
    answer.object = true;
    answer.body = length == object->body.size() ? object->body : object->body.sub(first, length);
}

bool Api::read_system_headers(const Request& request, Answer& answer, Props& props) {
    for (const HeaderField& field : request.headers) {
        if (std::find(kKeptHeaders.begin(), kKeptHeaders.end(), field.name) == kKeptHeaders.end()) continue;
        if (field.name == "x-amz-website-redirect-location" && !quirks_.website_redirect) continue;
        std::string value = field.name == "content-encoding" ? stored_encoding(field.value) : std::string(field.value);
        if (!value.empty()) props.headers[std::string(field.name)] = std::move(value);
    }
    const std::string_view storage = request.header("x-amz-storage-class");
    const bool known = std::find(kClasses.begin(), kClasses.end(), storage) != kClasses.end();
    const bool refused = quirks_.classes == Quirks::Classes::refused && storage != "STANDARD";
    if (!storage.empty() && (!known || refused)) {
        fail(answer, 400, "InvalidStorageClass", "The storage class you specified is not valid");
        return false;
    }
    const std::string_view encryption = request.header("x-amz-server-side-encryption");
    if (!encryption.empty() && std::find(kEncryptions.begin(), kEncryptions.end(), encryption) == kEncryptions.end()) {
        fail(answer, 400, "InvalidEncryptionAlgorithmError", "The encryption request that you specified is not valid.");
        return false;
    }
    return read_canned_acl(request, answer, props);
}

bool Api::read_props(const Request& request, Answer& answer, Props& props) {
    if (!read_system_headers(request, answer, props)) return false;
    std::size_t bytes = 0;
    for (const HeaderField& field : request.headers) {
        if (!field.name.starts_with("x-amz-meta-")) continue;
        const std::string_view name = field.name.substr(11);
        std::string& value = props.meta[std::string(name)];
        if (!value.empty()) value += ",";
        value += quirks_.metadata_mangled ? mangled(field.value) : std::string(field.value);
        bytes += name.size() + field.value.size();
    }
    if (bytes > kMaxMetadata) {
        fail(answer, 400, "MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size");
        return false;
    }
    if (!parse_tags(request.header("x-amz-tagging"), props.tags)) {
        fail_invalid(answer,
                     "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters");
        return false;
    }
    return true;
}

bool Api::check_body(const Request& request, Answer& answer, std::string& algorithm, std::string& value) {
    if (const std::string_view told = request.header("content-md5"); !told.empty() && quirks_.content_md5_checked) {
        std::string raw;
        if (!from_base64(told, raw) || raw.size() != 16)
            return fail(answer, 400, "InvalidDigest", "The Content-MD5 you specified was invalid."), false;
        if (raw != body_digest(Hash::md5, request.body))
            return fail(answer, 400, "BadDigest", "The Content-MD5 you specified did not match what we received."),
                   false;
    }
    const std::string_view announced = request.header("x-amz-sdk-checksum-algorithm");
    std::string_view told;
    int found = 0;
    for (std::string_view name : kChecksums) {
        const std::string_view header = request.header("x-amz-checksum-" + std::string(name));
        if (header.empty()) continue;
        algorithm = name;
        told = header;
        ++found;
    }
    if (const std::size_t colon = request.trailer_checksum.find(':'); found == 0 && colon != std::string::npos) {
        algorithm = request.trailer_checksum.substr(0, colon);
        told = std::string_view(request.trailer_checksum).substr(colon + 1);
        ++found;
    }
    if (quirks_.checksums_not_implemented && (found > 0 || !announced.empty()))
        return fail(answer, 501, "NotImplemented",
                    "A header you provided implies functionality that is not implemented",
                    "<Header>x-amz-checksum-" + algorithm + "</Header>"),
               false;
    if (!quirks_.checksums) {
        algorithm.clear();
        return true;
    }
    if (found > 1)
        return fail(answer, 400, "InvalidRequest",
                    "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."),
               false;
    if (found == 0) {
        if (announced.empty()) return true;
        return fail(answer, 400, "InvalidRequest",
                    "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer "
                    "headers "
                    "were found."),
               false;
    }
    value = to_base64(checksum(algorithm, request.body));
    if (value != told) {
        std::string raw;
        const bool well_formed = from_base64(told, raw) && to_base64(raw).size() == value.size();
        if (!well_formed)
            fail(answer, 400, "InvalidRequest", "Value for x-amz-checksum-" + algorithm + " header is invalid.");
        else
            fail(answer, 400, "BadDigest",
                 "The " + to_upper(algorithm) + " you specified did not match the calculated checksum.");
        return false;
    }
    answer.add("x-amz-checksum-" + algorithm, value);
    return true;
}

bool Api::target_conditions(const Bucket& bucket, const Request& request, bool none_match, bool match, Answer& answer) {
    constexpr std::string_view kMessage = "At least one of the pre-conditions you specified did not hold";
    if (const std::string_view told = request.header("if-none-match"); !told.empty() && none_match) {
        if (told != "*") {
            fail(answer, 501, "NotImplemented", "A header you provided implies functionality that is not implemented",
                 "<Header>If-None-Match</Header>");
            return false;
        }
        // Answered only when others see it: whoever comes after the answer is refused, whoever comes before is not.
        answer.delay_ms = quirks_.creation_gap_ms;
        const ObjectPtr there = current_object(bucket, request.key);
        if (there && now_us() >= there->seen_from_us) {
            fail(answer, 412, "PreconditionFailed", kMessage, "<Condition>If-None-Match</Condition>");
            return false;
        }
    }
    if (const std::string_view told = request.header("if-match"); !told.empty() && match) {
        const ObjectPtr object = current_object(bucket, request.key);
        if (!object) {
            fail(answer, 404, "NoSuchKey", "The specified key does not exist.");
            return false;
        }
        if (!etag_listed(told, object->etag)) {
            fail(answer, 412, "PreconditionFailed", kMessage, "<Condition>If-Match</Condition>");
            return false;
        }
    }
    return true;
}

std::int64_t Api::seen_from_us(const Request& request) const {
    // Half the gap: clocks of timers and of objects differ by a little.
    return request.has_header("if-none-match") ? now_us() + quirks_.creation_gap_ms * 1000 / 2 : 0;
}

bool Api::target_allowed(const Bucket& bucket, const Request& request, std::uint64_t size, Answer& answer) {
    if (quirks_.folder_body_refused && request.key.ends_with('/') && size > 0) {
        fail(answer, 400, "DirectoryObjectContainsData", "Directory object contains data payload.");
        return false;
    }
    if (quirks_.file_and_folder_refused && (has_child(bucket, request.key) || has_file_above(bucket, request.key))) {
        fail(answer, 409, "ObjectParentIsFile", "Object parent already exists as a file.");
        return false;
    }
    return true;
}

void Api::put_object(Request& request, Answer& answer) {
    constexpr std::uint64_t kMaxPut = 5ULL << 30;
    if (request.body.size() > kMaxPut)
        return fail(answer, 400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size");
    Props props;
    if (!read_props(request, answer, props)) return;
    if (!check_body(request, answer, props.checksum_algorithm, props.checksum)) return;
    Object object;
    object.body = quirks_.folder_body_lost && request.key.ends_with('/') ? Body() : request.body;
    object.etag = object_etag(object.body);
    if (props.checksum.empty() && quirks_.default_checksum && quirks_.checksums) {
        props.checksum_algorithm = "crc64nvme";
        props.checksum = to_base64(checksum("crc64nvme", object.body));
        answer.add("x-amz-checksum-crc64nvme", props.checksum);
    }
    if (!props.checksum.empty()) answer.add("x-amz-checksum-type", "FULL_OBJECT");
    object.props = std::make_shared<const Props>(std::move(props));

    const std::scoped_lock lock(world_.mutex);
    Bucket* bucket = need_bucket(request, answer);
    if (!bucket) return;
    if (!target_conditions(*bucket, request, quirks_.put_if_none_match, quirks_.put_if_match, answer)) return;
    if (!target_allowed(*bucket, request, request.body.size(), answer)) return;
    object.modified_us = now_us();
    object.seen_from_us = seen_from_us(request);
    answer.headers.append("etag: \"").append(object.etag).append("\"\r\n");
    if (!bucket->encryption.empty()) answer.add("x-amz-server-side-encryption", bucket->encryption);
    const std::string version_id = store_object(world_, *bucket, request.key, std::move(object));
    if (version_id != "null") answer.add("x-amz-version-id", version_id);
}

bool Api::delete_allowed(const Object* object, const Request& request, Answer& answer) {
    if (!object) return true;
    const auto& headers = object->props->headers;
    const auto hold = headers.find("x-amz-object-lock-legal-hold");
    const auto until = headers.find("x-amz-object-lock-retain-until-date");
    const auto mode = headers.find("x-amz-object-lock-mode");
    std::int64_t when = 0;
    const bool retained = until != headers.end() && (!parse_http_date(until->second, when) || when > now_us());
    const bool bypass = mode != headers.end() && mode->second == "GOVERNANCE" &&
                        equals_nocase(request.header("x-amz-bypass-governance-retention"), "true");
    if ((hold != headers.end() && hold->second == "ON") || (retained && !bypass)) {
        fail(answer, 403, "AccessDenied", "Access Denied because object protected by object lock.");
        return false;
    }
    return true;
}

void Api::delete_one(Request& request, Answer& answer) {
    const std::scoped_lock lock(world_.mutex);
    Bucket* bucket = need_bucket(request, answer);
    if (!bucket) return;
    const std::string* version = request.param("versionId");
    const ObjectPtr object =
        version ? find_version(*bucket, request.key, *version) : current_object(*bucket, request.key);
    if (const std::string_view told = request.header("if-match"); !told.empty() && quirks_.delete_if_match) {
        if (!object) return fail(answer, 404, "NoSuchKey", "The specified key does not exist.");
        if (!etag_listed(told, object->etag))
            return fail(answer, 412, "PreconditionFailed",
                        "At least one of the pre-conditions you specified did not hold",
                        "<Condition>If-Match</Condition>");
    }
    if ((version || bucket->versioning == Versioning::off) && !delete_allowed(object.get(), request, answer)) return;
    answer.status = 204;
    if (version) {
        bool was_marker = false;
        delete_version(*bucket, request.key, *version, was_marker);
        if (was_marker) answer.add("x-amz-delete-marker", "true");
        return answer.add("x-amz-version-id", *version);
    }
    const std::string marker = delete_object(world_, *bucket, request.key, now_us());
    if (marker.empty()) return;
    answer.add("x-amz-delete-marker", "true");
    answer.add("x-amz-version-id", marker);
}

void Api::delete_many(Request& request, Answer& answer) {
    constexpr std::size_t kMaxKeys = 1000;
    std::string algorithm, value;
    const bool guarded = request.has_header("content-md5") || !request.trailer_checksum.empty() ||
                         std::any_of(request.headers.begin(), request.headers.end(), [](const HeaderField& field) {
                             return field.name.starts_with("x-amz-checksum-");
                         });
    if (!guarded)
        return fail(answer, 400, "InvalidRequest",
                    "Missing required header for this request: Content-MD5 OR x-amz-checksum-*");
    if (!check_body(request, answer, algorithm, value)) return;
    XmlNode root;
    if (!parse_xml(request.body.str(), root) || root.name != "Delete")
        return fail(answer, 400, "MalformedXML",
                    "The XML you provided was not well-formed or did not validate against our published schema");
    const bool quiet = root.child_text("Quiet") == "true";
    const auto keys = static_cast<std::size_t>(std::count_if(
        root.children.begin(), root.children.end(), [](const XmlNode& node) { return node.name == "Object"; }));
    if (keys == 0 || keys > kMaxKeys)
        return fail(answer, 400, "MalformedXML",
                    "The XML you provided was not well-formed or did not validate against our published schema");

    const std::scoped_lock lock(world_.mutex);
    Bucket* bucket = need_bucket(request, answer);
    if (!bucket) return;
    answer.set("content-type", "application/xml");
    XmlWriter xml(answer.text);
    xml.declaration().open("DeleteResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"");
    for (const XmlNode& node : root.children) {
        if (node.name != "Object") continue;
        const std::string told_key(node.child_text("Key"));
        std::string key = told_key;
        const std::string version(node.child_text("VersionId"));
        const std::string_view etag = node.child_text("ETag");
        auto refuse = [&](std::string_view code, std::string_view message) {
            xml.open("Error").text("Key", told_key);
            if (!version.empty()) xml.text("VersionId", version);
            xml.text("Code", code).text("Message", message).close("Error");
        };
        if (key.empty() || key.size() > 1024 || !stored_key(quirks_, key)) {
            refuse("InvalidArgument", "Object name contains unsupported characters.");
            continue;
        }
        const ObjectPtr object = version.empty() ? current_object(*bucket, key) : find_version(*bucket, key, version);
        if (!etag.empty() && quirks_.batch_delete_etag) {
            if (!object) {
                refuse("NoSuchKey", "The specified key does not exist.");
                continue;
            }
            if (!etag_listed(etag, object->etag)) {
                refuse("PreconditionFailed", "At least one of the pre-conditions you specified did not hold");
                continue;
            }
        }
        Answer verdict;
        if ((!version.empty() || bucket->versioning == Versioning::off) &&
            !delete_allowed(object.get(), request, verdict)) {
            refuse("AccessDenied", "Access Denied because object protected by object lock.");
            continue;
        }
        std::string marker;
        bool was_marker = false;
        if (version.empty()) {
            marker = delete_object(world_, *bucket, key, now_us());
        } else {
            delete_version(*bucket, key, version, was_marker);
        }
        if (quiet) continue;
        xml.open("Deleted").text("Key", told_key);
        if (!version.empty()) xml.text("VersionId", version);
        if (was_marker) xml.raw("DeleteMarker", "true").text("DeleteMarkerVersionId", version);
        if (!marker.empty()) xml.raw("DeleteMarker", "true").text("DeleteMarkerVersionId", marker);
        xml.close("Deleted");
    }
    xml.close("DeleteResult");
}

}  // namespace dray::model
