#include "ops/pages.h"

#include <algorithm>

#include "base/log.h"

namespace dray {
namespace {

Error corrupt(const ListRequest& request, const std::string& what) {
    return {.code = Code::corrupt,
            .message = "listing s3://" + request.bucket + "/" + printable(request.prefix) + ": " + what};
}

}  // namespace

Result<bool> list_pages(const Context& ctx, ObjectStore& store, ListRequest request,
                        const std::function<Result<bool>(const ListPage&)>& page) {
    request.max_keys = store.limits().list_page;
    for (std::string reached = request.start_after;;) {
        TRY_LET(listed, store.list(ctx, request));
        const auto outside =
            std::find_if(listed.objects.begin(), listed.objects.end(),
                         [&](const ListedObject& object) { return !object.key.starts_with(request.prefix); });
        if (outside != listed.objects.end())
            return corrupt(request,
                           "the store answered with the key " + quoted(outside->key) + ", which is not below it");
        TRY_LET(go_on, page(listed));
        if (!go_on) return false;
        if (!listed.truncated) return true;

        const std::string last = listed.objects.empty() ? reached : listed.objects.back().key;
        if (listed.next.empty() ? last == reached : listed.next == request.continuation)
            return corrupt(request, "the store says there is more, but not where");
        request.continuation = listed.next;
        request.start_after = listed.next.empty() ? last : std::string();
        reached = last;
    }
}

}  // namespace dray
