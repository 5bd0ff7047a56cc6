#include "codec/bz2.h"

#include <bit>
#include <optional>
#include <string>

#include "codec/bz2_ahead.h"
#include "codec/magic.h"

namespace dray {
namespace {

constexpr std::uint64_t kHeaderBits = 32;  // "BZh" and the level
constexpr unsigned kCrcBits = 32;
constexpr std::uint64_t kMaxLevel = 9;

// The most that bzip2 writes for a block: its manual promises 1 % and 600 bytes more than the block holds. Behind it
// come the magic that ends it, and what the finder wants to see behind that.
constexpr std::uint64_t usual_block_bytes(std::uint64_t level) {
    return level * 101'000 + 600 + 20;
}

// Walks the object from magic to magic: every block must end where another magic begins, whatever else looks like one.
class Bz2Decoder final : public Decoder {
public:
    explicit Bz2Decoder(const DecoderOptions& options)
        : Decoder(options.max_decoded),
          blocks_at_once_(options.blocks_at_once),
          ahead_(options.blocks_at_once, options.crew) {}

protected:
    void take(std::string_view bytes) override { input_.append(bytes, at_); }
    Result<std::string_view> more() override;
    std::uint64_t missing() const override;

private:
    enum class Next : std::uint8_t { go_on, give, wait };

    // The steps of the walk. Each looks at what stands at at_, and leaves it, gives a piece, or waits for bytes.
    Result<Next> step();
    Result<Next> between_streams();
    Result<Next> end_of_stream();
    Result<Next> block();
    Result<Next> piece_of_long_block();
    Result<Next> no_end_yet() const;
    void leave_block(std::uint64_t end);

    std::uint64_t batch_bytes() const { return usual_block_bytes(level_) * blocks_at_once_; }
    bool holds(std::uint64_t bits) const { return input_.window().holds(at_, bits); }
    Error corrupt_stream(const std::string& what) const { return corrupt("", what); }
    Error corrupt_block(const std::string& what) const { return corrupt(", block " + std::to_string(block_), what); }
    Error corrupt_end(const std::string& what) const { return corrupt(", its end", what); }
    Error corrupt(const std::string& part, const std::string& what) const;  // what stands at at_

    const std::size_t blocks_at_once_;
    Bz2Input input_;
    Bz2BlocksAhead ahead_;

    std::uint64_t at_ = 0;  // bit of the object: where a stream, a block, or the end of a stream begins
    bool in_stream_ = false;
    std::uint64_t stream_ = 1, block_ = 1;  // where at_ is, as people count
    std::uint64_t level_ = kMaxLevel;
    std::uint32_t crc_ = 0;  // of the blocks of this stream so far

    std::optional<Bz2BlockReader> long_block_;  // the one at at_
    std::uint64_t long_block_end_ = 0;
    std::string piece_;
};

Result<std::string_view> Bz2Decoder::more() {
    piece_.clear();
    for (;;) {
        TRY_LET(next, step());
        if (next != Next::go_on) return std::string_view(piece_);
    }
}

Result<Bz2Decoder::Next> Bz2Decoder::step() {
    if (long_block_) return piece_of_long_block();
    if (!in_stream_) return between_streams();
    return input_.window().bits(at_, kBz2MagicBits) == kBz2EndMagic ? end_of_stream() : block();
}

Result<Bz2Decoder::Next> Bz2Decoder::between_streams() {
    const BitWindow window = input_.window();
    const std::string_view rest = window.bytes.substr(at_ / 8 - window.begin);
    switch (beginning(rest, Format::bz2, at_ == 0, finished())) {
        case Beginning::stream: break;
        case Beginning::wait: return Next::wait;
        case Beginning::over: ignore_the_rest(rest.size()); return Next::wait;
        case Beginning::foreign: return corrupt_stream(foreign(rest));
        case Beginning::damaged: return corrupt_stream(kDamagedHeader);
        case Beginning::cut_off: return corrupt_stream(cut_off());
    }
    level_ = static_cast<std::uint64_t>(rest[3] - '0');
    in_stream_ = true;
    block_ = 1;
    crc_ = 0;
    at_ += kHeaderBits;
    return Next::go_on;
}

Result<Bz2Decoder::Next> Bz2Decoder::end_of_stream() {
    if (!holds(kBz2MagicBits + kCrcBits)) {
        if (!finished()) return Next::wait;
        return corrupt_end(cut_off());
    }
    const std::uint64_t crc = input_.window().bits(at_ + kBz2MagicBits, kCrcBits);
    if (crc != crc_) return corrupt_end("the checksum of the stream does not agree with those of its blocks");
    at_ = (at_ + kBz2MagicBits + kCrcBits + 7) / 8 * 8;
    in_stream_ = false;
    ++stream_;
    level_ = kMaxLevel;
    return Next::go_on;
}

Result<Bz2Decoder::Next> Bz2Decoder::block() {
    Bz2Block* const block = ahead_.at(at_, input_, batch_bytes(), finished());
    if (!block) return no_end_yet();
    if (block->state == Bz2Block::State::damaged)
        return corrupt_block(block->decoded == 0 ? "its bytes do not decode"
                                                 : "its checksum does not agree, or what follows it is no block");
    if (block->decoded > kMaxBz2BlockHeld) {
        long_block_.emplace(at_);
        long_block_end_ = block->end;
        return Next::go_on;
    }
    piece_ = std::move(block->text);
    leave_block(block->end);
    return Next::give;
}

Result<Bz2Decoder::Next> Bz2Decoder::piece_of_long_block() {
    switch (long_block_->read(input_.window(), long_block_end_, piece_)) {
        case Bz2BlockReader::Step::piece: return Next::give;
        case Bz2BlockReader::Step::damaged: return corrupt_block("it decodes no more");  // it did a moment ago
        case Bz2BlockReader::Step::starved: break;
    }
    long_block_.reset();
    leave_block(long_block_end_);
    return Next::go_on;
}

Result<Bz2Decoder::Next> Bz2Decoder::no_end_yet() const {
    if (finished()) return corrupt_block(cut_off());
    if (input_.end() - at_ / 8 > kMaxBz2BlockBytes * blocks_at_once_)
        return corrupt_block("no end in " + std::to_string(kMaxBz2BlockBytes) + " bytes, more than a block can have");
    return Next::wait;
}

void Bz2Decoder::leave_block(std::uint64_t end) {
    const auto crc = static_cast<std::uint32_t>(input_.window().bits(at_ + kBz2MagicBits, kCrcBits));
    crc_ = std::rotl(crc_, 1) ^ crc;
    ++block_;
    at_ = end;
}

std::uint64_t Bz2Decoder::missing() const {
    const std::uint64_t target = at_ / 8 + kHeaderBits / 8 + batch_bytes();
    return target > input_.end() ? target - input_.end() : batch_bytes();
}

Error Bz2Decoder::corrupt(const std::string& part, const std::string& what) const {
    return {.code = Code::corrupt,
            .message = "bz2: stream " + std::to_string(stream_) + part + " at bit " + std::to_string(at_) + " (byte " +
                       std::to_string(at_ / 8) + "): " + what};
}

}  // namespace

std::unique_ptr<Decoder> make_bz2_decoder(const DecoderOptions& options) {
    return std::make_unique<Bz2Decoder>(options);
}

}  // namespace dray
