#include "store/probe_steps.h"

#include <fmt/format.h>

#include <algorithm>
#include <latch>
#include <random>
#include <utility>

#include "base/crew.h"
#include "base/log.h"
#include "store/checksums.h"
#include "store/probe.h"

namespace dray {
namespace {

constexpr std::string_view kProbeName = ".dray-probe-";
constexpr std::size_t kProbeDigits = 16;
constexpr std::uint64_t kLargestBody = 4096;  // bytes; ours have some hundred
constexpr std::string_view kFirstBody = "dray probe\n";
constexpr const char* kContentType = "application/x-dray-probe";
constexpr const char* kRedirect = "/dray-probe";
const std::vector<NameValue> kPairs = {{"dray-probe", "1"}};  // metadata and tags
constexpr std::uint64_t kNotThere = UINT64_MAX;               // a size that nothing has

// Two keys that some stores take for one.
struct Twin {
    Guarantee Capabilities::*field;
    const char* name;
    const char* other;
};
// Twins share their first key, which saves requests; whether another one took its place is told by its size.
constexpr Twin kTwins[] = {
    {&Capabilities::keeps_case, "cas\xc3\xa9", "CAS\xc3\xa9"},
    {&Capabilities::keeps_unicode, "cas\xc3\xa9", "case\xcc\x81"},
    {&Capabilities::keeps_slashes, "a/b", "a//b"},
    {&Capabilities::keeps_slashes, "a/b", "a/b/"},
    {&Capabilities::keeps_dots, "a/b", "a/./b"},
    {&Capabilities::keeps_dots, "a/b", "a/x/../b"},
};
// The twin of "a/b" that differs by a slash at the very beginning of its key. Put last: if it replaces "a/b", no other
// twin has hidden that.
constexpr const char* kLeading = "a/b";
// What a condition must keep: made by racing copies, where copies know that condition, else put.
constexpr const char* kRemovedAlone = "keep-1";
constexpr const char* kRemovedInBatch = "keep-2";
constexpr const char* kCompletedOver = "a.b";
constexpr int kMaxVersions = 4;  // of one object that answers got lost about
bool folds_letters(const Twin& twin) {
    return twin.field == &Capabilities::keeps_case || twin.field == &Capabilities::keeps_unicode;
}
// Never an object's: what a condition compares with must be well formed, and wrong.
constexpr const char* kWrongEtag = "00000000000000000000000000000000";

// What a refusal says of the store: the code asked for is a refusal, other lasting codes (501, 400) mean that the store
// does not know the condition. Everything else is no answer to the question.
Status settled(const Error& error, std::initializer_list<Code> refusals, bool& refused) {
    refused = std::find(refusals.begin(), refusals.end(), error.code) != refusals.end();
    const bool unknown_to_store = error.code == Code::unsupported || error.code == Code::invalid;
    if ((refused || unknown_to_store) && !error.unsure) return {};
    return error;
}

Guarantee proven_if(bool seen) {
    return seen ? Guarantee::proven : Guarantee::absent;
}

// probe_name(), alone or with more below it.
bool begins_as_probe(std::string_view key) {
    if (!key.starts_with(kProbeName)) return false;
    key.remove_prefix(kProbeName.size());
    const bool ends = key.size() == kProbeDigits || (key.size() > kProbeDigits && key[kProbeDigits] == '/');
    return ends && key.find_first_not_of("0123456789abcdef") >= kProbeDigits;
}

}  // namespace

std::string probe_name() {
    std::random_device random;
    return fmt::format("{}{:08x}{:08x}", kProbeName, random(), random());
}

bool is_probe_object(std::string_view key) {
    for (auto at = key.find(kProbeName); at != std::string_view::npos; at = key.find(kProbeName, at + 1)) {
        if (begins_as_probe(key.substr(at))) return true;
    }
    return false;
}

ProbeGround::ProbeGround(ObjectStore& store, std::string bucket, const std::string& prefix, bool versioned)
    : store_(store),
      bucket_(std::move(bucket)),
      prefix_(prefix),
      base_(prefix + probe_name() + "/"),
      versioned_(versioned) {}

Result<ObjectInfo> ProbeGround::put(const Context& ctx, const std::string& name, std::string_view body,
                                    const PutOptions& options) {
    auto made = store_.put(ctx, at(name), body, options);
    // An unsure put may be there: clean_up removes what is not there just as well.
    if (made || made.error().unsure) written(name, made ? made->version : std::string());
    return made;
}

Result<ObjectInfo> ProbeGround::copy(const Context& ctx, const std::string& from, const std::string& to,
                                     const CopyOptions& options) {
    auto made = store_.copy(ctx, at(from), at(to), options);
    if (made || made.error().unsure) written(to, made ? made->version : std::string());
    return made;
}

Result<std::vector<ListedObject>> ProbeGround::list(const Context& ctx, const std::string& start_after) {
    ListRequest request{.bucket = bucket_, .prefix = base_};
    if (!start_after.empty()) request.start_after = base_ + start_after;
    TRY_LET(page, store_.list(ctx, request));
    return std::move(page.objects);
}

Status ProbeGround::put_own(const Context& ctx, const std::string& name) {
    if (sizes_.contains(name)) return {};
    const std::string body = next_body();
    auto made = put(ctx, name, body, {});
    bool refused = false;
    if (!made) TRY(settled(made.error(), {Code::invalid, Code::exists, Code::conflict}, refused));
    sizes_[name] = made ? body.size() : kNotThere;
    return {};
}

// It lies outside the prefix, where we may not be allowed to write: then nothing is proven.
Status ProbeGround::put_leading(const Context& ctx) {
    const std::string body = next_body();
    const std::string key = "/" + base_ + kLeading;
    auto made = store_.put(ctx, {bucket_, key, {}}, body);
    if (made || made.error().unsure) written_key(key, made ? made->version : std::string());
    bool refused = false;
    if (!made) TRY(settled(made.error(), {Code::invalid, Code::exists, Code::conflict, Code::denied}, refused));
    leading_size_ = made ? body.size() : kNotThere;
    return {};
}

Status ProbeGround::begin(const Context& ctx) {
    PutOptions options{.checksum = checksum_of(Checksum::Algorithm::crc64nvme, kFirstBody)};
    options.properties.content_type = kContentType;
    options.properties.metadata = kPairs;
    options.properties.website_redirect = kRedirect;
    auto made = put(ctx, "a", kFirstBody, options);
    const auto refused = [&] {
        return !made && (made.error().code == Code::invalid || made.error().code == Code::unsupported);
    };
    redirected_ = !refused();
    if (refused()) {
        options.properties.website_redirect.clear();
        made = put(ctx, "a", kFirstBody, options);
    }
    if (refused()) {
        options.checksum.reset();
        made = put(ctx, "a", kFirstBody, options);
    }
    if (!made) return std::move(made).error().within("probe");
    first_ = *made;
    sizes_["a"] = kFirstBody.size();
    return {};
}

Status ProbeGround::try_copy(const Context& ctx, Capabilities& found) {
    const auto tagged = store_.set_tags(ctx, at("a"), kPairs);
    TRY(copy(ctx, "a", "copy", {.source_if_match = first_.etag}));
    sizes_["copy"] = kFirstBody.size();
    TRY_LET(head, store_.head(ctx, at("copy")));
    const bool properties = head.properties.content_type == kContentType && head.properties.metadata == kPairs;
    found.copies_properties = proven_if(properties);
    found.no_default_key = proven_if(!head.properties.encryption.starts_with("aws:kms"));
    TRY(see_redirect(ctx, head.properties, found));
    if (!tagged) return {};  // tags are not offered, or not to us: unknown
    const auto tags = store_.tags(ctx, at("copy"));
    found.copies_tags = proven_if(tags && *tags == kPairs);
    if (tags || tags.error().code == Code::denied) found.reads_tags = proven_if(tags.has_value());
    return {};
}

// Where the copy has none, the store may not keep any: then no object has one to lose.
Status ProbeGround::see_redirect(const Context& ctx, const Properties& copy, Capabilities& found) {
    if (!redirected_) return {};
    bool kept = false;
    if (copy.website_redirect.empty()) {
        TRY_LET(head, store_.head(ctx, at("a")));
        kept = !head.properties.website_redirect.empty();
    }
    found.copies_redirects = proven_if(!kept);
    return {};
}

Status ProbeGround::try_put_conditions(const Context& ctx, Capabilities& found) {
    const auto sum = checksum_of(Checksum::Algorithm::crc64nvme, kFirstBody);
    bool checksum_refused = false;
    if (auto made = put(ctx, "damaged", "other bytes", {.checksum = sum, .damaged_on_purpose = true}); !made) {
        // Corrupt and unsure: it was taken, and told with a checksum that is not the one sent.
        const bool taken = made.error().code == Code::corrupt && made.error().unsure;
        if (!taken) TRY(settled(made.error(), {Code::corrupt, Code::invalid, Code::conflict}, checksum_refused));
    }
    found.checksums = Guarantee::absent;
    if (checksum_refused) {
        TRY_LET(head, store_.head(ctx, at("a")));
        const bool told = std::find(head.checksums.begin(), head.checksums.end(), *sum) != head.checksums.end();
        found.checksums = proven_if(told);
    }

    Tried match{.field = &Capabilities::put_if_match, .name = "a"};
    constexpr std::string_view kOther = "put over another one";
    if (auto made = put(ctx, match.name, kOther, {.if_match = kWrongEtag}); made) {
        sizes_[match.name] = kOther.size();
    } else {
        TRY(settled(made.error(), {Code::conflict, Code::exists}, match.refused));
    }
    tried_.push_back(match);
    return race_puts(ctx);
}

// Who wins is told by the length of its body. Where a condition is ignored all win, and where it is unknown none does.
Status ProbeGround::race_puts(const Context& ctx) {
    Tried absent{.field = &Capabilities::put_if_absent, .name = "a-b"};
    std::vector<std::string> bodies;
    while (bodies.size() < kProbeRacers)
        bodies.push_back(next_body());
    TRY_LET(winner, race(absent.name, [&](std::size_t racer) {
                return store_.put(ctx, at(absent.name), bodies[racer], {.if_absent = true});
            }));
    absent.refused = winner.has_value();
    if (winner) sizes_[absent.name] = bodies[*winner].size();
    tried_.push_back(absent);
    return {};
}

Result<std::optional<std::size_t>> ProbeGround::race(const std::string& name, const Create& create) {
    TRY_LET(crew, Crew::make(kProbeRacers));
    std::vector<std::optional<Result<ObjectInfo>>> answers(kProbeRacers);
    std::latch start(kProbeRacers);
    crew->for_each(kProbeRacers, [&](std::size_t racer) {
        start.arrive_and_wait();
        answers[racer] = create(racer);
    });
    // Each is noted before the first error counts: clean_up must know of all.
    for (const auto& made : answers)
        if (*made || made->error().unsure) written(name, *made ? (*made)->version : std::string());
    std::optional<std::size_t> winner;
    bool one_won = true;
    for (std::size_t racer = 0; racer < answers.size(); ++racer) {
        bool refused = false;
        if (const auto& made = *answers[racer]; !made)
            TRY(settled(made.error(), {Code::exists, Code::conflict}, refused));
        else
            one_won = one_won && !std::exchange(winner, racer);
        one_won = one_won && (refused || winner == racer);
    }
    return one_won ? winner : std::nullopt;
}

Status ProbeGround::put_folder(const Context& ctx) {
    return put_own(ctx, "a/b");
}

Status ProbeGround::put_twins(const Context& ctx, bool folding_only) {
    for (const Twin& twin : kTwins) {
        if (folding_only && !folds_letters(twin)) continue;
        TRY(put_own(ctx, twin.name));
        TRY(put_own(ctx, twin.other));
    }
    return folding_only ? Status() : put_leading(ctx);
}

Status ProbeGround::try_copy_conditions(const Context& ctx) {
    Tried source{.field = &Capabilities::copy_source_if_match, .name = "unwanted", .should_exist = false};
    if (auto made = copy(ctx, "a", source.name, {.source_if_match = kWrongEtag}); !made) {
        TRY(settled(made.error(), {Code::conflict}, source.refused));
    }
    Tried target{.field = &Capabilities::copy_if_absent, .name = "a-b"};
    TRY(put_own(ctx, target.name));
    if (auto made = copy(ctx, "a", target.name, {.target_if_absent = true}); made) {
        sizes_[target.name] = sizes_["a"];
    } else {
        TRY(settled(made.error(), {Code::exists, Code::conflict}, target.refused));
    }
    tried_.insert(tried_.end(), {source, target});
    return {};
}

Status ProbeGround::race_copies(const Context& ctx) {
    constexpr auto field = &Capabilities::copy_if_absent;
    const bool refuses = std::any_of(tried_.begin(), tried_.end(),
                                     [&](const Tried& tried) { return tried.field == field && tried.refused; });
    if (!refuses) return {};  // nothing is guarded there, and nothing can be lost
    for (const char* name : {kRemovedAlone, kRemovedInBatch, kCompletedOver}) {
        TRY_LET(winner, race(name, [&](std::size_t) {
                    return store_.copy(ctx, at("a"), at(name), {.target_if_absent = true});
                }));
        if (winner)
            sizes_[name] = sizes_["a"];
        else
            races_lost_.push_back(field);
    }
    return {};
}

Status ProbeGround::try_remove_conditions(const Context& ctx) {
    Tried one{.field = &Capabilities::remove_if_match, .name = kRemovedAlone};
    Tried many{.field = &Capabilities::remove_many_if_match, .name = kRemovedInBatch};
    TRY(put_own(ctx, one.name));
    TRY(put_own(ctx, many.name));
    if (auto removed = store_.remove(ctx, at(one.name), {.if_match = kWrongEtag}); removed) {
        written(one.name, removed->version);
    } else {
        TRY(settled(removed.error(), {Code::conflict}, one.refused));
    }
    const std::vector<RemoveItem> items = {{.key = base_ + many.name, .version = {}, .if_match = kWrongEtag}};
    if (auto verdicts = store_.remove_many(ctx, bucket_, items); !verdicts) {
        TRY(settled(verdicts.error(), {Code::conflict}, many.refused));
    } else if (const auto& verdict = verdicts->at(0).verdict; verdict) {
        written(many.name, verdict->version);
    } else {
        TRY(settled(verdict.error(), {Code::conflict}, many.refused));
    }
    tried_.insert(tried_.end(), {one, many});
    return {};
}

Status ProbeGround::try_multipart(const Context& ctx, Capabilities& found) {
    Tried complete{.field = &Capabilities::complete_if_absent, .name = kCompletedOver};
    TRY(put_own(ctx, complete.name));
    auto upload = store_.create_upload(ctx, at(complete.name), {});
    bool refused = false;
    if (!upload) {
        lost_upload_ = upload.error().unsure;
        TRY(settled(upload.error(), {}, refused));
    }
    found.part_copy = Guarantee::absent;
    auto ask = [&]() -> Status {
        const std::string_view bytes = kFirstBody.substr(0, 4);
        auto part = store_.copy_part(ctx, *upload, 1, {at("copy"), {}, 0, bytes.size()});
        if (!part) TRY(settled(part.error(), {}, refused));
        found.part_copy = proven_if(part.has_value());
        if (!part) part = store_.upload_part(ctx, *upload, 1, *bytes_source(bytes));
        if (!part) return std::move(part).error();
        const std::vector<Part> parts = {*part};
        auto made = store_.complete_upload(ctx, *upload, parts, {.if_absent = true});
        if (made) written(complete.name, made->version);
        if (!made) TRY(settled(made.error(), {Code::exists, Code::conflict}, complete.refused));
        return {};
    };
    if (upload) {
        Status asked = ask();
        const Status aborted = store_.abort_upload(ctx.unstoppable().within(std::chrono::seconds(30)), *upload);
        lost_upload_ = !aborted.has_value();
        TRY(std::move(asked));
        TRY(aborted);
    }
    tried_.push_back(complete);
    return {};
}

Status ProbeGround::look(const Context& ctx, Capabilities& found) {
    TRY_LET(listed, list(ctx));
    listed_ = std::move(listed);
    for (const Tried& tried : tried_) {
        const bool no_effect = tried.should_exist ? is_as_put(tried.name) : listed_size(tried.name) == kNotThere;
        found.*tried.field = proven_if(tried.refused && no_effect);
    }
    for (const auto field : races_lost_)
        found.*field = Guarantee::absent;
    for (const Twin& twin : kTwins) {
        if (!sizes_.contains(twin.name) || !sizes_.contains(twin.other)) continue;
        Guarantee& field = found.*twin.field;
        field = proven_if(are_apart(twin.name, twin.other) && field != Guarantee::absent);
    }
    if (leading_size_) {
        const std::uint64_t size = listed_size(kLeading);
        const bool apart = *leading_size_ != kNotThere && size != kNotThere && size != *leading_size_;
        if (!apart) found.keeps_slashes = Guarantee::absent;
    }
    return {};
}

std::uint64_t ProbeGround::listed_size(const std::string& name) const {
    auto object = std::find_if(listed_.begin(), listed_.end(), [&](auto& seen) { return seen.key == base_ + name; });
    return object == listed_.end() ? kNotThere : object->size;
}

bool ProbeGround::is_as_put(const std::string& name) const {
    const auto size = sizes_.find(name);
    return size != sizes_.end() && size->second != kNotThere && listed_size(name) == size->second;
}

bool ProbeGround::are_apart(const std::string& name, const std::string& other) const {
    const std::uint64_t size = listed_size(name);
    return is_as_put(other) && size != kNotThere && size != listed_size(other);
}

Status ProbeGround::try_start_after(const Context& ctx, Capabilities& found) {
    auto is_later = [&](const ListedObject& object) { return object.key > base_ + "a-b"; };
    const bool telling = std::count_if(listed_.begin(), listed_.end(), [&](const ListedObject& object) {
                             return object.key == base_ + "a" || object.key == base_ + "a-b" ||
                                    object.key == base_ + "a.b" || object.key == base_ + "a/b";
                         }) == 4;
    const bool ordered = std::is_sorted(listed_.begin(), listed_.end(),
                                        [](const ListedObject& x, const ListedObject& y) { return x.key < y.key; });
    found.byte_order = proven_if(telling && ordered);
    TRY_LET(rest, list(ctx, "a-b"));
    const bool all_there = std::count_if(listed_.begin(), listed_.end(), is_later) == std::ssize(rest);
    found.start_after = proven_if(all_there && std::all_of(rest.begin(), rest.end(), is_later));
    return {};
}

// Each step takes away what the one before could not; what is left after all is named.
Status ProbeGround::clean_up(const Context& stopping) {
    const Context ctx = stopping.unstoppable().within(std::chrono::seconds(60));
    const bool any = !written_.empty();
    if (lost_upload_) abort_lost_uploads(ctx);
    remove_batch(ctx);
    if (any) {
        auto left = list_what_is_left(ctx);
        if (left) {
            // What the listing shows is removed as such, what it does not show is gone.
            std::erase_if(written_, [&](const RemoveItem& item) {
                return item.version.empty() && !versioned_ && item.key.starts_with(base_);
            });
            for (std::string& key : *left)
                written_.push_back({.key = std::move(key), .version = {}, .if_match = {}});
        } else {
            failures_.push_back(std::move(left).error().within("list"));
        }
    }
    for (const RemoveItem& item : written_) {
        Status gone = item.version.empty() && versioned_ ? remove_versions(ctx, item.key) : remove_one(ctx, item);
        if (!gone) failures_.push_back(std::move(gone).error().within(in_quotes(item.key)));
    }
    written_.clear();
    remove_leftovers(ctx);
    if (failures_.empty()) return {};
    Error first = std::move(failures_.front());
    if (failures_.size() > 1) first.message += fmt::format(" (and {} more)", failures_.size() - 1);
    return first;
}

// Another probe's, and below the same prefix.
bool ProbeGround::is_left_by_probe(std::string_view key) const {
    return key.starts_with(prefix_) && !key.starts_with(base_) && begins_as_probe(key.substr(prefix_.size()));
}

// One listing for our own objects and for those of earlier probes.
Result<std::vector<std::string>> ProbeGround::list_what_is_left(const Context& ctx) {
    TRY_LET(all, store_.list(ctx, {.bucket = bucket_, .prefix = prefix_ + std::string(kProbeName)}));
    store_time_ = all.store_time != WallTime{} ? all.store_time : ctx.clock().wall();
    for (const ListedObject& object : all.objects) {
        const bool ours = is_left_by_probe(object.key) && object.size <= kLargestBody;
        const bool old = object.modified != WallTime{} && store_time_ - object.modified > kProbeLeftoverAge;
        if (ours && old) leftovers_.push_back(object.key);
    }
    if (all.truncated || !leftovers_.empty()) {  // they may hide ours
        TRY_LET(own, list(ctx));
        all.objects = std::move(own);
    }
    // By its name alone: a store that folds keys may show it below another prefix.
    const std::string own_name = base_.substr(prefix_.size());
    std::vector<std::string> keys;
    for (const ListedObject& object : all.objects)
        if (object.key.find(own_name) != std::string::npos) keys.push_back(object.key);
    return keys;
}

void ProbeGround::remove_leftovers(const Context& ctx) {
    if (leftovers_.empty()) return;
    std::vector<RemoveItem> items;
    std::string last_base;
    for (const std::string& key : leftovers_) {
        items.push_back({.key = key, .version = {}, .if_match = {}});
        // put_leading()'s object lies outside the prefix, so no listing showed it.
        const std::string base = key.substr(0, prefix_.size() + kProbeName.size() + kProbeDigits + 1);
        if (base != last_base && base.ends_with('/'))
            items.push_back({.key = "/" + base + kLeading, .version = {}, .if_match = {}});
        last_base = base;
    }
    std::size_t removed = 0;
    auto remove = [&](const RemoveItem& item) {
        const Status gone = versioned_ ? remove_versions(ctx, item.key) : remove_one(ctx, item);
        removed += gone ? 1 : 0;
    };
    std::for_each(items.begin(), items.end(), remove);
    abort_old_uploads(ctx, store_time_);
    log_event(LogLevel::info, "probe-leftovers-removed",
              {{"below", in_quotes(bucket_ + "/" + prefix_)},
               {"found", std::to_string(leftovers_.size())},
               {"removed", std::to_string(removed)}});
}

void ProbeGround::abort_old_uploads(const Context& ctx, WallTime now) {
    const auto uploads = store_.uploads(ctx, bucket_, prefix_ + std::string(kProbeName));
    if (!uploads) return log_event(LogLevel::info, "probe-uploads-left", {{"why", uploads.error().message}});
    for (const Upload& upload : *uploads) {
        if (!is_left_by_probe(upload.object.key) || upload.started == WallTime{} ||
            now - upload.started <= kProbeLeftoverAge)
            continue;
        const Status aborted = store_.abort_upload(ctx, upload);
        if (!aborted) log_event(LogLevel::info, "probe-upload-left", {{"why", aborted.error().message}});
    }
}

// Leaves in written_ what a batch cannot remove or did not.
void ProbeGround::remove_batch(const Context& ctx) {
    auto by_name = [](const RemoveItem& a, const RemoveItem& b) {
        return std::pair(a.key, a.version) < std::pair(b.key, b.version);
    };
    // A batch must not name a key twice.
    std::sort(written_.begin(), written_.end(), by_name);
    auto same = [](const RemoveItem& a, const RemoveItem& b) { return a.key == b.key && a.version == b.version; };
    written_.erase(std::unique(written_.begin(), written_.end(), same), written_.end());
    // Without its version, a delete would only put a marker over it.
    const auto batch_end = std::stable_partition(
        written_.begin(), written_.end(), [&](const RemoveItem& item) { return !versioned_ || !item.version.empty(); });
    const std::vector<RemoveItem> batch(written_.begin(), batch_end);
    if (batch.empty()) return;
    auto verdicts = store_.remove_many(ctx, bucket_, batch);
    if (!verdicts) {
        log_event(LogLevel::info, "probe-batch-delete-failed", {{"why", verdicts.error().message}});
        return;
    }
    std::vector<RemoveItem> left(batch_end, written_.end());
    for (std::size_t i = 0; i < batch.size(); ++i) {
        const auto& verdict = (*verdicts)[i].verdict;
        if (!verdict && verdict.error().code != Code::not_found) left.push_back(batch[i]);
    }
    written_ = std::move(left);
}

Status ProbeGround::remove_one(const Context& ctx, const RemoveItem& item) {
    auto removed = store_.remove(ctx, {bucket_, item.key, item.version}, {});
    if (!removed && removed.error().code != Code::not_found) return std::move(removed).error();
    return {};
}

// Of an object whose version nobody told us: HEAD tells the newest one.
Status ProbeGround::remove_versions(const Context& ctx, const std::string& key) {
    for (int i = 0; i < kMaxVersions; ++i) {
        auto head = store_.head(ctx, {bucket_, key, {}});
        if (!head && head.error().code == Code::not_found) return {};
        if (!head) return std::move(head).error();
        TRY(remove_one(ctx, {.key = key, .version = head->version, .if_match = {}}));
    }
    return Error{.code = Code::unavailable, .message = "it comes back after each delete"};
}

void ProbeGround::abort_lost_uploads(const Context& ctx) {
    auto uploads = store_.uploads(ctx, bucket_, base_);
    if (!uploads) return failures_.push_back(std::move(uploads).error().within("look for a lost upload"));
    for (const Upload& upload : *uploads) {
        Status aborted = store_.abort_upload(ctx, upload);
        if (!aborted) failures_.push_back(std::move(aborted).error().within("abort the upload " + upload.id));
    }
}

}  // namespace dray
