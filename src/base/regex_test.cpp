#include "base/regex.h"

#include <gtest/gtest.h>

#include <thread>

#include "base/golden_test.h"

namespace dray {
namespace {

Regex regex(std::string_view pattern) {
    auto compiled = Regex::compile(pattern);
    EXPECT_TRUE(compiled) << compiled.error().message;
    return *std::move(compiled);
}

std::string fault_of(std::string_view pattern) {
    auto compiled = Regex::compile(pattern);
    if (compiled) return "none";
    EXPECT_EQ(compiled.error().code, Code::invalid);
    return compiled.error().message;
}

// The groups of the first match, "-" for one that took no part; "none" for no match.
std::string found(std::string_view pattern, std::string_view subject) {
    const auto match = regex(pattern).search(subject);
    if (!match) return match.error().reason;
    if (!*match) return "none";
    std::string out;
    for (const auto& group : (*match)->groups)
        out.append(out.empty() ? "" : "|").append(group ? *group : "-");
    return out;
}

// As the golden file writes it: byte offsets.
std::string spans(const Regex& pattern, const std::string& subject) {
    const auto match = pattern.search(subject);
    if (!match) return match.error().reason;
    if (!*match) return "none";
    std::string out;
    for (const auto& group : (*match)->groups) {
        if (!out.empty()) out += ' ';
        if (!group) {
            out += '-';
            continue;
        }
        const auto begin = static_cast<std::size_t>(group->data() - subject.data());
        out += std::to_string(begin) + "," + std::to_string(begin + group->size());
    }
    return out;
}

TEST(Regex, FindsTheFirstMatchAnywhere) {
    EXPECT_EQ(found("(\\d{8})", "a_20240101_20240202.gz"), "20240101|20240101");
    EXPECT_EQ(found(".*(\\d{8})", "a_20240101_20240202.gz"), "a_20240101_20240202|20240202");
    EXPECT_EQ(found("(\\d{8})", "readme.txt"), "none");
}

TEST(Regex, TellsAGroupWithoutPartFromAnEmptyOne) {
    EXPECT_EQ(found("(\\d{4})(-\\d)?(x*)", "2024"), "2024|2024|-|");
}

TEST(Regex, AgreesWithPythonOnEveryGoldenMatch) {
    for (const auto& row : golden_rows("regex.tsv", 3, 6000)) {
        auto compiled = Regex::compile(row[0]);
        if (!compiled) {
            ADD_FAILURE() << compiled.error().message;
            continue;
        }
        EXPECT_EQ(spans(*compiled, row[1]), row[2]) << "'" << row[0] << "' in '" << row[1] << "'";
    }
}

TEST(Regex, RefusesWhatPythonRefusesAtTheSamePlace) {
    for (const auto& row : golden_rows("regex_errors.tsv", 3, 1500)) {
        const std::string fault = fault_of(row[0]);
        ASSERT_NE(fault, "none") << row[0];
        EXPECT_EQ(fault.substr(0, fault.find('\n')), "bad pattern: " + row[1]) << row[0];
        if (row[2] == "-" || row[0].find('\n') != std::string::npos) continue;
        const std::string carets = fault.substr(fault.rfind('\n') + 1);
        EXPECT_EQ(carets, std::string(2 + std::stoul(row[2]), ' ') + "^") << fault;
    }
}

TEST(Regex, PutsTheCaretUnderTheFault) {
    EXPECT_EQ(fault_of("(\\d{8}"), "bad pattern: missing ), unterminated subpattern\n  (\\d{8}\n  ^");
    EXPECT_EQ(fault_of("éé(a"), "bad pattern: missing ), unterminated subpattern\n  éé(a\n    ^");
    EXPECT_EQ(fault_of("a**"), "bad pattern: multiple repeat\n  a**\n    ^");
    EXPECT_EQ(fault_of("(?x)a # one\n (b\n"), "bad pattern: missing ), unterminated subpattern\n   (b\n   ^")
        << "of several lines, the one at fault";
    EXPECT_EQ(fault_of("x(?<=a|bc)d"), "bad pattern: look-behind requires fixed-width pattern\n  x(?<=a|bc)d\n   ^");
}

TEST(Regex, RefusesWhatPcre2CannotDo) {
    EXPECT_EQ(fault_of("a\\N{EM DASH}"),
              "bad pattern: \\N{...} is not supported: write the character, or \\uXXXX\n  a\\N{EM DASH}\n   ^");
    EXPECT_EQ(fault_of("ab{65536}"), "bad pattern: repeat count above 65535\n  ab{65536}\n     ^");
    EXPECT_EQ(fault_of("a{99999999999999999999,}").substr(0, 39), "bad pattern: repeat count above 65535\n ");
    EXPECT_NE(fault_of("\\ud800"), "none") << "surrogates";
    EXPECT_NE(fault_of("(?t)a"), "none") << "the flag for templates";
    EXPECT_EQ(fault_of("a\xff"), "bad pattern: not UTF-8\n  a \n   ^");
    EXPECT_EQ(fault_of("x(?:a{60000}){60000}"),
              "bad pattern: regular expression is too large\n  x(?:a{60000}){60000}\n               ^")
        << "PCRE2's own limits are shown in the user's pattern, not in its translation";
}

TEST(Regex, RefusesDeepNestingInsteadOfOverflowingTheStack) {
    const auto nested = [](std::size_t depth) { return std::string(depth, '(') + "a" + std::string(depth, ')'); };
    EXPECT_EQ(fault_of(nested(200)), "none");
    EXPECT_NE(fault_of(nested(201)), "none");
    EXPECT_NE(fault_of(nested(100'000)), "none");
    std::string conditions;
    for (int i = 0; i < 100'000; ++i)
        conditions += "(?(1)";
    EXPECT_NE(fault_of("(a)" + conditions), "none");
}

TEST(Regex, SaysPatternLimitForCatastrophicPatterns) {
    const std::string name(40, 'a');
    for (const char* pattern : {"(a+)+$", "^(a|aa)+$", "(a*)*[bc]", "(?:a|a)*(?!!)[!]"}) {
        const auto match = regex(pattern).search(name + "!");
        ASSERT_FALSE(match) << pattern;
        EXPECT_EQ(match.error().code, Code::exhausted);
        EXPECT_EQ(match.error().reason, "pattern-limit");
    }
    EXPECT_EQ(found("(a+)+$", name), name + "|" + name) << "and only where it must give up";
}

TEST(Regex, MatchesAroundBytesThatAreNotUtf8) {
    EXPECT_EQ(found("_(\\d{4})", "\xff\xfe_2024.csv"), "_2024|2024");
    EXPECT_EQ(found("^(.*)_", "\xff_2024"), "none") << "a stray byte is no character";
    EXPECT_EQ(found("(\\d)$", "\xc3(5"), "5|5");
    EXPECT_EQ(found("^(\\d)",
                    "\xff"
                    "5"),
              "none")
        << "the start stays the start";
    EXPECT_EQ(found("(a)$", "a\xff"), "none") << "and the end the end";
    EXPECT_EQ(found("(?s).+",
                    "ab\xe9"
                    "cd"),
              "ab");
}

TEST(Regex, MatchesTheEmptySubject) {
    EXPECT_EQ(found("a*", std::string_view()), "");
    EXPECT_EQ(found("a+", std::string_view()), "none");
}

TEST(Regex, KnowsItsGroups) {
    const Regex pattern = regex("(?P<year>\\d{4})(-)(?P<größe>\\d)");
    EXPECT_EQ(pattern.group_count(), 3u);
    EXPECT_EQ(pattern.group_named("year"), 1u);
    EXPECT_EQ(pattern.group_named("größe"), 3u);
    EXPECT_EQ(pattern.group_named("month"), std::nullopt);
    EXPECT_EQ(pattern.pattern(), "(?P<year>\\d{4})(-)(?P<größe>\\d)");
    EXPECT_EQ(regex("\\d").group_count(), 0u);
}

TEST(Regex, HoldsMoreGroupsThanTheOneBefore) {
    std::string many;
    for (int i = 0; i < 300; ++i)
        many += "(a)?";
    EXPECT_EQ(found("(a)", "a"), "a|a");
    const auto match = regex(many).search("aa");
    ASSERT_TRUE(match && *match);
    EXPECT_EQ((*match)->groups.size(), 301u);
    EXPECT_EQ((*match)->groups[2], "a");
    EXPECT_EQ((*match)->groups[3], std::nullopt);
}

TEST(Regex, IsMatchedByManyThreadsAtOnce) {
    const Regex pattern = regex("(\\d+)-(\\d+)");
    std::vector<std::thread> threads;
    std::vector<int> right(4);
    for (std::size_t t = 0; t < right.size(); ++t) {
        threads.emplace_back([&, t] {
            for (int i = 0; i < 2000; ++i) {
                const std::string subject = "x" + std::to_string(i) + "-" + std::to_string(t) + "y";
                const auto match = pattern.search(subject);
                right[t] += match && *match && (*match)->groups[1] == std::to_string(i) &&
                            (*match)->groups[2] == std::to_string(t);
            }
        });
    }
    for (auto& thread : threads)
        thread.join();
    for (const int count : right)
        EXPECT_EQ(count, 2000);
}

}  // namespace
}  // namespace dray
