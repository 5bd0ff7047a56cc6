// ObjectStore: the verbs every object storage must speak. See README.md for what belongs in this room.
// Thread-safe: many workers share one store. Calls block, and only for as long as ctx allows.
// Keys are bytes, never paths: "a//b", "a/b" and "/a/b" are three objects.
//
// Errors, for every verb: not_found (object; fatal: bucket), denied, credentials, throttled, unavailable, exhausted,
// cancelled, invalid, unsupported, corrupt (an answer that cannot be trusted), local. A verb names those it adds.
// Error::unsure on a changing verb means that it may have taken effect: look before doing anything else.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/context.h"
#include "base/result.h"
#include "store/capabilities.h"

namespace dray {

struct ObjectRef {
    std::string bucket;
    std::string key;
    std::string version;  // empty: the current one
    bool operator==(const ObjectRef&) const = default;
};

struct Checksum {
    enum class Algorithm : std::uint8_t { crc32, crc32c, crc64nvme, sha1, sha256 };
    Algorithm algorithm = Algorithm::crc64nvme;
    bool whole_object = true;  // false: a composite of parts' checksums ("abc=-12"), comparable only with equal parts
    std::string value;         // base64, as the store says it
    bool operator==(const Checksum&) const = default;
};
std::string_view name_of(Checksum::Algorithm algorithm);  // "CRC64NVME", as S3 spells it

struct NameValue {
    std::string name;
    std::string value;
    auto operator<=>(const NameValue&) const = default;
};

// All that belongs to an object beside its bytes. Empty text: not set. Values are bytes, kept as the store gave them.
struct Properties {
    std::string content_type, content_encoding, content_language, content_disposition, cache_control;
    std::string expires;                // the raw text; it need not be a date
    std::string website_redirect;       // never copied by S3's own COPY directive
    std::string storage_class;          // empty: STANDARD
    std::vector<NameValue> metadata;    // user metadata: names in lower case without x-amz-meta-, sorted
    std::uint32_t hidden_metadata = 0;  // x-amz-missing-meta: pairs that HTTP cannot show; a rewrite would destroy them
    std::uint32_t tag_count = 0;
    std::optional<std::vector<NameValue>> tags;  // nullopt: not read (HEAD tells only the count); sorted
    std::string encryption, kms_key_id;          // "aws:kms", "AES256"
    bool bucket_key = false;
    std::string lock_mode, lock_until, legal_hold;  // as the headers say them
    std::string replication_status, archive_status, restore;
    // Of a file, and told by the local store only.
    std::string file_mode;                   // "0640"
    std::string file_owner;                  // user and group by number: "1000:100"
    std::vector<NameValue> file_attributes;  // extended attributes user.* and POSIX ACLs; sorted
    bool operator==(const Properties&) const = default;
};

// One line of a listing: slim, for there are millions.
struct ListedObject {
    std::string key;
    std::uint64_t size = 0;     // bytes
    std::string etag;           // without quotes; empty: the store did not say
    WallTime modified{};        // the store's clock; the epoch: the store did not say
    std::string storage_class;  // empty: STANDARD or unknown
    bool operator==(const ListedObject&) const = default;
};

// What HEAD says; what the changing verbs say of what they made (then only the fields the store told).
struct ObjectInfo {
    std::uint64_t size = 0;  // bytes
    std::string etag;        // without quotes
    WallTime modified{};
    std::string version;  // empty: the bucket is not versioned
    std::vector<Checksum> checksums;
    std::uint32_t parts = 0;  // 0: unknown or one
    Properties properties;
    WallTime store_time{};  // the answer's Date: the store's clock, for rule R4
};

// True when `etag` has the form of a plain MD5 (32 hex digits). Equal plain ETags prove equal bytes; unequal ones prove
// nothing.
bool is_plain_md5(std::string_view etag);

// What lies among the objects of a directory and is none. A listing tells it so that nothing stays behind unsaid.
struct ListedOther {
    std::string key;   // the name as it stands there; no key of any object, though it may look like one
    std::string what;  // "a symbolic link"
    bool operator==(const ListedOther&) const = default;
};

struct ListRequest {
    std::string bucket;
    std::string prefix;
    std::string start_after;   // first page: keys after this one, bytewise
    std::string continuation;  // later pages: the token of the page before; opaque
    std::string delimiter;     // empty: everything below the prefix
    std::uint32_t max_keys = 1000;
};
struct ListPage {
    std::vector<ListedObject> objects;         // as the store ordered them
    std::vector<std::string> common_prefixes;  // with a delimiter
    std::vector<ListedOther> others;           // of the local store only
    bool truncated = false;
    std::string next;       // continuation token; may be missing though truncated: the caller goes on by start_after
    WallTime store_time{};  // the answer's Date: the store's clock, for rule R4; the epoch: it did not say
};

struct GetOptions {
    std::string if_match;  // etag; conflict when the object is another one by now
    std::uint64_t offset = 0;
    std::uint64_t bytes = UINT64_MAX;  // to the end
};

// Where bytes of an object go. Called in order; an error ends the call with that error.
using ByteSink = std::function<Status(std::string_view bytes)>;

// Where the bytes of an upload come from. rewind() allows sending again.
class ByteSource {
public:
    virtual ~ByteSource() = default;
    virtual std::uint64_t size() const = 0;  // exact
    virtual Result<std::size_t> read(char* buffer, std::size_t bytes) = 0;
    virtual Status rewind() = 0;
};
std::unique_ptr<ByteSource> bytes_source(std::string_view bytes);  // borrowed

struct PutOptions {
    bool if_absent = false;  // error exists
    std::string if_match;    // errors conflict, not_found (nothing is there)
    Properties properties;
    std::string acl;
    std::optional<Checksum> checksum;  // of the whole body, verified by the store; nullopt: the store room chooses
    bool damaged_on_purpose = false;   // the checksum is wrong and must be refused: nobody sends it once more
};

struct CopyOptions {
    std::string
        source_if_match;  // etag; error conflict: the source changed (conditions are honoured only where proven)
    bool target_if_absent = false;  // error exists
    std::string target_if_match;    // error conflict
    // nullopt: all properties come along (S3's COPY directive). Else these replace them, tags too when tags is set.
    std::optional<Properties> replace;
    // Never copied by S3: pass the source's. Where one is empty, `replace` tells it.
    std::string storage_class;  // empty: STANDARD
    std::string website_redirect;
    std::string encryption, kms_key_id;
    std::string acl;
};

struct RemoveOptions {
    std::string if_match;  // etag; error conflict: it is another object by now
};
struct Removed {
    std::string version;         // of the delete marker, on versioned buckets
    bool delete_marker = false;  // a marker was put on top; nothing was destroyed
};
struct RemoveItem {
    std::string key;
    std::string version;
    std::string if_match;
};
// One a key. `verdict` holds not_found when the store says so (most answer 200 for keys that are not there).
struct RemoveVerdict {
    Result<Removed> verdict =
        Error{.code = Code::unavailable, .unsure = true};  // unsure: the answer did not name this key
};

struct Upload {  // a multipart upload under way
    ObjectRef object;
    std::string id;
    WallTime started{};
};
struct Part {
    std::uint32_t number = 1;  // 1 to 10,000
    std::string etag;
    std::uint64_t size = 0;  // bytes
    std::optional<Checksum> checksum;
};
struct PartCopy {
    ObjectRef from;
    std::string source_if_match;
    std::uint64_t offset = 0;
    std::uint64_t bytes = 0;
};
struct CompleteOptions {
    bool if_absent = false;
    std::string if_match;
    std::uint64_t size = 0;  // of the whole object; sent along where the store checks it
};

// What the bucket does by itself, which decides whether each object needs a HEAD before it is copied. nullopt: could
// not be read.
struct BucketFacts {
    std::optional<bool> website, acls_enabled, object_lock, default_encryption;
    std::optional<bool> versioned;  // enabled; suspended counts as enabled
};

class ObjectStore {
public:
    virtual ~ObjectStore() = default;

