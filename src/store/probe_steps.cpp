#include "store/probe_steps.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>

#include "base/log.h"
#include "store/checksums.h"

namespace dray {
namespace {

constexpr std::string_view kFirstBody = "dray probe\n";
constexpr const char* kContentType = "application/x-dray-probe";
const std::vector<NameValue> kPairs = {{"dray-probe", "1"}};  // metadata and tags
constexpr std::uint64_t kNotThere = UINT64_MAX;               // a size that nothing has

// Two keys that some stores take for one.
struct Twin {
    Guarantee Capabilities::*field;
    const char* name;
    const char* other;
};
constexpr Twin kTwins[] = {
    {&Capabilities::keeps_case, "CASE", "case"},   {&Capabilities::keeps_unicode, "\xc3\xa9", "e\xcc\x81"},
    {&Capabilities::keeps_slashes, "a/b", "a//b"}, {&Capabilities::keeps_slashes, "a/b", "a/b/"},
    {&Capabilities::keeps_dots, "a/b", "a/./b"},   {&Capabilities::keeps_dots, "a/b", "a/x/../b"},
};
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

}  // namespace

std::string probe_name() {
    std::random_device random;
    return fmt::format(".dray-probe-{:08x}{:08x}", random(), random());
}

ProbeGround::ProbeGround(ObjectStore& store, std::string bucket, const std::string& prefix)
    : store_(store), bucket_(std::move(bucket)), base_(prefix + probe_name() + "/") {}

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
    const std::string body(100 + sizes_.size(), 'x');
    auto made = put(ctx, name, body, {});
    bool refused = false;
    if (!made) TRY(settled(made.error(), {Code::invalid, Code::exists, Code::conflict}, refused));
    sizes_[name] = made ? body.size() : kNotThere;
    return {};
}

Status ProbeGround::begin(const Context& ctx) {
    PutOptions options{.checksum = checksum_of(Checksum::Algorithm::crc64nvme, kFirstBody)};
    options.properties.content_type = kContentType;
    options.properties.metadata = kPairs;
    auto made = put(ctx, "a", kFirstBody, options);
    if (!made && (made.error().code == Code::invalid || made.error().code == Code::unsupported)) {
        options.checksum.reset();  // it may refuse the checksum
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
    if (!tagged) return {};  // tags are not offered, or not to us: unknown
    const auto tags = store_.tags(ctx, at("copy"));
    found.copies_tags = proven_if(tags && *tags == kPairs);
    return {};
}

Status ProbeGround::try_put_conditions(const Context& ctx, Capabilities& found) {
    TRY_LET(head, store_.head(ctx, at("a")));
    const auto sum = checksum_of(Checksum::Algorithm::crc64nvme, kFirstBody);
    const bool told = std::find(head.checksums.begin(), head.checksums.end(), *sum) != head.checksums.end();
    bool checksum_refused = false;
    if (auto made = put(ctx, "damaged", "other bytes", {.checksum = sum}); !made) {
        TRY(settled(made.error(), {Code::corrupt, Code::invalid, Code::conflict}, checksum_refused));
    }
    found.checksums = proven_if(told && checksum_refused);

    Tried absent{.field = &Capabilities::put_if_absent, .name = "copy"};
    Tried match{.field = &Capabilities::put_if_match, .name = "a"};
    if (auto made = put(ctx, absent.name, "put over it, shorter or longer", {.if_absent = true}); !made) {
        TRY(settled(made.error(), {Code::exists, Code::conflict}, absent.refused));
    }
    if (auto made = put(ctx, match.name, "put over another one", {.if_match = kWrongEtag}); !made) {
        TRY(settled(made.error(), {Code::conflict, Code::exists}, match.refused));
    }
    tried_.insert(tried_.end(), {absent, match});
    return {};
}

Status ProbeGround::put_twins(const Context& ctx, bool folding_only) {
    for (const Twin& twin : kTwins) {
        if (folding_only && !folds_letters(twin)) continue;
        TRY(put_own(ctx, twin.name));
        TRY(put_own(ctx, twin.other));
    }
    return {};
}

Status ProbeGround::try_copy_conditions(const Context& ctx) {
    Tried source{.field = &Capabilities::copy_source_if_match, .name = "unwanted", .should_exist = false};
    if (auto made = copy(ctx, "a", source.name, {.source_if_match = kWrongEtag}); !made) {
        TRY(settled(made.error(), {Code::conflict}, source.refused));
    }
    Tried target{.field = &Capabilities::copy_if_absent, .name = "a-b"};
    TRY(put_own(ctx, target.name));
    if (auto made = copy(ctx, "a", target.name, {.target_if_absent = true}); !made) {
        TRY(settled(made.error(), {Code::exists, Code::conflict}, target.refused));
    }
    tried_.insert(tried_.end(), {source, target});
    return {};
}

Status ProbeGround::try_remove_conditions(const Context& ctx) {
    Tried one{.field = &Capabilities::remove_if_match, .name = "keep-1"};
    Tried many{.field = &Capabilities::remove_many_if_match, .name = "keep-2"};
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
    Tried complete{.field = &Capabilities::complete_if_absent, .name = "a.b"};
    TRY(put_own(ctx, complete.name));
    auto upload = store_.create_upload(ctx, at(complete.name), {});
    bool refused = false;
    if (!upload) TRY(settled(upload.error(), {}, refused));
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
        TRY(std::move(asked));
        TRY(aborted);
    }
    tried_.push_back(complete);
    return {};
}

Status ProbeGround::look(const Context& ctx, Capabilities& found) {
    TRY_LET(listed, list(ctx));
    listed_ = std::move(listed);
    auto as_put = [&](const std::string& name) {
        const auto size = sizes_.find(name);
        return size != sizes_.end() && std::any_of(listed_.begin(), listed_.end(), [&](const ListedObject& object) {
                   return object.key == base_ + name && object.size == size->second;
               });
    };
    auto there = [&](const std::string& name) {
        return std::any_of(listed_.begin(), listed_.end(), [&](auto& object) { return object.key == base_ + name; });
    };
    for (const Tried& tried : tried_) {
        const bool no_effect = tried.should_exist ? as_put(tried.name) : !there(tried.name);
        found.*tried.field = proven_if(tried.refused && no_effect);
    }
    for (const Twin& twin : kTwins) {
        if (!sizes_.contains(twin.name) || !sizes_.contains(twin.other)) continue;
        Guarantee& field = found.*twin.field;
        field = proven_if(as_put(twin.name) && as_put(twin.other) && field != Guarantee::absent);
    }
    return {};
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

Status ProbeGround::clean_up(const Context& stopping) {
    if (written_.empty()) return {};
    const Context ctx = stopping.unstoppable().within(std::chrono::seconds(60));
    // Whatever it answers: the listing tells what is left.
    if (auto removed = store_.remove_many(ctx, bucket_, written_); !removed) {
        log_event(LogLevel::info, "probe-batch-delete-failed", {{"why", removed.error().message}});
    }
    TRY_LET(left, list(ctx));
    for (const ListedObject& object : left)
        TRY(store_.remove(ctx, {bucket_, object.key, {}}, {}));
    return {};
}

}  // namespace dray
