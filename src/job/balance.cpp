#include <algorithm>

#include "job/run.h"

namespace dray {
namespace {

std::uint64_t sum_of(const std::map<std::string, std::uint64_t>& counts) {
    std::uint64_t sum = 0;
    for (const auto& [reason, count] : counts)
        sum += count;
    return sum;
}

void add(std::map<std::string, std::uint64_t>& to, const std::map<std::string, std::uint64_t>& counts) {
    for (const auto& [reason, count] : counts)
        to[reason] += count;
}

std::string word_of(const Receipt& receipt) {
    if (!receipt.reason.empty()) return receipt.reason;
    if (receipt.code) return std::string(name_of(*receipt.code));
    return receipt.state == ReceiptState::deleted ? "moved" : std::string(name_of(receipt.state));
}

void take_back(std::map<std::string, std::uint64_t>& counts, const std::string& word) {
    const auto counted = counts.find(word);
    if (counted != counts.end() && --counted->second == 0) counts.erase(counted);
}

}  // namespace

void Balance::count(const Receipt& receipt) {
    const bool reopened = receipt.state == ReceiptState::reopened;
    if (!is_final(receipt.state) && !reopened) return;
    const std::scoped_lock lock(mutex_);
    const bool skipped = receipt.state == ReceiptState::skipped;
    const bool failed = receipt.state == ReceiptState::failed || reopened;
    auto& number = skipped ? skipped_ : failed ? failed_ : done_;
    number += reopened ? -1 : 1;
    const auto count_in = [&](std::map<std::string, std::uint64_t>& counts, const std::string& word) {
        reopened ? take_back(counts, word) : void(++counts[word]);
    };
    count_in(skipped ? skipped_by_ : failed ? failed_by_ : done_by_, word_of(receipt));
    for (std::string_view words = receipt.lost; !words.empty();) {
        const std::size_t comma = words.find(',');
        count_in(lost_, std::string(words.substr(0, comma)));
        words.remove_prefix(comma == std::string_view::npos ? words.size() : comma + 1);
    }
}

Balance::Totals Balance::totals(const PlanTotals& plan) const {
    const std::scoped_lock lock(mutex_);
    Totals totals{.listed = plan.listed,
                  .done = done_,
                  .skipped = skipped_ + sum_of(plan.skipped),
                  .failed = failed_ + sum_of(plan.failed),
                  .skipped_by = skipped_by_,
                  .failed_by = failed_by_,
                  .done_by = done_by_,
                  .lost = lost_};
    add(totals.skipped_by, plan.skipped);
    add(totals.failed_by, plan.failed);
    // Not "listed minus the rest": then a balance would always add up, and hide what it is there to show.
    const std::uint64_t final_ones = done_ + skipped_ + failed_;
    totals.left = plan.effects - std::min(plan.effects, final_ones);
    return totals;
}

}  // namespace dray