    // How a user would name it: "https://s3.example.org", "file:", "mem:". Equal identities are one store (two may be
    // one all the same).
    virtual std::string identity() const = 0;
    virtual const Limits& limits() const = 0;
    // What this store guarantees by construction. Nothing is assumed of a remote one: it has to be proven
    // (store/probe.h).
    virtual Capabilities capabilities() const = 0;

    // One page. Objects come in the store's order; the token is good for one following page.
    virtual Result<ListPage> list(const Context& ctx, const ListRequest& request) = 0;

    virtual Result<ObjectInfo> head(const Context& ctx, const ObjectRef& object) = 0;

    // Streams the bytes asked for into sink and returns what the headers said. A short or changed body is never passed
    // off as whole: errors conflict (if_match), corrupt (checksum), and whatever the sink returns.
    virtual Result<ObjectInfo> get(const Context& ctx, const ObjectRef& object, const GetOptions& options,
                                   const ByteSink& sink) = 0;

    // Stores the source's bytes. The object appears whole or not at all. Errors: exists, conflict.
    virtual Result<ObjectInfo> put(const Context& ctx, const ObjectRef& object, ByteSource& source,
                                   const PutOptions& options) = 0;
    Result<ObjectInfo> put(const Context& ctx, const ObjectRef& object, std::string_view bytes,
                           const PutOptions& options = {});

