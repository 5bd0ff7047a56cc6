#include "s3/list_objects.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "s3/fields.h"

namespace dray::s3 {
namespace {

Error bad_page(const ListObjects& request, std::string_view why) {
    return {.code = Code::corrupt,
            .message = "ListObjects s3://" + printable(request.bucket) + "/" + printable(request.prefix) +
                       ": the page cannot be trusted: " + std::string(why),
            .reason = "bad-listing"};
}

// Undoes encoding-type=url, where the answer says that it was applied (H52). Stores differ in how they spell a blank
// (`+` or %20), and agree in never leaving a `+` of the key bare.
bool decode(bool encoded, std::string& text) {
    if (!encoded) return true;
    std::string bytes;
    if (!uri_decode(text, true, bytes)) return false;
    text = std::move(bytes);
    return true;
}

Result<ListedKey> read_key(const ListObjects& request, const XmlElement& contents, bool encoded) {
    ListedKey listed;
    bool has_key = false;
    std::optional<std::uint64_t> size;
    for (const auto& field : contents.children()) {
        auto name = field.name();
        if (name == "Key") {
            listed.key = field.text();
            has_key = true;
        } else if (name == "Size") {
            size = number(field.text());
        } else if (name == "ETag") {
            listed.etag = unquoted_etag(field.text());
        } else if (name == "LastModified") {
            listed.modified = time_or_epoch(field.text());
        } else if (name == "StorageClass") {
            listed.storage_class = field.text();
        }
    }
    if (!has_key || listed.key.empty()) return bad_page(request, "an object without a key");
    if (!decode(encoded, listed.key)) return bad_page(request, "a key with a broken escape");
    if (!size) return bad_page(request, "an object without a proper size: " + in_quotes(listed.key));
    listed.size = *size;
    return listed;
}

// The names of access points differ from that of the bucket behind them.
bool is_access_point(std::string_view bucket) {
    return bucket.starts_with("arn:") || bucket.ends_with("-s3alias");
}

Call call_of(const ListObjects& request) {
    Call call{.operation = Operation::list_objects, .bucket = request.bucket, .repeatable = true};
    auto add = [&](const char* name, const std::string& value) {
        if (!value.empty()) call.query.emplace_back(name, value);
    };
    call.query.emplace_back("encoding-type", "url");
    add("prefix", request.prefix);
    add("delimiter", request.delimiter);
    add("max-keys", std::to_string(request.max_keys));
    if (request.v1) {
        add("marker", request.continuation.empty() ? request.start_after : request.continuation);
    } else {
        call.query.emplace_back("list-type", "2");
        add("start-after", request.start_after);
        add("continuation-token", request.continuation);
    }
    return call;
}

}  // namespace

Result<ListedKeys> list_objects(const Context& ctx, Client& client, const ListObjects& request) {
    TRY_LET(answer, client.send(ctx, call_of(request)));
    auto root = answer.document->root();
    auto name = root.child_text("Name");
    if (name && !name->empty() && *name != request.bucket && !is_access_point(request.bucket)) {
        return bad_page(request, "it is about the bucket " + in_quotes(*name));
    }
    bool encoded = root.child_text("EncodingType").value_or("") == "url";

    ListedKeys page;
    page.store_time = answer.store_time;
    for (const auto& child : root.children()) {
        if (child.name() == "Contents") {
            TRY_LET(listed, read_key(request, child, encoded));
            page.objects.push_back(std::move(listed));
        } else if (child.name() == "CommonPrefixes") {
            auto prefix = child.child_text("Prefix").value_or("");
            if (!decode(encoded, prefix)) return bad_page(request, "a prefix with a broken escape");
            page.common_prefixes.push_back(std::move(prefix));
        }
    }
    page.truncated = root.child_text("IsTruncated").value_or("") == "true";
    page.next = root.child_text("NextContinuationToken").value_or("");
    page.spoke_v1 = request.v1 || (root.child("Marker").has_value() && !root.child("KeyCount").has_value());
    if (page.truncated && page.spoke_v1) {
        page.next = root.child_text("NextMarker").value_or("");
        if (!decode(encoded, page.next)) return bad_page(request, "a marker with a broken escape");
        // Without a delimiter V1 does not say it: the marker is the last key.
        if (page.next.empty() && !page.objects.empty()) page.next = page.objects.back().key;
        if (!page.common_prefixes.empty()) page.next = std::max(page.next, page.common_prefixes.back());
    }
    return page;
}

}  // namespace dray::s3
