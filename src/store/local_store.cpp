#include "store/local_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <list>
#include <mutex>
#include <set>

#include "base/checksum.h"
#include "base/log.h"
#include "store/checksums.h"
#include "store/local_file.h"
#include "store/local_keys.h"
#include "store/local_listing.h"
#include "store/local_record.h"
#include "store/local_uploads.h"

namespace dray {
namespace {

constexpr std::size_t kChunk = 256 * 1024;  // bytes read and written at a time
constexpr std::size_t kOpenWalks = 64;      // listings that can be continued without walking there again

Error no_object(const std::string& path) {
    return {.code = Code::not_found, .message = "no object " + in_quotes(path)};
}
Error changed(const std::string& path) {
    return {.code = Code::conflict, .message = "another object by now: " + in_quotes(path)};
}

// Listings under way, by the token of their next page. Thread-safe.
class OpenWalks {
public:
    std::unique_ptr<LocalWalk> take(const std::string& token) {
        std::lock_guard lock(mutex_);
        auto found = std::find_if(walks_.begin(), walks_.end(), [&](auto& walk) { return walk.first == token; });
        if (found == walks_.end()) return nullptr;
        auto walk = std::move(found->second);
        walks_.erase(found);
        return walk;
    }
    void keep(std::string token, std::unique_ptr<LocalWalk> walk) {
        walk->rest();
        std::lock_guard lock(mutex_);
        walks_.emplace_front(std::move(token), std::move(walk));
        if (walks_.size() > kOpenWalks) walks_.pop_back();
    }
    std::string name_token(const std::string& last_key) {
        std::lock_guard lock(mutex_);
        return fmt::format("{}-{}", ++serial_, hex(last_key));
    }

private:
    std::mutex mutex_;
    std::uint64_t serial_ = 0;
    std::list<std::pair<std::string, std::unique_ptr<LocalWalk>>> walks_;
};

// Which directories this process has swept: once each is enough, and reading a large one takes a while.
class Sweeps {
public:
    void sweep_once(int directory, WallTime now) {
        constexpr std::size_t kRemembered = 10'000;
        struct stat status {};
        if (::fstat(directory, &status) != 0) return;
        {
            std::lock_guard lock(mutex_);
            if (swept_.size() >= kRemembered) swept_.clear();
            if (!swept_.emplace(status.st_dev, status.st_ino).second) return;
        }
        sweep_leftovers(directory, now);
    }

private:
    std::mutex mutex_;
    std::set<std::pair<dev_t, ino_t>> swept_;
};

struct TargetConditions {
    bool if_absent = false;
    std::string if_match;
};

class LocalStore final : public ObjectStore {
public:
    explicit LocalStore(LocalStoreOptions options) : sync_(options.durable, std::move(options.sync)) {
        limits_.max_copy = limits_.max_put = limits_.max_part = std::uint64_t{1} << 62;
        limits_.min_part = 1;
    }

