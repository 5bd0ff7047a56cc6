#include "base/crew.h"

#include <pthread.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <system_error>
#include <vector>

namespace dray {
namespace {

constexpr std::size_t kMaxWorkers = 4096;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t kStackBytes = std::size_t{1} << 20;  // instrumented frames are several times larger
#else
constexpr std::size_t kStackBytes = std::size_t{256} << 10;
#endif

// One drain() under way. Lives on the stack of its caller, who leaves only when no worker is inside.
struct Job {
    const std::function<bool()>& step;
    std::size_t workers_inside = 0;
    std::condition_variable left;
};

}  // namespace

struct Crew::Impl {
    std::size_t size = 0;
    std::mutex mutex;
    std::condition_variable work;
    std::deque<Job*> open;  // jobs that a worker may still join
    bool closing = false;
    std::vector<pthread_t> threads;

    static void* start(void* self) {
        static_cast<Impl*>(self)->work_until_closed();
        return nullptr;
    }

    void work_until_closed() {
        std::unique_lock lock(mutex);
        while (true) {
            work.wait(lock, [this] { return closing || !open.empty(); });
            if (closing) return;
            join_next_job(lock);
        }
    }

    void join_next_job(std::unique_lock<std::mutex>& lock) {
        Job* const job = open.front();
        // The next idle worker takes the next job: several jobs share the crew evenly.
        open.pop_front();
        open.push_back(job);
        ++job->workers_inside;
        // Workers wake one another in a chain that ends when the work does; waking all at once for a small job would
        // make thousands of threads fight for this lock.
        work.notify_one();
        lock.unlock();
        while (job->step()) {
        }
        lock.lock();
        close(job);
        if (--job->workers_inside == 0) job->left.notify_one();
    }

    // Nobody joins the job any more. Under the lock.
    void close(Job* job) { std::erase(open, job); }
};

Crew::Crew(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<Crew>> Crew::make(std::size_t workers) {
    CHECK(workers >= 1 && workers <= kMaxWorkers);
    auto crew = std::unique_ptr<Crew>(new Crew(std::make_unique<Impl>()));
    Impl& impl = *crew->impl_;
    impl.size = workers;
    impl.threads.reserve(workers - 1);

    pthread_attr_t attributes;
    CHECK(::pthread_attr_init(&attributes) == 0);
    CHECK(::pthread_attr_setstacksize(&attributes, kStackBytes) == 0);
    int failure = 0;
    while (failure == 0 && impl.threads.size() + 1 < workers) {
        pthread_t thread = {};
        failure = ::pthread_create(&thread, &attributes, &Impl::start, &impl);
        if (failure == 0) impl.threads.push_back(thread);
    }
    ::pthread_attr_destroy(&attributes);
    if (failure == 0) return crew;
    return Error{.code = Code::local,
                 .message = "cannot start worker " + std::to_string(impl.threads.size() + 1) + " of " +
                            std::to_string(workers) + ": " + std::generic_category().message(failure) +
                            "; use fewer workers"};
}

Crew::~Crew() {
    {
        const std::lock_guard lock(impl_->mutex);
        CHECK(impl_->open.empty());
        impl_->closing = true;
    }
    impl_->work.notify_all();
    for (const pthread_t thread : impl_->threads)
        ::pthread_join(thread, nullptr);
}

std::size_t Crew::size() const {
    return impl_->size;
}

void Crew::drain(const std::function<bool()>& step) {
    Job job{.step = step};
    {
        const std::lock_guard lock(impl_->mutex);
        impl_->open.push_back(&job);
    }
    impl_->work.notify_one();
    while (step()) {
    }
    std::unique_lock lock(impl_->mutex);
    impl_->close(&job);
    job.left.wait(lock, [&job] { return job.workers_inside == 0; });
}

void Crew::for_each(std::size_t count, const std::function<void(std::size_t)>& body) {
    std::atomic<std::size_t> next = 0;
    drain([&] {
        const std::size_t i = next.fetch_add(1, std::memory_order_relaxed);
        if (i >= count) return false;
        body(i);
        return true;
    });
}

std::size_t workers_allowed(std::size_t wanted, std::size_t descriptors_each, std::size_t reserve) {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1;
    if (limit.rlim_cur < limit.rlim_max) {
        const rlimit raised{.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
        if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
    }
    if (limit.rlim_cur == RLIM_INFINITY || descriptors_each == 0) return std::max<std::size_t>(wanted, 1);
    const std::size_t usable = limit.rlim_cur > reserve ? limit.rlim_cur - reserve : 0;
    return std::max<std::size_t>(std::min(wanted, usable / descriptors_each), 1);
}

}  // namespace dray
