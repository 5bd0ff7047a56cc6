// The lines of a journal, as its writer and its reader share them. Format: docs/journal-format.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "job/journal.h"

namespace dray::journal_file {

inline constexpr std::string_view kFormat = "dray-journal";
inline constexpr std::uint64_t kVersion = 1;

struct Open {
    std::string run_id, plan_checksum;
    std::uint32_t process = 1;
    WallTime at{};
    bool own_file_systems = false;
};
// The line that closes a group.
struct Commit {
    std::uint64_t group = 0;  // from 1: a group that is missing or twice there is noticed
    std::uint64_t lines = 0;
    std::uint64_t bytes = 0;   // of those lines, newlines included
    std::uint32_t crc32c = 0;  // of those lines and of the commit line up to its member "crc32c"
};
// Commit lines, and no others, begin so: a reader finds them without parsing.
inline constexpr std::string_view kCommitBegin = R"({"commit":{)";

void write_open(std::string& out, const Open& open);
void write_claim(std::string& out, std::uint64_t first, std::uint64_t last);
void write_release(std::string& out, std::uint64_t first, std::uint64_t last);
void write_read(std::string& out, std::uint64_t n, std::string_view was_json);
void write_first_answer(std::string& out, WallTime at);
void write_end(std::string& out, const RunEnd& end);
// Closes the group that `lines` is.
void close_group(std::string& lines, std::uint64_t count, std::uint64_t group);

// nullopt: it is none.
std::optional<Commit> read_commit(const JsonValue& line);
// How much of a commit line its checksum covers.
std::size_t covered_bytes(std::string_view commit_line);
// nullopt: a kind of line that this version does not know, to be passed over. Errors: corrupt, unsupported.
Result<std::optional<JournalLine>> read_line(const JsonValue& line);

}  // namespace dray::journal_file
