#include "store/probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/file.h"
#include "store/fault_store.h"
#include "store/listing.h"
#include "store/local_store.h"
#include "store/memory_store.h"
#include "store/test_dir.h"

namespace dray {
namespace {

const ProbeOptions kAll{.spellings = true};

class Probe : public testing::Test {
protected:
    SimulatedClock clock_;
    StopSource stop_;
    Context ctx_{&stop_, &clock_};
    std::shared_ptr<ObjectStore> memory_;
    std::unique_ptr<FaultStore> store_;

    void use(MemoryStoreOptions options) {
        options.tells_capabilities = false;
        options.clock = &clock_;
        memory_ = make_memory_store(options);
        store_ = make_fault_store(memory_, &clock_);
    }
    Result<Capabilities> run(const ProbeOptions& options = {}) { return probe(ctx_, *store_, "b", "in/", options); }
    std::size_t objects_left() {
        std::size_t left = 0;
        EXPECT_TRUE(list_all({}, *memory_, {.bucket = "b"}, {}, [&](const ListPage& page) -> Status {
            left += page.objects.size();
            return {};
        }));
        return left;
    }
    // What the store would say of itself.
    static Capabilities truth(MemoryStoreOptions options) {
        options.tells_capabilities = true;
        return make_memory_store(options)->capabilities();
    }
};

TEST_F(Probe, FindsEveryWeaknessAndNoOther) {
    std::vector<MemoryStoreOptions> stores(1);
    auto with = [&](auto change) {
        stores.emplace_back();
        change(stores.back());
    };
    with([](auto& o) { o.ignores.copy_source_if_match = true; });
    with([](auto& o) { o.ignores.copy_if_absent = true; });
    with([](auto& o) { o.ignores.put_if_absent = true; });
    with([](auto& o) { o.ignores.put_if_match = true; });
    with([](auto& o) { o.ignores.remove_if_match = true; });
    with([](auto& o) { o.ignores.remove_many_if_match = true; });
    with([](auto& o) { o.ignores.complete_if_absent = true; });
    with([](auto& o) { o.ignores_start_after = true; });
    with([](auto& o) { o.drops_tags_on_copy = true; });
    with([](auto& o) { o.drops_properties_on_copy = true; });
    with([](auto& o) { o.redirects = MemoryStoreOptions::Redirects::copied; });
    with([](auto& o) { o.redirects = MemoryStoreOptions::Redirects::not_kept; });
    with([](auto& o) { o.default_encryption = "aws:kms"; });
    with([](auto& o) { o.no_checksums = true; });
    with([](auto& o) { o.no_part_copy = true; });
    with([](auto& o) { o.order = MemoryStoreOptions::Order::directories; });
    with([](auto& o) { o.alias = fold_case; });
    with([](auto& o) { o.opaque_etags = true; });
    with([](auto& o) { o.versioned = true; });
    for (std::size_t i = 0; i < stores.size(); ++i) {
        use(stores[i]);
        auto found = run(kAll);
        ASSERT_TRUE(found) << i << ": " << found.error().message;
        Capabilities expected = truth(stores[i]);
        if (stores[i].order != MemoryStoreOptions::Order::bytes) found->start_after = expected.start_after;
        for (const CapabilityName& capability : capability_names()) {
            EXPECT_EQ(name_of((*found).*capability.field), name_of(expected.*capability.field))
                << capability.name << " of store " << i;
        }
        EXPECT_EQ(objects_left(), 0u) << i;
        EXPECT_LE(store_->trace().size(), kMaxProbeRequests + kMaxSpellingRequests - 4)
            << "bucket facts may be five requests";
    }
}

TEST_F(Probe, FindsAliasesOfSlashesAndDots) {
    use({.alias = fold_slashes});
    EXPECT_EQ(run(kAll)->keeps_slashes, Guarantee::absent);
    use({.alias = [](std::string_view key) { return std::string(key.substr(key.starts_with('/') ? 1 : 0)); }});
    auto leading = run(kAll);
    EXPECT_EQ(leading->keeps_slashes, Guarantee::absent) << "only the slash in front";
    EXPECT_EQ(leading->keeps_dots, Guarantee::proven);
    EXPECT_EQ(objects_left(), 0u);
    use({.alias = [](std::string_view key) { return std::string(key.substr(0, key.find_last_not_of('/') + 1)); }});
    EXPECT_EQ(run(kAll)->keeps_slashes, Guarantee::absent) << "only the slash at the end";
    use({.alias = fold_dots});
    auto found = run(kAll);
    EXPECT_EQ(found->keeps_slashes, Guarantee::proven);
    EXPECT_EQ(found->keeps_dots, Guarantee::absent);
    EXPECT_EQ(found->keeps_case, Guarantee::proven);
    EXPECT_EQ(objects_left(), 0u);
}

TEST_F(Probe, ARefusalThatHasItsEffectAllTheSameCountsForNothing) {
    use({.ignores = {.remove_if_match = true}});
    store_->add({.verb = Verb::remove,
                 .count = 1,
                 .action = FaultAction::fail,
                 .error = {.code = Code::conflict, .message = "412"},
                 .before = [&](const Call& call) {
                     EXPECT_TRUE(memory_->remove({}, {"b", std::string(call.key), {}}, {}));
                 }});
    EXPECT_EQ(run()->remove_if_match, Guarantee::absent);
}

TEST_F(Probe, LeavesNothingBehindAfterAnErrorAtAnyRequest) {
    for (FaultAction action : {FaultAction::lose_answer, FaultAction::fail}) {
        for (std::uint32_t skip = 1;; ++skip) {
            use({});
            store_->add({.skip = skip, .action = action});
            const auto found = run();
            EXPECT_EQ(objects_left(), 0u) << skip;
            if (store_->trace().size() <= skip) break;
            ASSERT_LT(skip, 100u);
        }
    }
}

TEST_F(Probe, NamesWhatItCouldNotRemove) {
    use({});
    Error denied{.code = Code::denied, .message = "no deletes"};
    for (Verb verb : {Verb::remove, Verb::remove_many})
        store_->add({.verb = verb, .skip = 1, .count = 1000, .action = FaultAction::fail, .error = denied});
    auto found = run();
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code, Code::denied);
    EXPECT_THAT(found.error().message, testing::HasSubstr(".dray-probe-"));
}

TEST_F(Probe, LeavesNothingBehindWhenItIsStopped) {
    use({});
    store_->add({.skip = 20, .before = [&](const Call&) { stop_.trigger(); }});
    auto found = run();
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code, Code::cancelled);
    EXPECT_EQ(objects_left(), 0u);
}

