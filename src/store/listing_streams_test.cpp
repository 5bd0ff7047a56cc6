// One listing by several streams: the same keys in the same order as by one, from every kind of key set; what stores do
// wrong is mended or ends the listing, and nothing is told twice or left out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <random>
#include <set>
#include <thread>

#include "base/random_test.h"
#include "store/listing.h"
#include "store/memory_store.h"
#include "store/wrapped_store.h"

namespace dray {
namespace {

using Keys = std::set<std::string>;

// Lists a set of keys in pages, with streams side by side; a test may change what a page says.
class KeyStore : public WrappedStore {
public:
    explicit KeyStore(Keys keys) : WrappedStore(make_memory_store()), keys_(std::move(keys)) {}

    Result<ListPage> list(const Context& ctx, const ListRequest& request) override {
        TRY(ctx.check());
        const std::uint64_t call = calls++;
        const int now = ++in_flight_;
        for (int most = most_in_flight; now > most && !most_in_flight.compare_exchange_weak(most, now);) {
        }
        // Other threads get their turn in any order.
        for (std::uint64_t i = 0; i < call * 7919 % 13; ++i)
            std::this_thread::yield();
        auto page = page_of(request);
        Result<ListPage> answer = meddle ? meddle(call, request, std::move(page)) : Result<ListPage>(std::move(page));
        --in_flight_;
        return answer;
    }

    ListPage page_of(const ListRequest& request) const {
        ListPage page;
        const std::string after =
            request.continuation.empty() ? request.start_after : request.continuation.substr(kToken.size());
        auto at = after < request.prefix ? keys_.lower_bound(request.prefix) : keys_.upper_bound(after);
        for (; at != keys_.end() && at->starts_with(request.prefix); ++at) {
            if (page.objects.size() == request.max_keys) {
                page.truncated = true;
                page.next = std::string(kToken) + page.objects.back().key;
                break;
            }
            page.objects.push_back({.key = *at, .size = 1});
        }
        return page;
    }

    std::function<Result<ListPage>(std::uint64_t call, const ListRequest& request, ListPage page)> meddle;
    std::atomic<std::uint64_t> calls{0};
    std::atomic<int> most_in_flight{0};

private:
    static constexpr std::string_view kToken = "behind:";
    const Keys keys_;
    std::atomic<int> in_flight_{0};
};

struct Told {
    Result<ListSummary> summary;
    std::vector<std::string> keys;
};

Told list(ObjectStore& store, std::uint32_t streams, std::uint32_t page, const std::string& prefix = "",
          const std::string& start_after = "") {
    std::vector<std::string> keys;
    auto summary = list_all({}, store, {.bucket = "b", .prefix = prefix, .start_after = start_after, .max_keys = page},
                            {.streams = streams, .max_empty_pages = 50}, [&](const ListPage& got) -> Status {
                                for (const ListedObject& object : got.objects)
                                    keys.push_back(object.key);
                                return {};
                            });
    return {std::move(summary), std::move(keys)};
}

// Every range ends in one page that is not full; a cut for each 5 requests, and two a stream.
std::uint64_t most_requests(std::uint64_t keys, std::uint32_t streams, std::uint32_t page) {
    return (keys / page + 1 + std::uint64_t{2} * streams) * 5 / 4 + 1;
}

// As people name objects, and as nobody does.
class KeySets {
public:
    explicit KeySets(std::mt19937_64& random) : random_(random) {}

