#include "ops/pages.h"

#include <algorithm>

#include "store/local_store.h"

namespace dray {
namespace {

constexpr const char* kNotProven =
    "Listed in one stream: nothing has proven yet that this store lists in byte order. A run that moves something "
    "there "
    "does.";

std::string_view sentence_of_absence(Guarantee Capabilities::*field) {
    const auto& all = capability_names();
    return std::find_if(all.begin(), all.end(), [&](const CapabilityName& one) { return one.field == field; })
        ->if_absent;
}

}  // namespace

ListPace list_pace(const ObjectStore& store, const std::optional<Capabilities>& known, std::uint32_t wanted) {
    // A directory has no round trips to save.
    if (wanted <= 1 || store.identity() == kLocalIdentity) return {};
    Capabilities proof = store.capabilities();
    if (proof == Capabilities{} && known) proof = *known;
    for (const auto field : {&Capabilities::byte_order, &Capabilities::start_after}) {
        if (proof.*field == Guarantee::absent) return {.why_one = std::string(sentence_of_absence(field))};
        if (!proven(proof.*field)) return {.why_one = kNotProven};
    }
    return {.streams = wanted};
}

Result<PagesRead> list_pages(const Context& ctx, ObjectStore& store, ListRequest request, std::uint32_t streams,
                             const std::function<Result<bool>(const ListPage&)>& page) {
    request.max_keys = store.limits().list_page;
    TRY_LET(listed, list_all(ctx, store, request, {.streams = streams}, [&](const ListPage& one) -> Status {
                TRY_LET(go_on, page(one));
                if (!go_on) return enough_listed();
                return {};
            }));
    return PagesRead{.complete = listed.complete, .anomalies = std::move(listed.anomalies)};
}

}  // namespace dray
