// One HTTP request as it came and one answer as it will go: plain values between the loop and the S3 operations.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "body.h"

namespace dray::model {

struct HeaderField {
    std::string_view name;  // lower case
    std::string_view value;
};

// Views point into `head`, so a Request is moved by re-parsing, never copied as it is.
struct Request {
    Request() = default;
    Request(const Request&) = delete;
    Request& operator=(const Request&) = delete;

    std::string head;  // request line and headers up to and without the empty line; names are lower-cased in place
    std::string_view method, path, query;  // path and query still percent-encoded
    bool http10 = false;
    std::vector<HeaderField> headers;
    std::vector<std::pair<std::string, std::string>> params;  // decoded
    Body body;
    std::string trailer_checksum;  // "crc32:BASE64" from the trailer of an aws-chunked body
    bool tls = false;

    // Filled by route().
    std::string bucket, key;  // decoded, byte for byte

    std::string_view header(std::string_view name) const;  // empty when absent
    bool has_header(std::string_view name) const;
    const std::string* param(std::string_view name) const;
    bool has_param(std::string_view name) const { return param(name) != nullptr; }
};

// Parses `request.head`. False: not an HTTP request.
bool parse_head(Request& request);

struct Answer {
    int status = 200;
    std::string headers;  // "name: value\r\n" lines
    std::string text;     // XML or JSON; sent when `body` is not used
    Body body;
    bool object = false;            // `body` instead of `text`
    bool no_body = false;           // HEAD: the length is told, nothing is sent
    std::uint64_t told_length = 0;  // with no_body

    // How it travels; set by faults.
    bool close = false;             // end the connection after it
    bool reset = false;             // by RST instead of FIN
    std::int64_t cut_after = -1;    // bytes of the body after which the connection ends
    std::int64_t pause_after = -1;  // bytes of the body after which nothing is sent for pause_ms
    std::int64_t pause_ms = 0;
    std::int64_t trickle_bytes = 0;  // this many bytes each trickle_ms
    std::int64_t trickle_ms = 0;
    std::int64_t delay_ms = 0;  // before the first byte
    std::int64_t drip_ms = 0;   // 200 and white space this long before the body
    bool unframed = false;      // neither Content-Length nor chunks: the end is the end of the connection
    std::string raw;            // sent as it is, instead of everything above

    void add(std::string_view name, std::string_view value);
    // Replaces every header of that name; an empty value removes it.
    void set(std::string_view name, std::string_view value);
    std::string_view get(std::string_view name) const;
    std::uint64_t length() const { return no_body ? told_length : object ? body.size() : text.size(); }
};

std::string_view reason_phrase(int status);

// RFC 3986 with `/` bare when `keep_slash`, as signatures and most of the world write it.
void percent_encode(std::string_view bytes, bool keep_slash, std::string& out);
// As in HTML forms, but with `/` bare: how S3 writes encoding-type=url.
void form_encode(std::string_view bytes, std::string& out);
std::string percent_decode(std::string_view text, bool plus_is_space);

std::string to_lower(std::string_view text);
std::string to_upper(std::string_view text);
bool equals_nocase(std::string_view a, std::string_view b);

// Times are microseconds since 1970 UTC.
std::string http_date(std::int64_t us);  // Sun, 06 Nov 1994 08:49:37 GMT
bool parse_http_date(std::string_view text, std::int64_t& us);
std::string iso_date(std::int64_t us, bool milliseconds);      // 2009-10-12T17:50:30.000Z
bool parse_amz_date(std::string_view text, std::int64_t& us);  // 20150830T123600Z

bool parse_number(std::string_view text, std::uint64_t& value);

}  // namespace dray::model
