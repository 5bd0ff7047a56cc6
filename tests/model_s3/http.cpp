#include "http.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <ctime>

namespace dray::model {
namespace {

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

std::string_view trim(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
        text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
        text.remove_suffix(1);
    return text;
}

constexpr std::array<bool, 256> unreserved_table() {
    std::array<bool, 256> table{};
    for (int c = 'a'; c <= 'z'; ++c)
        table[static_cast<std::size_t>(c)] = true;
    for (int c = 'A'; c <= 'Z'; ++c)
        table[static_cast<std::size_t>(c)] = true;
    for (int c = '0'; c <= '9'; ++c)
        table[static_cast<std::size_t>(c)] = true;
    table['-'] = table['.'] = table['_'] = table['~'] = true;
    return table;
}
constexpr auto kUnreserved = unreserved_table();

void append_escape(unsigned char byte, std::string& out) {
    static constexpr char kDigits[] = "0123456789ABCDEF";
    out += '%';
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
}

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    c = lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void parse_query(Request& request) {
    request.params.clear();
    std::string_view rest = request.query;
    while (!rest.empty()) {
        const std::string_view item = rest.substr(0, rest.find('&'));
        rest.remove_prefix(std::min(rest.size(), item.size() + 1));
        if (item.empty()) continue;
        const std::size_t equals = item.find('=');
        request.params.emplace_back(
            percent_decode(item.substr(0, equals), true),
            equals == std::string_view::npos ? std::string() : percent_decode(item.substr(equals + 1), true));
    }
}

bool parse_request_line(Request& request, std::string_view line) {
    const std::size_t first = line.find(' ');
    const std::size_t last = line.rfind(' ');
    if (first == std::string_view::npos || last <= first) return false;
    const std::string_view protocol = line.substr(last + 1);
    if (protocol != "HTTP/1.1" && protocol != "HTTP/1.0") return false;
    request.http10 = protocol == "HTTP/1.0";
    request.method = line.substr(0, first);
    std::string_view target = line.substr(first + 1, last - first - 1);
    if (target.empty() || target[0] != '/') return false;
    const std::size_t question = target.find('?');
    request.path = target.substr(0, question);
    request.query = question == std::string_view::npos ? std::string_view() : target.substr(question + 1);
    return true;
}

bool header_is(std::string_view line, std::string_view name) {
    return line.size() > name.size() && line[name.size()] == ':' && equals_nocase(line.substr(0, name.size()), name);
}

bool split_date(const char* format, std::string_view text, std::tm& when) {
    std::string copy(text);
    const char* end = strptime(copy.c_str(), format, &when);
    return end != nullptr && *end == '\0';
}

}  // namespace

std::string_view Request::header(std::string_view name) const {
    for (const HeaderField& field : headers)
        if (field.name == name) return field.value;
    return {};
}

bool Request::has_header(std::string_view name) const {
    return std::any_of(headers.begin(), headers.end(), [&](const HeaderField& f) { return f.name == name; });
}

const std::string* Request::param(std::string_view name) const {
    for (const auto& [param_name, value] : params)
        if (param_name == name) return &value;
    return nullptr;
}

bool parse_head(Request& request) {
    request.headers.clear();
    char* const begin = request.head.data();
    std::string_view rest = request.head;
    std::size_t end = rest.find("\r\n");
    if (!parse_request_line(request, rest.substr(0, end))) return false;
    while (end != std::string_view::npos) {
        rest.remove_prefix(end + 2);
        end = rest.find("\r\n");
        const std::string_view line = rest.substr(0, end);
        if (line.empty()) continue;
        const std::size_t colon = line.find(':');
        if (colon == std::string_view::npos || colon == 0) return false;
        char* name = begin + (line.data() - begin);
        for (std::size_t i = 0; i < colon; ++i)
            name[i] = lower(name[i]);
        request.headers.push_back({{name, colon}, trim(line.substr(colon + 1))});
    }
    parse_query(request);
    return true;
}

void Answer::add(std::string_view name, std::string_view value) {
    headers.append(name).append(": ").append(value).append("\r\n");
}

void Answer::set(std::string_view name, std::string_view value) {
    for (std::size_t at = 0; at < headers.size();) {
        const std::size_t end = headers.find("\r\n", at) + 2;
        if (header_is(std::string_view(headers).substr(at, end - at), name)) {
            headers.erase(at, end - at);
        } else {
            at = end;
        }
    }
    if (!value.empty()) add(name, value);
}

std::string_view Answer::get(std::string_view name) const {
    for (std::size_t at = 0; at < headers.size();) {
        const std::size_t end = headers.find("\r\n", at);
        const std::string_view line = std::string_view(headers).substr(at, end - at);
        if (header_is(line, name)) return trim(line.substr(name.size() + 1));
        at = end + 2;
    }
    return {};
}

std::string_view reason_phrase(int status) {
    switch (status) {
        case 100: return "Continue";
        case 200: return "OK";
        case 204: return "No Content";
        case 206: return "Partial Content";
        case 301: return "Moved Permanently";
        case 304: return "Not Modified";
        case 307: return "Temporary Redirect";
        case 400: return "Bad Request";
        case 403: return "Forbidden";
        case 404: return "Not Found";
        case 405: return "Method Not Allowed";
        case 409: return "Conflict";
        case 411: return "Length Required";
        case 412: return "Precondition Failed";
        case 416: return "Requested Range Not Satisfiable";
        case 417: return "Expectation Failed";
        case 429: return "Too Many Requests";
        case 500: return "Internal Server Error";
        case 501: return "Not Implemented";
        case 503: return "Service Unavailable";
        default: return "Status";
    }
}

void percent_encode(std::string_view bytes, bool keep_slash, std::string& out) {
    for (char c : bytes) {
        if (kUnreserved[static_cast<unsigned char>(c)] || (c == '/' && keep_slash)) {
            out += c;
        } else {
            append_escape(static_cast<unsigned char>(c), out);
        }
    }
}

void form_encode(std::string_view bytes, std::string& out) {
    for (char c : bytes) {
        if (c == ' ') {
            out += '+';
        } else if (c == '/' || c == '*' || (kUnreserved[static_cast<unsigned char>(c)] && c != '~')) {
            out += c;
        } else {
            append_escape(static_cast<unsigned char>(c), out);
        }
    }
}

std::string percent_decode(std::string_view text, bool plus_is_space) {
    std::string bytes;
    bytes.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 && hex_value(text[i + 2]) >= 0) {
            bytes += static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
            i += 2;
        } else {
            bytes += text[i] == '+' && plus_is_space ? ' ' : text[i];
        }
    }
    return bytes;
}

