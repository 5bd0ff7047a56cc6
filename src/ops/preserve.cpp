#include "ops/preserve.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace dray {
namespace {

constexpr std::array<std::pair<Property, std::string_view>, 10> kWords{{
    {Property::content, "content"},
    {Property::metadata, "metadata"},
    {Property::tags, "tags"},
    {Property::redirect, "redirect"},
    {Property::lock, "lock"},
    {Property::storage_class, "storage-class"},
    {Property::encryption, "encryption"},
    {Property::mode, "mode"},
    {Property::owner, "owner"},
    {Property::attributes, "attributes"},
}};

struct TextProperty {
    Property property;
    std::string_view name;
    std::string Properties::*field;
};
constexpr std::array<TextProperty, 10> kTexts{{
    {Property::content, "content-type", &Properties::content_type},
    {Property::content, "content-encoding", &Properties::content_encoding},
    {Property::content, "content-language", &Properties::content_language},
    {Property::content, "content-disposition", &Properties::content_disposition},
    {Property::content, "cache-control", &Properties::cache_control},
    {Property::content, "expires", &Properties::expires},
    {Property::redirect, "website-redirect-location", &Properties::website_redirect},
    {Property::lock, "object-lock-mode", &Properties::lock_mode},
    {Property::lock, "object-lock-legal-hold", &Properties::legal_hold},
    {Property::storage_class, "storage-class", &Properties::storage_class},
}};

void add_lost_metadata(const Properties& from, const Properties& to, std::vector<LostProperty>& lost) {
    for (const NameValue& pair : from.metadata) {
        const auto kept = std::find(to.metadata.begin(), to.metadata.end(), pair);
        if (kept == to.metadata.end()) lost.push_back({Property::metadata, "x-amz-meta-" + pair.name});
    }
    if (from.hidden_metadata > to.hidden_metadata) {
        const std::uint32_t gone = from.hidden_metadata - to.hidden_metadata;
        lost.push_back({Property::metadata, fmt::format("{} x-amz-meta-* that HTTP cannot show", gone)});
    }
}

void add_lost_tags(const Properties& from, const Properties& to, std::vector<LostProperty>& lost) {
    if (!from.tags || !to.tags) {
        if (from.tag_count > to.tag_count)
            lost.push_back({Property::tags, fmt::format("{} tags", from.tag_count - to.tag_count)});
        return;
    }
    for (const NameValue& tag : *from.tags) {
        const auto kept = std::find(to.tags->begin(), to.tags->end(), tag);
        if (kept == to.tags->end()) lost.push_back({Property::tags, "tag " + tag.name});
    }
}

// AES256 is what a store does of its own accord, with keys of its own: nothing is lost with it.
void add_lost_encryption(const Properties& from, const Properties& to, std::vector<LostProperty>& lost) {
    if (!from.encryption.starts_with("aws:kms")) return;
    if (from.encryption != to.encryption) {
        lost.push_back({Property::encryption, "server-side-encryption"});
    } else if (!from.kms_key_id.empty() && from.kms_key_id != to.kms_key_id) {
        lost.push_back({Property::encryption, "kms-key-id"});
    }
}

void add_lost_of_file(const Properties& from, const Properties& to, std::vector<LostProperty>& lost) {
    if (!from.file_mode.empty() && from.file_mode != to.file_mode)
        lost.push_back({Property::mode, "mode " + from.file_mode});
    if (!from.file_owner.empty() && from.file_owner != to.file_owner)
        lost.push_back({Property::owner, "owner " + from.file_owner});
    for (const NameValue& attribute : from.file_attributes) {
        const auto kept = std::find(to.file_attributes.begin(), to.file_attributes.end(), attribute);
        if (kept == to.file_attributes.end()) lost.push_back({Property::attributes, "attribute " + attribute.name});
    }
}

}  // namespace

std::string PropertySet::words() const {
    std::string words;
    for (const auto& [property, word] : kWords) {
        if (has(property)) words.append(words.empty() ? "" : ",").append(word);
    }
    return words.empty() ? "none" : words;
}

Result<PropertySet> PropertySet::parse(std::string_view words) {
    if (words == "all") return all();
    PropertySet set;
    while (!words.empty() && words != "none") {
        const std::size_t comma = words.find(',');
        const std::string_view word = words.substr(0, comma);
        const auto known =
            std::find_if(kWords.begin(), kWords.end(), [&](const auto& entry) { return entry.second == word; });
        if (known == kWords.end()) {
            return Error{.code = Code::invalid,
                         .message = "no such property: " + std::string(word) +
                                    "; there are content, metadata, tags, redirect, lock, storage-class, "
                                    "encryption, mode, owner and attributes, or all or none"};
        }
        set.add(known->first);
        words.remove_prefix(comma == std::string_view::npos ? words.size() : comma + 1);
    }
    return set;
}

std::string_view name_of(Property property) {
    return kWords[static_cast<std::size_t>(property)].second;
}

std::vector<LostProperty> lost_properties(const Properties& from, const Properties& to) {
    std::vector<LostProperty> lost;
    for (const TextProperty& text : kTexts) {
        const std::string& had = from.*text.field;
        if (!had.empty() && had != to.*text.field) lost.push_back({text.property, std::string(text.name)});
    }
    add_lost_metadata(from, to, lost);
    add_lost_tags(from, to, lost);
    add_lost_encryption(from, to, lost);
    add_lost_of_file(from, to, lost);
    return lost;
}

std::vector<LostProperty> differing_properties(const Properties& wanted, const Properties& there) {
    std::vector<LostProperty> differing = lost_properties(wanted, there);
    for (LostProperty& more : lost_properties(there, wanted)) {
        const bool of_the_bucket = more.property == Property::lock || more.property == Property::encryption;
        const bool named = std::any_of(differing.begin(), differing.end(),
                                       [&](const LostProperty& one) { return one.name == more.name; });
        if (!of_the_bucket && !named) differing.push_back(std::move(more));
    }
    const bool unread = !wanted.tags || !there.tags;
    if (unread && wanted.tag_count > 0 && wanted.tag_count == there.tag_count)
        differing.push_back({Property::tags, "tags that cannot be read"});
    return differing;
}

bool set_content(Properties& properties, std::string_view name, const std::string& value) {
    const auto text = std::find_if(kTexts.begin(), kTexts.end(), [&](const TextProperty& one) {
        return one.property == Property::content && one.name == name;
    });
    if (text == kTexts.end()) return false;
    properties.*text->field = value;
    return true;
}

Properties changed(Properties properties, const PropertyChanges& changes) {
    for (const NameValue& one : changes.content)
        set_content(properties, one.name, one.value);
    for (const NameValue& one : changes.metadata) {
        const auto at =
            std::lower_bound(properties.metadata.begin(), properties.metadata.end(), one.name,
                             [](const NameValue& pair, const std::string& name) { return pair.name < name; });
        const bool there = at != properties.metadata.end() && at->name == one.name;
        there ? void(at->value = one.value) : void(properties.metadata.insert(at, one));
    }
    return properties;
}

std::string joined(const std::vector<LostProperty>& properties) {
    std::string names;
    for (const LostProperty& one : properties)
        names.append(names.empty() ? "" : ", ").append(printable(one.name));
    return names;
}

}  // namespace dray
