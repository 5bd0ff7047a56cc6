#include "codec/newest_time.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace dray {

NewestTime::NewestTime(const RecordReader& reader, NewestTimeOptions options)
    : reader_(reader), options_(std::move(options)) {}

bool NewestTime::feed(std::string_view bytes) {
    while (!bytes.empty() && !done()) {
        const std::size_t end = bytes.find('\n');
        if (end == std::string_view::npos) {
            keep(bytes);
            break;
        }
        end_line(bytes.substr(0, end));
        bytes.remove_prefix(end + 1);
    }
    return !done();
}

const NewestTime::Found& NewestTime::finish() {
    if (!done() && !pending_.empty()) end_line({});
    return found_;
}

// Of a line that is too long only the beginning is kept, for the message.
void NewestTime::keep(std::string_view part) {
    too_long_ = too_long_ || part.size() > options_.max_line - pending_.size();
    if (!too_long_) {
        pending_ += part;
        return;
    }
    pending_ += part.substr(0, BadRecord::kShownBytes);
    pending_.resize(std::min(pending_.size(), BadRecord::kShownBytes));
}

void NewestTime::end_line(std::string_view rest) {
    ++lines_;
    const bool whole = pending_.empty() && rest.size() <= options_.max_line;  // the usual case: nothing is copied
    if (!whole) keep(rest);
    const std::string_view line = whole ? rest : pending_;
    if (too_long_)
        bad(line, fmt::format("longer than {} bytes", options_.max_line));
    else
        judge(line);
    pending_.clear();
    too_long_ = false;
}

void NewestTime::judge(std::string_view line) {
    const RecordVerdict verdict = reader_.read(line);
    switch (verdict.kind) {
        case RecordVerdict::Kind::blank: ++found_.blank_lines; return;
        case RecordVerdict::Kind::bad: bad(line, verdict.reason); return;
        case RecordVerdict::Kind::no_time: ++found_.records; return;
        case RecordVerdict::Kind::time: break;
    }
    ++found_.records;
    if (found_.time && *found_.time >= verdict.time) return;
    found_.time = verdict.time;
    found_.line = lines_;
}

void NewestTime::bad(std::string_view line, std::string_view reason) {
    ++found_.records;
    if (found_.bad_records++ == 0) found_.first_bad_line = lines_;
    if (options_.on_bad)
        options_.on_bad({.line = lines_, .reason = reason, .start = line.substr(0, BadRecord::kShownBytes)});
}

}  // namespace dray
