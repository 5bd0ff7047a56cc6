#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/checksum.h"
#include "base/file.h"
#include "codec/zstd.h"
#include "job/plan_file.h"

namespace dray {
namespace {

using plan_file::Frame;

constexpr std::size_t kPlanReadBytes = std::size_t{128} << 10;
constexpr std::size_t kDecodeBytes = std::size_t{128} << 10;        // of text decoded ahead
constexpr std::size_t kMaxLineBytes = std::size_t{16} << 20;        // a longer one is not ours
constexpr std::uint64_t kMaxFooterBytes = std::uint64_t{32} << 20;  // packed; 10^9 actions need 200 KB

Error corrupt(const std::string& path, std::string_view what) {
    Error error{.code = Code::corrupt, .message = "the plan " + path + " is damaged: "};
    error.message += what;
    error.message += "; put it back from a copy, or plan anew if the run has no journal";
    return error;
}

class RandomFile {
public:
    static Result<RandomFile> open(const std::string& path) {
        RandomFile file;
        file.path_ = path;
        file.fd_ = Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
        if (!file.fd_) {
            const int failure = errno;
            Error error = system_error("open the plan", path, failure);
            if (failure == ENOENT) error.code = Code::not_found;
            return error;
        }
        struct stat facts {};
        if (::fstat(file.fd_.get(), &facts) != 0) return system_error("examine", path, errno);
        file.size_ = static_cast<std::uint64_t>(facts.st_size);
        return file;
    }
    std::uint64_t size() const { return size_; }
    const std::string& path() const { return path_; }

    // Exactly `bytes` from `offset`; corrupt when the file has become shorter.
    Status read(std::uint64_t offset, std::size_t bytes, std::string& out) const {
        out.resize(bytes);
        for (std::size_t have = 0; have < bytes;) {
            const ssize_t got = ::pread(fd_.get(), out.data() + have, bytes - have, static_cast<off_t>(offset + have));
            if (got < 0 && errno == EINTR) continue;
            if (got < 0) return system_error("read", path_, errno);
            if (got == 0) return corrupt(path_, "it became shorter while it was read");
            have += static_cast<std::size_t>(got);
        }
        return {};
    }

private:
    std::string path_;
    Fd fd_;
    std::uint64_t size_ = 0;
};

// The lines of consecutive frames, decoded as they are asked for.
class FrameLines {
public:
    explicit FrameLines(const RandomFile& file) : file_(&file) {}

    void start(std::uint64_t offset, std::uint64_t end) {
        decoder_.reset();
        packed_.clear();
        text_.clear();
        packed_at_ = text_at_ = scanned_ = 0;
        position_ = offset;
        end_ = end;
        in_frame_ = false;
    }

    // Without its newline; nullopt at the end. The view holds until the next call.
    Result<std::optional<std::string_view>> next() {
        for (;;) {
            const std::size_t end = text_.find('\n', std::max(scanned_, text_at_));
            if (end != std::string::npos) {
                const auto line = std::string_view(text_).substr(text_at_, end - text_at_);
                text_at_ = end + 1;
                return std::optional(line);
            }
            text_.erase(0, text_at_);
            text_at_ = 0;
            scanned_ = text_.size();
            if (text_.size() > kMaxLineBytes) return corrupt(file_->path(), "a line has no end");
            TRY_LET(more, decode());
            if (!more) break;
        }
        if (!text_.empty() || in_frame_) return corrupt(file_->path(), "it ends within an action");
        return std::optional<std::string_view>();
    }