constexpr const char* kOld = "in/.dray-probe-0123456789abcdef/";

TEST_F(Probe, RemovesWhatAnEarlierProbeThatWasKilledLeft) {
    for (bool versioned : {false, true}) {
        use({.versioned = versioned});
        for (const std::string& key :
             {kOld + std::string("a"), kOld + std::string("a/b"), "/" + (kOld + std::string("a/b")),
              std::string("in/.dray-probe-fedcba9876543210")})
            ASSERT_TRUE(memory_->put({}, {"b", key, {}}, "dray probe\n"));
        ASSERT_TRUE(memory_->create_upload({}, {"b", kOld + std::string("upload"), {}}, {}));
        clock_.advance(kProbeLeftoverAge + std::chrono::seconds(1));
        ASSERT_TRUE(run());
        EXPECT_EQ(objects_left(), 0u);
        EXPECT_TRUE(memory_->uploads({}, "b", "")->empty());
    }
}

TEST_F(Probe, LeavesTheObjectsOfOthersAndOfProbesAtWorkAlone) {
    use({});
    const std::vector<std::string> others = {
        "in/.dray-probe-0123456789abcde/a",      // too short
        "in/.dray-probe-0123456789abcdef0/a",    // too long
        "in/.dray-probe-0123456789ABCDEF/a",     // not as we write it
        "in/.dray-probe-notes/a",                // somebody's
        "in/x/.dray-probe-0123456789abcdef/a",   // below another prefix
        "other/.dray-probe-0123456789abcdef/a",  // the same
        "in/.dray-probe-notes/.dray-probe-0123456789abcdef/a",
    };
    for (const std::string& key : others)
        ASSERT_TRUE(memory_->put({}, {"b", key, {}}, "x"));
    ASSERT_TRUE(memory_->put({}, {"b", kOld + std::string("large"), {}}, std::string(5000, 'x')));
    clock_.advance(kProbeLeftoverAge + std::chrono::seconds(1));
    ASSERT_TRUE(memory_->put({}, {"b", kOld + std::string("a"), {}}, "at work"));
    ASSERT_TRUE(memory_->create_upload({}, {"b", kOld + std::string("a"), {}}, {}));
    ASSERT_TRUE(run());
    EXPECT_EQ(objects_left(), others.size() + 2);
    EXPECT_EQ(memory_->uploads({}, "b", "")->size(), 1u);
}

TEST_F(Probe, LeftoversThatCannotBeRemovedDoNoHarm) {
    use({});
    ASSERT_TRUE(memory_->put({}, {"b", kOld + std::string("a"), {}}, "x"));
    clock_.advance(kProbeLeftoverAge + std::chrono::seconds(1));
    store_->add({.verb = Verb::remove,
                 .key = kOld,
                 .count = 1000,
                 .action = FaultAction::fail,
                 .error = {.code = Code::denied, .message = "no deletes"}});
    EXPECT_TRUE(run());
    EXPECT_EQ(objects_left(), 1u);
}