    // Copies `from` onto `to` inside the store and returns the new object. No bytes pass through us.
    // The target appears whole or not at all; an existing one is replaced unless options.target_if_absent.
    // Errors: not_found (no source), conflict (source changed), exists, invalid with reason "too-large"
    // (limits().max_copy).
    virtual Result<ObjectInfo> copy(const Context& ctx, const ObjectRef& from, const ObjectRef& to,
                                    const CopyOptions& options) = 0;

    // Removes an object, or on a versioned bucket puts a marker over it. Removing what is not there succeeds, except
    // with if_match (not_found). Error: conflict (if_match).
    virtual Result<Removed> remove(const Context& ctx, const ObjectRef& object, const RemoveOptions& options) = 0;

    // Removes up to limits().remove_batch objects of one bucket in one request. On success there is one verdict for
    // each item, in the order of items: an answer that names a key never sent, or one twice, makes the whole batch
    // unsure. A verdict of unsupported: this request cannot carry the key, which must be removed by itself.
    virtual Result<std::vector<RemoveVerdict>> remove_many(const Context& ctx, const std::string& bucket,
                                                           std::span<const RemoveItem> items) = 0;

    virtual Result<std::vector<NameValue>> tags(const Context& ctx, const ObjectRef& object) = 0;
    virtual Status set_tags(const Context& ctx, const ObjectRef& object, const std::vector<NameValue>& tags) = 0;

    // Multipart: the object appears, whole, at complete_upload; until then nothing is visible under its key.
    virtual Result<Upload> create_upload(const Context& ctx, const ObjectRef& object, const PutOptions& options) = 0;
    virtual Result<Part> upload_part(const Context& ctx, const Upload& upload, std::uint32_t number,
                                     ByteSource& source) = 0;
    virtual Result<Part> copy_part(const Context& ctx, const Upload& upload, std::uint32_t number,
                                   const PartCopy& copy) = 0;
    // `parts` ascending by number. Errors: exists, conflict, not_found (no such upload: complete or aborted already).
    virtual Result<ObjectInfo> complete_upload(const Context& ctx, const Upload& upload, std::span<const Part> parts,
                                               const CompleteOptions& options) = 0;
    virtual Status abort_upload(const Context& ctx, const Upload& upload) = 0;  // an unknown upload counts as aborted
    virtual Result<std::vector<Part>> parts(const Context& ctx, const Upload& upload) = 0;
    virtual Result<std::vector<Upload>> uploads(const Context& ctx, const std::string& bucket,
                                                const std::string& prefix) = 0;

    // At most five requests. What cannot be read is nullopt, never an error; a bucket that is not there is not_found,
    // fatal.
    virtual Result<BucketFacts> bucket_facts(const Context& ctx, const std::string& bucket) = 0;
};

}  // namespace dray
