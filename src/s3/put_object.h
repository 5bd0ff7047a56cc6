#pragma once

#include <string>

#include "s3/client.h"

namespace dray::s3 {

struct PutObject {
    std::string bucket, key;
    http::Headers headers;               // properties, conditions, a checksum
    http::BodySource* source = nullptr;  // borrowed
};

// The object appears whole or not at all. Over https, unless the headers bring a checksum, a CRC-64/NVME goes along,
// for which the source is read twice (Content-MD5 where the store has rejected checksum headers); over http the
// signature covers the bytes. Errors beyond send()'s: corrupt (the store tells another checksum than ours).
Result<Answer> put_object(const Context& ctx, Client& client, const PutObject& request);

// Adds the checksum header that put_object would; also for parts.
Status add_body_checksum(http::Headers& headers, http::BodySource& source, bool checksum_headers);

}  // namespace dray::s3
