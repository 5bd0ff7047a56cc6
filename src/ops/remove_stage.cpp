#include "ops/remove_stage.h"

#include <algorithm>
#include <iterator>

namespace dray {

void RemoveStage::add(OneMove move, SteadyTime now) {
    std::lock_guard lock(mutex_);
    insert(std::move(move), now);
}

void RemoveStage::add_looked(OneMove move, SteadyTime now, Nanos took) {
    std::lock_guard lock(mutex_);
    look_took_ = took;
    insert(std::move(move), now);
}

void RemoveStage::insert(OneMove move, SteadyTime now) {
    const Side& from = move.action.from;
    auto [at, fresh] = batches_.try_emplace(Key{from.store, from.bucket});
    if (fresh) at->second = {.store = from.store, .bucket = from.bucket, .moves = {}, .since = now};
    at->second.moves.push_back(std::move(move));
    ++waiting_;
}

void RemoveStage::add_alone(OneMove move) {
    std::lock_guard lock(mutex_);
    alone_.push_back(std::move(move));
}

std::optional<OneMove> RemoveStage::alone(const Recorder& recorder, bool all) {
    std::lock_guard lock(mutex_);
    if (alone_.empty()) return std::nullopt;
    const std::optional<Ticket>& ticket = alone_.front().ticket;
    const bool ready = all || alone_.size() > kWaitingAlone || !ticket || recorder.durable(*ticket);
    if (!ready) return std::nullopt;
    OneMove move = std::move(alone_.front());
    alone_.pop_front();
    return move;
}

void RemoveStage::add_to_look(OneMove move, SteadyTime now) {
    std::lock_guard lock(mutex_);
    if (unseen_.empty()) unseen_since_ = now;
    unseen_.push_back(std::move(move));
}

std::optional<OneMove> RemoveStage::to_look(SteadyTime now, bool all) {
    std::lock_guard lock(mutex_);
    if (unseen_.empty()) return std::nullopt;
    looking_ = looking_ || all || unseen_.size() >= kBatchKeys || now - unseen_since_ >= kBatchWait;
    if (!looking_) return std::nullopt;
    OneMove move = std::move(unseen_.back());
    unseen_.pop_back();
    looking_ = !unseen_.empty();
    return move;
}

// Not after another look either, if that would outlast what is left of kLookAge: a distant store would have every look
// grow stale while the next ones are under way.
bool RemoveStage::is_due(const Batch& batch, SteadyTime now) const {
    const Nanos age = now - batch.since;
    if (batch.moves.size() >= kBatchKeys || age >= wait_) return true;
    return look_took_ > Nanos::zero() && age + look_took_ >= kLookAge;
}

std::optional<RemoveStage::Batch> RemoveStage::due(SteadyTime now) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [this] { return waiting_ < kWaitingMoves || sending_ < kBatchesAtOnce; });
    if (sending_ >= kBatchesAtOnce) return std::nullopt;
    auto fullest = batches_.end();
    for (auto at = batches_.begin(); at != batches_.end(); ++at) {
        if (is_due(at->second, now)) return take(at);
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
    // Several workers add before one of them takes: what is beyond a request's limit begins the next batch.
    if (batch.moves.size() > kBatchKeys) {
        const auto rest = batch.moves.begin() + kBatchKeys;
        Batch next{.store = batch.store, .bucket = batch.bucket, .moves = {}, .since = batch.since};
        next.moves.assign(std::make_move_iterator(rest), std::make_move_iterator(batch.moves.end()));
        batch.moves.erase(rest, batch.moves.end());
        batches_.emplace(Key{next.store, next.bucket}, std::move(next));
    }
    waiting_ -= batch.moves.size();
    ++sending_;
    return batch;
}

void RemoveStage::sent() {
    std::lock_guard lock(mutex_);
    --sending_;
    room_.notify_all();
}

}  // namespace dray
