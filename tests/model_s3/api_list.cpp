// Listings: objects (V1, V2), versions, uploads.
#include <algorithm>
#include <functional>

#include "api.h"
#include "digest.h"
#include "xml.h"

namespace dray::model {
namespace {

struct ListQuery {
    std::string prefix, delimiter;
    std::string after;  // keys and common prefixes up to and with this one were listed
    std::size_t max_keys = 1000;
    bool url = false;  // encoding-type=url was asked
};

std::string param_or(const Request& request, std::string_view name) {
    const std::string* value = request.param(name);
    return value ? *value : std::string();
}

bool read_max(const Request& request, std::string_view name, const Quirks& quirks, std::size_t& max, Answer& answer) {
    std::uint64_t value = 1000;
    if (const std::string* text = request.param(name); text && !parse_number(*text, value)) {
        fail_invalid(answer, "Argument " + std::string(name) + " must be an integer between 0 and 2147483647");
        return false;
    }
    max = static_cast<std::size_t>(std::min<std::uint64_t>(value, 1000));
    if (quirks.max_keys_ignored) max = 5000;
    return true;
}

bool read_query(const Request& request, const Quirks& quirks, ListQuery& query, Answer& answer) {
    query.prefix = param_or(request, "prefix");
    query.delimiter = param_or(request, "delimiter");
    if (const std::string* encoding = request.param("encoding-type")) {
        if (*encoding != "url") {
            fail_invalid(answer, "Invalid Encoding Method specified in Request");
            return false;
        }
        query.url = true;
    }
    return read_max(request, "max-keys", quirks, query.max_keys, answer);
}

// Writes keys as the encoding and the quirks say.
class KeyWriter {
public:
    KeyWriter(const Quirks& quirks, bool url)
        : quirks_(quirks), url_(url && quirks.encoding != Quirks::Encoding::ignored) {}

