#include "ops/settle.h"

#include <algorithm>
#include <array>
#include <optional>
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
// One line for each way in which a store may take two keys for one (design: "two keys, two objects"; rule R7).
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
        return Error{
            .code = Code::refused,
            .message = std::to_string(need.pairs) + " pairs of keys differ only in " + std::string(folding.what) +
                       ", and this store was not seen to keep such keys apart: " + quoted(need.example_a) + " and " +
                       quoted(need.example_b) + ", for one. Moving one may destroy the other, so nothing was moved; " +
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

std::vector<std::string> missing_guards(const Capabilities& capabilities) {
    std::vector<std::string> sentences;
    // Either way of deleting under a condition will do.
    const bool guarded_delete = proven(capabilities.remove_if_match) || proven(capabilities.remove_many_if_match);
    for (const CapabilityName& capability : capability_names()) {
        const bool is_delete = capability.field == &Capabilities::remove_if_match ||
                               capability.field == &Capabilities::remove_many_if_match;
        if (!guards_moves(capability) || proven(capabilities.*capability.field) || (is_delete && guarded_delete))
            continue;
        if (!capability.if_absent.empty()) sentences.emplace_back(capability.if_absent);
    }
    // Not offered at all is no loss: then no object has tags.
    if (capabilities.copies_tags == Guarantee::absent) sentences.emplace_back(sentence_of(&Capabilities::copies_tags));
    return sentences;
}

bool need_head(const BucketFacts& facts) {
    // Unreadable counts as yes: a HEAD too many loses nothing.
    return facts.website.value_or(true) || facts.acls_enabled.value_or(true) || facts.object_lock.value_or(true);
}

// Each bucket that the run changes, once, with the prefix to probe below. A bucket that depends on the object is left
// to the others.
std::vector<Scope> buckets_of(const std::vector<Scope>& scopes) {
    std::vector<Scope> buckets;
    for (auto scope = scopes.rbegin(); scope != scopes.rend(); ++scope) {
        const bool known = std::any_of(buckets.begin(), buckets.end(),
                                       [&](const Scope& seen) { return seen.bucket == scope->bucket; });
        if (!scope->bucket.empty() && !known) buckets.push_back(*scope);
    }
    return buckets;
}

// What may be relied on in both.
Capabilities both(const Capabilities& a, const Capabilities& b) {
    Capabilities common = a;
    for (const CapabilityName& capability : capability_names())
        if (!proven(b.*capability.field)) common.*capability.field = b.*capability.field;
    return common;
}

}  // namespace

Result<Settled> settle(const Context& ctx, const SettleRequest& request) {
    const RunContract& contract = *request.contract;
    Settled settled;
    std::optional<Capabilities> common;
    for (const Scope& bucket : buckets_of(contract.scopes)) {
        // The stores of a run are one store (planning refuses others), so either may be asked.
        ObjectStore& store = *request.stores.back();
        TRY_LET(facts, store.bucket_facts(ctx, bucket.bucket));
        if (bucket.bucket == contract.scopes.front().bucket) settled.head_source = need_head(facts);
        const ProbeOptions options{
            .cache_directory = request.cache_directory, .facts = facts, .renew_guards = request.deletes};
        TRY_LET(found, probe(ctx, store, bucket.bucket, bucket.prefix, options));
        common = common ? both(*common, found) : found;
    }
    CHECK(common.has_value());  // the source's bucket is always known
    TRY(keeps_keys_apart(*request.totals, *common));

    settled.capabilities.assign(request.stores.size(), *common);
    settled.sentences = missing_guards(*common);
    if (contract.options.strict && !settled.sentences.empty())
        return Error{.code = Code::refused, .message = "--strict: " + settled.sentences.front()};
    return settled;
}

}  // namespace dray
