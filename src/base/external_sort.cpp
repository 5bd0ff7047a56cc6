#include "base/external_sort.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "base/file.h"

namespace dray {
namespace {

constexpr std::size_t kLengthBytes = 4;  // in front of each record in a run
constexpr std::size_t kMaxStored = kLengthBytes + ExternalSorter::kMaxRecord;

// A file without a name, written once from front to back and then read anywhere.
class SpillFile {
public:
    static Result<SpillFile> create(const std::string& directory, const ExternalSorter::Fault* fault) {
        std::string name = directory + "/sort-XXXXXX";
        SpillFile file;
        file.fault_ = fault;
        file.fd_ = Fd(::mkostemp(name.data(), O_CLOEXEC));
        if (!file.fd_) return system_error("create a sort file in", directory, errno);
        // At once, so that not even a crash leaves it behind.
        if (::unlink(name.c_str()) != 0) return system_error("unlink", name, errno);
        file.directory_ = directory;
        return file;
    }

    std::uint64_t size() const { return size_; }

    Status write(std::string_view bytes) {
        while (!bytes.empty()) {
            if (const int failure = *fault_ ? (*fault_)() : 0) return failed("write", failure);
            const ssize_t written = ::write(fd_.get(), bytes.data(), bytes.size());
            if (written < 0 && errno == EINTR) continue;
            if (written < 0) return failed("write", errno);
            size_ += static_cast<std::uint64_t>(written);
            bytes.remove_prefix(static_cast<std::size_t>(written));
        }
        return {};
    }

    // Fills `buffer`, all of which was written.
    Status read(std::uint64_t offset, std::span<char> buffer) const {
        while (!buffer.empty()) {
            const ssize_t got = ::pread(fd_.get(), buffer.data(), buffer.size(), static_cast<off_t>(offset));
            if (got < 0 && errno == EINTR) continue;
            if (got <= 0) return failed("read", got == 0 ? EIO : errno);
            offset += static_cast<std::uint64_t>(got);
            buffer = buffer.subspan(static_cast<std::size_t>(got));
        }
        return {};
    }

private:
    SpillFile() = default;
    Error failed(std::string_view action, int error_number) const {
        return system_error(std::string(action) + " a sort file in", directory_, error_number);
    }

    std::string directory_;
    Fd fd_;
    std::uint64_t size_ = 0;
    const ExternalSorter::Fault* fault_ = nullptr;
};

// A sorted stretch of a spill file.
struct Run {
    std::uint64_t begin = 0, end = 0;
};

class RunWriter {
public:
    explicit RunWriter(SpillFile& file) : file_(file), run_{.begin = file.size(), .end = 0} {
        buffer_.reserve(kMaxStored);
    }

    Status append(std::string_view record) {
        if (buffer_.size() + kLengthBytes + record.size() > kMaxStored) TRY(flush());
        const auto length = static_cast<std::uint32_t>(record.size());
        char bytes[kLengthBytes];
        std::memcpy(bytes, &length, kLengthBytes);  // read by this process only
        buffer_.append(bytes, kLengthBytes).append(record);
        return {};
    }

    Result<Run> finish() {
        TRY(flush());
        run_.end = file_.size();
        return run_;
    }

private:
    Status flush() {
        TRY(file_.write(buffer_));
        buffer_.clear();
        return {};
    }

    SpillFile& file_;
    Run run_;
    std::string buffer_;
};

// Reads a run through a buffer of fixed size, at least kMaxStored.
class RunReader {
public:
    RunReader(const SpillFile& file, Run run, std::size_t buffer_bytes)
        : file_(&file), next_(run.begin), end_(run.end), buffer_(buffer_bytes) {}

    std::string_view record() const { return record_; }

    // False at the end of the run.
    Result<bool> advance() {
        if (!has_whole_record() && next_ != end_) TRY(refill());
        if (at_ == used_) return false;
        CHECK(has_whole_record());
        record_ = std::string_view(buffer_.data() + at_ + kLengthBytes, next_length());
        at_ += kLengthBytes + record_.size();
        return true;
    }

private:
    std::size_t next_length() const {
        std::uint32_t length = 0;
        std::memcpy(&length, buffer_.data() + at_, kLengthBytes);
        return length;
    }
    bool has_whole_record() const {
        const std::size_t here = used_ - at_;
        return here >= kLengthBytes && here >= kLengthBytes + next_length();
    }

