#include "ops/segregate.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>

#include "base/checksum.h"
#include "base/file.h"
#include "base/log.h"
#include "base/regex.h"
#include "base/unicode.h"
#include "base/xml.h"

namespace dray {
namespace {

constexpr std::int64_t kDay = 86'400;             // seconds
constexpr std::int64_t kMostDays = 10'000 * 366;  // there are no more between the years 1 and 9999

std::size_t line_at(std::string_view text, std::size_t offset) {
    return 1 + static_cast<std::size_t>(std::count(text.begin(), text.begin() + std::min(offset, text.size()), '\n'));
}

// The values of one config file by key, and messages about them.
class Values {
public:
    static Result<Values> read(std::string_view xml, const std::string& path) {
        Values values(xml, path);
        auto document = XmlDocument::parse(xml);
        if (!document)
            return Error{
                .code = Code::invalid,
                .message = path + ": " + document.error().message + "; correct the file (xmllint shows the place)"};
        for (const XmlElement& element : document->root().children())
            TRY(values.take(element, document->root().has_namespace()));
        return values;
    }

    bool has(const std::string& key) const { return values_.contains(key); }
    const std::string& raw(const std::string& key) const { return values_.at(key).text; }
    std::string text(const std::string& key) const { return std::string(stripped(raw(key))); }

    Error error(const std::string& key, std::string_view what) const {
        const auto found = values_.find(key);
        const std::string line = found == values_.end() ? "" : ":" + std::to_string(found->second.line);
        return {.code = Code::invalid, .message = path_ + line + ": " + key + ": " + std::string(what)};
    }

    Status require(const std::string& key, std::string_view example) const {
        if (!has(key)) {
            const std::string_view hint = namespaces_ ? " (elements in an XML namespace are not read)" : "";
            return error(key, "is missing" + std::string(hint) + "; add <" + key + ">" + std::string(example) + "</" +
                                  key + ">");
        }
        if (stripped(raw(key)).empty()) return error(key, "is empty; an example: " + std::string(example));
        return {};
    }

    Result<std::optional<std::int64_t>> integer(const std::string& key) const {
        if (!has(key)) return std::optional<std::int64_t>();
        const auto value = python_int(raw(key));
        if (!value)
            return error(key,
                         in_quotes(raw(key)) + " is no whole number; write digits alone, or leave the element out");
        return value;
    }

    Result<std::optional<std::int64_t>> count(const std::string& key) const {
        TRY_LET(value, integer(key));
        if (value && *value < 0)
            return error(key,
                         std::to_string(*value) + " is negative; give a positive number, or leave the element out");
        return value;
    }

private:
    struct Value {
        std::string text;
        std::size_t line = 0;
    };
    Values(std::string_view xml, std::string path) : xml_(xml), path_(std::move(path)) {}

    // The last of repeated elements wins.
    Status take(const XmlElement& element, bool in_namespace) {
        if (in_namespace || element.has_namespace()) {
            namespaces_ = true;
            return {};
        }
        const std::string key(element.name());
        values_[key] = {.text = element.text(), .line = line_at(xml_, element.offset())};
        if (element.has_children()) return error(key, "holds an element; it takes text alone (write < as &lt;)");
        return {};
    }

