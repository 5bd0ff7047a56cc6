#include "job/run.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "job/copied_receipts.h"
#include "job/pace.h"

namespace dray {
namespace {

constexpr std::size_t kOpenSlices = 2;  // the one being worked on and the next

struct Task {
    Action action;
    Earlier earlier;
};
// What one claim covers.
struct Slice {
    std::vector<Task> tasks;
    std::size_t begun = 0;
};

// One thread, the feeder, reads the plan, claims, and puts slices into a short queue; the crew takes tasks out of it.
class Engine : public Recorder {
public:
    Engine(const Context& ctx, const RunSetup& setup)
        : ctx_(ctx),
          run_(setup),
          copied_(setup.scratch),
          pace_(static_cast<std::uint32_t>(setup.crew->size()), ctx.clock().steady()) {}

    Status run() {
        if (run_.progress) run_.progress->effects = run_.plan->totals().effects;
        Status result = work();
        Status finished = run_.performer->finish(ctx_, *this);
        // Another pass over this plan reads the journal: every receipt of this one is in it then.
        if (!run_.journal->failed()) (void)run_.journal->wait_durable(last_);
        // The journal's failure comes first: it may be why the others failed.
        if (run_.journal->failed()) return run_.journal->wait_durable(0);
        if (!result) return result;
        if (auto fatal = run_.performer->fatal()) return *std::move(fatal);
        return finished;
    }

    Ticket record(const Receipt& receipt) override {
        const Ticket ticket = append(receipt);
        for (Ticket last = last_; last < ticket && !last_.compare_exchange_weak(last, ticket);) {
        }
        if (is_final(receipt.state)) {
            if (run_.states->set(receipt.n, ActionState::final) != ActionState::final) count(receipt);
        } else if (receipt.state == ReceiptState::copied && run_.states->get(receipt.n) != ActionState::final) {
            run_.states->set(receipt.n, ActionState::copied);
        }
        return ticket;
    }
    Status wait_durable(Ticket ticket) override { return run_.journal->wait_durable(ticket); }
    bool durable(Ticket ticket) const override { return run_.journal->durable(ticket); }
    bool may_change() const override { return !run_.journal->failed(); }
    void touch(std::uint64_t n) override {
        if (run_.states->get(n) == ActionState::none) run_.states->set(n, ActionState::doubtful);
    }

private:
    // What ends untouched leaves an undo nothing to look at.
    Ticket append(const Receipt& receipt) {
        const bool untouched = (receipt.state == ReceiptState::failed || receipt.state == ReceiptState::skipped) &&
                               run_.states->get(receipt.n) == ActionState::none;
        if (!untouched) return run_.journal->append(receipt);
        Receipt marked = receipt;
        marked.untouched = true;
        return run_.journal->append(marked);
    }

    Status work() {
        TRY(load_earlier());
        TRY(run_.plan->seek(0));
        std::thread feeder;
        try {
            feeder = std::thread([this] { feed(); });
        } catch (const std::system_error& error) {
            return system_error("start a thread for", "the plan", error.code().value());
        }
        run_.crew->drain([this] { return step(); });
        close();
        feeder.join();
        if (failure_) return *std::move(failure_);
        return {};
    }

    Status load_earlier() {
        if (run_.earlier_journal.empty()) return {};
        return copied_.load(run_.earlier_journal, *run_.states, [this](const Receipt& receipt) { count(receipt); });
    }

    void count(const Receipt& receipt) {
        run_.balance->count(receipt);
        if (!run_.progress) return;
        RunProgress& progress = *run_.progress;
        const bool failed = receipt.state == ReceiptState::failed, skipped = receipt.state == ReceiptState::skipped;
        if (receipt.state == ReceiptState::reopened)
            --progress.failed;
        else
            ++(failed ? progress.failed : skipped ? progress.skipped : progress.done);
    }

    // --- the feeder ---

    void feed() {
        while (wait_for_room()) {
            auto slice = claimed_slice();
            const std::scoped_lock lock(mutex_);
            if (!slice) {
                failure_ = std::move(slice).error();
                break;
            }
            if (slice->tasks.empty()) break;
            slices_.push_back(*std::move(slice));
            changed_.notify_all();
        }
        const std::scoped_lock lock(mutex_);
        fed_ = true;
        changed_.notify_all();
        turn_.notify_all();
    }

    bool wait_for_room() {
        std::unique_lock lock(mutex_);
        room_.wait(lock, [this] { return closed_ || slices_.size() < kOpenSlices; });
        return !closed_;
    }

    // The next slice, claimed durably; without tasks at the end of the plan.
    Result<Slice> claimed_slice() {
        TRY_LET(slice, next_slice());
        if (slice.tasks.empty()) return std::move(slice);
        TRY(run_.journal->claim(slice.tasks.front().action.n, slice.tasks.back().action.n));
        return std::move(slice);
    }

