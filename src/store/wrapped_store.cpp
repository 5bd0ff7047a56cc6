#include "store/wrapped_store.h"

#include <optional>
#include <type_traits>

namespace dray {
namespace {

Call on(Verb verb, const ObjectRef& object) {
    // Reads may always be repeated; of the changing verbs only those say so below whose repeat changes nothing more.
    return {.verb = verb, .bucket = object.bucket, .key = object.key, .repeatable = !changes(verb)};
}

}  // namespace

template <class T, class Effect>
Result<T> WrappedStore::through(const Context& ctx, Call call, const Effect& effect) {
    std::optional<Result<T>> answer;
    Status status = around(ctx, call, [&](const Context& inner) -> Status {
        answer.emplace(effect(inner, call));
        if (!*answer) return answer->error();
        return {};
    });
    if (!status) return std::move(status).error();
    CHECK(answer && *answer);
    return std::move(*answer);
}

Result<ListPage> WrappedStore::list(const Context& ctx, const ListRequest& request) {
    return through<ListPage>(ctx, {.verb = Verb::list, .bucket = request.bucket, .key = request.prefix},
                             [&](const Context& c, Call&) { return store_->list(c, request); });
}

Result<ObjectInfo> WrappedStore::head(const Context& ctx, const ObjectRef& object) {
    return through<ObjectInfo>(ctx, on(Verb::head, object),
                               [&](const Context& c, Call&) { return store_->head(c, object); });
}

Result<ObjectInfo> WrappedStore::get(const Context& ctx, const ObjectRef& object, const GetOptions& options,
                                     const ByteSink& sink) {
    std::uint64_t delivered = 0;
    return through<ObjectInfo>(ctx, on(Verb::get, object), [&](const Context& c, Call& call) {
        GetOptions rest = options;  // a repeat goes on where the bytes stopped, never from the start again
        rest.offset += delivered;
        if (rest.bytes != UINT64_MAX) rest.bytes -= delivered;
        return store_->get(c, object, rest, [&](std::string_view bytes) -> Status {
            TRY(received(c, bytes.size()));
            delivered += bytes.size();
            // Without the ETag the rest might be another object's.
            if (options.if_match.empty()) call.repeatable = false;
            Status taken = sink(bytes);
            if (!taken) call.repeatable = false;
            return taken;
        });
    });
}

Result<ObjectInfo> WrappedStore::put(const Context& ctx, const ObjectRef& object, ByteSource& source,
                                     const PutOptions& options) {
    Call call = on(Verb::put, object);
    call.bytes = source.size();
    call.repeatable = !options.if_absent && options.if_match.empty();
    call.damaged_on_purpose = options.damaged_on_purpose;
    bool again = false;
    return through<ObjectInfo>(ctx, call, [&](const Context& c, Call&) -> Result<ObjectInfo> {
        if (std::exchange(again, true)) TRY(source.rewind());
        return store_->put(c, object, source, options);
    });
}

Result<ObjectInfo> WrappedStore::copy(const Context& ctx, const ObjectRef& from, const ObjectRef& to,
                                      const CopyOptions& options) {
    Call call = on(Verb::copy, to);
    call.from_key = from.key;
    return through<ObjectInfo>(ctx, call, [&](const Context& c, Call&) { return store_->copy(c, from, to, options); });
}

Result<Removed> WrappedStore::remove(const Context& ctx, const ObjectRef& object, const RemoveOptions& options) {
    return through<Removed>(ctx, on(Verb::remove, object),
                            [&](const Context& c, Call&) { return store_->remove(c, object, options); });
}

Result<std::vector<RemoveVerdict>> WrappedStore::remove_many(const Context& ctx, const std::string& bucket,
                                                             std::span<const RemoveItem> items) {
    return through<std::vector<RemoveVerdict>>(
        ctx, {.verb = Verb::remove_many, .bucket = bucket, .items = items, .repeatable = false},
        [&](const Context& c, Call&) { return store_->remove_many(c, bucket, items); });
}

Result<std::vector<NameValue>> WrappedStore::tags(const Context& ctx, const ObjectRef& object) {
    return through<std::vector<NameValue>>(ctx, on(Verb::tags, object),
                                           [&](const Context& c, Call&) { return store_->tags(c, object); });
}

Status WrappedStore::set_tags(const Context& ctx, const ObjectRef& object, const std::vector<NameValue>& tags) {
    return through<void>(ctx, on(Verb::set_tags, object),
                         [&](const Context& c, Call&) { return store_->set_tags(c, object, tags); });
}

Result<Upload> WrappedStore::create_upload(const Context& ctx, const ObjectRef& object, const PutOptions& options) {
    return through<Upload>(ctx, on(Verb::create_upload, object),
                           [&](const Context& c, Call&) { return store_->create_upload(c, object, options); });
}

Result<Part> WrappedStore::upload_part(const Context& ctx, const Upload& upload, std::uint32_t number,
                                       ByteSource& source) {
    Call call = on(Verb::upload_part, upload.object);
    call.bytes = source.size();
    call.repeatable = true;  // the same bytes under the same number
    bool again = false;
    return through<Part>(ctx, call, [&](const Context& c, Call&) -> Result<Part> {
        if (std::exchange(again, true)) TRY(source.rewind());
        return store_->upload_part(c, upload, number, source);
    });
}

Result<Part> WrappedStore::copy_part(const Context& ctx, const Upload& upload, std::uint32_t number,
                                     const PartCopy& copy) {
    Call call = on(Verb::copy_part, upload.object);
    call.from_key = copy.from.key;
    return through<Part>(ctx, call,
                         [&](const Context& c, Call&) { return store_->copy_part(c, upload, number, copy); });
}

Result<ObjectInfo> WrappedStore::complete_upload(const Context& ctx, const Upload& upload, std::span<const Part> parts,
                                                 const CompleteOptions& options) {
    return through<ObjectInfo>(ctx, on(Verb::complete_upload, upload.object), [&](const Context& c, Call&) {
        return store_->complete_upload(c, upload, parts, options);
    });
}

Status WrappedStore::abort_upload(const Context& ctx, const Upload& upload) {
    Call call = on(Verb::abort_upload, upload.object);
    call.repeatable = true;  // an id is never used twice
    return through<void>(ctx, call, [&](const Context& c, Call&) { return store_->abort_upload(c, upload); });
}

Result<std::vector<Part>> WrappedStore::parts(const Context& ctx, const Upload& upload) {
    return through<std::vector<Part>>(ctx, on(Verb::parts, upload.object),
                                      [&](const Context& c, Call&) { return store_->parts(c, upload); });
}

Result<std::vector<Upload>> WrappedStore::uploads(const Context& ctx, const std::string& bucket,
                                                  const std::string& prefix) {
    return through<std::vector<Upload>>(ctx, {.verb = Verb::uploads, .bucket = bucket, .key = prefix},
                                        [&](const Context& c, Call&) { return store_->uploads(c, bucket, prefix); });
}

Result<BucketFacts> WrappedStore::bucket_facts(const Context& ctx, const std::string& bucket) {
    return through<BucketFacts>(ctx, {.verb = Verb::bucket_facts, .bucket = bucket},
                                [&](const Context& c, Call&) { return store_->bucket_facts(c, bucket); });
}

}  // namespace dray
