#include "ops/key_fold.h"

#include <algorithm>
#include <vector>

#include "base/unicode.h"

namespace dray {
namespace {

constexpr Fold kEach[] = {kFoldSlashes, kFoldDots, kFoldCase, kFoldUnicode};

std::string folded_letters(std::string_view key, std::uint8_t folds) {
    std::string text = folds & kFoldUnicode ? nfc(key) : std::string(key);
    if (folds & kFoldCase) text = case_folded(text);
    // Case folding may leave a composed letter decomposed (U+0130), so once more.
    return folds & kFoldUnicode ? nfc(text) : text;
}

std::string folded_segments(std::string_view key, std::uint8_t folds) {
    std::vector<std::string_view> kept;
    while (true) {
        const std::size_t slash = std::min(key.find('/'), key.size());
        const std::string_view segment = key.substr(0, slash);
        if (folds & kFoldDots && segment == "..") {
            if (!kept.empty()) kept.pop_back();
        } else if (!(folds & kFoldDots && segment == ".") && !(folds & kFoldSlashes && segment.empty())) {
            kept.push_back(segment);
        }
        if (slash == key.size()) break;
        key.remove_prefix(slash + 1);
    }
    std::string out;
    for (std::size_t i = 0; i < kept.size(); ++i)
        out.append(i == 0 ? "" : "/").append(kept[i]);
    return out;
}

bool is_ascii(std::string_view key) {
    return std::all_of(key.begin(), key.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

}  // namespace

std::string folded(std::string_view key, std::uint8_t folds) {
    return folded_segments(folded_letters(key, folds), folds);
}

bool may_be_one_object(std::string_view a, std::string_view b) {
    return (!is_ascii(a) && !is_ascii(b)) || folded(a) == folded(b);
}

std::uint8_t folds_between(std::string_view a, std::string_view b) {
    if (a == b || folded(a) != folded(b)) return 0;
    std::uint8_t needed = 0;
    for (const Fold fold : kEach) {
        const auto others = static_cast<std::uint8_t>(kFoldAll & ~fold);
        if (folded(a, others) != folded(b, others)) needed |= fold;
    }
    if (needed != 0) return needed;
    // Two foldings can do each other's work ("a/" and "a/." and "a"): then all that touch either key count.
    for (const Fold fold : kEach)
        if (folded(a, fold) != a || folded(b, fold) != b) needed |= fold;
    return needed;
}

}  // namespace dray