    Result<Slice> next_slice() {
        Slice slice;
        while (begun_ < run_.limit) {
            if (!ahead_) TRY(read_ahead());
            if (!ahead_) break;
            const bool fits = slice.tasks.empty() || ahead_->n - slice.tasks.front().action.n < kActionsPerClaim;
            if (!fits) break;
            Task task{.action = *std::exchange(ahead_, std::nullopt)};
            task.earlier.state = run_.states->get(task.action.n);
            if (task.earlier.state == ActionState::copied) {
                TRY_LET(receipt, copied_.take(task.action.n));
                task.earlier.copied = std::move(receipt);
            }
            slice.tasks.push_back(std::move(task));
            ++begun_;
        }
        return slice;
    }

    // The next action that is to be performed.
    Status read_ahead() {
        for (;;) {
            TRY_LET(action, run_.plan->next());
            if (!action) return {};
            const bool verdict = action->what == Do::skip || action->what == Do::fail;
            if (verdict || run_.states->get(action->n) == ActionState::final) continue;
            ahead_ = *std::move(action);
            return {};
        }
    }

    // --- the workers ---

    bool step() {
        if (ctx_.stopped() || run_.journal->failed() || run_.performer->fatal()) {
            close();
            return false;
        }
        const std::optional<Task> task = next_task();
        if (!task) {
            const Turn turn(*this);
            run_.performer->last_call(ctx_, *this, turn.last());
            return false;
        }
        if (run_.progress) ++run_.progress->in_flight;
        run_.performer->perform(ctx_, task->action, task->earlier, *this);
        task_ended();
        if (run_.progress) {
            --run_.progress->in_flight;
            run_.progress->bytes_done += task->action.from.size;
        }
        return true;
    }

    std::optional<Task> next_task() {
        std::unique_lock lock(mutex_);
        while (true) {
            changed_.wait(lock, [this] { return closed_ || fed_ || !slices_.empty(); });
            if (closed_ || slices_.empty()) return std::nullopt;
            if (may_begin()) break;
            turn_.wait_for(lock, kPaceSilence);
        }
        ++performing_;
        ++tasks_;
        Slice& slice = slices_.front();
        std::optional<Task> task = std::move(slice.tasks[slice.begun]);
        if (++slice.begun == slice.tasks.size()) {
            slices_.pop_front();
            room_.notify_one();
            if (fed_ && slices_.empty()) turn_.notify_all();
        }
        return task;
    }

    bool may_begin() const { return performing_ < pace_.width() || pace_.silent(ctx_.clock().steady()); }

    // Of the last call: no more workers at once than the pace allows there either.
    class Turn {
    public:
        explicit Turn(Engine& engine) : engine_(engine) {
            std::unique_lock lock(engine_.mutex_);
            while (!engine_.closed_ && !engine_.may_begin())
                engine_.turn_.wait_for(lock, kPaceSilence);
            ++engine_.performing_;
            last_ = engine_.tasks_ == 0;
        }
        bool last() const { return last_; }
        ~Turn() {
            const std::scoped_lock lock(engine_.mutex_);
            --engine_.performing_;
            engine_.turn_.notify_one();
        }
        Turn(const Turn&) = delete;
        Turn& operator=(const Turn&) = delete;

    private:
        Engine& engine_;
        bool last_ = false;
    };

    // This worker takes the next task itself; others are woken only when more of them may work.
    void task_ended() {
        const std::scoped_lock lock(mutex_);
        --performing_;
        --tasks_;
        if (pace_.ended(ctx_.clock().steady(), run_.performer->answers())) turn_.notify_all();
    }

    // No further action is begun.
    void close() {
        const std::scoped_lock lock(mutex_);
        closed_ = true;
        room_.notify_all();
        changed_.notify_all();
        turn_.notify_all();
    }

    const Context& ctx_;
    const RunSetup& run_;

    // The feeder's.
    CopiedReceipts copied_;
    std::optional<Action> ahead_;  // read, and not in a slice yet
    std::uint64_t begun_ = 0;

    // Shared.
    std::atomic<Ticket> last_ = 0;  // of the latest receipt
    std::mutex mutex_;
    std::condition_variable room_;     // for the feeder
    std::condition_variable changed_;  // for workers without a task
    std::condition_variable turn_;     // for workers beyond the pace
    Pace pace_;
    std::uint32_t performing_ = 0;  // workers that have a task, or are at their last call
    std::uint32_t tasks_ = 0;       // that are performed
    std::deque<Slice> slices_;
    std::optional<Error> failure_;
    bool fed_ = false, closed_ = false;
};

}  // namespace

Status run_plan(const Context& ctx, const RunSetup& setup) {
    return Engine(ctx, setup).run();
}

void release_untouched(const ActionStates& states, JournalWriter& journal) {
    const std::uint64_t none = states.size();
    std::uint64_t first = none, last = none;
    const auto release = [&] {
        if (first != none) journal.append_release(first, last);
        first = none;
    };
    for (std::uint64_t n = 0; n < states.size(); ++n) {
        const ActionState state = states.get(n);
        if (state == ActionState::doubtful) release();
        if (state != ActionState::none) continue;
        first = std::min(first, n);
        last = n;
    }
    release();
}

}  // namespace dray
