// Budget: bounds the bytes of object data in memory, whatever the input. Taken once a part, whole or not at all, and
// never while holding some already (two half-filled parts that wait for each other would wait for ever).
#pragma once

#include <cstdint>
#include <list>
#include <mutex>

#include "base/context.h"
#include "base/result.h"

namespace dray {

// Thread-safe. Must outlive its leases.
class Budget {
public:
    explicit Budget(std::uint64_t bytes) : limit_(bytes), free_(bytes) {}

    class [[nodiscard]] Lease {
    public:
        Lease() = default;
        Lease(Lease&& other) noexcept;
        Lease& operator=(Lease&& other) noexcept;
        ~Lease();  // gives the bytes back
        std::uint64_t bytes() const { return bytes_; }

    private:
        friend class Budget;
        Lease(Budget* budget, std::uint64_t bytes) : budget_(budget), bytes_(bytes) {}
        Budget* budget_ = nullptr;
        std::uint64_t bytes_ = 0;
    };

    // Waits until `bytes` are free and takes them. First come, first served, so that a large part is not starved.
    // Errors: invalid (more than the whole budget), cancelled, exhausted, local (no descriptor left to wait on).
    Result<Lease> take(const Context& ctx, std::uint64_t bytes);
    std::uint64_t limit() const { return limit_; }
    std::uint64_t in_use() const;

private:
    struct Waiter;
    void give_back(std::uint64_t bytes);
    void serve_waiters();  // under the lock

    const std::uint64_t limit_;
    mutable std::mutex mutex_;
    std::uint64_t free_;
    std::list<Waiter*> queue_;  // first come first; each lives on the stack of its take()
};

}  // namespace dray