    std::string identity() const override { return "file:"; }
    const Limits& limits() const override { return limits_; }
    Capabilities capabilities() const override;
    Result<ListPage> list(const Context& ctx, const ListRequest& request) override;
    Result<ObjectInfo> head(const Context& ctx, const ObjectRef& object) override;
    Result<ObjectInfo> get(const Context& ctx, const ObjectRef& object, const GetOptions& options,
                           const ByteSink& sink) override;
    using ObjectStore::put;
    Result<ObjectInfo> put(const Context& ctx, const ObjectRef& object, ByteSource& source,
                           const PutOptions& options) override;
    Result<ObjectInfo> copy(const Context& ctx, const ObjectRef& from, const ObjectRef& to,
                            const CopyOptions& options) override;
    Result<Removed> remove(const Context& ctx, const ObjectRef& object, const RemoveOptions& options) override;
    Result<std::vector<RemoveVerdict>> remove_many(const Context& ctx, const std::string& bucket,
                                                   std::span<const RemoveItem> items) override;
    Result<std::vector<NameValue>> tags(const Context& ctx, const ObjectRef& object) override;
    Status set_tags(const Context& ctx, const ObjectRef& object, const std::vector<NameValue>& tags) override;
    Result<Upload> create_upload(const Context& ctx, const ObjectRef& object, const PutOptions& options) override;
    Result<Part> upload_part(const Context& ctx, const Upload& upload, std::uint32_t number,
                             ByteSource& source) override;
    Result<Part> copy_part(const Context& ctx, const Upload& upload, std::uint32_t number,
                           const PartCopy& copy) override;
    Result<ObjectInfo> complete_upload(const Context& ctx, const Upload& upload, std::span<const Part> parts,
                                       const CompleteOptions& options) override;
    Status abort_upload(const Context& ctx, const Upload& upload) override;
    Result<std::vector<Part>> parts(const Context& ctx, const Upload& upload) override;
    Result<std::vector<Upload>> uploads(const Context& ctx, const std::string& bucket,
                                        const std::string& prefix) override;
    Result<BucketFacts> bucket_facts(const Context& ctx, const std::string& bucket) override;

private:
    // An object, open: its place, its file and the words for errors.
    struct Opened {
        LocalPlace place;
        LocalFile file;
        std::string path;
    };
    Result<LocalBucket> bucket_of(const Context& ctx, const ObjectRef& object) const;
    Result<Opened> open(const Context& ctx, const ObjectRef& object) const;
    Result<ObjectInfo> info(const Opened& object) const;
    // Writes what `fill` gives, then lets it appear under `to`.
    using Fill = std::function<Result<LocalRecord>(TempFile& temp)>;
    Result<ObjectInfo> create(const Context& ctx, const ObjectRef& to, const TargetConditions& conditions,
                              const std::vector<NameValue>& tags, const Fill& fill);
    Result<ObjectInfo> appear(const Context& ctx, const LocalPlace& place, TempFile& temp, const LocalRecord& record,
                              const TargetConditions& conditions, const std::vector<NameValue>& tags,
                              const std::string& path);

