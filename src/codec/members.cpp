#include "codec/members.h"

#include "codec/magic.h"

namespace dray {
namespace {

constexpr std::size_t kPiece = std::size_t{128} << 10;  // decoded at a time; a format may give a little more

class MemberDecoder final : public Decoder {
public:
    MemberDecoder(const MemberTraits& traits, std::unique_ptr<MemberFormat> members, const DecoderOptions& options)
        : Decoder(options.max_decoded), traits_(traits), members_(std::move(members)) {}

protected:
    void take(std::string_view bytes) override {
        input_.erase(0, used_);
        used_ = 0;
        input_ += bytes;
    }
    Result<std::string_view> more() override;
    std::uint64_t missing() const override { return traits_.wanted; }

private:
    Status begin_member();
    Result<bool> advance();
    std::string_view rest() const { return std::string_view(input_).substr(used_); }
    std::uint64_t at() const { return pushed_bytes() - rest().size(); }
    Error wrong(Code code, const std::string& what) const;
    Error corrupt(const std::string& what) const { return wrong(Code::corrupt, what); }

    const MemberTraits traits_;
    const std::unique_ptr<MemberFormat> members_;
    std::string input_;
    std::size_t used_ = 0;                  // bytes of input_
    bool inside_ = false;                   // a member
    bool flowing_ = false;                  // there may be more to give without more input
    std::uint64_t member_ = 0, begin_ = 0;  // the one under way, as people count, and its first byte
    std::string piece_;
};

Result<std::string_view> MemberDecoder::more() {
    piece_.clear();
    while (piece_.empty()) {
        if (!inside_) TRY(begin_member());
        if (!inside_) break;
        TRY_LET(advanced, advance());
        if (advanced) continue;
        if (finished()) return corrupt(cut_off());
        break;
    }
    return std::string_view(piece_);
}

// False: bytes are missing.
Result<bool> MemberDecoder::advance() {
    if (rest().empty() && !flowing_) return false;
    auto step = members_->decode(rest(), piece_, kPiece);
    if (!step) return wrong(step.error().code, step.error().message + ", seen at byte " + std::to_string(at()));
    used_ += step->consumed;
    inside_ = !step->ended;
    flowing_ = inside_ && !piece_.empty();
    return step->ended || step->consumed > 0 || !piece_.empty();
}

// inside_, unless bytes are missing or all is over.
Status MemberDecoder::begin_member() {
    const Beginning begins = beginning(rest(), traits_.format, member_ == 0, finished());
    if (begins == Beginning::wait) return {};
    const bool over = begins == Beginning::over && (rest().empty() || traits_.litter);
    if (over) {
        ignore_the_rest(rest().size());
        return {};
    }
    ++member_;
    begin_ = at();
    if (begins == Beginning::damaged) return corrupt(kDamagedHeader);
    if (begins == Beginning::cut_off) return corrupt(cut_off());
    if (begins != Beginning::stream) return corrupt(foreign(rest()));
    inside_ = true;
    return {};
}

Error MemberDecoder::wrong(Code code, const std::string& what) const {
    return {.code = code,
            .message = std::string(name_of(traits_.format)) + ": " + std::string(traits_.member) + " " +
                       std::to_string(member_) + " at byte " + std::to_string(begin_) + ": " + what};
}

}  // namespace

std::unique_ptr<Decoder> make_member_decoder(const MemberTraits& traits, std::unique_ptr<MemberFormat> members,
                                             const DecoderOptions& options) {
    return std::make_unique<MemberDecoder>(traits, std::move(members), options);
}

}  // namespace dray
