#include "ops/planner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <set>

#include "ops/planner_rig.h"
#include "store/wrapped_store.h"

namespace dray {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST_F(Planner, PlansEveryObjectBelowThePrefixInOrder) {
    put("in/b/2", "two");
    put("in/a/1", "1");
    put("inbox/3");
    put("other", "o");
    ASSERT_TRUE(plan("out/{path}"));
    EXPECT_THAT(lines(), ElementsAre("in/a/1 -> out/a/1", "in/b/2 -> out/b/2"));
    EXPECT_EQ(totals_.listed, 2u);
    EXPECT_EQ(totals_.effects, 2u);
    EXPECT_EQ(totals_.bytes, 4u);
    EXPECT_EQ(actions_[1].from.size, 3u);
    EXPECT_FALSE(actions_[1].from.etag.empty());
    EXPECT_NE(actions_[1].from.modified, WallTime{});
}

TEST_F(Planner, L13_APrefixWithoutASlashIsAnotherPrefix) {
    put("foo/a");
    put("foobar/b");
    rule_.source_prefix = request_.source_prefix = "foo/";
    ASSERT_TRUE(plan("out/{path}"));
    EXPECT_THAT(lines(), ElementsAre("foo/a -> out/a"));
    rule_.source_prefix = request_.source_prefix = "foo";
    ASSERT_TRUE(plan("out/{key}"));
    EXPECT_THAT(lines(), ElementsAre("foo/a -> out/foo/a", "foobar/b -> out/foobar/b"));
}

TEST_F(Planner, TakesOnlyWhatIsNamedOnceEachAndFailsWhatIsNotThere) {
    for (const char* key : {"in/a", "in/b", "in/c"})
        put(key);
    std::vector<std::string> names{"c", "gone", "a", "c"};
    request_.names = [at = std::size_t{0}, names]() mutable -> Result<std::optional<std::string>> {
        return at == names.size() ? std::optional<std::string>() : std::optional(names[at++]);
    };
    request_.what = Do::copy;
    ASSERT_TRUE(plan("out/{path}"));
    EXPECT_THAT(lines(), ElementsAre("in/a -> out/a", "in/c -> out/c", "in/gone: fail not_found"));
    EXPECT_EQ(totals_.listed, 3u);
    EXPECT_FALSE(actions_[0].from.etag.empty());
}

TEST_F(Planner, ANameThatCannotBeReadEndsThePlanning) {
    request_.names = []() -> Result<std::optional<std::string>> {
        return Error{.code = Code::local, .message = "the disk is gone"};
    };
    const Status planned = plan("out/{path}");
    ASSERT_FALSE(planned);
    EXPECT_EQ(planned.error().code, Code::local);
}

TEST_F(Planner, OfACopyTheListingsDecideWhatTheyTellForCertain) {
    SimulatedClock clock;
    start({.clock = &clock});
    request_.what = Do::copy;
    for (const char* key : {"in/newer", "in/same", "in/size", "out/older", "out/newer", "out/same"}) {
        clock.advance(std::chrono::seconds(2));
        put(key);
    }
    put("out/size", "longer");
    clock.advance(std::chrono::seconds(2));
    put("in/older");
    const auto with = [&](Overwrite overwrite) {
        request_.overwrite = overwrite;
        EXPECT_TRUE(plan("out/{path}"));
        return lines();
    };
    EXPECT_THAT(with(Overwrite::never), ElementsAre("in/newer -> out/newer (there)", "in/older -> out/older (there)",
                                                    "in/same -> out/same (there)", "in/size: fail conflict"));
    EXPECT_THAT(with(Overwrite::newer), ElementsAre("in/newer: skip not-newer", "in/older -> out/older (there)",
                                                    "in/same: skip not-newer", "in/size: skip not-newer"));
    for (const Overwrite overwrite : {Overwrite::changed, Overwrite::always})
        EXPECT_THAT(with(overwrite), ElementsAre("in/newer -> out/newer (there)", "in/older -> out/older (there)",
                                                 "in/same -> out/same (there)", "in/size -> out/size (there)"));
    EXPECT_EQ(actions_.front().what, Do::copy);
}

TEST_F(Planner, TellsWhatIsAtATargetAlready) {
    put("in/a", "new");
    put("in/b", "new");
    put("out/a", "old stuff");
    put("out/z", "z");
    ASSERT_TRUE(plan("out/{path}"));
    EXPECT_THAT(lines(), ElementsAre("in/a -> out/a (there)", "in/b -> out/b"));
    const auto there = store_->head({}, {"bkt", "out/a", ""});
    EXPECT_EQ(actions_[0].to.etag, there->etag);
    EXPECT_EQ(actions_[0].to.size, 9u);
    EXPECT_EQ(actions_[0].to.modified, there->modified);
    EXPECT_EQ(totals_.targets_existing, 1u);
}

TEST_F(Planner, V12_AnObjectThatIsInPlaceIsSkipped) {
    put("in/a");
    put("in/x/b");
    ASSERT_TRUE(plan("in/{basename}"));
    EXPECT_THAT(lines(), ElementsAre("in/a: skip already-in-place", "in/x/b -> in/b"));
}

TEST_F(Planner, V14_TwoSourcesWithOneTargetAreRefusedByName) {
    put("in/x/a");
    put("in/y/a");
    put("in/z/a");
    const std::string text = refusal("out/{basename}");
    EXPECT_THAT(text, HasSubstr("in/x/a and in/y/a -> s3://bkt/out/a"));
    EXPECT_THAT(text, HasSubstr("in/x/a and in/z/a -> s3://bkt/out/a"));
    EXPECT_THAT(text, StartsWith("3 objects have a target that another has as well; nothing was moved"));
}

TEST_F(Planner, ARefusalNamesAtMostTenPairs) {
    for (int i = 0; i < 30; ++i)
        put("in/" + std::to_string(i) + "/a");
    const std::string text = refusal("out/{basename}");
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 11) << text;
    EXPECT_THAT(text, HasSubstr("30 objects"));
}

