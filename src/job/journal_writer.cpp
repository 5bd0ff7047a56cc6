#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "base/checksum.h"
#include "job/journal_file.h"

namespace dray {
namespace {

std::string closed_group(std::string lines, std::uint64_t count, std::uint64_t group) {
    journal_file::close_group(lines, count, group);
    return lines;
}

// Cuts off what the last process left half written, durably, before anything is written behind it.
Status cut_file(const std::string& path, std::uint64_t bytes) {
    const Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!fd) return system_error("open the journal", path, errno);
    if (::ftruncate(fd.get(), static_cast<off_t>(bytes)) != 0) return system_error("cut the journal", path, errno);
    if (::fsync(fd.get()) != 0) return system_error("sync the journal", path, errno);
    return {};
}

}  // namespace

// Appenders add to `pending_`; the writer thread takes all of it, closes it as a group, writes and fsyncs, and tells
// those who wait. While it is at the disk the next group gathers by itself.
struct JournalWriter::Impl {
    Impl(AppendFile file, std::uint32_t process, Clock* clock, std::uint64_t groups, bool answered)
        : process_(process),
          clock_(clock ? *clock : real_clock()),
          file_(std::move(file)),
          groups_(groups),
          answered_earlier_(answered) {}
    ~Impl() { stop(); }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    Status start() {
        try {
            thread_ = std::thread([this] { run(); });
        } catch (const std::system_error& error) {
            return system_error("start a thread for the journal", file_.path(), error.code().value());
        }
        return {};
    }

    Ticket append(std::string_view line) {
        std::unique_lock lock(mutex_);
        room_.wait(lock, [&] { return pending_.size() < kJournalQueueBytes || failure_; });
        CHECK(!closing_);
        if (pending_.empty()) {
            oldest_ = std::chrono::steady_clock::now();
            work_.notify_one();
        }
        pending_.append(line);
        if (++pending_lines_ == kGroupLines) work_.notify_one();
        return ++appended_;
    }

    Status wait_durable(Ticket ticket) {
        if (durable(ticket) && !failed()) return {};
        std::unique_lock lock(mutex_);
        CHECK(ticket <= appended_);
        if (ticket > wanted_) {
            wanted_ = ticket;
            work_.notify_one();
        }
        done_.wait(lock, [&] { return durable_ >= ticket || failure_; });
        // Also for a line that was durable before: the caller is about to cause an effect that could not be recorded.
        if (failure_) return *failure_;
        return {};
    }

    // Without the lock: workers ask for every move.
    bool durable(Ticket ticket) const { return durable_.load(std::memory_order_acquire) >= ticket; }
    bool failed() const { return failed_.load(std::memory_order_acquire); }

    Status first_answer(WallTime store_time) {
        if (answered_earlier_) return {};
        Ticket ticket = 0;
        {
            const std::scoped_lock lock(answer_mutex_);
            if (answer_ == 0) {
                std::string line;
                journal_file::write_first_answer(line, store_time);
                answer_ = append(line);
            }
            ticket = answer_;
        }
        return wait_durable(ticket);
    }

    Status close(const RunEnd& end) {
        std::string line;
        journal_file::write_end(line, end);
        const Ticket ticket = append(line);
        {
            const std::scoped_lock lock(mutex_);
            closing_ = true;
        }
        Status closed = wait_durable(ticket);
        stop();
        return closed;
    }

    // What is pending is dropped, as if the process had died here.
    void stop() {
        {
            const std::scoped_lock lock(mutex_);
            stopping_ = true;
        }
        work_.notify_one();
        if (thread_.joinable()) thread_.join();
    }

    const std::uint32_t process_;
    Clock& clock_;

private:
    bool group_is_due() const {
        return wanted_ > taken_ || pending_lines_ >= kGroupLines || pending_.size() >= kJournalQueueBytes;
    }

    void run() {
        std::unique_lock lock(mutex_);
        while (!stopping_ && !failure_) {
            if (pending_.empty()) {
                work_.wait(lock);
            } else if (!group_is_due() && std::chrono::steady_clock::now() < oldest_ + kGroupWait) {
                work_.wait_until(lock, oldest_ + kGroupWait);
            } else {
                write_group(lock);
            }
        }
    }

    void write_group(std::unique_lock<std::mutex>& lock) {
        std::string lines = std::exchange(pending_, {});
        const std::uint64_t count = std::exchange(pending_lines_, 0);
        const Ticket last = taken_ = appended_;
        lock.unlock();
        room_.notify_all();
        Status written = put_on_disk(closed_group(std::move(lines), count, groups_ + 1));
        lock.lock();
        if (written) {
            ++groups_;
            durable_.store(last, std::memory_order_release);
        } else {
            failure_ = std::move(written).error();
            failed_.store(true, std::memory_order_release);
            room_.notify_all();
        }
        done_.notify_all();
    }

