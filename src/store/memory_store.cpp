#include "store/memory_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <vector>

#include "base/checksum.h"
#include "base/log.h"
#include "store/body.h"
#include "store/checksums.h"

namespace dray {
namespace {

using Order = MemoryStoreOptions::Order;

struct KeyOrder {
    Order order = Order::bytes;

    bool operator()(std::string_view a, std::string_view b) const {
        if (order == Order::bytes) return a < b;
        if (order == Order::directories) {
            auto rank = [](char c) { return c == '/' ? -1 : int{static_cast<unsigned char>(c)}; };
            return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                                [&](char x, char y) { return rank(x) < rank(y); });
        }
        return std::pair(hash128(a), a) < std::pair(hash128(b), b);
    }
    using is_transparent = void;
};

struct Object {
    std::shared_ptr<const std::string> bytes;  // null: a delete marker
    std::string etag;
    WallTime modified{};
    std::string version;
    std::shared_ptr<const Properties> properties;  // tags inside
    std::vector<Checksum> checksums;
    std::uint32_t parts = 0;

    bool marker() const { return bytes == nullptr; }
};
using History = std::vector<Object>;  // the newest last; one element where there are no versions
using Bucket = std::map<std::string, History, KeyOrder>;

struct PartBytes {
    std::shared_ptr<const std::string> bytes;
    std::string etag;
};
struct UploadState {
    Upload upload;
    PutOptions options;
    std::map<std::uint32_t, PartBytes> parts;
};

Error no_object(const ObjectRef& object) {
    return {.code = Code::not_found, .message = "no object " + printable(object.bucket + "/" + object.key)};
}
Error unknown_upload(const Upload& upload) {
    return {.code = Code::not_found, .message = "no upload " + upload.id, .reason = "no-such-upload"};
}
Error changed(const ObjectRef& object) {
    return {.code = Code::conflict, .message = "another object by now: " + printable(object.key)};
}

std::shared_ptr<const Properties> kept(Properties properties) {
    static const auto plain = std::make_shared<const Properties>();
    if (properties.tags) {
        std::sort(properties.tags->begin(), properties.tags->end());
        properties.tag_count = static_cast<std::uint32_t>(properties.tags->size());
        if (properties.tags->empty()) properties.tags.reset();
    }
    std::sort(properties.metadata.begin(), properties.metadata.end());
    if (properties == *plain) return plain;
    return std::make_shared<const Properties>(std::move(properties));
}

class MemoryStore final : public ObjectStore {
public:
    explicit MemoryStore(MemoryStoreOptions options) : options_(std::move(options)) {}

    std::string identity() const override { return "mem:"; }
    const Limits& limits() const override { return options_.limits; }
    Capabilities capabilities() const override;
    Result<ListPage> list(const Context& ctx, const ListRequest& request) override;
    Result<ObjectInfo> head(const Context& ctx, const ObjectRef& object) override;
    Result<ObjectInfo> get(const Context& ctx, const ObjectRef& object, const GetOptions& options,
                           const ByteSink& sink) override;
    using ObjectStore::put;
    Result<ObjectInfo> put(const Context& ctx, const ObjectRef& object, ByteSource& source,
                           const PutOptions& options) override;
    Result<ObjectInfo> copy(const Context& ctx, const ObjectRef& from, const ObjectRef& to,
                            const CopyOptions& options) override;
    Result<Removed> remove(const Context& ctx, const ObjectRef& object, const RemoveOptions& options) override;
    Result<std::vector<RemoveVerdict>> remove_many(const Context& ctx, const std::string& bucket,
                                                   std::span<const RemoveItem> items) override;
    Result<std::vector<NameValue>> tags(const Context& ctx, const ObjectRef& object) override;
    Status set_tags(const Context& ctx, const ObjectRef& object, const std::vector<NameValue>& tags) override;
    Result<Upload> create_upload(const Context& ctx, const ObjectRef& object, const PutOptions& options) override;
    Result<Part> upload_part(const Context& ctx, const Upload& upload, std::uint32_t number,
                             ByteSource& source) override;
    Result<Part> copy_part(const Context& ctx, const Upload& upload, std::uint32_t number,
                           const PartCopy& copy) override;
    Result<ObjectInfo> complete_upload(const Context& ctx, const Upload& upload, std::span<const Part> parts,
                                       const CompleteOptions& options) override;
    Status abort_upload(const Context& ctx, const Upload& upload) override;
    Result<std::vector<Part>> parts(const Context& ctx, const Upload& upload) override;
    Result<std::vector<Upload>> uploads(const Context& ctx, const std::string& bucket,
                                        const std::string& prefix) override;
    Result<BucketFacts> bucket_facts(const Context& ctx, const std::string& bucket) override;

private:
    WallTime now() const { return (options_.clock ? *options_.clock : real_clock()).wall(); }
    std::string stored(std::string_view key) const { return options_.alias ? options_.alias(key) : std::string(key); }
    Status check(const Context& ctx, const std::string& bucket) const;
    Status check(const Context& ctx, const ObjectRef& object) const;
    // All below: under the lock.
    const Object* find(const ObjectRef& object) const;
    Object* find(const ObjectRef& object);
    Bucket& bucket(const std::string& name);
    Status target_allows(const ObjectRef& to, bool if_absent, const std::string& if_match) const;
    ObjectInfo place(const ObjectRef& to, Object object);
    Result<Removed> remove_locked(const ObjectRef& object, const std::string& if_match);
    Result<UploadState*> upload_state(const Upload& upload);

