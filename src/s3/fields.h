// Small values as S3 spells them in headers and documents.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace dray::s3 {

std::string unquoted_etag(std::string_view text);  // empty for a weak one: it proves nothing
std::string quoted_etag(std::string_view etag);    // for If-Match and its relatives
// Digits only; nullopt: anything else, or too big.
std::optional<std::uint64_t> number(std::string_view text);
// The epoch when the text is no date: the store did not say.
WallTime time_or_epoch(std::string_view iso8601);
WallTime http_time_or_epoch(std::string_view date);
// base64 of the MD5: the Content-MD5 header.
std::string content_md5(std::string_view body);

}  // namespace dray::s3
