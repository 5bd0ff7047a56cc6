#include <atomic>

#include "job/journal.h"

namespace dray {
namespace {

constexpr std::uint64_t kPerWord = 32;

unsigned shift_of(std::uint64_t n) {
    return static_cast<unsigned>(n % kPerWord * 2);
}

}  // namespace

ActionStates::ActionStates(std::uint64_t actions) : size_(actions), bits_((actions + kPerWord - 1) / kPerWord) {}

ActionState ActionStates::get(std::uint64_t n) const {
    CHECK(n < size_);
    // Words are shared by neighbours, and neighbours are worked on at once.
    const std::atomic_ref<std::uint64_t> word(const_cast<std::uint64_t&>(bits_[n / kPerWord]));
    return static_cast<ActionState>(word.load(std::memory_order_acquire) >> shift_of(n) & 3U);
}

ActionState ActionStates::set(std::uint64_t n, ActionState state) {
    CHECK(n < size_);
    const std::atomic_ref<std::uint64_t> word(bits_[n / kPerWord]);
    const unsigned shift = shift_of(n);
    std::uint64_t before = word.load(std::memory_order_acquire);
    std::uint64_t after = 0;
    do
        after = (before & ~(std::uint64_t{3} << shift)) | (std::uint64_t{static_cast<std::uint8_t>(state)} << shift);
    while (!word.compare_exchange_weak(before, after, std::memory_order_acq_rel));
    return static_cast<ActionState>(before >> shift & 3U);
}

Status ActionStates::apply(const JournalLine& line) {
    const bool claim = line.kind == JournalLine::Kind::claim, release = line.kind == JournalLine::Kind::release;
    if (!claim && !release && line.kind != JournalLine::Kind::receipt) return {};
    const std::uint64_t last = claim || release ? line.last : line.receipt.n;
    if (last >= size_)
        return Error{.code = Code::corrupt,
                     .message = "the journal belongs to another plan: it names action " + std::to_string(last) +
                                ", and the plan has " + std::to_string(size_) +
                                "; put back the one that was there before"};
    if (claim || release) {
        const ActionState from = claim ? ActionState::none : ActionState::doubtful;
        const ActionState to = claim ? ActionState::doubtful : ActionState::none;
        for (std::uint64_t n = line.first; n <= last; ++n)
            if (get(n) == from) set(n, to);
    } else if (is_final(line.receipt.state)) {
        set(last, ActionState::final);
    } else if (line.receipt.state == ReceiptState::reopened) {
        set(last, line.receipt.untouched ? ActionState::none : ActionState::doubtful);
    } else if (line.receipt.state == ReceiptState::copied && get(last) != ActionState::final) {
        set(last, ActionState::copied);
    }
    return {};
}

std::uint64_t ActionStates::count(ActionState state) const {
    std::uint64_t found = 0;
    for (std::uint64_t n = 0; n < size_; ++n)
        found += get(n) == state ? 1 : 0;
    return found;
}

}  // namespace dray
