// The formats of decoder.h, one line each.
#include <algorithm>
#include <array>
#include <string>

#include "base/check.h"
#include "codec/bz2.h"
#include "codec/decoder.h"
#include "codec/magic.h"
#include "codec/members.h"

namespace dray {
namespace {

// Nothing to decode: what was pushed is what is given.
class PlainDecoder final : public Decoder {
public:
    explicit PlainDecoder(const DecoderOptions& options) : Decoder(options.max_decoded) {}

protected:
    void take(std::string_view bytes) override { arrived_ += bytes; }
    Result<std::string_view> more() override {
        given_.clear();
        given_.swap(arrived_);
        return std::string_view(given_);
    }
    std::uint64_t missing() const override { return 1; }

private:
    std::string arrived_, given_;
};

std::unique_ptr<Decoder> make_plain_decoder(const DecoderOptions& options) {
    return std::make_unique<PlainDecoder>(options);
}

struct FormatLine {
    Format format;
    std::string_view name, extension;
    std::unique_ptr<Decoder> (*make)(const DecoderOptions& options);
};
constexpr std::array kFormats = {
    FormatLine{Format::bz2, "bz2", ".bz2", &make_bz2_decoder},
    FormatLine{Format::gzip, "gzip", ".gz", &make_gzip_decoder},
    FormatLine{Format::zstd, "zstd", ".zst", &make_zstd_decoder},
    FormatLine{Format::plain, "plain", "", &make_plain_decoder},  // last: every key ends so
};

const FormatLine& line_of(Format format) {
    const auto found = std::ranges::find(kFormats, format, &FormatLine::format);
    CHECK(found != kFormats.end());
    return *found;
}

}  // namespace

std::unique_ptr<Decoder> make_decoder(Format format, const DecoderOptions& options) {
    return line_of(format).make(options);
}

Format format_of(std::string_view first_bytes) {
    for (const FormatLine& line : kFormats)
        if (likeness(first_bytes, line.format) >= Likeness::damaged) return line.format;
    return Format::plain;
}

std::string_view name_of(Format format) {
    return line_of(format).name;
}

std::optional<Format> format_named(std::string_view name) {
    const auto found = std::ranges::find(kFormats, name, &FormatLine::name);
    return found == kFormats.end() ? std::nullopt : std::optional(found->format);
}

Format format_of_key(std::string_view key) {
    return std::ranges::find_if(kFormats, [&](const FormatLine& line) { return key.ends_with(line.extension); })
        ->format;
}

}  // namespace dray
