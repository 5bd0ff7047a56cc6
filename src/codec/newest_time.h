// NewestTime: the newest time inside a file of JSON lines, from its decoded bytes as they come. Lines end at LF only;
// the last one needs none. Memory: one line at most. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "codec/record_time.h"

namespace dray {

struct BadRecord {
    std::uint64_t line = 0;  // its number, from 1
    std::string_view reason;
    std::string_view start;  // the first bytes of the line, at most kShownBytes; any bytes
    static constexpr std::size_t kShownBytes = 100;
};

struct NewestTimeOptions {
    static constexpr std::size_t kMaxLine = std::size_t{64} << 20;
    bool all_lines = false;           // the greatest time of all records (of equals the first), not the first readable
    std::size_t max_line = kMaxLine;  // bytes without the LF; a longer line is a bad record
    std::function<void(const BadRecord&)> on_bad;  // may be empty; the views hold for the call
};

class NewestTime {
public:
    struct Found {
        std::optional<RecordTime> time;  // none: no record had a readable one
        std::uint64_t line = 0;          // of the record with that time, from 1; 0: none
        std::uint64_t records = 0;       // lines looked at that are not blank, bad ones too
        std::uint64_t bad_records = 0;
        std::uint64_t first_bad_line = 0;  // from 1; 0: none
        std::uint64_t blank_lines = 0;
        bool operator==(const Found&) const = default;
    };

    // `reader` outlives this.
    NewestTime(const RecordReader& reader, NewestTimeOptions options);

    // The next bytes, cut anywhere. false: the answer is there, and further bytes would not be looked at.
    bool feed(std::string_view bytes);
    // The end of the file. Call once, then no more feed().
    const Found& finish();

private:
    void keep(std::string_view part);
    void end_line(std::string_view rest);
    void judge(std::string_view line);
    void bad(std::string_view line, std::string_view reason);
    bool done() const { return found_.time && !options_.all_lines; }

    const RecordReader& reader_;
    NewestTimeOptions options_;
    Found found_;
    std::uint64_t lines_ = 0;  // that have ended
    std::string pending_;      // of the line under way, what came in earlier pieces; its beginning when it is too long
    bool too_long_ = false;    // the line under way
};

}  // namespace dray
