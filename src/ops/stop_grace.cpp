#include "ops/stop_grace.h"

#include <poll.h>

#include <array>
#include <cerrno>

namespace dray {

StopGrace::~StopGrace() {
    quit_.trigger();
    if (watcher_.joinable()) watcher_.join();
}

Context StopGrace::of(const Context& ctx) {
    if (!ctx.stop()) return ctx;
    {
        std::lock_guard lock(mutex_);
        if (!watcher_.joinable()) watcher_ = std::thread([this, ctx] { watch(*ctx.stop(), ctx.clock()); });
    }
    return ctx.finishing(over_);
}

void StopGrace::watch(const StopSource& stop, Clock& clock) {
    std::array<pollfd, 2> waits{{{stop.fd(), POLLIN, 0}, {quit_.fd(), POLLIN, 0}}};
    while (::poll(waits.data(), waits.size(), -1) < 0 && errno == EINTR) {
    }
    if (quit_.triggered()) return;
    if (clock.wait_until(clock.steady() + kStopGrace, &quit_)) over_.trigger();
}

}  // namespace dray
