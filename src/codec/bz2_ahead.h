// Blocks of bz2 that are decoded before their turn comes. For this room only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "codec/bz2_bits.h"
#include "codec/bz2_block.h"
#include "codec/bz2_magic.h"

namespace dray {

class Crew;

// The bytes of an object that are at hand, and the magics in them.
class Bz2Input {
public:
    // Forgets what lies before `keep_from` (a bit) and appends what has arrived.
    void append(std::string_view bytes, std::uint64_t keep_from);

    BitWindow window() const { return {.bytes = bytes_, .begin = begin_}; }
    std::uint64_t end() const { return begin_ + bytes_.size(); }  // byte of the object
    std::uint64_t last_magic() const { return magics_.empty() ? 0 : magics_.back().bit; }

    // From the block that begins at `bit` on, at most `most` places where blocks seem to begin: each with all magics
    // that follow it, of which there is one at least.
    std::vector<std::span<const Bz2Magic>> blocks_from(std::uint64_t bit, std::size_t most) const;

private:
    std::string bytes_;
    std::uint64_t begin_ = 0;
    Bz2MagicFinder finder_;
    std::vector<Bz2Magic> magics_;
};

class Bz2BlocksAhead {
public:
    // The crew is borrowed; it may be null for one at once.
    Bz2BlocksAhead(std::size_t at_once, Crew* crew);

    // The block that begins at `bit`, whole or damaged. It is decoded together with those that seem to follow it: once
    // so many seem to be there, or `enough` bytes, or `all` that there will be. Null: not yet.
    Bz2Block* at(std::uint64_t bit, const Bz2Input& input, std::uint64_t enough, bool all);

private:
    Bz2Block* find(std::uint64_t bit);
    void decode(const BitWindow& window, const std::vector<std::span<const Bz2Magic>>& blocks);

    const std::size_t at_once_;
    Crew* const crew_;
    std::vector<Bz2Block> batch_;   // in order; those that began at a false magic lie inside others
    std::uint64_t last_magic_ = 0;  // known when the batch was decoded
};

}  // namespace dray
