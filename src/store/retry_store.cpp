#include "store/retry_store.h"

#include <fmt/format.h>

#include <algorithm>

namespace dray {
namespace {

// Bytes that arrive other than they were sent are sent once more; twice the same is no accident of the line (rows C11,
// C13).
constexpr std::uint32_t kCorruptAttempts = 2;

Nanos doubled(Nanos base, std::uint32_t times, Nanos cap) {
    return std::min(cap, base * (std::int64_t{1} << std::min<std::uint32_t>(times, 20)));
}

Governor::Answer answer_of(const Status& status) {
    if (status) return Governor::Answer::success;
    switch (status.error().code) {
        case Code::throttled:
            return status.error().reason == kTooLateToSend ? Governor::Answer::neutral : Governor::Answer::slow;
        case Code::unavailable: return Governor::Answer::transient;
        case Code::cancelled:
        case Code::local: return Governor::Answer::neutral;
        default: return Governor::Answer::success;  // "not found" is an answer as good as any
    }
}

Error too_late() {
    return {.code = Code::throttled,
            .message = "not sent: what it rests on was seen too long ago",
            .reason = std::string(kTooLateToSend),
            .unsent = true};
}

// For the caller, who repeats it or looks after it.
Error asking_to_wait(Error error, Nanos wait) {
    error.retry_after = std::chrono::ceil<std::chrono::milliseconds>(wait);
    return error;
}

}  // namespace

RetryStore::RetryStore(std::unique_ptr<ObjectStore> store, RetryOptions options)
    : WrappedStore(std::move(store)), options_(std::move(options)), governor_(options_.governor) {}

Status RetryStore::around(const Context& ctx, Call& call, const Attempt& attempt) {
    const SteadyTime start = ctx.clock().steady();
    Nanos parked{0};
    std::uint32_t attempts = 0, slow = ctx.slow_answers(), cost = slow > 0 ? options_.slow_cost : 0;
    bool unsure = false, unsent = true;  // of all attempts
    // Nobody is left in doubt by a stop between two attempts of which nothing came.
    const auto waiting = [&] { return unsure ? ctx : ctx.before_effect(); };
    auto final = [&](Error error) {
        error.unsure = error.unsure || unsure;
        error.unsent = unsent;
        return error;
    };
    for (;;) {
        auto permit = governor_.admit(waiting(), cost);
        if (!permit) return final(std::move(permit).error());
        parked += permit->parked;
        // Waiting for its turn may have taken long.
        Status status = ctx.too_late_to_send() ? Status(too_late()) : attempt(ctx);
        governor_.settle(ctx, *permit, answer_of(status));
        if (status) return status;

        Error error = std::move(status).error();
        unsent = unsent && error.unsent;
        const bool may_repeat = call.repeatable || (changes(call.verb) && !error.unsure);
        const bool garbled = error.code == Code::corrupt && !call.damaged_on_purpose && attempts + 1 < kCorruptAttempts;
        if (!(error.temporary() || garbled) || error.fatal || error.reason == kTooLateToSend)
            return final(std::move(error));
        const bool is_slow = error.code == Code::throttled;
        is_slow ? ++slow : ++attempts;
        Nanos wait = governor_.jitter(is_slow ? doubled(options_.slow_base, slow - 1, options_.cap)
                                              : doubled(options_.base, attempts - 1, options_.cap));
        wait = std::max<Nanos>(wait, std::min<Nanos>(error.retry_after, options_.max_retry_after));
        if (!may_repeat) return final(asking_to_wait(std::move(error), wait));
        unsure = unsure || error.unsure;
        // Bodies that keep failing on their way in: fewer at once, so that each gets more of the line.
        if (call.bytes > 0 && attempts == 3 && !is_slow) governor_.halve(ctx, *permit);

        const Nanos spent = ctx.clock().steady() - start - parked;
        if (attempts >= options_.max_attempts || spent + wait > options_.max_time) {
            error.message = fmt::format("gave up after {} attempts in {} s: {}", attempts + slow,
                                        std::chrono::duration_cast<std::chrono::seconds>(spent).count(), error.message);
            error.code = Code::exhausted;
            return final(std::move(error));
        }
        if (options_.on_retry) options_.on_retry(call, error, attempts + slow, wait);
        if (ctx.send_until() && ctx.clock().steady() + wait > *ctx.send_until()) {
            return final(asking_to_wait(std::move(error), wait));
        }
        if (Status slept = waiting().sleep(wait); !slept) return final(std::move(slept).error());
        cost = is_slow ? options_.slow_cost : options_.transient_cost;
    }
}

}  // namespace dray
