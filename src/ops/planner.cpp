#include "ops/planner.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/checksum.h"
#include "base/counted.h"
#include "base/file.h"
#include "base/log.h"
#include "base/time.h"
#include "ops/own_places.h"
#include "ops/pages.h"
#include "ops/plan_proof.h"
#include "store/local_store.h"
#include "store/probe.h"
#include "store/url.h"

namespace dray {
namespace {

constexpr std::size_t kNamed = 10;                             // keys or pairs named in a refusal
constexpr std::uint64_t kJournalBytesPerEffect = 512;          // two receipts with etag, version and checksum
constexpr std::uint64_t kSpareDisk = std::uint64_t{64} << 20;  // bytes beside plan and journal

std::string common_beginning(const std::string& a, std::string_view b) {
    const auto ends = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
    return {a.begin(), ends.first};
}

bool is_effect(const Action& action) {
    return action.what != Do::skip && action.what != Do::fail;
}

bool is_local(const ObjectStore& store) {
    return store.identity() == kLocalIdentity;
}

std::string renamed(const std::string& target, const std::string& source) {
    const std::size_t slash = target.rfind('/');
    const std::size_t name = slash == std::string::npos ? 0 : slash + 1;
    std::size_t dot = target.rfind('.');
    if (dot == std::string::npos || dot <= name) dot = target.size();
    return target.substr(0, dot) + "~" + hex(sha256(source)).substr(0, 8) + target.substr(dot);
}

// Row L06: what listings told beside what was asked for.
struct Outside {
    std::uint64_t keys = 0;
    std::string first;
    void add(const Outside& more) {
        if (keys == 0) first = more.first;
        keys += more.keys;
    }
    void add(const ListAnomalies& listing) { add(Outside{listing.outside, listing.first_outside}); }
};

std::uint32_t streams_for(const MovePlanRequest& request, std::size_t store, const std::string& bucket) {
    return request.streams ? request.streams(store, bucket) : 1;
}

// Two names of one store are one store here, as far as can be told without a probe.
std::uint8_t target_place(const MovePlanRequest& request) {
    const bool one = request.stores[request.target_store]->identity() == request.stores[0]->identity();
    return one ? 0 : request.target_store;
}

void give_up(Action& action, Do what, std::string reason, std::string detail) {
    action.what = what;
    action.reason = std::move(reason);
    action.detail = std::move(detail);
}

// Where dray keeps its runs, seen from the source's bucket and from the targets': each remembers one.
struct OwnEnds {
    explicit OwnEnds(const MovePlanRequest& request) {
        if (is_local(*request.stores[0])) source = OwnPlaces(request.own_directories);
        if (is_local(*request.stores[request.target_store])) targets = OwnPlaces(request.own_directories);
    }
    OwnPlaces source, targets;
};

// What needs no other object to be known.
void settle_alone(const MovePlanRequest& request, OwnPlaces& own, Action& action) {
    const Limits& limits = request.stores[request.target_store]->limits();
    const std::string& kept_as = action.from.storage_class;
    if (target_place(request) == 0 && action.to.bucket == action.from.bucket && action.to.key == action.from.key)
        give_up(action, Do::skip, "already-in-place", "");
    else if (!request.restored && (kept_as == "GLACIER" || kept_as == "DEEP_ARCHIVE"))
        give_up(action, Do::fail, "archived", "it is kept as " + kept_as);
    else if (action.to.key.empty())
        give_up(action, Do::fail, "invalid", "the template gives it an empty key");
    else if (own.hold(action.to.bucket, action.to.key))
        give_up(action, Do::fail, "own-state", "its target is where dray keeps its runs");
    else if (action.to.key.size() > limits.max_key_bytes)
        give_up(
            action, Do::fail, "key-too-long",
            std::to_string(action.to.key.size()) + " bytes, " + std::to_string(limits.max_key_bytes) + " are allowed");
    else if (action.from.size > limits.max_copy)
        give_up(action, Do::fail, "too-large",
                std::to_string(action.from.size) + " bytes, one copy of this store takes " +
                    std::to_string(limits.max_copy));
}

Action place(const MovePlanRequest& request, OwnEnds& own, const ListedObject& object) {
    const std::string_view ours = own.source.hold(request.source_bucket, object.key) ? "own-state"
                                  : is_probe_object(object.key)                      ? "probe-object"
                                                                                     : "";
    Placement placed = ours.empty() ? request.rule->place(object)
                                    : Placement{.verdict = Placement::Verdict::skip, .reason = std::string(ours)};
    Action action{.what = request.what};
    action.from = {.store = 0,
                   .bucket = request.source_bucket,
                   .key = object.key,
                   .size = object.size,
                   .etag = object.etag,
                   .modified = object.modified,
                   .storage_class = object.storage_class};
    if (!placed.reason.empty()) action.detail = std::move(placed.detail);
    action.reason = std::move(placed.reason);
    if (placed.verdict != Placement::Verdict::place) {
        action.what = placed.verdict == Placement::Verdict::skip ? Do::skip : Do::fail;
        return action;
    }
    action.to = {.store = request.target_store, .bucket = std::move(placed.bucket), .key = std::move(placed.key)};
    settle_alone(request, own.targets, action);
    return action;
}

// One round of drafts (the placed objects, in a plan file that nobody carries out) with their proof. Rename takes two.
class Round {
public:
    Round(const MovePlanRequest& request, std::string path, PlanWriter writer)
        : request_(request),
          path_(std::move(path)),
          writer_(std::move(writer)),
          proof_(std::make_unique<PlanProof>(request.scratch, request.on_collision == OnCollision::keep)) {
        target_place_ = target_place(request);
    }

