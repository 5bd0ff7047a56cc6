#include "codec/bz2_ahead.h"

#include <algorithm>

#include "base/check.h"
#include "base/crew.h"

namespace dray {

void Bz2Input::append(std::string_view bytes, std::uint64_t keep_from) {
    CHECK(keep_from / 8 >= begin_ && keep_from / 8 <= end());
    bytes_.erase(0, keep_from / 8 - begin_);
    begin_ = keep_from / 8;
    std::erase_if(magics_, [&](const Bz2Magic& magic) { return magic.bit < keep_from; });
    bytes_ += bytes;
    finder_.find(window(), magics_);
}

std::vector<std::span<const Bz2Magic>> Bz2Input::blocks_from(std::uint64_t bit, std::size_t most) const {
    std::vector<std::span<const Bz2Magic>> blocks;
    auto next = std::ranges::lower_bound(magics_, bit, {}, &Bz2Magic::bit);
    if (next == magics_.end() || next->bit != bit) return blocks;  // so new that the finder has not seen it
    for (; magics_.end() - next > 1 && blocks.size() < most; ++next)
        if (!next->end) blocks.emplace_back(next, magics_.end());
    return blocks;
}

Bz2BlocksAhead::Bz2BlocksAhead(std::size_t at_once, Crew* crew) : at_once_(at_once), crew_(crew) {
    CHECK(at_once >= 1 && (crew != nullptr || at_once == 1));
}

Bz2Block* Bz2BlocksAhead::at(std::uint64_t bit, const Bz2Input& input, std::uint64_t enough, bool all) {
    using State = Bz2Block::State;
    Bz2Block* const known = find(bit);
    if (known && known->state != State::unfinished) return known;
    if (known && last_magic_ == input.last_magic()) return nullptr;  // nothing new that could be its end

    const auto blocks = input.blocks_from(bit, at_once_);
    if (blocks.empty()) return nullptr;
    if (blocks.size() < at_once_ && input.end() - bit / 8 < enough && !all) return nullptr;
    decode(input.window(), blocks);
    last_magic_ = input.last_magic();
    return batch_.front().state == State::unfinished ? nullptr : &batch_.front();
}

Bz2Block* Bz2BlocksAhead::find(std::uint64_t bit) {
    const auto found = std::ranges::lower_bound(batch_, bit, {}, &Bz2Block::begin);
    return found != batch_.end() && found->begin == bit ? &*found : nullptr;
}

void Bz2BlocksAhead::decode(const BitWindow& window, const std::vector<std::span<const Bz2Magic>>& blocks) {
    batch_.assign(blocks.size(), {});
    const auto one = [&](std::size_t i) { batch_[i] = decode_bz2_block(window, blocks[i]); };
    if (blocks.size() == 1)
        one(0);
    else
        crew_->for_each(blocks.size(), one);
}

}  // namespace dray
