#include "ops/relayout.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/log.h"
#include "base/regex.h"
#include "ops/template.h"

namespace dray {
namespace {

constexpr std::string_view kNoMatch = "no-match";
constexpr std::string_view kNoDate = "no-date";
constexpr std::string_view kGroupUnset = "group-unset";

Error invalid(std::string message) {
    return {.code = Code::invalid, .message = std::move(message)};
}

// Where a template puts things: a bucket and a key, each a template of its own, so that no text found in a key can move
// the border between the two.
struct Destination {
    Template bucket, key;
    bool fixed_bucket() const { return bucket.is_literal(); }

    Relayout::Target target() const {
        return {.bucket = fixed_bucket() ? bucket.literal_beginning() : std::string(),
                .prefix = key.literal_beginning()};
    }
};

// "s3://bucket/key" -> the text behind the scheme; nullopt: a key below the target prefix.
Result<std::optional<std::string_view>> behind_scheme(std::string_view text, bool local) {
    const std::size_t mark = text.find("://");
    if (mark == std::string_view::npos || text.find_first_of("{}/%") < mark) return std::optional<std::string_view>();
    // Taken for a bucket, its name would be a directory below the one that dray was started in.
    if (local)
        return invalid("template " + in_quotes(text) +
                       ": the source is a local directory, so a target is a path, as in /data/out/{basename}, or " +
                       "one below the destination");
    std::string scheme(text.substr(0, mark));
    for (char& c : scheme)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (scheme != "s3" && scheme != "s3a" && scheme != "s3n")
        return invalid("template " + in_quotes(text) +
                       ": a target begins with s3:// or is a key below the destination, not " +
                       in_quotes(scheme + "://"));
    return std::optional(text.substr(mark + 3));
}

// Names of buckets that a template made: what S3, or a store that is laxer, would take at all.
bool may_be_bucket(std::string_view name) {
    return name.size() >= 3 && name.size() <= 255 && std::all_of(name.begin(), name.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                      c == '.' || c == '_';
           });
}

std::string_view name_in_path(std::string_view text) {
    const std::size_t slash = text.rfind('/');
    return slash == std::string_view::npos ? text : text.substr(slash + 1);
}

bool groups_are_used(const RelayoutOptions& options) {
    return options.date_format && options.date_from == DateFrom::match && !options.date;
}

}  // namespace

bool is_unmatched(std::string_view reason) {
    return reason == kNoMatch || reason == kNoDate || reason == kGroupUnset;
}

struct Relayout::Impl {
    RelayoutOptions options;
    std::optional<Regex> regex;
    std::optional<DateFormat> date_format;
    Destination to;
    std::optional<Destination> unmatched;

    // What the rule read in an object, or why it could not.
    struct Reading {
        std::optional<Regex::Match> match;
        std::optional<DateTime> date;
        std::string date_text;
        std::string_view reason;  // empty: all was found
        std::string detail;
        bool failed = false;  // not merely unmatched: the pattern gave up
    };

    std::string_view path_of(std::string_view key) const {
        return key.starts_with(options.source_prefix) ? key.substr(options.source_prefix.size()) : key;
    }

    std::string_view subject(std::string_view key) const {
        switch (options.match_on) {
            case MatchOn::path: return path_of(key);
            case MatchOn::name: return name_in_path(key);
            case MatchOn::key: return key;
        }
        return key;
    }

    // The text of the date: every group in order, joined. Empty reason: found.
    void join_groups(Reading& reading) const {
        for (std::size_t i = 1; i < reading.match->groups.size(); ++i) {
            const auto& group = reading.match->groups[i];
            if (!group && options.unset_group == UnsetGroup::error) {
                reading.reason = kGroupUnset;
                reading.detail = "group " + std::to_string(i) + " took no part";
                return;
            }
            if (group) reading.date_text += *group;
        }
    }

    void read_date(const ListedObject& object, Reading& reading) const {
        if (options.date) {
            reading.date = options.date;
        } else if (options.date_from == DateFrom::modified) {
            if (object.modified != WallTime{}) reading.date = utc(object.modified);
            if (!reading.date) reading.reason = kNoDate, reading.detail = "the store did not say when it was modified";
        } else if (date_format) {
            join_groups(reading);
            if (!reading.reason.empty()) return;
            reading.date = date_format->parse(reading.date_text);
            if (!reading.date)
                reading.reason = kNoDate,
                reading.detail = in_quotes(reading.date_text) + " is no date as " + in_quotes(*options.date_format);
        }
    }

    Reading read(const ListedObject& object) const {
        Reading reading;
        if (regex) {
            auto found = regex->search(subject(object.key));
            if (!found) {
                reading.failed = true;
                reading.reason = "pattern-limit";
                reading.detail = found.error().message;
                return reading;
            }
            if (!*found) {
                reading.reason = kNoMatch;
                reading.detail = in_quotes(subject(object.key)) + " does not match";
                return reading;
            }
            reading.match = *std::move(found);
        }
        read_date(object, reading);
        return reading;
    }

    Placement put(const ListedObject& object, const Destination& there, const Reading& reading) const {
        const TemplateSubject about{.object = object,
                                    .path = path_of(object.key),
                                    .match = reading.match ? &*reading.match : nullptr,
                                    .date = reading.date ? &*reading.date : nullptr,
                                    .unset_is_empty = options.unset_group == UnsetGroup::empty};
        Placement placement;
        const auto unset_in_bucket = there.bucket.render(about, placement.bucket);
        const auto unset = unset_in_bucket ? unset_in_bucket : there.key.render(about, placement.key);
        if (unset)
            return left_over(object,
                             {.reason = kGroupUnset, .detail = "group " + std::to_string(*unset) + " took no part"});
        if (!there.fixed_bucket() && !may_be_bucket(placement.bucket))
            return {.verdict = Placement::Verdict::fail,
                    .reason = "bad-bucket",
                    .detail = in_quotes(placement.bucket) + " is no name of a bucket"};
        return placement;
    }

