#include "store/s3_headers.h"

#include <algorithm>
#include <array>

#include "s3/fields.h"
#include "s3/object_tagging.h"

namespace dray {
namespace {

constexpr std::string_view kMetadata = "x-amz-meta-";

struct TextHeader {
    std::string_view name;
    std::string Properties::*field;
};
constexpr TextHeader kBothWays[] = {
    {"content-type", &Properties::content_type},
    {"content-encoding", &Properties::content_encoding},
    {"content-language", &Properties::content_language},
    {"content-disposition", &Properties::content_disposition},
    {"cache-control", &Properties::cache_control},
    {"expires", &Properties::expires},
    {"x-amz-website-redirect-location", &Properties::website_redirect},
    {"x-amz-storage-class", &Properties::storage_class},
    {"x-amz-server-side-encryption", &Properties::encryption},
    {"x-amz-server-side-encryption-aws-kms-key-id", &Properties::kms_key_id},
    {"x-amz-object-lock-mode", &Properties::lock_mode},
    {"x-amz-object-lock-retain-until-date", &Properties::lock_until},
    {"x-amz-object-lock-legal-hold", &Properties::legal_hold},
};
constexpr TextHeader kToldOnly[] = {
    {"x-amz-replication-status", &Properties::replication_status},
    {"x-amz-archive-status", &Properties::archive_status},
    {"x-amz-restore", &Properties::restore},
};

struct ChecksumHeader {
    std::string_view name;
    Checksum::Algorithm algorithm;
};
constexpr ChecksumHeader kChecksums[] = {
    {"x-amz-checksum-crc64nvme", Checksum::Algorithm::crc64nvme},
    {"x-amz-checksum-crc32c", Checksum::Algorithm::crc32c},
    {"x-amz-checksum-crc32", Checksum::Algorithm::crc32},
    {"x-amz-checksum-sha256", Checksum::Algorithm::sha256},
    {"x-amz-checksum-sha1", Checksum::Algorithm::sha1},
};

std::string lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return out;
}

std::uint64_t size_of(const s3::Headers& headers) {
    auto range = http::find(headers, "content-range");
    auto slash = range.rfind('/');
    if (slash != std::string_view::npos) return s3::number(range.substr(slash + 1)).value_or(0);
    return s3::number(http::find(headers, "content-length")).value_or(0);
}

}  // namespace

void add_property_headers(s3::Headers& headers, const Properties& properties) {
    for (const auto& known : kBothWays) {
        const auto& value = properties.*known.field;
        if (!value.empty()) headers.push_back({std::string(known.name), value});
    }
    if (properties.bucket_key) headers.push_back({"x-amz-server-side-encryption-bucket-key-enabled", "true"});
    for (const auto& [name, value] : properties.metadata)
        headers.push_back({std::string(kMetadata) + name, value});
    if (properties.tags && !properties.tags->empty()) {
        s3::Tags tags;
        for (const auto& [name, value] : *properties.tags)
            tags.emplace_back(name, value);
        headers.push_back({"x-amz-tagging", s3::tagging_header(tags)});
    }
}

Properties properties_of(const s3::Headers& headers) {
    Properties properties;
    for (const auto& known : kBothWays)
        properties.*known.field = http::find(headers, known.name);
    for (const auto& known : kToldOnly)
        properties.*known.field = http::find(headers, known.name);
    if (properties.storage_class == "STANDARD") properties.storage_class.clear();
    for (const auto& header : headers) {
        auto name = lower(header.name);
        if (name.starts_with(kMetadata)) properties.metadata.push_back({name.substr(kMetadata.size()), header.value});
    }
    std::sort(properties.metadata.begin(), properties.metadata.end());
    auto count = [&](std::string_view name) {
        return static_cast<std::uint32_t>(s3::number(http::find(headers, name)).value_or(0));
    };
    properties.hidden_metadata = count("x-amz-missing-meta");
    properties.tag_count = count("x-amz-tagging-count");
    properties.bucket_key = http::find(headers, "x-amz-server-side-encryption-bucket-key-enabled") == "true";
    return properties;
}

std::vector<Checksum> checksums_of(const s3::Headers& headers) {
    std::vector<Checksum> checksums;
    auto type = http::find(headers, "x-amz-checksum-type");
    for (const auto& known : kChecksums) {
        std::string value(http::find(headers, known.name));
        if (value.empty()) continue;
        // Older stores do not tell the type: a composite has the number of parts at its end ("abc=-12").
        bool whole = type.empty() ? value.find('-') == std::string::npos : type == "FULL_OBJECT";
        checksums.push_back({.algorithm = known.algorithm, .whole_object = whole, .value = std::move(value)});
    }
    return checksums;
}

void add_checksum_header(s3::Headers& headers, const Checksum& checksum) {
    auto known = std::find_if(std::begin(kChecksums), std::end(kChecksums),
                              [&](const auto& c) { return c.algorithm == checksum.algorithm; });
    headers.push_back({std::string(known->name), checksum.value});
}

ObjectInfo object_info_of(const s3::Headers& headers) {
    return {.size = size_of(headers),
            .etag = s3::unquoted_etag(http::find(headers, "etag")),
            .modified = s3::http_time_or_epoch(http::find(headers, "last-modified")),
            .version = std::string(http::find(headers, "x-amz-version-id")),
            .checksums = checksums_of(headers),
            .parts = static_cast<std::uint32_t>(s3::number(http::find(headers, "x-amz-mp-parts-count")).value_or(0)),
            .properties = properties_of(headers),
            .store_time = s3::http_time_or_epoch(http::find(headers, "date"))};
}

}  // namespace dray
