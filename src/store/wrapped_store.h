// WrappedStore: a store in front of another. A wrapper says once, in around(), what it adds to every call.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "store/object_store.h"
#include "store/verb.h"

namespace dray {

class WrappedStore : public ObjectStore {
public:
    explicit WrappedStore(std::unique_ptr<ObjectStore> store) : store_(std::move(store)) {}

    std::string identity() const override { return store_->identity(); }
    const Limits& limits() const override { return store_->limits(); }
    Capabilities capabilities() const override { return store_->capabilities(); }
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

protected:
    // Makes the call once more each time it is run; the answer of the last run counts.
    using Attempt = std::function<Status(const Context& ctx)>;
    // Runs `attempt` as often as it likes. Success only after a run that succeeded; an error is the caller's answer.
    // This one adds nothing: for wrappers that change what one verb does.
    virtual Status around(const Context& ctx, Call&, const Attempt& attempt) { return attempt(ctx); }
    // Bytes that came in, as they come: an error ends the read.
    virtual Status received(const Context&, std::size_t) { return {}; }

private:
    template <class T, class Effect>
    Result<T> through(const Context& ctx, Call call, const Effect& effect);

    const std::unique_ptr<ObjectStore> store_;
};

}  // namespace dray
