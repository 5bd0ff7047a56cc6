// The words that say why an object was skipped or failed: one table for code, receipts, reports and docs/reasons.md
// (a test holds the two together).
#pragma once

#include <string_view>
#include <vector>

namespace dray {

struct Reason {
    std::string_view word;   // kebab-case, stable: scripts match it
    std::string_view means;  // one sentence
    std::string_view next;   // what a person can do
};
const std::vector<Reason>& reasons();
bool is_reason(std::string_view word);

}  // namespace dray
