#include "ops/pages.h"

namespace dray {

Result<PagesRead> list_pages(const Context& ctx, ObjectStore& store, ListRequest request,
                             const std::function<Result<bool>(const ListPage&)>& page) {
    request.max_keys = store.limits().list_page;
    TRY_LET(listed, list_all(ctx, store, request, {}, [&](const ListPage& one) -> Status {
                TRY_LET(go_on, page(one));
                if (!go_on) return enough_listed();
                return {};
            }));
    return PagesRead{.complete = listed.complete, .anomalies = std::move(listed.anomalies)};
}

}  // namespace dray
