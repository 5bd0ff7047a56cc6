// Proof of equality: whether two objects have the same bytes, and how we know.
#pragma once

#include <cstdint>
#include <string>

#include "base/context.h"
#include "job/action.h"
#include "store/object_store.h"

namespace dray {

enum class Equality : std::uint8_t { equal, different, unknown };
struct Comparison {
    Equality equality = Equality::unknown;
    Proof proof = Proof::none;  // of equal
};

// From what two HEADs said. Sizes and checksums can say "different", ETags never: under encryption they have the form
// of an MD5 and say nothing.
// `checksums_only`: ETags do not count as proof.
Comparison compare_heads(const ObjectInfo& a, const ObjectInfo& b, bool checksums_only);

// Reads both, pinned to the ETags given, and compares their SHA-256. Two requests; memory does not depend on the size.
// Errors: conflict (one changed meanwhile), not_found, and whatever reading says.
struct Readable {
    ObjectStore* store = nullptr;
    ObjectRef object;
    std::string etag;
};
Result<Comparison> compare_bytes(const Context& ctx, const Readable& a, const Readable& b);

// "CRC64NVME:base64" of the strongest checksum of the whole object; empty: the store told none.
std::string checksum_text(const ObjectInfo& object);
bool has_checksum(const ObjectInfo& object, const std::string& text);

}  // namespace dray