    // After the last line of a frame: where the next frame begins. Error: corrupt (the frame holds more).
    Result<std::uint64_t> end_frame() {
        while (in_frame_)
            TRY(decode());
        if (text_at_ != text_.size()) return corrupt(file_->path(), "its header is not a frame of its own");
        return position_ - (packed_.size() - packed_at_);
    }

private:
    // False: there is nothing more to decode.
    Result<bool> decode() {
        if (packed_at_ == packed_.size()) {
            if (position_ == end_ && !in_frame_) return false;
            const auto bytes = static_cast<std::size_t>(std::min<std::uint64_t>(kPlanReadBytes, end_ - position_));
            TRY(file_->read(position_, bytes, packed_));
            position_ += bytes;
            packed_at_ = 0;
        }
        const std::size_t before = text_.size();
        auto step = decoder_.decode(std::string_view(packed_).substr(packed_at_), text_, kDecodeBytes);
        if (!step) return corrupt(file_->path(), step.error().message);
        const bool stuck = step->consumed == 0 && text_.size() == before && !step->frame_ended;
        if (stuck && position_ == end_) return corrupt(file_->path(), "a frame is cut");
        packed_at_ += step->consumed;
        in_frame_ = !step->frame_ended;
        return true;
    }

    const RandomFile* file_;
    ZstdDecoder decoder_;
    std::string packed_, text_;
    std::size_t packed_at_ = 0, text_at_ = 0, scanned_ = 0;
    std::uint64_t position_ = 0, end_ = 0;
    bool in_frame_ = false;
};

}  // namespace

struct PlanReader::Impl {
    RandomFile file;
    PlanHeader header;
    plan_file::Footer footer;
    std::uint64_t actions_begin = 0, actions_end = 0;  // offsets in the file
    FrameLines lines;
    JsonParser parser;
    std::uint64_t next_n = 0;

    explicit Impl(RandomFile opened) : file(std::move(opened)), lines(file) {}
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    Error damaged(std::string_view what) const { return corrupt(file.path(), what); }

    // The header frame first: a plan of a higher version may look otherwise from there on.
    Status read_header() {
        if (file.size() == 0) return damaged("it is empty");
        lines.start(0, file.size());
        TRY_LET(line, lines.next());
        if (!line) return damaged("it has no header");
        auto json = parser.parse(*line);
        if (!json) return damaged("its first line is not JSON");
        auto read = plan_file::read_header(*json);
        if (!read) return std::move(read).error().within(file.path());
        header = *std::move(read);
        TRY_LET(end, lines.end_frame());
        actions_begin = end;
        return {};
    }

    Status read_footer() {
        constexpr std::string_view kNoFooter = "it has no footer, so it is cut or was never finished";
        if (file.size() < actions_begin + plan_file::kTrailerBytes) return damaged(kNoFooter);
        std::string bytes;
        const std::uint64_t trailer_at = file.size() - plan_file::kTrailerBytes;
        TRY(file.read(trailer_at, plan_file::kTrailerBytes, bytes));
        const auto trailer = plan_file::read_trailer(bytes);
        if (!trailer) return damaged(kNoFooter);
        if (trailer->offset < actions_begin || trailer->offset > trailer_at ||
            trailer->size != trailer_at - trailer->offset || trailer->size > kMaxFooterBytes)
            return damaged("its footer is not where it should be");
        TRY(file.read(trailer->offset, static_cast<std::size_t>(trailer->size), bytes));
        if (crc32c(bytes) != trailer->crc32c) return damaged("the checksum of its footer is wrong");
        lines.start(trailer->offset, trailer_at);
        TRY_LET(line, lines.next());
        if (!line) return damaged("its footer is empty");
        auto json = parser.parse(*line);
        if (!json) return damaged("its footer is not JSON");
        auto read = plan_file::read_footer(*json);
        if (!read) return damaged(read.error().message);
        footer = *std::move(read);
        actions_end = trailer->offset;
        return check_frames();
    }

    Status check_frames() const {
        const std::vector<Frame>& frames = footer.frames;
        const std::uint64_t actions = footer.totals.actions;
        if (frames.empty() != (actions == 0)) return damaged("its footer names no frames");
        for (std::size_t i = 0; i < frames.size(); ++i) {
            const bool last = i + 1 == frames.size();
            const Frame next = last ? Frame{.offset = actions_end, .first = actions} : frames[i + 1];
            const bool sound = frames[i].offset < next.offset && frames[i].first < next.first &&
                               next.first - frames[i].first <= kActionsPerFrame;
            if (!sound) return damaged("the frames in its footer are out of order");
        }
        if (actions != 0 && (frames[0].offset != actions_begin || frames[0].first != 0))
            return damaged("the frames in its footer do not begin at its begin");
        return {};
    }

