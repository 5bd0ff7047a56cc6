// Decoder: the bytes of an object in as they arrive, the bytes they stand for out. One interface for every format.
//
//   while (!decoder->ended()) {
//       TRY_LET(piece, decoder->pull());
//       if (!piece.empty()) use(piece);
//       else if (fetched == size) decoder->finish();
//       else decoder->push(fetch(std::max(kRange, decoder->wanted())));
//   }
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace dray {

class Crew;

enum class Format : std::uint8_t { plain, bz2, gzip, zstd };

struct DecoderOptions;

// Not thread-safe; one object an object. Streams (bz2), members (gzip) and frames (zstd) that follow each other are one
// text; what follows the last one and is none is left out and counted (zstd: corrupt). docs/decoding.md has the rules.
class Decoder {
public:
    static constexpr std::uint64_t kDefaultMaxDecoded = std::uint64_t{64} << 30;  // a bomb must end somewhere

    virtual ~Decoder() = default;
    Decoder(const Decoder&) = delete;
    Decoder& operator=(const Decoder&) = delete;

    // The next bytes of the object, in order. They are copied and held until they are decoded: who pulls until nothing
    // comes before pushing again bounds the memory.
    void push(std::string_view bytes);
    // No bytes follow. Without it an object that is cut off looks like one that is still arriving.
    void finish();

    // The next decoded bytes; they are valid until the next pull(). None: push or finish first, or ended().
    // Errors, each for good: corrupt (the place is named), refused (more decoded bytes than allowed).
    Result<std::string_view> pull();
    // Nothing will be given any more.
    bool ended() const { return ended_; }
    // After a pull() that gave nothing: so many bytes more make sure that the next gives something, an error or the
    // end, in all that the usual programs write; where they were not enough, as many as it says then. 0: ended,
    // or failed.
    std::uint64_t wanted() const;

    std::uint64_t pushed_bytes() const { return pushed_; }
    std::uint64_t decoded_bytes() const { return decoded_; }
    std::uint64_t ignored_bytes() const { return ignored_; }  // pushed, behind the last stream

protected:
    explicit Decoder(std::uint64_t max_decoded) : max_decoded_(max_decoded) {}

    // What a format brings. more() gives nothing only when it needs bytes or, once finished(), when all is well and
    // over.
    virtual void take(std::string_view bytes) = 0;
    virtual Result<std::string_view> more() = 0;
    virtual std::uint64_t missing() const = 0;

    bool finished() const { return finished_; }
    // What is wrong, for messages.
    static constexpr const char* kDamagedHeader = "its header is damaged";
    std::string cut_off() const;
    static std::string foreign(std::string_view begin);
    // The last stream is over, and `bytes` pushed ones that follow it are none: nothing is decoded any more.
    void ignore_the_rest(std::uint64_t bytes);

private:
    const std::uint64_t max_decoded_;
    std::uint64_t pushed_ = 0, decoded_ = 0, ignored_ = 0;
    bool finished_ = false, ended_ = false;
    std::optional<Error> error_;
};

struct DecoderOptions {
    std::uint64_t max_decoded = Decoder::kDefaultMaxDecoded;  // bytes
    // bz2: a pull() decodes this many blocks at once, on the crew (borrowed), and gives nothing before so many are
    // there, or all. 1 is for one core, and for the beginning of an object: not a block more than is pulled. Twice to
    // four times the cores keep them busy; each costs up to 7 MB. Other formats have no blocks.
    std::size_t blocks_at_once = 1;
    Crew* crew = nullptr;  // needed for more than one
};

std::unique_ptr<Decoder> make_decoder(Format format, const DecoderOptions& options = {});

// The format of an object by its first kFormatBytes bytes, or all, if it has less. A magic with one damaged byte still
// names its format, so that damage does not pass for plain text.
inline constexpr std::size_t kFormatBytes = 10;
Format format_of(std::string_view first_bytes);

std::string_view name_of(Format format);  // "plain", "bz2", "gzip", "zstd"
std::optional<Format> format_named(std::string_view name);
// By the end of its key: ".bz2", ".gz", ".zst"; plain otherwise.
Format format_of_key(std::string_view key);

}  // namespace dray
