// What belongs to an object beside its bytes: brought along where the store drops it, and proven to be at the target
// before the source goes. A store that was proven to keep it all costs no request here.
#include <fmt/format.h>

#include "base/log.h"
#include "ops/mover.h"

namespace dray {
namespace {

std::string joined(const std::vector<LostProperty>& lost) {
    std::string names;
    for (const LostProperty& one : lost)
        names.append(names.empty() ? "" : ", ").append(printable(one.name));
    return names;
}

}  // namespace

// Unknown beside proven properties: the store offers no tags, so that there are none to lose. Unknown beside unknown:
// nobody looked.
bool Mover::keeps_tags(const OneMove& move) const {
    const Capabilities& store = capabilities(move);
    if (store.copies_tags == Guarantee::unknown) return proven(store.copies_properties);
    return proven(store.copies_tags);
}

bool Mover::keeps_properties(const OneMove& move) const {
    return proven(capabilities(move).copies_properties) && keeps_tags(move);
}

// A rewrite would destroy metadata that HTTP cannot show, and this store's plain copy loses it: nothing is tried then.
Next Mover::lost_beforehand(Work work) {
    const OneMove& move = work.move;
    const bool bare = capabilities(move).copies_properties == Guarantee::absent;
    const std::uint32_t hidden = move.from_seen->properties.hidden_metadata;
    if (!bare || hidden == 0 || !setup_.settings.preserve.has(Property::metadata)) return Next::copy;
    work.move.lost = name_of(Property::metadata);
    return failed(
        work, Code::refused, "property-lost",
        fmt::format("this store's copies lose metadata, and {} x-amz-meta-* of this object cannot be read and "
                    "sent again; nothing was copied",
                    hidden));
}

Next Mover::kept(Work work, const ObjectInfo& from, const ObjectInfo& to) {
    OneMove& move = work.move;
    Properties had = from.properties, has = to.properties;
    const std::string wanted = copy_options(move).storage_class;  // a person may have chosen another class
    had.storage_class = wanted == "STANDARD" ? std::string() : wanted;
    if (!keeps_tags(move)) {
        if (!had.tags && move.from_seen) had.tags = move.from_seen->properties.tags;
        if (!had.tags) {
            auto tags = tags_of(work, move.from_ref());
            if (!tags) return stumbled(work, tags.error());
            had.tags = *std::move(tags);
        }
        if (had.tags && !had.tags->empty()) {
            if (auto brought = bring_tags(work, *had.tags, to, has); !brought) return stumbled(work, brought.error());
        }
    }
    const std::vector<LostProperty> lost = lost_properties(had, has);
    PropertySet properties;
    bool enough = true;
    for (const LostProperty& one : lost) {
        properties.add(one.property);
        enough = enough && !setup_.settings.preserve.has(one.property);
    }
    move.lost = properties.empty() ? std::string() : properties.words();
    if (enough) return Next::remove;
    return failed(
        work, Code::refused, "property-lost",
        fmt::format("the copy lacks {} of its source; it stays at the target, and the source stays", joined(lost)));
}

// nullopt: they cannot be read, so that only their number is known, where HEAD tells it.
Result<std::optional<std::vector<NameValue>>> Mover::tags_of(Work work, const ObjectRef& object) {
    auto tags = requests_.tags(work.ctx, work.move.from().store, object, work.move.requests);
    if (tags) return std::optional(*std::move(tags));
    switch (tags.error().code) {
        case Code::not_found:
        case Code::denied:
        case Code::unsupported:
        case Code::invalid: return std::optional<std::vector<NameValue>>();
        default: return std::move(tags).error();
    }
}

// The copy was sent with the tags; a store that took no notice (radosgw ignores the directive) gets them once more by
// themselves. What cannot be set is then missing from `now`.
Status Mover::bring_tags(Work work, const std::vector<NameValue>& tags, const ObjectInfo& to, Properties& now) {
    OneMove& move = work.move;
    ObjectRef target = move.to_ref();
    target.version = to.version;
    TRY_LET(there, tags_of(work, target));
    now.tags = std::move(there);
    if (now.tags == tags || !work.recorder.may_change()) return {};
    if (auto set = requests_.set_tags(work.ctx, move.to().store, target, tags, move.requests); !set) {
        if (ends_run(set.error())) return set;
    }
    TRY_LET(after, tags_of(work, target));
    now.tags = std::move(after);
    return {};
}

}  // namespace dray
