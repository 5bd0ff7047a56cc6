// Relayout: where does this object go? A rule compiled once from a regex, a template and date settings, then asked for
// each object. Users' description: docs/relayout.md. Pure: no store, no clock but the one passed.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "store/object_store.h"

namespace dray {

enum class MatchOn : std::uint8_t {
    path,  // the key below the source prefix
    name,  // after the last slash
    key,   // all of it
};
enum class DateFrom : std::uint8_t { match, modified };  // modified: LastModified, UTC
enum class Unmatched : std::uint8_t { fail, skip };
// Keys that end in `/`, folders made visible: which of them are skipped as directory-marker.
enum class LeaveMarkers : std::uint8_t {
    none,
    of_source,  // that of the source prefix itself: it has no path for a rule to read
    all,
};
enum class UnsetGroup : std::uint8_t {
    error,  // a group that took no part means there is no date: reason group-unset
    empty,  // it counts as empty text
};

struct RelayoutOptions {
    std::optional<std::string> match;  // Python regex, searched; nullopt: everything matches
    MatchOn match_on = MatchOn::path;
    // Template of the target (ops/template.h). With a scheme ("s3://bucket/...") it names bucket and key, else a key
    // below `target_prefix` of `target_bucket`: simply appended to it.
    std::string to;
    std::optional<std::string> unmatched_to;  // template for objects without a match or a date (no groups, no {date})
    Unmatched unmatched = Unmatched::fail;    // when there is no unmatched_to
    UnsetGroup unset_group = UnsetGroup::error;
    std::optional<std::string> date_format;  // strptime; the date text is all groups in order, joined
    DateFrom date_from = DateFrom::match;
    std::optional<DateTime> date;  // fixed: no date is looked for
    std::string source_bucket, source_prefix;
    std::string target_bucket, target_prefix;
    // What unmatched_to is appended to when it has no scheme; an empty bucket: the same as `to`.
    std::string unmatched_bucket, unmatched_prefix;
    bool local = false;              // buckets are directories of this machine: no template may name s3://
    std::string in_error_directory;  // prefix of keys to skip as in-error-directory; empty: none
    LeaveMarkers leave_markers = LeaveMarkers::none;
};

struct Placement {
    enum class Verdict : std::uint8_t { place, skip, fail } verdict = Verdict::place;
    std::string bucket, key;  // of place; may equal the source's own (the planner then says already-in-place)
    std::string reason;  // of skip and fail; of place, why it went to unmatched_to (no-match, no-date, group-unset)
    std::string detail;  // the date text, the group, ...
};

// How the rule read an object's key.
struct RuleReading {
    std::string subject;                             // the text that the pattern was searched in
    std::vector<std::optional<std::string>> groups;  // 0: the whole match; empty: no match, or no pattern
    std::optional<DateTime> date;
};

// Reasons of objects without a match or a date: no-match, no-date, group-unset.
bool is_unmatched(std::string_view reason);

// Immutable: ask from many threads.
class Relayout {
public:
    // Error: invalid, with a caret under the fault (bad regex, unknown field in a template, bad directive, a date
    // without a format...).
    static Result<Relayout> compile(RelayoutOptions options);
    Relayout(Relayout&&) noexcept;
    Relayout& operator=(Relayout&&) noexcept;
    ~Relayout();
    Placement place(const ListedObject& object) const;
    // The longest literal beginnings of every target this rule can give, as bucket and prefix: what is locked. A bucket
    // that differs from object to object is empty: any bucket.
    struct Target {
        std::string bucket, prefix;
        bool operator==(const Target&) const = default;
    };
    std::vector<Target> targets() const;
    RuleReading read(const ListedObject& object) const;  // for people who ask why
    std::vector<std::string> warnings() const;           // unknown strftime directives, ...

private:
    struct Impl;
    explicit Relayout(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace dray
