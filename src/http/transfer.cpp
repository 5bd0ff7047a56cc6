#include "http/transfer.h"

#include <curl/curl.h>

#include <algorithm>
#include <charconv>

namespace dray::http {
namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_control(char c) {
    return (static_cast<unsigned char>(c) < ' ' && c != '\t') || c == 0x7f;
}

bool holds_control(std::string_view text) {
    constexpr std::size_t kBlock = 16;  // without a branch, so that the compiler uses a vector; next to no text has one
    unsigned found = 0;
    for (; text.size() >= kBlock; text.remove_prefix(kBlock))
        for (std::size_t i = 0; i < kBlock; ++i)
            found |= static_cast<unsigned>(is_control(text[i]));
    for (const char c : text)
        found |= static_cast<unsigned>(is_control(c));
    return found != 0;
}

// The limit that passes when `since` is `allowed` ago; zero allows anything.
std::optional<std::chrono::steady_clock::time_point> limit(std::chrono::steady_clock::time_point since,
                                                           std::chrono::seconds allowed) {
    if (allowed.count() == 0) return std::nullopt;
    return since + allowed;
}

}  // namespace

std::string_view trimmed(std::string_view text) {
    auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
    while (!text.empty() && blank(text.front()))
        text.remove_prefix(1);
    while (!text.empty() && blank(text.back()))
        text.remove_suffix(1);
    return text;
}

Transfer::Transfer(const Request& request) : request_(request), progress_(Steady::now()), window_began_(progress_) {}

void Transfer::end(Fault fault, std::string_view detail) {
    if (ended()) return;
    exchange.fault = fault;
    exchange.detail = detail;
}

bool Transfer::body_is_moving() const {
    return uploaded_ < upload_size || headers_complete_;
}

std::chrono::seconds Transfer::silence_allowed() const {
    bool waiting_for_answer = uploaded_ >= upload_size && received_ == 0;
    return waiting_for_answer ? request_.timeouts.first_byte : request_.timeouts.idle;
}

void Transfer::look(std::uint64_t uploaded) {
    if (!request_begun() || ended()) return;  // until then libcurl's connect limit holds
    auto now = Steady::now();
    uploaded_ = uploaded;
    if (auto moved = uploaded_ + received_; moved != moved_) {
        moved_ = moved;
        progress_ = now;
    }
    if (!body_is_moving()) {
        window_began_ = now;
        window_moved_ = moved_;
        outside_ = {};
    }
    if (auto silence = limit(progress_, silence_allowed()); silence && now >= *silence) {
        return end(Fault::stalled, received_ == 0 && uploaded_ >= upload_size ? "no answer within the time limit"
                                                                              : "no byte within the time limit");
    }
    auto window = limit(window_began_ + outside_, request_.timeouts.slow);
    if (!window || now < *window) return;
    auto seconds = static_cast<std::uint64_t>(request_.timeouts.slow.count());
    if (moved_ - window_moved_ < kSlowest * seconds) return end(Fault::stalled, "slower than 1 KiB/s");
    window_began_ = now;
    window_moved_ = moved_;
    outside_ = {};
}

std::optional<std::chrono::steady_clock::time_point> Transfer::next_limit() const {
    if (!request_begun()) return std::nullopt;
    auto silence = limit(progress_, silence_allowed());
    auto window = body_is_moving() ? limit(window_began_ + outside_, request_.timeouts.slow) : std::nullopt;
    if (!silence || !window) return silence ? silence : window;
    return std::min(*silence, *window);
}

int Transfer::on_request(void* self, char*, char*, int, int) {
    auto& transfer = *static_cast<Transfer*>(self);
    if (transfer.requests_ > 0 && transfer.request_.changes) {
        transfer.end(Fault::dead_connection, "a reused connection was closed before the answer");
        return CURL_PREREQFUNC_ABORT;
    }
    transfer.begin();
    return CURL_PREREQFUNC_OK;
}

void Transfer::begin() {
    ++requests_;
    progress_ = window_began_ = Steady::now();
}

Phase Transfer::phase() const {
    if (!request_begun()) return Phase::unsent;
    return exchange.status == 0 && !answer_begun() ? Phase::sent : Phase::answering;
}

std::size_t Transfer::on_header(char* data, std::size_t, std::size_t bytes, void* self) {
    auto& transfer = *static_cast<Transfer*>(self);
    if (!transfer.request_begun()) return bytes;  // a proxy's answer to CONNECT, which libcurl judges itself
    transfer.take_header_bytes({data, bytes});
    return transfer.ended() ? 0 : bytes;
}

void Transfer::take_header_bytes(std::string_view line) {
    received_ += line.size();
    header_bytes_ += line.size();
    if (line.size() > kMaxHeaderLine || header_bytes_ > kMaxHeaderBytes) {
        end(Fault::malformed, "the headers of the answer are over the limit");
    } else if (!take_header(line)) {
        end(Fault::malformed, "the headers of the answer are not HTTP");
    }
}

