// Objects for the tests of this room: encoded by the libraries, or made bit by bit.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "codec/decoder.h"

namespace dray {

std::string bz2_of(std::string_view text, int level = 9);
std::string gzip_of(std::string_view text);
std::string zstd_of(std::string_view text);
// Its blocks end at the middle too, so that their borders are not those of pieces.
std::string zstd_without_checksum_of(std::string_view text);

// What libbz2 itself makes of streams one after another: the second opinion.
Result<std::string> libbz2_text_of(std::string_view bytes);

std::string json_lines(std::size_t bytes, std::uint64_t seed = 1);  // at least so many
std::string noise(std::size_t bytes, std::uint64_t seed = 1);
std::string runs(std::size_t bytes, std::uint64_t seed = 1);  // of one byte each, short and long

// Pushes `bytes` in pieces of `piece`, each when nothing is to be had without it, and returns all that was given. An
// error ends it; `given` then has what came before.
Result<std::string> decoded(Decoder& decoder, std::string_view bytes, std::size_t piece, std::string* given = nullptr);

// Bits of a stream of bz2, highest first.
class BitString {
public:
    void append(std::uint64_t value, unsigned count);
    void append(const BitString& other);
    std::uint64_t size() const { return size_; }
    std::string bytes() const { return bytes_; }  // the last one filled with zeros

private:
    std::string bytes_;
    std::uint64_t size_ = 0;
};

// A block whose symbols are bytes: 254 byte values are in use, so that there are 256 symbols, each with a code of 8
// bits that is its number. So anything but the byte 0xFF, which ends a block, can be written into the bits of a block.
// What it decodes to is found by libbz2.
struct CraftedBlock {
    explicit CraftedBlock(std::string_view symbols);
    BitString bits;    // with its magic
    std::string text;  // what it stands for
    std::uint32_t crc = 0;
};

// A stream of level 9.
struct CraftedStream {
    explicit CraftedStream(const std::vector<CraftedBlock>& blocks);
    std::string bytes, text;
    std::vector<std::uint64_t> begins;  // bit of each block, and of the end
};

inline constexpr std::string_view kBlockMagicBytes = "\x31\x41\x59\x26\x53\x59";
inline constexpr std::string_view kEndMagicBytes = "\x17\x72\x45\x38\x50\x90";

}  // namespace dray
