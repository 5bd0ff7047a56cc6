#include "job/reasons.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "base/file.h"
#include "base/regex.h"
#include "base/result.h"

namespace dray {
namespace {

std::string row_of(const Reason& reason) {
    return "| `" + std::string(reason.word) + "` | " + std::string(reason.means) + " | " + std::string(reason.next) +
           " |";
}

TEST(Reasons, AreTheRowsOfTheirPage) {
    auto page = read_file(DRAY_TEST_DATA "/../../docs/reasons.md", 1 << 20);
    ASSERT_TRUE(page) << page.error().message;
    std::vector<std::string> rows;
    for (std::size_t at = 0, end = 0; (end = page->find('\n', at)) != std::string::npos; at = end + 1)
        if (page->compare(at, 3, "| `") == 0) rows.push_back(page->substr(at, end - at));

    std::vector<std::string> expected;
    for (const Reason& reason : reasons())
        expected.push_back(row_of(reason));
    EXPECT_EQ(rows, expected) << "docs/reasons.md and src/job/reasons.cpp differ";
}

TEST(Reasons, AreWordsThatScriptsCanMatch) {
    std::set<std::string_view> seen;
    for (const Reason& reason : reasons()) {
        EXPECT_TRUE(seen.insert(reason.word).second) << reason.word << " is there twice";
        EXPECT_EQ(reason.word.find_first_not_of("abcdefghijklmnopqrstuvwxyz-_"), std::string_view::npos) << reason.word;
        EXPECT_TRUE(reason.means.ends_with('.')) << reason.word;
        EXPECT_TRUE(reason.next.ends_with('.')) << reason.word;
    }
}

TEST(Reasons, HaveAWordForEveryCodeSinceCodesStandInForMissingReasons) {
    for (int code = 0; code <= static_cast<int>(Code::cancelled); ++code)
        EXPECT_TRUE(is_reason(name_of(static_cast<Code>(code)))) << name_of(static_cast<Code>(code));
    EXPECT_FALSE(is_reason("no-such-reason"));
    EXPECT_FALSE(is_reason(""));
}

// The code that may give reasons, by path: without tests, headers (which tell of words in comments) and the table
// itself.
std::map<std::string, std::string> code_with_reasons() {
    std::map<std::string, std::string> code;
    for (const char* room : {"base", "s3", "store", "job", "ops", "cli"}) {
        for (const auto& entry :
             std::filesystem::directory_iterator(DRAY_TEST_DATA "/../../src/" + std::string(room))) {
            const std::string path = entry.path().string();
            if (!path.ends_with(".cpp") || path.ends_with("_test.cpp") || path.ends_with("/reasons.cpp")) continue;
            auto text = read_file(path, 1 << 20);
            EXPECT_TRUE(text) << text.error().message;
            if (text) code.emplace(path, std::move(*text));
        }
    }
    return code;
}

// verify puts these together, from the side and what it found there.
const std::set<std::string_view> kComposed = {"source-missing", "source-changed", "target-missing", "target-changed"};

// The words that `text` gives as reasons, by the ways in which code writes them.
std::vector<std::string> reasons_in(const std::string& text) {
    static const Result<Regex> kWays = Regex::compile(R"re(reason = "([^"]+)"|\b(?:bad|unknown)\("([a-z_-]+)")re");
    std::vector<std::string> words;
    std::string_view rest = text;
    for (auto match = kWays->search(rest); match && *match; match = kWays->search(rest)) {
        const auto& groups = (*match)->groups;
        words.emplace_back(groups[1] ? *groups[1] : *groups[2]);
        rest = std::string_view(groups[0]->data() + groups[0]->size(), text.data() + text.size());
    }
    return words;
}

TEST(Reasons, AreAllThatTheCodeGives) {
    std::size_t found = 0;
    for (const auto& [path, text] : code_with_reasons()) {
        for (const std::string& word : reasons_in(text)) {
            ++found;
            EXPECT_TRUE(is_reason(word)) << word << " in " << path;
        }
    }
    EXPECT_GT(found, 40u) << "the ways to write a reason are not those this test looks for";
    for (const std::string_view word : kComposed)
        EXPECT_TRUE(is_reason(word)) << word;
}

TEST(Reasons, AreOnlyWhatTheCodeGives) {
    const auto code = code_with_reasons();
    for (const Reason& reason : reasons()) {
        const std::string word = "\"" + std::string(reason.word) + "\"";
        const bool said =
            std::ranges::any_of(code, [&](const auto& file) { return file.second.find(word) != std::string::npos; });
        EXPECT_TRUE(said || kComposed.contains(reason.word)) << "nothing says " << word;
    }
}

}  // namespace
}  // namespace dray
