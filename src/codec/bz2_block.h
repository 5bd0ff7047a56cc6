// One block of bz2, decoded on its own by libbz2 from any bit of an object. For this room only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "codec/bz2_bits.h"
#include "codec/bz2_magic.h"

namespace dray {

// The format allows 18,002 groups of 50 symbols of at most 20 bits, and headers of less than 40 kB as every program
// writes them: 2.3 MB. What is longer ends nowhere.
inline constexpr std::uint64_t kMaxBz2BlockBytes = (std::uint64_t{5} << 20) / 2;
// Runs can make 46 MB of one block (900,000 bytes, five of which may stand for 255): such a block is decoded twice
// rather than held.
inline constexpr std::size_t kMaxBz2BlockHeld = std::size_t{2} << 20;

// Decodes a block in pieces. Not thread-safe.
class Bz2BlockReader {
public:
    static constexpr std::size_t kPiece = std::size_t{64} << 10;
    enum class Step : std::uint8_t {
        piece,    // decoded bytes were appended, and there may be more
        starved,  // all bits up to `until` are used, and all that they stand for was given
        damaged,  // the block does not decode, or its CRC does not agree, or what follows it is no magic
    };

    explicit Bz2BlockReader(std::uint64_t begin);  // the bit of the block's magic
    ~Bz2BlockReader();
    Bz2BlockReader(Bz2BlockReader&&) noexcept;

    // Appends at most kPiece decoded bytes, from the bits before `until` (in the window, and never less than before).
    // libbz2 gives nothing before it has read the whole block: when `until` is the place of a magic, `starved` before
    // the first byte means that the magic lies inside the block, and after bytes that the block ends there and that its
    // CRC agreed.
    Step read(const BitWindow& window, std::uint64_t until, std::string& out);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

struct Bz2Block {
    enum class State : std::uint8_t {
        whole,       // decoded, and the CRC of the block agreed
        unfinished,  // goes on behind the last magic that is known
        damaged,
    };
    State state = State::unfinished;
    std::uint64_t begin = 0;    // bit of its magic
    std::uint64_t end = 0;      // whole: bit of the magic that follows
    std::uint64_t decoded = 0;  // bytes it gave
    std::string text;           // these, unless they are more than kMaxBz2BlockHeld
};

// Decodes the block that begins at the first of `magics`, up to the first of the others at which it ends.
Bz2Block decode_bz2_block(const BitWindow& window, std::span<const Bz2Magic> magics);

}  // namespace dray
