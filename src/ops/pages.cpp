#include "ops/pages.h"

namespace dray {

Result<PagesRead> list_pages(const Context& ctx, ObjectStore& store, ListRequest request,
                             const std::function<Result<bool>(const ListPage&)>& page) {
    request.max_keys = store.limits().list_page;
    bool enough = false;
    auto listed = list_all(ctx, store, request, {}, [&](const ListPage& one) -> Status {
        TRY_LET(go_on, page(one));
        enough = !go_on;
        if (enough) return Error{.code = Code::cancelled, .message = "enough was listed"};
        return {};
    });
    if (enough) return PagesRead{};
    if (!listed) return std::move(listed).error();
    return PagesRead{.complete = true, .anomalies = listed->anomalies};
}

}  // namespace dray