    std::string_view xml_;
    std::string path_;
    std::map<std::string, Value> values_;
    bool namespaces_ = false;
};

std::string_view without_scheme(std::string_view uri) {
    return uri.starts_with("s3://") ? uri.substr(5) : uri;
}

std::string with_slash(std::string_view directory) {
    std::string out(directory);
    if (!out.empty() && !out.ends_with('/')) out += '/';
    return out;
}

Result<SegregateConfig::Place> place_of(const Values& values, const std::string& key, bool needs_slash) {
    const std::string uri = values.text(key);
    const std::string_view rest = without_scheme(uri);
    const std::size_t slash = rest.find('/');
    if (rest.empty() || slash == 0)
        return values.error(key, in_quotes(uri) + " names no bucket; write s3://bucket/folder/");
    if (slash == std::string_view::npos && needs_slash)
        return values.error(key,
                            in_quotes(uri) + " has no / behind the bucket; write s3://bucket/ for the whole bucket");
    return SegregateConfig::Place{
        .bucket = std::string(rest.substr(0, slash)),
        .prefix = slash == std::string_view::npos ? std::string() : std::string(rest.substr(slash + 1))};
}

Status read_log_file(const Values& values, SegregateConfig& config) {
    TRY(values.require("log_file", "/var/log/segregation/seg_%Y%m%d.log"));
    config.log_file = values.raw("log_file");
    const bool control = std::any_of(config.log_file.begin(), config.log_file.end(),
                                     [](char c) { return static_cast<unsigned char>(c) < 0x20; });
    if (control)
        return values.error("log_file", "holds a line break or another control character; write it on one line");
    return {};
}

Status read_pattern(const Values& values, SegregateConfig& config) {
    TRY(values.require("datetime_format", "%Y%m%d"));
    config.datetime_format = values.text("datetime_format");
    const std::string pattern = values.has("match_pattern") ? values.text("match_pattern") : "";
    if (pattern.empty()) return {};

    const auto compiled = Regex::compile(pattern);
    if (!compiled) return values.error("match_pattern", compiled.error().message);
    if (compiled->group_count() == 0)
        return values.error("match_pattern", in_quotes(pattern) +
                                                 " has no group, so every file would go to s3_error_dir; put what is "
                                                 "the date in (parentheses)");
    const auto format = DateFormat::compile(config.datetime_format);
    if (!format) return values.error("datetime_format", format.error().message);
    config.match_pattern = pattern;
    return {};
}

Status read_places(const Values& values, SegregateConfig& config) {
    TRY(values.require("s3_dir", "s3://bucket/incoming/"));
    TRY(values.require("s3_segregated_dir", "s3://bucket/by-day/%Y/%m/%d/"));
    TRY(values.require("s3_error_dir", "s3://bucket/error/"));

    TRY_LET(source, place_of(values, "s3_dir", true));
    config.source_lacked_slash = !source.prefix.empty() && !source.prefix.ends_with('/');
    config.source = {source.bucket, with_slash(source.prefix)};
    TRY_LET(error, place_of(values, "s3_error_dir", false));
    config.error = {error.bucket, with_slash(error.prefix)};
    TRY_LET(segregated, place_of(values, "s3_segregated_dir", false));
    config.segregated_dir = segregated.bucket + "/" + with_slash(segregated.prefix);
    return {};
}

Status read_numbers(const Values& values, SegregateConfig& config) {
    TRY_LET(delay, values.integer("time_delay"));
    if (delay) config.time_delay = *delay;
    config.time_delay_is_zero = delay == 0;
    // n_keys and n_loops bounded how much one run could do; there is no such bound any more.
    TRY(values.count("n_keys"));
    TRY(values.count("n_loops"));
    TRY_LET(workers, values.count("n_workers"));
    if (workers && *workers > 0) config.workers = static_cast<std::uint32_t>(std::min<std::int64_t>(*workers, 4096));
    return {};
}

// What stands in a template for `text` as it is.
std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        out += c;
        if (c == '{' || c == '}') out += c;
    }
    return out;
}

// The same inside {date:...}, where only a closing brace would end anything.
std::string escaped_format(std::string_view format) {
    std::string out;
    for (const char c : format) {
        out += c;
        if (c == '}') out += c;
    }
    return out;
}

}  // namespace

Result<SegregateConfig> parse_segregate_config(std::string_view xml, const std::string& path) {
    TRY_LET(values, Values::read(xml, path));
    SegregateConfig config{.sha256 = hex(sha256(xml))};
    TRY(read_log_file(values, config));
    TRY(read_pattern(values, config));
    TRY(read_places(values, config));
    TRY(read_numbers(values, config));
    return config;
}

