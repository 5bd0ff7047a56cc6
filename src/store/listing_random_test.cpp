// Listings of random keys from stores that misbehave at random, held against the set of keys: whole, or an error.
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "base/random_test.h"
#include "store/listing.h"
#include "store/memory_store.h"
#include "store/wrapped_store.h"

namespace dray {
namespace {

// Rows L01 to L04 and L09, at random.
class Unreliable : public WrappedStore {
public:
    Unreliable(std::unique_ptr<ObjectStore> store, std::mt19937_64& random)
        : WrappedStore(std::move(store)), random_(random) {}

    Result<ListPage> list(const Context& ctx, const ListRequest& request) override {
        const std::uint64_t what = faults_left > 0 ? random_() % 12 : 12;
        faults_left -= what < 5 ? 1 : 0;
        ListRequest real = request;
        if (real.continuation.starts_with(kEmpty)) real.continuation.erase(0, kEmpty.size());
        if (what == 0 && !real.continuation.empty())
            return Error{.code = Code::invalid, .message = "InvalidArgument: the token is not known"};
        if (what == 1 && last_) return *last_;
        TRY_LET(page, WrappedStore::list(ctx, real));
        if (!page.truncated) return page;
        if (what == 2) page.next.clear();
        if (what == 3) page.truncated = false;
        if (what == 4 && !real.continuation.empty())
            return ListPage{.truncated = true, .next = std::string(kEmpty) + real.continuation};
        last_ = page;
        return page;
    }
    int faults_left = 0;

private:
    static constexpr std::string_view kEmpty = "empty:";
    std::mt19937_64& random_;
    std::optional<ListPage> last_;
};

std::string random_key(std::mt19937_64& random) {
    static const std::vector<std::string> pieces = {"a", "b", "/", "-", ".", "\xc3\xa4", "\xff", " ", "+", "%2F"};
    std::string key = "in/";
    for (auto n = 1 + random() % 5; n > 0; --n)
        key += pieces[random() % pieces.size()];
    return key;
}

TEST(ListingProperty, EveryKeyIsToldOnceOrTheListingFails) {
    const std::uint64_t seed = test_seed();
    SCOPED_TRACE(seed_text(seed));
    std::mt19937_64 random(seed);
    int whole_in_spite_of_faults = 0;
    for (int round = 0; round < 2000; ++round) {
        SCOPED_TRACE("round " + std::to_string(round));
        auto memory = make_memory_store();
        std::set<std::string> model;
        for (auto n = random() % 40; n > 0; --n) {
            const std::string key = random_key(random);
            if (model.insert(key).second) {
                ASSERT_TRUE(memory->put({}, {"b", key, {}}, "x"));
            }
        }
        ASSERT_TRUE(memory->put({}, {"b", "im/before", {}}, "x"));
        ASSERT_TRUE(memory->put({}, {"b", "io/behind", {}}, "x"));
        Unreliable store(std::move(memory), random);
        const int faults = store.faults_left = static_cast<int>(random() % 4);
        const auto page = static_cast<std::uint32_t>(1 + random() % 9);

        std::multiset<std::string> told;
        auto summary = list_all({}, store, {.bucket = "b", .prefix = "in/", .max_keys = page}, {},
                                [&](const ListPage& got) -> Status {
                                    for (const ListedObject& object : got.objects)
                                        told.insert(object.key);
                                    return {};
                                });

        if (!summary) {
            ASSERT_GT(faults, store.faults_left) << summary.error().message;
            ASSERT_EQ(summary.error().code, Code::corrupt) << summary.error().message;
            continue;
        }
        ASSERT_EQ(told, (std::multiset<std::string>(model.begin(), model.end())));
        whole_in_spite_of_faults += faults > store.faults_left ? 1 : 0;
    }
    EXPECT_GT(whole_in_spite_of_faults, 100) << "faults must be mended often enough to mean something";
}

TEST(ListingProperty, EveryOrderOfAStoreTellsEveryKeyOnce) {
    const std::uint64_t seed = test_seed();
    SCOPED_TRACE(seed_text(seed));
    std::mt19937_64 random(seed);
    using Order = MemoryStoreOptions::Order;
    for (const Order order : {Order::bytes, Order::directories, Order::hashed}) {
        for (int round = 0; round < 100; ++round) {
            auto store = make_memory_store({.order = order});
            std::set<std::string> model;
            for (auto n = random() % 60; n > 0; --n)
                model.insert(random_key(random));
            for (const std::string& key : model)
                ASSERT_TRUE(store->put({}, {"b", key, {}}, "x"));
            const auto page = static_cast<std::uint32_t>(1 + random() % 9);

            std::multiset<std::string> told;
            auto summary = list_all({}, *store, {.bucket = "b", .prefix = "in/", .max_keys = page}, {},
                                    [&](const ListPage& got) -> Status {
                                        for (const ListedObject& object : got.objects)
                                            told.insert(object.key);
                                        return {};
                                    });
            ASSERT_TRUE(summary) << summary.error().message;
            ASSERT_EQ(told, (std::multiset<std::string>(model.begin(), model.end())));
        }
    }
}

}  // namespace
}  // namespace dray
