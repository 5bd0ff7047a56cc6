#include "ops/move_requests.h"

#include <algorithm>

#include "base/log.h"

namespace dray {
namespace {

Status may_send(const Context& ctx) {
    Status checked = ctx.check();
    if (!checked) checked.error().unsent = true;
    return checked;
}

}  // namespace

Result<ObjectInfo> MoveRequests::head(const Context& ctx, std::uint8_t store, const ObjectRef& object,
                                      std::uint32_t& sent) {
    ++sent;
    auto answer = stores_[store]->head(ctx, object);
    ++answers_;
    if (answer || answer.error().code != Code::not_found) heard(answer ? nullptr : &answer.error());
    return answer;
}

Result<ObjectInfo> MoveRequests::head_expected(const Context& ctx, std::uint8_t store, const ObjectRef& object,
                                               std::uint32_t& sent) {
    auto answer = head(ctx, store, object, sent);
    if (answer || answer.error().code != Code::not_found || !confirms_) return answer;
    if (Status confirmed = confirm_absence(ctx, store, object, sent); !confirmed) return std::move(confirmed).error();
    return answer;
}

Status MoveRequests::confirm_absence(const Context& ctx, std::uint8_t store, const ObjectRef& object,
                                     std::uint32_t& sent) {
    ++sent;
    auto page = stores_[store]->list(ctx, {.bucket = object.bucket, .prefix = object.key});
    ++answers_;
    const auto contradicted = [&](std::string_view why) {
        return Error{.code = Code::unavailable,
                     .message = "HEAD " + printable(object.bucket + "/" + object.key) + " says 404; " +
                                std::string(why) + ", so that says nothing",
                     .reason = "not-an-answer",
                     .retry_after = kBetweenContradictions};
    };
    if (!page && page.error().code == Code::not_found) {
        return page.error().fatal ? Status()
                                  : contradicted("a listing there is answered 404 too, and not by the store");
    }
    // Who may not list has nothing that contradicts the answer, and never will.
    if (!page && page.error().code == Code::denied && !page.error().fatal) return {};
    if (!page) return std::move(page).error();
    const bool shown = std::any_of(page->objects.begin(), page->objects.end(),
                                   [&](const ListedObject& listed) { return listed.key == object.key; });
    if (shown) return contradicted("a listing shows the object");
    // In any order that the bytes decide the key would have come first.
    const bool in_order = std::is_sorted(page->objects.begin(), page->objects.end(),
                                         [](const auto& a, const auto& b) { return a.key < b.key; });
    if (page->truncated && !in_order) return contradicted("a listing in no order has not shown all that begins so");
    return {};
}

Result<ObjectInfo> MoveRequests::copy(const Context& ctx, std::uint8_t store, const ObjectRef& from,
                                      const ObjectRef& to, const CopyOptions& options, std::uint32_t& sent) {
    TRY(may_send(ctx));
    ++sent;
    auto answer = stores_[store]->copy(grace_.of(ctx), from, to, options);
    if (answer || answer.error().code != Code::not_found) heard(answer ? nullptr : &answer.error());
    return changed(ctx, std::move(answer), true);
}

Result<Removed> MoveRequests::remove(const Context& ctx, std::uint8_t store, const ObjectRef& object,
                                     const std::string& if_match, std::uint32_t& sent) {
    TRY(may_send(ctx));
    ++sent;
    auto answer = stores_[store]->remove(grace_.of(ctx), object, {.if_match = if_match});
    heard(answer ? nullptr : &answer.error());
    return changed(ctx, std::move(answer), false);
}

Result<std::vector<RemoveVerdict>> MoveRequests::remove_many(const Context& ctx, std::uint8_t store,
                                                             const std::string& bucket,
                                                             std::span<const RemoveItem> items) {
    TRY(may_send(ctx));
    auto answer = changed(ctx, stores_[store]->remove_many(grace_.of(ctx), bucket, items), false);
    if (!answer) {
        heard(&answer.error());
        return answer;
    }
    for (const RemoveVerdict& one : *answer) {
        heard(one.verdict ? nullptr : &one.verdict.error());
        if (!one.verdict && is_unsure(one.verdict.error())) unanswered(false);
    }
    return answer;
}

Result<std::vector<NameValue>> MoveRequests::tags(const Context& ctx, std::uint8_t store, const ObjectRef& object,
                                                  std::uint32_t& sent) {
    ++sent;
    auto answer = stores_[store]->tags(ctx, object);
    ++answers_;
    return answer;
}

Status MoveRequests::set_tags(const Context& ctx, std::uint8_t store, const ObjectRef& object,
                              const std::vector<NameValue>& tags, std::uint32_t& sent) {
    TRY(may_send(ctx));
    ++sent;
    return changed(ctx, stores_[store]->set_tags(grace_.of(ctx), object, tags), false);
}

template <class T>
Result<T> MoveRequests::changed(const Context& ctx, Result<T> answer, bool copy) {
    ++answers_;
    {
        std::lock_guard lock(mutex_);
        sent_.last_change = std::max(sent_.last_change, ctx.clock().wall());
    }
    if (!answer && is_unsure(answer.error())) unanswered(copy);
    return answer;
}

void MoveRequests::unanswered(bool copy) {
    std::lock_guard lock(mutex_);
    sent_.all_answered = false;
    sent_.copy_unanswered |= copy;
}

void MoveRequests::heard(const Error* error) {
    if (!error) {
        denied_ = 0;
        return;
    }
    if (ends_when_denied_ && error->code == Code::denied && ++denied_ == kDeniedInARow) {
        Error all = *error;
        all.message = "everything is denied; the last answer was: " + all.message;
        end(all);
    } else if (error->fatal || error->code == Code::credentials) {
        end(*error);
    }
}

void MoveRequests::end(const Error& error) {
    std::lock_guard lock(mutex_);
    if (!fatal_) fatal_ = error;
    ended_.store(true, std::memory_order_release);
}

std::optional<Error> MoveRequests::fatal() const {
    std::lock_guard lock(mutex_);
    return fatal_;
}

SentRequests MoveRequests::sent() const {
    std::lock_guard lock(mutex_);
    SentRequests sent = sent_;
    if (trust_all_) sent.all_answered = true, sent.copy_unanswered = false;
    return sent;
}

}  // namespace dray
