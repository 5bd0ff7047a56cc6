// Verify: holds what a run's receipts say against the store as it is now. Changes nothing.
#pragma once

#include <vector>

#include "base/crew.h"
#include "job/joined.h"
#include "ops/life.h"

namespace dray {

// What is wrong with one object; nullopt-like when `reason` is empty. Words: target-missing, target-changed,
// source-present, source-missing, source-changed, bytes-differ.
struct Judgement {
    enum class Verdict : std::uint8_t { good, bad, unknown } verdict = Verdict::good;
    std::string reason;
    std::string detail;
};

// One action against the store. Thread-safe.
Judgement verify_action(const Context& ctx, const std::vector<ObjectStore*>& stores, const JoinedAction& joined,
                        const VerifyOptions& options);

// All of a run's actions, with a crew. `progress` counts what is good as done, the rest as failed; null: nobody looks.
Status verify_all(const Context& ctx, const std::vector<ObjectStore*>& stores, JoinedReader& joined,
                  const VerifyOptions& options, Crew& crew, RunProgress* progress, VerifyResult& result);

}  // namespace dray
