// CopiedReceipts: what earlier processes of a run recorded and the engine needs to go on, in bounded memory.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/external_sort.h"
#include "base/json.h"
#include "job/journal.h"

namespace dray {

// Not thread-safe.
class CopiedReceipts {
public:
    explicit CopiedReceipts(const std::string& scratch) : sorted_(scratch) {}

    // Reads the journal: calls `final` with the first final receipt of each action, and, where that was reopened, with
    // what says so and the first one after it; keeps the `copied` receipts of
    // those that `states` says are copied.
    Status load(const std::string& journal, const ActionStates& states,
                const std::function<void(const Receipt&)>& final);
    // The last one of action n. To be asked with rising n.
    Result<std::optional<Receipt>> take(std::uint64_t n);

private:
    Status advance();

    ExternalSorter sorted_;
    std::optional<std::string> pending_;  // the next record
    JsonParser parser_;
};

}  // namespace dray
