// TraceStore: counts every call that reaches the store behind it, with its latency and its errors. What status,
// progress and reports show of requests comes from here.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>

#include "store/wrapped_store.h"

namespace dray {

// Latencies in steps of a factor of two: bucket i holds those below 2^i microseconds.
struct Latencies {
    std::array<std::uint64_t, 40> buckets{};
    void add(Nanos latency);
    // The upper edge of the bucket that holds the given share (0.5: the median) of all; 0 when there are none.
    Nanos at(double share) const;
};

struct VerbCounts {
    std::uint64_t calls = 0;
    std::uint64_t bytes_out = 0, bytes_in = 0;
    std::map<Code, std::uint64_t> errors;
    Latencies latencies;
};

struct Traced {
    std::array<VerbCounts, kVerbs> verbs;
    const VerbCounts& of(Verb verb) const { return verbs[static_cast<std::size_t>(verb)]; }
    std::uint64_t calls() const;
};

// Thread-safe.
class Trace {
public:
    void add(const Call& call, Nanos latency, const Status& status);
    void add_received(std::size_t bytes);
    Traced so_far() const;

private:
    mutable std::mutex mutex_;
    Traced traced_;
};

class TraceStore final : public WrappedStore {
public:
    // shared: who reports may outlive the store, and the other way round.
    TraceStore(std::unique_ptr<ObjectStore> store, std::shared_ptr<Trace> trace)
        : WrappedStore(std::move(store)), trace_(std::move(trace)) {}

protected:
    Status around(const Context& ctx, Call& call, const Attempt& attempt) override;
    Status received(const Context& ctx, std::size_t bytes) override;

private:
    const std::shared_ptr<Trace> trace_;
};

}  // namespace dray
