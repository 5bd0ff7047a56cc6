#include "codec/zstd.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "codec/samples_test.h"

namespace dray {
namespace {

std::string some_text(std::size_t lines) {
    std::string text;
    std::uint64_t state = 1;
    for (std::size_t i = 0; i < lines; ++i) {
        state = state * 6364136223846793005U + 1442695040888963407U;
        text += "{\"n\":" + std::to_string(i) + ",\"etag\":\"" + std::to_string(state) + "\"}\n";
    }
    return text;
}

// Feeds `bytes` in chunks and returns the contents of the frames; an error ends it.
Result<std::vector<std::string>> frames_of(std::string_view bytes, std::size_t chunk, std::size_t most) {
    ZstdDecoder decoder;
    std::vector<std::string> frames(1);
    std::size_t given = 0;
    while (given < bytes.size()) {
        const auto in = bytes.substr(given, chunk);
        TRY_LET(step, decoder.decode(in, frames.back(), most));
        given += step.consumed;
        if (step.frame_ended) frames.emplace_back();
    }
    frames.pop_back();
    return frames;
}

TEST(Zstd, GivesBackEveryFrameInAnyChunking) {
    const std::string first = some_text(3000), second = some_text(17);
    const std::string file = zstd_of(first) + zstd_of("") + zstd_of(second);
    for (const std::size_t chunk : {std::size_t{1}, std::size_t{7}, std::size_t{4096}, file.size()})
        for (const std::size_t most : {std::size_t{1}, std::size_t{100'000}, SIZE_MAX}) {
            auto frames = frames_of(file, chunk, most);
            ASSERT_TRUE(frames) << frames.error().message;
            EXPECT_EQ(*frames, (std::vector<std::string>{first, "", second})) << chunk << " " << most;
        }
}

TEST(Zstd, CompressesWhatIsAppendedPieceByPieceIntoOneFrame) {
    const std::string text = some_text(500);
    ZstdEncoder encoder;
    std::string out;
    for (std::size_t at = 0; at < text.size(); at += 13)
        encoder.append(std::string_view(text).substr(at, 13), out);
    encoder.end_frame(out);

    auto frames = frames_of(out, out.size(), SIZE_MAX);
    ASSERT_TRUE(frames);
    EXPECT_EQ(*frames, std::vector<std::string>{text});
    EXPECT_LT(out.size(), text.size() / 2);
}

TEST(Zstd, NeverGivesOtherContentForAFlippedByte) {
    const std::string text = some_text(20);
    const std::string frame = zstd_of(text);
    for (std::size_t i = 0; i < frame.size(); ++i) {
        std::string damaged = frame;
        damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
        auto frames = frames_of(damaged, damaged.size(), SIZE_MAX);
        // Damage may also leave the frame unfinished, make it one to be passed over, or hit a bit that means nothing.
        const bool content = frames && !frames->empty() && !frames->front().empty();
        if (content) {
            EXPECT_EQ(frames->front(), text) << i;
        }
    }
}

TEST(Zstd, PassesOverSkippableFrames) {
    const std::string file = zstd_of("a") + zstd_skippable_frame("for those who know") + zstd_of("b");
    auto frames = frames_of(file, file.size(), SIZE_MAX);
    ASSERT_TRUE(frames);
    EXPECT_EQ(*frames, (std::vector<std::string>{"a", "", "b"}));
    EXPECT_EQ(zstd_skippable_frame("xyz").substr(kZstdSkippableHeader), "xyz");
}

TEST(Zstd, StartsAgainAfterDamageAndAfterReset) {
    ZstdDecoder decoder;
    std::string out;
    ASSERT_FALSE(decoder.decode("this is no frame", out, SIZE_MAX));
    const std::string frame = zstd_of("hello");
    ASSERT_TRUE(decoder.decode(std::string_view(frame).substr(0, 6), out, SIZE_MAX));
    decoder.reset();
    out.clear();
    auto step = decoder.decode(frame, out, SIZE_MAX);
    ASSERT_TRUE(step);
    EXPECT_TRUE(step->frame_ended);
    EXPECT_EQ(out, "hello");
}

}  // namespace
}  // namespace dray
