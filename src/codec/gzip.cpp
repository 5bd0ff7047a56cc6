#define ZLIB_CONST
#include <zlib.h>

#include <algorithm>
#include <array>

#include "base/check.h"
#include "codec/members.h"

namespace dray {
namespace {

constexpr int kGzipWindow = 15 + 16;  // zlib.h, inflateInit2: the largest window, in a gzip member and nothing else
constexpr std::size_t kMostAtOnce = std::size_t{1} << 30;  // zlib counts in 32 bits

class GzipFormat final : public MemberFormat {
public:
    GzipFormat() { CHECK(inflateInit2(&stream_, kGzipWindow) == Z_OK); }  // it fails without memory only
    ~GzipFormat() override { ::inflateEnd(&stream_); }
    GzipFormat(const GzipFormat&) = delete;
    GzipFormat& operator=(const GzipFormat&) = delete;

    Result<Step> decode(std::string_view in, std::string& out, std::size_t most) override;

private:
    z_stream stream_{};
    std::array<char, 32 << 10> block_;
};

Result<MemberFormat::Step> GzipFormat::decode(std::string_view in, std::string& out, std::size_t most) {
    const auto given = static_cast<uInt>(std::min(in.size(), kMostAtOnce));
    stream_.next_in = reinterpret_cast<const Bytef*>(in.data());
    stream_.avail_in = given;
    std::size_t produced = 0;
    for (;;) {
        stream_.next_out = reinterpret_cast<Bytef*>(block_.data());
        stream_.avail_out = static_cast<uInt>(block_.size());
        const int answer = ::inflate(&stream_, Z_NO_FLUSH);
        CHECK(answer != Z_MEM_ERROR && answer != Z_STREAM_ERROR);
        const std::size_t now = block_.size() - stream_.avail_out;
        out.append(block_.data(), now);
        produced += now;
        const Step step{.consumed = given - stream_.avail_in, .ended = answer == Z_STREAM_END};
        if (step.ended) {
            CHECK(::inflateReset(&stream_) == Z_OK);
            return step;
        }
        // Z_BUF_ERROR is no error: nothing could be done without more input.
        if (answer != Z_OK && answer != Z_BUF_ERROR)
            return Error{.code = Code::corrupt, .message = stream_.msg ? stream_.msg : "damaged"};
        // A full block may hide more that is ready although the input is used up.
        if (produced >= most || stream_.avail_out > 0) return step;
    }
}

}  // namespace

std::unique_ptr<Decoder> make_gzip_decoder(const DecoderOptions& options) {
    // 4 KiB: a header with a name, the tables of a block, and some of its symbols.
    return make_member_decoder({.format = Format::gzip, .member = "member", .wanted = 4096, .litter = true},
                               std::make_unique<GzipFormat>(), options);
}

}  // namespace dray
