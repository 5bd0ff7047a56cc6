#include "world.h"

#include <algorithm>
#include <cstdio>

#include "digest.h"

namespace dray::model {
namespace {

void drop_version(Bucket& bucket, const std::string& key, std::string_view version_id) {
    bool was_marker = false;
    delete_version(bucket, key, version_id, was_marker);
}

void push(Bucket& bucket, const std::string& key, Object object) {
    auto made = std::make_shared<const Object>(std::move(object));
    const auto [at, fresh] = bucket.objects.try_emplace(key, Entry{made, {}});
    if (fresh) return;
    at->second.older.push_back(std::move(at->second.newest));
    at->second.newest = std::move(made);
}

}  // namespace

bool KeyOrder::operator()(std::string_view a, std::string_view b) const {
    if (!directory) return a < b;
    auto rank = [](char c) { return c == '/' ? 0U : static_cast<unsigned char>(c) + 1U; };
    return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                        [&](char x, char y) { return rank(x) < rank(y); });
}

Bucket* World::bucket(std::string_view name) {
    const auto at = buckets.find(name);
    return at == buckets.end() ? nullptr : &at->second;
}

Bucket& World::make_bucket(std::string_view name, std::int64_t now_us) {
    Bucket& bucket = buckets[std::string(name)];
    if (bucket.name.empty()) {
        bucket.name = name;
        bucket.created_us = now_us;
        bucket.objects = decltype(bucket.objects)(KeyOrder{directory_order});
    }
    return bucket;
}

std::string World::new_id(std::string_view prefix) {
    char text[40];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(next_id++));
    return std::string(prefix) + text;
}

ObjectPtr current_object(const Bucket& bucket, std::string_view key) {
    const auto at = bucket.objects.find(key);
    if (at == bucket.objects.end() || at->second.newest->delete_marker) return nullptr;
    return at->second.newest;
}

ObjectPtr find_version(const Bucket& bucket, std::string_view key, std::string_view version_id) {
    const auto at = bucket.objects.find(key);
    if (at == bucket.objects.end()) return nullptr;
    if (at->second.newest->version_id == version_id) return at->second.newest;
    for (const ObjectPtr& object : at->second.older)
        if (object->version_id == version_id) return object;
    return nullptr;
}

std::string store_object(World& world, Bucket& bucket, const std::string& key, Object object) {
    object.version_id = bucket.versioning == Versioning::enabled ? world.new_id("v") : "null";
    std::string version_id = object.version_id;
    if (bucket.versioning == Versioning::suspended) drop_version(bucket, key, "null");
    if (bucket.versioning == Versioning::off) {
        bucket.objects.insert_or_assign(key, Entry{std::make_shared<const Object>(std::move(object)), {}});
    } else {
        push(bucket, key, std::move(object));
    }
    return version_id;
}

std::string delete_object(World& world, Bucket& bucket, const std::string& key, std::int64_t now_us) {
    if (bucket.versioning == Versioning::off) {
        bucket.objects.erase(key);
        return {};
    }
    Object marker;
    marker.delete_marker = true;
    marker.modified_us = now_us;
    marker.props = std::make_shared<const Props>();
    return store_object(world, bucket, key, std::move(marker));
}

bool delete_version(Bucket& bucket, std::string_view key, std::string_view version_id, bool& was_marker) {
    const auto at = bucket.objects.find(key);
    if (at == bucket.objects.end()) return false;
    Entry& entry = at->second;
    if (entry.newest->version_id == version_id) {
        was_marker = entry.newest->delete_marker;
        if (entry.older.empty()) {
            bucket.objects.erase(at);
        } else {
            entry.newest = std::move(entry.older.back());
            entry.older.pop_back();
        }
        return true;
    }
    const auto old = std::find_if(entry.older.begin(), entry.older.end(),
                                  [&](const ObjectPtr& object) { return object->version_id == version_id; });
    if (old == entry.older.end()) return false;
    was_marker = (*old)->delete_marker;
    entry.older.erase(old);
    return true;
}

std::string plain_etag(const Body& body) {
    if (!body.is_pattern()) return to_hex(body_digest(Hash::md5, body));
    std::string name = "pattern";
    for (const Body::Slice& slice : body.slices())
        name += ":" + std::to_string(slice.bytes ? 0 : slice.offset) + "+" + std::to_string(slice.size);
    return to_hex(digest(Hash::md5, name));
}

}  // namespace dray::model