    Status verify() const {
        Sha256Stream hash;
        std::string bytes;
        for (std::uint64_t at = 0; at < actions_end; at += bytes.size()) {
            TRY(file.read(at, static_cast<std::size_t>(std::min<std::uint64_t>(kPlanReadBytes, actions_end - at)),
                          bytes));
            hash.update(bytes);
        }
        if (hex(hash.finish()) != footer.sha256) return damaged("its checksum is wrong");
        return {};
    }

    Status seek(std::uint64_t n) {
        next_n = std::min(n, footer.totals.actions);
        if (next_n == footer.totals.actions) return {};
        const auto after =
            std::upper_bound(footer.frames.begin(), footer.frames.end(), next_n,
                             [](std::uint64_t wanted, const Frame& frame) { return wanted < frame.first; });
        const Frame& frame = *std::prev(after);
        lines.start(frame.offset, actions_end);
        for (std::uint64_t skipped = frame.first; skipped < next_n; ++skipped) {
            TRY_LET(line, lines.next());
            if (!line) return damaged("actions are missing");
        }
        return {};
    }

    Result<std::optional<Action>> next() {
        if (next_n == footer.totals.actions) return std::optional<Action>();
        TRY_LET(line, lines.next());
        if (!line) return damaged("actions are missing");
        TRY_LET(json, parser.parse(*line));
        TRY_LET(action, read_action(json));
        if (action.n != next_n) return damaged("action " + std::to_string(next_n) + " is not in its place");
        ++next_n;
        return std::optional<Action>(std::move(action));
    }
};

PlanReader::PlanReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PlanReader::PlanReader(PlanReader&&) noexcept = default;
PlanReader::~PlanReader() = default;

Result<PlanReader> PlanReader::open(const std::string& path, const std::string& verified) {
    TRY_LET(file, RandomFile::open(path));
    auto impl = std::make_unique<Impl>(std::move(file));
    TRY(impl->read_header());
    TRY(impl->read_footer());
    if (verified != impl->footer.sha256) TRY(impl->verify());
    TRY(impl->seek(0));
    return PlanReader(std::move(impl));
}

std::optional<PlanTotals> peek_totals(const std::string& path) {
    auto file = RandomFile::open(path);
    if (!file) return std::nullopt;
    PlanReader::Impl plan(*std::move(file));
    if (!plan.read_header() || !plan.read_footer()) return std::nullopt;
    return plan.footer.totals;
}

const PlanHeader& PlanReader::header() const {
    return impl_->header;
}
const PlanTotals& PlanReader::totals() const {
    return impl_->footer.totals;
}
const std::string& PlanReader::checksum() const {
    return impl_->footer.sha256;
}
std::uint64_t PlanReader::size() const {
    return impl_->footer.totals.actions;
}
std::uint64_t PlanReader::frame_count() const {
    return impl_->footer.frames.size();
}
std::uint64_t PlanReader::first_of_frame(std::uint64_t index) const {
    CHECK(index < frame_count());
    return impl_->footer.frames[index].first;
}

Result<std::vector<Action>> PlanReader::frame(std::uint64_t index) {
    const std::uint64_t first = first_of_frame(index);
    const std::uint64_t end = index + 1 < frame_count() ? first_of_frame(index + 1) : size();
    TRY(seek(first));
    std::vector<Action> actions;
    actions.reserve(end - first);
    while (actions.size() < end - first) {
        TRY_LET(action, next());
        if (!action) return impl_->damaged("actions are missing");
        actions.push_back(*std::move(action));
    }
    return actions;
}

Status PlanReader::seek(std::uint64_t n) {
    return impl_->seek(n);
}
Result<std::optional<Action>> PlanReader::next() {
    return impl_->next();
}

}  // namespace dray
