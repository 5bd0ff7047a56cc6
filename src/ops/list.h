// List: the operation behind `dray ls`, and the choice of objects that ls, mv and the others share.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "ops/planner.h"
#include "store/listing.h"
#include "store/object_store.h"

namespace dray {

// Both ends belong to it.
struct AmountRange {
    std::uint64_t least = 0, most = UINT64_MAX;
    bool holds(std::uint64_t amount) const { return least <= amount && amount <= most; }
};
// "+1M" at least, "-10k" at most, "1k..2M" between, "1k.." and "..2M", "5k" exactly; `amount` reads one amount.
// Error: invalid.
Result<AmountRange> parse_range(const std::string& text,
                                const std::function<Result<std::uint64_t>(const std::string&)>& amount);

// Every kind that is given must agree; within one kind any will do. Globs and patterns see the key below `prefix`.
struct SelectOptions {
    std::string prefix;
    std::vector<std::string> ext;  // "mp4" or ".mp4": keys that end in .mp4; empty text: all
    bool ext_ignore_case = false;  // ASCII
    bool ext_exact = false;        // keep a leading dot: ".mp4" then means "..mp4", as list_s3_files had it
    // Of the last elements of the path, or from its beginning with a leading slash. * and ? stay within an element, **
    // does not; [abc], [!abc], {a,b}; a / at the end is all that lies in such a folder; {{regex}} is a Python regex;
    // \ takes the next character as it is.
    std::vector<std::string> glob, include, exclude;  // exclude: none of them may match
    std::vector<std::string> match;                   // Python regexes, searched
    std::optional<AmountRange> size;                  // bytes
    std::optional<AmountRange> age;                   // seconds before `now`; an unknown time is in no range
    WallTime now{};
    bool no_markers = false;  // leaves out keys that end in a slash
};
// Empty when nothing is asked for: then all objects are chosen. An object on which a pattern gives up is left out, and
// logged. Error: invalid, with a caret.
Result<Selection> compile_selection(const SelectOptions& options);

struct ListCommand {
    std::string bucket, prefix;
    bool single = false;             // exactly the object `prefix`
    Selection select;                // empty: all
    std::uint64_t max = UINT64_MAX;  // objects; listing stops as soon as there are so many
    std::uint32_t streams = 1;       // list_pace()
    // In byte order of keys, whatever the store's is: then all are listed first, and sorted on disk in `scratch`.
    bool sorted = false;
    std::string scratch;
};
struct ListTotals {
    std::uint64_t listed = 0, pages = 0;  // pages with objects
    std::uint64_t chosen = 0, bytes = 0;  // of the chosen
    std::uint64_t others = 0;             // names that are no objects, of local directories
    ListedOther first_other;
    ListAnomalies anomalies;  // with outside > 0 the listing was not whole: exit 1 (row L06)
};
// Calls `each` for every chosen object; an error of it ends the listing. Errors: not_found (bucket, single object),
// whatever listing says, local (scratch).
Result<ListTotals> list_objects(const Context& ctx, ObjectStore& store, const ListCommand& command,
                                const std::function<Status(const ListedObject&)>& each);

// {"bucket":...,"path":...,"size":...,"etag":...,"last_modified":...,"storage_class":...}: one line, without its end.
// A key that is not UTF-8 is in "path_b64".
std::string list_json(const std::string& bucket, const ListedObject& object);
// "        42  2024-03-09T04:05:06.000Z  key": for people, so the key is escaped, and an object is one line.
std::string list_text(const ListedObject& object);

}  // namespace dray
