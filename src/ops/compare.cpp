#include "ops/compare.h"

#include <algorithm>

#include "base/checksum.h"

namespace dray {
namespace {

std::string text_of(const Checksum& checksum) {
    return std::string(name_of(checksum.algorithm)) + ":" + checksum.value;
}

// Longer digests first; a CRC-64 sees more than a CRC-32.
int strength(Checksum::Algorithm algorithm) {
    switch (algorithm) {
        case Checksum::Algorithm::sha256: return 5;
        case Checksum::Algorithm::sha1: return 4;
        case Checksum::Algorithm::crc64nvme: return 3;
        case Checksum::Algorithm::crc32c: return 2;
        case Checksum::Algorithm::crc32: return 1;
    }
    return 0;
}

// Equal composites mean equal parts; of unequal ones nothing follows, for the parts may have been cut elsewhere.
Equality compare_checksums(const ObjectInfo& a, const ObjectInfo& b) {
    Equality equality = Equality::unknown;
    for (const Checksum& ours : a.checksums) {
        for (const Checksum& theirs : b.checksums) {
            if (ours.algorithm != theirs.algorithm || ours.whole_object != theirs.whole_object) continue;
            if (ours.value == theirs.value) {
                equality = Equality::equal;
            } else if (ours.whole_object) {
                return Equality::different;
            }
        }
    }
    return equality;
}

Result<Sha256> digest(const Context& ctx, const Readable& object) {
    Sha256Stream sha;
    TRY(object.store->get(ctx, object.object, {.if_match = object.etag}, [&](std::string_view bytes) {
        sha.update(bytes);
        return Status();
    }));
    return sha.finish();
}

}  // namespace

Comparison compare_heads(const ObjectInfo& a, const ObjectInfo& b, bool checksums_only) {
    if (a.size != b.size) return {Equality::different, Proof::none};
    const Equality checksums = compare_checksums(a, b);
    if (checksums == Equality::different) return {Equality::different, Proof::none};
    if (checksums == Equality::equal) return {Equality::equal, Proof::checksum};
    if (!checksums_only && is_plain_md5(a.etag) && a.etag == b.etag) return {Equality::equal, Proof::etag};
    return {};
}

Result<Comparison> compare_bytes(const Context& ctx, const Readable& a, const Readable& b) {
    TRY_LET(ours, digest(ctx, a));
    TRY_LET(theirs, digest(ctx, b));
    if (ours == theirs) return Comparison{Equality::equal, Proof::bytes};
    return Comparison{Equality::different, Proof::none};
}

std::string checksum_text(const ObjectInfo& object) {
    const Checksum* best = nullptr;
    for (const Checksum& checksum : object.checksums) {
        if (!checksum.whole_object) continue;
        if (!best || strength(checksum.algorithm) > strength(best->algorithm)) best = &checksum;
    }
    return best ? text_of(*best) : std::string();
}

bool has_checksum(const ObjectInfo& object, const std::string& text) {
    return !text.empty() && std::any_of(object.checksums.begin(), object.checksums.end(),
                                        [&](const Checksum& c) { return c.whole_object && text_of(c) == text; });
}

}  // namespace dray
