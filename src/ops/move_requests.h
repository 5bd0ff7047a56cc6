// MoveRequests: every request of a safe move goes through here, so that one place knows what was sent, what went
// unanswered (R3), and when nothing can succeed any more.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "ops/safe_move.h"
#include "ops/stop_grace.h"

namespace dray {

// So many denials in a row, with nothing else succeeding, and the run ends instead of failing objects one by one.
inline constexpr std::uint32_t kDeniedInARow = 100;

// True when the request may have taken effect. An answer that cannot be trusted says nothing about the effect.
inline bool is_unsure(const Error& error) {
    return error.unsure || error.code == Code::corrupt;
}
// R22: whether it is left open that a changing request had its effect. Of what was sent only a denial is taken at its
// word: a 404 or 412 may be the answer to a second sending, and other failures may come when all is done already (a
// sync).
inline bool may_have_changed(const Error& error) {
    return !error.unsent && (error.code != Code::denied || is_unsure(error));
}
// True when the caller has to leave the action as it is: stopped, or nothing can succeed any more.
inline bool ends_run(const Error& error) {
    return error.fatal || error.code == Code::cancelled || error.code == Code::credentials;
}

// True when nothing happened and the same request may be sent again: after a wait, and after a look at what it rests
// on.
inline bool may_send_again(const Error& error) {
    const bool asked =
        error.code == Code::throttled || (error.code == Code::unavailable && error.retry_after.count() > 0);
    return asked && !error.unsure && !error.fatal;
}

// R20: the looked-for thing is absent by one answer and there by another. Worth a pause and another look.
inline bool is_contradicted(const Error& error) {
    return error.reason == "not-an-answer" && may_send_again(error);
}
inline constexpr std::chrono::seconds kBetweenContradictions{1};

// Thread-safe. Each call adds what it sent to `sent`. A not_found of head() and copy() is the caller's to judge, even a
// fatal one: it may be the missing bucket of one target only.
class MoveRequests {
public:
    explicit MoveRequests(const MoveSetup& setup)
        : stores_(setup.stores),
          trust_all_(!setup.settings.rule(3)),
          confirms_(setup.settings.rule(20)),
          ends_when_denied_(setup.ends_when_denied) {}

    Result<ObjectInfo> head(const Context& ctx, std::uint8_t store, const ObjectRef& object, std::uint32_t& sent);
    // R20: the same where the plan or a receipt says that the object is there. Proxies answer 404 of their own, and an
    // answer to HEAD has no body that would tell: not_found only when a listing does not show it either (or may
    // not be asked), else is_contradicted().
    Result<ObjectInfo> head_expected(const Context& ctx, std::uint8_t store, const ObjectRef& object,
                                     std::uint32_t& sent);
    Result<ObjectInfo> copy(const Context& ctx, std::uint8_t store, const ObjectRef& from, const ObjectRef& to,
                            const CopyOptions& options, std::uint32_t& sent);
    Result<Removed> remove(const Context& ctx, std::uint8_t store, const ObjectRef& object, const std::string& if_match,
                           std::uint32_t& sent);
    Result<std::vector<RemoveVerdict>> remove_many(const Context& ctx, std::uint8_t store, const std::string& bucket,
                                                   std::span<const RemoveItem> items);

    Result<std::vector<NameValue>> tags(const Context& ctx, std::uint8_t store, const ObjectRef& object,
                                        std::uint32_t& sent);
    Status set_tags(const Context& ctx, std::uint8_t store, const ObjectRef& object, const std::vector<NameValue>& tags,
                    std::uint32_t& sent);

    // What became of a request: counts denials, keeps the first error that ends the run.
    void heard(const Error* error);
    std::optional<Error> fatal() const;
    bool ended() const { return ended_.load(std::memory_order_acquire); }
    SentRequests sent() const;
    std::uint64_t answers() const { return answers_.load(std::memory_order_relaxed); }

private:
    template <class T>
    Result<T> changed(const Context& ctx, Result<T> answer, bool copy);
    void unanswered(bool copy);
    Status confirm_absence(const Context& ctx, std::uint8_t store, const ObjectRef& object, std::uint32_t& sent);
    void end(const Error& error);

    const std::vector<ObjectStore*> stores_;
    const bool trust_all_, confirms_, ends_when_denied_;
    StopGrace grace_;
    std::atomic<std::uint32_t> denied_ = 0;
    std::atomic<bool> ended_ = false;
    std::atomic<std::uint64_t> answers_ = 0;  // to requests of all kinds
    mutable std::mutex mutex_;
    std::optional<Error> fatal_;
    SentRequests sent_;
};

}  // namespace dray
