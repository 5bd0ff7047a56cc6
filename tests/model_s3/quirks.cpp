#include "quirks.h"

#include <algorithm>
#include <vector>

namespace dray::model {
namespace {

std::vector<std::string_view> elements_of(std::string_view key) {
    std::vector<std::string_view> elements;
    while (true) {
        const std::size_t slash = key.find('/');
        elements.push_back(key.substr(0, slash));
        if (slash == std::string_view::npos) return elements;
        key.remove_prefix(slash + 1);
    }
}

bool is_dots(std::string_view element) {
    return element == "." || element == "..";
}

// Joins what is left after empty elements, and with `clean` also `.` and `..`, are resolved.
bool resolve(std::string& key, bool clean) {
    const bool folder = key.ends_with('/');
    std::vector<std::string_view> kept;
    for (std::string_view element : elements_of(key)) {
        if (element.empty()) continue;
        if (is_dots(element)) {
            if (!clean) return false;
            if (element == ".") continue;
            if (kept.empty()) return false;
            kept.pop_back();
            continue;
        }
        kept.push_back(element);
    }
    std::string joined;
    for (std::string_view element : kept) {
        if (!joined.empty()) joined += '/';
        joined += element;
    }
    if (folder && !joined.empty()) joined += '/';
    if (joined.empty()) return false;
    key = std::move(joined);
    return true;
}

bool refuse_odd(std::string& key) {
    if (key.starts_with('/')) key.erase(0, 1);
    if (key.find("//") != std::string::npos || key.find('\\') != std::string::npos) return false;
    for (std::string_view element : elements_of(key))
        if (is_dots(element)) return false;
    return !key.empty();
}

}  // namespace

Quirks Quirks::seaweedfs() {
    Quirks q;
    q.name = "seaweedfs";
    q.keys = Keys::collapse;
    q.long_elements_refused = true;
    q.folder_body_lost = true;
    q.directory_order = true;
    q.seconds_only = true;
    q.copy_keeps_multipart_etag = true;
    q.metadata_mangled = true;
    q.payload_hash_checked = false;
    q.region_checked = false;
    return q;
}

Quirks Quirks::radosgw() {
    Quirks q;
    q.name = "radosgw";
    q.encoding = Encoding::percent;
    q.copy_source_conditions = false;
    q.copy_if_none_match = q.copy_if_match = false;
    q.part_copy_source_conditions = false;
    q.complete_if_none_match = q.complete_if_match = false;
    q.delete_if_match = q.batch_delete_etag = false;
    q.copy_keeps_multipart_etag = true;
    q.complete_etag_empty = true;
    q.classes = Classes::refused;
    q.tagging_directive = false;
    q.checksums = false;
    q.attributes = Attributes::broken;
    q.region_checked = false;
    return q;
}

Quirks Quirks::versitygw() {
    Quirks q;
    q.name = "versitygw";
    q.keys = Keys::clean;
    q.long_elements_refused = true;
    q.file_and_folder_refused = true;
    q.folder_body_refused = true;
    q.control_characters_replaced = true;
    q.encoding = Encoding::ignored;
    q.seconds_only = true;
    q.copy_if_none_match = q.copy_if_match = false;
    q.batch_delete_etag = false;
    q.classes = Classes::shown_as_standard;
    q.attributes = Attributes::without_parts;
    return q;
}

Quirks Quirks::minio() {
    Quirks q;
    q.name = "minio";
    q.keys = Keys::refuse;
    q.long_elements_refused = true;
    q.file_hides_folder = true;
    q.control_characters_replaced = true;
    q.copy_if_none_match = q.copy_if_match = false;
    q.delete_if_match = q.batch_delete_etag = false;
    q.classes = Classes::refused;
    q.region_checked = false;
    return q;
}

Quirks Quirks::ignores() {
    Quirks q;
    q.name = "ignores";
    q.put_if_none_match = q.put_if_match = false;
    q.copy_if_none_match = q.copy_if_match = false;
    q.complete_if_none_match = q.complete_if_match = false;
    q.delete_if_match = q.batch_delete_etag = false;
    q.versioning = false;
    return q;
}

Quirks Quirks::races() {
    Quirks q;
    q.name = "races";
    q.creation_gap_ms = 200;
    return q;
}

bool Quirks::by_name(std::string_view name, Quirks& quirks) {
    static constexpr struct {
        std::string_view name;
        Quirks (*make)();
    } kModes[] = {{"strict", strict}, {"seaweedfs", seaweedfs}, {"radosgw", radosgw}, {"versitygw", versitygw},
                  {"minio", minio},   {"ignores", ignores},     {"races", races}};
    for (const auto& mode : kModes) {
        if (mode.name != name) continue;
        quirks = mode.make();
        return true;
    }
    return false;
}

bool stored_key(const Quirks& quirks, std::string& key) {
    if (quirks.long_elements_refused)
        for (std::string_view element : elements_of(key))
            if (element.size() > 255) return false;
    switch (quirks.keys) {
        case Quirks::Keys::exact: return true;
        case Quirks::Keys::collapse: std::replace(key.begin(), key.end(), '\\', '/'); return resolve(key, false);
        case Quirks::Keys::clean: return resolve(key, true);
        case Quirks::Keys::refuse: return refuse_odd(key);
        case Quirks::Keys::fold_case:
            for (char& c : key)
                if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
            return true;
    }
    return true;
}

}  // namespace dray::model
