// The probe against the model server: as it sees real stores, with retries in front, counted at the far end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model_s3/server.h"
#include "store/fault_store.h"
#include "store/model_store_test.h"
#include "store/probe.h"
#include "store/retry_store.h"
#include "store/test_dir.h"

namespace dray {
namespace {

using model::ModelS3;
using model::Quirks;

Guarantee as(bool kept) {
    return kept ? Guarantee::proven : Guarantee::absent;
}

// What the probe must find out of a store with these quirks.
void expect_found(const Quirks& quirks, const Capabilities& found) {
    EXPECT_EQ(found.copy_source_if_match, as(quirks.copy_source_conditions));
    EXPECT_EQ(found.copy_if_absent, as(quirks.copy_if_none_match));
    EXPECT_EQ(found.put_if_absent, as(quirks.put_if_none_match));
    EXPECT_EQ(found.put_if_match, as(quirks.put_if_match));
    EXPECT_EQ(found.remove_if_match, as(quirks.delete_if_match));
    EXPECT_EQ(found.remove_many_if_match, as(quirks.batch_delete_etag));
    EXPECT_EQ(found.complete_if_absent, as(quirks.complete_if_none_match));
    EXPECT_EQ(found.checksums, as(quirks.checksums && !quirks.checksums_not_implemented));
    EXPECT_EQ(found.part_copy, as(quirks.part_copy));
    EXPECT_EQ(found.keeps_slashes, as(quirks.keys == Quirks::Keys::exact || quirks.keys == Quirks::Keys::fold_case));
    EXPECT_EQ(found.keeps_case, as(quirks.keys != Quirks::Keys::fold_case));
    // Where a file hides a folder, "a/b" cannot be seen beside "a".
    const bool folders = quirks.file_and_folder_refused || quirks.file_hides_folder;
    EXPECT_EQ(found.byte_order, as(!quirks.directory_order && !folders));
}

std::vector<Quirks> all_quirks() {
    Quirks worst = Quirks::ignores();
    worst.name = "worst";
    worst.checksums_not_implemented = true;
    worst.part_copy = false;
    worst.bucket_facts = false;
    Quirks folding;
    folding.name = "folding";
    folding.keys = Quirks::Keys::fold_case;
    return {Quirks::strict(),
            Quirks::seaweedfs(),
            Quirks::radosgw(),
            Quirks::versitygw(),
            Quirks::minio(),
            Quirks::ignores(),
            worst,
            folding};
}

TEST(ProbeOfS3, FindsOutEveryKindOfStoreWithinItsRequests) {
    for (const Quirks& quirks : all_quirks()) {
        SCOPED_TRACE(quirks.name);
        auto server = ModelS3::start({.quirks = quirks});
        server->make_bucket("raw");
        std::uint64_t repeats = 0;
        RetryOptions counting;
        counting.on_retry = [&](const Call&, const Error&, std::uint32_t, Nanos) { ++repeats; };
        RetryStore store(store_at(*server), counting);
        auto found = probe({}, store, "raw", "in/", {.spellings = true});
        ASSERT_TRUE(found) << found.error().message;
        expect_found(quirks, *found);
        EXPECT_LE(server->stats().total, kMaxProbeRequests + kMaxSpellingRequests);
        EXPECT_EQ(repeats, 0u) << "an expected refusal is no reason to ask again";
        EXPECT_THAT(server->keys("raw"), testing::IsEmpty());
        EXPECT_TRUE(server->uploads("raw").empty());
    }
}

// Every version of every object, markers too.
std::size_t versions_left(ModelS3& server) {
    std::size_t left = 0;
    server.change_bucket("raw", [&](const model::Bucket& bucket) {
        for (const auto& [key, entry] : bucket.objects)
            left += 1 + entry.older.size();
    });
    return left;
}

TEST(ProbeOfS3, LeavesNoVersionsInAVersionedBucket) {
    for (const Quirks& quirks : {Quirks::strict(), Quirks::radosgw(), Quirks::minio()}) {
        auto server = ModelS3::start({.quirks = quirks});
        server->make_bucket("raw", model::Versioning::enabled);
        auto store = store_at(*server);
        auto found = probe({}, *store, "raw", "in/", {});
        ASSERT_TRUE(found) << found.error().message;
        EXPECT_EQ(versions_left(*server), 0u) << quirks.name;
        EXPECT_LE(server->stats().total, kMaxProbeRequests);
    }
}

TEST(ProbeOfS3, LeavesNothingBehindAfterAnErrorAtAnyRequest) {
    for (model::Versioning versioning : {model::Versioning::off, model::Versioning::enabled}) {
        for (FaultAction action : {FaultAction::fail, FaultAction::lose_answer}) {
            auto server = ModelS3::start();
            server->make_bucket("raw", versioning);
            for (std::uint32_t skip = 1;; ++skip) {
                auto store = make_fault_store(store_at(*server));
                store->add({.skip = skip, .action = action});
                auto found = probe({}, *store, "raw", "in/", {});
                EXPECT_EQ(versions_left(*server), 0u) << skip;
                EXPECT_TRUE(server->uploads("raw").empty()) << skip;
                if (store->trace().size() <= skip) break;
                ASSERT_LT(skip, 100u);
            }
        }
    }
}

TEST(ProbeOfS3, AStoreThatLooksFirstAndWritesLaterIsNotTakenForOneThatRefuses) {
    TestDir directory;
    const ProbeOptions cached{.cache_directory = directory.path()};
    auto server = ModelS3::start({.quirks = Quirks::races()});
    server->make_bucket("raw");
    auto store = store_at(*server);
    auto found = probe({}, *store, "raw", "in/", cached);
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_EQ(found->copy_if_absent, Guarantee::absent);
    EXPECT_EQ(found->put_if_absent, Guarantee::absent);
    EXPECT_EQ(found->copy_source_if_match, Guarantee::proven);
    EXPECT_EQ(found->remove_if_match, Guarantee::proven);
    EXPECT_EQ(found->remove_many_if_match, Guarantee::proven);
    EXPECT_THAT(server->keys("raw"), testing::IsEmpty());

    server->reset_stats();
    auto again = probe({}, *store, "raw", "in/", cached);
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(again->copy_if_absent, Guarantee::absent) << "alone it refuses politely";
    EXPECT_LT(server->stats().of("CopyObject"), 5u) << "no race is run again within a day";
}

TEST(ProbeOfS3, AnotherBucketOfTheEndpointIsAskedForItsGuardsOnly) {
    auto server = ModelS3::start();
    for (const char* bucket : {"raw", "sorted"})
        server->make_bucket(bucket);
    auto store = store_at(*server);
    auto first = probe({}, *store, "raw", "in/", {});
    ASSERT_TRUE(first) << first.error().message;
    server->reset_stats();
    auto second = probe({}, *store, "sorted", "out/", {.elsewhere = *first});
    ASSERT_TRUE(second) << second.error().message;
    Capabilities expected = *first;
    expected.no_default_key = Guarantee::unknown;  // each bucket has its own
    EXPECT_EQ(*second, expected);
    EXPECT_LE(server->stats().total, 16u);

    auto weak = Quirks::strict();
    weak.delete_if_match = false;
    server->set_quirks(weak);
    second = probe({}, *store, "sorted", "out/", {.elsewhere = *first});
    ASSERT_TRUE(second) << second.error().message;
    EXPECT_EQ(second->remove_if_match, Guarantee::absent);
    EXPECT_THAT(server->keys("sorted"), testing::IsEmpty());
}

TEST(ProbeOfS3, RepeatsACleanUpThatFailed) {
    SimulatedClock clock;
    auto server = ModelS3::start();
    server->make_bucket("raw");
    RetryStore store(store_at(*server));
    // The first is the question, the second the clean-up.
    server->script({.operation = "DeleteObjects",
                    .skip = 1,
                    .count = 2,
                    .act = model::Act::answer,
                    .status = 503,
                    .code = "SlowDown"});
    Context ctx(nullptr, &clock);
    EXPECT_TRUE(probe(ctx, store, "raw", "in/", {}));
    EXPECT_THAT(server->keys("raw"), testing::IsEmpty());
    EXPECT_EQ(server->stats().of("DeleteObjects"), 4u);
}

}  // namespace
}  // namespace dray
