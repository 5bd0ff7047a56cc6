// RemoveStage: where proven copies wait until their sources are deleted together: 1,000 keys or a short wait, one batch
// a store and bucket; or, where a store deletes conditionally only one by one, until the receipt of the copy is
// durable. It has no thread of its own: the worker that fills a batch, or comes by when one is due, sends it. When
// every worker is busy longer a batch waits longer, which delays its deletes and harms nothing.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
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
// A batch is sent when its first key has waited so long. Where a look is the guard: early enough that no look is older
// than kLookAge by then. Elsewhere waiting costs no safety, and a slow store gets fuller batches.
inline constexpr std::chrono::milliseconds kBatchWaitAfterLook{100};
inline constexpr std::chrono::milliseconds kLookAge{200};
// A look counts from its answer, unless that took longer: then nobody knows of what moment it tells.
inline constexpr std::chrono::seconds kSlowestLook{2};
inline constexpr std::chrono::milliseconds kBatchWait{2000};
inline SteadyTime look_holds_until(SteadyTime sent, SteadyTime answered) {
    return std::min<SteadyTime>(answered, sent + kSlowestLook) + kLookAge;
}
// Moves that wait in all batches together; above it the fullest batch goes first (an undo may have many buckets).
inline constexpr std::size_t kWaitingMoves = 16'000;
// Batches under way at once. With kWaitingMoves they bound what waits for a store that deletes slower than it copies.
inline constexpr std::size_t kBatchesAtOnce = 16;
// Moves that wait for their receipts to be durable; above it workers wait for the disk.
inline constexpr std::size_t kWaitingAlone = 4096;

// Thread-safe.
class RemoveStage {
public:
    explicit RemoveStage(Nanos wait) : wait_(wait) {}
    struct Batch {
        std::uint8_t store = 0;
        std::string bucket;
        std::vector<OneMove> moves;
        SteadyTime since{};  // when the first came
    };
    void add(OneMove move, SteadyTime now);
    // For a move whose source must be seen just before its delete. Looks gather too, so that all workers take them at
    // once and a batch is full while its looks are fresh; taken one by one between copies they would grow stale.
    void add_to_look(OneMove move, SteadyTime now);
    // One of those, when enough have gathered or waited long enough, or at once with `all`.
    std::optional<OneMove> to_look(SteadyTime now, bool all);
    // It comes back, seen; `took`: how long the look was under way.
    void add_looked(OneMove move, SteadyTime now, Nanos took);
    // A batch that is full or has waited long enough, or one too many; nullopt: none is due, or enough are under way.
    // Each batch that was taken is followed by sent(). When too many moves wait and enough batches are under way,
    // blocks until one of these has been sent.
    std::optional<Batch> due(SteadyTime now);
    // For a move whose source is deleted by itself, after its receipt is on disk: whoever recorded it goes on with
    // another action meanwhile. A worker asleep for each receipt costs two switches of threads an object.
    void add_alone(OneMove move);
    // The oldest of those, when its receipt is durable; with `all`, or when too many wait, whether it is or not.
    std::optional<OneMove> alone(const Recorder& recorder, bool all);
    // Any batch, for the end.
    std::optional<Batch> any();
    void sent();

private:
    using Key = std::pair<std::uint8_t, std::string>;
    bool is_due(const Batch& batch, SteadyTime now) const;
    void insert(OneMove move, SteadyTime now);
    std::optional<Batch> take(std::map<Key, Batch>::iterator at);
    const Nanos wait_;  // of a batch
    std::mutex mutex_;
    std::map<Key, Batch> batches_;
    std::deque<OneMove> alone_;
    std::vector<OneMove> unseen_;
    SteadyTime unseen_since_{};
    Nanos look_took_{0};    // the latest
    bool looking_ = false;  // until unseen_ is empty
    std::size_t waiting_ = 0;
    std::size_t sending_ = 0;  // batches taken
    std::condition_variable room_;
};

}  // namespace dray
