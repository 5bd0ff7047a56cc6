// zstd: independent frames, written one after the other and read from any frame border. Streaming, in bounded memory:
// about 4 MiB to encode at level 3, a window of at most 8 MiB to decode. Not thread-safe; one object a stream.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace dray {

class ZstdEncoder {
public:
    static constexpr int kDefaultLevel = 3;  // 200 to 250 MB/s a core on JSON lines; level 9 gains 6 % for 4 x the time
    explicit ZstdEncoder(int level = kDefaultLevel);
    ~ZstdEncoder();
    ZstdEncoder(ZstdEncoder&&) noexcept;

    // Compresses `bytes` into the frame under way, beginning one if there is none, and appends what is ready to `out`.
    void append(std::string_view bytes, std::string& out);
    // Ends the frame, with a checksum of its content. Without a frame under way: an empty one.
    void end_frame(std::string& out);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

class ZstdDecoder {
public:
    // A larger window is refused: a damaged or hostile header must not choose our memory. RFC 8878 asks no decoder for
    // more, and `zstd` makes no larger ones up to level 19 unless told to (--long, --ultra).
    static constexpr int kMaxWindowLog = 23;  // 8 MiB
    ZstdDecoder();
    ~ZstdDecoder();
    ZstdDecoder(ZstdDecoder&&) noexcept;

    struct Step {
        std::size_t consumed = 0;  // bytes of `in`
        bool frame_ended = false;  // its content checksum agreed; the rest of `in` belongs to what follows
    };
    // Decodes from `in` until it is used up, the frame ends, or about `most` bytes were appended to `out`. Skippable
    // frames are frames without content. A step that neither consumes nor produces needs more input.
    // Errors: corrupt, refused (the window).
    Result<Step> decode(std::string_view in, std::string& out, std::size_t most);
    // Forgets the frame under way: the next input begins one.
    void reset();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

// A frame that decoders pass over: for readers that know its payload.
inline constexpr std::size_t kZstdSkippableHeader = 8;  // bytes before the payload
std::string zstd_skippable_frame(std::string_view payload);

}  // namespace dray
