#include "store/fault_store.h"

#include <algorithm>
#include <deque>
#include <mutex>

#include "store/body.h"

namespace dray {
namespace {

Error lost_answer(const Call& call) {
    return {.code = Code::unavailable,
            .message = std::string(name_of(call.verb)) + ": the connection broke before the answer",
            .unsure = changes(call.verb)};
}
Error died() {
    return {.code = Code::cancelled, .message = "this process is dead", .unsure = false, .fatal = true};
}

class ScriptedFaultStore final : public FaultStore {
public:
    ScriptedFaultStore(std::shared_ptr<ObjectStore> store, Clock* clock)
        : store_(std::move(store)), clock_(clock ? *clock : real_clock()) {}

    void add(FaultRule rule) override {
        std::lock_guard lock(mutex_);
        rules_.push_back(std::move(rule));
    }
    void clear_rules() override {
        std::lock_guard lock(mutex_);
        rules_.clear();
    }
    std::size_t land() override { return land_until(SteadyTime::max()); }
    std::size_t in_flight() const override {
        std::lock_guard lock(mutex_);
        return deferred_.size();
    }
    void die() override { set_dead(true); }
    void revive() override { set_dead(false); }
    bool dead() const override {
        std::lock_guard lock(mutex_);
        return dead_;
    }
    std::vector<CallRecord> trace() const override {
        std::lock_guard lock(mutex_);
        return trace_;
    }
    void clear_trace() override {
        std::lock_guard lock(mutex_);
        trace_.clear();
    }
    std::size_t calls(Verb verb) const override {
        std::lock_guard lock(mutex_);
        return static_cast<std::size_t>(std::count_if(
            trace_.begin(), trace_.end(), [&](const CallRecord& r) { return r.verb == verb && !r.landed_late; }));
    }

    std::string identity() const override { return store_->identity(); }
    const Limits& limits() const override { return store_->limits(); }
    Capabilities capabilities() const override { return store_->capabilities(); }