    Status refill() {
        std::memmove(buffer_.data(), buffer_.data() + at_, used_ - at_);
        used_ -= at_;
        at_ = 0;
        const std::size_t bytes = std::min<std::uint64_t>(buffer_.size() - used_, end_ - next_);
        TRY(file_->read(next_, std::span(buffer_).subspan(used_, bytes)));
        next_ += bytes;
        used_ += bytes;
        return {};
    }

    const SpillFile* file_;
    std::uint64_t next_, end_;  // what of the run is still to be read into the buffer
    std::vector<char> buffer_;
    std::size_t at_ = 0, used_ = 0;
    std::string_view record_;
};

// Merges runs of one file.
class Merge {
public:
    static Result<Merge> of(const SpillFile& file, std::span<const Run> runs, std::uint64_t memory) {
        Merge merge;
        merge.readers_.reserve(runs.size());
        const std::size_t buffer_bytes = std::max<std::uint64_t>(memory / runs.size(), kMaxStored);
        for (const Run& run : runs) {
            RunReader& reader = merge.readers_.emplace_back(file, run, buffer_bytes);
            TRY_LET(has_record, reader.advance());
            if (has_record) merge.heap_.push_back(&reader);
        }
        std::make_heap(merge.heap_.begin(), merge.heap_.end(), later);
        return merge;
    }

    // The view holds until the next call.
    Result<std::optional<std::string_view>> next() {
        TRY(replace_last());
        if (heap_.empty()) return std::optional<std::string_view>();
        std::pop_heap(heap_.begin(), heap_.end(), later);
        last_given_ = true;
        return std::optional(heap_.back()->record());
    }

private:
    static bool later(const RunReader* a, const RunReader* b) { return a->record() > b->record(); }

    // The reader of the record given last stands behind the heap; its record had to stay until now.
    Status replace_last() {
        if (!std::exchange(last_given_, false)) return {};
        TRY_LET(has_record, heap_.back()->advance());
        if (has_record) {
            std::push_heap(heap_.begin(), heap_.end(), later);
        } else {
            heap_.pop_back();
        }
        return {};
    }

    std::vector<RunReader> readers_;
    std::vector<RunReader*> heap_;
    bool last_given_ = false;
};

// Records in memory: their bytes fill one block from the front, their places fill it from the back, so that no growth
// ever needs more than the block.
class Block {
public:
    struct Place {
        // Without initial values: the block would be written, and so become resident, before a record needs it.
        std::uint64_t prefix;  // the first eight bytes as a number: decides most comparisons without a look at them
        std::uint32_t offset, size;
    };

    explicit Block(std::uint64_t bytes) : slots_(bytes / sizeof(Place)) {}

    bool has_room_for(std::string_view record) const {
        return used_ + record.size() + (count_ + 1) * sizeof(Place) <= capacity();
    }

    void add(std::string_view record) {
        if (!memory_) memory_ = std::make_unique_for_overwrite<Place[]>(slots_);
        if (!record.empty()) std::memcpy(bytes() + used_, record.data(), record.size());
        ++count_;
        *places().begin() = {.prefix = prefix_of(record),
                             .offset = static_cast<std::uint32_t>(used_),
                             .size = static_cast<std::uint32_t>(record.size())};
        used_ += record.size();
    }

    std::span<Place> places() { return {memory_.get() + slots_ - count_, count_}; }
    std::string_view record(const Place& place) { return {bytes() + place.offset, place.size}; }

    void sort() {
        std::sort(places().begin(), places().end(), [this](const Place& a, const Place& b) {
            return a.prefix != b.prefix ? a.prefix < b.prefix : record(a) < record(b);
        });
    }
    void clear() { used_ = count_ = 0; }
    void release() { clear(), memory_.reset(); }
    bool empty() const { return count_ == 0; }

private:
    static std::uint64_t prefix_of(std::string_view record) {
        char first[8] = {};  // a shorter record ends in zeros here; then the records themselves decide
        std::copy_n(record.data(), std::min<std::size_t>(record.size(), 8), first);
        return read_u64(std::string_view(first, 8));
    }
    std::uint64_t capacity() const { return slots_ * sizeof(Place); }
    char* bytes() { return reinterpret_cast<char*>(memory_.get()); }

