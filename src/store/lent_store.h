// LentStore, for tests: hands every call on to a store that somebody else keeps, where one has to be given away.
#pragma once

#include "store/object_store.h"

namespace dray {

class LentStore final : public ObjectStore {
public:
    explicit LentStore(ObjectStore& store) : store_(store) {}
    std::string identity() const override { return store_.identity(); }
    const Limits& limits() const override { return store_.limits(); }
    Capabilities capabilities() const override { return store_.capabilities(); }
    Result<ListPage> list(const Context& ctx, const ListRequest& request) override { return store_.list(ctx, request); }
    Result<ObjectInfo> head(const Context& ctx, const ObjectRef& object) override { return store_.head(ctx, object); }
    Result<ObjectInfo> get(const Context& ctx, const ObjectRef& object, const GetOptions& options,
                           const ByteSink& sink) override {
        return store_.get(ctx, object, options, sink);
    }
    using ObjectStore::put;
    Result<ObjectInfo> put(const Context& ctx, const ObjectRef& object, ByteSource& source,
                           const PutOptions& options) override {
        return store_.put(ctx, object, source, options);
    }
    Result<ObjectInfo> copy(const Context& ctx, const ObjectRef& from, const ObjectRef& to,
                            const CopyOptions& options) override {
        return store_.copy(ctx, from, to, options);
    }
    Result<Removed> remove(const Context& ctx, const ObjectRef& object, const RemoveOptions& options) override {
        return store_.remove(ctx, object, options);
    }
    Result<std::vector<RemoveVerdict>> remove_many(const Context& ctx, const std::string& bucket,
                                                   std::span<const RemoveItem> items) override {
        return store_.remove_many(ctx, bucket, items);
    }
    Result<std::vector<NameValue>> tags(const Context& ctx, const ObjectRef& object) override {
        return store_.tags(ctx, object);
    }
    Status set_tags(const Context& ctx, const ObjectRef& object, const std::vector<NameValue>& tags) override {
        return store_.set_tags(ctx, object, tags);
    }
    Result<Upload> create_upload(const Context& ctx, const ObjectRef& object, const PutOptions& options) override {
        return store_.create_upload(ctx, object, options);
    }
    Result<Part> upload_part(const Context& ctx, const Upload& upload, std::uint32_t number,
                             ByteSource& source) override {
        return store_.upload_part(ctx, upload, number, source);
    }
    Result<Part> copy_part(const Context& ctx, const Upload& upload, std::uint32_t number,
                           const PartCopy& copy) override {
        return store_.copy_part(ctx, upload, number, copy);
    }
    Result<ObjectInfo> complete_upload(const Context& ctx, const Upload& upload, std::span<const Part> parts,
                                       const CompleteOptions& options) override {
        return store_.complete_upload(ctx, upload, parts, options);
    }
    Status abort_upload(const Context& ctx, const Upload& upload) override { return store_.abort_upload(ctx, upload); }
    Result<std::vector<Part>> parts(const Context& ctx, const Upload& upload) override {
        return store_.parts(ctx, upload);
    }
    Result<std::vector<Upload>> uploads(const Context& ctx, const std::string& bucket,
                                        const std::string& prefix) override {
        return store_.uploads(ctx, bucket, prefix);
    }
    Result<BucketFacts> bucket_facts(const Context& ctx, const std::string& bucket) override {
        return store_.bucket_facts(ctx, bucket);
    }

private:
    ObjectStore& store_;
};

}  // namespace dray
