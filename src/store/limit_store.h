// LimitStore: not more requests or bytes a second than a user allows. Below RetryStore, so that repeats count too.
#pragma once

#include <memory>
#include <mutex>

#include "store/wrapped_store.h"

namespace dray {

struct LimitOptions {
    double rate = 0;            // requests a second; 0: no limit
    std::uint64_t bwlimit = 0;  // bytes of bodies a second, both ways together; 0: no limit
};

class LimitStore final : public WrappedStore {
public:
    LimitStore(std::unique_ptr<ObjectStore> store, LimitOptions options);

protected:
    Status around(const Context& ctx, Call& call, const Attempt& attempt) override;
    Status received(const Context& ctx, std::size_t bytes) override;

private:
    // Turns are given in order: each takes its share of time from the end of the one before.
    class Turns {
    public:
        explicit Turns(double a_second) : a_second_(a_second) {}
        Status wait(const Context& ctx, double amount);

    private:
        const double a_second_;  // 0: no limit
        std::mutex mutex_;
        SteadyTime free_{};
    };
    Turns requests_, bytes_;
};

}  // namespace dray
