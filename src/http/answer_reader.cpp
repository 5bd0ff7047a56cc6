#include "http/answer_reader.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace dray::http {
namespace {

bool is_empty(std::string_view line) {
    return line == "\r\n" || line == "\n";
}

std::optional<std::uint64_t> number(std::string_view digits, int base) {
    std::uint64_t value = 0;
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
    const bool whole = error == std::errc() && end == digits.data() + digits.size() && !digits.empty();
    return whole ? std::optional(value) : std::nullopt;
}

// "close", alone or in a list, in any case.
bool says_close(std::string_view value) {
    while (!value.empty()) {
        auto word = value.substr(0, value.find(','));
        value.remove_prefix(std::min(value.size(), word.size() + 1));
        if (same_name(trimmed(word), "close")) return true;
    }
    return false;
}

}  // namespace

std::size_t AnswerReader::take(std::string_view bytes) {
    const std::size_t all = bytes.size();
    while (!bytes.empty() && !complete() && !transfer_.ended()) {
        const bool in_body = state_ == State::counted || state_ == State::chunk || state_ == State::until_close;
        in_body ? take_body(bytes) : take_line(bytes);
    }
    return all - bytes.size();
}

void AnswerReader::take_line(std::string_view& bytes) {
    const auto end = bytes.find('\n');
    const std::string_view piece = bytes.substr(0, end == std::string_view::npos ? end : end + 1);
    bytes.remove_prefix(piece.size());
    if (line_.size() + piece.size() > kMaxHeaderLine) return malformed("a line of the answer is over the limit");
    if (end == std::string_view::npos) {
        line_.append(piece);
    } else if (line_.empty()) {
        on_line(piece);
    } else {
        line_.append(piece);
        on_line(line_);
        line_.clear();
    }
}

void AnswerReader::on_line(std::string_view line) {
    switch (state_) {
        case State::headers: return on_header_line(line);
        case State::chunk_size: return begin_chunk(line);
        case State::chunk_end:
            state_ = State::chunk_size;
            if (!is_empty(line)) malformed("a chunk of the body is longer than it said");
            return;
        case State::trailers:
            trailer_bytes_ += line.size();
            if (is_empty(line)) state_ = State::complete;
            if (trailer_bytes_ > kMaxHeaderBytes) malformed("the trailers of the answer are over the limit");
            return;
        default: return;
    }
}

void AnswerReader::on_header_line(std::string_view line) {
    const bool is_status = line.starts_with("HTTP/");
    if (is_status == in_head_) return malformed("the answer is not HTTP");
    if (is_status) {
        if (!line.starts_with("HTTP/1.")) return malformed("the answer is not HTTP/1.1");
        in_head_ = true;
        keeps_ = !line.starts_with("HTTP/1.0");
    }
    transfer_.take_header_bytes(line);
    if (transfer_.ended() || !is_empty(line)) return;
    in_head_ = false;  // of an interim answer, or of the one
    if (transfer_.exchange.status < 100) return malformed("the answer has no proper status");
    if (transfer_.headers_complete()) begin_body();
}

// RFC 9112 6.3: how long the body is.
void AnswerReader::begin_body() {
    const Headers& headers = transfer_.exchange.headers;
    for (const Header& header : headers)
        keeps_ = keeps_ && !(same_name(header.name, "connection") && says_close(header.value));
    const int status = transfer_.exchange.status;
    if (to_head_ || status == 204 || status == 304) {
        state_ = State::complete;
    } else if (has(headers, "transfer-encoding")) {
        const auto encodings = std::count_if(headers.begin(), headers.end(),
                                             [](const Header& h) { return same_name(h.name, "transfer-encoding"); });
        if (encodings != 1 || !same_name(find(headers, "transfer-encoding"), "chunked"))
            return malformed("the answer is encoded in a way that was not asked for");
        state_ = State::chunk_size;
    } else if (has(headers, "content-length")) {
        const auto length = number(find(headers, "content-length"), 10);
        if (!length) return malformed("the length of the answer is not a number");
        left_ = *length;
        state_ = left_ == 0 ? State::complete : State::counted;
    } else {
        keeps_ = false;
        state_ = State::until_close;
    }
}

void AnswerReader::begin_chunk(std::string_view line) {
    const auto size = number(trimmed(line.substr(0, line.find(';'))), 16);
    if (!size) return malformed("a chunk of the body has no proper size");
    left_ = *size;
    state_ = left_ == 0 ? State::trailers : State::chunk;
}

void AnswerReader::take_body(std::string_view& bytes) {
    const bool counted = state_ != State::until_close;
    const auto part = counted ? bytes.substr(0, std::min<std::uint64_t>(left_, bytes.size())) : bytes;
    bytes.remove_prefix(part.size());
    if (!transfer_.take_body_bytes(part) || !counted) return;
    left_ -= part.size();
    if (left_ == 0) state_ = state_ == State::counted ? State::complete : State::chunk_end;
}

void AnswerReader::closed() {
    if (complete() || transfer_.ended()) return;
    if (state_ == State::until_close) {
        state_ = State::complete;
    } else if (!transfer_.answer_begun()) {
        transfer_.end(Fault::reset, "the connection was closed without an answer");
    } else {
        transfer_.end(Fault::truncated, transfer_.headers_complete() ? "the answer ended within its body"
                                                                     : "the answer ended within its headers");
    }
}

}  // namespace dray::http