    Keys any() {
        static const std::vector<std::string> kAlphabets = {
            "ab",    "0123456789", "0123456789abcdef", "abcdefghijklmnopqrstuvwxyz/", "/", "-./",
            " +%&?", all_bytes(),  "\x01\x02\xff"};
        Keys keys;
        const auto count = random_() % 600;
        const std::string stem = text(kAlphabets[random_() % kAlphabets.size()], random_() % 40);
        const auto kind = random_() % 6;
        const std::string& alphabet = kAlphabets[random_() % kAlphabets.size()];
        const auto length = 1 + random_() % 12;
        for (std::uint64_t i = 0; i < count; ++i) {
            switch (kind) {
                case 0: keys.insert(stem + text(alphabet, random_() % (length + 1))); break;
                case 1: keys.insert(stem + padded(i, 8) + ".json"); break;
                case 2: keys.insert(stem + std::to_string(i) + "/part"); break;
                case 3:
                    keys.insert(stem + "20" + padded(random_() % 30, 2) + "/" + padded(1 + random_() % 12, 2) + "/" +
                                padded(1 + random_() % 28, 2) + "/" + text("0123456789abcdef", 6));
                    break;
                case 4: keys.insert(stem + character() + character() + character()); break;
                default: keys.insert(stem + std::string(random_() % 9 == 0 ? 200 : 1, 'x') + text(alphabet, 3)); break;
            }
        }
        keys.erase("");
        return keys;
    }
    std::string text(const std::string& alphabet, std::uint64_t length) {
        std::string result;
        for (; length > 0; --length)
            result += alphabet[random_() % alphabet.size()];
        return result;
    }

private:
    static std::string all_bytes() {
        std::string bytes;
        for (int byte = 1; byte < 256; ++byte)
            bytes += static_cast<char>(byte);
        return bytes;
    }
    static std::string padded(std::uint64_t number, std::size_t width) {
        std::string text = std::to_string(number);
        return std::string(width - std::min(width, text.size()), '0') + text;
    }
    std::string character() {
        static const std::vector<std::string> kCharacters = {
            "a", "z", "\xc3\xa4", "\xc3\xbf", "\xe2\x82\xac", "\xef\xbf\xbd", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf"};
        return kCharacters[random_() % kCharacters.size()];
    }
    std::mt19937_64& random_;
};

TEST(ListingStreamsProperty, L11_SeveralStreamsTellWhatOneTells) {
    const std::uint64_t seed = test_seed();
    SCOPED_TRACE(seed_text(seed));
    std::mt19937_64 random(seed);
    KeySets sets(random);
    std::uint64_t cut = 0;
    for (int round = 0; round < 1000; ++round) {
        SCOPED_TRACE("round " + std::to_string(round));
        const Keys keys = sets.any();
        KeyStore store(keys);
        const auto page = static_cast<std::uint32_t>(1 + random() % 20);
        const auto streams = static_cast<std::uint32_t>(2 + random() % 7);
        std::string prefix, start_after;
        if (!keys.empty() && random() % 3 == 0) {
            const std::string& key = *std::next(keys.begin(), static_cast<std::ptrdiff_t>(random() % keys.size()));
            prefix = key.substr(0, random() % key.size());
        }
        if (!keys.empty() && random() % 4 == 0)
            start_after = *std::next(keys.begin(), static_cast<std::ptrdiff_t>(random() % keys.size()));
        std::vector<std::string> expected;
        for (const std::string& key : keys)
            if (key.starts_with(prefix) && key > start_after) expected.push_back(key);

        const Told told = list(store, streams, page, prefix, start_after);

        ASSERT_TRUE(told.summary) << told.summary.error().message;
        ASSERT_EQ(told.keys, expected);
        ASSERT_EQ(told.summary->objects, expected.size());
        ASSERT_EQ(told.summary->pages, store.calls);
        ASSERT_TRUE(told.summary->complete);
        ASSERT_EQ(told.summary->anomalies.total(), 0u);
        ASSERT_LE(store.calls, most_requests(expected.size(), streams, page)) << told.summary->ranges << " ranges";
        ASSERT_LE(store.most_in_flight, static_cast<int>(streams));
        cut += told.summary->ranges > 2 ? 1 : 0;
    }
    EXPECT_GT(cut, 300u) << "listings must be cut often enough to mean something";
}

// Rows L01, L03, L04, L09 and errors that a caller may repeat, at random, and in each stream.
TEST(ListingStreamsProperty, WhatCanBeMendedIsMendedAndElseTheListingFails) {
    const std::uint64_t seed = test_seed();
    SCOPED_TRACE(seed_text(seed));
    std::mt19937_64 random(seed);
    KeySets sets(random);
    int whole = 0, failed = 0;
    for (int round = 0; round < 500; ++round) {
        SCOPED_TRACE("round " + std::to_string(round));
        const Keys keys = sets.any();
        KeyStore store(keys);
        std::mutex mutex;
        std::map<std::string, ListPage> last;
        int faults = static_cast<int>(random() % 4);
        const int planned = faults;
        store.meddle = [&](std::uint64_t, const ListRequest& request, ListPage page) -> Result<ListPage> {
            const std::lock_guard lock(mutex);
            const auto what = faults > 0 ? random() % 16 : 16;
            last[page.next] = page;  // by the token that leads away from it
            if (what >= 5) return page;
            if (what == 0 && request.continuation.empty()) return page;
            if (what > 1 && !page.truncated) return page;
            --faults;
            if (what == 0) return Error{.code = Code::invalid, .message = "InvalidArgument: the token is not known"};
            if (what == 1 && !request.continuation.empty() && last.contains(request.continuation))
                return last[request.continuation];
            if (what == 2) page.next.clear();
            if (what == 3) page.truncated = false;
            if (what == 4) page.objects.insert(page.objects.end(), page.objects.begin(), page.objects.begin() + 1);
            return page;
        };
        const Told told = list(store, 4, static_cast<std::uint32_t>(1 + random() % 9));
        if (!told.summary) {
            ASSERT_GT(planned, faults) << told.summary.error().message;
            ASSERT_EQ(told.summary.error().code, Code::corrupt) << told.summary.error().message;
            ++failed;
            continue;
        }
        ASSERT_EQ(told.keys, std::vector<std::string>(keys.begin(), keys.end()));
        whole += planned > faults ? 1 : 0;
    }
    EXPECT_GT(whole, 100) << failed << " failed: faults must be mended often enough to mean something";
}

// L05: the store was taken for one that lists in byte order, and is none.
TEST(ListingStreamsProperty, L05_AStoreThatWasNeverInOrderIsListedByOneStream) {
    const std::uint64_t seed = test_seed();
    SCOPED_TRACE(seed_text(seed));
    std::mt19937_64 random(seed);
    KeySets sets(random);
    for (int round = 0; round < 20; ++round) {
        auto store = make_memory_store({.order = MemoryStoreOptions::Order::hashed});
        Keys keys = sets.any();
        for (int i = 0; i < 100; ++i)
            keys.insert(std::to_string(i));
        for (const std::string& key : keys)
            ASSERT_TRUE(store->put({}, {"b", key, {}}, "x"));
        const Told told = list(*store, 4, 20);
        ASSERT_TRUE(told.summary) << told.summary.error().message;
        EXPECT_EQ(Keys(told.keys.begin(), told.keys.end()), keys);
        EXPECT_EQ(told.keys.size(), keys.size()) << "a key was told twice";
        EXPECT_FALSE(told.summary->ordered);
    }
}

Keys numbered(std::size_t count) {
    Keys keys;
    for (std::size_t i = 0; i < count; ++i) {
        const std::string text = std::to_string(i);
        keys.insert("in/" + std::string(8 - text.size(), '0') + text);
    }
    return keys;
}

TEST(ListingStreams, WhatFitsIntoOnePageCostsOneRequest) {
    for (const std::size_t count : {0, 1, 10}) {
        KeyStore store(numbered(count));
        ASSERT_TRUE(list(store, 16, 10).summary);
        EXPECT_EQ(store.calls, 1u);
    }
}

TEST(ListingStreams, AFewPagesCostAFewRequestsMore) {
    for (std::uint64_t pages = 2; pages < 8; ++pages) {
        KeyStore store(numbered(pages * 10));
        ASSERT_TRUE(list(store, 16, 10).summary);
        EXPECT_LE(store.calls, 2 * pages);
    }
}

TEST(ListingStreams, KeysThatAreSpreadEvenlyAreAskedForHardlyMoreThanOnce) {
    KeyStore store(numbered(100'000));
    const Told told = list(store, 16, 100);
    ASSERT_TRUE(told.summary);
    EXPECT_EQ(told.keys.size(), 100'000u);
    EXPECT_LE(store.calls, 1000 * 6 / 5 + 32u);
    EXPECT_GT(told.summary->ranges, 16u);
}

TEST(ListingStreams, L05_OrderThatIsLostLaterEndsTheListing) {
    for (std::uint64_t late = 1; late < 30; ++late) {
        KeyStore store(numbered(300));
        std::atomic<bool> done = false;
        store.meddle = [&](std::uint64_t call, const ListRequest&, ListPage page) -> Result<ListPage> {
            const bool now = call >= late && page.objects.size() > 1 && !done.exchange(true);
            if (now) std::swap(page.objects[0], page.objects[1]);
            return page;
        };
        const Told told = list(store, 4, 10);
        ASSERT_FALSE(told.summary);
        EXPECT_EQ(told.summary.error().reason, kOrderBroken);
        EXPECT_TRUE(told.summary.error().fatal);
        const Keys all = numbered(300);
        ASSERT_LE(told.keys.size(), all.size());
        EXPECT_TRUE(std::equal(told.keys.begin(), told.keys.end(), all.begin()))
            << "in order, and none left out before";
    }
}

// Once so many pages were asked for, every other waits until somebody ends the wait.
class WaitingStore : public WrappedStore {
public:
    WaitingStore(std::unique_ptr<ObjectStore> store, std::uint64_t answered)
        : WrappedStore(std::move(store)), answered_(answered) {}
    Result<ListPage> list(const Context& ctx, const ListRequest& request) override {
        if (calls++ >= answered_) TRY(ctx.sleep(std::chrono::hours(1)));
        return WrappedStore::list(ctx, request);
    }
    std::atomic<std::uint64_t> calls{0};

private:
    const std::uint64_t answered_;
};

TEST(ListingStreams, AnErrorOfOneStreamEndsTheListingAndTheRequestsInFlight) {
    auto keys = std::make_unique<KeyStore>(numbered(1000));
    keys->meddle = [](std::uint64_t call, const ListRequest&, ListPage page) -> Result<ListPage> {
        if (call == 9) return Error{.code = Code::denied, .message = "no more"};
        return page;
    };
    WaitingStore store(std::move(keys), 10);
    const Told told = list(store, 4, 10);
    ASSERT_FALSE(told.summary);
    EXPECT_EQ(told.summary.error().code, Code::denied);
    EXPECT_LE(store.calls, 10u + 4u);
}

TEST(ListingStreams, ASinkThatHasEnoughEndsTheRequestsInFlight) {
    WaitingStore waiting(std::make_unique<KeyStore>(numbered(1000)), 3);
    std::size_t pages = 0;
    auto enough =
        list_all({}, waiting, {.bucket = "b", .max_keys = 10}, {.streams = 4},
                 [&](const ListPage&) -> Status { return ++pages == 2 ? Status(enough_listed()) : Status(); });
    ASSERT_TRUE(enough) << enough.error().message;
    EXPECT_FALSE(enough->complete);
    EXPECT_EQ(enough->objects, 20u);

    waiting.calls = 0;
    StopSource stop;
    auto stopped = list_all(Context(&stop), waiting, {.bucket = "b", .max_keys = 10}, {.streams = 4},
                            [&](const ListPage&) -> Status { return stop.trigger(), Status(); });
    ASSERT_FALSE(stopped);
    EXPECT_EQ(stopped.error().code, Code::cancelled);
}

TEST(ListingStreams, WhoHasEnoughWithTheFirstPageCostsOneRequest) {
    KeyStore store(numbered(1000));
    auto summary = list_all({}, store, {.bucket = "b", .max_keys = 10}, {.streams = 4},
                            [](const ListPage&) -> Status { return enough_listed(); });
    ASSERT_TRUE(summary);
    EXPECT_EQ(store.calls, 1u);
}

TEST(ListingStreams, L04_EmptyPagesAreGoneThroughInEveryStream) {
    KeyStore store(numbered(500));
    store.meddle = [&](std::uint64_t, const ListRequest&, ListPage page) -> Result<ListPage> {
        if (page.truncated && page.objects.front().key < "in/00000250") page.objects.clear();
        return page;
    };
    const Told told = list(store, 4, 10);
    ASSERT_TRUE(told.summary) << told.summary.error().message;
    EXPECT_EQ(told.keys.size(), 250u);
    EXPECT_EQ(told.keys.front(), "in/00000250");
}

TEST(ListingStreams, L06_WhatNobodyAskedForIsLeftOutAndCounted) {
    KeyStore store(numbered(500));
    store.meddle = [](std::uint64_t call, const ListRequest&, ListPage page) -> Result<ListPage> {
        if (call == 3) page.objects.insert(page.objects.begin(), {.key = "elsewhere/x"});
        return page;
    };
    const Told told = list(store, 4, 10, "in/");
    ASSERT_TRUE(told.summary) << told.summary.error().message;
    EXPECT_EQ(told.keys.size(), 500u);
    EXPECT_EQ(told.summary->anomalies.outside, 1u);
    EXPECT_EQ(told.summary->anomalies.first_outside, "elsewhere/x");
}

// A stream says that nothing follows, though another was told what does: it is asked once more.
TEST(ListingStreams, L03_AnEndThatComesTooEarlyIsNotBelieved) {
    std::atomic<int> cheated = 0;
    for (std::uint64_t early = 4; early < 40; ++early) {
        KeyStore store(numbered(500));
        std::atomic<bool> told_behind = false, once = false;
        store.meddle = [&](std::uint64_t call, const ListRequest& request, ListPage page) -> Result<ListPage> {
            if (page.objects.empty()) return page;
            const bool in_front =
                page.truncated && !request.continuation.empty() && page.objects.front().key < "in/00000050";
            if (page.objects.front().key > "in/00000100") told_behind = true;
            if (call >= early && in_front && told_behind && !once.exchange(true)) {
                ++cheated;
                page.truncated = false;
                page.next.clear();
            }
            return page;
        };
        const Told told = list(store, 4, 10);
        ASSERT_TRUE(told.summary) << told.summary.error().message;
        ASSERT_EQ(told.keys.size(), 500u);
    }
    EXPECT_GT(cheated, 0);
}

// However slow the one who takes the keys: what waits for him is bounded.
TEST(ListingStreams, StreamsWaitWhereKeysAreTakenSlowly) {
    constexpr std::size_t kCount = 4'000, kPage = 10;
    class Fat : public WrappedStore {
    public:
        Fat() : WrappedStore(make_memory_store()), keys_(numbered(kCount)) {}
        Result<ListPage> list(const Context& ctx, const ListRequest& request) override {
            TRY_LET(page, keys_.list(ctx, request));
            for (ListedObject& object : page.objects)
                object.etag.assign(std::size_t{256} << 10, 'e');
            const std::lock_guard lock(mutex_);
            for (const ListedObject& object : page.objects)
                told_.insert(object.key);
            return page;
        }
        std::size_t told() {
            const std::lock_guard lock(mutex_);
            return told_.size();
        }

    private:
        KeyStore keys_;
        std::mutex mutex_;
        Keys told_;
    } store;
    std::size_t taken = 0, most = 0;
    auto summary =
        list_all({}, store, {.bucket = "b", .max_keys = kPage}, {.streams = 8}, [&](const ListPage& page) -> Status {
            taken += page.objects.size();
            std::this_thread::yield();
            most = std::max(most, store.told() - taken);
            return {};
        });
    ASSERT_TRUE(summary) << summary.error().message;
    EXPECT_EQ(taken, kCount);
    // 48 MiB wait at most, and one page a stream is in flight.
    EXPECT_LE(most, 48u * 4 + 9 * kPage);
}

}  // namespace
}  // namespace dray
