// Verb: the name of one ObjectStore call, for wrappers that treat all calls alike (retry, limit, trace, fault).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "store/object_store.h"

namespace dray {

enum class Verb : std::uint8_t {
    list,
    head,
    get,
    put,
    copy,
    remove,
    remove_many,
    tags,
    set_tags,
    create_upload,
    upload_part,
    copy_part,
    complete_upload,
    abort_upload,
    parts,
    uploads,
    bucket_facts,
};
inline constexpr std::size_t kVerbs = 17;

std::string_view name_of(Verb verb);  // "list", "remove_many", ...

// True for verbs that change what others can see, or that leave an upload behind.
bool changes(Verb verb);

// What a wrapper sees of a call. Everything is borrowed for the call.
struct Call {
    Verb verb = Verb::list;
    std::string_view bucket;
    std::string_view key;       // the target of a copy, the prefix of a listing
    std::string_view from_key;  // of copy and copy_part
    std::span<const RemoveItem> items{};
    std::uint64_t bytes = 0;  // of a body that goes out
    // May be sent again although its first answer was lost: reads, and changes whose repeat leaves the same object.
    bool repeatable = true;
    bool damaged_on_purpose = false;  // garbled bytes are what it is about: no accident of the line

    bool names(std::string_view part) const;  // true when a key of the call contains `part`
};

}  // namespace dray
