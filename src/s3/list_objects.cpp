#include "s3/list_objects.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace dray::s3 {
namespace {

Error bad_page(const ListObjects& request, std::string_view why) {
    return {.code = Code::corrupt,
            .message = "ListObjects s3://" + printable(request.bucket) + "/" + printable(request.prefix) +
                       ": the page cannot be trusted: " + std::string(why),
            .reason = "bad-listing"};
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
    CHECK(answer.page);
    ListPage& told = *answer.page;
    if (!told.problem.empty()) return bad_page(request, told.problem);
    const std::string bucket = told.bucket.value_or("");
    if (!bucket.empty() && bucket != request.bucket && !is_access_point(request.bucket)) {
        return bad_page(request, "it is about the bucket " + in_quotes(bucket));
    }
    ListedKeys page{.objects = std::move(told.objects),
                    .common_prefixes = std::move(told.common_prefixes),
                    .truncated = told.truncated,
                    .next = std::move(told.next_token).value_or(""),
                    .spoke_v1 = request.v1 || (told.has_marker && !told.has_key_count),
                    .store_time = answer.store_time};
    if (page.truncated && page.spoke_v1) {
        page.next = std::move(told.next_marker).value_or("");
        // Without a delimiter V1 does not say it: the marker is the last key.
        if (page.next.empty() && !page.objects.empty()) page.next = page.objects.back().key;
        if (!page.common_prefixes.empty()) page.next = std::max(page.next, page.common_prefixes.back());
    }
    return page;
}

}  // namespace dray::s3
