// What gzip and zstd have in common: an object is members (gzip) or frames (zstd), one after another, each complete in
// itself. For this room only; users have make_decoder().
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "codec/decoder.h"

namespace dray {

class MemberFormat {
public:
    struct Step {
        std::size_t consumed = 0;  // bytes of `in`
        bool ended = false;        // the member is whole and its checksum agreed; the next input begins another
    };
    virtual ~MemberFormat() = default;
    // Decodes from `in` until it is used up, the member ends, or about `most` bytes were appended to `out`. A step that
    // neither consumes nor produces needs more input. After an error this is of no more use:
    // corrupt, or refused where more memory is asked for than is allowed.
    virtual Result<Step> decode(std::string_view in, std::string& out, std::size_t most) = 0;
};

struct MemberTraits {
    Format format = Format::plain;
    std::string_view member;   // what one is called: "frame"
    std::uint64_t wanted = 0;  // bytes that bring the next decoded ones at the latest
    bool litter = false;       // may follow the last member
};

std::unique_ptr<Decoder> make_member_decoder(const MemberTraits& traits, std::unique_ptr<MemberFormat> members,
                                             const DecoderOptions& options);

std::unique_ptr<Decoder> make_gzip_decoder(const DecoderOptions& options);
std::unique_ptr<Decoder> make_zstd_decoder(const DecoderOptions& options);

}  // namespace dray