    Result<Object> snapshot(const ObjectRef& object, const std::string& if_match) const;
    Result<Part> keep_part(const Upload& upload, std::uint32_t number, std::string bytes);
    Object made(std::string bytes, const Properties& properties, const std::optional<Checksum>& checksum);
    Object copied(Object source, const CopyOptions& options);
    std::string fresh_etag();
    ObjectInfo info(const Object& object) const;

    const MemoryStoreOptions options_;
    mutable std::shared_mutex mutex_;
    std::map<std::string, Bucket, std::less<>> buckets_;
    std::map<std::string, UploadState> uploads_;
    std::atomic<std::uint64_t> serial_ = 0;  // of etags, versions and uploads
};

Guarantee given(bool has) {
    return has ? Guarantee::proven : Guarantee::absent;
}

Capabilities MemoryStore::capabilities() const {
    if (!options_.tells_capabilities) return {};
    const IgnoredConditions& ignores = options_.ignores;
    auto apart = [&](std::string_view a, std::string_view b) { return given(stored(a) != stored(b)); };
    return {
        .copy_source_if_match = given(!ignores.copy_source_if_match),
        .copy_if_absent = given(!ignores.copy_if_absent),
        .put_if_absent = given(!ignores.put_if_absent),
        .put_if_match = given(!ignores.put_if_match),
        .remove_if_match = given(!ignores.remove_if_match),
        .remove_many_if_match = given(!ignores.remove_many_if_match),
        .complete_if_absent = given(!ignores.complete_if_absent),
        .keeps_slashes = apart("a//b", "a/b"),
        .keeps_dots = apart("a/./b", "a/b"),
        .keeps_case = apart("A", "a"),
        .keeps_unicode = apart("\xc3\xa9", "e\xcc\x81"),
        .byte_order = given(options_.order == Order::bytes),
        .start_after = given(!options_.ignores_start_after),
        .reads_tags = Guarantee::proven,
        .copies_tags = given(!options_.drops_tags_on_copy),
        .copies_properties = given(!options_.drops_properties_on_copy),
        .checksums = given(!options_.no_checksums),
        .part_copy = given(!options_.no_part_copy),
    };
}

Status MemoryStore::check(const Context& ctx, const std::string& bucket) const {
    TRY(ctx.check());
    if (options_.buckets.empty() || options_.buckets.contains(bucket)) return {};
    return Error{.code = Code::not_found,
                 .message = "no bucket " + printable(bucket),
                 .reason = "no-such-bucket",
                 .fatal = true};
}

Status MemoryStore::check(const Context& ctx, const ObjectRef& object) const {
    TRY(check(ctx, object.bucket));
    if (object.key.empty()) return Error{.code = Code::invalid, .message = "an object needs a key"};
    if (object.key.size() <= options_.limits.max_key_bytes) return {};
    return Error{.code = Code::invalid,
                 .message = fmt::format("a key of {} bytes; the store takes {}", object.key.size(),
                                        options_.limits.max_key_bytes),
                 .reason = "key-too-long"};
}

Bucket& MemoryStore::bucket(const std::string& name) {
    return buckets_.try_emplace(name, KeyOrder{options_.order}).first->second;
}

const Object* MemoryStore::find(const ObjectRef& object) const {
    auto bucket = buckets_.find(object.bucket);
    if (bucket == buckets_.end()) return nullptr;
    auto at = bucket->second.find(stored(object.key));
    if (at == bucket->second.end()) return nullptr;
    for (auto it = at->second.rbegin(); it != at->second.rend(); ++it) {
        if (object.version.empty() || it->version == object.version) return it->marker() ? nullptr : &*it;
    }
    return nullptr;
}

Object* MemoryStore::find(const ObjectRef& object) {
    return const_cast<Object*>(std::as_const(*this).find(object));
}

Status MemoryStore::target_allows(const ObjectRef& to, bool if_absent, const std::string& if_match) const {
    const Object* there = find({to.bucket, to.key, {}});
    if (if_absent && there) {
        return Error{.code = Code::exists, .message = "there is an object already: " + printable(to.key)};
    }
    if (!if_match.empty() && !there) return no_object(to);
    if (!if_match.empty() && there->etag != if_match) return changed(to);
    return {};
}

ObjectInfo MemoryStore::place(const ObjectRef& to, Object object) {
    object.modified = now();
    History& history = bucket(to.bucket)[stored(to.key)];
    if (options_.versioned) {
        object.version = fmt::format("v{:016x}", ++serial_);
    } else {
        history.clear();
    }
    ObjectInfo answer = info(object);
    history.push_back(std::move(object));
    return answer;
}

ObjectInfo MemoryStore::info(const Object& object) const {
    ObjectInfo answer{.size = object.bytes->size(),
                      .etag = object.etag,
                      .modified = object.modified,
                      .version = object.version,
                      .checksums = object.checksums,
                      .parts = object.parts,
                      .properties = *object.properties,
                      .store_time = now()};
    answer.properties.tags.reset();  // HEAD tells only how many
    return answer;
}

std::string MemoryStore::fresh_etag() {
    return fmt::format("opaque-{:016x}", ++serial_);
}

Object MemoryStore::made(std::string bytes, const Properties& properties, const std::optional<Checksum>& checksum) {
    Object object;
    object.etag = options_.opaque_etags ? fresh_etag() : hex(md5(bytes));
    if (!options_.no_checksums) {
        const auto algorithm = checksum ? checksum->algorithm : Checksum::Algorithm::crc64nvme;
        if (auto sum = checksum_of(algorithm, bytes)) object.checksums.push_back(std::move(*sum));
    }
    object.bytes = std::make_shared<const std::string>(std::move(bytes));
    object.properties = kept(properties);
    return object;
}

Object MemoryStore::copied(Object source, const CopyOptions& options) {
    Object object = std::move(source);
    if (options_.etag_changes_on_copy) {
        object.etag = fresh_etag();
    } else if (!options_.opaque_etags && !is_plain_md5(object.etag)) {
        object.etag = hex(md5(*object.bytes));  // one request, one part: S3 forgets the multipart ETag
    }
    object.parts = 0;

    const Properties& old = *object.properties;
    Properties properties = options.replace.value_or(options_.drops_properties_on_copy ? Properties{} : old);
    if (!options.replace || !options.replace->tags) properties.tags = old.tags;
    if (options_.drops_tags_on_copy && !(options.replace && options.replace->tags)) properties.tags.reset();
    properties.tag_count = properties.tags ? static_cast<std::uint32_t>(properties.tags->size()) : 0;
    // What S3 never copies comes from the options, or from `replace` where they are silent.
    auto chosen = [&](const std::string& option, const std::string& replaced) {
        return !option.empty() ? option : options.replace ? replaced : std::string();
    };
    properties.storage_class = chosen(options.storage_class, properties.storage_class);
    properties.website_redirect = chosen(options.website_redirect, properties.website_redirect);
    properties.encryption = chosen(options.encryption, properties.encryption);
    properties.kms_key_id = chosen(options.kms_key_id, properties.kms_key_id);
    object.properties = kept(std::move(properties));
    return object;
}

Result<Object> MemoryStore::snapshot(const ObjectRef& object, const std::string& if_match) const {
    std::shared_lock lock(mutex_);
    const Object* found = find(object);
    if (!found) return no_object(object);
    if (!if_match.empty() && found->etag != if_match) return changed(object);
    return *found;
}

Result<ListPage> MemoryStore::list(const Context& ctx, const ListRequest& request) {
    TRY(check(ctx, request.bucket));
    std::string after = options_.ignores_start_after ? std::string() : request.start_after;
    if (!request.continuation.empty() && !unhex(request.continuation, after)) {
        return Error{.code = Code::invalid, .message = "not a continuation token", .reason = "bad-token"};
    }
    const bool together = options_.order != Order::hashed;  // keys of one prefix are neighbours
    // Without an order no token could say which folders were told: they come on one page.
    const bool one_page = !together && !request.delimiter.empty();
    const std::size_t limit = one_page ? SIZE_MAX : std::min(request.max_keys, options_.limits.list_page);

    ListPage page;
    page.store_time = now();
    std::shared_lock lock(mutex_);
    auto found = buckets_.find(request.bucket);
    if (found == buckets_.end() || limit == 0) return page;
    const Bucket& bucket = found->second;
    const bool from_start = after.empty() && (request.prefix.empty() || !together);
    auto at = from_start ? bucket.begin()
              : !together || (!after.empty() && !bucket.key_comp()(after, request.prefix))
                  ? bucket.upper_bound(after)
                  : bucket.lower_bound(request.prefix);
    std::string last;  // the key that the next page begins after
    for (; at != bucket.end(); ++at) {
        const std::string& key = at->first;
        if (!key.starts_with(request.prefix)) {
            if (together) break;
            continue;
        }
        if (at->second.back().marker()) continue;
        std::string folder;
        if (!request.delimiter.empty()) {
            const auto cut = key.find(request.delimiter, request.prefix.size());
            if (cut != std::string::npos) folder = key.substr(0, cut + request.delimiter.size());
        }
        const bool seen = !folder.empty() && std::find(page.common_prefixes.rbegin(), page.common_prefixes.rend(),
                                                       folder) != page.common_prefixes.rend();
        // A page that ended inside a folder has told of it already.
        const bool told = seen || (!folder.empty() && !request.continuation.empty() && after.starts_with(folder));
        if (!told && page.objects.size() + page.common_prefixes.size() == limit) {
            page.truncated = true;
            page.next = hex(last);
            break;
        }
        last = key;
        if (told) continue;
        if (!folder.empty()) {
            page.common_prefixes.push_back(std::move(folder));
            continue;
        }
        const Object& object = at->second.back();
        page.objects.push_back({.key = key,
                                .size = object.bytes->size(),
                                .etag = object.etag,
                                .modified = object.modified,
                                .storage_class = object.properties->storage_class});
    }
    return page;
}

Result<ObjectInfo> MemoryStore::head(const Context& ctx, const ObjectRef& object) {
    TRY(check(ctx, object));
    std::shared_lock lock(mutex_);
    const Object* found = find(object);
    if (!found) return no_object(object);
    return info(*found);
}

Result<ObjectInfo> MemoryStore::get(const Context& ctx, const ObjectRef& object, const GetOptions& options,
                                    const ByteSink& sink) {
    TRY(check(ctx, object));
    TRY_LET(found, snapshot(object, options.if_match));
    if (options.offset > 0 && options.offset >= found.bytes->size()) {
        return Error{.code = Code::invalid, .message = "the range begins after the end", .reason = "bad-range"};
    }
    TRY(sink(std::string_view(*found.bytes).substr(options.offset, options.bytes)));
    return info(found);
}

Result<ObjectInfo> MemoryStore::put(const Context& ctx, const ObjectRef& object, ByteSource& source,
                                    const PutOptions& options) {
    TRY(check(ctx, object));
    if (source.size() > options_.limits.max_put) {
        return Error{.code = Code::invalid, .message = "too large for one put", .reason = "too-large"};
    }
    TRY_LET(bytes, read_whole(source));
    if (options.checksum && !options_.no_checksums) TRY(verify_checksum(*options.checksum, bytes));
    Object placed = made(std::move(bytes), options.properties, options.checksum);

    const IgnoredConditions& ignores = options_.ignores;
    std::unique_lock lock(mutex_);
    TRY(target_allows(object, options.if_absent && !ignores.put_if_absent,
                      ignores.put_if_match ? "" : options.if_match));
    return place(object, std::move(placed));
}

Result<ObjectInfo> MemoryStore::copy(const Context& ctx, const ObjectRef& from, const ObjectRef& to,
                                     const CopyOptions& options) {
    TRY(check(ctx, from));
    TRY(check(ctx, to));
    const bool onto_itself = from.version.empty() && from.bucket == to.bucket && from.key == to.key;
    if (onto_itself && !options.replace && options.storage_class.empty() && options.website_redirect.empty() &&
        options.encryption.empty()) {
        return Error{.code = Code::invalid, .message = "a copy onto itself that changes nothing"};
    }
    const IgnoredConditions& ignores = options_.ignores;
    TRY_LET(source, snapshot(from, ignores.copy_source_if_match ? "" : options.source_if_match));
    if (source.bytes->size() > options_.limits.max_copy) {
        return Error{.code = Code::invalid, .message = "too large for one copy", .reason = "too-large"};
    }
    Object placed = copied(std::move(source), options);

    std::unique_lock lock(mutex_);
    TRY(target_allows(to, options.target_if_absent && !ignores.copy_if_absent,
                      ignores.copy_if_match ? "" : options.target_if_match));
    return place(to, std::move(placed));
}

Result<Removed> MemoryStore::remove_locked(const ObjectRef& object, const std::string& if_match) {
    if (!if_match.empty()) TRY(target_allows(object, false, if_match));
    Bucket& in = bucket(object.bucket);
    auto at = in.find(stored(object.key));
    if (!object.version.empty()) {
        if (at == in.end()) return Removed{};
        const auto dropped =
            std::find_if(at->second.begin(), at->second.end(), [&](auto& o) { return o.version == object.version; });
        if (dropped == at->second.end()) return Removed{};
        Removed removed{.version = object.version, .delete_marker = dropped->marker()};
        at->second.erase(dropped);
        if (at->second.empty()) in.erase(at);
        return removed;
    }
    if (!options_.versioned) {
        if (at != in.end()) in.erase(at);
        return Removed{};
    }
    Object marker;
    marker.version = fmt::format("v{:016x}", ++serial_);
    marker.modified = now();
    Removed removed{.version = marker.version, .delete_marker = true};
    in[stored(object.key)].push_back(std::move(marker));
    return removed;
}

Result<Removed> MemoryStore::remove(const Context& ctx, const ObjectRef& object, const RemoveOptions& options) {
    TRY(check(ctx, object));
    std::unique_lock lock(mutex_);
    return remove_locked(object, options_.ignores.remove_if_match ? "" : options.if_match);
}

Result<std::vector<RemoveVerdict>> MemoryStore::remove_many(const Context& ctx, const std::string& bucket,
                                                            std::span<const RemoveItem> items) {
    TRY(check(ctx, bucket));
    if (items.size() > options_.limits.remove_batch) {
        return Error{.code = Code::invalid,
                     .message = fmt::format("{} keys in one batch; the store takes {}", items.size(),
                                            options_.limits.remove_batch)};
    }
    std::vector<RemoveVerdict> verdicts;
    verdicts.reserve(items.size());
    std::unique_lock lock(mutex_);
    for (const RemoveItem& item : items) {
        verdicts.push_back({remove_locked({bucket, item.key, item.version},
                                          options_.ignores.remove_many_if_match ? "" : item.if_match)});
    }
    return verdicts;
}

Result<std::vector<NameValue>> MemoryStore::tags(const Context& ctx, const ObjectRef& object) {
    TRY(check(ctx, object));
    std::shared_lock lock(mutex_);
    const Object* found = find(object);
    if (!found) return no_object(object);
    return found->properties->tags.value_or(std::vector<NameValue>{});
}

Status MemoryStore::set_tags(const Context& ctx, const ObjectRef& object, const std::vector<NameValue>& tags) {
    TRY(check(ctx, object));
    std::unique_lock lock(mutex_);
    Object* found = find(object);
    if (!found) return no_object(object);
    Properties properties = *found->properties;
    properties.tags = tags;
    properties.tag_count = 0;
    found->properties = kept(std::move(properties));
    return {};
}

Result<Upload> MemoryStore::create_upload(const Context& ctx, const ObjectRef& object, const PutOptions& options) {
    TRY(check(ctx, object));
    Upload upload{.object = object, .id = fmt::format("upload-{:016x}", ++serial_), .started = now()};
    std::unique_lock lock(mutex_);
    uploads_.emplace(upload.id, UploadState{.upload = upload, .options = options, .parts = {}});
    return upload;
}

Result<UploadState*> MemoryStore::upload_state(const Upload& upload) {
    auto found = uploads_.find(upload.id);
    if (found == uploads_.end() || found->second.upload.object != upload.object) return unknown_upload(upload);
    return &found->second;
}

Result<Part> MemoryStore::keep_part(const Upload& upload, std::uint32_t number, std::string bytes) {
    if (number < 1 || number > options_.limits.max_parts) {
        return Error{.code = Code::invalid, .message = fmt::format("no part can have the number {}", number)};
    }
    if (bytes.size() > options_.limits.max_part) {
        return Error{.code = Code::invalid, .message = "too large for one part", .reason = "too-large"};
    }
    Part part{.number = number, .size = bytes.size()};
    part.etag = options_.opaque_etags ? fresh_etag() : hex(md5(bytes));
    if (!options_.no_checksums) part.checksum = checksum_of(Checksum::Algorithm::crc64nvme, bytes);
    auto shared = std::make_shared<const std::string>(std::move(bytes));

    std::unique_lock lock(mutex_);
    TRY_LET(state, upload_state(upload));
    state->parts[number] = {.bytes = std::move(shared), .etag = part.etag};
    return part;
}

Result<Part> MemoryStore::upload_part(const Context& ctx, const Upload& upload, std::uint32_t number,
                                      ByteSource& source) {
    TRY(check(ctx, upload.object));
    TRY_LET(bytes, read_whole(source));
    return keep_part(upload, number, std::move(bytes));
}

Result<Part> MemoryStore::copy_part(const Context& ctx, const Upload& upload, std::uint32_t number,
                                    const PartCopy& copy) {
    TRY(check(ctx, copy.from));
    if (options_.no_part_copy) {
        return Error{.code = Code::unsupported, .message = "this store cannot copy parts"};
    }
    TRY_LET(source, snapshot(copy.from, options_.ignores.copy_source_if_match ? "" : copy.source_if_match));
    if (copy.offset + copy.bytes > source.bytes->size()) {
        return Error{.code = Code::invalid, .message = "the range ends after the source", .reason = "bad-range"};
    }
    return keep_part(upload, number, source.bytes->substr(copy.offset, copy.bytes));
}

// The bytes of an upload and its ETag, once the parts named are what the store holds.
struct Joined {
    std::string bytes;
    std::string etag;
};
Result<Joined> join(const UploadState& state, std::span<const Part> parts, std::uint64_t min_part) {
    auto refused = [](std::uint32_t number, const char* why) {
        return Error{
            .code = Code::invalid, .message = fmt::format("part {}: {}", number, why), .reason = "invalid-part"};
    };
    if (parts.empty()) return refused(0, "an upload is completed with at least one part");
    Joined joined;
    std::string digests;
    std::uint32_t previous = 0;
    for (const Part& part : parts) {
        auto held = state.parts.find(part.number);
        if (part.number <= previous) return refused(part.number, "not in ascending order");
        if (held == state.parts.end() || held->second.etag != part.etag) return refused(part.number, "not uploaded so");
        const std::string& bytes = *held->second.bytes;
        if (&part != &parts.back() && bytes.size() < min_part) return refused(part.number, "too small");
        joined.bytes += bytes;
        const Md5 digest = md5(bytes);
        digests.append(reinterpret_cast<const char*>(digest.data()), digest.size());
        previous = part.number;
    }
    joined.etag = fmt::format("{}-{}", hex(md5(digests)), parts.size());
    return joined;
}

Result<ObjectInfo> MemoryStore::complete_upload(const Context& ctx, const Upload& upload, std::span<const Part> parts,
                                                const CompleteOptions& options) {
    TRY(check(ctx, upload.object));
    std::unique_lock lock(mutex_);
    TRY_LET(state, upload_state(upload));
    TRY_LET(joined, join(*state, parts, options_.limits.min_part));
    if (options.size != 0 && options.size != joined.bytes.size()) {
        return Error{.code = Code::invalid, .message = "the parts do not add up to the size given"};
    }
    const IgnoredConditions& ignores = options_.ignores;
    TRY(target_allows(upload.object, options.if_absent && !ignores.complete_if_absent,
                      ignores.complete_if_match ? "" : options.if_match));
    Object object = made(std::move(joined.bytes), state->options.properties, std::nullopt);
    if (!options_.opaque_etags) object.etag = std::move(joined.etag);
    object.parts = static_cast<std::uint32_t>(parts.size());
    uploads_.erase(upload.id);
    return place(upload.object, std::move(object));
}

Status MemoryStore::abort_upload(const Context& ctx, const Upload& upload) {
    TRY(check(ctx, upload.object));
    std::unique_lock lock(mutex_);
    uploads_.erase(upload.id);
    return {};
}

Result<std::vector<Part>> MemoryStore::parts(const Context& ctx, const Upload& upload) {
    TRY(check(ctx, upload.object));
    std::unique_lock lock(mutex_);
    TRY_LET(state, upload_state(upload));
    std::vector<Part> parts;
    parts.reserve(state->parts.size());
    for (const auto& [number, part] : state->parts) {
        parts.push_back({.number = number, .etag = part.etag, .size = part.bytes->size()});
    }
    return parts;
}

Result<std::vector<Upload>> MemoryStore::uploads(const Context& ctx, const std::string& bucket,
                                                 const std::string& prefix) {
    TRY(check(ctx, bucket));
    std::shared_lock lock(mutex_);
    std::vector<Upload> found;
    for (const auto& [id, state] : uploads_) {
        const ObjectRef& object = state.upload.object;
        if (object.bucket == bucket && object.key.starts_with(prefix)) found.push_back(state.upload);
    }
    std::stable_sort(found.begin(), found.end(),
                     [](const Upload& a, const Upload& b) { return a.object.key < b.object.key; });
    return found;
}

Result<BucketFacts> MemoryStore::bucket_facts(const Context& ctx, const std::string& bucket) {
    TRY(check(ctx, bucket));
    BucketFacts facts = options_.facts;
    facts.versioned = options_.versioned;
    return facts;
}

}  // namespace

std::unique_ptr<ObjectStore> make_memory_store(MemoryStoreOptions options) {
    return std::make_unique<MemoryStore>(std::move(options));
}

namespace {

// Calls keep(element) for every element between slashes and joins what it leaves.
std::string fold_elements(std::string_view key,
                          const std::function<void(std::vector<std::string_view>&, std::string_view)>& add) {
    std::vector<std::string_view> elements;
    for (std::size_t at = 0; at <= key.size();) {
        const std::size_t end = std::min(key.find('/', at), key.size());
        add(elements, key.substr(at, end - at));
        at = end + 1;
    }
    return fmt::format("{}", fmt::join(elements, "/"));
}

}  // namespace

std::string fold_slashes(std::string_view key) {
    return fold_elements(key, [](auto& elements, std::string_view element) {
        if (!element.empty()) elements.push_back(element);
    });
}

std::string fold_dots(std::string_view key) {
    return fold_elements(key, [](auto& elements, std::string_view element) {
        if (element == ".") return;
        if (element != "..") return elements.push_back(element);
        if (!elements.empty()) elements.pop_back();
    });
}

std::string fold_case(std::string_view key) {
    std::string folded(key);
    for (char& c : folded) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return folded;
}

}  // namespace dray
