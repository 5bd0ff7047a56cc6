// World: the buckets and objects of the model server. Plain data under one mutex; the rules of S3 live in api_*.cpp.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "body.h"

namespace dray::model {

// What an object carries beside its bytes. Header names are lower case: `headers` holds those answered as they were
// given (content-type, cache-control, x-amz-storage-class, x-amz-server-side-encryption, ...), `meta` the user metadata
// without `x-amz-meta-`.
struct Props {
    std::map<std::string, std::string> headers;
    std::map<std::string, std::string> meta;
    std::map<std::string, std::string> tags;
    std::string checksum_algorithm;  // crc32, crc32c, crc64nvme, sha1, sha256; empty: none
    std::string checksum;            // base64; composite ones end in -N
    std::string checksum_type = "FULL_OBJECT";
    std::string acl;  // canned; empty: private
};

struct Part {
    int number = 0;
    std::uint64_t size = 0;
    std::string etag;      // without quotes
    std::string checksum;  // base64
    std::int64_t modified_us = 0;
    Body body;  // of a finished object: empty, its bytes are the object's
};

struct Object {
    Body body;
    std::string etag;  // without quotes
    std::int64_t modified_us = 0;
    std::int64_t seen_from_us = 0;  // other creators find it from then on: Quirks::creation_gap_ms
    std::string version_id = "null";
    bool delete_marker = false;
    std::shared_ptr<const Props> props;              // never null
    std::shared_ptr<const std::vector<Part>> parts;  // null unless made by a multipart upload
};
using ObjectPtr = std::shared_ptr<const Object>;

struct Entry {
    ObjectPtr newest;              // never null; may be a delete marker
    std::vector<ObjectPtr> older;  // oldest first
    const Object* current() const { return newest->delete_marker ? nullptr : newest.get(); }
};

// Byte order; or directory order, where `/` comes before every other byte.
struct KeyOrder {
    using is_transparent = void;
    // Sorts after every key with this prefix and before all later ones.
    struct PrefixEnd {
        std::string_view prefix;
    };
    bool directory = false;

    bool operator()(std::string_view a, std::string_view b) const;
    bool operator()(std::string_view key, PrefixEnd end) const {
        return key.starts_with(end.prefix) || (*this)(key, end.prefix);
    }
};

struct Upload {
    std::string id, key;
    std::int64_t initiated_us = 0;
    Props props;
    std::map<int, Part> parts;
};

enum class Versioning { off, enabled, suspended };

struct Bucket {
    std::string name;
    std::int64_t created_us = 0;
    Versioning versioning = Versioning::off;
    std::map<std::string, Entry, KeyOrder> objects;
    std::map<std::string, Upload> uploads;          // by id
    std::string region;                             // empty: the server's
    std::string website_xml;                        // body of GetBucketWebsite; empty: none
    std::string ownership = "BucketOwnerEnforced";  // empty: OwnershipControlsNotFoundError
    std::string lock_xml;                           // body of GetObjectLockConfiguration; empty: none
    std::string encryption = "AES256";              // default encryption; empty: none
    std::string owner = "111122223333";             // what x-amz-expected-bucket-owner must say
};

struct World {
    std::mutex mutex;  // guards everything below
    bool directory_order = false;
    std::map<std::string, Bucket, std::less<>> buckets;
    std::uint64_t next_id = 1;

    Bucket* bucket(std::string_view name);
    Bucket& make_bucket(std::string_view name, std::int64_t now_us);
    // Unique, increasing, with the prefix in front.
    std::string new_id(std::string_view prefix);
};

// The newest version unless it is a delete marker; null when there is none.
ObjectPtr current_object(const Bucket& bucket, std::string_view key);
// "null" is the version made without versioning. May be a delete marker; null when absent.
ObjectPtr find_version(const Bucket& bucket, std::string_view key, std::string_view version_id);
// Puts `object` on top as the bucket's versioning says; returns its version id ("null" when off or suspended).
std::string store_object(World& world, Bucket& bucket, const std::string& key, Object object);
// Deletes as DELETE without a version id does: removes, or puts a delete marker on top. Returns the marker's version
// id, empty when none was made.
std::string delete_object(World& world, Bucket& bucket, const std::string& key, std::int64_t now_us);
// Removes one version for good. False: there was none.
bool delete_version(Bucket& bucket, std::string_view key, std::string_view version_id, bool& was_marker);

// As S3 would: MD5, or for bodies without memory a name for what they are.
std::string plain_etag(const Body& body);

}  // namespace dray::model
