#include "codec/samples_test.h"

#include <bzlib.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <bit>
#include <random>

#include "base/check.h"
#include "codec/bz2_magic.h"
#include "codec/zstd.h"

namespace dray {
namespace {

std::uint32_t bz2_crc(std::string_view text) {
    std::uint32_t crc = 0xFFFFFFFF;
    for (const char c : text) {
        crc ^= static_cast<std::uint32_t>(static_cast<std::uint8_t>(c)) << 24;
        for (int i = 0; i < 8; ++i)
            crc = crc & 0x80000000 ? crc << 1 ^ 0x04C11DB7 : crc << 1;
    }
    return ~crc;
}

// Appends what libbz2 gives for the first stream of `bytes`; returns its last answer and cuts off what it used.
int libbz2_stream(std::string_view& bytes, std::string& out) {
    bz_stream stream{};
    CHECK(::BZ2_bzDecompressInit(&stream, 0, 0) == BZ_OK);
    std::string piece(100'000, '\0');
    stream.next_in = const_cast<char*>(bytes.data());
    stream.avail_in = static_cast<unsigned>(bytes.size());
    int answer = BZ_OK;
    for (;;) {
        stream.next_out = piece.data();
        stream.avail_out = static_cast<unsigned>(piece.size());
        answer = ::BZ2_bzDecompress(&stream);
        const std::size_t given = piece.size() - stream.avail_out;
        out.append(piece, 0, given);
        if (answer != BZ_OK || (given == 0 && stream.avail_in == 0)) break;
    }
    bytes.remove_prefix(bytes.size() - stream.avail_in);
    ::BZ2_bzDecompressEnd(&stream);
    return answer;
}

BitString block_bits(std::string_view symbols, std::uint32_t crc) {
    BitString bits;
    bits.append(kBz2BlockMagic, kBz2MagicBits);
    bits.append(crc, 32);
    bits.append(0, 1);        // not randomised
    bits.append(0, 24);       // the text begins at the first row
    bits.append(0xFFFF, 16);  // bytes of all 16 ranges are used,
    for (int range = 0; range < 15; ++range)
        bits.append(0xFFFF, 16);
    bits.append(0xFFFC, 16);  // 254 of them
    bits.append(2, 3);        // tables
    const std::size_t groups = (symbols.size() + 1 + 49) / 50;
    bits.append(groups, 15);
    for (std::size_t i = 0; i < groups; ++i)
        bits.append(0, 1);  // the first table
    for (int table = 0; table < 2; ++table) {
        bits.append(8, 5);
        for (int symbol = 0; symbol < 256; ++symbol)
            bits.append(0, 1);  // the same length as the one before
    }
    for (const char symbol : symbols)
        bits.append(static_cast<std::uint8_t>(symbol), 8);
    bits.append(0xFF, 8);  // end of block
    return bits;
}

}  // namespace

std::string bz2_of(std::string_view text, int level) {
    std::string in(text), out(text.size() + text.size() / 100 + 700, '\0');
    auto size = static_cast<unsigned>(out.size());
    CHECK(::BZ2_bzBuffToBuffCompress(out.data(), &size, in.data(), static_cast<unsigned>(in.size()), level, 0, 0) ==
          BZ_OK);
    out.resize(size);
    return out;
}

std::string gzip_of(std::string_view text) {
    z_stream stream{};
    CHECK(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    std::string in(text), out(::deflateBound(&stream, text.size()) + 64, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(in.data());
    stream.avail_in = static_cast<uInt>(in.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    CHECK(::deflate(&stream, Z_FINISH) == Z_STREAM_END);
    out.resize(stream.total_out);
    ::deflateEnd(&stream);
    return out;
}

std::string zstd_of(std::string_view text) {
    ZstdEncoder encoder;
    std::string out;
    encoder.append(text, out);
    encoder.end_frame(out);
    return out;
}

std::string zstd_without_checksum_of(std::string_view text) {
    ZSTD_CCtx* const stream = ::ZSTD_createCCtx();
    std::string out(::ZSTD_compressBound(text.size()) + 1000, '\0');
    ZSTD_outBuffer to{out.data(), out.size(), 0};
    ZSTD_inBuffer first{text.data(), text.size() / 2, 0}, second{text.data(), text.size(), text.size() / 2};
    CHECK(::ZSTD_compressStream2(stream, &to, &first, ZSTD_e_flush) == 0);
    CHECK(::ZSTD_compressStream2(stream, &to, &second, ZSTD_e_end) == 0);
    ::ZSTD_freeCCtx(stream);
    out.resize(to.pos);
    return out;
}

Result<std::string> libbz2_text_of(std::string_view bytes) {
    std::string text;
    while (!bytes.empty())
        if (libbz2_stream(bytes, text) != BZ_STREAM_END) return Error{.code = Code::corrupt};
    return text;
}

std::string json_lines(std::size_t bytes, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    std::string text;
    while (text.size() < bytes)
        text += R"({"id":"GDL-1900-01-)" + std::to_string(random() % 31) + R"(","ts":"2024-04-05T18:14:47Z","score":)" +
                std::to_string(random() % 100'000) + "}\n";
    return text;
}

std::string noise(std::size_t bytes, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    std::string text(bytes, '\0');
    for (char& c : text)
        c = static_cast<char>(random());
    return text;
}

std::string runs(std::size_t bytes, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    std::string text;
    while (text.size() < bytes)
        text.append(std::size_t{1} << random() % 14, static_cast<char>(random()));
    return text;
}

Result<std::string> decoded(Decoder& decoder, std::string_view bytes, std::size_t piece, std::string* given) {
    std::string own;
    std::string& text = given ? *given : own;
    while (!decoder.ended()) {
        TRY_LET(out, decoder.pull());
        text += out;
        if (!out.empty() || decoder.ended()) continue;
        if (bytes.empty()) {
            decoder.finish();
        } else {
            const std::string_view next = bytes.substr(0, piece);
            decoder.push(std::string(next));  // a copy, so that a sanitizer sees who keeps a view of it
            bytes.remove_prefix(next.size());
        }
    }
    if (!bytes.empty()) decoder.push(bytes);  // behind the end: counted
    return text;
}

void BitString::append(std::uint64_t value, unsigned count) {
    while (count-- > 0) {
        if (size_ % 8 == 0) bytes_ += '\0';
        if (value >> count & 1) bytes_.back() = static_cast<char>(bytes_.back() | 0x80 >> size_ % 8);
        ++size_;
    }
}

void BitString::append(const BitString& other) {
    for (std::uint64_t i = 0; i < other.size_; ++i)
        append(static_cast<std::uint8_t>(other.bytes_[i / 8]) >> (7 - i % 8) & 1U, 1);
}

CraftedBlock::CraftedBlock(std::string_view symbols) {
    CHECK(symbols.find('\xFF') == std::string_view::npos && !symbols.empty());
    // With a wrong checksum libbz2 gives the text all the same, and complains behind it.
    BitString stream;
    stream.append(0x425A6839, 32);
    stream.append(block_bits(symbols, 0));
    stream.append(kBz2EndMagic, kBz2MagicBits);
    const std::string bytes = stream.bytes();
    std::string_view rest = bytes;
    CHECK(libbz2_stream(rest, text) == BZ_DATA_ERROR && !text.empty());
    crc = bz2_crc(text);
    bits = block_bits(symbols, crc);
}

CraftedStream::CraftedStream(const std::vector<CraftedBlock>& blocks) {
    BitString all;
    all.append(0x425A6839, 32);
    std::uint32_t crc = 0;
    for (const CraftedBlock& block : blocks) {
        begins.push_back(all.size());
        all.append(block.bits);
        crc = std::rotl(crc, 1) ^ block.crc;
        text += block.text;
    }
    begins.push_back(all.size());
    all.append(kBz2EndMagic, kBz2MagicBits);
    all.append(crc, 32);
    bytes = all.bytes();
}

}  // namespace dray