std::string to_lower(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        c = lower(c);
    return out;
}

std::string to_upper(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
    return out;
}

bool equals_nocase(std::string_view a, std::string_view b) {
    return a.size() == b.size() &&
           std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

std::string http_date(std::int64_t us) {
    static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                              "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const std::time_t seconds = us / 1'000'000;
    std::tm when{};
    gmtime_r(&seconds, &when);
    char text[64];
    const int n =
        std::snprintf(text, sizeof text, "%s, %02d %s %04d %02d:%02d:%02d GMT", kDays[when.tm_wday], when.tm_mday,
                      kMonths[when.tm_mon], when.tm_year + 1900, when.tm_hour, when.tm_min, when.tm_sec);
    return {text, static_cast<std::size_t>(n)};
}

bool parse_http_date(std::string_view text, std::int64_t& us) {
    std::tm when{};
    if (!split_date("%a, %d %b %Y %H:%M:%S GMT", text, when) && !split_date("%Y-%m-%dT%H:%M:%SZ", text, when))
        return false;
    us = static_cast<std::int64_t>(timegm(&when)) * 1'000'000;
    return true;
}

std::string iso_date(std::int64_t us, bool milliseconds) {
    // Listings write one for every key, and most fall into the same second.
    thread_local std::int64_t last_second = -1;
    thread_local char text[25] = "1970-01-01T00:00:00.000Z";
    const std::time_t seconds = us / 1'000'000;
    if (seconds != last_second) {
        std::tm when{};
        gmtime_r(&seconds, &when);
        std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S.000Z", &when);
        last_second = seconds;
    }
    const int ms = milliseconds ? static_cast<int>(us / 1000 % 1000) : 0;
    text[20] = static_cast<char>('0' + ms / 100);
    text[21] = static_cast<char>('0' + ms / 10 % 10);
    text[22] = static_cast<char>('0' + ms % 10);
    return {text, 24};
}

bool parse_amz_date(std::string_view text, std::int64_t& us) {
    int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
    auto digits = [&](std::size_t at, std::size_t n, int& value) {
        const auto [end, error] = std::from_chars(text.data() + at, text.data() + at + n, value);
        return error == std::errc() && end == text.data() + at + n;
    };
    if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z') return false;
    if (!digits(0, 4, year) || !digits(4, 2, month) || !digits(6, 2, day) || !digits(9, 2, hour) ||
        !digits(11, 2, minute) || !digits(13, 2, second))
        return false;
    std::tm when{};
    when.tm_year = year - 1900;
    when.tm_mon = month - 1;
    when.tm_mday = day;
    when.tm_hour = hour;
    when.tm_min = minute;
    when.tm_sec = second;
    us = static_cast<std::int64_t>(timegm(&when)) * 1'000'000;
    return true;
}

bool parse_number(std::string_view text, std::uint64_t& value) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return !text.empty() && error == std::errc() && end == text.data() + text.size();
}

}  // namespace dray::model