    // Every effect owns its arguments, so that it can land after the call has returned.
    Result<ListPage> list(const Context& ctx, const ListRequest& request) override {
        return run<ListPage>(ctx, {.verb = Verb::list, .bucket = request.bucket, .key = request.prefix},
                             [request](ObjectStore& s, const Context& c) { return s.list(c, request); });
    }
    Result<ObjectInfo> head(const Context& ctx, const ObjectRef& object) override {
        return run<ObjectInfo>(ctx, on(Verb::head, object),
                               [object](ObjectStore& s, const Context& c) { return s.head(c, object); });
    }
    Result<ObjectInfo> get(const Context& ctx, const ObjectRef& object, const GetOptions& options,
                           const ByteSink& sink) override {
        return run<ObjectInfo>(ctx, on(Verb::get, object),
                               [=](ObjectStore& s, const Context& c) { return s.get(c, object, options, sink); });
    }
    using ObjectStore::put;
    Result<ObjectInfo> put(const Context& ctx, const ObjectRef& object, ByteSource& source,
                           const PutOptions& options) override {
        TRY_LET(bytes, read_whole(source));
        return run<ObjectInfo>(ctx, on(Verb::put, object),
                               [=](ObjectStore& s, const Context& c) { return s.put(c, object, bytes, options); });
    }
    Result<ObjectInfo> copy(const Context& ctx, const ObjectRef& from, const ObjectRef& to,
                            const CopyOptions& options) override {
        return run<ObjectInfo>(ctx, {.verb = Verb::copy, .bucket = to.bucket, .key = to.key, .from_key = from.key},
                               [=](ObjectStore& s, const Context& c) { return s.copy(c, from, to, options); });
    }
    Result<Removed> remove(const Context& ctx, const ObjectRef& object, const RemoveOptions& options) override {
        return run<Removed>(ctx, on(Verb::remove, object),
                            [=](ObjectStore& s, const Context& c) { return s.remove(c, object, options); });
    }
    Result<std::vector<RemoveVerdict>> remove_many(const Context& ctx, const std::string& bucket,
                                                   std::span<const RemoveItem> items) override {
        std::vector<RemoveItem> owned(items.begin(), items.end());
        return run<std::vector<RemoveVerdict>>(ctx, {.verb = Verb::remove_many, .bucket = bucket, .items = items},
                                               [bucket, owned = std::move(owned)](ObjectStore& s, const Context& c) {
                                                   return s.remove_many(c, bucket, owned);
                                               });
    }
    Result<std::vector<NameValue>> tags(const Context& ctx, const ObjectRef& object) override {
        return run<std::vector<NameValue>>(ctx, on(Verb::tags, object),
                                           [=](ObjectStore& s, const Context& c) { return s.tags(c, object); });
    }
    Status set_tags(const Context& ctx, const ObjectRef& object, const std::vector<NameValue>& tags) override {
        return run<void>(ctx, on(Verb::set_tags, object),
                         [=](ObjectStore& s, const Context& c) { return s.set_tags(c, object, tags); });
    }
    Result<Upload> create_upload(const Context& ctx, const ObjectRef& object, const PutOptions& options) override {
        return run<Upload>(ctx, on(Verb::create_upload, object),
                           [=](ObjectStore& s, const Context& c) { return s.create_upload(c, object, options); });
    }
    Result<Part> upload_part(const Context& ctx, const Upload& upload, std::uint32_t number,
                             ByteSource& source) override {
        TRY_LET(bytes, read_whole(source));
        return run<Part>(ctx, on(Verb::upload_part, upload.object), [=](ObjectStore& s, const Context& c) {
            return s.upload_part(c, upload, number, *bytes_source(bytes));
        });
    }
    Result<Part> copy_part(const Context& ctx, const Upload& upload, std::uint32_t number,
                           const PartCopy& copy) override {
        return run<Part>(ctx,
                         {.verb = Verb::copy_part,
                          .bucket = upload.object.bucket,
                          .key = upload.object.key,
                          .from_key = copy.from.key},
                         [=](ObjectStore& s, const Context& c) { return s.copy_part(c, upload, number, copy); });
    }
    Result<ObjectInfo> complete_upload(const Context& ctx, const Upload& upload, std::span<const Part> parts,
                                       const CompleteOptions& options) override {
        std::vector<Part> owned(parts.begin(), parts.end());
        return run<ObjectInfo>(ctx, on(Verb::complete_upload, upload.object),
                               [upload, options, owned = std::move(owned)](ObjectStore& s, const Context& c) {
                                   return s.complete_upload(c, upload, owned, options);
                               });
    }
    Status abort_upload(const Context& ctx, const Upload& upload) override {
        return run<void>(ctx, on(Verb::abort_upload, upload.object),
                         [=](ObjectStore& s, const Context& c) { return s.abort_upload(c, upload); });
    }
    Result<std::vector<Part>> parts(const Context& ctx, const Upload& upload) override {
        return run<std::vector<Part>>(ctx, on(Verb::parts, upload.object),
                                      [=](ObjectStore& s, const Context& c) { return s.parts(c, upload); });
    }
    Result<std::vector<Upload>> uploads(const Context& ctx, const std::string& bucket,
                                        const std::string& prefix) override {
        return run<std::vector<Upload>>(ctx, {.verb = Verb::uploads, .bucket = bucket, .key = prefix},
                                        [=](ObjectStore& s, const Context& c) { return s.uploads(c, bucket, prefix); });
    }
    Result<BucketFacts> bucket_facts(const Context& ctx, const std::string& bucket) override {
        return run<BucketFacts>(ctx, {.verb = Verb::bucket_facts, .bucket = bucket},
                                [=](ObjectStore& s, const Context& c) { return s.bucket_facts(c, bucket); });
    }

private:
    struct Deferred {
        SteadyTime due;
        CallRecord record;
        std::function<void()> effect;
    };

    static Call on(Verb verb, const ObjectRef& object) {
        return {.verb = verb, .bucket = object.bucket, .key = object.key};
    }

