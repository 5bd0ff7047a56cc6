// The pieces of a plan file that its writer and its reader share. Format: docs/plan-format.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "job/plan.h"

namespace dray::plan_file {

inline constexpr std::string_view kFormat = "dray-plan";
inline constexpr std::uint64_t kVersion = 1;

struct Frame {
    std::uint64_t offset = 0;  // in the file
    std::uint64_t first = 0;   // n of its first action
};

struct Footer {
    std::string sha256;  // hex, of all bytes before the footer frame
    PlanTotals totals;
    std::vector<Frame> frames;
};

// Where the footer frame is: the last bytes of the file, a zstd skippable frame of a fixed size.
struct Trailer {
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
    std::uint32_t crc32c = 0;  // of the footer frame
};
inline constexpr std::size_t kTrailerBytes = 40;

void write_header(std::string& out, const PlanHeader& header);
// What run.json has of it too: all but the options.
void write_origin(JsonWriter& json, const PlanHeader& header);
Result<PlanHeader> read_header(const JsonValue& line);  // errors: corrupt (not a plan), unsupported (higher version)
void write_footer(std::string& out, const Footer& footer);
Result<Footer> read_footer(const JsonValue& line);  // error: corrupt
std::string write_trailer(const Trailer& trailer);
std::optional<Trailer> read_trailer(std::string_view bytes);  // nullopt: these are not one, or damaged

}  // namespace dray::plan_file
