#include "store/s3_store.h"

#include <algorithm>
#include <atomic>

#include "base/log.h"
#include "s3/bucket_facts.h"
#include "s3/client.h"
#include "s3/copy_object.h"
#include "s3/delete_object.h"
#include "s3/delete_objects.h"
#include "s3/fields.h"
#include "s3/get_object.h"
#include "s3/head_object.h"
#include "s3/list_objects.h"
#include "s3/multipart.h"
#include "s3/object_tagging.h"
#include "s3/put_object.h"
#include "store/s3_headers.h"

namespace dray {
namespace {

// A ByteSource, as the wire reads bodies.
class BodyFrom : public s3::BodySource {
public:
    explicit BodyFrom(ByteSource& source) : source_(source) {}
    std::uint64_t size() const override { return source_.size(); }
    Result<std::size_t> read(char* buffer, std::size_t bytes) override { return source_.read(buffer, bytes); }
    Status rewind() override { return source_.rewind(); }

private:
    ByteSource& source_;
};

class SinkInto : public s3::BodySink {
public:
    explicit SinkInto(const ByteSink& sink) : sink_(sink) {}
    Status write(std::string_view bytes) override { return sink_(bytes); }

private:
    const ByteSink& sink_;
};

void add_conditions(s3::Headers& headers, bool if_absent, const std::string& if_match) {
    if (if_absent) headers.push_back({"if-none-match", "*"});
    if (!if_match.empty()) headers.push_back({"if-match", s3::quoted_etag(if_match)});
}

void add_acl(s3::Headers& headers, const std::string& acl) {
    if (!acl.empty()) headers.push_back({"x-amz-acl", acl});
}

// Properties that CopyObject takes from its options rather than from the source or the replacement.
Properties for_copy(const CopyOptions& options) {
    Properties properties = options.replace.value_or(Properties{});
    auto prefer = [](std::string& field, const std::string& option) {
        if (!option.empty()) field = option;
    };
    prefer(properties.storage_class, options.storage_class);
    prefer(properties.website_redirect, options.website_redirect);
    prefer(properties.encryption, options.encryption);
    prefer(properties.kms_key_id, options.kms_key_id);
    return properties;
}

s3::Headers copy_headers(const CopyOptions& options) {
    s3::Headers headers;
    add_property_headers(headers, for_copy(options));
    if (options.replace) {
        headers.push_back({"x-amz-metadata-directive", "REPLACE"});
        if (options.replace->tags) headers.push_back({"x-amz-tagging-directive", "REPLACE"});
    }
    add_acl(headers, options.acl);
    add_conditions(headers, options.target_if_absent, options.target_if_match);
    return headers;
}

s3::UploadId id_of(const Upload& upload) {
    return {.bucket = upload.object.bucket, .key = upload.object.key, .id = upload.id};
}

Part part_of(const s3::UploadedPart& part) {
    return {.number = part.number, .etag = part.etag, .size = part.size};
}

class S3Store : public ObjectStore {
public:
    explicit S3Store(std::unique_ptr<s3::Client> client) : owned_(std::move(client)), client_(*owned_) {}

    std::string identity() const override { return client_.endpoint().url(); }
    const Limits& limits() const override { return limits_; }
    Capabilities capabilities() const override { return {}; }

    Result<ListPage> list(const Context& ctx, const ListRequest& request) override;
    Result<ObjectInfo> head(const Context& ctx, const ObjectRef& object) override;
    Result<ObjectInfo> get(const Context& ctx, const ObjectRef& object, const GetOptions& options,
                           const ByteSink& sink) override;
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
    Result<s3::ListedKeys> list_page(const Context& ctx, const ListRequest& request);