TEST_F(Planner, V13_ChainsAndSwapsAreRefused) {
    put("in/1");
    put("in/2");
    rule_.match = R"(^(\d)$)";
    rule_.match_on = MatchOn::path;
    // 1 -> 2 while 2 -> 22: a chain.
    EXPECT_THAT(refusal("in/2{1}"), "planned");
    put("in/22");
    rule_.match = R"(^(\d+)$)";
    EXPECT_THAT(refusal("in/2{1}"), HasSubstr("in/2 -> s3://bkt/in/22, which goes to s3://bkt/in/222"));
}

TEST_F(Planner, ARefusalThatNamedEveryPairDoesNotPromiseMore) {
    put("in/x/a");
    put("in/y/a");
    const std::string two = refusal("out/{basename}");
    EXPECT_THAT(two, HasSubstr("in/x/a"));
    EXPECT_THAT(two, Not(HasSubstr("...")));
    for (char c = 'b'; c <= 'n'; ++c)
        put(std::string("in/") + c + "/a");
    EXPECT_THAT(refusal("out/{basename}"), HasSubstr("..."));
}

TEST_F(Planner, V13_ASwapIsRefused) {
    put("in/ab");
    put("in/ba");
    rule_.match = R"(^(.)(.)$)";
    EXPECT_THAT(refusal("in/{2}{1}"), StartsWith("2 objects have a target that is itself to be moved; "));
}

TEST_F(Planner, L12_TargetsBelowTheSourceAreListedOnceAndFrozen) {
    put("in/a_20240101.csv");
    put("in/2024/01/01/b_20240101.csv");
    rule_.match = R"((\d{8})\.)";
    rule_.date_format = "%Y%m%d";
    ASSERT_TRUE(plan("in/{date:%Y/%m/%d}/{basename}"));
    EXPECT_THAT(lines(), ElementsAre("in/2024/01/01/b_20240101.csv: skip already-in-place",
                                     "in/a_20240101.csv -> in/2024/01/01/a_20240101.csv"));
}

TEST_F(Planner, G1KeepLeavesCollidingObjectsAndMovesTheOthers) {
    put("in/c");
    put("in/x/a", "same");
    put("in/y/a", "same");
    request_.on_collision = OnCollision::keep;
    ASSERT_TRUE(plan("out/{basename}"));
    EXPECT_THAT(lines(), ElementsAre("in/c -> out/c", "in/x/a: fail collision", "in/y/a: fail collision"));
    EXPECT_THAT(actions_[1].detail, HasSubstr("in/y/a"));
    EXPECT_EQ(totals_.failed["collision"], 2u);
}

