// Quirks: how a store differs from AWS. The default is AWS; a named mode is the column of a real server, every effect
// measured on it; single switches combine freely.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace dray::model {

struct Quirks {
    std::string name = "strict";

    // What becomes of a key that a file system would not keep apart.
    enum class Keys {
        exact,      // every byte counts
        collapse,   // `a//b`, `/a/b` and `a\b` are `a/b`; `.` and `..` elements are refused
        clean,      // `a//b`, `/a/b`, `./a/b` and `x/../a/b` are `a/b`; what climbs out is refused
        refuse,     // `a//b`, `.`, `..` and `\` are refused; `/a` is `a`
        fold_case,  // `A` is `a`
    };
    Keys keys = Keys::exact;
    bool long_elements_refused = false;        // path elements above 255 bytes: 400
    bool file_and_folder_refused = false;      // `both` and `both/child`: 409
    bool file_hides_folder = false;            // `both/child` is accepted and in no list
    bool folder_body_lost = false;             // `dir/` keeps no bytes
    bool folder_body_refused = false;          // `dir/` with bytes: 400
    bool control_characters_replaced = false;  // listed as U+FFFD

    // Listing.
    bool directory_order = false;  // `a`, `a/b`, `a-b`, `a.b` instead of byte order
    enum class Encoding { form, percent, ignored };
    Encoding encoding = Encoding::form;  // form: space `+`, `/` bare; percent: `%20`, `%2F`
    bool seconds_only = false;           // LastModified in lists
    bool no_list_v2 = false;             // 501
    bool no_start_after = false;         // ignored
    bool max_keys_ignored = false;       // pages of 5,000 whatever was asked
    bool no_v1_next_marker = false;      // never sent, also with a delimiter

    // Conditions that are honoured.
    bool put_if_none_match = true;
    bool put_if_match = true;
    bool copy_source_conditions = true;
    bool copy_if_none_match = true;
    bool copy_if_match = true;
    bool part_copy_source_conditions = true;
    bool complete_if_none_match = true;
    bool complete_if_match = true;
    bool delete_if_match = true;
    bool batch_delete_etag = true;
    // Creation under If-None-Match: * looks first and writes this much later: who comes in between finds nothing there
    // and wins as well. 0: one step.
    std::int64_t creation_gap_ms = 0;

    // Properties.
    enum class Etags {
        md5,     // multipart: md5-of-md5s, -N
        opaque,  // nothing to compare with, also for plain puts
    };
    Etags etags = Etags::md5;
    bool copy_keeps_multipart_etag = false;  // AWS makes a plain one
    bool complete_etag_empty = false;        // in the reply
    enum class Classes { kept, refused, shown_as_standard };
    Classes classes = Classes::kept;
    bool tagging_directive = true;  // false: a copy keeps the source's tags whatever was asked
    bool copy_keeps_tags = true;
    bool checksums = true;                   // false: neither kept nor checked
    bool checksums_not_implemented = false;  // any x-amz-checksum-* or -sdk-checksum-* header: 501
    bool default_checksum = true;            // CRC64NVME where the client gave none
    bool content_md5_checked = true;
    enum class Attributes { full, without_parts, broken };
    Attributes attributes = Attributes::full;
    bool metadata_mangled = false;  // raw UTF-8 read as Latin-1
    bool website_redirect = true;   // kept

    // Signatures.
    bool payload_hash_checked = true;
    bool region_checked = true;

    // Multipart.
    std::uint32_t max_parts = 10'000;
    bool equal_parts_only = false;
    bool part_copy = true;                // false: 501
    std::uint64_t min_part = 5ULL << 20;  // bytes, all parts but the last
    std::uint64_t max_copy = 5ULL << 30;  // bytes a CopyObject may move

    bool bucket_facts = true;  // false: website, ownership, lock, encryption answer 501
    bool versioning = true;    // false: PutBucketVersioning answers 501

    static Quirks strict() { return {}; }
    static Quirks seaweedfs();
    static Quirks radosgw();
    static Quirks versitygw();
    static Quirks minio();
    static Quirks ignores();  // as Garage: every condition is accepted and ignored
    static Quirks races();    // as SeaweedFS before 2026: strict, but two creators at once both win
    // False: no such mode.
    static bool by_name(std::string_view name, Quirks& quirks);
};

// The key as this store keeps it. False: refused with 400.
bool stored_key(const Quirks& quirks, std::string& key);

}  // namespace dray::model
