// RetryStore: repeats what may be repeated, waits as the endpoint wants it, and never guesses: a changing request whose
// answer was lost is the caller's to look into.
#pragma once

#include <functional>
#include <memory>

#include "store/governor.h"
#include "store/object_store.h"
#include "store/verb.h"
#include "store/wrapped_store.h"

namespace dray {

struct RetryOptions {
    std::uint32_t max_attempts = 8;             // SLOW answers do not count
    Nanos max_time = std::chrono::minutes(15);  // from the first attempt, without the time parked by the governor
    Nanos base = std::chrono::milliseconds(50);
    Nanos slow_base = std::chrono::seconds(1);
    Nanos cap = std::chrono::seconds(20);
    Nanos max_retry_after = std::chrono::minutes(5);
    std::uint32_t transient_cost = 14, slow_cost = 5;  // tokens of the governor
    GovernorOptions governor;
    // Told of each repeat before its wait; thread-safe.
    std::function<void(const Call& call, const Error& error, std::uint32_t attempt, Nanos wait)> on_retry;
};

// Beside the inner store's errors: exhausted when attempts or time ran out (the last cause in the message, unsure when
// any attempt was, unsent when all were). With a context that sends only until a moment, a repeat that would come later
// is the caller's to send: throttled or unavailable with the wait in retry_after, or throttled for kTooLateToSend. A
// get is repeated from where its bytes stopped, once bytes came only with if_match.
class RetryStore final : public WrappedStore {
public:
    explicit RetryStore(std::unique_ptr<ObjectStore> store, RetryOptions options = {});
    GovernorState governor() const { return governor_.state(); }

protected:
    Status around(const Context& ctx, Call& call, const Attempt& attempt) override;

private:
    const RetryOptions options_;
    Governor governor_;
};

}  // namespace dray
