// Segregate: the preset of a move that sorts files into folders by the date in their names, configured by the XML file
// of the script it replaces. Every setting of that script beside what dray makes of it: docs/segregate.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "ops/relayout.h"

namespace dray {

// The config file, checked. Texts as the script reads them: stripped, except log_file.
struct SegregateConfig {
    struct Place {  // of a URI: "s3://bucket/prefix", the scheme may be missing
        std::string bucket, prefix;
    };
    std::string log_file;                      // strftime of now
    std::optional<std::string> match_pattern;  // it compiles, and has a group
    std::string datetime_format;               // it compiles where there is a pattern
    std::int64_t time_delay = 86'400;          // seconds; may be negative
    bool time_delay_is_zero = false;           // written as 0: time_delay is 0, where the script took 86,400
    Place source;                              // ends at a slash, or is a whole bucket
    bool source_lacked_slash = false;          // so the script also took neighbours: `in` -> `inbox/...`
    std::string segregated_dir;                // without scheme; strftime, the bucket too
    Place error;                               // ends at a slash, or is a whole bucket
    std::optional<std::uint32_t> workers;      // cap on moves at once; nullopt: not given
    std::string sha256;                        // of the file, in hex
};

inline constexpr std::uint64_t kMaxConfigBytes = std::uint64_t{1} << 20;

// `path` is for messages, which name the key, its line and the next step. Error: invalid.
Result<SegregateConfig> parse_segregate_config(std::string_view xml, const std::string& path);
// Errors: invalid (also what is too large or cannot be read), not_found.
Result<SegregateConfig> read_segregate_config(const std::string& path);

struct SegregateChoices {
    DateTime now;                      // local wall clock at the start, taken once
    std::optional<DateTime> date;      // -d
    bool zero_delay_is_a_day = false;  // time_delay 0 means 86,400 s, as in the script
    bool keep_subdirs = false;         // the path below the source directory is kept, not flattened
    UnsetGroup unset_group = UnsetGroup::error;
};
RelayoutOptions segregate_rule(const SegregateConfig& config, const SegregateChoices& choices);

// -d: strictly "YYYY-MM-DD HH:MM:SS". Error: invalid.
Result<DateTime> parse_segregate_date(std::string_view text);

// The delay must lead to a date between the years 1 and 9999. Error: invalid.
Status check_segregate_delay(const SegregateConfig& config, const SegregateChoices& choices);

// The date that names the log lines of a run: -d, else now less the delay.
DateTime segregate_log_date(const SegregateConfig& config, const SegregateChoices& choices);

// The log file of today. Its directory is made when only the last level of it is missing. Error: invalid.
Result<std::string> segregate_log_path(const SegregateConfig& config, const DateTime& now);

// One line as the script wrote it, with its newline:
// `2024-03-09 04:05:06,789 [INFO][s3_segregation_20240308][dray/segregate/0] - text`.
std::string segregate_log_line(const DateTime& now, std::string_view level, const DateTime& log_date,
                               std::string_view text);

}  // namespace dray
