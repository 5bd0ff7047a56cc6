#include "ops/named_objects.h"

#include <vector>

#include "base/crew.h"
#include "base/external_sort.h"

namespace dray {
namespace {

constexpr std::size_t kLookedAtOnce = 4096;  // names in memory

// The names in order, each once.
class SortedNames {
public:
    SortedNames(const NextName& names, const std::string& scratch) : names_(names), sorted_(scratch) {}

    Status sort() {
        while (true) {
            TRY_LET(name, names_());
            if (!name) return sorted_.finish();
            TRY(sorted_.add(*name));
        }
    }

    // Empty at the end.
    Result<std::vector<std::string>> some() {
        std::vector<std::string> names;
        while (names.size() < kLookedAtOnce) {
            TRY_LET(record, sorted_.next());
            if (!record) break;
            if (last_ && *last_ == *record) continue;
            last_ = std::string(*record);
            names.push_back(*last_);
        }
        return names;
    }

private:
    const NextName& names_;
    ExternalSorter sorted_;
    std::optional<std::string> last_;
};

}  // namespace

Status look_at_named(const Context& ctx, const NamedObjects& named,
                     const std::function<Status(const std::string& key, const ListedObject* object)>& each) {
    SortedNames names(named.names, named.scratch);
    TRY(names.sort());
    TRY_LET(crew, Crew::make(named.workers));
    while (true) {
        TRY_LET(some, names.some());
        if (some.empty()) return {};
        std::vector<Result<ObjectInfo>> seen(some.size(), Error{.code = Code::cancelled, .message = "stopped"});
        crew->for_each(some.size(), [&](std::size_t i) {
            if (!ctx.stopped()) seen[i] = named.store->head(ctx, {named.bucket, named.prefix + some[i], {}});
        });
        TRY(ctx.check());
        for (std::size_t i = 0; i < some.size(); ++i) {
            const std::string key = named.prefix + some[i];
            if (!seen[i] && (seen[i].error().code != Code::not_found || seen[i].error().fatal))
                return Error(seen[i].error()).within("look at " + key);
            if (!seen[i]) {
                TRY(each(key, nullptr));
                continue;
            }
            const ListedObject object{.key = key,
                                      .size = seen[i]->size,
                                      .etag = seen[i]->etag,
                                      .modified = seen[i]->modified,
                                      .storage_class = seen[i]->properties.storage_class};
            TRY(each(key, &object));
        }
    }
}

}  // namespace dray