    const std::unique_ptr<s3::Client> owned_;
    s3::Client& client_;
    const Limits limits_;
    std::atomic<bool> lists_v1_{false};  // this store knows only the first version of listing
};

// L10: a store that refuses V2, or answers it in V1's words, is spoken to in V1 from then on.
Result<s3::ListedKeys> S3Store::list_page(const Context& ctx, const ListRequest& request) {
    s3::ListObjects wire{.bucket = request.bucket,
                         .prefix = request.prefix,
                         .start_after = request.start_after,
                         .continuation = request.continuation,
                         .delimiter = request.delimiter,
                         .max_keys = request.max_keys,
                         .v1 = lists_v1_};
    auto page = s3::list_objects(ctx, client_, wire);
    bool refused = !page && page.error().code == Code::unsupported && !wire.v1;
    if (refused) {
        wire.v1 = true;
        page = s3::list_objects(ctx, client_, wire);
    }
    if (page && page->spoke_v1) lists_v1_ = true;
    return page;
}

Result<ListPage> S3Store::list(const Context& ctx, const ListRequest& request) {
    TRY_LET(listed, list_page(ctx, request));
    ListPage page{.common_prefixes = std::move(listed.common_prefixes),
                  .truncated = listed.truncated,
                  .next = std::move(listed.next),
                  .store_time = listed.store_time};
    page.objects.reserve(listed.objects.size());
    for (auto& object : listed.objects) {
        if (object.storage_class == "STANDARD") object.storage_class.clear();
        page.objects.push_back({.key = std::move(object.key),
                                .size = object.size,
                                .etag = std::move(object.etag),
                                .modified = object.modified,
                                .storage_class = std::move(object.storage_class)});
    }
    return page;
}

Result<ObjectInfo> S3Store::head(const Context& ctx, const ObjectRef& object) {
    TRY_LET(answer,
            s3::head_object(ctx, client_, {.bucket = object.bucket, .key = object.key, .version = object.version}));
    return object_info_of(answer.headers);
}

Result<ObjectInfo> S3Store::get(const Context& ctx, const ObjectRef& object, const GetOptions& options,
                                const ByteSink& sink) {
    SinkInto into(sink);
    s3::GetObject request{.bucket = object.bucket,
                          .key = object.key,
                          .version = object.version,
                          .if_match = options.if_match,
                          .offset = options.offset,
                          .bytes = options.bytes};
    TRY_LET(answer, s3::get_object(ctx, client_, request, into));
    return object_info_of(answer.headers);
}

Result<ObjectInfo> S3Store::put(const Context& ctx, const ObjectRef& object, ByteSource& source,
                                const PutOptions& options) {
    BodyFrom body(source);
    s3::PutObject request{.bucket = object.bucket, .key = object.key, .source = &body};
    add_property_headers(request.headers, options.properties);
    add_acl(request.headers, options.acl);
    add_conditions(request.headers, options.if_absent, options.if_match);
    if (options.checksum) add_checksum_header(request.headers, *options.checksum);
    TRY_LET(answer, s3::put_object(ctx, client_, request));
    auto info = object_info_of(answer.headers);
    info.size = source.size();
    return info;
}

Result<ObjectInfo> S3Store::copy(const Context& ctx, const ObjectRef& from, const ObjectRef& to,
                                 const CopyOptions& options) {
    s3::CopyObject request{
        .from = {.bucket = from.bucket, .key = from.key, .version = from.version, .if_match = options.source_if_match},
        .bucket = to.bucket,
        .key = to.key,
        .headers = copy_headers(options)};
    TRY_LET(copied, s3::copy_object(ctx, client_, request));
    auto info = object_info_of(copied.answer.headers);
    info.size = 0;  // of the XML, not of the object
    info.etag = std::move(copied.etag);
    info.modified = copied.modified;
    return info;
}

Result<Removed> S3Store::remove(const Context& ctx, const ObjectRef& object, const RemoveOptions& options) {
    TRY_LET(answer,
            s3::delete_object(
                ctx, client_,
                {.bucket = object.bucket, .key = object.key, .version = object.version, .if_match = options.if_match}));
    bool marker = answer.header("x-amz-delete-marker") == "true" && object.version.empty();
    return Removed{.version = marker ? std::string(answer.header("x-amz-version-id")) : std::string(),
                   .delete_marker = marker};
}

Result<std::vector<RemoveVerdict>> S3Store::remove_many(const Context& ctx, const std::string& bucket,
                                                        std::span<const RemoveItem> items) {
    std::vector<RemoveVerdict> verdicts(items.size());
    std::vector<s3::DeleteItem> batch;
    std::vector<std::size_t> places;  // of the batch's items among all
    for (std::size_t i = 0; i < items.size(); ++i) {
        if (s3::batch_can_carry(items[i].key)) {
            batch.push_back({.key = items[i].key, .version = items[i].version, .if_match = items[i].if_match});
            places.push_back(i);
        } else {
            // V16. Not sent from here one after the other: each would rest on a look that the ones before have aged,
            // and on a condition that may be proven for batches only.
            verdicts[i].verdict =
                Error{.code = Code::unsupported,
                      .message = "a batch of deletes cannot carry the key " + in_quotes(items[i].key)};
        }
    }
    if (!batch.empty()) {
        TRY_LET(answers, s3::delete_objects(ctx, client_, bucket, batch));
        for (std::size_t i = 0; i < batch.size(); ++i) {
            auto& verdict = verdicts[places[i]].verdict;
            if (answers[i]) {
                verdict = Removed{.version = answers[i]->version, .delete_marker = answers[i]->delete_marker};
            } else {
                verdict = std::move(answers[i]).error();
            }
        }
    }
    return verdicts;
}

Result<std::vector<NameValue>> S3Store::tags(const Context& ctx, const ObjectRef& object) {
    TRY_LET(told, s3::get_object_tagging(ctx, client_,
                                         {.bucket = object.bucket, .key = object.key, .version = object.version}));
    std::vector<NameValue> tags;
    tags.reserve(told.size());
    for (auto& [name, value] : told)
        tags.push_back({std::move(name), std::move(value)});
    std::sort(tags.begin(), tags.end());
    return tags;
}

Status S3Store::set_tags(const Context& ctx, const ObjectRef& object, const std::vector<NameValue>& tags) {
    s3::Tags wire;
    for (const auto& [name, value] : tags)
        wire.emplace_back(name, value);
    return s3::put_object_tagging(ctx, client_, {.bucket = object.bucket, .key = object.key, .version = object.version},
                                  wire);
}

Result<Upload> S3Store::create_upload(const Context& ctx, const ObjectRef& object, const PutOptions& options) {
    s3::Headers headers;
    add_property_headers(headers, options.properties);
    add_acl(headers, options.acl);
    TRY_LET(started, s3::create_multipart_upload(ctx, client_, object.bucket, object.key, std::move(headers)));
    return Upload{.object = {.bucket = object.bucket, .key = object.key},
                  .id = std::move(started.upload.id),
                  .started = started.started};
}

Result<Part> S3Store::upload_part(const Context& ctx, const Upload& upload, std::uint32_t number, ByteSource& source) {
    BodyFrom body(source);
    TRY_LET(part, s3::upload_part(ctx, client_, id_of(upload), number, body));
    return part_of(part);
}

Result<Part> S3Store::copy_part(const Context& ctx, const Upload& upload, std::uint32_t number, const PartCopy& copy) {
    s3::CopySource from{.bucket = copy.from.bucket,
                        .key = copy.from.key,
                        .version = copy.from.version,
                        .if_match = copy.source_if_match};
    TRY_LET(part, s3::upload_part_copy(ctx, client_, id_of(upload), number, from, copy.offset, copy.bytes));
    return part_of(part);
}

Result<ObjectInfo> S3Store::complete_upload(const Context& ctx, const Upload& upload, std::span<const Part> parts,
                                            const CompleteOptions& options) {
    std::vector<s3::UploadedPart> wire;
    wire.reserve(parts.size());
    for (const auto& part : parts)
        wire.push_back({.number = part.number, .etag = part.etag, .size = part.size});
    s3::CompleteUpload request{.upload = id_of(upload), .parts = wire};
    add_conditions(request.headers, options.if_absent, options.if_match);
    if (options.size != 0) request.headers.push_back({"x-amz-mp-object-size", std::to_string(options.size)});
    TRY_LET(completed, s3::complete_multipart_upload(ctx, client_, request));
    auto info = object_info_of(completed.answer.headers);
    info.size = options.size;
    info.etag = std::move(completed.etag);
    info.parts = static_cast<std::uint32_t>(parts.size());
    return info;
}

Status S3Store::abort_upload(const Context& ctx, const Upload& upload) {
    auto aborted = s3::abort_multipart_upload(ctx, client_, id_of(upload));
    bool gone = !aborted && aborted.error().code == Code::not_found && !aborted.error().fatal;
    return gone ? Status() : aborted;
}

Result<std::vector<Part>> S3Store::parts(const Context& ctx, const Upload& upload) {
    TRY_LET(told, s3::list_parts(ctx, client_, id_of(upload)));
    std::vector<Part> parts;
    parts.reserve(told.size());
    for (const auto& part : told)
        parts.push_back(part_of(part));
    return parts;
}

Result<std::vector<Upload>> S3Store::uploads(const Context& ctx, const std::string& bucket, const std::string& prefix) {
    TRY_LET(told, s3::list_multipart_uploads(ctx, client_, bucket, prefix));
    std::vector<Upload> uploads;
    uploads.reserve(told.size());
    for (auto& upload : told) {
        uploads.push_back({.object = {.bucket = bucket, .key = std::move(upload.upload.key)},
                           .id = std::move(upload.upload.id),
                           .started = upload.started});
    }
    return uploads;
}

Result<BucketFacts> S3Store::bucket_facts(const Context& ctx, const std::string& bucket) {
    TRY_LET(state, s3::bucket_state(ctx, client_, bucket));
    return BucketFacts{.website = state.website,
                       .acls_enabled = state.acls_enabled,
                       .object_lock = state.object_lock,
                       .default_encryption = state.default_encryption,
                       .versioned = state.versioned};
}

}  // namespace

Result<std::unique_ptr<ObjectStore>> make_s3_store(S3StoreOptions options) {
    if (!options.credentials) return Error{.code = Code::invalid, .message = "an S3 store needs credentials"};
    s3::ClientOptions wire{.endpoint = std::move(options.endpoint),
                           .request_payer = options.request_payer,
                           .expected_bucket_owner = std::move(options.expected_bucket_owner),
                           .timeouts = options.timeouts,
                           .ca_bundle = std::move(options.ca_bundle),
                           .verify_tls = options.verify_tls};
    TRY_LET(client, s3::Client::make(std::move(wire), std::move(options.credentials)));
    return std::unique_ptr<ObjectStore>(std::make_unique<S3Store>(std::move(client)));
}

}  // namespace dray
