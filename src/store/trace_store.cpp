#include "store/trace_store.h"

#include <algorithm>
#include <bit>
#include <numeric>

namespace dray {

void Latencies::add(Nanos latency) {
    const auto us = static_cast<std::uint64_t>(std::max<std::int64_t>(0, latency.count() / 1000));
    ++buckets[std::min<std::size_t>(buckets.size() - 1, static_cast<std::size_t>(std::bit_width(us)))];
}

Nanos Latencies::at(double share) const {
    const auto all = std::accumulate(buckets.begin(), buckets.end(), std::uint64_t{0});
    if (all == 0) return Nanos(0);
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < buckets.size(); ++i) {
        seen += buckets[i];
        if (static_cast<double>(seen) >= share * static_cast<double>(all)) {
            return std::chrono::microseconds(std::int64_t{1} << i);
        }
    }
    return std::chrono::microseconds(std::int64_t{1} << (buckets.size() - 1));
}

std::uint64_t Traced::calls() const {
    return std::accumulate(verbs.begin(), verbs.end(), std::uint64_t{0},
                           [](std::uint64_t sum, const VerbCounts& counts) { return sum + counts.calls; });
}

void Trace::add(const Call& call, Nanos latency, const Status& status) {
    std::lock_guard lock(mutex_);
    VerbCounts& counts = traced_.verbs[static_cast<std::size_t>(call.verb)];
    ++counts.calls;
    counts.bytes_out += call.bytes;
    counts.latencies.add(latency);
    if (!status) ++counts.errors[status.error().code];
}

void Trace::add_received(std::size_t bytes) {
    std::lock_guard lock(mutex_);
    traced_.verbs[static_cast<std::size_t>(Verb::get)].bytes_in += bytes;
}

Traced Trace::so_far() const {
    std::lock_guard lock(mutex_);
    return traced_;
}

Status TraceStore::around(const Context& ctx, Call& call, const Attempt& attempt) {
    const SteadyTime start = ctx.clock().steady();
    Status status = attempt(ctx);
    trace_->add(call, ctx.clock().steady() - start, status);
    return status;
}

Status TraceStore::received(const Context&, std::size_t bytes) {
    trace_->add_received(bytes);
    return {};
}

}  // namespace dray