    template <class T, class Effect>
    Result<T> run(const Context& ctx, const Call& call, Effect effect) {
        land_until(clock_.steady());
        if (dead()) return died();
        Result<T> answer = faulted<T>(ctx, call, effect);
        note(call, answer.has_value() ? nullptr : &answer.error());
        return answer;
    }

    template <class T, class Effect>
    Result<T> faulted(const Context& ctx, const Call& call, const Effect& effect) {
        const FaultRule rule = matching(call);
        if (rule.before) rule.before(call);
        if (dead()) return died();  // the callback killed us
        switch (rule.action) {
            case FaultAction::fail: return rule.error;
            case FaultAction::die: die(); return died();
            case FaultAction::defer: defer<T>(call, rule, effect); return lost_answer(call);
            default: break;
        }
        Result<T> answer = effect(*store_, ctx);
        if (rule.action == FaultAction::repeat) answer = effect(*store_, ctx);
        if (rule.action == FaultAction::repeat_later) defer<T>(call, rule, effect);
        if (rule.after) rule.after(call);
        if (rule.action == FaultAction::die_after) die();
        if (dead()) return died();
        if (rule.action == FaultAction::lose_answer) return lost_answer(call);
        return answer;
    }

    template <class T, class Effect>
    void defer(const Call& call, const FaultRule& rule, const Effect& effect) {
        std::lock_guard lock(mutex_);
        deferred_.push_back({.due = rule.delay > Nanos(0) ? clock_.steady() + rule.delay : SteadyTime::max(),
                             .record = record_of(call),
                             .effect = [store = store_, effect] {
                                 // Nobody hears a late answer.
                                 const Result<T> unheard = effect(*store, Context{});
                                 static_cast<void>(unheard);
                             }});
    }

    FaultRule matching(const Call& call) {
        std::lock_guard lock(mutex_);
        for (FaultRule& rule : rules_) {
            if (rule.count == 0 || (rule.verb && *rule.verb != call.verb)) continue;
            if (!rule.key.empty() && !call.names(rule.key)) continue;
            if (rule.when && !rule.when(call)) continue;
            if (rule.skip > 0) {
                --rule.skip;
                continue;
            }
            --rule.count;
            return rule;
        }
        return {};
    }

    std::size_t land_until(SteadyTime now) {
        std::size_t landed = 0;
        while (auto next = take_due(now)) {
            next->effect();
            std::lock_guard lock(mutex_);
            trace_.push_back(std::move(next->record));
            ++landed;
        }
        return landed;
    }
    std::optional<Deferred> take_due(SteadyTime now) {
        std::lock_guard lock(mutex_);
        auto due = std::find_if(deferred_.begin(), deferred_.end(), [&](const Deferred& d) { return d.due <= now; });
        if (due == deferred_.end()) return std::nullopt;
        Deferred taken = std::move(*due);
        deferred_.erase(due);
        return taken;
    }

    static CallRecord record_of(const Call& call) {
        CallRecord record{.verb = call.verb,
                          .bucket = std::string(call.bucket),
                          .key = std::string(call.key),
                          .from_key = std::string(call.from_key)};
        for (const RemoveItem& item : call.items)
            record.keys.push_back(item.key);
        record.landed_late = true;
        return record;
    }
    void note(const Call& call, const Error* error) {
        CallRecord record = record_of(call);
        record.landed_late = false;
        if (error) record.error = error->code;
        record.unsure = error && error->unsure;
        std::lock_guard lock(mutex_);
        trace_.push_back(std::move(record));
    }
    void set_dead(bool dead) {
        std::lock_guard lock(mutex_);
        dead_ = dead;
    }

    // shared: a test looks behind the faults at the store itself.
    const std::shared_ptr<ObjectStore> store_;
    Clock& clock_;
    mutable std::mutex mutex_;
    std::vector<FaultRule> rules_;
    std::deque<Deferred> deferred_;
    std::vector<CallRecord> trace_;
    bool dead_ = false;
};

}  // namespace

std::unique_ptr<FaultStore> make_fault_store(std::shared_ptr<ObjectStore> store, Clock* clock) {
    return std::make_unique<ScriptedFaultStore>(std::move(store), clock);
}

}  // namespace dray