    // Without a match or a date.
    Placement left_over(const ListedObject& object, const Reading& why) const {
        using Verdict = Placement::Verdict;
        Placement placement;
        if (unmatched)
            placement = put(object, *unmatched, Reading{});
        else
            placement.verdict = options.unmatched == Unmatched::skip ? Verdict::skip : Verdict::fail;
        if (placement.reason.empty()) {
            placement.reason = why.reason;
            placement.detail = why.detail;
        }
        return placement;
    }

    bool is_marker_to_leave(const std::string& key) const {
        if (!key.ends_with('/') || options.leave_markers == LeaveMarkers::none) return false;
        return options.leave_markers == LeaveMarkers::all || key == options.source_prefix;
    }

    std::optional<Placement> passed_by(const ListedObject& object) const {
        using Verdict = Placement::Verdict;
        if (is_marker_to_leave(object.key)) return Placement{.verdict = Verdict::skip, .reason = "directory-marker"};
        if (!options.in_error_directory.empty() && object.key.starts_with(options.in_error_directory))
            return Placement{.verdict = Verdict::skip, .reason = "in-error-directory"};
        return std::nullopt;
    }

    Placement place(const ListedObject& object, const Reading& reading) const {
        if (reading.failed)
            return {
                .verdict = Placement::Verdict::fail, .reason = std::string(reading.reason), .detail = reading.detail};
        if (!reading.reason.empty()) return left_over(object, reading);
        Placement placement = put(object, to, reading);
        if (placement.detail.empty()) placement.detail = reading.date_text;
        return placement;
    }

    // Compiling.

    TemplateScope scope(bool with_match) const {
        return {.regex = with_match && regex ? &*regex : nullptr, .has_date = with_match && dates()};
    }
    bool dates() const { return options.date || options.date_from == DateFrom::modified || date_format; }

    // `base`: what a template without a scheme is appended to.
    Result<Destination> destination(std::string_view text, bool with_match, const Target& base) const {
        TRY_LET(behind, behind_scheme(text, options.local));
        const TemplateScope what = scope(with_match);
        if (!behind) {
            TRY_LET(key, Template::compile(text, what));
            key.prepend(base.prefix);
            return Destination{.bucket = Template::literal(base.bucket), .key = std::move(key)};
        }
        TRY_LET(whole, Template::compile(*behind, what));
        auto [bucket, key] = std::move(whole).cut_at_slash();
        if (bucket.is_literal() && bucket.literal_beginning().empty())
            return invalid("template " + in_quotes(text) + " names no bucket");
        return Destination{.bucket = std::move(bucket), .key = std::move(key)};
    }

    Status compile_match() {
        if (options.match) {
            TRY_LET(compiled, Regex::compile(*options.match));
            regex = std::move(compiled);
        }
        if (!groups_are_used(options)) return {};
        TRY_LET(format, DateFormat::compile(*options.date_format));
        date_format = std::move(format);
        if (!regex)
            return invalid("a date is to be read by " + in_quotes(*options.date_format) +
                           ", but there is no pattern that finds its text: give one, or a fixed date");
        if (regex->group_count() == 0)
            return invalid("pattern " + in_quotes(*options.match) +
                           " has no group, so it finds no date: put what is the date in (parentheses)");
        return {};
    }

    Status compile() {
        if (options.to.empty()) return invalid("the template of the target is empty");
        TRY(compile_match());
        const Target base{options.target_bucket, options.target_prefix};
        TRY_LET(there, destination(options.to, true, base));
        to = std::move(there);
        if (!options.unmatched_to) return {};
        const Target other{options.unmatched_bucket, options.unmatched_prefix};
        TRY_LET(else_there, destination(*options.unmatched_to, false, other.bucket.empty() ? base : other));
        unmatched = std::move(else_there);
        return {};
    }
};

Relayout::Relayout(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Relayout::Relayout(Relayout&&) noexcept = default;
Relayout& Relayout::operator=(Relayout&&) noexcept = default;
Relayout::~Relayout() = default;

Result<Relayout> Relayout::compile(RelayoutOptions options) {
    auto impl = std::make_unique<Impl>();
    impl->options = std::move(options);
    TRY(impl->compile());
    return Relayout(std::move(impl));
}

Placement Relayout::place(const ListedObject& object) const {
    if (auto passed = impl_->passed_by(object)) return *std::move(passed);
    return impl_->place(object, impl_->read(object));
}

std::vector<Relayout::Target> Relayout::targets() const {
    std::vector<Target> targets{impl_->to.target()};
    if (impl_->unmatched) targets.push_back(impl_->unmatched->target());
    return targets;
}

RuleReading Relayout::read(const ListedObject& object) const {
    RuleReading answer{.subject = std::string(impl_->subject(object.key))};
    if (impl_->passed_by(object)) return answer;
    const Impl::Reading reading = impl_->read(object);
    answer.date = reading.date;
    if (!reading.match) return answer;
    for (const auto& group : reading.match->groups)
        answer.groups.push_back(group ? std::optional<std::string>(*group) : std::nullopt);
    return answer;
}

std::vector<std::string> Relayout::warnings() const {
    std::vector<std::string> warnings;
    for (const Template* part : {&impl_->to.bucket, &impl_->to.key})
        for (const std::string& format : part->date_formats())
            for (const std::string& directive : unknown_directives(format))
                warnings.push_back("the directive " + in_quotes(directive) + " in " + in_quotes(format) +
                                   " is unknown and stays as it stands");
    return warnings;
}

}  // namespace dray
