#include "store/memory_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <shared_mutex>
#include <vector>

#include "base/checksum.h"
#include "base/log.h"
#include "store/body.h"
#include "store/checksums.h"
#include "store/memory_buckets.h"
#include "store/memory_uploads.h"

namespace dray {
namespace {

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
    Status check(const Context& ctx, const std::string& bucket) const;
    Status check(const Context& ctx, const ObjectRef& object) const;
    ObjectInfo place(const ObjectRef& to, MemoryObject object);  // under the lock
    Result<MemoryObject> snapshot(const ObjectRef& object, const std::string& if_match) const;
    Result<Part> keep_part(const Upload& upload, std::uint32_t number, std::string bytes);
    MemoryObject made(std::string bytes, const Properties& properties, const std::optional<Checksum>& checksum);
    MemoryObject copied(MemoryObject source, const CopyOptions& options);
    std::string fresh_etag();
    ObjectInfo info(const MemoryObject& object) const;

    const MemoryStoreOptions options_;
    mutable std::shared_mutex mutex_;
    MemoryBuckets buckets_{options_};
    MemoryUploads uploads_;
    std::atomic<std::uint64_t> etags_ = 0;  // made up so far
};

Guarantee given(bool has) {
    return has ? Guarantee::proven : Guarantee::absent;
}

Capabilities MemoryStore::capabilities() const {
    if (!options_.tells_capabilities) return {};
    const IgnoredConditions& ignores = options_.ignores;
    auto apart = [&](std::string_view a, std::string_view b) {
        return given(buckets_.stored(a) != buckets_.stored(b));
    };
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
        .byte_order = given(options_.order == MemoryStoreOptions::Order::bytes),
        .start_after = given(!options_.ignores_start_after),
        .reads_tags = Guarantee::proven,
        .copies_tags = given(!options_.drops_tags_on_copy),
        .copies_properties = given(!options_.drops_properties_on_copy),
        .copies_redirects = given(options_.redirects != MemoryStoreOptions::Redirects::not_copied),
        .no_default_key = given(!options_.default_encryption.starts_with("aws:kms")),
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

ObjectInfo MemoryStore::info(const MemoryObject& object) const {
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
    return fmt::format("opaque-{:016x}", ++etags_);
}

MemoryObject MemoryStore::made(std::string bytes, const Properties& properties,
                               const std::optional<Checksum>& checksum) {
    MemoryObject object;
    object.etag = options_.opaque_etags ? fresh_etag() : hex(md5(bytes));
    if (!options_.no_checksums) {
        const auto algorithm = checksum ? checksum->algorithm : Checksum::Algorithm::crc64nvme;
        if (auto sum = checksum_of(algorithm, bytes)) object.checksums.push_back(std::move(*sum));
    }
    object.bytes = std::make_shared<const std::string>(std::move(bytes));
    Properties stored = properties;
    if (stored.encryption.empty()) stored.encryption = options_.default_encryption;
    if (options_.redirects == MemoryStoreOptions::Redirects::not_kept) stored.website_redirect.clear();
    object.properties = kept(std::move(stored));
    return object;
}

MemoryObject MemoryStore::copied(MemoryObject source, const CopyOptions& options) {
    MemoryObject object = std::move(source);
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
    const bool redirects =
        options_.redirects == MemoryStoreOptions::Redirects::copied && options.website_redirect.empty();
    if (!redirects) properties.website_redirect = chosen(options.website_redirect, properties.website_redirect);
    properties.encryption = chosen(options.encryption, properties.encryption);
    if (properties.encryption.empty()) properties.encryption = options_.default_encryption;
    properties.kms_key_id = chosen(options.kms_key_id, properties.kms_key_id);
    object.properties = kept(std::move(properties));
    return object;
}

Result<MemoryObject> MemoryStore::snapshot(const ObjectRef& object, const std::string& if_match) const {
    std::shared_lock lock(mutex_);
    return buckets_.snapshot(object, if_match);
}

ObjectInfo MemoryStore::place(const ObjectRef& to, MemoryObject object) {
    object.modified = now();
    return info(buckets_.place(to, std::move(object)));
}

Result<ListPage> MemoryStore::list(const Context& ctx, const ListRequest& request) {
    TRY(check(ctx, request.bucket));
    std::shared_lock lock(mutex_);
    TRY_LET(page, buckets_.list(request));
    page.store_time = now();
    return page;
}

Result<ObjectInfo> MemoryStore::head(const Context& ctx, const ObjectRef& object) {
    TRY(check(ctx, object));
    std::shared_lock lock(mutex_);
    const MemoryObject* found = buckets_.find(object);
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
    MemoryObject placed = made(std::move(bytes), options.properties, options.checksum);

    const IgnoredConditions& ignores = options_.ignores;
    std::unique_lock lock(mutex_);
    TRY(buckets_.target_allows(object, options.if_absent && !ignores.put_if_absent,
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
    MemoryObject placed = copied(std::move(source), options);

    std::unique_lock lock(mutex_);
    TRY(buckets_.target_allows(to, options.target_if_absent && !ignores.copy_if_absent,
                               ignores.copy_if_match ? "" : options.target_if_match));
    return place(to, std::move(placed));
}

Result<Removed> MemoryStore::remove(const Context& ctx, const ObjectRef& object, const RemoveOptions& options) {
    TRY(check(ctx, object));
    std::unique_lock lock(mutex_);
    return buckets_.remove(object, options_.ignores.remove_if_match ? "" : options.if_match, now());
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
        verdicts.push_back({buckets_.remove({bucket, item.key, item.version},
                                            options_.ignores.remove_many_if_match ? "" : item.if_match, now())});
    }
    return verdicts;
}

Result<std::vector<NameValue>> MemoryStore::tags(const Context& ctx, const ObjectRef& object) {
    TRY(check(ctx, object));
    std::shared_lock lock(mutex_);
    const MemoryObject* found = buckets_.find(object);
    if (!found) return no_object(object);
    return found->properties->tags.value_or(std::vector<NameValue>{});
}

Status MemoryStore::set_tags(const Context& ctx, const ObjectRef& object, const std::vector<NameValue>& tags) {
    TRY(check(ctx, object));
    std::unique_lock lock(mutex_);
    MemoryObject* found = buckets_.find(object);
    if (!found) return no_object(object);
    Properties properties = *found->properties;
    properties.tags = tags;
    properties.tag_count = 0;
    found->properties = kept(std::move(properties));
    return {};
}

Result<Upload> MemoryStore::create_upload(const Context& ctx, const ObjectRef& object, const PutOptions& options) {
    TRY(check(ctx, object));
    std::unique_lock lock(mutex_);
    return uploads_.begin(object, options, now());
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
    TRY_LET(state, uploads_.find(upload));
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

Result<ObjectInfo> MemoryStore::complete_upload(const Context& ctx, const Upload& upload, std::span<const Part> parts,
                                                const CompleteOptions& options) {
    TRY(check(ctx, upload.object));
    std::unique_lock lock(mutex_);
    TRY_LET(state, uploads_.find(upload));
    TRY_LET(joined, join_parts(*state, parts, options_.limits.min_part));
    if (options.size != 0 && options.size != joined.bytes.size()) {
        return Error{.code = Code::invalid, .message = "the parts do not add up to the size given"};
    }
    const IgnoredConditions& ignores = options_.ignores;
    TRY(buckets_.target_allows(upload.object, options.if_absent && !ignores.complete_if_absent,
                               ignores.complete_if_match ? "" : options.if_match));
    MemoryObject object = made(std::move(joined.bytes), state->options.properties, std::nullopt);
    if (!options_.opaque_etags) object.etag = std::move(joined.etag);
    object.parts = static_cast<std::uint32_t>(parts.size());
    uploads_.end(upload);
    return place(upload.object, std::move(object));
}

Status MemoryStore::abort_upload(const Context& ctx, const Upload& upload) {
    TRY(check(ctx, upload.object));
    std::unique_lock lock(mutex_);
    uploads_.end(upload);
    return {};
}

Result<std::vector<Part>> MemoryStore::parts(const Context& ctx, const Upload& upload) {
    TRY(check(ctx, upload.object));
    std::unique_lock lock(mutex_);
    TRY_LET(state, uploads_.find(upload));
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
    return uploads_.below(bucket, prefix);
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

}  // namespace dray
