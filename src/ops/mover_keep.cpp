// What belongs to an object beside its bytes: brought along where the store drops it, and proven to be at the target
// before the source goes. A store that was proven to keep it all costs no request here.
#include <fmt/format.h>

#include "base/log.h"
#include "ops/mover.h"

namespace dray {

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
    if (hidden == 0 || !(bare || rewrites(move))) return Next::copy;
    if (!rewrites(move) && !setup_.settings.preserve.has(Property::metadata)) return Next::copy;
    work.move.lost = name_of(Property::metadata);
    return failed(
        work, Code::refused, "property-lost",
        fmt::format("{} x-amz-meta-* of this object cannot be read and sent again, as {} needs; nothing was copied",
                    hidden, rewrites(move) ? "a change of its properties" : "a copy inside this store"));
}

// What a copy of it is to have: a person may have chosen another class or encryption for new objects.
Properties Mover::properties_of_copy(const OneMove& move, const Properties& source) const {
    Properties wanted = rewrites(move) ? changed(source, setup_.settings.changes) : source;
    const CopyOptions options = copy_options(move);
    wanted.storage_class = options.storage_class == "STANDARD" ? std::string() : options.storage_class;
    if (!move.back && !setup_.settings.encryption.empty()) {
        wanted.encryption = setup_.settings.encryption;
        wanted.kms_key_id = setup_.settings.kms_key_id;
    }
    return wanted;
}

Next Mover::kept(Work work, const ObjectInfo& from, const ObjectInfo& to, bool ours) {
    OneMove& move = work.move;
    Properties had = properties_of_copy(move, from.properties), has = to.properties;
    const bool dropped = !keeps_tags(move);  // by this store's copies
    if (dropped || (!ours && had.tag_count > 0)) {
        if (!had.tags && move.from_seen) had.tags = move.from_seen->properties.tags;
        if (!had.tags) {
            auto tags = tags_of(work, move.from_ref());
            if (!tags) return stumbled(work, tags.error());
            had.tags = *std::move(tags);
        }
        if (had.tags && !had.tags->empty()) {
            // What was not made by us is not written to.
            const bool bring = dropped && move.maybe_made;
            auto known = bring ? bring_tags(work, *had.tags, to, has) : read_tags(work, to, has);
            if (!known) return stumbled(work, known.error());
        }
    }
    // A copy of ours was sent with its class: what has another is not ours, though a doubtful action may take it for
    // that.
    PropertySet needed = setup_.settings.preserve;
    if (!ours) needed.add(Property::storage_class);
    const std::vector<LostProperty> lost = lost_properties(had, has);
    PropertySet properties;
    bool enough = true;
    for (const LostProperty& one : lost) {
        properties.add(one.property);
        enough = enough && !needed.has(one.property);
        // No fact of the bucket tells that objects have a key of their own; one that does tells of the others.
        if (one.property == Property::encryption && !move.back) reads_sources_ = true;
    }
    move.lost = properties.empty() ? std::string() : properties.words();
    if (enough) return Next::remove;
    std::string what =
        "the copy lacks " + joined(lost) + " of its source; it stays at the target, and the source stays";
    if (move.back) what = "what is at the source lacks " + joined(lost) + " of the target; both stay";
    return failed(work, Code::refused, "property-lost", std::move(what));
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

Status Mover::read_tags(Work work, const ObjectInfo& to, Properties& now) {
    TRY_LET(tags, tags_of(work, {work.move.to().bucket, work.move.to().key, to.version}));
    now.tags = std::move(tags);
    return {};
}

// The copy was sent with the tags; a store that took no notice (radosgw ignores the directive) gets them once more by
// themselves. What cannot be set is then missing from `now`.
Status Mover::bring_tags(Work work, const std::vector<NameValue>& tags, const ObjectInfo& to, Properties& now) {
    OneMove& move = work.move;
    TRY(read_tags(work, to, now));
    if (now.tags == tags || !work.recorder.may_change()) return {};
    const ObjectRef target{move.to().bucket, move.to().key, to.version};
    if (auto set = requests_.set_tags(work.ctx, move.to().store, target, tags, move.requests); !set) {
        if (ends_run(set.error())) return set;
    }
    return read_tags(work, to, now);
}

}  // namespace dray