TEST(ProbeObjects, AreToldByTheirName) {
    for (const char* key :
         {".dray-probe-0123456789abcdef", "a/.dray-probe-0123456789abcdef/b//c", "/.dray-probe-0123456789abcdef/"})
        EXPECT_TRUE(is_probe_object(key)) << key;
    // The source was `in*`, so that what lay below it began with "in" and no slash.
    for (const char* key : {"in.dray-probe-0123456789abcdef", "a/in.dray-probe-0123456789abcdef/b"})
        EXPECT_TRUE(is_probe_object(key)) << key;
    for (const char* key :
         {"", ".dray-probe-", "x-dray-probe-0123456789abcdef", ".dray-probe-0123456789abcdeg",
          ".dray-probe-0123456789abcdef.csv", "in.dray-probe-0123456789abcdef0", "in.dray-probe-notes/a"})
        EXPECT_FALSE(is_probe_object(key)) << key;
}

TEST_F(Probe, TagsThatMayNotBeReadAreNoLossOfCopies) {
    use({});
    EXPECT_EQ(run()->reads_tags, Guarantee::proven);
    store_->add({.verb = Verb::tags,
                 .count = 1000,
                 .action = FaultAction::fail,
                 .error = {.code = Code::denied, .message = "AccessDenied"}});
    EXPECT_EQ(run()->reads_tags, Guarantee::absent);
    EXPECT_EQ(run()->copies_tags, Guarantee::absent) << "nothing is assumed of what nobody can see";
}

TEST_F(Probe, WritesNothingIntoALockedBucketAndAssumesNothing) {
    use({.facts = {.object_lock = true}});
    EXPECT_EQ(*run(), Capabilities{});
    for (const CallRecord& call : store_->trace())
        EXPECT_FALSE(changes(call.verb));
}

TEST_F(Probe, ADeniedWriteIsAnError) {
    use({});
    store_->add({.verb = Verb::put, .action = FaultAction::fail, .error = {.code = Code::denied, .message = "no"}});
    EXPECT_EQ(run().error().code, Code::denied);
}

TEST_F(Probe, TheCacheSavesAllButTheGuardsForADay) {
    TestDir directory;
    use({});
    const ProbeOptions cached{.cache_directory = directory.path() + "/cache", .access_key = "AK"};
    auto first = run(cached);
    ASSERT_TRUE(first);
    const std::size_t all = store_->trace().size();
    store_->clear_trace();
    EXPECT_EQ(*run(cached), *first);
    EXPECT_LT(store_->trace().size(), all / 2);
    store_->clear_trace();
    ProbeOptions trusting = cached;
    trusting.renew_guards = false;
    EXPECT_EQ(*run(trusting), *first);
    EXPECT_EQ(store_->trace().size(), 1u) << "the bucket's facts";
    store_->clear_trace();
    clock_.advance(std::chrono::hours(25));
    EXPECT_EQ(*run(trusting), *first);
    EXPECT_EQ(store_->trace().size(), all);
}

TEST_F(Probe, WhatWasFoundIsKnownWithoutARequest) {
    TestDir directory;
    use({});
    const std::string cache = directory.path() + "/cache";
    const auto known = [&](const std::string& bucket, const std::string& who) {
        return cached_capabilities(*store_, bucket, who, cache, clock_.wall());
    };
    EXPECT_FALSE(known("b", "AK"));
    const auto found = run({.cache_directory = cache, .access_key = "AK"});
    ASSERT_TRUE(found);
    store_->clear_trace();
    ASSERT_TRUE(known("b", "AK"));
    EXPECT_EQ(*known("b", "AK"), *found);
    EXPECT_FALSE(known("c", "AK"));
    EXPECT_FALSE(known("b", "BK"));
    EXPECT_TRUE(store_->trace().empty());

    const std::string file = std::filesystem::directory_iterator(cache)->path();
    const auto told = read_capabilities(file);
    ASSERT_TRUE(told) << told.error().message;
    EXPECT_EQ(*told, *found);
    EXPECT_EQ(read_capabilities(directory.path() + "/none").error().code, Code::invalid);

    clock_.advance(std::chrono::hours(25));
    EXPECT_FALSE(known("b", "AK")) << "a day old";
    EXPECT_TRUE(read_capabilities(file)) << "whoever names it answers for it";
}

