#include "store/local_record.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/json.h"
#include "base/log.h"
#include "store/local_keys.h"

namespace dray {
namespace {

constexpr std::uint64_t kVersion = 1;
constexpr std::size_t kMaxAttribute = 64 * 1024;   // bytes: the kernel's own limit
constexpr std::size_t kMaxSideFile = 1024 * 1024;  // bytes; S3 allows 2 KB of metadata

struct TextField {
    std::string_view name;
    std::string Properties::*field;
};
constexpr std::array kTextFields = {
    TextField{"content_type", &Properties::content_type},
    TextField{"content_encoding", &Properties::content_encoding},
    TextField{"content_language", &Properties::content_language},
    TextField{"content_disposition", &Properties::content_disposition},
    TextField{"cache_control", &Properties::cache_control},
    TextField{"expires", &Properties::expires},
    TextField{"website_redirect", &Properties::website_redirect},
    TextField{"storage_class", &Properties::storage_class},
};

std::uint64_t modified_ns(const struct stat& body) {
    return static_cast<std::uint64_t>(modified_time(body).time_since_epoch().count());
}

// The name follows the body, not the key: a body and its side file appear under a key in one step.
std::string side_name(std::string_view prefix, const struct stat& body) {
    return fmt::format("{}{:x}-{:x}", prefix, body.st_ino, modified_ns(body));
}

std::vector<NameValue> read_pairs(const JsonValue& object, std::string_view name) {
    std::vector<NameValue> pairs;
    const auto list = object.get(name);
    if (!list) return pairs;
    for (const JsonValue& pair : list->elements()) {
        pairs.push_back({pair.bytes("name").value_or(""), pair.bytes("value").value_or("")});
    }
    return pairs;
}

Result<JsonValue> parse_versioned(JsonParser& parser, std::string_view text) {
    auto parsed = parser.parse(text);
    if (!parsed) return rotten("the object's record is damaged: " + parsed.error().message);
    const JsonValue& value = *parsed;
    if (const auto version = value.get("version"); version && version->u64().value_or(kVersion + 1) <= kVersion) {
        return value;
    }
    return Error{.code = Code::unsupported, .message = "the object's record was written by a newer dray"};
}

Status write_side_file(int directory, const std::string& name, std::string_view content, const std::string& path) {
    TRY_LET(temp, TempFile::make(directory, path));
    TRY(temp.write(content));
    if (::fsync(temp.fd()) != 0) return io_error("sync the side file of", path, errno);
    if (::renameat(directory, temp.name().c_str(), directory, name.c_str()) != 0) {
        return io_error("name the side file of", path, errno);
    }
    temp.placed();
    return {};
}

// Empty: there is none.
Result<std::string> read_side_file(int directory, const std::string& name, const std::string& path) {
    Fd fd(::openat(directory, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!fd && (errno == ENOENT || errno == ELOOP)) return std::string();
    if (!fd) return io_error("open the side file of", path, errno);
    struct stat status {};
    if (::fstat(fd.get(), &status) != 0) return io_error("look at the side file of", path, errno);
    if (status.st_size > static_cast<off_t>(kMaxSideFile))
        return rotten("the side file of " + in_quotes(path) + " is none of dray's");
    std::string content(static_cast<std::size_t>(status.st_size), '\0');
    std::size_t have = 0;
    while (have < content.size()) {
        const ssize_t n = ::read(fd.get(), content.data() + have, content.size() - have);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return io_error("read the side file of", path, errno);
        if (n == 0) break;
        have += static_cast<std::size_t>(n);
    }
    content.resize(have);
    return content;
}

// Empty: there is none.
Result<std::string> read_attribute(int body, const std::string& path) {
    std::string content(kMaxAttribute, '\0');
    const ssize_t n = ::fgetxattr(body, kRecordAttribute, content.data(), content.size());
    if (n < 0 && (errno == ENODATA || errno == ENOTSUP)) return std::string();
    if (n < 0) return io_error("read the attributes of", path, errno);
    content.resize(static_cast<std::size_t>(n));
    return content;
}

}  // namespace

void write_pairs(JsonWriter& json, std::string_view name, const std::vector<NameValue>& pairs) {
    json.name(name).begin_array();
    for (const NameValue& pair : pairs) {
        json.begin_object().bytes_field("name", pair.name).bytes_field("value", pair.value).end_object();
    }
    json.end_array();
}

std::string record_json(const LocalRecord& record, const struct stat& body) {
    std::string text;
    JsonWriter json(text);
    json.begin_object().field("format", "dray-object").field("version", kVersion);
    json.field("size", static_cast<std::uint64_t>(body.st_size)).field("modified_ns", modified_ns(body));
    if (record.checksum) {
        json.field("checksum_algorithm", name_of(record.checksum->algorithm)).field("checksum", record.checksum->value);
    }
    for (const TextField& field : kTextFields) {
        const std::string& value = record.properties.*field.field;
        if (!value.empty()) json.bytes_field(field.name, value);
    }
    if (!record.properties.metadata.empty()) write_pairs(json, "metadata", record.properties.metadata);
    json.end_object();
    return text;
}

Result<LocalRecord> parse_record(std::string_view text, const struct stat& body) {
    JsonParser parser;
    TRY_LET(json, parse_versioned(parser, text));
    LocalRecord record;
    for (const TextField& field : kTextFields)
        record.properties.*field.field = json.bytes(field.name).value_or("");
    record.properties.metadata = read_pairs(json, "metadata");

    auto number = [&](std::string_view name) {
        const auto value = json.get(name);
        return value ? value->u64() : std::nullopt;
    };
    const bool same_bytes =
        number("size") == static_cast<std::uint64_t>(body.st_size) && number("modified_ns") == modified_ns(body);
    const auto algorithm = json.bytes("checksum_algorithm");
    for (auto known : {Checksum::Algorithm::crc32, Checksum::Algorithm::crc32c, Checksum::Algorithm::crc64nvme,
                       Checksum::Algorithm::sha256}) {
        if (same_bytes && algorithm == name_of(known)) {
            record.checksum = Checksum{.algorithm = known, .value = json.bytes("checksum").value_or("")};
        }
    }
    return record;
}

Status keep_record(int directory, int body, const LocalRecord& record, const std::string& path) {
    struct stat status {};
    if (::fstat(body, &status) != 0) return io_error("look at", path, errno);
    const std::string json = record_json(record, status);
    if (json.size() > kMaxSideFile)
        return Error{
            .code = Code::invalid, .message = in_quotes(path) + ": more than 1 MiB of metadata", .reason = "too-large"};
    if (::fsetxattr(body, kRecordAttribute, json.data(), json.size(), 0) == 0) return {};
    // ENOSPC: ext4 keeps all attributes of a file in one block of 4 KiB; the disk itself need not be full.
    if (errno != ENOTSUP && errno != ENOSPC && errno != E2BIG && errno != ERANGE) {
        return io_error("set the attributes of", path, errno);
    }
    return write_side_file(directory, side_name(kRecordPrefix, status), json, path);
}

Result<LocalRecord> read_record(int directory, const LocalFile& file, const std::string& path) {
    TRY_LET(text, read_attribute(file.fd.get(), path));
    if (text.empty()) {
        TRY_LET(side, read_side_file(directory, side_name(kRecordPrefix, file.status), path));
        text = std::move(side);
    }
    if (text.empty()) return LocalRecord{};  // somebody else's file
    auto record = parse_record(text, file.status);
    if (!record) return std::move(record).error().within(in_quotes(path));
    return record;
}

Status keep_tags(int directory, const struct stat& body, const std::vector<NameValue>& tags, const std::string& path) {
    if (tags.empty()) {
        ::unlinkat(directory, side_name(kTagsPrefix, body).c_str(), 0);
        return {};
    }
    std::vector<NameValue> sorted = tags;
    std::sort(sorted.begin(), sorted.end());
    std::string text;
    JsonWriter json(text);
    json.begin_object().field("format", "dray-tags").field("version", kVersion);
    write_pairs(json, "tags", sorted);
    json.end_object();
    return write_side_file(directory, side_name(kTagsPrefix, body), text, path);
}

Result<std::vector<NameValue>> read_tags(int directory, const struct stat& body, const std::string& path) {
    TRY_LET(text, read_side_file(directory, side_name(kTagsPrefix, body), path));
    if (text.empty()) return std::vector<NameValue>();
    JsonParser parser;
    auto json = parse_versioned(parser, text);
    if (!json) return std::move(json).error().within("the tags of " + in_quotes(path));
    return read_pairs(*json, "tags");
}

void drop_side_files(int directory, const struct stat& body) {
    // Most bodies have none; what cannot be removed names a body that is gone, and is harmless.
    ::unlinkat(directory, side_name(kRecordPrefix, body).c_str(), 0);
    ::unlinkat(directory, side_name(kTagsPrefix, body).c_str(), 0);
}

}  // namespace dray