    static Result<std::unique_ptr<Round>> begin(const MovePlanRequest& request, const std::string& name) {
        const std::string path = request.scratch + "/" + name;
        TRY(remove_file(path));
        TRY_LET(writer, PlanWriter::create(path, request.header));
        return std::make_unique<Round>(request, path, std::move(writer));
    }
    ~Round() { (void)remove_file(path_); }  // a leftover is scratch, and the next planner removes it
    Round(const Round&) = delete;
    Round& operator=(const Round&) = delete;

    Status add(Action action) {
        const Side from = action.from, to = action.to;
        const bool effect = is_effect(action), unmatched = !action.reason.empty();
        TRY_LET(n, writer_.add(std::move(action)));
        if (!effect) return {};
        TRY(proof_->source(n, 0, from.bucket, from.key));
        TRY(proof_->target(n, target_place_, to.bucket, to.key, from.key));
        const auto [found, added] = targets_.try_emplace({to.bucket, unmatched}, to.key);
        if (!added) found->second = common_beginning(found->second, to.key);
        return {};
    }

    // Everything is added: looks at the targets and proves.
    Status finish(const Context& ctx) {
        for (const auto& [where, prefix] : targets_)
            TRY(look_at(ctx, where.first, where.second, prefix));
        return proof_->settle();
    }

    // Seals the drafts: no more may be added, and they can no longer become the plan.
    Result<PlanReader> read() {
        if (checksum_.empty()) {
            TRY_LET(checksum, writer_.seal());
            checksum_ = checksum;
        }
        return PlanReader::open(path_, checksum_);
    }
    // Nothing was found, after finish(), that changes a draft.
    bool is_the_plan() const { return checksum_.empty() && proof_->findings() == 0 && missing_.empty(); }
    PlanWriter& writer() { return writer_; }
    PlanProof& proof() { return *proof_; }
    std::uint64_t effects() { return writer_.totals().effects; }
    const Outside& outside() const { return outside_; }
    bool missing(const std::string& bucket) const { return missing_.contains(bucket); }

private:
    bool named_by_user(const std::string& bucket) const {
        const auto targets = request_.rule->targets();
        return std::any_of(targets.begin(), targets.end(), [&](const auto& target) { return target.bucket == bucket; });
    }

    // What is there already, below the common beginning of all targets of one bucket and template.
    Status look_at(const Context& ctx, const std::string& bucket, bool unmatched, const std::string& prefix) {
        ObjectStore& store = *request_.stores[request_.target_store];
        std::uint64_t worth_listing = (effects() + kTargetPagesBeyondEffects) * store.limits().list_page;
        const auto pages =
            list_pages(ctx, store, {.bucket = bucket, .prefix = prefix},
                       streams_for(request_, request_.target_store, bucket), [&](const ListPage& page) -> Result<bool> {
                           if (request_.progress) request_.progress->targets_listed += page.objects.size();
                           for (const ListedObject& object : page.objects)
                               TRY(proof_->existing(target_place_, bucket, object));
                           worth_listing -= std::min<std::uint64_t>(worth_listing, page.objects.size());
                           return worth_listing > 0;
                       });
        if (!pages && pages.error().code == Code::not_found && !named_by_user(bucket)) {
            // The template made up this bucket's name: its objects fail, the others move.
            missing_.insert(bucket);
            return {};
        }
        if (!pages) return Error(pages.error()).within("look at the targets");
        outside_.add(pages->anomalies);
        return pages->complete ? Status() : look_at_each(ctx, bucket, unmatched);
    }

