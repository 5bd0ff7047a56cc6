#include "store/governor.h"

#include <algorithm>

namespace dray {
namespace {

// How often a parked worker looks again: 256 of them make 7,000 looks a second, a few percent of one core.
constexpr Nanos kLook = std::chrono::milliseconds(10);
constexpr Nanos kLookJitter = std::chrono::milliseconds(50);
constexpr Nanos kUrgent = std::chrono::seconds(1);
// The window of a fast endpoint: the newest answers are as good as all of the last seconds.
constexpr std::size_t kMaxWindow = 10'000;

}  // namespace

Nanos Governor::jitter(Nanos most) {
    std::lock_guard lock(mutex_);
    return Nanos(std::uniform_int_distribution<std::int64_t>(0, std::max<std::int64_t>(0, most.count()))(random_));
}

Governor::Verdict Governor::ask(SteadyTime now, std::uint32_t cost, bool urgent) {
    if (open_ && now - opened_ > options_.open_limit) return Verdict::give_up;
    const bool starved = cost > tokens_;
    if (open_ || starved) {
        // One at a time, and not too often: it finds out whether the endpoint is back.
        if (probing_ || now < next_probe_) return Verdict::wait;
        probing_ = true;
        next_probe_ = now + std::max(probe_wait_, options_.first_probe);
        return Verdict::probe;
    }
    return urgent || in_flight_ < concurrency_ ? Verdict::go : Verdict::wait;
}

Result<Governor::Permit> Governor::admit(const Context& ctx, std::uint32_t cost) {
    const SteadyTime start = ctx.clock().steady();
    for (;;) {
        TRY(ctx.check());
        const SteadyTime now = ctx.clock().steady();
        {
            std::lock_guard lock(mutex_);
            const bool urgent = ctx.send_until() && *ctx.send_until() - now < kUrgent;
            const Verdict verdict = ask(now, cost, urgent);
            if (verdict == Verdict::give_up) {
                return Error{
                    .code = Code::unavailable,
                    .message = "the endpoint has failed for 15 minutes; the run can be resumed when it is back",
                    .fatal = true};
            }
            if (verdict != Verdict::wait) {
                Permit permit{.probe = verdict == Verdict::probe, .since = now, .parked = now - start};
                permit.spent = permit.probe ? 0 : cost;
                tokens_ -= permit.spent;
                ++in_flight_;
                return permit;
            }
        }
        TRY(ctx.sleep(kLook + jitter(kLookJitter)));
    }
}

void Governor::note_answer(SteadyTime now, bool failed) {
    window_.push_back({now, failed});
    failed_ += failed ? 1 : 0;
    while (window_.size() > kMaxWindow || now - window_.front().at > options_.breaker_window) {
        failed_ -= window_.front().failed ? 1 : 0;
        window_.pop_front();
    }
}

void Governor::open_breaker(SteadyTime now) {
    open_ = true;
    opened_ = now;
    probe_wait_ = options_.first_probe;
    next_probe_ = now + probe_wait_;
}

void Governor::settle(const Context& ctx, const Permit& permit, Answer answer) {
    const SteadyTime now = ctx.clock().steady();
    const bool failed = answer == Answer::transient || answer == Answer::slow;
    {
        std::lock_guard lock(mutex_);
        --in_flight_;
        if (permit.probe) probing_ = false;
        if (answer == Answer::neutral) {
            tokens_ += permit.spent;
            return;
        }
        note_answer(now, failed);
        (answer == Answer::success ? successes_ : answer == Answer::slow ? slow_ : transient_) += 1;

        if (!failed) {
            tokens_ = std::min(options_.tokens, tokens_ + std::max<std::uint32_t>(1, permit.spent));
            if (++growth_ >= options_.successes_to_grow) {
                growth_ = 0;
                concurrency_ = std::min(options_.concurrency, concurrency_ + 1);
            }
            if (permit.probe && open_) {
                open_ = false;
                window_.clear();  // what failed before says nothing about now
                failed_ = 0;
            }
        } else if (open_ && permit.probe) {
            probe_wait_ = std::min(options_.last_probe, probe_wait_ * 2);
            next_probe_ = now + probe_wait_;
        } else if (!open_ && window_.size() >= options_.breaker_answers && failed_ * 2 > window_.size()) {
            open_breaker(now);
        }
    }
    if (answer == Answer::slow) halve(ctx, permit);
}

void Governor::halve(const Context& ctx, const Permit& permit) {
    std::lock_guard lock(mutex_);
    // Requests that were in flight at the last halving do not tell of what came after it.
    if (permit.since < halved_) return;
    halved_ = ctx.clock().steady() + Nanos(1);
    concurrency_ = std::max<std::uint32_t>(1, concurrency_ / 2);
    growth_ = 0;
}

GovernorState Governor::state() const {
    std::lock_guard lock(mutex_);
    return {concurrency_, in_flight_, tokens_, open_, successes_, transient_, slow_};
}

}  // namespace dray
