// What a memory store holds: its buckets, the objects in them and their versions.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "store/memory_store.h"

namespace dray {

struct MemoryObject {
    std::shared_ptr<const std::string> bytes;  // null: a delete marker
    std::string etag;
    WallTime modified{};
    std::string version;
    std::shared_ptr<const Properties> properties;  // tags inside
    std::vector<Checksum> checksums;
    std::uint32_t parts = 0;

    bool marker() const { return bytes == nullptr; }
};

// The order in which a store lists keys.
struct MemoryKeyOrder {
    MemoryStoreOptions::Order order = MemoryStoreOptions::Order::bytes;

    bool operator()(std::string_view a, std::string_view b) const;
    using is_transparent = void;
};

// Not thread-safe: the store locks. `options` is borrowed: aliases, order, versions.
class MemoryBuckets {
public:
    explicit MemoryBuckets(const MemoryStoreOptions& options) : options_(options) {}

    // The bytes that a key is kept under.
    std::string stored(std::string_view key) const { return options_.alias ? options_.alias(key) : std::string(key); }
    // Null: nothing is there, or a delete marker.
    const MemoryObject* find(const ObjectRef& object) const;
    MemoryObject* find(const ObjectRef& object);
    // The object as a request's condition wants it. Errors: not_found, conflict.
    Result<MemoryObject> snapshot(const ObjectRef& object, const std::string& if_match) const;
    // Whether the conditions of a change allow it. Errors: exists, not_found, conflict.
    Status target_allows(const ObjectRef& to, bool if_absent, const std::string& if_match) const;
    // Gives it a version, where there are versions, and puts it there.
    const MemoryObject& place(const ObjectRef& to, MemoryObject object);
    // A delete marker that is put there is of `now`. Errors: not_found, conflict (if_match).
    Result<Removed> remove(const ObjectRef& object, const std::string& if_match, WallTime now);
    // Error: invalid, reason "bad-token".
    Result<ListPage> list(const ListRequest& request) const;

private:
    // The newest last; one element where there are no versions.
    using History = std::vector<MemoryObject>;
    using Bucket = std::map<std::string, History, MemoryKeyOrder>;

    Bucket& bucket(const std::string& name);
    std::string fresh_version();

    const MemoryStoreOptions& options_;
    std::map<std::string, Bucket, std::less<>> buckets_;
    std::uint64_t versions_ = 0;  // given so far
};

Error no_object(const ObjectRef& object);  // code not_found

}  // namespace dray
