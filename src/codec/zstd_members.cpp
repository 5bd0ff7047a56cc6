#include "codec/members.h"
#include "codec/zstd.h"

namespace dray {
namespace {

class ZstdFormat final : public MemberFormat {
public:
    Result<Step> decode(std::string_view in, std::string& out, std::size_t most) override {
        TRY_LET(step, decoder_.decode(in, out, most));
        return Step{.consumed = step.consumed, .ended = step.frame_ended};
    }

private:
    ZstdDecoder decoder_;
};

}  // namespace

std::unique_ptr<Decoder> make_zstd_decoder(const DecoderOptions& options) {
    // A block of a frame is at most 128 KiB (RFC 8878, 3.1.1.2.4), and is decoded when it is there as a whole.
    return make_member_decoder({.format = Format::zstd, .member = "frame", .wanted = (128 << 10) + 32},
                               std::make_unique<ZstdFormat>(), options);
}

}  // namespace dray
