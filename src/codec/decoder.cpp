#include "codec/decoder.h"

#include "base/check.h"
#include "base/checksum.h"

namespace dray {

void Decoder::push(std::string_view bytes) {
    CHECK(!finished_);
    pushed_ += bytes.size();
    if (ended_)
        ignored_ += bytes.size();
    else if (!error_)
        take(bytes);
}

void Decoder::finish() {
    finished_ = true;
}

Result<std::string_view> Decoder::pull() {
    if (error_) return *error_;
    if (ended_) return std::string_view();
    auto piece = more();
    if (piece) {
        decoded_ += piece->size();
        ended_ = ended_ || (piece->empty() && finished_);
        if (decoded_ <= max_decoded_) return piece;
        piece = Error{.code = Code::refused,
                      .message = "decodes to more than " + std::to_string(max_decoded_) + " bytes, the limit"};
    }
    error_ = piece.error();
    return piece;
}

std::uint64_t Decoder::wanted() const {
    return ended_ || error_ ? 0 : missing();
}

std::string Decoder::cut_off() const {
    return "cut off: the object ends at byte " + std::to_string(pushed_);
}
std::string Decoder::foreign(std::string_view begin) {
    return "it begins with " + hex(begin.substr(0, kFormatBytes)) + ", as nothing of this kind does";
}

void Decoder::ignore_the_rest(std::uint64_t bytes) {
    ignored_ = bytes;
    ended_ = true;
}

}  // namespace dray
