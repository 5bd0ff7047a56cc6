// What a store can be trusted with. Limits are facts about its interface; Capabilities are guarantees, each unknown
// until an effect was seen (store/probe.h) or the store is ours and gives it by construction.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dray {

struct Limits {
    std::uint32_t max_key_bytes = 1024;
    std::uint64_t max_copy = std::uint64_t{5} << 30;  // bytes of one copy request; above it copies go part by part
    std::uint64_t max_put = std::uint64_t{5} << 30;   // bytes
    std::uint64_t min_part = std::uint64_t{5} << 20;  // bytes; the last part may be smaller
    std::uint64_t max_part = std::uint64_t{5} << 30;  // bytes
    std::uint32_t max_parts = 10'000;
    std::uint32_t remove_batch = 1000;  // keys
    std::uint32_t list_page = 1000;     // keys
};

enum class Guarantee : std::uint8_t {
    unknown,  // nobody looked: treated as absent, said as "not proven"
    absent,   // it was tried, and the effect was not there
    proven,
};

struct Capabilities {
    // Conditions that guard against other writers.
    Guarantee copy_source_if_match = Guarantee::unknown;
    Guarantee copy_if_absent = Guarantee::unknown;
    Guarantee put_if_absent = Guarantee::unknown;
    Guarantee put_if_match = Guarantee::unknown;
    Guarantee remove_if_match = Guarantee::unknown;
    Guarantee remove_many_if_match = Guarantee::unknown;
    Guarantee complete_if_absent = Guarantee::unknown;
    // The key space: which spellings are two objects.
    Guarantee keeps_slashes = Guarantee::unknown;  // "a//b" and "a/b"; "/a" and "a"; "a/" and "a"
    Guarantee keeps_dots = Guarantee::unknown;     // "a/./b", "a/x/../b" and "a/b"
    Guarantee keeps_case = Guarantee::unknown;
    Guarantee keeps_unicode = Guarantee::unknown;  // NFC and NFD
    // Listing.
    Guarantee byte_order = Guarantee::unknown;
    Guarantee start_after = Guarantee::unknown;
    // What comes along, and what is offered.
    Guarantee reads_tags = Guarantee::unknown;  // they may be read, by us
    Guarantee copies_tags = Guarantee::unknown;
    Guarantee copies_properties = Guarantee::unknown;
    Guarantee copies_redirects = Guarantee::unknown;  // a website redirect comes along, or is never kept
    Guarantee no_default_key = Guarantee::unknown;    // what is put is not encrypted with a key of KMS unasked
    Guarantee checksums = Guarantee::unknown;         // kept, verified and told
    Guarantee part_copy = Guarantee::unknown;
    bool operator==(const Capabilities&) const = default;
};

struct CapabilityName {
    std::string_view name;  // "copy-source-if-match": in files, reports and flags
    Guarantee Capabilities::*field;
    std::string_view
        if_absent;  // the plain sentence a user reads when a move has to do without it; empty: nothing to say
};
// Every field, once, in the order above.
const std::vector<CapabilityName>& capability_names();
std::string_view name_of(Guarantee guarantee);

inline bool proven(Guarantee guarantee) {
    return guarantee == Guarantee::proven;
}

}  // namespace dray
