#include "ops/plan_proof.h"

#include "base/check.h"
#include "base/checksum.h"
#include "ops/key_fold.h"

namespace dray {
namespace {

// A record of the first sort: place (8 bytes), hash of the folded key (16), length of the key (8), the key, role (1),
// n (8), and a tail: of an existing object what is known of it, of a target the key of its source. So records of one
// folded key are neighbours, those of one key more so, and there an existing object comes before the source, and the
// source before the targets.
constexpr std::size_t kBeforeKey = 32;

std::string existing_tail(const ListedObject& object) {
    std::string tail;
    append_u64(tail, object.size);
    append_u64(tail, static_cast<std::uint64_t>(object.modified.time_since_epoch().count()));
    append_u64(tail, object.etag.size());
    return tail.append(object.etag).append(object.storage_class);
}

ListedObject read_existing(std::string_view tail) {
    ListedObject object;
    object.size = read_u64(tail);
    object.modified = WallTime(Nanos(static_cast<std::int64_t>(read_u64(tail.substr(8)))));
    const std::uint64_t etag = read_u64(tail.substr(16));
    object.etag = tail.substr(24, etag);
    object.storage_class = tail.substr(24 + etag);
    return object;
}

}  // namespace

struct PlanProof::Record {
    std::string_view fold;  // place and hash
    std::string_view key;
    Role role = Role::existing;
    std::uint64_t n = 0;
    std::string_view tail;

    explicit Record(std::string_view bytes) {
        fold = bytes.substr(0, 24);
        const std::uint64_t length = read_u64(bytes.substr(24));
        key = bytes.substr(kBeforeKey, length);
        bytes.remove_prefix(kBeforeKey + length);
        role = static_cast<Role>(bytes.front());
        n = read_u64(bytes.substr(1));
        tail = bytes.substr(9);
    }
};

// Where the merge is: the folded key, the key within it, and what is known of that key.
struct PlanProof::Group {
    std::string fold, key;
    bool begun = false;
    bool planned = false;  // the key is a source or a target
    std::optional<std::uint64_t> source, first_target;
    std::string first_source;  // of the first target
    bool first_collides = false;
    std::string existing;               // tail of the object that is there; empty: none
    std::optional<std::string> before;  // the planned key before this one under the same fold
};

Status PlanProof::add(Role role, std::uint64_t n, std::uint8_t store, const std::string& bucket, std::string_view key,
                      std::string_view tail) {
    const auto place = places_.try_emplace({store, bucket}, static_cast<std::uint32_t>(places_.size())).first->second;
    const Hash128 hash = hash128(folded(key));
    std::string record;
    record.reserve(kBeforeKey + key.size() + 9 + tail.size());
    append_u64(record, place);
    append_u64(record, hash.high);
    append_u64(record, hash.low);
    append_u64(record, key.size());
    record.append(key);
    record += static_cast<char>(role);
    append_u64(record, n);
    return keys_.add(record.append(tail));
}

Status PlanProof::source(std::uint64_t n, std::uint8_t store, const std::string& bucket, std::string_view key) {
    return add(Role::source, n, store, bucket, key, {});
}

Status PlanProof::target(std::uint64_t n, std::uint8_t store, const std::string& bucket, std::string_view key,
                         std::string_view source_key) {
    return add(Role::target, n, store, bucket, key, name_others_ ? source_key : std::string_view());
}

Status PlanProof::existing(std::uint8_t store, const std::string& bucket, const ListedObject& object) {
    return add(Role::existing, 0, store, bucket, object.key, existing_tail(object));
}

Status PlanProof::settle() {
    TRY(keys_.finish());
    Group group;
    while (true) {
        TRY_LET(bytes, keys_.next());
        if (!bytes) break;
        TRY(take(Record(*bytes), group));
    }
    end_key(group);
    return findings_.finish();
}

Status PlanProof::take(Record record, Group& group) {
    const bool same_fold = group.begun && record.fold == group.fold;
    if (!same_fold || record.key != group.key) {
        end_key(group);
        auto before = same_fold ? std::move(group.before) : std::nullopt;
        group = {.fold = std::string(record.fold), .key = std::string(record.key), .begun = true};
        group.before = std::move(before);
    }
    switch (record.role) {
        case Role::existing: group.existing = record.tail; return {};
        case Role::source:
            group.planned = true;
            group.source = record.n;
            return {};
        case Role::target: group.planned = true; return take_target(record, group);
    }
    return {};
}

Status PlanProof::take_target(const Record& record, Group& group) {
    if (group.source) {
        // A source that is there now: the same object as any that a listing saw under this key.
        ++overlaps_;
        remember({.kind = Finding::Kind::overlap, .n = record.n, .other = *group.source});
        std::string tail;
        append_u64(tail, *group.source);
        TRY(note(Finding::Kind::overlap, record.n, tail));
    } else if (!group.existing.empty()) {
        TRY(note(Finding::Kind::existing, record.n, group.existing));
    }
    if (!group.first_target) {
        group.first_target = record.n;
        group.first_source = record.tail;
        return {};
    }
    remember({.kind = Finding::Kind::collision, .n = *group.first_target, .other = record.n});
    if (!std::exchange(group.first_collides, true)) TRY(collide(*group.first_target, record.n, record.tail));
    return collide(record.n, *group.first_target, group.first_source);
}

Status PlanProof::collide(std::uint64_t n, std::uint64_t other, std::string_view other_source) {
    ++collisions_;
    std::string tail;
    append_u64(tail, other);
    return note(Finding::Kind::collision, n, tail.append(other_source));
}

Status PlanProof::note(Finding::Kind kind, std::uint64_t n, std::string_view tail) {
    ++found_;
    std::string record;
    append_u64(record, n);
    record += static_cast<char>(kind);
    return findings_.add(record.append(tail));
}

void PlanProof::remember(Clash clash) {
    ++clash_pairs_;
    if (clashes_.size() < kClashesNamed) clashes_.push_back(clash);
}

void PlanProof::end_key(Group& group) {
    if (!group.planned) return;
    if (group.before) count_alias(*group.before, group.key);
    group.before = std::move(group.key);
}

// Neighbours are enough: a folding that separates any two keys of a group separates some two neighbours.
void PlanProof::count_alias(const std::string& a, const std::string& b) {
    const std::uint8_t folds = folds_between(a, b);  // 0 where only the hashes are equal
    for (std::size_t i = 0; i < aliases_.size(); ++i) {
        if (!(folds >> i & 1U)) continue;
        if (aliases_[i].pairs++ == 0) aliases_[i].example_a = a, aliases_[i].example_b = b;
    }
}

void PlanProof::add_alias_needs(PlanTotals& totals) const {
    static_assert(kFoldSlashes == 1 && kFoldDots == 2 && kFoldCase == 4 && kFoldUnicode == 8);
    totals.slashes = aliases_[0];
    totals.dots = aliases_[1];
    totals.case_ = aliases_[2];
    totals.unicode = aliases_[3];
}

Result<std::optional<Finding>> PlanProof::next() {
    TRY_LET(bytes, findings_.next());
    if (!bytes) return std::optional<Finding>();
    Finding finding{.n = read_u64(*bytes), .kind = static_cast<Finding::Kind>((*bytes)[8])};
    const std::string_view tail = bytes->substr(9);
    if (finding.kind == Finding::Kind::existing)
        finding.object = read_existing(tail);
    else
        finding.other = read_u64(tail), finding.other_source = tail.substr(8);
    return std::optional(std::move(finding));
}

}  // namespace dray