    void write(XmlWriter& xml, std::string_view name, std::string_view key) {
        scratch_.clear();
        if (!url_) {
            if (!quirks_.control_characters_replaced) return void(xml.text(name, key));
            for (char c : key) {
                if (static_cast<unsigned char>(c) < 0x20) {
                    scratch_ += "\xEF\xBF\xBD";
                } else {
                    scratch_ += c;
                }
            }
            xml.text(name, scratch_);
            return;
        }
        if (quirks_.encoding == Quirks::Encoding::form) {
            form_encode(key, scratch_);
        } else {
            percent_encode(key, false, scratch_);
        }
        xml.raw(name, scratch_);
    }

private:
    const Quirks& quirks_;
    bool url_;
    std::string scratch_;
};

void write_encoding_type(XmlWriter& xml, const ListQuery& query, const Quirks& quirks) {
    if (quirks.encoding == Quirks::Encoding::ignored) {
        xml.raw("EncodingType", "");
    } else if (query.url) {
        xml.raw("EncodingType", "url");
    }
}

// Walks keys and common prefixes after query.after in the bucket's order. Each call of `key` or `common` is one item;
// returns the last one's name and whether more follow.
struct Walked {
    std::string last;
    bool truncated = false;
    std::size_t items = 0;
};
template <typename Map>
Walked walk(const Map& map, const ListQuery& query, const std::function<bool(typename Map::const_iterator)>& visible,
            const std::function<void(typename Map::const_iterator)>& key,
            const std::function<void(std::string_view)>& common) {
    using End = KeyOrder::PrefixEnd;
    Walked walked;
    if (query.max_keys == 0) return walked;
    const auto& before = map.key_comp();
    auto at = before(query.after, query.prefix) ? map.lower_bound(query.prefix) : map.upper_bound(query.after);
    // After a common prefix everything below it is done; keys are skipped as a whole.
    const bool after_common = !query.delimiter.empty() && query.after.size() > query.prefix.size() &&
                              query.after.starts_with(query.prefix) && query.after.ends_with(query.delimiter);
    if (after_common) at = map.lower_bound(End{query.after});
    while (at != map.end() && std::string_view(at->first).starts_with(query.prefix)) {
        if (!visible(at)) {
            ++at;
            continue;
        }
        const std::size_t cut =
            query.delimiter.empty() ? std::string::npos : at->first.find(query.delimiter, query.prefix.size());
        if (walked.items == query.max_keys) {
            walked.truncated = true;
            return walked;
        }
        ++walked.items;
        if (cut == std::string::npos) {
            walked.last = at->first;
            key(at);
            ++at;
        } else {
            walked.last = at->first.substr(0, cut + query.delimiter.size());
            common(walked.last);
            at = map.lower_bound(End{walked.last});
        }
    }
    return walked;
}

bool hidden_below_file(const Bucket& bucket, std::string_view key) {
    for (std::size_t slash = key.find('/'); slash != std::string_view::npos; slash = key.find('/', slash + 1))
        if (slash > 0 && current_object(bucket, key.substr(0, slash))) return true;
    return false;
}

void write_object(XmlWriter& xml, KeyWriter& keys, std::string_view key, const Object& object, const Quirks& quirks,
                  std::string& out) {
    xml.open("Contents");
    keys.write(xml, "Key", key);
    xml.raw("LastModified", iso_date(object.modified_us, !quirks.seconds_only));
    out.append("<ETag>&quot;").append(object.etag).append("&quot;</ETag>");
    if (!object.props->checksum_algorithm.empty() && quirks.checksums) {
        std::string algorithm = object.props->checksum_algorithm;
        for (char& c : algorithm)
            if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
        xml.raw("ChecksumAlgorithm", algorithm).raw("ChecksumType", object.props->checksum_type);
    }
    xml.raw("Size", std::to_string(object.body.size()));
    const auto storage = object.props->headers.find("x-amz-storage-class");
    xml.text("StorageClass", storage == object.props->headers.end() || quirks.classes != Quirks::Classes::kept
                                 ? std::string_view("STANDARD")
                                 : std::string_view(storage->second));
    xml.close("Contents");
}

// Where a V2 listing goes on. False: the token is none of ours.
bool read_v2_start(const Request& request, const Quirks& quirks, std::string& after, Answer& answer) {
    if (const std::string* token = request.param("continuation-token")) {
        std::string raw;
        if (token->empty() || !from_base64(*token, raw) || !raw.starts_with("after:")) {
            fail_invalid(answer, "The continuation token provided is incorrect");
            return false;
        }
        after = raw.substr(6);
        return true;
    }
    if (!quirks.no_start_after) after = param_or(request, "start-after");
    return true;
}

}  // namespace

void Api::list_objects(Op op, Request& request, Answer& answer) {
    const bool v2 = op == Op::list_v2;
    if (v2 && quirks_.no_list_v2) return fail(answer, 501, "NotImplemented", "ListObjectsV2 is not implemented");
    ListQuery query;
    if (!read_query(request, quirks_, query, answer)) return;
    if (!v2) {
        query.after = param_or(request, "marker");
    } else if (!read_v2_start(request, quirks_, query.after, answer)) {
        return;
    }

    const std::scoped_lock lock(world_.mutex);
    const Bucket* bucket = need_bucket(request, answer);
    if (!bucket) return;
    answer.set("content-type", "application/xml");
    std::string contents, commons;
    contents.reserve(std::min<std::size_t>(query.max_keys, bucket->objects.size()) * 320);
    XmlWriter contents_xml(contents), commons_xml(commons);
    KeyWriter keys(quirks_, query.url);
    using At = decltype(bucket->objects)::const_iterator;
    const Walked walked =
        walk(bucket->objects, query, std::function<bool(At)>([&](At at) {
                 return at->second.current() && !(quirks_.file_hides_folder && hidden_below_file(*bucket, at->first));
             }),
             std::function<void(At)>(
                 [&](At at) { write_object(contents_xml, keys, at->first, *at->second.current(), quirks_, contents); }),
             std::function<void(std::string_view)>([&](std::string_view common) {
                 commons_xml.open("CommonPrefixes");
                 keys.write(commons_xml, "Prefix", common);
                 commons_xml.close("CommonPrefixes");
             }));

    XmlWriter xml(answer.text);
    answer.text.reserve(contents.size() + commons.size() + 1024);
    xml.declaration()
        .open("ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"")
        .text("Name", bucket->name);
    keys.write(xml, "Prefix", query.prefix);
    if (v2) {
        if (const std::string* token = request.param("continuation-token")) xml.text("ContinuationToken", *token);
        if (request.has_param("start-after")) keys.write(xml, "StartAfter", param_or(request, "start-after"));
        xml.raw("KeyCount", std::to_string(walked.items));
    } else {
        keys.write(xml, "Marker", query.after);
    }
    xml.raw("MaxKeys", std::to_string(query.max_keys));
    if (!query.delimiter.empty()) keys.write(xml, "Delimiter", query.delimiter);
    write_encoding_type(xml, query, quirks_);
    xml.raw("IsTruncated", walked.truncated ? "true" : "false");
    if (walked.truncated && v2) xml.text("NextContinuationToken", to_base64("after:" + walked.last));
    if (walked.truncated && !v2 && !query.delimiter.empty() && !quirks_.no_v1_next_marker)
        keys.write(xml, "NextMarker", walked.last);
    answer.text.append(contents).append(commons);
    xml.close("ListBucketResult");
}

void Api::list_versions(Request& request, Answer& answer) {
    ListQuery query;
    if (!read_query(request, quirks_, query, answer)) return;
    const std::string key_marker = param_or(request, "key-marker");
    const std::string version_marker = param_or(request, "version-id-marker");
    const std::scoped_lock lock(world_.mutex);
    const Bucket* bucket = need_bucket(request, answer);
    if (!bucket) return;
    answer.set("content-type", "application/xml");

    std::string items, last_key, last_version;
    XmlWriter xml(items);
    KeyWriter keys(quirks_, query.url);
    std::size_t count = 0;
    bool truncated = false;
    auto emit = [&](const std::string& key, const Object& object, bool latest) {
        const std::string_view element = object.delete_marker ? "DeleteMarker" : "Version";
        xml.open(element);
        keys.write(xml, "Key", key);
        xml.text("VersionId", object.version_id).raw("IsLatest", latest ? "true" : "false");
        xml.raw("LastModified", iso_date(object.modified_us, !quirks_.seconds_only));
        if (!object.delete_marker)
            xml.text("ETag", "\"" + object.etag + "\"")
                .raw("Size", std::to_string(object.body.size()))
                .raw("StorageClass", "STANDARD");
        xml.close(element);
        last_key = key;
        last_version = object.version_id;
        ++count;
    };
    // With a version marker the key itself may have more versions; without one it is done.
    auto at = bucket->objects.lower_bound(std::max(key_marker, query.prefix));
    if (!key_marker.empty() && version_marker.empty())
        at = std::max(key_marker, query.prefix) == key_marker ? bucket->objects.upper_bound(key_marker) : at;
    for (; at != bucket->objects.end() && at->first.starts_with(query.prefix) && !truncated; ++at) {
        std::vector<const Object*> newest_first{at->second.newest.get()};
        for (auto old = at->second.older.rbegin(); old != at->second.older.rend(); ++old)
            newest_first.push_back(old->get());
        bool skipping = at->first == key_marker && !version_marker.empty();
        for (const Object* object : newest_first) {
            if (skipping) {
                skipping = object->version_id != version_marker;
                continue;
            }
            truncated = count == query.max_keys;
            if (truncated) break;
            emit(at->first, *object, object == at->second.newest.get());
        }
    }

    XmlWriter out(answer.text);
    out.declaration()
        .open("ListVersionsResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"")
        .text("Name", bucket->name);
    keys.write(out, "Prefix", query.prefix);
    keys.write(out, "KeyMarker", key_marker);
    out.text("VersionIdMarker", version_marker).raw("MaxKeys", std::to_string(query.max_keys));
    write_encoding_type(out, query, quirks_);
    out.raw("IsTruncated", truncated ? "true" : "false");
    if (truncated) {
        keys.write(out, "NextKeyMarker", last_key);
        out.text("NextVersionIdMarker", last_version);
    }
    answer.text += items;
    out.close("ListVersionsResult");
}

void Api::list_uploads(Request& request, Answer& answer) {
    ListQuery query;
    if (!read_query(request, quirks_, query, answer)) return;
    std::size_t max = 0;
    if (!read_max(request, "max-uploads", quirks_, max, answer)) return;
    const std::string key_marker = param_or(request, "key-marker"), id_marker = param_or(request, "upload-id-marker");
    const std::scoped_lock lock(world_.mutex);
    const Bucket* bucket = need_bucket(request, answer);
    if (!bucket) return;
    answer.set("content-type", "application/xml");

    std::vector<const Upload*> uploads;
    for (const auto& [id, upload] : bucket->uploads) {
        const bool later =
            upload.key > key_marker || (upload.key == key_marker && !id_marker.empty() && id > id_marker);
        if (upload.key.starts_with(query.prefix) && (key_marker.empty() || later)) uploads.push_back(&upload);
    }
    std::sort(uploads.begin(), uploads.end(),
              [](const Upload* a, const Upload* b) { return std::tie(a->key, a->id) < std::tie(b->key, b->id); });
    const bool truncated = uploads.size() > max;
    if (truncated) uploads.resize(max);

    KeyWriter keys(quirks_, query.url);
    XmlWriter xml(answer.text);
    xml.declaration().open("ListMultipartUploadsResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"");
    xml.text("Bucket", bucket->name);
    keys.write(xml, "KeyMarker", key_marker);
    xml.text("UploadIdMarker", id_marker).raw("MaxUploads", std::to_string(max));
    keys.write(xml, "Prefix", query.prefix);
    write_encoding_type(xml, query, quirks_);
    xml.raw("IsTruncated", truncated ? "true" : "false");
    if (truncated && !uploads.empty()) {
        keys.write(xml, "NextKeyMarker", uploads.back()->key);
        xml.text("NextUploadIdMarker", uploads.back()->id);
    }
    for (const Upload* upload : uploads) {
        xml.open("Upload");
        keys.write(xml, "Key", upload->key);
        xml.text("UploadId", upload->id)
            .raw("Initiated", iso_date(upload->initiated_us, true))
            .raw("StorageClass", "STANDARD");
        xml.close("Upload");
    }
    xml.close("ListMultipartUploadsResult");
}

}  // namespace dray::model