    std::size_t slots_;
    std::unique_ptr<Place[]> memory_;
    std::uint64_t used_ = 0;
    std::size_t count_ = 0;
};

}  // namespace

struct ExternalSorter::Impl {
    std::string directory;
    std::uint64_t memory;
    Fault fault;
    Block block;
    std::uint64_t count = 0;
    std::optional<SpillFile> spill;
    std::vector<Run> runs;  // of `spill`
    bool finished = false;
    std::size_t next_place = 0;  // without runs
    std::optional<Merge> merge;  // with runs

    // One buffer each for the runs read and one for the run written must fit.
    std::size_t fan_in() const { return std::clamp<std::uint64_t>(memory / kMaxStored - 1, 2, kMaxFanIn); }

    Status spill_block() {
        if (!spill) {
            TRY_LET(file, SpillFile::create(directory, &fault));
            spill = std::move(file);
        }
        block.sort();
        RunWriter writer(*spill);
        for (const Block::Place& place : block.places())
            TRY(writer.append(block.record(place)));
        TRY_LET(run, writer.finish());
        runs.push_back(run);
        block.clear();
        return {};
    }

    // One pass: every fan_in() runs become one, in a new file; the old one vanishes.
    Status merge_pass() {
        TRY_LET(merged, SpillFile::create(directory, &fault));
        std::vector<Run> merged_runs;
        for (std::size_t first = 0; first < runs.size(); first += fan_in()) {
            const auto some = std::span(runs).subspan(first, std::min(fan_in(), runs.size() - first));
            TRY_LET(run, merge_into(merged, some));
            merged_runs.push_back(run);
        }
        spill = std::move(merged);
        runs = std::move(merged_runs);
        return {};
    }

    Result<Run> merge_into(SpillFile& target, std::span<const Run> some) {
        TRY_LET(source, Merge::of(*spill, some, memory - kMaxStored));
        RunWriter writer(target);
        while (true) {
            TRY_LET(record, source.next());
            if (!record) return writer.finish();
            TRY(writer.append(*record));
        }
    }
};

ExternalSorter::ExternalSorter(std::string directory, std::uint64_t memory, Fault fault) {
    // Below 4 GiB, for offsets of 32 bits.
    memory = std::clamp(memory, kLeastMemory, kMostMemory - 1);
    impl_ = std::make_unique<Impl>(
        Impl{.directory = std::move(directory), .memory = memory, .fault = std::move(fault), .block = Block(memory)});
}
ExternalSorter::~ExternalSorter() = default;
ExternalSorter::ExternalSorter(ExternalSorter&&) noexcept = default;

Status ExternalSorter::add(std::string_view record) {
    CHECK(!impl_->finished);
    if (record.size() > kMaxRecord)
        return Error{.code = Code::invalid,
                     .message = "a record of " + std::to_string(record.size()) + " bytes is too long to be sorted"};
    if (!impl_->block.has_room_for(record)) TRY(impl_->spill_block());
    impl_->block.add(record);
    ++impl_->count;
    return {};
}

Status ExternalSorter::finish() {
    CHECK(!impl_->finished);
    impl_->finished = true;
    if (impl_->runs.empty()) {
        impl_->block.sort();
        return {};
    }
    TRY(impl_->spill_block());
    impl_->block.release();
    while (impl_->runs.size() > impl_->fan_in())
        TRY(impl_->merge_pass());
    TRY_LET(merge, Merge::of(*impl_->spill, impl_->runs, impl_->memory));
    impl_->merge = std::move(merge);
    return {};
}

Result<std::optional<std::string_view>> ExternalSorter::next() {
    CHECK(impl_->finished);
    if (impl_->merge) return impl_->merge->next();
    const auto places = impl_->block.places();
    if (impl_->next_place == places.size()) return std::optional<std::string_view>();
    return std::optional(impl_->block.record(places[impl_->next_place++]));
}

std::uint64_t ExternalSorter::count() const {
    return impl_->count;
}

void append_u64(std::string& out, std::uint64_t value) {
    for (int shift = 56; shift >= 0; shift -= 8)
        out.push_back(static_cast<char>(value >> shift));
}

std::uint64_t read_u64(std::string_view bytes) {
    CHECK(bytes.size() >= 8);
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < 8; ++i)
        value = value << 8 | static_cast<unsigned char>(bytes[i]);
    return value;
}

}  // namespace dray
