// Logs: one event a line on stderr (and in --log-file), key=value, for eyes and for grep. Results never go here.
// Values are escaped: no raw control byte, no secret, reaches a log. Losing a log line is counted, never fatal.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace dray {

enum class LogLevel : std::uint8_t { debug, info, warning, error };

struct LogField {
    std::string_view name;
    std::string value;
};

// Thread-safe. One event: `2026-11-21T10:00:00.123Z warning retry key="a b" attempt=2`.
void log_event(LogLevel level, std::string_view event, std::initializer_list<LogField> fields = {});

struct LogOptions {
    LogLevel stderr_level = LogLevel::warning;
    LogLevel file_level = LogLevel::info;
    std::string file;  // path, appended; empty: none
};
// Called once at start. Error: local (the file cannot be opened).
Status set_up_log(const LogOptions& options);
std::uint64_t log_lines_lost();

// `text` made fit for one line: control bytes, DEL, C1, bidi marks and bytes that are not UTF-8 as \xNN; nothing else
// changes.
std::string printable(std::string_view text);
// printable(), in double quotes with \" and \\ when it holds a blank, a quote, `=` or nothing.
std::string in_quotes(std::string_view text);
// `text`, which holds no NUL, as one word of a POSIX shell command: sh -c gives the same bytes back. Fit for a terminal
// too: control bytes but line ends are spelt as printf escapes.
std::string shell_word(std::string_view text);

}  // namespace dray