bool Transfer::take_header(std::string_view line) {
    if (line == "\r\n" || line == "\n") {
        headers_complete_ = exchange.status >= 200;
        return true;
    }
    if (line.starts_with("HTTP/")) return take_status(trimmed(line));
    auto& headers = exchange.headers;
    if (line.front() == ' ' || line.front() == '\t') {  // a folded line belongs to the one before (RFC 9112 5.2)
        if (headers.empty()) return false;
        headers.back().value.append(" ").append(trimmed(line));
        return !holds_control(headers.back().value);
    }
    auto colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0 || line[colon - 1] == ' ') return false;
    Header header{.name = std::string(line.substr(0, colon)), .value = std::string(trimmed(line.substr(colon + 1)))};
    if (holds_control(header.value) || !lengths_agree(header)) return false;
    headers.push_back(std::move(header));
    return true;
}

// A new status line discards an interim answer before it.
bool Transfer::take_status(std::string_view line) {
    auto blank = line.find(' ');
    if (blank == std::string_view::npos || line.size() < blank + 4) return false;
    auto digits = line.substr(blank + 1, 3);
    if (!std::all_of(digits.begin(), digits.end(), is_digit)) return false;
    std::from_chars(digits.data(), digits.data() + digits.size(), exchange.status);
    exchange.headers.clear();
    exchange.headers.reserve(16);  // what an S3 answer has
    return true;
}

// Two lengths that differ, or a length beside chunks: what follows on this connection cannot be told from the body.
bool Transfer::lengths_agree(const Header& header) {
    if (same_name(header.name, "transfer-encoding")) return !has(exchange.headers, "content-length");
    if (!same_name(header.name, "content-length")) return true;
    if (has(exchange.headers, "transfer-encoding")) return false;
    return !has(exchange.headers, "content-length") || find(exchange.headers, "content-length") == header.value;
}

std::size_t Transfer::on_body(char* data, std::size_t, std::size_t bytes, void* self) {
    return static_cast<Transfer*>(self)->take_body_bytes({data, bytes}) ? bytes : 0;
}

bool Transfer::take_body_bytes(std::string_view bytes) {
    received_ += bytes.size();
    return take_body(bytes);
}

bool Transfer::take_body(std::string_view bytes) {
    if (request_.sink && exchange.status / 100 == 2) {
        auto before = Steady::now();
        bool first = exchange.body_bytes == 0;
        auto taken = first ? request_.sink->begin(exchange.status, exchange.headers) : Status();
        if (taken) taken = request_.sink->write(bytes);
        exchange.body_bytes += bytes.size();
        auto after = Steady::now();
        outside_ += after - before;
        progress_ = after;
        if (taken) return true;
        exchange.local_error = std::move(taken).error();
        end(Fault::sink, exchange.local_error.message);
        return false;
    }
    if (exchange.body.size() + bytes.size() > request_.max_body) {
        end(Fault::too_large, "the body of the answer is over the limit");
        return false;
    }
    exchange.body.append(bytes);
    exchange.body_bytes += bytes.size();
    return true;
}

std::size_t Transfer::on_read(char* buffer, std::size_t, std::size_t bytes, void* self) {
    auto& transfer = *static_cast<Transfer*>(self);
    return transfer.read_source(buffer, bytes).value_or(CURL_READFUNC_ABORT);
}

std::optional<std::size_t> Transfer::read_source(char* buffer, std::size_t bytes) {
    auto before = Steady::now();
    auto read = request_.source->read(buffer, bytes);
    auto after = Steady::now();
    outside_ += after - before;
    progress_ = after;
    if (read) return *read;
    exchange.local_error = std::move(read).error();
    end(Fault::source, exchange.local_error.message);
    return std::nullopt;
}

std::string why_unsendable(const Request& request) {
    if (request.method.empty() || holds_control(request.method)) return "the method is not a word";
    auto bad = [](char c) { return c <= ' ' || c == 0x7f; };  // bytes above 0x7f are negative: refused too
    if (std::any_of(request.url.begin(), request.url.end(), bad)) return "the address holds bytes that must be escaped";
    const auto host = request.url.find("://");
    if (host == std::string::npos) return "the address has no scheme";
    if (request.url.substr(host + 3, request.url.find_first_of("/?#", host + 3) - host - 3).find('@') !=
        std::string::npos)
        return "the address holds a user name";
    for (const Header& header : request.headers) {
        if (header.name.empty() || holds_control(header.name) || header.name.find(':') != std::string::npos) {
            return "a header has no proper name";
        }
        if (holds_control(header.value)) return "the header " + header.name + " holds a control byte";
    }
    return {};
}

}  // namespace dray::http
