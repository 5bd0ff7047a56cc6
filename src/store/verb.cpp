#include "store/verb.h"

#include <algorithm>

#include "base/check.h"

namespace dray {

std::string_view name_of(Verb verb) {
    switch (verb) {
        case Verb::list: return "list";
        case Verb::head: return "head";
        case Verb::get: return "get";
        case Verb::put: return "put";
        case Verb::copy: return "copy";
        case Verb::remove: return "remove";
        case Verb::remove_many: return "remove_many";
        case Verb::tags: return "tags";
        case Verb::set_tags: return "set_tags";
        case Verb::create_upload: return "create_upload";
        case Verb::upload_part: return "upload_part";
        case Verb::copy_part: return "copy_part";
        case Verb::complete_upload: return "complete_upload";
        case Verb::abort_upload: return "abort_upload";
        case Verb::parts: return "parts";
        case Verb::uploads: return "uploads";
        case Verb::bucket_facts: return "bucket_facts";
    }
    return "";
}

bool changes(Verb verb) {
    switch (verb) {
        case Verb::put:
        case Verb::copy:
        case Verb::remove:
        case Verb::remove_many:
        case Verb::set_tags:
        case Verb::create_upload:
        case Verb::upload_part:
        case Verb::copy_part:
        case Verb::complete_upload:
        case Verb::abort_upload: return true;
        default: return false;
    }
}

bool Call::names(std::string_view part) const {
    auto has = [&](std::string_view text) { return text.find(part) != std::string_view::npos; };
    return has(key) || has(from_key) ||
           std::any_of(items.begin(), items.end(), [&](const RemoveItem& item) { return has(item.key); });
}

}  // namespace dray
