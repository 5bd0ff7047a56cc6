// What belongs to an object beside its bytes, and what a copy lost of it.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/object_store.h"

namespace dray {

enum class Property : std::uint8_t {
    content,   // Content-Type, -Encoding, -Language, -Disposition, Cache-Control, Expires
    metadata,  // x-amz-meta-*
    tags,
    redirect,  // x-amz-website-redirect-location
    lock,      // object lock: mode and legal hold
    storage_class,
    encryption,  // with a key of KMS, and with which one
    // Of local files.
    mode,
    owner,  // and group
    attributes,
};

// A set of properties; written as words: "content,metadata,tags", "all", "none".
class PropertySet {
public:
    constexpr PropertySet() = default;
    static constexpr PropertySet all() { return PropertySet(0x3ff); }
    // What a source is not given up without, unless a person said so: a class can be chosen anew, and only root can
    // give a file away; the rest is data.
    static constexpr PropertySet usual() { return PropertySet(0x5f); }
    constexpr void add(Property property) { bits_ = static_cast<std::uint16_t>(bits_ | bit(property)); }
    constexpr bool has(Property property) const { return (bits_ & bit(property)) != 0; }
    constexpr bool empty() const { return bits_ == 0; }
    constexpr bool operator==(const PropertySet&) const = default;

    std::string words() const;                                 // "none" when empty
    static Result<PropertySet> parse(std::string_view words);  // error: invalid

private:
    constexpr explicit PropertySet(std::uint16_t bits) : bits_(bits) {}
    static constexpr std::uint16_t bit(Property property) {
        return static_cast<std::uint16_t>(1U << static_cast<unsigned>(property));
    }
    std::uint16_t bits_ = 0;
};
std::string_view name_of(Property property);

struct LostProperty {
    Property property = Property::content;
    std::string name;  // as a person knows it: "cache-control", "x-amz-meta-team", "2 tags"
};
// What `from` has and `to` has not, or not so. Beyond what `from` has, `to` may have anything: stores fill in a
// Content-Type, and encrypt with keys of their own. Tags are compared where both were read, else their numbers as HEAD
// told them.
std::vector<LostProperty> lost_properties(const Properties& from, const Properties& to);
// What tells `there` apart from what a copy with the properties `wanted` would be; a lock and an encryption more than
// wanted may come from the bucket, and do not. Tags that nobody could read are taken for others.
std::vector<LostProperty> differing_properties(const Properties& wanted, const Properties& there);
std::string joined(const std::vector<LostProperty>& properties);  // their names

// What a copy is given instead of what its source has; all else comes along.
struct PropertyChanges {
    std::vector<NameValue> content;   // "content-type", "cache-control", ...: names that set_content() takes
    std::vector<NameValue> metadata;  // names in lower case, without x-amz-meta-; other pairs of the source stay
    bool empty() const { return content.empty() && metadata.empty(); }
    bool operator==(const PropertyChanges&) const = default;
};
// False: there is no such header of content.
bool set_content(Properties& properties, std::string_view name, const std::string& value);
Properties changed(Properties properties, const PropertyChanges& changes);

}  // namespace dray
