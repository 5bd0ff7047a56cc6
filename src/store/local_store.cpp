#include "store/local_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/checksum.h"
#include "base/log.h"
#include "store/checksums.h"
#include "store/local_aside.h"
#include "store/local_body.h"
#include "store/local_file.h"
#include "store/local_keys.h"
#include "store/local_listing.h"
#include "store/local_properties.h"
#include "store/local_record.h"
#include "store/local_uploads.h"

namespace dray {
namespace {

Error no_object(const std::string& path) {
    return {.code = Code::not_found, .message = "no object " + in_quotes(path)};
}
Error changed(const std::string& path) {
    return {.code = Code::conflict, .message = "another object by now: " + in_quotes(path)};
}

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

    std::string identity() const override { return std::string(kLocalIdentity); }
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
    // Where it is looked for, after what killed processes put aside there came back.
    Result<LocalPlace> place_of(const Context& ctx, const LocalBucket& bucket, const ObjectRef& object);
    Result<Opened> open_at(LocalPlace place, std::string path) const;
    Result<Opened> open(const Context& ctx, const ObjectRef& object);
    Result<ObjectInfo> info(const Opened& object) const;
    Status check(const TargetConditions& conditions, const std::optional<LocalFile>& there,
                 const std::string& path) const;
    void sweep(const Context& ctx, const LocalPlace& place, const std::string& path);
    // A place and a file in it: the directory stays while the file is there.
    struct Begun {
        LocalPlace place;
        TempFile temp;
    };
    Result<Begun> begin(const Context& ctx, const LocalBucket& bucket, const std::string& key, mode_t mode);
    struct NewObject {
        TargetConditions conditions;
        std::vector<NameValue> tags;
        const LocalFile* like = nullptr;  // whose mode, owner and attributes it gets
    };
    // Writes what `fill` gives, then lets it appear under `to`.
    using Fill = std::function<Result<LocalRecord>(TempFile& temp)>;
    Result<ObjectInfo> create(const Context& ctx, const ObjectRef& to, const NewObject& wanted, const Fill& fill);
    Result<ObjectInfo> appear(const Context& ctx, const LocalPlace& place, TempFile& temp, const LocalRecord& record,
                              const NewObject& wanted, const std::string& path);
    struct Named {
        LocalTarget target;
        std::optional<LocalFile> replaced;
    };
    // What has just got its name: durable when this returns, and what is known of it.
    Result<ObjectInfo> tell_of(const LocalPlace& place, const TempFile& temp, const Named& named, Opened made);
    Result<Named> give_name(const LocalPlace& place, const TempFile& temp, const TargetConditions& conditions,
                            const std::string& path) const;
    Status unlink(const Context& ctx, const LocalPlace& place, const LocalFile& file, const RemoveOptions& options,
                  const std::string& path);

