#include "ops/settle.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "store/fault_store.h"
#include "store/local_store.h"
#include "store/memory_store.h"
#include "store/test_dir.h"

namespace dray {
namespace {

Result<Settled> settled(const MemoryStoreOptions& bucket, const MoveOptions& options) {
    auto store = make_memory_store(bucket);
    const RunContract contract{.options = options, .scopes = {{"mem:", "b", "in/"}, {"mem:", "b", "out/"}}};
    const PlanHeader header{.command = "mv"};
    const PlanTotals totals;
    return settle({}, {.stores = {store.get()}, .header = &header, .totals = &totals, .contract = &contract});
}

BucketFacts plain_bucket() {
    return {.website = false, .acls_enabled = false, .object_lock = false, .default_encryption = false};
}

TEST(Settle, SaysThatACLsStayBehindWhereObjectsMayHaveThem) {
    for (const std::optional<bool> acls : {std::optional<bool>(true), std::optional<bool>()}) {
        BucketFacts facts = plain_bucket();
        facts.acls_enabled = acls;

        auto said = settled({.facts = facts}, {});
        ASSERT_TRUE(said);
        ASSERT_EQ(said->sentences.size(), 1U);
        EXPECT_NE(said->sentences.front().find("ACLs"), std::string::npos);

        auto strict = settled({.facts = facts}, {.strict = true});
        ASSERT_FALSE(strict);
        EXPECT_EQ(strict.error().code, Code::refused);
        EXPECT_NE(strict.error().message.find("--acl"), std::string::npos) << strict.error().message;

        auto chosen = settled({.facts = facts}, {.strict = true, .acl = "private"});
        EXPECT_TRUE(chosen) << "a person has said what the copies get";
    }
    auto none = settled({.facts = plain_bucket()}, {.strict = true});
    ASSERT_TRUE(none) << none.error().message;
    EXPECT_TRUE(none->sentences.empty());
    EXPECT_TRUE(none->head_source) << "no request more, for the proof asks the source too";
    EXPECT_FALSE(settled({.facts = plain_bucket()}, {})->head_source);
}

TEST(Settle, SaysThatTagsCannotBeReadInsteadOfThatCopiesLoseThem) {
    for (const bool readable : {true, false}) {
        auto store = make_fault_store(make_memory_store({.tells_capabilities = false, .drops_tags_on_copy = readable}));
        if (!readable)
            store->add({.verb = Verb::tags,
                        .count = 1000,
                        .action = FaultAction::fail,
                        .error = {.code = Code::denied, .message = "AccessDenied"}});
        const RunContract contract{.scopes = {{"mem:", "b", "in/"}, {"mem:", "b", "out/"}}};
        const PlanHeader header{.command = "mv"};
        const PlanTotals totals;
        auto said = settle({}, {.stores = {store.get()}, .header = &header, .totals = &totals, .contract = &contract});
        ASSERT_TRUE(said) << said.error().message;
        std::string all;
        for (const std::string& sentence : said->sentences)
            all += sentence;
        EXPECT_EQ(all.find("loses tags") != std::string::npos, readable) << all;
        EXPECT_EQ(all.find("s3:GetObjectTagging") != std::string::npos, !readable) << all;
    }
}

TEST(Settle, HasSourcesReadWhereTheBucketMayEncryptThemWithAKeyOfItsOwn) {
    for (const std::optional<bool> encrypts : {std::optional<bool>(true), std::optional<bool>()}) {
        BucketFacts facts = plain_bucket();
        facts.default_encryption = encrypts;
        auto found = settled({.default_encryption = "aws:kms", .facts = facts}, {});
        ASSERT_TRUE(found);
        EXPECT_TRUE(found->head_source);
    }
}

TEST(Settle, HasSourcesReadForRedirectsWhereCopiesLoseThem) {
    using Redirects = MemoryStoreOptions::Redirects;
    for (const Redirects redirects : {Redirects::not_copied, Redirects::copied, Redirects::not_kept}) {
        for (const std::optional<bool> website : {std::optional<bool>(true), std::optional<bool>()}) {
            BucketFacts facts = plain_bucket();
            facts.website = website;
            auto found = settled({.redirects = redirects, .facts = facts}, {});
            ASSERT_TRUE(found);
            EXPECT_EQ(found->head_source, redirects == Redirects::not_copied);
        }
    }
}

// A store that answers none of the questions about its buckets, but whose copies are seen to lack nothing.
TEST(Settle, HasNoSourceReadForWhatTheProbeSawComeAlong) {
    auto found = settled({.redirects = MemoryStoreOptions::Redirects::copied, .facts = {.object_lock = false}}, {});
    ASSERT_TRUE(found);
    EXPECT_FALSE(found->head_source);
    EXPECT_TRUE(settled({.redirects = MemoryStoreOptions::Redirects::copied, .facts = {}}, {})->head_source)
        << "an object may be locked";
}

TEST(Settle, RefusesOneBucketUnderTwoNames) {
    const TestDir directory;
    for (const char* name : {"a", "b"})
        std::filesystem::create_directory(directory.path() + "/" + name);
    std::filesystem::create_directory_symlink("a", directory.path() + "/also-a");
    auto store = make_local_store({.durable = false});
    const PlanHeader header{.command = "mv"};
    const PlanTotals totals;
    const auto move_to = [&](const std::string& target) {
        const RunContract contract{
            .scopes = {{"file:", directory.path() + "/a", "in/"}, {"file:", directory.path() + "/" + target, "out/"}}};
        return settle({}, {.stores = {store.get()}, .header = &header, .totals = &totals, .contract = &contract});
    };

    auto same = move_to("also-a");
    ASSERT_FALSE(same);
    EXPECT_EQ(same.error().code, Code::refused);
    EXPECT_EQ(same.error().reason, "alias");
    auto other = move_to("b");
    EXPECT_TRUE(other) << other.error().message;
    for (const char* name : {"a", "b"})
        EXPECT_TRUE(store->list({}, {.bucket = directory.path() + "/" + name})->objects.empty()) << "no marker is left";
}

}  // namespace
}  // namespace dray
