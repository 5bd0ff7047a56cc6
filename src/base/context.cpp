#include "base/context.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace dray {
namespace {

Error cancelled() {
    return Error{.code = Code::cancelled, .message = "stopped on request"};
}
Error out_of_time() {
    return Error{.code = Code::exhausted, .message = "out of time"};
}

// Saturates: "within(Nanos::max())" means "no limit", not a deadline in the distant past.
SteadyTime later(SteadyTime now, Nanos by) {
    return by > SteadyTime::max() - now ? SteadyTime::max() : now + by;
}

timespec to_timespec(Nanos duration) {
    constexpr std::int64_t kNanosPerSecond = 1'000'000'000;
    const std::int64_t count = std::max<std::int64_t>(duration.count(), 0);
    return {.tv_sec = count / kNanosPerSecond, .tv_nsec = count % kNanosPerSecond};
}

}  // namespace

StopSource::StopSource() : StopSource(nullptr) {}

StopSource::StopSource(const StopSource* followed)
    : followed_(followed), fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    CHECK(fd_ >= 0);
    if (!followed_) return;
    // An epoll descriptor is itself readable while one that it watches is (epoll(7)).
    watched_ = ::epoll_create1(EPOLL_CLOEXEC);
    CHECK(watched_ >= 0);
    for (const int fd : {fd_, followed_->fd()}) {
        epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
        CHECK(::epoll_ctl(watched_, EPOLL_CTL_ADD, fd, &event) == 0);
    }
}

StopSource::~StopSource() {
    if (watched_ >= 0) ::close(watched_);
    ::close(fd_);
}

void StopSource::trigger() noexcept {
    const int saved_errno = errno;  // a signal handler must leave it alone
    triggered_.store(true, std::memory_order_release);
    const std::uint64_t one = 1;
    // Fails only with EAGAIN, when the counter is full; then it is readable already.
    [[maybe_unused]] const auto written = ::write(fd_, &one, sizeof one);
    errno = saved_errno;
}

Context Context::sending_until(SteadyTime until, std::uint32_t slow) const {
    Context bound = *this;
    bound.send_until_ = until;
    bound.slow_answers_ = slow;
    return bound;
}

Context Context::within(Nanos timeout) const {
    Context sooner = *this;
    const SteadyTime end = later(clock().steady(), timeout);
    sooner.deadline_ = deadline_ ? std::min(*deadline_, end) : end;
    return sooner;
}

Context Context::unstoppable() const {
    Context result = *this;
    result.stop_ = result.first_stop_ = nullptr;
    return result;
}

Context Context::finishing(const StopSource& over) const {
    Context result = *this;
    result.first_stop_ = stop_;
    result.stop_ = &over;
    return result;
}

Context Context::ending_with(const StopSource& stop) const {
    Context result = *this;
    result.first_stop_ = nullptr;
    result.stop_ = &stop;
    return result;
}

Context Context::before_effect() const {
    Context result = *this;
    if (first_stop_) result.stop_ = std::exchange(result.first_stop_, nullptr);
    return result;
}

Status Context::check() const {
    if (stopped()) return cancelled();
    if (deadline_ && clock().steady() >= *deadline_) return out_of_time();
    return {};
}

Status Context::sleep(Nanos duration) const {
    TRY(check());
    const SteadyTime end = later(clock().steady(), duration);
    const bool too_long = deadline_ && *deadline_ < end;
    TRY(clock().wait_until(too_long ? *deadline_ : end, stop_));
    if (too_long) return out_of_time();
    return {};
}

Status Context::wait_readable(int fd) const {
    std::array<pollfd, 2> watched = {pollfd{fd, POLLIN, 0}, pollfd{stop_ ? stop_->fd() : -1, POLLIN, 0}};
    while (true) {
        TRY(check());
        const timespec timeout = to_timespec(deadline_ ? *deadline_ - clock().steady() : Nanos(0));
        const int ready = ::ppoll(watched.data(), watched.size(), deadline_ ? &timeout : nullptr, nullptr);
        if (ready == 0) return out_of_time();
        if (ready < 0 && errno != EINTR) return Error{.code = Code::local, .message = "poll: out of kernel memory"};
        if (ready > 0 && watched[0].revents != 0) return {};
    }
}

}  // namespace dray