TEST_F(Planner, KeepFailsTheObjectWhoseTargetIsAnothersSource) {
    put("in/ab");
    put("in/abb");
    rule_.match = R"(^(.*)$)";
    request_.on_collision = OnCollision::keep;
    ASSERT_TRUE(plan("in/{1}b"));
    EXPECT_THAT(lines(), ElementsAre("in/ab: fail collision", "in/abb -> in/abbb"));
}

TEST_F(Planner, G1RenameGivesEveryCollidingObjectANameOfItsOwn) {
    put("in/c.txt");
    put("in/x/a.txt");
    put("in/y/a.txt");
    request_.on_collision = OnCollision::rename;
    ASSERT_TRUE(plan("out/{basename}"));
    // sha256("in/x/a.txt") and sha256("in/y/a.txt")
    EXPECT_THAT(lines(), ElementsAre("in/c.txt -> out/c.txt", "in/x/a.txt -> out/a~55c8c6d7.txt",
                                     "in/y/a.txt -> out/a~0c21b7c7.txt"));
}

TEST_F(Planner, RenamedTargetsAreHeldAgainstWhatIsThere) {
    put("in/x/a");
    put("in/y/a");
    request_.on_collision = OnCollision::rename;
    ASSERT_TRUE(plan("out/{basename}"));
    const std::string taken = actions_[0].to.key;
    put(taken, "was there");
    ASSERT_TRUE(plan("out/{basename}"));
    EXPECT_TRUE(actions_[0].target_existed);
    EXPECT_FALSE(actions_[1].target_existed);
    EXPECT_EQ(totals_.listed, 2u);
}

TEST_F(Planner, UnmatchedObjectsRefuseTheRunByName) {
    put("in/a1");
    put("in/b");
    rule_.match = R"((\d))";
    EXPECT_THAT(refusal("out/{1}"), HasSubstr("\n  in/b: no-match"));
    rule_.unmatched = Unmatched::skip;
    ASSERT_TRUE(plan("out/{1}"));
    EXPECT_THAT(lines(), ElementsAre("in/a1 -> out/1", "in/b: skip no-match"));
    rule_.unmatched_to = "err/{basename}";
    ASSERT_TRUE(plan("out/{1}"));
    EXPECT_THAT(lines(), ElementsAre("in/a1 -> out/1", "in/b -> err/b"));
    EXPECT_EQ(actions_[1].reason, "no-match");
}

TEST_F(Planner, KeysThatAreTooLongFailBeforeAnythingMoves) {
    put("in/" + std::string(1021, 'k'));
    put("in/s");
    ASSERT_TRUE(plan("longer/{path}"));
    ASSERT_EQ(actions_.size(), 2u);
    EXPECT_EQ(actions_[0].reason, "key-too-long");
    EXPECT_EQ(actions_[1].what, Do::move);
}

TEST_F(Planner, ObjectsThatNoCopyTakesFailBeforeAnythingMoves) {
    start({.limits = {.max_copy = 3}});
    put("in/four", "1234");
    put("in/three", "123");
    ASSERT_TRUE(plan("out/{path}"));
    EXPECT_THAT(lines(), ElementsAre("in/four: fail too-large", "in/three -> out/three"));
    EXPECT_EQ(actions_[0].detail, "4 bytes, one copy of this store takes 3");
    EXPECT_EQ(totals_.bytes, 3u);
}

TEST_F(Planner, AnEmptyTargetKeyFails) {
    put("in/a");
    rule_.match = "^(x?)";
    ASSERT_TRUE(plan("{1}"));
    EXPECT_EQ(actions_[0].what, Do::fail);
}

TEST_F(Planner, OnlySelectedObjectsTakePartAndTheOthersStillCountAsThere) {
    put("in/a.csv");
    put("in/b.txt");
    request_.select = [](const ListedObject& object) { return object.key.ends_with(".csv"); };
    ASSERT_TRUE(plan("in/b.txt"));
    EXPECT_THAT(lines(), ElementsAre("in/a.csv -> in/b.txt (there)"));
    EXPECT_EQ(totals_.listed, 1u);
}

TEST_F(Planner, TheLimitCountsEffectsAndSkipsTheRest) {
    put("in/0/");
    for (int i = 1; i < 5; ++i)
        put("in/" + std::to_string(i));
    rule_.leave_markers = LeaveMarkers::all;
    request_.limit = 2;
    ASSERT_TRUE(plan("out/{path}"));
    EXPECT_THAT(lines(), ElementsAre("in/0/: skip directory-marker", "in/1 -> out/1", "in/2 -> out/2",
                                     "in/3: skip limit", "in/4: skip limit"));
    EXPECT_EQ(totals_.effects, 2u);
    EXPECT_EQ(totals_.listed, 5u);
}

