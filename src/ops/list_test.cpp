#include "ops/list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <charconv>

#include "base/temp_directory.h"
#include "ops/pages.h"
#include "store/memory_store.h"

namespace dray {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// The keys of a fixed set, below "p/", that are chosen.
std::vector<std::string> chosen(SelectOptions options) {
    options.prefix = "p/";
    const auto selection = compile_selection(options);
    if (!selection) return {selection.error().message};
    std::vector<std::string> keys;
    for (const char* path :
         {"a.json", "c..json", ".json", "json", "b.JSON", "d.json/", "x/y.tar.gz", "x/z/w.mp4", "n\nl.mp4"}) {
        const ListedObject object{.key = "p/" + std::string(path), .size = std::string_view(path).size()};
        if (!*selection || (*selection)(object)) keys.push_back(path);
    }
    return keys;
}

TEST(Selection, ExtensionsTakeOneLeadingDotOff) {
    EXPECT_THAT(chosen({.ext = {"json"}}), ElementsAre("a.json", "c..json", ".json"));
    EXPECT_THAT(chosen({.ext = {".json"}}), ElementsAre("a.json", "c..json", ".json"));
    EXPECT_THAT(chosen({.ext = {"..json"}}), ElementsAre("c..json"));
    EXPECT_THAT(chosen({.ext = {"tar.gz", "mp4"}}), ElementsAre("x/y.tar.gz", "x/z/w.mp4", "n\nl.mp4"));
    EXPECT_THAT(chosen({.ext = {"json"}, .ext_ignore_case = true}),
                ElementsAre("a.json", "c..json", ".json", "b.JSON"));
    EXPECT_THAT(chosen({.ext = {".json"}, .ext_exact = true}), ElementsAre("c..json"));
}

TEST(Selection, NothingAskedForIsNoSelection) {
    const auto selection = compile_selection({.ext = {""}});
    ASSERT_TRUE(selection);
    EXPECT_FALSE(*selection);
}

TEST(Selection, GlobsMatchTheLastElementsOrFromTheBeginning) {
    EXPECT_THAT(chosen({.glob = {"*.mp4"}}), ElementsAre("x/z/w.mp4", "n\nl.mp4"));
    EXPECT_THAT(chosen({.glob = {"x/*.gz"}}), ElementsAre("x/y.tar.gz"));
    EXPECT_THAT(chosen({.glob = {"z/*"}}), ElementsAre("x/z/w.mp4"));
    EXPECT_THAT(chosen({.glob = {"/z/*"}}), IsEmpty());
    EXPECT_THAT(chosen({.glob = {"/x/**"}}), ElementsAre("x/y.tar.gz", "x/z/w.mp4"));
    EXPECT_THAT(chosen({.glob = {"?.json"}}), ElementsAre("a.json"));
    EXPECT_THAT(chosen({.glob = {"[ab].{json,JSON}"}}), ElementsAre("a.json", "b.JSON"));
    EXPECT_THAT(chosen({.glob = {"[!a-c].mp4"}}), ElementsAre("x/z/w.mp4"));
}

TEST(Selection, SpecialCharactersOfRegexesAreTextInGlobs) {
    const auto matches = [](const std::string& glob, const std::string& key) {
        const auto selection = compile_selection({.glob = {glob}});
        EXPECT_TRUE(selection) << selection.error().message;
        return (*selection)({.key = key});
    };
    EXPECT_TRUE(matches("a+(b)^$|.x", "a+(b)^$|.x"));
    EXPECT_FALSE(matches("a.x", "abx"));
    EXPECT_TRUE(matches("\\*\\{", "*{"));
    EXPECT_TRUE(matches("[]x]", "]"));
    EXPECT_TRUE(matches("a}b", "a}b"));
}

TEST(Selection, TwoStarsBetweenSlashesMayBeNoElementAtAll) {
    const auto matches = [](const std::string& glob, const std::string& key) {
        const auto selection = compile_selection({.glob = {glob}});
        EXPECT_TRUE(selection) << selection.error().message;
        return (*selection)({.key = key});
    };
    for (const char* key : {"a/y.csv", "a/b/y.csv", "a/b/c/y.csv", "x/a/y.csv"})
        EXPECT_TRUE(matches("a/**/y.csv", key)) << key;
    for (const char* key : {"ay.csv", "a/xy.csv", "a/b/xy.csv"})
        EXPECT_FALSE(matches("a/**/y.csv", key)) << key;
    EXPECT_TRUE(matches("/**/y.csv", "y.csv"));
    EXPECT_FALSE(matches("/a**/y.csv", "ay.csv")) << "only whole elements may be missing";
}

TEST(Selection, ReadsGlobsAsRcloneDoes) {
    const auto excluded = [](const std::string& glob, const std::string& key) {
        const auto selection = compile_selection({.exclude = {glob}});
        EXPECT_TRUE(selection) << selection.error().message;
        return !(*selection)({.key = key});
    };
    for (const char* key : {"x.json", "GDL/m.json", "a/b/.json"})
        EXPECT_TRUE(excluded("*.json", key)) << key;
    for (const char* key : {"x.jsonl.bz2", "x.JSON", "json", "x.json/y"})
        EXPECT_FALSE(excluded("*.json", key)) << key;
    for (const char* key : {"tmp/", "tmp/a", "x/tmp/a/b"})
        EXPECT_TRUE(excluded("tmp/", key)) << key;
    for (const char* key : {"tmp", "atmp/b", "x/tmp"})
        EXPECT_FALSE(excluded("tmp/", key)) << key;
    EXPECT_TRUE(excluded("/tmp/", "tmp/a"));
    EXPECT_FALSE(excluded("/tmp/", "x/tmp/a"));
    EXPECT_TRUE(excluded("{{\\d{8}}}.csv", "in/20240309.csv"));
    EXPECT_TRUE(excluded("in/{{.*}}.csv", "in/deep/a.csv"));
    EXPECT_FALSE(excluded("{{\\d{8}}}.csv", "in/2024.csv"));
}

TEST(Selection, RefusesBrokenGlobsAndPatternsWithACaret) {
    EXPECT_THAT(chosen({.glob = {"{{("}}), ElementsAre(HasSubstr("never closed")));
    EXPECT_THAT(chosen({.glob = {"{{(}}"}}), ElementsAre(HasSubstr("^")));
    EXPECT_THAT(chosen({.glob = {"x[z-a]"}}), ElementsAre(HasSubstr("x[z-a]\n    ^")));
    EXPECT_THAT(chosen({.glob = {"a[b"}}), ElementsAre(HasSubstr("a[b\n   ^")));
    EXPECT_THAT(chosen({.glob = {"{a"}}), ElementsAre(HasSubstr("never closed")));
    EXPECT_THAT(chosen({.exclude = {"a\\"}}), ElementsAre(HasSubstr("at the end")));
    EXPECT_THAT(chosen({.match = {"("}}), ElementsAre(HasSubstr("^")));
}

TEST(Selection, ExcludeWinsOverInclude) {
    EXPECT_THAT(chosen({.include = {"*json", "*.mp4"}, .exclude = {"x/**", ".*"}}),
                ElementsAre("a.json", "c..json", "json", "n\nl.mp4"));
}

TEST(Selection, AllKindsMustAgree) {
    EXPECT_THAT(chosen({.ext = {"json", "mp4"}, .match = {"^[a-c]", "z/"}, .size = AmountRange{.most = 6}}),
                ElementsAre("a.json"));
    EXPECT_THAT(chosen({.match = {"/$"}, .no_markers = true}), IsEmpty());
}

TEST(Selection, AgesAreCountedFromNowAndUnknownTimesHaveNone) {
    const WallTime now(std::chrono::seconds(1'000'000));
    const auto selection = compile_selection({.age = AmountRange{.least = 60}, .now = now});
    ASSERT_TRUE(selection);
    EXPECT_TRUE((*selection)({.key = "k", .modified = now - std::chrono::seconds(60)}));
    EXPECT_FALSE((*selection)({.key = "k", .modified = now - std::chrono::seconds(59)}));
    EXPECT_FALSE((*selection)({.key = "k", .modified = now + std::chrono::hours(1)}));
    EXPECT_FALSE((*selection)({.key = "k"}));
}

TEST(Selection, ReadsRanges) {
    const auto amount = [](const std::string& text) -> Result<std::uint64_t> {
        std::uint64_t value = 0;
        const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (fault != std::errc() || end != text.data() + text.size())
            return Error{.code = Code::invalid, .message = text};
        return value;
    };
    const auto range = [&](const std::string& text) {
        const auto read = parse_range(text, amount);
        return read ? std::pair(read->least, read->most) : std::pair<std::uint64_t, std::uint64_t>(9, 0);
    };
    EXPECT_EQ(range("+5"), std::pair(std::uint64_t{5}, UINT64_MAX));
    EXPECT_EQ(range("-5"), std::pair(std::uint64_t{0}, std::uint64_t{5}));
    EXPECT_EQ(range("5"), std::pair(std::uint64_t{5}, std::uint64_t{5}));
    EXPECT_EQ(range("2..5"), std::pair(std::uint64_t{2}, std::uint64_t{5}));
    EXPECT_EQ(range("2.."), std::pair(std::uint64_t{2}, UINT64_MAX));
    EXPECT_EQ(range("..2"), std::pair(std::uint64_t{0}, std::uint64_t{2}));
    for (const char* bad : {"", "..", "5..2", "x", "+"})
        EXPECT_FALSE(parse_range(bad, amount)) << bad;
}

class List : public testing::Test {
protected:
    void start(MemoryStoreOptions options = {}) {
        options.limits.list_page = 2;
        store_ = make_memory_store(std::move(options));
        for (const char* key : {"p/a-b", "p/a.b", "p/a/b", "p/c", "q"})
            ASSERT_TRUE(store_->put({}, {"bkt", key, ""}, "12"));
        command_.bucket = "bkt";
        command_.prefix = "p/";
        command_.scratch = directory_.path();
    }
    std::vector<std::string> list() {
        std::vector<std::string> keys;
        const auto totals = list_objects({}, *store_, command_, [&](const ListedObject& object) -> Status {
            keys.push_back(object.key);
            return {};
        });
        if (!totals) return {totals.error().message};
        totals_ = *totals;
        return keys;
    }
    TempDirectory directory_;
    std::unique_ptr<ObjectStore> store_;
    ListCommand command_;
    ListTotals totals_;
};

TEST_F(List, HandsEveryObjectOnAndCounts) {
    start();
    EXPECT_THAT(list(), ElementsAre("p/a-b", "p/a.b", "p/a/b", "p/c"));
    EXPECT_EQ(totals_.bytes, 8u);
    EXPECT_EQ(totals_.pages, 2u);
}

TEST_F(List, StopsAsSoonAsThereAreEnough) {
    start();
    command_.max = 2;
    EXPECT_THAT(list(), ElementsAre("p/a-b", "p/a.b"));
    EXPECT_EQ(totals_.pages, 1u) << "the next page is not asked for";
    command_.max = 0;
    EXPECT_THAT(list(), IsEmpty());
    EXPECT_EQ(totals_.pages, 0u);
}

TEST_F(List, SeveralStreamsTellTheSameInTheSameOrder) {
    start();
    command_.streams = 4;
    EXPECT_THAT(list(), ElementsAre("p/a-b", "p/a.b", "p/a/b", "p/c"));
    command_.max = 2;
    EXPECT_THAT(list(), ElementsAre("p/a-b", "p/a.b"));
}

TEST_F(List, OnlyWhereOrderAndStartAreProvenMayThereBeSeveralStreams) {
    const auto pace = [](const ObjectStore& store, const std::optional<Capabilities>& known) {
        return list_pace(store, known, 16);
    };
    EXPECT_EQ(pace(*make_memory_store(), {}).streams, 16u) << "it guarantees the order by construction";
    const auto silent = make_memory_store({.tells_capabilities = false});
    EXPECT_EQ(pace(*silent, {}).streams, 1u);
    EXPECT_THAT(pace(*silent, {}).why_one, HasSubstr("nothing has proven yet"));
    const auto proof = Guarantee::proven, none = Guarantee::absent;
    EXPECT_EQ(pace(*silent, Capabilities{.byte_order = proof}).streams, 1u);
    EXPECT_EQ(pace(*silent, Capabilities{.byte_order = proof, .start_after = proof}).streams, 16u);
    const ListPace unordered = pace(*silent, Capabilities{.byte_order = none, .start_after = proof});
    EXPECT_EQ(unordered.streams, 1u);
    EXPECT_THAT(unordered.why_one, HasSubstr("does not list in byte order"));
    EXPECT_EQ(list_pace(*silent, {}, 1).why_one, "") << "one was asked for";
}

TEST_F(List, SortsByBytesWhereTheStoreDoesNot) {
    start({.order = MemoryStoreOptions::Order::directories});
    EXPECT_THAT(list(), ElementsAre("p/a/b", "p/a-b", "p/a.b", "p/c"));
    command_.sorted = true;
    command_.max = 3;
    EXPECT_THAT(list(), ElementsAre("p/a-b", "p/a.b", "p/a/b"));
}

TEST_F(List, ASingleObjectIsLookedAt) {
    start();
    command_.single = true;
    command_.prefix = "p/c";
    EXPECT_THAT(list(), ElementsAre("p/c"));
    EXPECT_EQ(totals_.pages, 0u);
    command_.prefix = "p/absent";
    const auto absent = list_objects({}, *store_, command_, [](const ListedObject&) { return Status(); });
    ASSERT_FALSE(absent);
    EXPECT_EQ(absent.error().code, Code::not_found);
}

TEST(ListRows, JsonCarriesAnyKey) {
    const WallTime time(std::chrono::milliseconds(1'709'957'106'789));
    EXPECT_EQ(list_json("b", {.key = "a\"\n", .size = 3, .etag = "e", .modified = time}),
              R"({"bucket":"b","path":"a\"\n","size":3,"etag":"e","last_modified":"2024-03-09T04:05:06.789Z"})");
    EXPECT_THAT(list_json("b", {.key = "\xFF"}), HasSubstr(R"("path_b64":"/w==")"));
}

TEST(ListRows, TextIsOneLineWhateverTheKey) {
    EXPECT_THAT(list_text({.key = "a\nb\x1b[31m", .size = 7}), HasSubstr("a\\x0ab\\x1b[31m"));
}

}  // namespace
}  // namespace dray
