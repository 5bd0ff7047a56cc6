// The decoder of bz2: blocks are found by their magics and decoded on their own, several at once where that is asked
// for, and given out in order. docs/decoding.md tells how. For this room only; users have make_decoder().
#pragma once

#include <memory>

#include "codec/decoder.h"

namespace dray {

std::unique_ptr<Decoder> make_bz2_decoder(const DecoderOptions& options);

}  // namespace dray