    Status look_at_each(const Context& ctx, const std::string& bucket, bool unmatched) {
        TRY_LET(drafts, read());
        TRY(drafts.seek(0));
        while (true) {
            TRY_LET(action, drafts.next());
            if (!action) return {};
            if (!is_effect(*action) || action->to.bucket != bucket || !action->reason.empty() != unmatched) continue;
            const auto seen = request_.stores[request_.target_store]->head(ctx, {bucket, action->to.key, ""});
            if (!seen && seen.error().code == Code::not_found) continue;
            if (!seen) return Error(seen.error()).within("look at the target " + action->to.key);
            if (request_.progress) ++request_.progress->targets_listed;
            TRY(proof_->existing(target_place_, bucket,
                                 {.key = action->to.key,
                                  .size = seen->size,
                                  .etag = seen->etag,
                                  .modified = seen->modified,
                                  .storage_class = seen->properties.storage_class}));
        }
    }

    const MovePlanRequest& request_;
    std::string path_, checksum_;
    PlanWriter writer_;
    std::uint8_t target_place_ = 0;
    std::unique_ptr<PlanProof> proof_;
    // Bucket and whether it takes the unmatched objects -> what all keys there begin with.
    std::map<std::pair<std::string, bool>, std::string> targets_;
    std::set<std::string> missing_;  // buckets that are not there
    Outside outside_;
};

class MovePlanner {
public:
    MovePlanner(const Context& ctx, const MovePlanRequest& request) : ctx_(ctx), request_(request), own_(request) {}

    Result<std::string> plan() {
        TRY_LET(first, Round::begin(request_, "drafts"));
        TRY(list_source(*first));
        if (unmatched_ > 0) return unmatched_refusal();
        TRY(first->finish(ctx_));

        const bool clash = first->proof().collisions() + first->proof().overlaps() > 0;
        if (clash && request_.on_collision == OnCollision::refuse) return clash_refusal(*first, "");
        if (!clash || request_.on_collision == OnCollision::keep) return write(*first);

        TRY_LET(second, Round::begin(request_, "renamed-drafts"));
        TRY(rename_into(*first, *second));
        TRY(second->finish(ctx_));
        if (second->proof().collisions() + second->proof().overlaps() > 0)
            return clash_refusal(*second, "even after renaming, ");
        return write(*second);
    }

private:
    Status list_source(Round& round) {
        if (request_.max == 0) return {};
        ObjectStore& store = *request_.stores[0];
        if (request_.names) return take_named(round);
        if (!request_.single) {
            const auto listed =
                list_pages(ctx_, store, {.bucket = request_.source_bucket, .prefix = request_.source_prefix},
                           streams_for(request_, 0, request_.source_bucket), [&](const ListPage& page) -> Result<bool> {
                               if (request_.progress) ++request_.progress->pages;
                               for (const ListedOther& other : page.others)
                                   TRY(leave(other, round));
                               for (const ListedObject& object : page.objects) {
                                   if (taken_ == request_.max) return false;
                                   TRY(take(object, round));
                               }
                               return taken_ < request_.max;
                           });
            if (!listed) return Status(listed.error());
            outside_.add(listed->anomalies);
            return {};
        }
        auto found = store.head(ctx_, {request_.source_bucket, request_.source_prefix, ""});
        if (!found && found.error().code == Code::not_found && !found.error().fatal)
            found.error().message += "; to mean a prefix, end it in /";
        TRY_LET(seen, std::move(found));
        return take({.key = request_.source_prefix,
                     .size = seen.size,
                     .etag = seen.etag,
                     .modified = seen.modified,
                     .storage_class = seen.properties.storage_class},
                    round);
    }

    Status take_named(Round& round) {
        const NamedObjects named{.store = request_.stores[0],
                                 .bucket = request_.source_bucket,
                                 .prefix = request_.source_prefix,
                                 .names = request_.names,
                                 .scratch = request_.scratch,
                                 .workers = request_.workers};
        return look_at_named(ctx_, named, [&](const std::string& key, const ListedObject* object) -> Status {
            if (taken_ == request_.max) return {};
            if (object) return take(*object, round);
            Action action;
            action.from = {.store = 0, .bucket = request_.source_bucket, .key = key};
            give_up(action, Do::fail, "not_found", "it was named, and is not there");
            return round.add(std::move(action));
        });
    }

    Status take(const ListedObject& object, Round& round) {
        if (request_.select && !request_.select(object)) return {};
        ++taken_;
        if (request_.progress) ++request_.progress->listed;
        Action action = place(request_, own_, object);
        if (action.what == Do::fail && is_unmatched(action.reason)) note_unmatched(action);
        return round.add(std::move(action));
    }

