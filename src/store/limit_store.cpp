#include "store/limit_store.h"

#include <algorithm>
#include <cstdint>

namespace dray {

LimitStore::LimitStore(std::unique_ptr<ObjectStore> store, LimitOptions options)
    : WrappedStore(std::move(store)), requests_(options.rate), bytes_(static_cast<double>(options.bwlimit)) {}

Status LimitStore::Turns::wait(const Context& ctx, double amount) {
    if (a_second_ <= 0 || amount <= 0) return {};
    const SteadyTime now = ctx.clock().steady();
    SteadyTime turn;
    {
        std::lock_guard lock(mutex_);
        turn = std::max(free_, now);
        free_ = turn + Nanos(static_cast<std::int64_t>(amount / a_second_ * 1e9));
    }
    // What may only be sent for a moment more has been waited for already, by the look that it rests on: it goes ahead,
    // and the others wait for its turn as well.
    if (ctx.send_until() && turn > *ctx.send_until()) return {};
    return turn > now ? ctx.sleep(turn - now) : Status();
}

Status LimitStore::around(const Context& ctx, Call& call, const Attempt& attempt) {
    const Context before = ctx.before_effect();
    TRY(requests_.wait(before, 1));
    TRY(bytes_.wait(before, static_cast<double>(call.bytes)));
    return attempt(ctx);
}

Status LimitStore::received(const Context& ctx, std::size_t bytes) {
    return bytes_.wait(ctx, static_cast<double>(bytes));
}

}  // namespace dray
