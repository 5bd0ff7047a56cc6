#include "codec/bz2_block.h"

#include <bzlib.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "base/check.h"

namespace dray {
namespace {

// Level 9, whatever the stream says: the block's own checksum decides, and a block that is decoded ahead of its turn
// does not know its stream yet.
constexpr std::string_view kHeader = "BZh9";

}  // namespace

struct Bz2BlockReader::Impl {
    bz_stream stream{};
    std::uint64_t next;  // bit of the object that follows what libbz2 was given
    std::array<char, 16 << 10> shifted;
    std::array<char, kPiece> piece;

    explicit Impl(std::uint64_t begin) : next(begin) {
        CHECK(::BZ2_bzDecompressInit(&stream, 0, 0) == BZ_OK);  // it fails without memory only
        std::copy(kHeader.begin(), kHeader.end(), shifted.begin());
        give(kHeader.size());
    }
    ~Impl() { ::BZ2_bzDecompressEnd(&stream); }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    void give(std::size_t count) {
        stream.next_in = shifted.data();
        stream.avail_in = static_cast<unsigned>(count);
    }

    // Whole bytes: the last may hold up to 7 bits of what follows the block. False: all were given already.
    bool give_more(const BitWindow& window, std::uint64_t until) {
        if (next >= until) return false;
        const std::uint64_t count = std::min<std::uint64_t>((until - next + 7) / 8, shifted.size());
        window.copy(next, shifted.data(), count);
        next += count * 8;
        give(count);
        return true;
    }
};

Bz2BlockReader::Bz2BlockReader(std::uint64_t begin) : impl_(std::make_unique<Impl>(begin)) {}
Bz2BlockReader::~Bz2BlockReader() = default;
Bz2BlockReader::Bz2BlockReader(Bz2BlockReader&&) noexcept = default;

Bz2BlockReader::Step Bz2BlockReader::read(const BitWindow& window, std::uint64_t until, std::string& out) {
    Impl& self = *impl_;
    for (;;) {
        self.stream.next_out = self.piece.data();
        self.stream.avail_out = static_cast<unsigned>(self.piece.size());
        const int answer = ::BZ2_bzDecompress(&self.stream);
        CHECK(answer != BZ_MEM_ERROR);
        const std::size_t given = self.piece.size() - self.stream.avail_out;
        out.append(self.piece.data(), given);
        // The end of a stream cannot come: what is given to libbz2 ends with the block.
        if (answer != BZ_OK) return Step::damaged;
        if (given > 0) return Step::piece;
        // Nothing given although there was room: libbz2 has used all its input, and has compared the CRC of a block
        // whose bytes it gave.
        if (!self.give_more(window, until)) return Step::starved;
    }
}

Bz2Block decode_bz2_block(const BitWindow& window, std::span<const Bz2Magic> magics) {
    CHECK(!magics.empty() && !magics.front().end);
    Bz2Block block{.begin = magics.front().bit};
    Bz2BlockReader reader(block.begin);
    std::string piece;
    for (const Bz2Magic& magic : magics.subspan(1)) {
        auto step = Bz2BlockReader::Step::piece;
        while (step == Bz2BlockReader::Step::piece) {
            piece.clear();
            step = reader.read(window, magic.bit, piece);
            block.decoded += piece.size();
            if (block.decoded <= kMaxBz2BlockHeld)
                block.text += piece;
            else
                block.text = {};
        }
        if (step == Bz2BlockReader::Step::damaged) {
            block.state = Bz2Block::State::damaged;
            return block;
        }
        if (block.decoded == 0) continue;  // the magic lies inside the block
        block.state = Bz2Block::State::whole;
        block.end = magic.bit;
        return block;
    }
    return block;
}

}  // namespace dray