TEST_F(Planner, M28AnArchivedObjectIsNoSourceUnlessItWasRestored) {
    put("in/a");
    for (const char* cold : {"GLACIER", "DEEP_ARCHIVE"})
        ASSERT_TRUE(
            store_->put({}, {"bkt", std::string("in/") + cold, ""}, "v", {.properties = {.storage_class = cold}}));
    ASSERT_TRUE(plan("out/{path}"));
    EXPECT_THAT(lines(), ElementsAre("in/DEEP_ARCHIVE: fail archived", "in/GLACIER: fail archived", "in/a -> out/a"));
    EXPECT_EQ(totals_.failed["archived"], 2u);
    request_.restored = true;
    ASSERT_TRUE(plan("out/{path}"));
    EXPECT_EQ(totals_.effects, 3u);
}

TEST_F(Planner, MaxEndsTheListingAfterSoManyChosenObjects) {
    for (const char* key : {"in/1", "in/2", "in/3", "in/4"})
        put(key);
    request_.select = [](const ListedObject& object) { return object.key != "in/1"; };
    request_.max = 2;
    ASSERT_TRUE(plan("out/{path}"));
    EXPECT_THAT(lines(), ElementsAre("in/2 -> out/2", "in/3 -> out/3"));
    EXPECT_EQ(totals_.listed, 2u);
}

TEST_F(Planner, ASingleObjectIsLookedAtAndNotListed) {
    put("in/k", "v");
    put("in/kk");
    request_.single = true;
    request_.source_prefix = "in/k";
    ASSERT_TRUE(plan("out/k2"));
    EXPECT_THAT(lines(), ElementsAre("in/k -> out/k2"));
    request_.source_prefix = "in/absent";
    const Status missing = plan("out/k2");
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, Code::not_found);
}

TEST_F(Planner, AMissingBucketThatATemplateMadeUpFailsItsObjectsAlone) {
    start({.buckets = {"bkt", "b-2024"}});
    put("in/x2023");
    put("in/x2024");
    rule_.match = R"((\d{4}))";
    ASSERT_TRUE(plan("s3://b-{1}/{basename}"));
    EXPECT_THAT(lines(), ElementsAre("in/x2023: fail bad-bucket", "in/x2024 -> x2024"));
    const Status named = plan("s3://absent/{basename}");
    ASSERT_FALSE(named);
    EXPECT_EQ(named.error().code, Code::not_found) << "a bucket that the user named";
}

TEST_F(Planner, EqualKeysInDifferentBucketsAreDifferentObjects) {
    put("in/a");
    put("in/b");
    rule_.match = "^(.)$";
    ASSERT_TRUE(plan("s3://other/in/{1}"));
    EXPECT_THAT(lines(), ElementsAre("in/a -> in/a", "in/b -> in/b"));
    EXPECT_EQ(totals_.slashes.pairs, 0u);
}

TEST_F(Planner, CountsPairsThatOnlySpellingKeepsApart) {
    put("in/a//b");
    put("in/a/b");
    put("in/C");
    put("in/x/./y");
    put("in/x/y");
    ASSERT_TRUE(plan("in/out/{path}"));
    EXPECT_EQ(totals_.slashes.pairs, 2u) << "as sources and as targets";
    EXPECT_EQ(totals_.slashes.example_a + " " + totals_.slashes.example_b, "in/a/b in/a//b");
    EXPECT_EQ(totals_.dots.pairs, 2u);
    EXPECT_EQ(totals_.case_.pairs, 0u);
    EXPECT_EQ(totals_.unicode.pairs, 0u);

    rule_.source_prefix = request_.source_prefix = "in/C";
    ASSERT_TRUE(plan("in/c{path}"));
    EXPECT_EQ(totals_.case_.pairs, 1u) << "a source and its own target";
}

TEST_F(Planner, RefusesToFillTheDisk) {
    put("in/a");
    request_.free_disk = [](const std::string&) { return Result<std::uint64_t>(std::uint64_t{1} << 20); };
    const Status planned = plan("out/{path}");
    ASSERT_FALSE(planned);
    EXPECT_EQ(planned.error().code, Code::local);
    EXPECT_EQ(planned.error().reason, "disk-full");
    EXPECT_FALSE(std::filesystem::exists(request_.plan_path));
}