Result<SegregateConfig> read_segregate_config(const std::string& path) {
    auto xml = read_file(path, kMaxConfigBytes);
    if (!xml && xml.error().code == Code::corrupt) {
        return Error{.code = Code::invalid,
                     .message = path + ": larger than " + std::to_string(kMaxConfigBytes) +
                                " bytes, so it is no config file; check the path"};
    }
    // Whatever ails it (a directory, no permission), it is no matter of this machine's disk but of what was named.
    if (!xml && xml.error().code == Code::local)
        return Error{.code = Code::invalid, .message = xml.error().message + "; name a file with -c"};
    if (!xml) return std::move(xml).error();
    return parse_segregate_config(*xml, path);
}

RelayoutOptions segregate_rule(const SegregateConfig& config, const SegregateChoices& choices) {
    const std::string file = choices.keep_subdirs ? "{path}" : "{basename}";
    RelayoutOptions rule;
    rule.match = config.match_pattern;
    rule.match_on = MatchOn::name;
    rule.to = "s3://{date:" + escaped_format(config.segregated_dir) + "}" + file;
    rule.unmatched_to = "s3://" + escaped(config.error.bucket + "/" + config.error.prefix) + file;
    rule.unset_group = choices.unset_group;
    if (config.match_pattern)
        rule.date_format = config.datetime_format;
    else
        rule.date = segregate_log_date(config, choices);
    rule.source_bucket = config.source.bucket;
    rule.source_prefix = config.source.prefix;
    const bool error_is_below = config.error.bucket == config.source.bucket &&
                                config.error.prefix != config.source.prefix &&
                                config.error.prefix.starts_with(config.source.prefix);
    if (error_is_below) rule.in_error_directory = config.error.prefix;
    rule.leave_markers = LeaveMarkers::all;
    return rule;
}

Result<DateTime> parse_segregate_date(std::string_view text) {
    TRY_LET(format, DateFormat::compile("%Y-%m-%d %H:%M:%S"));
    const auto date = format.parse(text);
    if (!date)
        return Error{.code = Code::invalid,
                     .message = in_quotes(text) + " is no date; write it as \"2024-12-31 23:59:59\""};
    return *date;
}

Status check_segregate_delay(const SegregateConfig& config, const SegregateChoices& choices) {
    const std::int64_t delay = config.time_delay;
    // A sum out of range is the nearest date that is in it: there is no way back from there.
    const bool sane =
        std::abs(delay / kDay) <= kMostDays && add_seconds(add_seconds(choices.now, -delay), delay) == choices.now;
    if (sane) return {};
    return Error{.code = Code::invalid,
                 .message = "time_delay: " + std::to_string(delay) +
                            " seconds before now is no date between the years 1 and 9999; correct the number"};
}

DateTime segregate_log_date(const SegregateConfig& config, const SegregateChoices& choices) {
    if (choices.date) return *choices.date;
    const bool a_day = config.time_delay_is_zero && choices.zero_delay_is_a_day;
    return add_seconds(choices.now, a_day ? -kDay : -config.time_delay);
}

Result<std::string> segregate_log_path(const SegregateConfig& config, const DateTime& now) {
    std::string path = format_date(now, config.log_file);
    const std::filesystem::path directory = std::filesystem::path(path).parent_path();
    if (directory.empty()) return path;
    std::error_code fault;
    std::filesystem::create_directory(directory, fault);  // one level: a mistyped path must not grow a tree
    if (!std::filesystem::is_directory(directory, fault))
        return Error{.code = Code::invalid,
                     .message = "log_file: " + directory.string() +
                                " is not there, nor is the directory above it; make it, or correct log_file"};
    return path;
}

std::string segregate_log_line(const DateTime& now, std::string_view level, const DateTime& log_date,
                               std::string_view text) {
    std::string line = format_date(now, "%Y-%m-%d %H:%M:%S,%f");
    line.resize(line.size() - 3);  // milliseconds
    line.append(" [").append(level).append("][").append(format_date(log_date, "s3_segregation_%Y%m%d"));
    return line.append("][dray/segregate/0] - ").append(printable(text)).append("\n");
}

}  // namespace dray
