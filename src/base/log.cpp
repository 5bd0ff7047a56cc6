#include "base/log.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <mutex>

#include "base/clock.h"
#include "base/file.h"
#include "base/time.h"
#include "base/utf8.h"

namespace dray {
namespace {

// The one log of the process: a global, because a line may come from any depth of any thread, also while the program
// starts and ends, and because stderr is one too. Never destroyed for the same reason.
struct Log {
    std::mutex mutex;
    LogOptions options;
    Fd file;
    std::uint64_t lost = 0;
};

Log& the_log() {
    static Log* const log = new Log;
    return *log;
}

constexpr std::array<std::string_view, 4> kLevelNames = {"debug", "info", "warning", "error"};

// One write a line, so that lines of two processes do not mix.
bool write_line(int fd, std::string_view line) {
    while (!line.empty()) {
        const ssize_t written = ::write(fd, line.data(), line.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return false;
        line.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

// Bidi marks can make a line read differently from what it says (CVE-2021-42574).
bool is_bidi_mark(char32_t c) {
    return c == 0x061C || c == 0x200E || c == 0x200F || (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

bool is_control(char32_t c) {
    return c < 0x20 || (c >= 0x7F && c <= 0x9F);
}

struct Piece {
    std::string_view bytes;
    bool fit = false;  // may stand on a terminal as it is
};

// The first character of `text`, or its first byte where that is not UTF-8.
Piece first_piece(std::string_view text) {
    const auto character = first_code_point(text);
    if (!character) return {.bytes = text.substr(0, 1), .fit = false};
    const bool fit = !is_control(character->value) && !is_bidi_mark(character->value);
    return {.bytes = text.substr(0, character->bytes), .fit = fit};
}

void append_hex_escapes(std::string& out, std::string_view bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        out += "\\x";
        out += kDigits[byte >> 4];
        out += kDigits[byte & 0xF];
    }
}

void append_octal_escapes(std::string& out, std::string_view bytes) {
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        out += '\\';
        for (int shift = 6; shift >= 0; shift -= 3)
            out += static_cast<char>('0' + (byte >> shift & 7));
    }
}

bool is_shell_safe(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("@%+:,./-_").find(c) != std::string_view::npos;
}

}  // namespace

void log_event(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) {
    Log& log = the_log();
    const std::lock_guard lock(log.mutex);
    const bool to_stderr = level >= log.options.stderr_level;
    const bool to_file = log.file && level >= log.options.file_level;
    if (!to_stderr && !to_file) return;

    std::string line = iso8601(real_clock().wall());
    line.append(" ").append(kLevelNames[static_cast<std::size_t>(level)]).append(" ").append(printable(event));
    for (const LogField& field : fields)
        line.append(" ").append(field.name).append("=").append(in_quotes(field.value));
    line += '\n';
    if (to_stderr && !write_line(STDERR_FILENO, line)) ++log.lost;
    if (to_file && !write_line(log.file.get(), line)) ++log.lost;
}

Status set_up_log(const LogOptions& options) {
    Fd file;
    if (!options.file.empty()) {
        file = Fd(::open(options.file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
        if (!file) return system_error("open the log", options.file, errno);
    }
    Log& log = the_log();
    const std::lock_guard lock(log.mutex);
    log.options = options;
    log.file = std::move(file);
    return {};
}

std::uint64_t log_lines_lost() {
    Log& log = the_log();
    const std::lock_guard lock(log.mutex);
    return log.lost;
}

std::string printable(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const Piece piece = first_piece(text);
        if (piece.fit) {
            out += piece.bytes;
        } else {
            append_hex_escapes(out, piece.bytes);
        }
        text.remove_prefix(piece.bytes.size());
    }
    return out;
}

std::string in_quotes(std::string_view text) {
    if (!text.empty() && text.find_first_of(" \"=") == std::string_view::npos) return printable(text);
    std::string escaped;
    for (const char c : text) {
        if (c == '"' || c == '\\') escaped += '\\';
        escaped += c;
    }
    return '"' + printable(escaped) + '"';
}

// Single quotes keep everything but themselves. Bytes that a terminal would act on are not printed as they are but
// made by printf, as POSIX sh has no $'...'; a line end stays itself, for $(...) would eat it.
std::string shell_word(std::string_view text) {
    if (!text.empty() && std::all_of(text.begin(), text.end(), is_shell_safe)) return std::string(text);
    std::string word = "'";
    while (!text.empty()) {
        const Piece piece = first_piece(text);
        if (piece.bytes == "'") {
            word += "'\\''";
        } else if (piece.fit || piece.bytes == "\n") {
            word += piece.bytes;
        } else {
            word += "'\"$(printf '";
            append_octal_escapes(word, piece.bytes);
            word += "')\"'";
        }
        text.remove_prefix(piece.bytes.size());
    }
    return word += '\'';
}

}  // namespace dray