TEST_F(Planner, LooksAtTargetsSinglyWhereTheirPrefixHoldsFarMoreThanThePlan) {
    MemoryStoreOptions options;
    options.limits.list_page = 2;
    start(options);
    for (std::uint64_t i = 0; i < 2 * (kTargetPagesBeyondEffects + 8); ++i)
        put("out/" + std::to_string(1000 + i));
    put("in/0");
    put("in/zz");
    put("out/zz", "at the very end");
    ASSERT_TRUE(plan("out/{path}"));
    EXPECT_THAT(lines(), ElementsAre("in/0 -> out/0", "in/zz -> out/zz (there)"));
    EXPECT_EQ(actions_[1].to.size, 15u);
}

TEST_F(Planner, AnEmptySourceIsAnEmptyPlan) {
    ASSERT_TRUE(plan("out/{path}"));
    EXPECT_EQ(totals_.listed, 0u);
}

// A store that tells a key which was not asked for.
class StrayStore : public WrappedStore {
public:
    using WrappedStore::WrappedStore;
    Result<ListPage> list(const Context& ctx, const ListRequest& request) override {
        TRY_LET(page, WrappedStore::list(ctx, request));
        page.objects.push_back({.key = "zz/stranger"});
        return std::move(page);
    }
};

TEST_F(Planner, L06_KeysOutsideThePrefixAreDroppedAndCounted) {
    put("in/a");
    store_ = std::make_unique<StrayStore>(std::move(store_));
    request_.stores = {store_.get()};
    ASSERT_TRUE(plan("out/{path}"));
    EXPECT_THAT(lines(), ElementsAre("in/a -> out/a"));
    EXPECT_EQ(totals_.outside, 2u) << "one of the source's listing, one of the target's";
    EXPECT_EQ(totals_.first_outside, "zz/stranger");
    EXPECT_EQ(totals_.listed, 1u);
}

// Lists in order until it is asked by several streams for the page that begins with `from`.
class LosesItsOrder : public WrappedStore {
public:
    using WrappedStore::WrappedStore;
    Result<ListPage> list(const Context& ctx, const ListRequest& request) override {
        TRY_LET(page, WrappedStore::list(ctx, request));
        const bool here = page.objects.size() > 1 && page.objects.front().key >= from;
        if (here && !done.exchange(true)) std::swap(page.objects.front(), page.objects.back());
        return std::move(page);
    }
    std::string from;
    std::atomic<bool> done = true;
};

TEST_F(Planner, L05_AListingThatLosesItsOrderIsBegunAgainByOneStream) {
    start({.limits = {.list_page = 5}});
    for (int i = 100; i < 200; ++i) {
        put("in/" + std::to_string(i));
        put("out/" + std::to_string(i), "there");
    }
    auto store = std::make_unique<LosesItsOrder>(std::move(store_));
    LosesItsOrder& faulty = *store;
    store_ = std::move(store);
    request_.stores = {store_.get()};
    PlanProgress progress;
    request_.progress = &progress;
    ASSERT_TRUE(plan("out/{path}"));
    const auto by_one = lines();
    EXPECT_EQ(by_one.size(), 100u);

    std::set<std::size_t> streams_of;
    request_.streams = [&](std::size_t of, const std::string&) {
        streams_of.insert(of);
        return 4;
    };
    ASSERT_TRUE(plan("out/{path}"));
    EXPECT_EQ(lines(), by_one);
    EXPECT_EQ(streams_of, std::set<std::size_t>{0});

    for (const char* from : {"in/150", "out/150"}) {  // the source's listing, the target's
        progress.listed = 0;
        faulty.from = from;
        faulty.done = false;
        const Status planned = plan("out/{path}");
        ASSERT_TRUE(planned) << planned.error().message;
        EXPECT_TRUE(faulty.done);
        EXPECT_EQ(lines(), by_one);
        EXPECT_EQ(totals_.listed, 100u);
        EXPECT_EQ(progress.listed, 100u);
    }
}

TEST_F(Planner, NeverTakesAProbesObjectsForSources) {
    put("in/a");
    put("in/.dray-probe-0123456789abcdef/a");
    ASSERT_TRUE(plan("out/{path}"));
    EXPECT_EQ(totals_.effects, 1u);
    EXPECT_EQ(totals_.listed, 2u);
    EXPECT_EQ(totals_.skipped.at("probe-object"), 1u);
}

}  // namespace
}  // namespace dray
