#include "ops/settle.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "base/log.h"
#include "store/probe.h"

namespace dray {
namespace {

struct Folding {
    std::string_view what;
    AliasNeed PlanTotals::*need;
    Guarantee Capabilities::*kept;
};
// One line for each way in which a store may take two keys for one (rule R7).
constexpr std::array<Folding, 4> kFoldings{{
    {"slashes", &PlanTotals::slashes, &Capabilities::keeps_slashes},
    {"dot elements", &PlanTotals::dots, &Capabilities::keeps_dots},
    {"upper and lower case", &PlanTotals::case_, &Capabilities::keeps_case},
    {"Unicode forms", &PlanTotals::unicode, &Capabilities::keeps_unicode},
}};

// Rule R7: two keys that the store may take for one would have the delete of one destroy the other.
Status keeps_keys_apart(const PlanTotals& totals, const Capabilities& target) {
    for (const Folding& folding : kFoldings) {
        const AliasNeed& need = totals.*folding.need;
        if (need.pairs == 0 || proven(target.*folding.kept)) continue;
        return Error{.code = Code::refused,
                     .message = std::to_string(need.pairs) + " pairs of keys differ only in " +
                                std::string(folding.what) + ", and this store was not seen to keep such keys apart: " +
                                in_quotes(need.example_a) + " and " + in_quotes(need.example_b) +
                                ", for one. To change one may destroy the other, so nothing was done; " +
                                "leave them out (--exclude) or rename them first",
                     .reason = "alias"};
    }
    return {};
}

// The guarantees that a safe move leans on, so the ones worth a sentence.
bool guards_moves(const CapabilityName& capability) {
    static constexpr std::array<Guarantee Capabilities::*, 4> kGuards{
        &Capabilities::copy_source_if_match, &Capabilities::copy_if_absent, &Capabilities::remove_if_match,
        &Capabilities::remove_many_if_match};
    for (const auto guard : kGuards)
        if (guard == capability.field) return true;
    return false;
}

std::string_view sentence_of(Guarantee Capabilities::*field) {
    for (const CapabilityName& capability : capability_names())
        if (capability.field == field) return capability.if_absent;
    return {};
}

// `deletes`: of a run that copies only, nothing has to guard a delete.
std::vector<std::string> missing_guards(const Capabilities& capabilities, bool deletes) {
    std::vector<std::string> sentences;
    // Either way of deleting under a condition will do.
    const bool guarded_delete =
        !deletes || proven(capabilities.remove_if_match) || proven(capabilities.remove_many_if_match);
    for (const CapabilityName& capability : capability_names()) {
        const bool is_delete = capability.field == &Capabilities::remove_if_match ||
                               capability.field == &Capabilities::remove_many_if_match;
        if (!guards_moves(capability) || proven(capabilities.*capability.field) || (is_delete && guarded_delete))
            continue;
        if (!capability.if_absent.empty()) sentences.emplace_back(capability.if_absent);
    }
    // Not offered at all is no loss: then no object has tags.
    const bool unreadable = capabilities.reads_tags == Guarantee::absent;
    if (capabilities.copies_tags == Guarantee::absent)
        sentences.emplace_back(sentence_of(unreadable ? &Capabilities::reads_tags : &Capabilities::copies_tags));
    return sentences;
}

// Whether each source has to be read, for what it has and a copy of the store's would lack. What cannot be read of the
// bucket, the probe may have seen by effect; else it counts as yes: a HEAD too many loses nothing. No HEAD tells ACLs.
bool need_head(const BucketFacts& facts, const Capabilities& found) {
    const bool redirects = !proven(found.copies_redirects) && facts.website.value_or(true);
    const bool keys = facts.default_encryption.value_or(!proven(found.no_default_key));
    return redirects || keys || facts.object_lock.value_or(true);
}

// No request of a move reads or sends an object's own grants: one more for each object would be needed.
constexpr std::string_view kDropsAcls =
    "Objects of this bucket may have ACLs of their own, and a copy does not take them along: it gets what --acl names, "
    "or the store's default.";

// Where to probe: each bucket that the run reads or changes, once, with a prefix that the run may write below.
struct Ground {
    std::string bucket, prefix;
    bool by_template = false;  // it may be missing: that fails the objects that go there, not the run
};

// Those that the scopes name, and those that the plan's effects name: a template may give each object a bucket of its
// own. Targets first, for their prefixes are where we write.
std::vector<Ground> grounds_of(const std::vector<Scope>& scopes, const std::set<std::string>& planned) {
    std::vector<Ground> grounds;
    std::string any_prefix;  // of targets in any bucket
    const auto add = [&](const std::string& bucket, const std::string& prefix, bool by_template) {
        const bool known =
            std::any_of(grounds.begin(), grounds.end(), [&](const Ground& seen) { return seen.bucket == bucket; });
        if (!known) grounds.push_back({bucket, prefix, by_template});
    };
    for (auto scope = scopes.rbegin(); scope != scopes.rend(); ++scope) {
        if (scope->bucket.empty())
            any_prefix = scope->prefix;
        else if (planned.empty() || planned.contains(scope->bucket))
            add(scope->bucket, scope->prefix, false);
    }
    for (const std::string& bucket : planned)
        add(bucket, any_prefix, true);
    return grounds;
}

// What may be relied on in both. What was seen to be absent in one is absent.
Capabilities both(const Capabilities& a, const Capabilities& b) {
    Capabilities common = a;
    for (const CapabilityName& capability : capability_names()) {
        Guarantee& one = common.*capability.field;
        if (one != Guarantee::absent && !proven(b.*capability.field)) one = b.*capability.field;
    }
    return common;
}

bool is_missing(const Error& error) {
    return error.code == Code::not_found || error.code == Code::invalid;
}

bool needs_spellings(const PlanTotals& totals) {
    return std::any_of(kFoldings.begin(), kFoldings.end(),
                       [&](const Folding& folding) { return (totals.*folding.need).pairs > 0; });
}

Result<Settled> settle_with(const SettleRequest& request, Settled settled, const Capabilities& common) {
    TRY(keeps_keys_apart(*request.totals, common));
    settled.capabilities.assign(request.stores.size(), common);
    const bool back = request.header->command == "undo";
    for (std::string& sentence : missing_guards(common, back || request.contract->options.what != Do::copy))
        settled.sentences.push_back(std::move(sentence));
    if (!request.contract->options.strict || settled.sentences.empty()) return settled;
    std::string all = "--strict:";
    for (const std::string& sentence : settled.sentences)
        all += " " + sentence;
    all += " Nothing was done; leave --strict out to go on all the same.";
    return Error{.code = Code::refused, .message = std::move(all)};
}

// Two names of one bucket (a link, an access point) make two keys of one object, and no proof over the plan's keys sees
// that: a marker put into one is looked for in the other.
Status is_not(const Context& ctx, ObjectStore& store, const Ground& target, const Scope& source) {
    TRY_LET(same, same_bucket(ctx, store, target.bucket, target.prefix, store, source.bucket, source.prefix));
    if (!same) return {};
    return Error{.code = Code::refused,
                 .message = in_quotes(source.bucket) + " and " + in_quotes(target.bucket) +
                            " are one bucket under two names, so that a source and its target may be one object; "
                            "nothing was done. Use one name for both",
                 .reason = "alias"};
}

std::string not_probed(const Ground& ground, const Error& denied) {
    return "The bucket " + in_quotes(ground.bucket) +
           " could not be probed, so nothing is taken for granted, and what may not be changed there fails: " +
           denied.message;
}

// Too many buckets to ask them all: nothing is assumed of any.
Result<Settled> settle_unprobed(const SettleRequest& request) {
    Settled settled{.head_source = true};
    settled.sentences.push_back("The plan has " + std::to_string(kMostBuckets) +
                                " buckets or more: they are not probed, and nothing is taken for granted.");
    if (request.contract->options.acl.empty()) settled.sentences.emplace_back(kDropsAcls);
    return settle_with(request, std::move(settled), Capabilities{});
}

}  // namespace

Result<Settled> settle(const Context& ctx, const SettleRequest& request) {
    const RunContract& contract = *request.contract;
    const PlanTotals& totals = *request.totals;
    if (totals.buckets.size() >= kMostBuckets) return settle_unprobed(request);
    // What is copied lies in the source's bucket; in an undo, in those of the targets.
    const std::string& source = contract.scopes.front().bucket;
    const bool back = request.header->command == "undo";
    // --strict reads each source for its proof; before the copy that also brings along what no listing tells.
    Settled settled{.head_source = contract.options.strict};
    bool drops_acls = false;
    std::optional<Capabilities> common;
    std::map<std::optional<bool>, Capabilities> seen;  // by versioning: another bucket alike is asked less
    for (const Ground& ground : grounds_of(contract.scopes, totals.buckets)) {
        // The stores of a run are one store (planning refuses others), so either may be asked.
        ObjectStore& store = *request.stores.back();
        auto asked = store.bucket_facts(ctx, ground.bucket);
        if (!asked && ground.by_template && is_missing(asked.error())) continue;
        if (!asked) return std::move(asked).error();
        const BucketFacts& facts = *asked;
        const bool copied_from = back || ground.bucket == source;
        drops_acls = drops_acls || (copied_from && facts.acls_enabled.value_or(true));
        const auto alike = seen.find(facts.versioned);
        auto probed = probe(ctx, store, ground.bucket, ground.prefix,
                            {.cache_directory = request.cache_directory,
                             .access_key = request.access_key,
                             .facts = facts,
                             .elsewhere = alike != seen.end() ? std::optional(alike->second) : std::nullopt,
                             .renew_guards = request.deletes,
                             .spellings = needs_spellings(totals)});
        // An undo brings back what it can: what is in other buckets, or what may be changed here all the same.
        const bool passed_over = !probed && back && probed.error().code == Code::denied;
        if (!probed && !passed_over) return std::move(probed).error();
        const Capabilities found = passed_over ? Capabilities{} : *probed;
        settled.head_source = settled.head_source || (copied_from && need_head(facts, found));
        if (passed_over) {
            settled.sentences.push_back(not_probed(ground, probed.error()));
            settled.unproven_buckets.insert(ground.bucket);
            continue;
        }
        // Nothing is put into a bucket with object lock: it might have to stay.
        const bool may_mark = request.deletes && !back && !facts.object_lock.value_or(false);
        if (may_mark && ground.bucket != source) TRY(is_not(ctx, store, ground, contract.scopes.front()));
        if (found != Capabilities{}) seen.emplace(facts.versioned, found);
        common = common ? both(*common, found) : found;
    }
    if (drops_acls && contract.options.acl.empty()) settled.sentences.emplace_back(kDropsAcls);
    CHECK(common.has_value() || !settled.unproven_buckets.empty());  // the source's bucket is always known
    return settle_with(request, std::move(settled), common.value_or(Capabilities{}));
}

}  // namespace dray
