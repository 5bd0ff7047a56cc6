// An object's properties as S3's headers say them, both ways.
#pragma once

#include "s3/call.h"
#include "store/object_store.h"

namespace dray {

// For a new object. Empty ones are left out; tags go along when they are set.
void add_property_headers(s3::Headers& headers, const Properties& properties);
// What HEAD, GET and the changing calls tell.
Properties properties_of(const s3::Headers& headers);
std::vector<Checksum> checksums_of(const s3::Headers& headers);
void add_checksum_header(s3::Headers& headers, const Checksum& checksum);
// Size, etag, time, version, parts, checksums, properties. The size is that of the whole object, for a range too.
ObjectInfo object_info_of(const s3::Headers& headers);

}  // namespace dray
