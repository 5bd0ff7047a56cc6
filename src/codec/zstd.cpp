#include "codec/zstd.h"

#include <zstd.h>
#include <zstd_errors.h>

#include <array>

#include "base/check.h"

namespace dray {
namespace {

constexpr std::uint32_t kSkippableMagic = 0x184D2A50;  // RFC 8878, 3.1.2

// The encoder fails only on misuse or without memory: neither can be handled by going on.
std::size_t must(std::size_t answer) {
    CHECK(!ZSTD_isError(answer));
    return answer;
}

Error error_of(std::size_t answer) {
    if (ZSTD_getErrorCode(answer) == ZSTD_error_frameParameter_windowTooLarge)
        return {.code = Code::refused, .message = "a frame wants a window larger than 8 MiB"};
    return {.code = Code::corrupt, .message = ZSTD_getErrorName(answer)};
}

}  // namespace

struct ZstdEncoder::Impl {
    ZSTD_CCtx* stream;

    explicit Impl(int level) : stream(ZSTD_createCCtx()) {
        CHECK(stream != nullptr);
        must(ZSTD_CCtx_setParameter(stream, ZSTD_c_compressionLevel, level));
        must(ZSTD_CCtx_setParameter(stream, ZSTD_c_checksumFlag, 1));
    }
    ~Impl() { ZSTD_freeCCtx(stream); }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    void run(std::string_view bytes, ZSTD_EndDirective end, std::string& out) {
        std::array<char, 16 << 10> block;  // workers' stacks are small
        ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
        for (;;) {
            ZSTD_outBuffer to{block.data(), block.size(), 0};
            const std::size_t left = must(ZSTD_compressStream2(stream, &to, &in, end));
            out.append(block.data(), to.pos);
            if (end == ZSTD_e_continue ? in.pos == in.size : left == 0) return;
        }
    }
};

ZstdEncoder::ZstdEncoder(int level) : impl_(std::make_unique<Impl>(level)) {}
ZstdEncoder::~ZstdEncoder() = default;
ZstdEncoder::ZstdEncoder(ZstdEncoder&&) noexcept = default;

void ZstdEncoder::append(std::string_view bytes, std::string& out) {
    impl_->run(bytes, ZSTD_e_continue, out);
}
void ZstdEncoder::end_frame(std::string& out) {
    impl_->run({}, ZSTD_e_end, out);
}

struct ZstdDecoder::Impl {
    ZSTD_DCtx* stream;

    Impl() : stream(ZSTD_createDCtx()) {
        CHECK(stream != nullptr);
        must(ZSTD_DCtx_setParameter(stream, ZSTD_d_windowLogMax, kMaxWindowLog));
    }
    ~Impl() { ZSTD_freeDCtx(stream); }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;
};

ZstdDecoder::ZstdDecoder() : impl_(std::make_unique<Impl>()) {}
ZstdDecoder::~ZstdDecoder() = default;
ZstdDecoder::ZstdDecoder(ZstdDecoder&&) noexcept = default;

void ZstdDecoder::reset() {
    must(ZSTD_DCtx_reset(impl_->stream, ZSTD_reset_session_only));
}

Result<ZstdDecoder::Step> ZstdDecoder::decode(std::string_view in, std::string& out, std::size_t most) {
    std::array<char, 16 << 10> block;
    ZSTD_inBuffer from{in.data(), in.size(), 0};
    std::size_t produced = 0;
    for (;;) {
        ZSTD_outBuffer to{block.data(), block.size(), 0};
        const std::size_t left = ZSTD_decompressStream(impl_->stream, &to, &from);
        if (ZSTD_isError(left)) {
            reset();
            return error_of(left);
        }
        out.append(block.data(), to.pos);
        produced += to.pos;
        // A full block may hide more that is ready although the input is used up.
        const bool needs_input = from.pos == from.size && to.pos < to.size;
        if (left == 0 || needs_input || produced >= most) return Step{.consumed = from.pos, .frame_ended = left == 0};
    }
}

std::string zstd_skippable_frame(std::string_view payload) {
    CHECK(payload.size() <= UINT32_MAX);
    std::string frame;
    for (const std::uint32_t number : {kSkippableMagic, static_cast<std::uint32_t>(payload.size())})
        for (int shift = 0; shift < 32; shift += 8)
            frame += static_cast<char>(number >> shift & 0xFF);
    return frame.append(payload);
}

}  // namespace dray