    Limits limits_;
    LocalSync sync_;
    OwnChanges own_changes_;
    OpenWalks walks_;
    Sweeps sweeps_;
};

Capabilities LocalStore::capabilities() const {
    constexpr auto yes = Guarantee::proven;
    Capabilities all{yes, yes, yes, yes, yes, yes, yes, yes, yes, yes,
                     yes, yes, yes, yes, yes, yes, yes, yes, yes, yes};
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

Result<LocalPlace> LocalStore::place_of(const Context& ctx, const LocalBucket& bucket, const ObjectRef& object) {
    const std::string path = bucket.path_of(object.key);
    if (!object.version.empty()) return no_object(path + " in version " + object.version);
    TRY_LET(place, bucket.find(object.key));
    if (!place) return no_object(path);
    sweep(ctx, *place, path);
    return *std::move(place);
}

void LocalStore::sweep(const Context& ctx, const LocalPlace& place, const std::string& path) {
    sweeps_.sweep_once(ctx, place.directory.get(), path, own_changes_);
    // Its body may have been put aside inside the directory of its name.
    const Fd inside = open_directory(place.directory.get(), place.name);
    if (inside) sweeps_.sweep_once(ctx, inside.get(), path + "/", own_changes_);
}

Result<LocalStore::Opened> LocalStore::open_at(LocalPlace place, std::string path) const {
    TRY_LET(file, open_object(place, path));
    if (!file) return no_object(path);
    return Opened{std::move(place), *std::move(file), std::move(path)};
}

Result<LocalStore::Opened> LocalStore::open(const Context& ctx, const ObjectRef& object) {
    TRY_LET(bucket, bucket_of(ctx, object));
    TRY_LET(place, place_of(ctx, bucket, object));
    return open_at(std::move(place), bucket.path_of(object.key));
}

Result<ObjectInfo> LocalStore::info(const Opened& object) const {
    TRY_LET(record, read_record(object.place.directory.get(), object.file, object.path));
    TRY_LET(tags, read_tags(object.place.directory.get(), object.file.status, object.path));
    ObjectInfo answer{.size = static_cast<std::uint64_t>(object.file.status.st_size),
                      .etag = own_changes_.etag(object.file.status),
                      .modified = modified_time(object.file.status),
                      .properties = std::move(record.properties),
                      .store_time = real_clock().wall()};
    TRY(read_file_properties(object.file, object.path, answer.properties));
    if (record.checksum) answer.checksums.push_back(std::move(*record.checksum));
    answer.properties.tag_count = static_cast<std::uint32_t>(tags.size());
    return answer;
}

// ---- reading ----

Result<ObjectInfo> LocalStore::head(const Context& ctx, const ObjectRef& object) {
    // Who looks at an object may rely on it and delete another: what a killed run wrote must be there to stay.
    TRY_LET(bucket, bucket_of(ctx, object));
    TRY(sync_.leftovers(bucket.fd(), bucket.directory()));
    TRY_LET(place, place_of(ctx, bucket, object));
    TRY_LET(opened, open_at(std::move(place), bucket.path_of(object.key)));
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
        return rotten(in_quotes(opened.path) + ": the bytes are not those once written");
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
        TRY_LET(started, LocalWalk::start(ctx, std::move(bucket), request.prefix, after, own_changes_));
        walk = std::move(started);
    }

    ListPage page;
    page.store_time = real_clock().wall();
    const std::size_t limit = std::min(request.max_keys, limits_.list_page);
    std::string last = after;
    while (page.objects.size() + page.common_prefixes.size() + page.others.size() < limit) {
        TRY(ctx.check());
        TRY_LET(found, walk->next(ctx));
        if (!found) return page;
        auto* object = std::get_if<ListedObject>(&*found);
        auto* other = std::get_if<ListedOther>(&*found);
        last = object ? object->key : other->key;
        const auto cut =
            request.delimiter.empty() ? std::string::npos : last.find(request.delimiter, request.prefix.size());
        if (other) {
            if (cut == std::string::npos) page.others.push_back(std::move(*other));
            continue;
        }
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

Status LocalStore::check(const TargetConditions& conditions, const std::optional<LocalFile>& there,
                         const std::string& path) const {
    if (conditions.if_absent && there) {
        return Error{.code = Code::exists, .message = "there is an object already: " + in_quotes(path)};
    }
    if (conditions.if_match.empty()) return {};
    if (!there) return no_object(path);
    return own_changes_.etag(there->status) == conditions.if_match ? Status() : Status(changed(path));
}

// Under the lock of the place. A directory of this name may come or go all the same: those are made and removed without
// it, and each round takes what is there.
Result<LocalStore::Named> LocalStore::give_name(const LocalPlace& place, const TempFile& temp,
                                                const TargetConditions& conditions, const std::string& path) const {
    const unsigned flags = conditions.if_absent ? RENAME_NOREPLACE : 0;
    for (int round = 0;; ++round) {
        TRY_LET(there, open_object(place, path));
        TRY_LET(target, target_of(place, path));
        TRY(check(conditions, there, path));
        const int directory = target.directory(place);
        if (::renameat2(place.directory.get(), temp.name().c_str(), directory, target.name.c_str(), flags) == 0)
            return Named{.target = std::move(target), .replaced = std::move(there)};
        const int number = errno;
        struct stat now {};
        const bool taken = ::fstatat(directory, target.name.c_str(), &now, AT_SYMLINK_NOFOLLOW) == 0;
        if (number == EEXIST && taken && !S_ISREG(now.st_mode) && !S_ISDIR(now.st_mode)) {
            return Error{.code = Code::refused,
                         .message = "a link, a pipe, a socket or a device has the name " + in_quotes(path) +
                                    "; it is no object, and dray does not replace it"};
        }
        const bool others_were_faster = number == EEXIST || number == ENOENT || number == EISDIR || number == ENOTDIR;
        if (!others_were_faster || round == kWalkRounds) return io_error("name", path, number);
    }
}

Result<ObjectInfo> LocalStore::appear(const Context& ctx, const LocalPlace& place, TempFile& temp,
                                      const LocalRecord& record, const NewObject& wanted, const std::string& path) {
    const int directory = place.directory.get();
    TRY(stamp_now(temp.fd(), path));
    TRY(keep_record(directory, temp.fd(), record, path));
    if (wanted.like) TRY(keep_file_properties(*wanted.like, temp.fd(), path));
    Opened made{.place = {Fd(::fcntl(directory, F_DUPFD_CLOEXEC, 0)), place.name}, .file = {}, .path = path};
    if (::fstat(temp.fd(), &made.file.status) != 0) return io_error("look at", path, errno);
    if (!wanted.tags.empty()) TRY(keep_tags(directory, made.file.status, wanted.tags, path));
    TRY(sync_.content(temp.fd(), path));

    TRY(lock_directory(ctx, directory, path));
    auto named = give_name(place, temp, wanted.conditions, path);
    if (!named) {
        drop_side_files(directory, made.file.status);
        return std::move(named).error();
    }
    temp.placed();
    auto told = tell_of(place, temp, *named, std::move(made));
    // The object is there: a right that is missing from here on is no refusal (R22).
    if (!told && told.error().code == Code::denied) told.error().unsure = true;
    return told;
}

Result<ObjectInfo> LocalStore::tell_of(const LocalPlace& place, const TempFile& temp, const Named& named, Opened made) {
    const int directory = place.directory.get();
    const std::string& path = made.path;
    if (named.replaced) drop_side_files(directory, named.replaced->status);
    made.file.fd = Fd(::fcntl(temp.fd(), F_DUPFD_CLOEXEC, 0));
    if (::fstat(temp.fd(), &made.file.status) != 0) return io_error("look at", path, errno);
    unlock_directory(directory);
    const LocalTarget& target = named.target;
    if (target.inside) TRY(sync_.directory(directory, place.name, target.inside.get(), path));
    TRY(sync_.content(target.directory(place), path));
    return info(made);
}

// Other workers remove directories that became empty: a new file in one that is gone is begun again.
Result<LocalStore::Begun> LocalStore::begin(const Context& ctx, const LocalBucket& bucket, const std::string& key,
                                            mode_t mode) {
    const std::string path = bucket.path_of(key);
    for (int round = 0;; ++round) {
        TRY_LET(place, bucket.make(ctx, key, sync_, own_changes_));
        sweep(ctx, place, path);
        auto temp = TempFile::make(place.directory.get(), path, mode);
        if (temp) return Begun{.place = std::move(place), .temp = *std::move(temp)};
        struct stat directory {};
        const bool removed = ::fstat(place.directory.get(), &directory) == 0 && directory.st_nlink == 0;
        if (!removed || round == kWalkRounds) return std::move(temp).error();
    }
}

Result<ObjectInfo> LocalStore::create(const Context& ctx, const ObjectRef& to, const NewObject& wanted,
                                      const Fill& fill) {
    TRY_LET(bucket, bucket_of(ctx, to));
    auto answer = [&]() -> Result<ObjectInfo> {
        // Nobody may read in the new file what the old one kept private.
        TRY_LET(begun, begin(ctx, bucket, to.key, wanted.like ? 0600 : 0666));
        TRY_LET(record, fill(begun.temp));
        return appear(ctx, begun.place, begun.temp, record, wanted, bucket.path_of(to.key));
    }();
    if (!answer) bucket.prune(ctx, to.key, sync_, own_changes_);  // the directories made for nothing
    return answer;
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
    return create(ctx, object,
                  {.conditions = {options.if_absent, options.if_match},
                   .tags = options.properties.tags.value_or(std::vector<NameValue>())},
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

    return create(ctx, to,
                  {.conditions = {options.target_if_absent, options.target_if_match},
                   .tags = std::move(tags),
                   .like = &source.file},
                  [&](TempFile& temp) -> Result<LocalRecord> {
                      const auto known = before.checksums.empty() ? std::optional<Checksum>() : before.checksums[0];
                      Writing writing(temp, known);
                      TRY(read_range(ctx, source.file.fd.get(), 0, before.size, source.path,
                                     [&](std::string_view bytes) { return writing.write(bytes); }));
                      TRY(unchanged(source.file.fd.get(), source.file.status, source.path));
                      auto checksum = writing.finish(source.path);
                      if (!checksum) return rotten(std::move(checksum).error().message);
                      Properties properties = without_tags(options.replace.value_or(before.properties));
                      auto chosen = [&](const std::string& option, const std::string& replaced) {
                          return !option.empty() ? option : options.replace ? replaced : std::string();
                      };
                      properties.storage_class = chosen(options.storage_class, properties.storage_class);
                      if (!options.website_redirect.empty()) properties.website_redirect = options.website_redirect;
                      return LocalRecord{std::move(properties), *std::move(checksum)};
                  });
}

// Without a condition, whatever has the name goes.
Status LocalStore::unlink(const Context& ctx, const LocalPlace& place, const LocalFile& file,
                          const RemoveOptions& options, const std::string& path) {
    const int directory = file.directory(place);
    // Whoever finds an aside there asks for the lock of that directory.
    if (file.inside) TRY(lock_directory(ctx, directory, path));
    std::optional<OwnChanges::Change> change;
    if (file.status.st_nlink > 1) change.emplace(own_changes_.begin(file.status));
    Status gone;
    if (!options.if_match.empty()) {
        gone = unlink_exactly(directory, file.name(place), file, path);
    } else if (::unlinkat(directory, file.name(place).c_str(), 0) != 0 && errno != ENOENT) {
        gone = io_error("remove", path, errno);
    }
    // It was taken aside and came back: its change time is ours.
    if (!gone && !change) change.emplace(own_changes_.begin(file.status));
    struct stat after {};
    if (change && ::fstat(file.fd.get(), &after) == 0) change->done(after);
    return gone;
}

Result<Removed> LocalStore::remove(const Context& ctx, const ObjectRef& object, const RemoveOptions& options) {
    TRY_LET(bucket, bucket_of(ctx, object));
    const std::string path = bucket.path_of(object.key);
    TRY_LET(place, bucket.find(object.key));
    auto nothing = [&]() { return options.if_match.empty() ? Result<Removed>(Removed{}) : no_object(path); };
    if (!place || !object.version.empty()) return nothing();

    const int directory = place->directory.get();
    sweep(ctx, *place, path);
    TRY(lock_directory(ctx, directory, path));
    TRY_LET(there, open_object(*place, path));
    if (!there) return nothing();
    TRY(check({.if_match = options.if_match}, there, path));
    TRY(unlink(ctx, *place, *there, options, path));
    drop_side_files(directory, there->status);
    const bool stays = there->inside && !sync_.remove_directory(directory, place->name);  // it holds others
    unlock_directory(directory);
    TRY(sync_.content(stays ? there->inside.get() : directory, path));
    bucket.prune(ctx, object.key, sync_, own_changes_);
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
    if (!copy.source_if_match.empty() && own_changes_.etag(source.file.status) != copy.source_if_match) {
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
        create(ctx, upload.object,
               {.conditions = {options.if_absent, options.if_match},
                .tags = properties.tags.value_or(std::vector<NameValue>())},
               [&](TempFile& temp) -> Result<LocalRecord> {
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
