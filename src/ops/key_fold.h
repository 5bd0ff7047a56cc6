// Folding keys: what a store would make of them that does not keep every spelling apart (rules R6 and R7).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace dray {

// A set of foldings.
enum Fold : std::uint8_t {
    kFoldSlashes = 1,  // "a//b" and "/a/b" and "a/b/" are "a/b"
    kFoldDots = 2,     // "a/./b" and "a/x/../b" are "a/b"
    kFoldCase = 4,
    kFoldUnicode = 8,  // NFC
    kFoldAll = 15,
};

std::string folded(std::string_view key, std::uint8_t folds = kFoldAll);

// Rule R6: the keys are equal under all foldings together, so a store that does some of them may hold one object; or
// both have bytes outside ASCII, for stores may fold more of Unicode than we do. Too often true, never too seldom.
bool may_be_one_object(std::string_view a, std::string_view b);

// The foldings that two different keys need to become equal; 0: they stay different under all of them. A store that
// is known not to do one of these keeps the keys apart.
std::uint8_t folds_between(std::string_view a, std::string_view b);

}  // namespace dray
