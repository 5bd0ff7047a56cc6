#include "store/key_shape.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "base/json.h"
#include "base/random_test.h"

namespace dray {
namespace {

constexpr std::size_t kMaxKey = 1024;

KeyShape shape_of(const std::vector<std::string>& keys, const std::string& prefix = "") {
    KeyShape shape(prefix, kMaxKey);
    for (const std::string& key : keys)
        shape.learn(key);
    return shape;
}

std::string random_text(std::mt19937_64& random, const std::string& alphabet, std::size_t most) {
    std::string text;
    for (auto n = random() % (most + 1); n > 0; --n)
        text += alphabet[random() % alphabet.size()];
    return text;
}

std::string digits(std::size_t number, std::size_t width) {
    std::string text = std::to_string(number);
    return std::string(width - std::min(width, text.size()), '0') + text;
}

// The share of `keys`, sorted, behind `after` and before `until` that the cut leaves on its left.
double left_of(const std::vector<std::string>& keys, const std::string& after, const std::string& cut) {
    const auto begin = std::upper_bound(keys.begin(), keys.end(), after);
    const auto middle = std::upper_bound(keys.begin(), keys.end(), cut);
    return static_cast<double>(middle - begin) / static_cast<double>(keys.end() - begin);
}

TEST(KeyShape, CutsHexNamesInHalfOnceTheirSignsAreKnown) {
    std::vector<std::string> keys;
    std::mt19937_64 random(7);
    for (int i = 0; i < 20'000; ++i)
        keys.push_back("in/" + random_text(random, "0123456789abcdef", 0) + [&] {
            std::string name;
            for (int sign = 0; sign < 16; ++sign)
                name += "0123456789abcdef"[random() % 16];
            return name;
        }());
    std::sort(keys.begin(), keys.end());
    const KeyShape shape = shape_of(keys, "in/");
    const auto cut = shape.cut(keys[1000], nullptr, 0.5L);
    ASSERT_TRUE(cut);
    EXPECT_NEAR(left_of(keys, keys[1000], *cut), 0.5, 0.08) << *cut;
}

TEST(KeyShape, FromTheFirstPageAloneEightPagesAreGuessedWithinAFactorOfFour) {
    struct Case {
        const char* name;
        std::vector<std::string> keys;
    };
    std::vector<Case> cases(3);
    cases[0].name = "numbers with zeros in front";
    for (std::size_t i = 0; i < 100'000; ++i)
        cases[0].keys.push_back("run/" + digits(i, 9) + ".json");
    cases[1].name = "dated folders";
    for (std::size_t day = 0; day < 28; ++day)
        for (std::size_t i = 0; i < 4'000; ++i)
            cases[1].keys.push_back("2024/01/" + digits(day + 1, 2) + "/" + digits(i, 4));
    cases[2].name = "hexadecimal";
    for (std::size_t i = 0; i < 65'536; ++i) {
        std::string name;
        for (const int shift : {12, 8, 4, 0})
            name += "0123456789abcdef"[(i >> shift) & 15];
        cases[2].keys.push_back("deep/and/long/common/prefix/" + name);
    }
    for (const Case& one : cases) {
        SCOPED_TRACE(one.name);
        const KeyShape shape = shape_of({one.keys.begin(), one.keys.begin() + 1000});
        const std::string& last = one.keys[999];
        const long double page = shape.share(one.keys.front(), &last);
        const long double all = shape.share(last, nullptr);
        ASSERT_GT(all, 8 * page);
        const auto cut = shape.cut(last, nullptr, 8 * page / all);
        ASSERT_TRUE(cut);
        const auto left = std::upper_bound(one.keys.begin(), one.keys.end(), *cut) - (one.keys.begin() + 1000);
        EXPECT_GE(left, 2'000) << *cut;
        EXPECT_LE(left, 32'000) << *cut;
    }
}

TEST(KeyShape, APlaceThatWasToldToItsEndIsNotTakenForLonger) {
    std::vector<std::string> keys;
    for (std::size_t day = 0; day < 28; ++day)
        for (std::size_t i = 0; i < 2'000; ++i)
            keys.push_back("log/2015/01/" + digits(day + 1, 2) + "/" + digits(i, 6));
    KeyShape shape("log/", kMaxKey);
    shape.learn(keys.front());
    for (std::size_t at = 16; at <= 8'000; at += 16)
        shape.learn(keys[at - 16], keys[at]);
    const std::string last = keys[8'000];
    const long double page = shape.share(keys[7'000], &last);
    const auto cut = shape.cut(last, nullptr, 8 * page / shape.share(last, nullptr));
    ASSERT_TRUE(cut);
    const auto left = std::upper_bound(keys.begin(), keys.end(), *cut) - (keys.begin() + 8'000);
    EXPECT_GE(left, 4'000) << *cut;
    EXPECT_LE(left, 16'000) << *cut;
}

TEST(KeyShape, KnowsNothingOfKeysThatItHasNotSeen) {
    const KeyShape shape("in/", kMaxKey);
    EXPECT_EQ(shape.share("in/", nullptr), 0);
    EXPECT_FALSE(shape.cut("in/", nullptr, 0.5L));
}

TEST(KeyShape, ShareOfTwoPartsIsThatOfTheWhole) {
    const KeyShape shape = shape_of({"a/1", "a/2", "b/77", "c", "c/9"});
    const std::string middle = "b/3", end = "c/5";
    const long double whole = shape.share("a/1", &end);
    EXPECT_GT(whole, 0);
    EXPECT_NEAR(static_cast<double>((shape.share("a/1", &middle) + shape.share("b/3", &end)) / whole), 1, 0.1);
}

TEST(KeyShape, WhereKeysAreUtf8ACutIsTooAndBytesOfOtherKeysAreTakenAsTheyAre) {
    const KeyShape texts = shape_of({"\xc3\xa4", "\xc3\xa9", "\xe2\x82\xac", "\xe2\x84\xa2", "\xf0\x9f\x98\x80"});
    std::size_t cuts = 0;
    for (int i = 1; i < 50; ++i) {
        const auto cut = texts.cut("\xc3\xa4", nullptr, i / 50.0L);
        if (!cut) continue;
        ++cuts;
        EXPECT_TRUE(is_utf8(*cut)) << *cut;
    }
    EXPECT_GT(cuts, 25u);
    const KeyShape bytes = shape_of({"\x80\x01", "\x80\x7f", "\xff\x01", "\xff\xfe"});
    const auto cut = bytes.cut("\x80\x01", nullptr, 0.5L);
    ASSERT_TRUE(cut);
    EXPECT_GT(*cut, "\x80\x01");
}

TEST(KeyShape, ACutIsNeverLongerThanAKeyMayBe) {
    const std::string stem(kMaxKey - 1, 'x');
    const KeyShape shape = shape_of({stem + "a", stem + "z", stem});
    for (int i = 1; i < 20; ++i) {
        const auto cut = shape.cut(stem, nullptr, i / 20.0L);
        EXPECT_LE(cut.value_or("").size(), kMaxKey);
    }
}

TEST(KeyShapeProperty, EveryCutLiesStrictlyBetween) {
    const std::uint64_t seed = test_seed();
    SCOPED_TRACE(seed_text(seed));
    std::mt19937_64 random(seed);
    std::string any;
    for (int byte = 0; byte < 256; ++byte)
        any += static_cast<char>(byte);
    const std::vector<std::string> alphabets = {"ab",       "0123456789", "0123456789abcdef/",
                                                "/-._ 0aZ", any,          std::string(1, '\0')};
    std::size_t cuts = 0;
    for (int round = 0; round < 20'000; ++round) {
        const std::string& alphabet = alphabets[random() % alphabets.size()];
        const std::string prefix = random_text(random, alphabet, 3);
        KeyShape shape(prefix, kMaxKey);
        for (auto n = random() % 20; n > 0; --n)
            shape.learn(prefix + random_text(random, alphabet, 8));
        // Ends that were never seen as well.
        const std::string& other = alphabets[random() % alphabets.size()];
        std::string after = prefix + random_text(random, other, 8), until = prefix + random_text(random, other, 8);
        if (after == until) continue;
        if (after > until) std::swap(after, until);
        const bool bounded = random() % 2 == 0;
        const std::string* end = bounded ? &until : nullptr;
        const auto share = shape.share(after, end);
        ASSERT_GE(share, 0);
        ASSERT_LE(share, 1.5L);
        const auto cut = shape.cut(after, end, static_cast<long double>(1 + random() % 99) / 100);
        if (!cut) continue;
        ++cuts;
        ASSERT_GT(*cut, after);
        ASSERT_TRUE(cut->starts_with(prefix));
        ASSERT_TRUE(!bounded || *cut < until);
        ASSERT_TRUE(!is_utf8(after) || is_utf8(*cut));
    }
    EXPECT_GT(cuts, 5'000u);
}

}  // namespace
}  // namespace dray
