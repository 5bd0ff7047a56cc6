#include "ops/explain.h"

#include <utility>

namespace dray {

Result<Explanation> explain_move(const Context& ctx, ObjectStore& store, const MoveCommand& command,
                                 const std::string& key, const std::vector<std::string>& own_directories) {
    TRY_LET(rule, Relayout::compile(command.rule));
    Explanation explanation{.pattern = command.rule.match.value_or("")};
    ListedObject object{.key = key};
    auto info = store.head(ctx, {command.source_bucket, key, {}});
    if (info) {
        explanation.exists = true;
        object.size = info->size;
        object.etag = info->etag;
        object.modified = info->modified;
        object.storage_class = info->properties.storage_class;
    } else if (info.error().code != Code::not_found || info.error().fatal) {
        return std::move(info).error();
    }
    const std::string& source = command.source_prefix;
    explanation.listed = command.single ? key == source : key.starts_with(source);
    explanation.chosen = explanation.listed && (!command.select || command.select(object));
    explanation.reading = rule.read(object);
    const MovePlanRequest request{.stores = {&store},
                                  .source_bucket = command.source_bucket,
                                  .source_prefix = source,
                                  .single = command.single,
                                  .rule = &rule,
                                  .what = command.options.what,
                                  .overwrite = command.options.overwrite,
                                  .restored = command.restored,
                                  .own_directories = own_directories};
    if (explanation.chosen) explanation.action = plan_alone(request, object);
    return explanation;
}

}  // namespace dray
