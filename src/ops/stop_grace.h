// StopGrace: lets a request that changes something finish although the run was asked to stop, but not for ever.
#pragma once

#include <chrono>
#include <mutex>
#include <thread>

#include "base/context.h"

namespace dray {

// A copy still in flight this long after the stop is left as doubtful.
inline constexpr std::chrono::seconds kStopGrace{10};

// Thread-safe. The stop of the first context passed is the one that is watched (by one thread, begun then); it must
// outlive this object.
class StopGrace {
public:
    StopGrace() = default;
    ~StopGrace();
    StopGrace(const StopGrace&) = delete;
    StopGrace& operator=(const StopGrace&) = delete;

    // A context that stops kStopGrace after `ctx` was asked to; its before_effect() stops with `ctx`.
    Context of(const Context& ctx);

private:
    void watch(const StopSource& stop, Clock& clock);
    StopSource over_, quit_;
    std::mutex mutex_;
    std::thread watcher_;
};

}  // namespace dray
