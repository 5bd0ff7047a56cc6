#include "store/listing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <map>

#include "store/fault_store.h"
#include "store/memory_store.h"
#include "store/wrapped_store.h"

namespace dray {
namespace {

using testing::ElementsAre;

// A store whose pages are written out by the test.
class ScriptedPages : public WrappedStore {
public:
    ScriptedPages() : WrappedStore(make_memory_store()) {}
    Result<ListPage> list(const Context&, const ListRequest& request) override {
        requests.push_back(request);
        if (pages.empty()) return Error{.code = Code::invalid, .message = "the script is at its end", .fatal = true};
        auto page = std::move(pages.front());
        pages.pop_front();
        return page;
    }
    void page(std::vector<std::string> keys, bool truncated, std::string next = {}) {
        ListPage made{.truncated = truncated, .next = std::move(next)};
        for (auto& key : keys)
            made.objects.push_back({.key = key, .size = 1});
        pages.emplace_back(std::move(made));
    }
    std::deque<Result<ListPage>> pages;
    std::vector<ListRequest> requests;
};

class Listings : public testing::Test {
protected:
    ScriptedPages store_;
    std::vector<std::string> keys_;
    Result<ListSummary> list(ListRequest request = {}, ListingOptions options = {}) {
        return list_all({}, store_, request, options, [&](const ListPage& page) -> Status {
            for (const auto& object : page.objects)
                keys_.push_back(object.key);
            return {};
        });
    }
};

TEST_F(Listings, PlainPagesAreHandedOnInOrder) {
    store_.page({"a", "b"}, true, "t1");
    store_.page({"c"}, false);
    auto summary = list();
    ASSERT_TRUE(summary);
    EXPECT_THAT(keys_, ElementsAre("a", "b", "c"));
    EXPECT_EQ(summary->objects, 3u);
    EXPECT_EQ(summary->bytes, 3u);
    EXPECT_EQ(summary->pages, 2u);
    EXPECT_TRUE(summary->ordered);
    EXPECT_EQ(summary->anomalies.total(), 0u);
    EXPECT_EQ(store_.requests[1].continuation, "t1");
}

TEST_F(Listings, PagesOfNothingButWhatIsNoObjectAreNoRepetition) {
    for (int i = 0; i < 5; ++i) {
        ListPage page{.truncated = i < 4, .next = i < 4 ? "t" + std::to_string(i) : ""};
        page.others.push_back({.key = "link" + std::to_string(i), .what = "a symbolic link"});
        store_.pages.emplace_back(std::move(page));
    }
    std::size_t others = 0;
    auto summary = list_all({}, store_, {}, {}, [&](const ListPage& page) -> Status {
        others += page.others.size();
        return {};
    });
    ASSERT_TRUE(summary);
    EXPECT_EQ(others, 5u);
    EXPECT_EQ(summary->anomalies.total(), 0u);
}

TEST_F(Listings, L01_APageToldTwiceIsHandedOnOnce) {
    store_.page({"a", "b"}, true, "t1");
    store_.page({"a", "b"}, true, "t2");
    store_.page({"b", "c"}, false);
    auto summary = list();
    ASSERT_TRUE(summary);
    EXPECT_THAT(keys_, ElementsAre("a", "b", "c"));
    EXPECT_EQ(summary->anomalies.duplicates, 3u);
    EXPECT_TRUE(summary->ordered);
}

TEST_F(Listings, L02_ACycleOfTokensIsLeftBehindTheLastKey) {
    for (int length : {1, 2, 7}) {
        keys_.clear();
        store_.requests.clear();
        std::vector<std::string> expected;
        for (int i = 0; i < length; ++i) {
            expected.push_back("k" + std::to_string(i));
            store_.page({expected.back()}, true, "t" + std::to_string(i));
        }
        store_.page({"k9"}, true, "t0");  // leads back to the second page
        store_.page({"l"}, false);
        expected.insert(expected.end(), {"k9", "l"});
        auto summary = list();
        ASSERT_TRUE(summary) << summary.error().message;
        EXPECT_EQ(keys_, expected);
        EXPECT_EQ(summary->anomalies.token_cycles, 1u);
        EXPECT_EQ(store_.requests.back().start_after, "k9");
        EXPECT_TRUE(store_.requests.back().continuation.empty());
    }
}

TEST_F(Listings, L02_ACycleThatCannotBeLeftEndsTheRun) {
    for (int i = 0; i < 20; ++i)
        store_.page({"a", "b"}, true, "same");
    auto summary = list();
    ASSERT_FALSE(summary);
    EXPECT_EQ(summary.error().code, Code::corrupt);
    EXPECT_TRUE(summary.error().fatal);
    EXPECT_THAT(keys_, ElementsAre("a", "b"));
    EXPECT_LT(store_.requests.size(), 8u);
}

TEST_F(Listings, L02_FreshTokensThatRepeatOldPagesEndToo) {
    for (int i = 0; i < 20; ++i)
        store_.page({"a", "b"}, true, "t" + std::to_string(i));
    auto summary = list();
    ASSERT_FALSE(summary);
    EXPECT_EQ(summary.error().code, Code::corrupt);
    EXPECT_LT(store_.requests.size(), 12u);
}

TEST_F(Listings, L03_TruncatedWithoutATokenGoesOnBehindTheLastKey) {
    store_.page({"a", "b"}, true);
    store_.page({"c"}, false);
    ASSERT_TRUE(list());
    EXPECT_THAT(keys_, ElementsAre("a", "b", "c"));
    EXPECT_EQ(store_.requests[1].start_after, "b");
}

TEST_F(Listings, L03_ATokenThoughNotTruncatedIsNotBelievedToBeTheEnd) {
    store_.page({"a"}, false, "t1");
    store_.page({"b"}, false);
    ASSERT_TRUE(list());
    EXPECT_THAT(keys_, ElementsAre("a", "b"));
}

TEST_F(Listings, L03_AnEmptyTruncatedPageWithoutATokenIsNeverTheEnd) {
    store_.page({}, true);
    auto summary = list();
    ASSERT_FALSE(summary);
    EXPECT_EQ(summary.error().code, Code::corrupt);
}

TEST_F(Listings, L04_EmptyPagesAreGoneThroughUpToALimit) {
    for (std::size_t pages : {1u, 50u, 5'000u}) {
        keys_.clear();
        for (std::size_t i = 0; i < pages; ++i)
            store_.page({}, true, "t" + std::to_string(i));
        store_.page({"a"}, false);
        ASSERT_TRUE(list());
        EXPECT_THAT(keys_, ElementsAre("a"));
    }
    for (int i = 0; i < 10'001; ++i)
        store_.page({}, true, "t" + std::to_string(i));
    auto summary = list();
    ASSERT_FALSE(summary);
    EXPECT_THAT(summary.error().message, testing::HasSubstr("10000 empty pages"));
}

TEST_F(Listings, L05_KeysOutOfOrderAreKeptAndSwitchToUnorderedMode) {
    store_.page({"b", "a"}, true, "t1");
    store_.page({"c", "b", "0"}, false);
    auto summary = list();
    ASSERT_TRUE(summary);
    EXPECT_THAT(keys_, ElementsAre("b", "a", "c", "0"));
    EXPECT_FALSE(summary->ordered);
    EXPECT_EQ(summary->anomalies.duplicates, 1u);
    EXPECT_EQ(summary->anomalies.out_of_order, 2u);
}

TEST_F(Listings, L05_NothingIsMendedByStartAfterWithoutAnOrder) {
    store_.page({"b", "a"}, true);
    auto summary = list();
    ASSERT_FALSE(summary);
    EXPECT_EQ(summary.error().code, Code::corrupt);
    EXPECT_EQ(store_.requests.size(), 1u);
}

TEST_F(Listings, L06_KeysOutsideThePrefixAreDroppedAndCounted) {
    store_.page({"foo/1", "fop/2", "other"}, false);
    auto summary = list({.prefix = "foo/"});
    ASSERT_TRUE(summary);
    EXPECT_THAT(keys_, ElementsAre("foo/1"));
    EXPECT_EQ(summary->anomalies.outside, 2u);
    EXPECT_EQ(summary->anomalies.first_outside, "fop/2");
}

TEST_F(Listings, L06_WhatWasDroppedIsToldAlsoWhereTheCallerHasEnough) {
    store_.page({"foo/1", "fop/2"}, true, "t1");
    store_.page({"foo/3"}, false);
    auto summary =
        list_all({}, store_, {.prefix = "foo/"}, {}, [](const ListPage&) -> Status { return enough_listed(); });
    ASSERT_TRUE(summary);
    EXPECT_FALSE(summary->complete);
    EXPECT_EQ(summary->pages, 1u);
    EXPECT_EQ(summary->anomalies.outside, 1u);
    store_.page({"foo/1"}, false);
    EXPECT_TRUE(list({.prefix = "foo/"})->complete);
}

// Writers add, delete and replace keys between the pages.
TEST(Listing, L07_WhatStaysThereIsToldOnceWhateverOthersWrite) {
    std::shared_ptr<ObjectStore> memory = make_memory_store();
    auto key = [](const char* kind, int i) { return kind + std::to_string(1000 + i); };
    for (int i = 0; i < 100; ++i) {
        ASSERT_TRUE(memory->put({}, {"b", key("stays", i)}, "v"));
        ASSERT_TRUE(memory->put({}, {"b", key("goes", i)}, "v"));
        ASSERT_TRUE(memory->put({}, {"b", key("turns", i)}, "v"));
    }
    auto store = make_fault_store(memory);
    int page = 0;
    auto disturb = [&](const Call&) {
        for (int i = page; i < 100; i += 7) {
            EXPECT_TRUE(memory->remove({}, {"b", key("goes", i)}, {}));
            EXPECT_TRUE(memory->put({}, {"b", key("turns", i)}, "another"));
            EXPECT_TRUE(memory->put({}, {"b", key("comes", i)}, "new"));
            EXPECT_TRUE(memory->put({}, {"b", key("stays", i) + "+"}, "between two"));
        }
        page = (page + 1) % 7;
    };
    store->add({.verb = Verb::list, .count = 1000, .after = disturb});
    std::map<std::string, int> told;
    auto summary = list_all({}, *store, {.bucket = "b", .max_keys = 9}, {}, [&](const ListPage& objects) -> Status {
        for (const ListedObject& object : objects.objects)
            ++told[object.key];
        return {};
    });
    ASSERT_TRUE(summary) << summary.error().message;
    for (int i = 0; i < 100; ++i) {
        EXPECT_EQ(told[key("stays", i)], 1);
        EXPECT_EQ(told[key("turns", i)], 1) << "the replaced ones are caught by their ETags";
    }
    for (const auto& [name, times] : told)
        EXPECT_LE(times, 1) << name;
    EXPECT_EQ(summary->anomalies.total(), 0u);
}

// An old store still lists what is deleted: reading it says so, and ends nothing.
TEST(Listing, L08_AKeyThatIsListedAndGoneIsAnItemNotAnEnd) {
    ScriptedPages store;
    store.page({"gone"}, false);
    Status head;
    ASSERT_TRUE(list_all({}, store, {.bucket = "b"}, {}, [&](const ListPage& page) -> Status {
        if (auto info = store.head({}, {"b", page.objects.at(0).key}); !info) head = std::move(info).error();
        return {};
    }));
    ASSERT_FALSE(head);
    EXPECT_EQ(head.error().code, Code::not_found);
    EXPECT_FALSE(head.error().fatal);
}

TEST_F(Listings, L09_ARefusedTokenIsReplacedByTheLastKey) {
    store_.page({"a", "b"}, true, "t1");
    store_.pages.emplace_back(Error{.code = Code::invalid, .message = "InvalidArgument"});
    store_.page({"c"}, false);
    auto summary = list();
    ASSERT_TRUE(summary);
    EXPECT_THAT(keys_, ElementsAre("a", "b", "c"));
    EXPECT_EQ(summary->anomalies.refused_tokens, 1u);
    EXPECT_EQ(store_.requests[2].start_after, "b");
}

TEST_F(Listings, L10_PagesLargerThanAskedForAreTaken) {
    std::vector<std::string> many;
    for (int i = 10'000; i < 15'000; ++i)
        many.push_back(std::to_string(i));
    store_.page(many, false);
    ASSERT_TRUE(list({.max_keys = 10}));
    EXPECT_EQ(keys_, many);
}

TEST_F(Listings, OtherErrorsEndTheListing) {
    store_.page({"a"}, true, "t1");
    store_.pages.emplace_back(Error{.code = Code::denied, .message = "no"});
    auto summary = list();
    ASSERT_FALSE(summary);
    EXPECT_EQ(summary.error().code, Code::denied);
}

TEST(ListAll, GoesThroughEveryOrderOfStores) {
    for (auto order : {MemoryStoreOptions::Order::bytes, MemoryStoreOptions::Order::directories,
                       MemoryStoreOptions::Order::hashed}) {
        auto store = make_memory_store({.order = order});
        std::set<std::string> expected;
        for (int i = 0; i < 3'000; ++i) {
            const std::string key = std::string(i % 2 ? "a" : "a-") + "/" + std::to_string(i);
            ASSERT_TRUE(store->put({}, {"b", key, {}}, "x"));
            expected.insert(key);
        }
        std::multiset<std::string> seen;
        auto summary = list_all({}, *store, {.bucket = "b", .max_keys = 100}, {}, [&](const ListPage& page) -> Status {
            for (const auto& object : page.objects)
                seen.insert(object.key);
            return {};
        });
        ASSERT_TRUE(summary);
        EXPECT_TRUE(std::equal(seen.begin(), seen.end(), expected.begin(), expected.end()));
        EXPECT_EQ(summary->ordered, order == MemoryStoreOptions::Order::bytes);
        EXPECT_EQ(summary->anomalies.duplicates, 0u);
    }
}

}  // namespace
}  // namespace dray
