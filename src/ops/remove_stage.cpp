#include "ops/remove_stage.h"

#include <algorithm>

namespace dray {

void RemoveStage::add(OneMove move, SteadyTime now) {
    std::lock_guard lock(mutex_);
    const Side& from = move.action.from;
    auto [at, fresh] = batches_.try_emplace(Key{from.store, from.bucket});
    if (fresh) at->second = {.store = from.store, .bucket = from.bucket, .moves = {}, .since = now};
    at->second.moves.push_back(std::move(move));
    ++waiting_;
}

std::optional<RemoveStage::Batch> RemoveStage::due(SteadyTime now) {
    std::lock_guard lock(mutex_);
    auto fullest = batches_.end();
    for (auto at = batches_.begin(); at != batches_.end(); ++at) {
        if (at->second.moves.size() >= kBatchKeys || now - at->second.since >= kBatchWait) return take(at);
        if (fullest == batches_.end() || at->second.moves.size() > fullest->second.moves.size()) fullest = at;
    }
    if (waiting_ >= kWaitingMoves) return take(fullest);
    return std::nullopt;
}

std::optional<RemoveStage::Batch> RemoveStage::any() {
    std::lock_guard lock(mutex_);
    if (batches_.empty()) return std::nullopt;
    return take(batches_.begin());
}

std::optional<RemoveStage::Batch> RemoveStage::take(std::map<Key, Batch>::iterator at) {
    Batch batch = std::move(at->second);
    batches_.erase(at);
    waiting_ -= batch.moves.size();
    return batch;
}

}  // namespace dray
