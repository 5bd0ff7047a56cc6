#include "codec/lines.h"

#include <algorithm>

namespace dray {

Result<std::optional<LineReader::Line>> LineReader::next() {
    if (given_) {
        held_.clear();
        length_ = 0;
        given_ = false;
    }
    for (;;) {
        if (rest_.empty()) {
            TRY_LET(piece, decoder_.pull());
            rest_ = piece;
        }
        if (rest_.empty()) return decoder_.ended() && length_ > 0 ? held_line() : std::nullopt;

        const std::size_t end = rest_.find('\n');
        const std::string_view part = rest_.substr(0, end);
        rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
        // A line that lies in one piece, as nearly all do, is not copied.
        if (end != std::string_view::npos && length_ == 0 && part.size() <= max_line_)
            return std::optional(Line{.text = part, .number = ++lines_});
        hold(part);
        if (end != std::string_view::npos) return held_line();
    }
}

void LineReader::hold(std::string_view part) {
    length_ += part.size();
    const std::size_t keep = length_ > max_line_ ? std::min(kHeadOfLongLine, max_line_) : max_line_;
    if (held_.size() > keep) {
        held_.resize(keep);
        held_.shrink_to_fit();
    }
    held_ += part.substr(0, keep - held_.size());
}

std::optional<LineReader::Line> LineReader::held_line() {
    given_ = true;
    return Line{.text = held_, .number = ++lines_, .too_long = length_ > max_line_};
}

}  // namespace dray
