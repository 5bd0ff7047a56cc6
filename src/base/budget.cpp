#include "base/budget.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>

#include "base/file.h"

namespace dray {

// A take() that has to wait. It waits on a descriptor, not on a condition variable, so that one poll also sees the stop
// and the deadline.
struct Budget::Waiter {
    std::uint64_t bytes = 0;
    Fd granted_fd;
    bool granted = false;
};

Budget::Lease::Lease(Lease&& other) noexcept
    : budget_(std::exchange(other.budget_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}

Budget::Lease& Budget::Lease::operator=(Lease&& other) noexcept {
    std::swap(budget_, other.budget_);
    std::swap(bytes_, other.bytes_);
    Lease old = std::move(other);  // given back here, not when `other` happens to go
    return *this;
}

Budget::Lease::~Lease() {
    if (budget_) budget_->give_back(bytes_);
}

Result<Budget::Lease> Budget::take(const Context& ctx, std::uint64_t bytes) {
    if (bytes > limit_)
        return Error{.code = Code::invalid,
                     .message = std::to_string(bytes) + " bytes at once are more than the whole memory budget of " +
                                std::to_string(limit_)};
    TRY(ctx.check());
    Waiter waiter{.bytes = bytes};
    std::list<Waiter*>::iterator place;
    {
        const std::lock_guard lock(mutex_);
        if (queue_.empty() && bytes <= free_) {
            free_ -= bytes;
            return Lease(this, bytes);
        }
        waiter.granted_fd = Fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
        if (!waiter.granted_fd) return system_error("wait for memory", "eventfd", errno);
        place = queue_.insert(queue_.end(), &waiter);
    }
    auto waited = ctx.wait_readable(waiter.granted_fd.get());

    const std::lock_guard lock(mutex_);
    if (waiter.granted) return Lease(this, bytes);
    queue_.erase(place);
    serve_waiters();  // those behind may fit where this one did not
    CHECK(!waited);
    return std::move(waited).error();
}

std::uint64_t Budget::in_use() const {
    const std::lock_guard lock(mutex_);
    return limit_ - free_;
}

void Budget::give_back(std::uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    free_ += bytes;
    CHECK(free_ <= limit_);
    serve_waiters();
}

void Budget::serve_waiters() {
    while (!queue_.empty() && queue_.front()->bytes <= free_) {
        Waiter& waiter = *queue_.front();
        queue_.pop_front();
        free_ -= waiter.bytes;
        waiter.granted = true;
        const std::uint64_t one = 1;
        CHECK(::write(waiter.granted_fd.get(), &one, sizeof one) == sizeof one);
    }
}

}  // namespace dray