    // What lies among the objects and is none stays, and the balance says so.
    Status leave(const ListedOther& other, Round& round) {
        Action action;
        action.from = {.store = 0, .bucket = request_.source_bucket, .key = other.key};
        give_up(action, Do::skip, "not-an-object", other.what);
        return round.add(std::move(action));
    }

    void note_unmatched(const Action& action) {
        if (++unmatched_ <= kNamed)
            unmatched_named_ += "\n  " + in_quotes(action.from.key) + ": " + action.reason +
                                (action.detail.empty() ? "" : " (" + action.detail + ")");
    }

    Error unmatched_refusal() const {
        return {.code = Code::refused,
                .message = counted(unmatched_, "object") + (unmatched_ == 1 ? " has" : " have") +
                           " no match or no date, and nothing was moved. Leave them where they are with "
                           "--unmatched skip, or send them elsewhere with --unmatched-to:" +
                           unmatched_named_ + (unmatched_ > kNamed ? "\n  ..." : "")};
    }

    static Result<Action> action_at(PlanReader& drafts, std::uint64_t n) {
        TRY(drafts.seek(n));
        TRY_LET(action, drafts.next());
        if (!action) return Error{.code = Code::corrupt, .message = "the drafts of the plan end too early"};
        return *std::move(action);
    }

    std::string target_text(const Side& to) const {
        const bool local = is_local(*request_.stores[request_.target_store]);
        const StoreUrl url{.kind = local ? StoreKind::local : StoreKind::s3, .bucket = to.bucket, .key = to.key};
        return printable(url.text());
    }

    static std::string what_clashes(const PlanProof& proof) {
        std::string text;
        if (proof.collisions() > 0)
            text = counted(proof.collisions(), "object") + " have a target that another has as well";
        if (proof.overlaps() > 0)
            text += (text.empty() ? "" : ", and ") + counted(proof.overlaps(), "object") +
                    (proof.overlaps() == 1 ? " has" : " have") + " a target that is itself to be moved";
        return text;
    }

    // Names the first clashes.
    Error clash_refusal(Round& round, const std::string& when) const {
        const PlanProof& proof = round.proof();
        std::string text = when + what_clashes(proof) +
                           "; nothing was moved. Change where they go, or choose --on-collision keep or rename:";
        auto drafts = round.read();
        if (!drafts) return std::move(drafts).error();
        for (const Clash& clash : proof.clashes()) {
            auto one = action_at(*drafts, clash.n);
            auto other = action_at(*drafts, clash.other);
            if (!one) return std::move(one).error();
            if (!other) return std::move(other).error();
            const std::string target = target_text(one->to);
            text +=
                clash.kind == Finding::Kind::collision
                    ? "\n  " + in_quotes(one->from.key) + " and " + in_quotes(other->from.key) + " -> " + target
                    : "\n  " + in_quotes(one->from.key) + " -> " + target + ", which goes to " + target_text(other->to);
        }
        if (proof.clash_pairs() > proof.clashes().size()) text += "\n  ...";
        return {.code = Code::refused, .message = std::move(text), .reason = "collision"};
    }

    // Calls `each` with every draft and what was found about it.
    Status join(Round& round, const std::function<Status(Action, std::vector<Finding>)>& each) const {
        TRY_LET(drafts, round.read());
        TRY(drafts.seek(0));
        TRY_LET(ahead, round.proof().next());
        while (true) {
            TRY_LET(action, drafts.next());
            if (!action) return {};
            std::vector<Finding> found;
            while (ahead && ahead->n == action->n) {
                found.push_back(*std::move(ahead));
                TRY_LET(following, round.proof().next());
                ahead = std::move(following);
            }
            TRY(each(*std::move(action), std::move(found)));
        }
    }

    Status rename_into(Round& first, Round& second) {
        return join(first, [&](Action action, const std::vector<Finding>& found) {
            const bool clash = std::any_of(found.begin(), found.end(),
                                           [](const Finding& one) { return one.kind != Finding::Kind::existing; });
            if (clash) action.to.key = renamed(action.to.key, action.from.key);
            if (clash) settle_alone(request_, own_.targets, action);
            return second.add(std::move(action));
        });
    }

    Result<std::string> write(Round& round) {
        const bool as_it_is = round.is_the_plan() && round.effects() <= request_.limit;
        TRY(check_disk(round, as_it_is));
        if (as_it_is) {
            if (request_.progress) request_.progress->checked += round.writer().totals().actions;
            return seal(round.writer(), round);
        }
        TRY_LET(writer, PlanWriter::create(request_.plan_path, request_.header));
        TRY(join(round, [&](Action action, const std::vector<Finding>& found) -> Status {
            if (request_.progress) ++request_.progress->checked;
            settle_among_others(action, found, round);
            auto added = writer.add(std::move(action));
            return added ? Status() : Status(std::move(added).error());
        }));
        return seal(writer, round);
    }

