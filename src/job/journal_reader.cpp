#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/checksum.h"
#include "job/journal_file.h"

namespace dray {
namespace {

using journal_file::Commit;

constexpr std::size_t kReadBytes = std::size_t{256} << 10;
// A group is at most the writer's queue and one more line; without a commit line after this much, it is none of ours.
constexpr std::size_t kMaxGroupBytes = kJournalQueueBytes + (std::size_t{64} << 20);

// The bytes of the file from the first group on that is not taken yet.
class Window {
public:
    static Result<Window> open(const std::string& path) {
        Window window;
        window.path_ = path;
        window.fd_ = Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
        if (window.fd_) return window;
        const int failure = errno;
        Error error = system_error("open the journal", path, failure);
        if (failure == ENOENT) error.code = Code::not_found;
        return error;
    }

    std::string_view bytes() const { return std::string_view(buffer_).substr(taken_); }
    bool at_end() const { return at_end_; }
    void take(std::size_t bytes) { taken_ += bytes; }

    Status read_more() {
        buffer_.erase(0, taken_);
        taken_ = 0;
        const std::size_t before = buffer_.size();
        buffer_.resize(before + kReadBytes);
        ssize_t got = -1;
        do
            got = ::read(fd_.get(), buffer_.data() + before, kReadBytes);
        while (got < 0 && errno == EINTR);
        if (got < 0) return system_error("read the journal", path_, errno);
        buffer_.resize(before + static_cast<std::size_t>(got));
        at_end_ = got == 0;
        return {};
    }

private:
    std::string path_;
    Fd fd_;
    std::string buffer_;
    std::size_t taken_ = 0;
    bool at_end_ = false;
};

class Reader {
public:
    Reader(const std::string& path, Window window, const std::function<Status(const JournalLine&)>& line)
        : path_(path), window_(std::move(window)), line_(line) {}

    Result<JournalSummary> read() {
        for (;;) {
            TRY_LET(group, find_group());
            if (!group) break;
            if (!is_whole(*group)) {
                if (summary_.groups != 0) TRY(check_that_last(*group));
                break;
            }
            TRY(deliver(*group));
        }
        TRY(check_begin());
        summary_.dropped_tail = !window_.bytes().empty();
        return std::move(summary_);
    }

private:
    // A run of lines with the commit line behind it.
    struct Group {
        std::size_t bytes = 0;        // of the lines
        std::size_t covered_end = 0;  // of the bytes that the checksum covers
        std::size_t end = 0;          // of the commit line, with its newline
        std::uint64_t lines = 0;
        std::optional<Commit> commit;  // nullopt: the line begins like one, and is none
    };

    // nullopt: no commit line follows.
    Result<std::optional<Group>> find_group() {
        Group group;
        for (std::size_t at = 0;;) {
            const std::string_view bytes = window_.bytes();
            const std::size_t end = bytes.find('\n', std::max(at, scanned_));
            if (end == std::string_view::npos) {
                scanned_ = bytes.size();
                if (bytes.size() > kMaxGroupBytes) return damaged("no commit line follows");
                if (window_.at_end()) return std::optional<Group>();
                TRY(window_.read_more());
                continue;
            }
            scanned_ = 0;
            const std::string_view line = bytes.substr(at, end - at);
            if (line.starts_with(journal_file::kCommitBegin)) {
                group.bytes = at;
                group.covered_end = at + journal_file::covered_bytes(line);
                group.end = end + 1;
                if (auto json = parser_.parse(line)) group.commit = journal_file::read_commit(*json);
                return std::optional(group);
            }
            ++group.lines;
            at = end + 1;
        }
    }

    // From `begin` on. A checksum that holds says that the commit line's numbers are as they were written.
    bool checksum_holds(const Group& group, std::size_t begin) const {
        return crc32c(window_.bytes().substr(begin, group.covered_end - begin)) == group.commit->crc32c;
    }
    bool is_whole(const Group& group) const {
        return group.commit && group.commit->group == summary_.groups + 1 && group.commit->lines == group.lines &&
               group.commit->bytes == group.bytes && checksum_holds(group, 0);
    }

