#include "ops/relayout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/clock.h"

namespace dray {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Verdict = Placement::Verdict;

ListedObject object(std::string key) {
    return {.key = std::move(key),
            .size = 42,
            .etag = "0123456789abcdef0123456789abcdef",
            .modified = WallTime(std::chrono::seconds(1'709'957'106))};  // 2024-03-09T04:05:06Z
}

RelayoutOptions options(std::string to) {
    RelayoutOptions made;
    made.to = std::move(to);
    made.source_bucket = made.target_bucket = "bkt";
    made.source_prefix = "in/";
    made.target_prefix = "out/";
    return made;
}

RelayoutOptions dated(std::string to) {
    auto made = options(std::move(to));
    made.match = R"((\d{8}))";
    made.date_format = "%Y%m%d";
    return made;
}

Placement place(RelayoutOptions rule, std::string key) {
    const auto compiled = Relayout::compile(std::move(rule));
    if (!compiled) {
        ADD_FAILURE() << compiled.error().message;
        return {};
    }
    return compiled->place(object(std::move(key)));
}

std::string target(RelayoutOptions rule, std::string key) {
    const Placement placed = place(std::move(rule), std::move(key));
    if (placed.verdict != Verdict::place) return "(" + placed.reason + ")";
    return placed.bucket + ":" + placed.key;
}

std::string refusal(RelayoutOptions rule) {
    const auto compiled = Relayout::compile(std::move(rule));
    if (compiled) return "compiled";
    EXPECT_EQ(compiled.error().code, Code::invalid);
    return compiled.error().message;
}

TEST(Relayout, FillsEveryFieldIn) {
    EXPECT_EQ(target(options("{path}"), "in/a/b.csv.gz"), "bkt:out/a/b.csv.gz");
    EXPECT_EQ(target(options("{key}"), "in/a/b.csv.gz"), "bkt:out/in/a/b.csv.gz");
    EXPECT_EQ(target(options("{basename}"), "in/a/b.csv.gz"), "bkt:out/b.csv.gz");
    EXPECT_EQ(target(options("{ext}/{size}/{etag:8}-{etag}"), "in/a/b.csv.gz"),
              "bkt:out/gz/42/01234567-0123456789abcdef0123456789abcdef");
    EXPECT_EQ(target(options("{ext}|"), "in/.bashrc"), "bkt:out/|") << "a leading dot makes no extension";
    EXPECT_EQ(target(options("{{{size}}}"), "in/a"), "bkt:out/{42}");
}

TEST(Relayout, AnEmptyFolderTakesItsSlashAlong) {
    EXPECT_EQ(target(options("x/{dirname}/{basename}"), "in/a/b/c"), "bkt:out/x/a/b/c");
    EXPECT_EQ(target(options("x/{dirname}/{basename}"), "in/c"), "bkt:out/x/c");
}

TEST(Relayout, UsesGroupsByNumberAndByName) {
    auto rule = options("{year}/{2}/{0}");
    rule.match = R"((?P<year>\d{4})-(\d\d))";
    EXPECT_EQ(target(rule, "in/x-2024-03-09.csv"), "bkt:out/2024/03/2024-03");
}

TEST(Relayout, SearchesBelowTheSourcePrefixUnlessToldOtherwise) {
    auto rule = options("{1}");
    rule.match = R"((i?n?[^/]*/?)x)";
    EXPECT_EQ(target(rule, "in/a/x"), "bkt:out/a/");
    rule.match_on = MatchOn::name;
    EXPECT_EQ(target(rule, "in/a/x"), "bkt:out/");
    rule.match = "^(in/.*)$";
    rule.match_on = MatchOn::key;
    EXPECT_EQ(target(rule, "in/a/x"), "bkt:out/in/a/x");
}

TEST(Relayout, ASchemeNamesBucketAndKey) {
    EXPECT_EQ(target(options("s3://other/{basename}"), "in/a"), "other:a");
    EXPECT_EQ(target(options("S3://other//{basename}"), "in/a"), "other:/a") << "keys are bytes, slashes stay";
    EXPECT_THAT(refusal(options("ftp://x/{basename}")), HasSubstr("ftp://"));
    EXPECT_THAT(refusal(options("s3:///{basename}")), HasSubstr("names no bucket"));
}

TEST(Relayout, TextFromAKeyCannotMoveTheEndOfTheBucket) {
    auto rule = options("s3://{1}/x");
    rule.match = "^(.*)$";
    EXPECT_EQ(target(rule, "in/good-name"), "good-name:x");
    EXPECT_EQ(target(rule, "in/evil/name"), "(bad-bucket)");
    EXPECT_EQ(target(rule, "in/a b"), "(bad-bucket)");
}

TEST(Relayout, DatesComeFromTheGroupsTheModificationOrAreFixed) {
    EXPECT_EQ(target(dated("{date:%Y/%m/%d}/{basename}"), "in/x_20240309.csv"), "bkt:out/2024/03/09/x_20240309.csv");

    auto modified = options("{date:%Y-%m-%dT%H:%M:%S}");
    modified.date_from = DateFrom::modified;
    EXPECT_EQ(target(modified, "in/x"), "bkt:out/2024-03-09T04:05:06") << "UTC";

    auto fixed = options("{date:%Y}");
    fixed.date = DateTime{.year = 2020};
    EXPECT_EQ(target(fixed, "in/x"), "bkt:out/2020");
}

TEST(Relayout, AnUnknownModificationIsNoDate) {
    auto rule = options("{date:%Y}");
    rule.date_from = DateFrom::modified;
    rule.unmatched = Unmatched::skip;
    const auto compiled = Relayout::compile(rule);
    ASSERT_TRUE(compiled);
    EXPECT_EQ(compiled->place({.key = "in/x"}).reason, "no-date");
}

TEST(Relayout, UnmatchedObjectsFailAreSkippedOrGoElsewhere) {
    auto rule = dated("{date:%Y}/{basename}");
    EXPECT_EQ(place(rule, "in/readme").verdict, Verdict::fail);
    EXPECT_EQ(place(rule, "in/readme").reason, "no-match");
    EXPECT_EQ(place(rule, "in/x_20241301").reason, "no-date");
    rule.unmatched = Unmatched::skip;
    EXPECT_EQ(place(rule, "in/readme").verdict, Verdict::skip);
    rule.unmatched_to = "s3://bad/{basename}";
    const Placement elsewhere = place(rule, "in/x/readme");
    EXPECT_EQ(elsewhere.bucket + ":" + elsewhere.key, "bad:readme");
    EXPECT_EQ(elsewhere.reason, "no-match") << "why it went there";
}

TEST(Relayout, G14AGroupThatTookNoPartIsNoDateUnlessItCountsAsEmpty) {
    auto rule = dated("{date:%Y}/{basename}");
    rule.match = R"((\d{8})(-\d{2})?)";
    EXPECT_EQ(place(rule, "in/x_20240309.csv").reason, "group-unset");
    rule.unset_group = UnsetGroup::empty;
    EXPECT_EQ(target(rule, "in/x_20240309.csv"), "bkt:out/2024/x_20240309.csv");
}

TEST(Relayout, AnUnsetGroupMattersOnlyWhereItIsUsed) {
    auto rule = options("{1}");
    rule.match = "a(x)?b(y)?";
    EXPECT_EQ(target(rule, "in/axb"), "bkt:out/x");
    EXPECT_EQ(place(rule, "in/ab").reason, "group-unset");
    rule.unset_group = UnsetGroup::empty;
    EXPECT_EQ(target(rule, "in/ab"), "bkt:out/");
}

TEST(Relayout, AnExhaustedPatternFailsTheObjectAndIsNeverUnmatched) {
    auto rule = dated("{date:%Y}/{basename}");
    rule.match = "(a+)+$";
    rule.unmatched_to = "s3://bad/{basename}";
    const Placement placed = place(rule, "in/" + std::string(40, 'a') + "!" + std::string(60, 'a') + "!");
    EXPECT_EQ(placed.verdict, Verdict::fail);
    EXPECT_EQ(placed.reason, "pattern-limit");
}

TEST(Relayout, SkipsMarkersAndTheErrorDirectoryWhenAsked) {
    auto rule = options("{path}");
    EXPECT_EQ(target(rule, "in/a/"), "bkt:out/a/");
    rule.leave_markers = LeaveMarkers::all;
    rule.in_error_directory = "in/err/";
    EXPECT_EQ(target(rule, "in/a/"), "(directory-marker)");
    EXPECT_EQ(target(rule, "in/err/x"), "(in-error-directory)");
    EXPECT_EQ(target(rule, "in/error"), "bkt:out/error");
}

TEST(Relayout, AMarkerOfTheSourceItselfIsNoObjectWithoutAMatch) {
    auto rule = options("{1}/{basename}");
    rule.match = R"(^(\d+))";
    EXPECT_EQ(place(rule, "in/").reason, "no-match");
    rule.leave_markers = LeaveMarkers::of_source;
    EXPECT_EQ(target(rule, "in/"), "(directory-marker)");
    EXPECT_EQ(target(rule, "in/7/"), "bkt:out/7/") << "one below it is what the rule says";
    EXPECT_EQ(place(rule, "in/x/").reason, "no-match");
}

TEST(Relayout, RefusesTemplatesItCannotFillWithACaret) {
    EXPECT_THAT(refusal(options("a/{nonsense}")), HasSubstr("a/{nonsense}\n     ^"));
    EXPECT_THAT(refusal(options("a/{path")), HasSubstr("never closed"));
    EXPECT_THAT(refusal(options("a}/b")), HasSubstr("lone }"));
    EXPECT_THAT(refusal(options("{1}")), HasSubstr("no pattern"));
    EXPECT_THAT(refusal(options("{date:%Y}")), HasSubstr("no date"));
    EXPECT_THAT(refusal(options("{size:3}")), HasSubstr("nothing behind a colon"));
    EXPECT_THAT(refusal(options("{etag:x}")), HasSubstr("number of characters"));
    EXPECT_THAT(refusal(options("")), HasSubstr("empty"));
    EXPECT_THAT(refusal(dated("{date}")), HasSubstr("needs a format"));
    EXPECT_THAT(refusal(dated("{2}")), HasSubstr("only 1 groups"));
    auto named = dated("{key}");
    named.match = R"((?P<key>\d{8}))";
    EXPECT_THAT(refusal(named), HasSubstr("rename the group"));
}

TEST(Relayout, UnmatchedTemplatesHaveNeitherGroupsNorDates) {
    auto rule = dated("{date:%Y}/{basename}");
    rule.unmatched_to = "{1}";
    EXPECT_THAT(refusal(rule), HasSubstr("no pattern"));
    rule.unmatched_to = "{date:%Y}";
    EXPECT_THAT(refusal(rule), HasSubstr("no date"));
}

TEST(Relayout, G13RefusesADateThatNothingCanFind) {
    auto rule = dated("{date:%Y}");
    rule.match = R"(\d{8})";
    EXPECT_THAT(refusal(rule), HasSubstr("no group"));
    rule.match = std::nullopt;
    EXPECT_THAT(refusal(rule), HasSubstr("no pattern"));
    rule.match = R"((\d{8}))";
    rule.date_format = "%Q";
    EXPECT_NE(refusal(rule), "compiled");
}

TEST(Relayout, TellsTheLiteralBeginningsOfItsTargets) {
    auto rule = dated("s3://bkt/x/{date:y=%Y/%m}/{basename}");
    rule.unmatched_to = "err/{basename}";
    const auto compiled = Relayout::compile(rule);
    ASSERT_TRUE(compiled) << compiled.error().message;
    EXPECT_THAT(compiled->targets(), ElementsAre(Relayout::Target{"bkt", "x/y="}, Relayout::Target{"bkt", "out/err/"}));

    const auto moving = Relayout::compile(dated("s3://bkt-{date:%Y}/x/{basename}"));
    ASSERT_TRUE(moving);
    EXPECT_THAT(moving->targets(), ElementsAre(Relayout::Target{"", "x/"}))
        << "the bucket differs from object to object";
}

TEST(Relayout, BracesInADateFormatAreWrittenTwice) {
    EXPECT_EQ(target(dated("{date:{%Y}}}"), "in/20240309"), "bkt:out/{2024}");
}

TEST(Relayout, WarnsOfUnknownDirectives) {
    const auto compiled = Relayout::compile(dated("{date:%Y%Q}"));
    ASSERT_TRUE(compiled);
    EXPECT_THAT(compiled->warnings(), ElementsAre(HasSubstr("%Q")));
}

TEST(Relayout, ExplainsHowItReadAnObject) {
    const auto compiled = Relayout::compile(dated("{date:%Y/%m}/{basename}"));
    ASSERT_TRUE(compiled);
    const RuleReading reading = compiled->read(object("in/x_20240309.csv"));
    EXPECT_EQ(reading.subject, "x_20240309.csv");
    ASSERT_EQ(reading.groups.size(), 2u);
    EXPECT_EQ(reading.groups[1], "20240309");
    ASSERT_TRUE(reading.date);
    EXPECT_EQ(reading.date->day, 9);
    EXPECT_TRUE(compiled->read(object("in/readme")).groups.empty());
}

TEST(Relayout, OfLocalFilesTakesNoUrlOfAStoreForADirectory) {
    RelayoutOptions rule = options("s3://bkt/{basename}");
    rule.local = true;
    EXPECT_NE(refusal(rule).find("local directory"), std::string::npos);
    rule.to = "{basename}";
    rule.unmatched_to = "s3://bkt/{basename}";
    EXPECT_NE(refusal(rule).find("local directory"), std::string::npos);
}

TEST(Relayout, SendsWhatIsUnmatchedBelowAPlaceOfItsOwn) {
    RelayoutOptions rule = options("{basename}");
    rule.match = "x";
    rule.unmatched_to = "{basename}";
    rule.unmatched_bucket = "others";
    rule.unmatched_prefix = "left/";
    const Placement left = place(rule, "in/a");
    EXPECT_EQ(left.bucket + "/" + left.key, "others/left/a");
    EXPECT_EQ(place(rule, "in/x").bucket, rule.target_bucket);
}

}  // namespace
}  // namespace dray
