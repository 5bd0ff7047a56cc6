// Flags: what was typed, parsed once. One struct a command; help, completions and error texts come from the same
// definitions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "cli/progress.h"
#include "ops/life.h"
#include "store/listing.h"
#include "store/registry.h"

namespace dray {

struct CommonFlags {
    StoreSettings store;
    std::string state;  // --state; empty: the default
    std::string run_id;
    std::string quiet_time;  // as parse_age(); empty: as long as the rules say
    std::string bwlimit;     // as parse_bytes(); empty: none
    std::size_t workers = 256;
    std::uint32_t streams = kListStreams;
    bool json = false, quiet = false, wait_lock = false;
    int verbose = 0;
    ProgressStyle progress = ProgressStyle::automatic;
    std::string log_file;
};

struct SelectFlags {
    std::vector<std::string> ext, glob, match, exclude, include;
    std::string files_from, files_from_raw;  // a file of names, or "-"; empty: none
    std::string size, age;                   // ranges: "+1M", "-10k", "1k..2M"; "+7d", "-2h"
    std::optional<std::uint64_t> max;
};

struct ListFlags {
    CommonFlags common;
    SelectFlags select;
    std::vector<std::string> urls;
    std::string capabilities;  // file
    bool literal = false, urls_only = false, keys_only = false, nul = false, no_markers = false, fail_empty = false,
         sorted = false;
};

struct MoveFlags {
    CommonFlags common;
    SelectFlags select;
    std::string source, target;
    bool literal = false, dry_run = false, plan_only = false, restored = false;
    std::string explain;
    std::string match_on = "path", date_from = "match", date, unmatched = "fail", on_collision = "refuse",
                proof = "auto", unset_group = "error", delete_when = "each";
    std::optional<std::string> match, to, unmatched_to, date_format;
    std::optional<std::uint64_t> limit;
    MoveOptions options;
};

struct CopyFlags : MoveFlags {
    std::string overwrite = "never";
    bool metadata = false;  // rclone's: copies bring it along anyway
};

struct SegregateFlags {
    CommonFlags common;  // verbose: DEBUG lines in the config's log file as well
    SelectFlags select;
    std::optional<std::string> datetime;  // given, though it may be empty: then it is wrong
    std::string config, on_collision = "refuse", unset_group = "error", explain;
    bool keep_subdirs = false, dry_run = false, plan_only = false, restored = false;
    std::optional<std::uint64_t> limit;
    MoveOptions options;
};

struct RunFlags {  // apply, resume, undo, verify, status, report
    CommonFlags common;
    std::string run = "last";
    bool deep = false;
};
struct ApplyFlags : RunFlags {};
struct ResumeFlags : RunFlags {};
struct UndoFlags : RunFlags {};
struct VerifyFlags : RunFlags {};
struct StatusFlags : RunFlags {};
struct ReportFlags : RunFlags {};
struct RunsFlags {
    CommonFlags common;
    std::string prune;  // age: "30d"
};
struct Printed {  // help or version: print and leave
    std::string text;
};

using Invocation = std::variant<Printed, ListFlags, MoveFlags, CopyFlags, SegregateFlags, ApplyFlags, ResumeFlags,
                                UndoFlags, VerifyFlags, StatusFlags, ReportFlags, RunsFlags>;

// `arguments` without the program's name. Error: invalid, with what to type instead.
Result<Invocation> parse_command_line(const std::vector<std::string>& arguments);

}  // namespace dray