    // Only the last group may be damaged: power may fail while it is written. Damage before it means that something
    // durable is gone, and then nothing the journal says can be trusted.
    Status check_that_last(const Group& group) {
        while (window_.bytes().size() == group.end && !window_.at_end())
            TRY(window_.read_more());
        if (window_.bytes().size() > group.end) return damaged("a group before the last one is not as it was written");
        // It is the last commit line. Where its own group is whole, something before that is missing or damaged.
        if (!group.commit || group.commit->bytes > group.bytes) return {};
        if (checksum_holds(group, group.bytes - group.commit->bytes))
            return damaged("what is before its last group is not as it was written");
        return {};
    }

    Status deliver(const Group& group) {
        std::string_view lines = window_.bytes().substr(0, group.bytes);
        while (!lines.empty()) {
            const std::size_t end = lines.find('\n');
            TRY(deliver_line(lines.substr(0, end)));
            lines.remove_prefix(end + 1);
        }
        ++summary_.groups;
        summary_.lines += group.lines;
        summary_.good_bytes += group.end;
        window_.take(group.end);
        return {};
    }

    Status deliver_line(std::string_view text) {
        TRY_LET(json, parser_.parse(text));
        auto read = journal_file::read_line(json);
        if (!read) return std::move(read).error().within(path_);
        if (!*read) return {};
        JournalLine& line = **read;
        TRY(note(line));
        line.process = summary_.processes;
        if (line_) return line_(line);
        return {};
    }

    // Keeps what the summary tells of the line.
    Status note(const JournalLine& line) {
        if (line.kind != JournalLine::Kind::open && summary_.processes == 0)
            return damaged("its first line does not name its plan");
        switch (line.kind) {
            case JournalLine::Kind::open: return note_open(line);
            case JournalLine::Kind::end:
                summary_.ends.push_back(line.end);
                summary_.last_process_ended = true;
                break;
            case JournalLine::Kind::first_answer:
                if (!summary_.first_answer) summary_.first_answer = line.at;
                break;
            case JournalLine::Kind::claim:
            case JournalLine::Kind::release:
            case JournalLine::Kind::read:
            case JournalLine::Kind::receipt: break;
        }
        return {};
    }

    Status note_open(const JournalLine& line) {
        if (summary_.processes != 0 && line.plan_checksum != summary_.plan_checksum)
            return damaged("its processes name different plans");
        if (line.process != summary_.processes + 1) return damaged("a process is missing");
        if (summary_.processes != 0 && !summary_.last_process_ended) summary_.died_before = line.at;
        summary_.plan_checksum = line.plan_checksum;
        summary_.processes = line.process;
        summary_.on_own += line.own_file_systems ? 1 : 0;
        summary_.last_open = line.at;
        summary_.last_process_ended = false;
        return {};
    }

    // A journal appears with its first group, so one without was never ours or has lost everything.
    Status check_begin() {
        if (summary_.groups != 0) return {};
        const std::string_view bytes = window_.bytes();
        if (bytes.empty()) return damaged("it is empty");
        if (auto json = parser_.parse(bytes.substr(0, bytes.find('\n'))))
            if (auto line = journal_file::read_line(*json); !line && line.error().code == Code::unsupported)
                return std::move(line).error().within(path_);
        return damaged("it has no whole group of lines");
    }

    Error damaged(std::string_view what) const {
        Error error{.code = Code::corrupt, .message = "the journal " + path_ + " is damaged: "};
        error.message += what;
        error.message += "; nothing was done. Put it back from a copy: it alone tells what the run did";
        return error;
    }

    const std::string& path_;
    Window window_;
    const std::function<Status(const JournalLine&)>& line_;
    JsonParser parser_;
    JournalSummary summary_;
    std::size_t scanned_ = 0;  // of the window, without a newline
};

}  // namespace

Result<JournalSummary> read_journal(const std::string& path, const std::function<Status(const JournalLine&)>& line) {
    TRY_LET(window, Window::open(path));
    return Reader(path, std::move(window), line).read();
}

}  // namespace dray