    Status put_on_disk(std::string_view group) {
        TRY(file_.write(group));
        return file_.sync();
    }

    AppendFile file_;  // of the writer thread, once it runs
    std::mutex mutex_;
    std::condition_variable work_;  // for the writer thread
    std::condition_variable done_;  // for those who wait for their line
    std::condition_variable room_;  // for those who wait for the queue
    std::string pending_;
    std::uint64_t pending_lines_ = 0;
    std::chrono::steady_clock::time_point oldest_;  // when the first pending line came
    Ticket appended_ = 0, taken_ = 0, wanted_ = 0;
    std::atomic<Ticket> durable_ = 0;
    std::uint64_t groups_;
    std::optional<Error> failure_;
    std::atomic<bool> failed_ = false;
    bool closing_ = false, stopping_ = false;
    std::mutex answer_mutex_;
    Ticket answer_ = 0;
    const bool answered_earlier_;
    std::thread thread_;
};

namespace {

std::string open_line(const JournalWriter::Options& options, std::uint32_t process) {
    Clock& clock = options.clock ? *options.clock : real_clock();
    std::string line;
    journal_file::write_open(line, {.run_id = options.run_id,
                                    .plan_checksum = options.plan_checksum,
                                    .process = process,
                                    .at = clock.wall(),
                                    .own_file_systems = options.own_file_systems});
    return line;
}

}  // namespace

JournalWriter::JournalWriter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
JournalWriter::~JournalWriter() = default;

Result<std::unique_ptr<JournalWriter>> JournalWriter::create(const std::string& path, const Options& options) {
    if (::access(path.c_str(), F_OK) == 0)
        return Error{.code = Code::exists, .message = "there is a journal already: " + path};
    // It appears with its first group: one that is empty, or has no plan's checksum, is damaged and never merely new.
    const std::string part = path + ".part";
    TRY(remove_file(part));
    {
        TRY_LET(file, AppendFile::open(part, AppendFile::Mode::create_new, options.fault));
        TRY(file.write(closed_group(open_line(options, 1), 1, 1)));
        TRY(file.sync());
    }
    if (::rename(part.c_str(), path.c_str()) != 0) return system_error("rename the journal to", path, errno);
    TRY(sync_directory(parent_of(path)));
    TRY_LET(file, AppendFile::open(path, AppendFile::Mode::append, options.fault));
    auto impl = std::make_unique<Impl>(std::move(file), 1, options.clock, 1, false);
    TRY(impl->start());
    return std::unique_ptr<JournalWriter>(new JournalWriter(std::move(impl)));
}

Result<std::unique_ptr<JournalWriter>> JournalWriter::go_on(const std::string& path, const JournalSummary& read,
                                                            const Options& options) {
    if (read.plan_checksum != options.plan_checksum)
        return Error{.code = Code::corrupt,
                     .message = "the journal " + path + " belongs to another plan (" + read.plan_checksum + ")"};
    TRY(cut_file(path, read.good_bytes));
    TRY_LET(file, AppendFile::open(path, AppendFile::Mode::append, options.fault));
    const std::uint32_t process = read.processes + 1;
    auto impl =
        std::make_unique<Impl>(std::move(file), process, options.clock, read.groups, read.first_answer.has_value());
    TRY(impl->start());
    TRY(impl->wait_durable(impl->append(open_line(options, process))));
    return std::unique_ptr<JournalWriter>(new JournalWriter(std::move(impl)));
}

Ticket JournalWriter::append(const Receipt& receipt) {
    std::string line;
    write_receipt(line, receipt);
    return impl_->append(line);
}
Ticket JournalWriter::append_read(std::uint64_t n, std::string_view was_json) {
    std::string line;
    journal_file::write_read(line, n, was_json);
    return impl_->append(line);
}
Ticket JournalWriter::append_claim(std::uint64_t first, std::uint64_t last) {
    std::string line;
    journal_file::write_claim(line, first, last);
    return impl_->append(line);
}
Ticket JournalWriter::append_release(std::uint64_t first, std::uint64_t last) {
    std::string line;
    journal_file::write_release(line, first, last);
    return impl_->append(line);
}
Status JournalWriter::claim(std::uint64_t first, std::uint64_t last) {
    return wait_durable(append_claim(first, last));
}
Status JournalWriter::first_answer(WallTime store_time) {
    return impl_->first_answer(store_time);
}
Status JournalWriter::wait_durable(Ticket ticket) {
    return impl_->wait_durable(ticket);
}
bool JournalWriter::durable(Ticket ticket) const {
    return impl_->durable(ticket);
}
bool JournalWriter::failed() const {
    return impl_->failed();
}
std::uint32_t JournalWriter::process() const {
    return impl_->process_;
}
Status JournalWriter::close(const RunEnd& end) {
    RunEnd timed = end;
    if (timed.at == WallTime{}) timed.at = impl_->clock_.wall();
    return impl_->close(timed);
}

}  // namespace dray
