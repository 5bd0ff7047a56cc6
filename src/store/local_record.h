// What a file cannot say of the object in it: properties, checksum, tags. docs/local-store.md describes the format.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "store/local_file.h"
#include "store/object_store.h"

namespace dray {

// The extended attribute that holds the record.
inline constexpr const char* kRecordAttribute = "user.dray.object";

struct LocalRecord {
    Properties properties;             // without tags
    std::optional<Checksum> checksum;  // nullopt: none was made, or the file changed since
};

// How records and uploads write tags and metadata down: an array under `name`.
void write_pairs(JsonWriter& json, std::string_view name, const std::vector<NameValue>& pairs);

std::string record_json(const LocalRecord& record, const struct stat& body);
// A record is about the bytes only while size and modification time are those it names.
Result<LocalRecord> parse_record(std::string_view json, const struct stat& body);

// Keeps the record with the body, which has its final bytes and modification time: as an extended attribute, or in a
// side file of `directory` where the file system has none or too little room. Not yet visible under any key.
Status keep_record(int directory, int body, const LocalRecord& record, const std::string& path);
Result<LocalRecord> read_record(int directory, const LocalFile& file, const std::string& path);

// Tags live in a side file always: changing them must not change the body's ETag.
Status keep_tags(int directory, const struct stat& body, const std::vector<NameValue>& tags, const std::string& path);
Result<std::vector<NameValue>> read_tags(int directory, const struct stat& body, const std::string& path);

// Removes the side files of a body that is no more.
void drop_side_files(int directory, const struct stat& body);

}  // namespace dray