TEST_F(Probe, WhatIsNotSoUnderEveryVersioningStateIsNotKnown) {
    TestDir directory;
    use({});
    const ProbeOptions cached{.cache_directory = directory.path()};
    ASSERT_TRUE(run(cached));
    use({.versioned = true, .order = MemoryStoreOptions::Order::directories, .facts = {.versioned = true}});
    ASSERT_TRUE(run(cached));
    const auto known = cached_capabilities(*store_, "b", "", directory.path(), clock_.wall());
    ASSERT_TRUE(known);
    EXPECT_EQ(known->byte_order, Guarantee::absent);
    EXPECT_EQ(known->copy_source_if_match, Guarantee::proven);
}

TEST_F(Probe, AGuardThatIsGoneMakesTheCacheWorthless) {
    TestDir directory;
    const ProbeOptions cached{.cache_directory = directory.path()};
    use({});
    ASSERT_TRUE(run(cached));
    use({.ignores = {.remove_if_match = true}, .no_checksums = true});
    auto found = run(cached);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->remove_if_match, Guarantee::absent);
    EXPECT_EQ(found->checksums, Guarantee::absent);
}

TEST_F(Probe, SpellingsAreProvenAnewForARunThatHangsOnThem) {
    TestDir directory;
    const ProbeOptions cached{.cache_directory = directory.path()};
    ProbeOptions renewed = cached;
    renewed.spellings = true;
    use({});
    ASSERT_EQ(run(renewed)->keeps_slashes, Guarantee::proven);
    use({.alias = fold_slashes});  // reconfigured since
    EXPECT_EQ(run(cached)->keeps_slashes, Guarantee::proven) << "no key of that run needs it";

    store_->clear_trace();
    auto found = run(renewed);

    ASSERT_TRUE(found);
    EXPECT_EQ(found->keeps_slashes, Guarantee::absent);
    EXPECT_EQ(objects_left(), 0u);
}

TEST_F(Probe, SpellingsAreNotAskedAboutWhereNoKeyHangsOnThem) {
    use({});
    const auto found = run();
    ASSERT_TRUE(found);
    for (const auto field : {&Capabilities::keeps_slashes, &Capabilities::keeps_dots, &Capabilities::keeps_case,
                             &Capabilities::keeps_unicode})
        EXPECT_EQ((*found).*field, Guarantee::unknown);
    EXPECT_EQ(found->byte_order, Guarantee::proven);
    EXPECT_LE(store_->trace().size(), kMaxProbeRequests - 4) << "bucket facts may be five requests";
}

TEST_F(Probe, TheLocalStoreIsOnlyAskedWhatTheFileSystemDecides) {
    TestDir directory;
    auto local = make_local_store({.durable = false});
    auto found = probe({}, *local, directory.path(), "", {});
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_NE(found->keeps_case, Guarantee::unknown);
    EXPECT_EQ(found->copy_source_if_match, Guarantee::proven);
    EXPECT_TRUE(std::filesystem::is_empty(directory.path()));
}

TEST_F(Probe, KnowsOneBucketUnderTwoNames) {
    use({});
    auto other = make_memory_store();
    EXPECT_TRUE(*same_bucket(ctx_, *store_, "b", "in/", *memory_, "b", "out/"));
    EXPECT_FALSE(*same_bucket(ctx_, *store_, "b", "in/", *other, "b", "out/"));
    EXPECT_FALSE(*same_bucket(ctx_, *store_, "b", "in/", *memory_, "c", "out/"));
    EXPECT_EQ(objects_left(), 0u);
}

TEST_F(Probe, KnowsOneBucketWhereOnlyTheSecondPlaceMayBeWritten) {
    use({});
    store_->add({.verb = Verb::put,
                 .count = 1000,
                 .action = FaultAction::fail,
                 .error = {.code = Code::denied, .message = "read only"}});
    auto other = make_memory_store();
    EXPECT_TRUE(*same_bucket(ctx_, *store_, "b", "in/", *memory_, "b", "out/"));
    EXPECT_FALSE(*same_bucket(ctx_, *store_, "b", "in/", *other, "b", "out/"));
    EXPECT_EQ(objects_left(), 0u);
    EXPECT_EQ(store_->calls(Verb::head), 2u) << "the marker is looked for where it was not put";
}

TEST(CapabilityNames, NameEveryFieldOnceInTheOrderOfTheStruct) {
    std::set<std::string_view> names;
    Capabilities all;
    for (const CapabilityName& capability : capability_names()) {
        EXPECT_TRUE(names.insert(capability.name).second) << capability.name;
        EXPECT_EQ(all.*capability.field, Guarantee::unknown) << "named twice: " << capability.name;
        all.*capability.field = Guarantee::proven;
    }
    EXPECT_EQ(names.size(), sizeof(Capabilities) / sizeof(Guarantee));
}

}  // namespace
}  // namespace dray
