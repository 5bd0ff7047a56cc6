#include "store/local_uploads.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "base/checksum.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "store/local_keys.h"
#include "store/local_record.h"

namespace dray {
namespace {

constexpr const char* kUploadFile = "upload.json";
constexpr std::size_t kMaxUploadFile = 128 * 1024;  // bytes

Error no_upload(const Upload& upload) {
    return {.code = Code::not_found, .message = "no upload " + in_quotes(upload.id), .reason = "no-such-upload"};
}
Error bad_part(std::uint32_t number, const char* why) {
    return {.code = Code::invalid, .message = fmt::format("part {}: {}", number, why), .reason = "invalid-part"};
}

// The name is all that an id may be: it never leads elsewhere.
bool is_upload_id(const std::string& id) {
    std::string bytes;
    return id.size() == 32 && unhex(id, bytes);
}

Result<Fd> upload_directory(const LocalBucket& bucket, const Upload& upload) {
    if (!is_upload_id(upload.id)) return no_upload(upload);
    Fd all = open_directory(bucket.fd(), std::string(kUploadsName));
    Fd own = all ? open_directory(all.get(), upload.id) : Fd();
    if (!own) return no_upload(upload);
    return own;
}

Result<std::vector<std::string>> names_in(int directory, const std::string& path) {
    Fd own(::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    DIR* stream = own ? ::fdopendir(own.get()) : nullptr;
    if (!stream) return io_error("read directory", path, errno);
    own.release();
    const std::unique_ptr<DIR, int (*)(DIR*)> closing(stream, ::closedir);
    std::vector<std::string> names;
    for (errno = 0;; errno = 0) {
        const dirent* entry = ::readdir(stream);
        if (!entry && errno != 0) return io_error("read directory", path, errno);
        if (!entry) break;
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") names.emplace_back(name);
    }
    std::sort(names.begin(), names.end());
    return names;
}

std::string part_name(std::uint32_t number) {
    return fmt::format("{:05}", number);
}

struct UploadRecord {
    Upload upload;
    Properties properties;
};

Result<UploadRecord> read_upload(const LocalBucket& bucket, const std::string& id) {
    UploadRecord record{.upload = {.object = {bucket.directory(), {}, {}}, .id = id}};
    TRY_LET(directory, upload_directory(bucket, record.upload));
    Fd fd(::openat(directory.get(), kUploadFile, O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd) return no_upload(record.upload);
    std::string text(kMaxUploadFile, '\0');
    const ssize_t n = ::pread(fd.get(), text.data(), text.size(), 0);
    if (n < 0) return io_error("read upload", id, errno);
    text.resize(static_cast<std::size_t>(n));

    JsonParser parser;
    TRY_LET(json, parser.parse(text));
    const auto key = json.bytes("key");
    const auto started = json.get("started_ns");
    const auto object = json.get("object");
    if (!key || !started || !started->i64() || !object) {
        return Error{.code = Code::corrupt, .message = "upload " + id + ": its record is damaged"};
    }
    record.upload.object.key = *key;
    record.upload.started = WallTime(Nanos(*started->i64()));
    TRY_LET(properties, parse_record(object->raw(), {}));
    record.properties = std::move(properties.properties);
    if (const auto tags = json.get("tags")) {
        record.properties.tags.emplace();
        for (const JsonValue& tag : tags->elements()) {
            record.properties.tags->push_back({tag.bytes("name").value_or(""), tag.bytes("value").value_or("")});
        }
    }
    return record;
}

}  // namespace

Result<Upload> make_local_upload(const LocalBucket& bucket, const ObjectRef& object, const Properties& properties) {
    Upload upload{.object = object, .started = real_clock().wall()};
    upload.id = hex(hash128(temp_name()).high) + hex(hash128(temp_name()).low);
    const std::string path = bucket.path_of(object.key);
    const std::string all_name(kUploadsName);
    if (::mkdirat(bucket.fd(), all_name.c_str(), 0700) != 0 && errno != EEXIST) {
        return io_error("make directory for the upload of", path, errno);
    }
    Fd all = open_directory(bucket.fd(), all_name);
    if (!all || ::mkdirat(all.get(), upload.id.c_str(), 0700) != 0) {
        return io_error("make directory for the upload of", path, errno);
    }
    TRY_LET(directory, upload_directory(bucket, upload));

    std::string text;
    JsonWriter json(text);
    json.begin_object().field("format", "dray-upload").field("version", std::uint64_t{1});
    json.bytes_field("key", object.key);
    json.name("started_ns").number(std::int64_t{upload.started.time_since_epoch().count()});
    json.name("object").raw(record_json({.properties = properties, .checksum = {}}, {}));
    if (properties.tags) write_pairs(json, "tags", *properties.tags);
    json.end_object();
    TRY_LET(temp, TempFile::make(directory.get(), path));
    TRY(temp.write(text));
    if (::renameat(directory.get(), temp.name().c_str(), directory.get(), kUploadFile) != 0) {
        return io_error("record the upload of", path, errno);
    }
    temp.placed();
    return upload;
}

Result<Properties> local_upload_properties(const LocalBucket& bucket, const Upload& upload) {
    TRY_LET(record, read_upload(bucket, upload.id));
    if (record.upload.object.key != upload.object.key) return no_upload(upload);
    return std::move(record.properties);
}

Result<Part> write_local_part(const LocalBucket& bucket, const Upload& upload, std::uint32_t number,
                              const std::function<Status(TempFile&)>& fill) {
    if (number < 1 || number > 10'000) return bad_part(number, "parts are numbered from 1 to 10,000");
    TRY_LET(directory, upload_directory(bucket, upload));
    const std::string path = bucket.path_of(upload.object.key);
    TRY_LET(temp, TempFile::make(directory.get(), path));
    TRY(fill(temp));
    if (::renameat(directory.get(), temp.name().c_str(), directory.get(), part_name(number).c_str()) != 0) {
        return io_error("name a part of", path, errno);
    }
    temp.placed();
    struct stat status {};
    if (::fstat(temp.fd(), &status) != 0) return io_error("look at a part of", path, errno);
    return Part{.number = number, .etag = local_etag(status), .size = static_cast<std::uint64_t>(status.st_size)};
}

Result<std::vector<Part>> local_parts(const LocalBucket& bucket, const Upload& upload) {
    TRY_LET(directory, upload_directory(bucket, upload));
    TRY_LET(names, names_in(directory.get(), upload.id));
    std::vector<Part> parts;
    for (const std::string& name : names) {
        struct stat status {};
        const bool numbered =
            name.size() == 5 && std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; });
        if (!numbered || ::fstatat(directory.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
        parts.push_back({.number = static_cast<std::uint32_t>(std::stoul(name)),
                         .etag = local_etag(status),
                         .size = static_cast<std::uint64_t>(status.st_size)});
    }
    return parts;
}

Result<std::vector<Fd>> open_local_parts(const LocalBucket& bucket, const Upload& upload, std::span<const Part> parts) {
    TRY_LET(directory, upload_directory(bucket, upload));
    if (parts.empty()) return bad_part(0, "an upload is completed with at least one part");
    std::vector<Fd> files;
    std::uint32_t previous = 0;
    for (const Part& part : parts) {
        if (part.number <= previous) return bad_part(part.number, "not in ascending order");
        previous = part.number;
        Fd fd(::openat(directory.get(), part_name(part.number).c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
        struct stat status {};
        if (!fd || ::fstat(fd.get(), &status) != 0 || local_etag(status) != part.etag ||
            static_cast<std::uint64_t>(status.st_size) != part.size) {
            return bad_part(part.number, "not uploaded so");
        }
        files.push_back(std::move(fd));
    }
    return files;
}

Result<std::vector<Upload>> local_uploads(const LocalBucket& bucket, const std::string& prefix) {
    std::vector<Upload> found;
    Fd all = open_directory(bucket.fd(), std::string(kUploadsName));
    if (!all) return found;
    TRY_LET(ids, names_in(all.get(), bucket.directory()));
    for (const std::string& id : ids) {
        auto record = read_upload(bucket, id);
        // Being made or removed just now: not an upload yet, or no longer one.
        if (!record && record.error().code == Code::not_found) continue;
        if (!record) return std::move(record).error();
        if (record->upload.object.key.starts_with(prefix)) found.push_back(std::move(record->upload));
    }
    std::stable_sort(found.begin(), found.end(),
                     [](const Upload& a, const Upload& b) { return a.object.key < b.object.key; });
    return found;
}

Status remove_local_upload(const LocalBucket& bucket, const Upload& upload) {
    auto directory = upload_directory(bucket, upload);
    if (!directory) return {};
    TRY_LET(names, names_in(directory->get(), upload.id));
    for (const std::string& name : names) {
        if (::unlinkat(directory->get(), name.c_str(), 0) != 0 && errno != ENOENT) {
            return io_error("remove a part of", bucket.path_of(upload.object.key), errno);
        }
    }
    const std::string all_name(kUploadsName);
    Fd all = open_directory(bucket.fd(), all_name);
    if (all) ::unlinkat(all.get(), upload.id.c_str(), AT_REMOVEDIR);
    ::unlinkat(bucket.fd(), all_name.c_str(), AT_REMOVEDIR);  // stays while other uploads are under way
    return {};
}

}  // namespace dray
