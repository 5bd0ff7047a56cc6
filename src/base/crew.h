// Crew: a fixed set of worker threads. One worker makes one blocking call at a time, so requests in flight = size.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "base/result.h"

namespace dray {

class Crew {
public:
    // Limits: 1 to 4096 workers. The thread that calls drain() counts as one of them, so a crew of one has no threads
    // of its own, and never more than `workers` calls are under way for one caller. Stacks are 256 KiB (1 MiB under a
    // sanitizer): no deep recursion, no big arrays on them. Error: local (the machine gives no more threads).
    static Result<std::unique_ptr<Crew>> make(std::size_t workers);
    ~Crew();  // waits for its workers; no call may be under way

    std::size_t size() const;

    // Calls step() again and again, on the caller and on every worker that is idle, until a call returns false on each;
    // returns when all have. step must be thread-safe and say "false" for good once there is no more work. Nesting is
    // safe: the caller always works itself, so it never waits for a worker that waits for it.
    // Once it has nothing more to do itself it only waits: it does not join other jobs.
    void drain(const std::function<bool()>& step);

    // Calls body(i) once for every i in [0, count), in parallel, and returns when all have returned.
    void for_each(std::size_t count, const std::function<void(std::size_t)>& body);

private:
    struct Impl;
    explicit Crew(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

// How many workers the descriptor limit allows: the soft limit is raised to the hard one first, then each worker may
// use `descriptors_each` beside `reserve` for files. At least 1, at most `wanted`.
std::size_t workers_allowed(std::size_t wanted, std::size_t descriptors_each = 4, std::size_t reserve = 64);

}  // namespace dray
