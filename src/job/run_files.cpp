#include "job/run_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "job/journal_file.h"

namespace dray {

bool run_is_live(const RunPaths& run) {
    const Fd fd(::open(run_lock(run).c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return false;
    struct flock whole_file {};
    whole_file.l_type = F_WRLCK;
    whole_file.l_whence = SEEK_SET;
    return ::fcntl(fd.get(), F_OFD_GETLK, &whole_file) == 0 && whole_file.l_type != F_UNLCK;
}

std::optional<RunEnd> journal_end(const std::string& path) {
    constexpr std::int64_t kTailBytes = 16 << 10;
    const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat facts {};
    if (!fd || ::fstat(fd.get(), &facts) != 0) return std::nullopt;
    std::string tail(static_cast<std::size_t>(std::min<std::int64_t>(facts.st_size, kTailBytes)), '\0');
    const ssize_t got = ::pread(fd.get(), tail.data(), tail.size(), facts.st_size - static_cast<off_t>(tail.size()));
    if (got != static_cast<ssize_t>(tail.size()) || !tail.ends_with('\n')) return std::nullopt;

    const std::size_t commit = tail.rfind('\n', tail.size() - 2);
    if (commit == std::string::npos || commit == 0) return std::nullopt;
    if (tail.compare(commit + 1, journal_file::kCommitBegin.size(), journal_file::kCommitBegin) != 0)
        return std::nullopt;
    const std::size_t before = tail.rfind('\n', commit - 1);
    if (before == std::string::npos) return std::nullopt;
    JsonParser parser;
    auto json = parser.parse(std::string_view(tail).substr(before + 1, commit - before - 1));
    if (!json) return std::nullopt;
    auto line = journal_file::read_line(*json);
    if (!line || !*line || (*line)->kind != JournalLine::Kind::end) return std::nullopt;
    return (*line)->end;
}

}  // namespace dray