    Limits limits_;
    LocalSync sync_;
    OpenWalks walks_;
    Sweeps sweeps_;
};

Capabilities LocalStore::capabilities() const {
    constexpr auto yes = Guarantee::proven;
    Capabilities all{yes, yes, yes, yes, yes, yes, yes, yes, yes, yes, yes, yes, yes, yes, yes, yes, yes};
    // The file system decides, directory by directory on some: a probe has to look.
    all.keeps_case = all.keeps_unicode = Guarantee::unknown;
    return all;
}

Result<LocalBucket> LocalStore::bucket_of(const Context& ctx, const ObjectRef& object) const {
    TRY(ctx.check());
    if (object.key.empty()) return Error{.code = Code::invalid, .message = "an object needs a key"};
    if (object.key.size() > limits_.max_key_bytes) {
        return Error{.code = Code::invalid,
                     .message = fmt::format("a key of {} bytes; 1,024 is the limit", object.key.size()),
                     .reason = "key-too-long"};
    }
    return LocalBucket::open(object.bucket);
}

Result<LocalStore::Opened> LocalStore::open(const Context& ctx, const ObjectRef& object) const {
    TRY_LET(bucket, bucket_of(ctx, object));
    std::string path = bucket.path_of(object.key);
    if (!object.version.empty()) return no_object(path + " in version " + object.version);
    TRY_LET(place, bucket.find(object.key));
    if (!place) return no_object(path);
    TRY_LET(file, open_object(*place, path));
    if (!file) return no_object(path);
    return Opened{std::move(*place), std::move(*file), std::move(path)};
}

Result<ObjectInfo> LocalStore::info(const Opened& object) const {
    TRY_LET(record, read_record(object.place.directory.get(), object.file, object.path));
    TRY_LET(tags, read_tags(object.place.directory.get(), object.file.status, object.path));
    ObjectInfo answer{.size = static_cast<std::uint64_t>(object.file.status.st_size),
                      .etag = local_etag(object.file.status),
                      .modified = modified_time(object.file.status),
                      .properties = std::move(record.properties),
                      .store_time = real_clock().wall()};
    if (record.checksum) answer.checksums.push_back(std::move(*record.checksum));
    answer.properties.tag_count = static_cast<std::uint32_t>(tags.size());
    return answer;
}

// ---- reading ----

// Hands [offset, offset + bytes) of a file to `sink`, as far as it goes.
Status read_range(const Context& ctx, int fd, std::uint64_t offset, std::uint64_t bytes, const std::string& path,
                  const ByteSink& sink) {
    std::string buffer(std::min<std::uint64_t>(kChunk, bytes), '\0');
    while (bytes > 0) {
        TRY(ctx.check());
        const ssize_t n =
            ::pread(fd, buffer.data(), std::min<std::uint64_t>(buffer.size(), bytes), static_cast<off_t>(offset));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return io_error("read", path, errno);
        if (n == 0) return {};
        TRY(sink({buffer.data(), static_cast<std::size_t>(n)}));
        offset += static_cast<std::uint64_t>(n);
        bytes -= static_cast<std::uint64_t>(n);
    }
    return {};
}

// Other programs may write into a file that is open. A name that was taken away (ctime only) changes no bytes.
Status unchanged(int fd, const struct stat& before, const std::string& path) {
    struct stat now {};
    if (::fstat(fd, &now) != 0) return io_error("look at", path, errno);
    const bool same = now.st_size == before.st_size && modified_time(now) == modified_time(before);
    if (same) return {};
    return Error{.code = Code::conflict, .message = in_quotes(path) + " changed while it was read"};
}

Result<ObjectInfo> LocalStore::head(const Context& ctx, const ObjectRef& object) {
    // Who looks at an object may rely on it and delete another: what a killed run wrote must be there to stay.
    TRY_LET(bucket, bucket_of(ctx, object));
    TRY(sync_.leftovers(bucket.fd(), bucket.directory()));
    TRY_LET(opened, open(ctx, object));
    return info(opened);
}

Result<ObjectInfo> LocalStore::get(const Context& ctx, const ObjectRef& object, const GetOptions& options,
                                   const ByteSink& sink) {
    TRY_LET(opened, open(ctx, object));
    TRY_LET(answer, info(opened));
    if (!options.if_match.empty() && answer.etag != options.if_match) return changed(opened.path);
    if (options.offset > 0 && options.offset >= answer.size) {
        return Error{.code = Code::invalid, .message = "the range begins after the end", .reason = "bad-range"};
    }
    const std::uint64_t wanted = std::min(options.bytes, answer.size - options.offset);
    std::uint64_t given = 0;
    const bool whole = wanted == answer.size && !answer.checksums.empty() &&
                       answer.checksums[0].algorithm == Checksum::Algorithm::crc64nvme;
    std::uint64_t crc = 0;
    TRY(read_range(ctx, opened.file.fd.get(), options.offset, wanted, opened.path, [&](std::string_view bytes) {
        given += bytes.size();
        if (whole) crc = crc64nvme(bytes, crc);
        return sink(bytes);
    }));
    TRY(unchanged(opened.file.fd.get(), opened.file.status, opened.path));
    if (given != wanted) return changed(opened.path);
    if (whole && base64_of(crc) != answer.checksums[0].value) {
        return Error{.code = Code::corrupt,
                     .message = in_quotes(opened.path) + ": the bytes are not those once written"};
    }
    return answer;
}

Result<ListPage> LocalStore::list(const Context& ctx, const ListRequest& request) {
    TRY(ctx.check());
    std::unique_ptr<LocalWalk> walk = walks_.take(request.continuation);
    std::string after = request.start_after;
    if (!request.continuation.empty()) {
        const auto dash = request.continuation.find('-');
        if (dash == std::string::npos || !unhex(std::string_view(request.continuation).substr(dash + 1), after)) {
            return Error{.code = Code::invalid, .message = "not a continuation token", .reason = "bad-token"};
        }
    }
    if (!walk) {
        TRY_LET(bucket, LocalBucket::open(request.bucket));
        TRY_LET(started, LocalWalk::start(std::move(bucket), request.prefix, after));
        walk = std::move(started);
    }

    ListPage page;
    page.store_time = real_clock().wall();
    const std::size_t limit = std::min(request.max_keys, limits_.list_page);
    std::string last = after;
    while (page.objects.size() + page.common_prefixes.size() < limit) {
        TRY(ctx.check());
        TRY_LET(object, walk->next());
        if (!object) return page;
        last = object->key;
        const auto cut =
            request.delimiter.empty() ? std::string::npos : last.find(request.delimiter, request.prefix.size());
        if (cut == std::string::npos) {
            page.objects.push_back(std::move(*object));
            continue;
        }
        const std::string folder = last.substr(0, cut + request.delimiter.size());
        if (request.delimiter == "/") walk->skip(folder);
        const bool told_before = !request.continuation.empty() && after.starts_with(folder);
        const bool told = !page.common_prefixes.empty() && page.common_prefixes.back() == folder;
        if (!told && !told_before) page.common_prefixes.push_back(folder);
    }
    page.truncated = limit > 0;
    page.next = walks_.name_token(last);
    walks_.keep(page.next, std::move(walk));
    return page;
}

// ---- writing ----

// The body's own time, to the nanosecond: the kernel's coarse clock gives two quick writes the same one, and an inode
// may be used again at once.
Status stamp_now(int fd, const std::string& path) {
    timespec times[2] = {{.tv_sec = 0, .tv_nsec = UTIME_OMIT}, {}};
    ::clock_gettime(CLOCK_REALTIME, &times[1]);
    return ::futimens(fd, times) == 0 ? Status() : Status(io_error("set the time of", path, errno));
}

Status check_conditions(const TargetConditions& conditions, const std::optional<LocalFile>& there,
                        const std::string& path) {
    if (conditions.if_absent && there) {
        return Error{.code = Code::exists, .message = "there is an object already: " + in_quotes(path)};
    }
    if (conditions.if_match.empty()) return {};
    if (!there) return no_object(path);
    return local_etag(there->status) == conditions.if_match ? Status() : Status(changed(path));
}

Result<ObjectInfo> LocalStore::appear(const Context& ctx, const LocalPlace& place, TempFile& temp,
                                      const LocalRecord& record, const TargetConditions& conditions,
                                      const std::vector<NameValue>& tags, const std::string& path) {
    const int directory = place.directory.get();
    TRY(stamp_now(temp.fd(), path));
    TRY(keep_record(directory, temp.fd(), record, path));
    Opened made{.place = {Fd(::fcntl(directory, F_DUPFD_CLOEXEC, 0)), place.name}, .file = {}, .path = path};
    if (::fstat(temp.fd(), &made.file.status) != 0) return io_error("look at", path, errno);
    if (!tags.empty()) TRY(keep_tags(directory, made.file.status, tags, path));
    TRY(sync_.content(temp.fd(), path));

    TRY(lock_directory(ctx, directory, path));
    TRY_LET(there, open_object(place, path));
    TRY_LET(target, target_of(place, path));
    const unsigned flags = conditions.if_absent ? RENAME_NOREPLACE : 0;
    Status allowed = check_conditions(conditions, there, path);
    if (allowed && ::renameat2(directory, temp.name().c_str(), target.directory(place), target.name.c_str(), flags)) {
        allowed = errno == EEXIST ? Error{.code = Code::exists, .message = "something is there: " + in_quotes(path)}
                                  : io_error("name", path, errno);
    }
    if (!allowed) {
        drop_side_files(directory, made.file.status);
        return std::move(allowed).error();
    }
    temp.placed();
    if (there) drop_side_files(directory, there->status);
    made.file.fd = Fd(::fcntl(temp.fd(), F_DUPFD_CLOEXEC, 0));
    if (::fstat(temp.fd(), &made.file.status) != 0) return io_error("look at", path, errno);
    unlock_directory(directory);
    if (target.inside) TRY(sync_.directory(directory, place.name, target.inside.get(), path));
    TRY(sync_.content(target.directory(place), path));
    return info(made);
}

Result<ObjectInfo> LocalStore::create(const Context& ctx, const ObjectRef& to, const TargetConditions& conditions,
                                      const std::vector<NameValue>& tags, const Fill& fill) {
    TRY_LET(bucket, bucket_of(ctx, to));
    const std::string path = bucket.path_of(to.key);
    TRY_LET(place, bucket.make(ctx, to.key, sync_));
    auto answer = [&]() -> Result<ObjectInfo> {
        sweeps_.sweep_once(place.directory.get(), ctx.clock().wall());
        TRY_LET(temp, TempFile::make(place.directory.get(), path));
        TRY_LET(record, fill(temp));
        return appear(ctx, place, temp, record, conditions, tags, path);
    }();
    if (!answer) bucket.prune(to.key, sync_);  // the directories made for nothing
    return answer;
}

// Makes the checksums of what passes, and writes it.
class Writing {
public:
    Writing(TempFile& temp, std::optional<Checksum> expected) : temp_(temp), expected_(std::move(expected)) {}
    Status write(std::string_view bytes) {
        crc_ = crc64nvme(bytes, crc_);
        if (expected_) {
            if (expected_->algorithm == Checksum::Algorithm::crc32) crc32_ = crc32(bytes, crc32_);
            if (expected_->algorithm == Checksum::Algorithm::crc32c) crc32_ = crc32c(bytes, crc32_);
            if (expected_->algorithm == Checksum::Algorithm::sha256) sha256_.update(bytes);
        }
        return temp_.write(bytes);
    }
    // Error: corrupt.
    Result<Checksum> finish(const std::string& path) {
        const Checksum own{.value = base64_of(crc_)};
        if (!expected_) return own;
        std::string actual = own.value;
        if (expected_->algorithm == Checksum::Algorithm::sha256) {
            const Sha256 digest = sha256_.finish();
            actual = base64({reinterpret_cast<const char*>(digest.data()), digest.size()});
        } else if (expected_->algorithm != Checksum::Algorithm::crc64nvme) {
            actual = base64_of(crc32_);
        }
        if (actual == expected_->value) return own;
        return Error{.code = Code::corrupt,
                     .message = in_quotes(path) + ": " + std::string(name_of(expected_->algorithm)) +
                                " of the bytes is " + actual + ", not " + expected_->value};
    }

private:
    TempFile& temp_;
    const std::optional<Checksum> expected_;
    std::uint64_t crc_ = 0;
    std::uint32_t crc32_ = 0;
    Sha256Stream sha256_;
};

Status pour(const Context& ctx, ByteSource& source, Writing& writing) {
    std::string buffer(std::min<std::uint64_t>(kChunk, source.size() + 1), '\0');
    std::uint64_t read = 0;
    for (;;) {
        TRY(ctx.check());
        TRY_LET(n, source.read(buffer.data(), buffer.size()));
        if (n == 0) break;
        read += n;
        TRY(writing.write({buffer.data(), n}));
    }
    if (read == source.size()) return {};
    return Error{.code = Code::invalid,
                 .message = "the source changed while it was read: its length is not what it was",
                 .reason = "changed-while-read"};
}

Properties without_tags(Properties properties) {
    properties.tags.reset();
    properties.tag_count = 0;
    std::sort(properties.metadata.begin(), properties.metadata.end());
    return properties;
}

Result<ObjectInfo> LocalStore::put(const Context& ctx, const ObjectRef& object, ByteSource& source,
                                   const PutOptions& options) {
    if (options.checksum && options.checksum->algorithm == Checksum::Algorithm::sha1) {
        return Error{.code = Code::unsupported, .message = "SHA1 is not offered"};
    }
    return create(ctx, object, {options.if_absent, options.if_match},
                  options.properties.tags.value_or(std::vector<NameValue>()),
                  [&](TempFile& temp) -> Result<LocalRecord> {
                      Writing writing(temp, options.checksum);
                      TRY(pour(ctx, source, writing));
                      TRY_LET(checksum, writing.finish(object.key));
                      return LocalRecord{without_tags(options.properties), std::move(checksum)};
                  });
}

Result<ObjectInfo> LocalStore::copy(const Context& ctx, const ObjectRef& from, const ObjectRef& to,
                                    const CopyOptions& options) {
    TRY_LET(source, open(ctx, from));
    TRY_LET(before, info(source));
    if (!options.source_if_match.empty() && before.etag != options.source_if_match) return changed(source.path);
    if (from.bucket == to.bucket && from.key == to.key && !options.replace && options.storage_class.empty() &&
        options.website_redirect.empty() && options.encryption.empty()) {
        return Error{.code = Code::invalid, .message = "a copy onto itself that changes nothing"};
    }
    TRY_LET(tags, options.replace && options.replace->tags
                      ? Result<std::vector<NameValue>>(*options.replace->tags)
                      : read_tags(source.place.directory.get(), source.file.status, source.path));

    return create(ctx, to, {options.target_if_absent, options.target_if_match}, tags,
                  [&](TempFile& temp) -> Result<LocalRecord> {
                      const auto known = before.checksums.empty() ? std::optional<Checksum>() : before.checksums[0];
                      Writing writing(temp, known);
                      TRY(read_range(ctx, source.file.fd.get(), 0, before.size, source.path,
                                     [&](std::string_view bytes) { return writing.write(bytes); }));
                      TRY(unchanged(source.file.fd.get(), source.file.status, source.path));
                      TRY_LET(checksum, writing.finish(source.path));
                      Properties properties = without_tags(options.replace.value_or(before.properties));
                      auto chosen = [&](const std::string& option, const std::string& replaced) {
                          return !option.empty() ? option : options.replace ? replaced : std::string();
                      };
                      properties.storage_class = chosen(options.storage_class, properties.storage_class);
                      properties.website_redirect = chosen(options.website_redirect, properties.website_redirect);
                      return LocalRecord{std::move(properties), std::move(checksum)};
                  });
}

Result<Removed> LocalStore::remove(const Context& ctx, const ObjectRef& object, const RemoveOptions& options) {
    TRY_LET(bucket, bucket_of(ctx, object));
    const std::string path = bucket.path_of(object.key);
    TRY_LET(place, bucket.find(object.key));
    auto nothing = [&]() { return options.if_match.empty() ? Result<Removed>(Removed{}) : no_object(path); };
    if (!place || !object.version.empty()) return nothing();

    const int directory = place->directory.get();
    TRY(lock_directory(ctx, directory, path));
    TRY_LET(there, open_object(*place, path));
    if (!there) return nothing();
    TRY(check_conditions({.if_match = options.if_match}, there, path));
    TRY_LET(target, target_of(*place, path));
    if (::unlinkat(target.directory(*place), target.name.c_str(), 0) != 0 && errno != ENOENT) {
        return io_error("remove", path, errno);
    }
    drop_side_files(directory, there->status);
    const bool stays = target.inside && !sync_.remove_directory(directory, place->name);  // it holds others
    unlock_directory(directory);
    TRY(sync_.content(stays ? target.inside.get() : directory, path));
    bucket.prune(object.key, sync_);
    return Removed{};
}

Result<std::vector<RemoveVerdict>> LocalStore::remove_many(const Context& ctx, const std::string& bucket,
                                                           std::span<const RemoveItem> items) {
    TRY(LocalBucket::open(bucket));
    if (items.size() > limits_.remove_batch) {
        return Error{.code = Code::invalid, .message = "too many keys for one batch"};
    }
    std::vector<RemoveVerdict> verdicts;
    for (const RemoveItem& item : items) {
        verdicts.push_back({remove(ctx, {bucket, item.key, item.version}, {.if_match = item.if_match})});
    }
    return verdicts;
}

Result<std::vector<NameValue>> LocalStore::tags(const Context& ctx, const ObjectRef& object) {
    TRY_LET(opened, open(ctx, object));
    return read_tags(opened.place.directory.get(), opened.file.status, opened.path);
}

Status LocalStore::set_tags(const Context& ctx, const ObjectRef& object, const std::vector<NameValue>& tags) {
    TRY_LET(opened, open(ctx, object));
    const int directory = opened.place.directory.get();
    TRY(keep_tags(directory, opened.file.status, tags, opened.path));
    return sync_.content(directory, opened.path);
}

// ---- multipart ----

Result<Upload> LocalStore::create_upload(const Context& ctx, const ObjectRef& object, const PutOptions& options) {
    TRY_LET(bucket, bucket_of(ctx, object));
    return make_local_upload(bucket, object, options.properties);
}

Result<Part> LocalStore::upload_part(const Context& ctx, const Upload& upload, std::uint32_t number,
                                     ByteSource& source) {
    TRY_LET(bucket, bucket_of(ctx, upload.object));
    return write_local_part(bucket, upload, number, [&](TempFile& temp) -> Status {
        Writing writing(temp, std::nullopt);
        return pour(ctx, source, writing);
    });
}

Result<Part> LocalStore::copy_part(const Context& ctx, const Upload& upload, std::uint32_t number,
                                   const PartCopy& copy) {
    TRY_LET(bucket, bucket_of(ctx, upload.object));
    TRY_LET(source, open(ctx, copy.from));
    if (!copy.source_if_match.empty() && local_etag(source.file.status) != copy.source_if_match) {
        return changed(source.path);
    }
    if (copy.offset + copy.bytes > static_cast<std::uint64_t>(source.file.status.st_size)) {
        return Error{.code = Code::invalid, .message = "the range ends after the source", .reason = "bad-range"};
    }
    return write_local_part(bucket, upload, number, [&](TempFile& temp) -> Status {
        TRY(read_range(ctx, source.file.fd.get(), copy.offset, copy.bytes, source.path,
                       [&](std::string_view bytes) { return temp.write(bytes); }));
        return unchanged(source.file.fd.get(), source.file.status, source.path);
    });
}

Result<ObjectInfo> LocalStore::complete_upload(const Context& ctx, const Upload& upload, std::span<const Part> parts,
                                               const CompleteOptions& options) {
    TRY_LET(bucket, bucket_of(ctx, upload.object));
    TRY_LET(properties, local_upload_properties(bucket, upload));
    auto made =
        create(ctx, upload.object, {options.if_absent, options.if_match},
               properties.tags.value_or(std::vector<NameValue>()), [&](TempFile& temp) -> Result<LocalRecord> {
                   Writing writing(temp, std::nullopt);
                   TRY_LET(files, open_local_parts(bucket, upload, parts));
                   std::uint64_t size = 0;
                   for (std::size_t i = 0; i < files.size(); ++i) {
                       TRY(read_range(ctx, files[i].get(), 0, parts[i].size, upload.object.key,
                                      [&](std::string_view bytes) { return writing.write(bytes); }));
                       size += parts[i].size;
                   }
                   if (options.size != 0 && options.size != size) {
                       return Error{.code = Code::invalid, .message = "the parts do not add up to the size given"};
                   }
                   TRY_LET(checksum, writing.finish(upload.object.key));
                   return LocalRecord{without_tags(properties), std::move(checksum)};
               });
    if (made) TRY(remove_local_upload(bucket, upload));
    return made;
}

Status LocalStore::abort_upload(const Context& ctx, const Upload& upload) {
    TRY_LET(bucket, bucket_of(ctx, upload.object));
    return remove_local_upload(bucket, upload);
}

Result<std::vector<Part>> LocalStore::parts(const Context& ctx, const Upload& upload) {
    TRY_LET(bucket, bucket_of(ctx, upload.object));
    return local_parts(bucket, upload);
}

Result<std::vector<Upload>> LocalStore::uploads(const Context& ctx, const std::string& bucket,
                                                const std::string& prefix) {
    TRY(ctx.check());
    TRY_LET(opened, LocalBucket::open(bucket));
    return local_uploads(opened, prefix);
}

Result<BucketFacts> LocalStore::bucket_facts(const Context& ctx, const std::string& bucket) {
    TRY(ctx.check());
    TRY(LocalBucket::open(bucket));
    return BucketFacts{
        .website = false, .acls_enabled = false, .object_lock = false, .default_encryption = false, .versioned = false};
}

}  // namespace

std::unique_ptr<ObjectStore> make_local_store(LocalStoreOptions options) {
    return std::make_unique<LocalStore>(std::move(options));
}

}  // namespace dray
