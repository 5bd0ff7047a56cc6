// PlanProof: holds all keys of a plan against each other and against what is at its targets already, in bounded memory:
// one external sort over every key, one over what was found.
//
// source(), target() and existing() until all is known; settle() once; then next() gives what was found, by action.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/external_sort.h"
#include "base/result.h"
#include "job/plan.h"
#include "store/object_store.h"

namespace dray {

// What was found about an action. Several about one action come one after the other.
struct Finding {
    enum class Kind : std::uint8_t {
        existing,   // an object is at the target: `object`
        overlap,    // the target is the source of `other`
        collision,  // the target is that of `other` as well
    };
    std::uint64_t n = 0;
    Kind kind = Kind::existing;
    std::uint64_t other = 0;
    std::string other_source;  // of a collision, where it was asked for
    ListedObject object;       // its key is left out
};

// Two actions that must not be in one plan.
struct Clash {
    Finding::Kind kind = Finding::Kind::collision;
    std::uint64_t n = 0, other = 0;
};

// Not thread-safe.
class PlanProof {
public:
    static constexpr std::size_t kClashesNamed = 10;

    // `name_others`: findings of collisions name the other's source (and the sort is larger by that much).
    explicit PlanProof(const std::string& scratch, bool name_others = false)
        : keys_(scratch), findings_(scratch), name_others_(name_others) {}

    // Keys of different stores or buckets are never one object here: `store` is the same for stores that are one.
    Status source(std::uint64_t n, std::uint8_t store, const std::string& bucket, std::string_view key);
    Status target(std::uint64_t n, std::uint8_t store, const std::string& bucket, std::string_view key,
                  std::string_view source_key);
    Status existing(std::uint8_t store, const std::string& bucket, const ListedObject& object);

    Status settle();

    std::uint64_t collisions() const { return collisions_; }  // actions whose target is another's as well
    std::uint64_t overlaps() const { return overlaps_; }      // actions whose target is another's source
    std::uint64_t clash_pairs() const { return clash_pairs_; }
    const std::vector<Clash>& clashes() const { return clashes_; }  // the first few of those
    // Pairs of keys of the plan that only some spelling keeps apart, by kind.
    void add_alias_needs(PlanTotals& totals) const;

    std::uint64_t findings() const { return found_; }  // after settle()
    // In order of n, after settle(). nullopt: that was all.
    Result<std::optional<Finding>> next();

private:
    enum class Role : std::uint8_t { existing, source, target };  // in the order in which they are sorted
    struct Record;
    struct Group;

    Status add(Role role, std::uint64_t n, std::uint8_t store, const std::string& bucket, std::string_view key,
               std::string_view tail);
    Status take(Record record, Group& group);
    Status take_target(const Record& record, Group& group);
    Status collide(std::uint64_t n, std::uint64_t other, std::string_view other_source);
    Status note(Finding::Kind kind, std::uint64_t n, std::string_view tail);
    void remember(Clash clash);
    void end_key(Group& group);
    void count_alias(const std::string& a, const std::string& b);

    ExternalSorter keys_, findings_;
    std::map<std::pair<std::uint8_t, std::string>, std::uint32_t> places_;
    const bool name_others_;
    std::uint64_t found_ = 0, collisions_ = 0, overlaps_ = 0, clash_pairs_ = 0;
    std::vector<Clash> clashes_;
    std::array<AliasNeed, 4> aliases_;
};

}  // namespace dray
