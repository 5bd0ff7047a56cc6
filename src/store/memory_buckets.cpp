#include "store/memory_buckets.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/checksum.h"
#include "base/log.h"

namespace dray {
namespace {

using Order = MemoryStoreOptions::Order;

Error changed(const ObjectRef& object) {
    return {.code = Code::conflict, .message = "another object by now: " + printable(object.key)};
}

}  // namespace

Error no_object(const ObjectRef& object) {
    return {.code = Code::not_found, .message = "no object " + printable(object.bucket + "/" + object.key)};
}

bool MemoryKeyOrder::operator()(std::string_view a, std::string_view b) const {
    if (order == Order::bytes) return a < b;
    if (order == Order::directories) {
        auto rank = [](char c) { return c == '/' ? -1 : int{static_cast<unsigned char>(c)}; };
        return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                            [&](char x, char y) { return rank(x) < rank(y); });
    }
    return std::pair(hash128(a), a) < std::pair(hash128(b), b);
}

MemoryBuckets::Bucket& MemoryBuckets::bucket(const std::string& name) {
    return buckets_.try_emplace(name, MemoryKeyOrder{options_.order}).first->second;
}

const MemoryObject* MemoryBuckets::find(const ObjectRef& object) const {
    auto bucket = buckets_.find(object.bucket);
    if (bucket == buckets_.end()) return nullptr;
    auto at = bucket->second.find(stored(object.key));
    if (at == bucket->second.end()) return nullptr;
    for (auto it = at->second.rbegin(); it != at->second.rend(); ++it) {
        if (object.version.empty() || it->version == object.version) return it->marker() ? nullptr : &*it;
    }
    return nullptr;
}

MemoryObject* MemoryBuckets::find(const ObjectRef& object) {
    return const_cast<MemoryObject*>(std::as_const(*this).find(object));
}

Result<MemoryObject> MemoryBuckets::snapshot(const ObjectRef& object, const std::string& if_match) const {
    const MemoryObject* found = find(object);
    if (!found) return no_object(object);
    if (!if_match.empty() && found->etag != if_match) return changed(object);
    return *found;
}

Status MemoryBuckets::target_allows(const ObjectRef& to, bool if_absent, const std::string& if_match) const {
    const MemoryObject* there = find({to.bucket, to.key, {}});
    if (if_absent && there) {
        return Error{.code = Code::exists, .message = "there is an object already: " + printable(to.key)};
    }
    if (!if_match.empty() && !there) return no_object(to);
    if (!if_match.empty() && there->etag != if_match) return changed(to);
    return {};
}

const MemoryObject& MemoryBuckets::place(const ObjectRef& to, MemoryObject object) {
    History& history = bucket(to.bucket)[stored(to.key)];
    if (options_.versioned) {
        object.version = fresh_version();
    } else {
        history.clear();
    }
    return history.emplace_back(std::move(object));
}

std::string MemoryBuckets::fresh_version() {
    return fmt::format("v{:016x}", ++versions_);
}

Result<Removed> MemoryBuckets::remove(const ObjectRef& object, const std::string& if_match, WallTime now) {
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
    MemoryObject marker;
    marker.version = fresh_version();
    marker.modified = now;
    Removed removed{.version = marker.version, .delete_marker = true};
    in[stored(object.key)].push_back(std::move(marker));
    return removed;
}

Result<ListPage> MemoryBuckets::list(const ListRequest& request) const {
    std::string after = options_.ignores_start_after ? std::string() : request.start_after;
    if (!request.continuation.empty() && !unhex(request.continuation, after)) {
        return Error{.code = Code::invalid, .message = "not a continuation token", .reason = "bad-token"};
    }
    const bool together = options_.order != Order::hashed;  // keys of one prefix are neighbours
    // Without an order no token could say which folders were told: they come on one page.
    const bool one_page = !together && !request.delimiter.empty();
    const std::size_t limit = one_page ? SIZE_MAX : std::min(request.max_keys, options_.limits.list_page);

    ListPage page;
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
        const MemoryObject& object = at->second.back();
        page.objects.push_back({.key = key,
                                .size = object.bytes->size(),
                                .etag = object.etag,
                                .modified = object.modified,
                                .storage_class = object.properties->storage_class});
    }
    return page;
}

}  // namespace dray