    Result<std::string> seal(PlanWriter& writer, Round& round) {
        PlanTotals& totals = writer.totals();
        totals.listed = totals.actions;
        round.proof().add_alias_needs(totals);
        outside_.add(round.outside());
        totals.outside = outside_.keys;
        totals.first_outside = outside_.first;
        return writer.seal(request_.plan_path);
    }

    void settle_among_others(Action& action, const std::vector<Finding>& found, const Round& round) {
        if (!is_effect(action)) return;
        for (const Finding& one : found)
            apply(one, action);
        if (is_effect(action) && round.missing(action.to.bucket))
            fail(action, "bad-bucket", "there is no bucket " + in_quotes(action.to.bucket));
        if (!is_effect(action)) return;
        if (effects_ == request_.limit)
            action.what = Do::skip, action.reason = "limit";
        else
            ++effects_;
    }

    void apply(const Finding& found, Action& action) const {
        switch (found.kind) {
            case Finding::Kind::existing:
                action.target_existed = true;
                action.to.size = found.object.size;
                action.to.etag = found.object.etag;
                action.to.modified = found.object.modified;
                action.to.storage_class = found.object.storage_class;
                if (action.what == Do::copy) settle_existing(action);
                break;
            case Finding::Kind::overlap:
                fail(action, "collision", "its target is itself an object that is to be moved");
                break;
            case Finding::Kind::collision:
                fail(action, "collision", "its target is that of " + in_quotes(found.other_source) + " as well");
                break;
        }
    }

    // What the two listings tell for certain; all else takes a look at both.
    void settle_existing(Action& action) const {
        const Side &from = action.from, &to = action.to;
        const bool dated = from.modified != WallTime{} && to.modified != WallTime{};
        if (request_.overwrite == Overwrite::newer && dated && from.modified <= to.modified)
            give_up(action, Do::skip, "not-newer", "the target is of " + iso8601(to.modified));
        else if (request_.overwrite == Overwrite::never && from.size != to.size)
            give_up(action, Do::fail, "conflict",
                    "the target holds " + std::to_string(to.size) + " bytes; --overwrite says what may be replaced");
    }

    static void fail(Action& action, std::string reason, std::string detail) {
        action.what = Do::fail;
        action.reason = std::move(reason);
        action.detail = std::move(detail);
    }

    // A plan that is still to be written is about as large as its drafts.
    Status check_disk(Round& round, bool as_it_is) const {
        const std::uint64_t plan = as_it_is ? 0 : round.writer().bytes();
        const std::uint64_t effects = std::min(round.effects(), request_.limit);
        const std::uint64_t needed = plan + effects * kJournalBytesPerEffect + kSpareDisk;
        TRY_LET(free, request_.free_disk ? request_.free_disk(request_.scratch) : free_bytes(request_.scratch));
        if (free >= needed) return {};
        return Error{.code = Code::local,
                     .message = "plan and journal need about " + std::to_string(needed >> 20) + " MiB, but only " +
                                std::to_string(free >> 20) + " MiB are free beside " + request_.plan_path +
                                "; make room, or choose another place with --state",
                     .reason = "disk-full"};
    }

    const Context& ctx_;
    const MovePlanRequest& request_;
    OwnEnds own_;
    std::uint64_t taken_ = 0, unmatched_ = 0;
    std::string unmatched_named_;
    Outside outside_;
    std::uint64_t effects_ = 0;
};

}  // namespace

Action plan_alone(const MovePlanRequest& request, const ListedObject& object) {
    OwnEnds own(request);
    return place(request, own, object);
}

Result<std::string> make_move_plan(const Context& ctx, const MovePlanRequest& request) {
    TRY(make_directories(request.scratch));
    auto planned = MovePlanner(ctx, request).plan();
    if (planned || planned.error().reason != kOrderBroken) return planned;
    // Nothing of that listing counts; by one stream, the order does not matter.
    log_event(LogLevel::warning, "listed-again-by-one-stream", {{"why", planned.error().message}});
    MovePlanRequest again = request;
    again.streams = nullptr;
    if (again.progress)
        again.progress->listed = again.progress->pages = again.progress->targets_listed = again.progress->checked = 0;
    return MovePlanner(ctx, again).plan();
}

}  // namespace dray
