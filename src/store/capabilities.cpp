#include "store/capabilities.h"

namespace dray {

const std::vector<CapabilityName>& capability_names() {
    using C = Capabilities;
    static const std::vector<CapabilityName> names = {
        {"copy-source-if-match", &C::copy_source_if_match,
         "This store copies a source even when it changed since it was listed: dray looks at the source again before "
         "it "
         "deletes it, and a change within that instant is lost."},
        {"copy-if-absent", &C::copy_if_absent,
         "This store cannot refuse to copy over an existing object: dray looks first, and an object that another "
         "writer "
         "creates in that instant is overwritten."},
        {"put-if-absent", &C::put_if_absent,
         "This store cannot refuse to put over an existing object: dray looks first, and an object that another writer "
         "creates in that instant is overwritten."},
        {"put-if-match", &C::put_if_match,
         "This store cannot tie a put to the object it replaces: a change by another writer in that instant is "
         "overwritten."},
        {"remove-if-match", &C::remove_if_match,
         "This store deletes an object even when it changed: dray looks just before it deletes, and a change by "
         "another "
         "writer in that instant is lost."},
        {"remove-many-if-match", &C::remove_many_if_match,
         "This store ignores conditions in batch deletes: dray deletes one by one where that is safer, or looks just "
         "before each batch."},
        {"complete-if-absent", &C::complete_if_absent,
         "This store cannot refuse to complete a large upload over an existing object: dray looks first, and an object "
         "that another writer creates in that instant is overwritten."},
        {"keeps-slashes", &C::keeps_slashes,
         "This store takes keys that differ only in slashes (a//b and a/b) for one object: pairs of such keys are "
         "refused."},
        {"keeps-dots", &C::keeps_dots,
         "This store takes keys that differ only in . and .. (a/./b and a/b) for one object: pairs of such keys are "
         "refused."},
        {"keeps-case", &C::keeps_case,
         "This store takes keys that differ only in case for one object: pairs of such keys are refused."},
        {"keeps-unicode", &C::keeps_unicode,
         "This store takes keys that differ only in Unicode normalisation for one object: pairs of such keys are "
         "refused."},
        {"byte-order", &C::byte_order,
         "This store does not list in byte order: it is listed in one stream, not in parallel."},
        {"start-after", &C::start_after,
         "This store cannot start a listing in the middle: it is listed in one stream, and an interrupted listing "
         "begins again."},
        {"reads-tags", &C::reads_tags,
         "Tags cannot be read with these credentials (permission s3:GetObjectTagging): whether copies keep them is not "
         "known, and an object may lose its tags."},
        {"copies-tags", &C::copies_tags,
         "This store loses tags when it copies: they are read before each copy and set again; an object whose tags "
         "cannot "
         "be set stays where it is."},
        {"copies-properties", &C::copies_properties,
         "This store loses metadata when it copies: it is read before and sent with each copy."},
        {"copies-redirects", &C::copies_redirects, ""},
        {"no-default-key", &C::no_default_key, ""},
        {"checksums", &C::checksums,
         "This store keeps no checksums: copies are proven by ETag where both are MD5, else by size and properties."},
        {"part-copy", &C::part_copy,
         "This store cannot copy objects above 5 GiB by itself: their bytes pass through this machine."},
    };
    return names;
}

std::string_view name_of(Guarantee guarantee) {
    switch (guarantee) {
        case Guarantee::unknown: return "unknown";
        case Guarantee::absent: return "absent";
        case Guarantee::proven: return "proven";
    }
    return "";
}

}  // namespace dray
