// RemoveStage: where proven copies wait until their sources are deleted together: 1,000 keys or 200 ms, one batch a
// store and bucket. It has no thread of its own: the worker that fills a batch, or comes by when one is due, sends it.
// When every worker is busy longer a batch waits longer, which delays its deletes and harms nothing.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "ops/one_move.h"

namespace dray {

inline constexpr std::size_t kBatchKeys = 1000;
// A batch is sent when its first key has waited so long: early enough that no look is older than kLookAge by then.
inline constexpr std::chrono::milliseconds kBatchWait{150};
inline constexpr std::chrono::milliseconds kLookAge{200};
// Moves that wait in all batches together; above it the fullest batch goes first (an undo may have many buckets).
inline constexpr std::size_t kWaitingMoves = 16'000;

// Thread-safe.
class RemoveStage {
public:
    struct Batch {
        std::uint8_t store = 0;
        std::string bucket;
        std::vector<OneMove> moves;
        SteadyTime since{};  // when the first came
    };
    void add(OneMove move, SteadyTime now);
    // A batch that is full or has waited long enough, or one too many; nullopt: none is due.
    std::optional<Batch> due(SteadyTime now);
    // Any batch, for the end.
    std::optional<Batch> any();

private:
    using Key = std::pair<std::uint8_t, std::string>;
    std::optional<Batch> take(std::map<Key, Batch>::iterator at);
    std::mutex mutex_;
    std::map<Key, Batch> batches_;
    std::size_t waiting_ = 0;
};

}  // namespace dray
