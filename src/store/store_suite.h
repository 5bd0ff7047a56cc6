// The contract of object_store.h as a test suite that every store passes. Instantiate it with what makes the store
// under test:
//
//     struct MyStore : StoreUnderTest { MyStore() { store = ...; bucket = ...; } };
//     INSTANTIATE_TEST_SUITE_P(Mine, StoreSuite, testing::Values(&under_test<MyStore>));
//
// A value and not a type is the parameter: the suite is compiled once, however many stores there are.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/checksum.h"
#include "store/body.h"
#include "store/checksums.h"
#include "store/object_store.h"

namespace dray {

struct StoreUnderTest {
    virtual ~StoreUnderTest() = default;
    std::shared_ptr<ObjectStore> store;
    std::string bucket = "bucket";        // exists, and takes our writes
    std::string prefix = "some/prefix/";  // ours alone: empty at the start, removed by the destructor
    Capabilities has;                     // exactly: what is not proven here must be seen to be missing
    std::set<std::string> refused;        // keys (without the prefix) that this store is known not to take
};
template <class Made>
std::unique_ptr<StoreUnderTest> under_test() {
    return std::make_unique<Made>();
}

class StoreSuite : public testing::TestWithParam<std::unique_ptr<StoreUnderTest> (*)()> {
protected:
    ObjectStore& store() { return *made_->store; }
    bool offers(Guarantee Capabilities::*field) const { return proven(made_->has.*field); }
    const std::string& bucket() const { return made_->bucket; }
    ObjectRef at(const std::string& key) const { return {made_->bucket, made_->prefix + key, {}}; }

    ObjectInfo put(const std::string& key, std::string_view bytes, const PutOptions& options = {}) {
        auto made = store().put({}, at(key), bytes, options);
        EXPECT_TRUE(made) << key << ": " << (made ? "" : made.error().message);
        return made ? *made : ObjectInfo{};
    }
    std::string get(const std::string& key) {
        auto bytes = get_whole({}, store(), at(key));
        return bytes ? *bytes : "<" + std::string(name_of(bytes.error().code)) + ">";
    }
    // nullopt: it succeeded.
    template <class T>
    static std::optional<Code> code_of(const Result<T>& answer) {
        return answer ? std::nullopt : std::optional(answer.error().code);
    }
    bool there(const std::string& key) { return store().head({}, at(key)).has_value(); }

    // Keys below the prefix, without it, page by page.
    std::vector<std::string> keys(ListRequest request = {}) {
        const std::string inner = request.prefix;
        request.bucket = made_->bucket;
        request.prefix = made_->prefix + inner;
        if (!request.start_after.empty()) request.start_after = made_->prefix + request.start_after;
        std::vector<std::string> found;
        for (int pages = 0; pages < 1000; ++pages) {
            auto page = store().list({}, request);
            EXPECT_TRUE(page) << (page ? "" : page.error().message);
            if (!page) return found;
            for (const auto& object : page->objects)
                found.push_back(object.key.substr(made_->prefix.size()));
            for (const auto& folder : page->common_prefixes)
                found.push_back(folder.substr(made_->prefix.size()));
            if (!page->truncated) return found;
            request.continuation = page->next;
        }
        ADD_FAILURE() << "the listing does not end";
        return found;
    }

    std::unique_ptr<StoreUnderTest> made_ = GetParam()();
};

TEST_P(StoreSuite, GivesBackTheBytesThatWerePut) {
    const std::string bytes("\0\xff\nbytes\r\n", 10);
    const ObjectInfo made = put("a", bytes);
    EXPECT_EQ(get("a"), bytes);
    auto head = store().head({}, at("a"));
    ASSERT_TRUE(head);
    EXPECT_EQ(head->size, bytes.size());
    EXPECT_EQ(head->etag, made.etag);
    EXPECT_FALSE(head->etag.empty());
    if (is_plain_md5(head->etag)) {
        EXPECT_EQ(head->etag, hex(md5(bytes)));
    }
}

TEST_P(StoreSuite, KeepsAnObjectWithoutBytes) {
    put("empty", "");
    EXPECT_EQ(get("empty"), "");
    EXPECT_TRUE(there("empty"));
}

TEST_P(StoreSuite, SaysNotFoundForWhatIsNotThere) {
    auto head = store().head({}, at("nothing"));
    ASSERT_FALSE(head);
    EXPECT_EQ(head.error().code, Code::not_found);
    EXPECT_FALSE(head.error().fatal);
    EXPECT_EQ(get("nothing"), "<not_found>");
    auto copied = store().copy({}, at("nothing"), at("b"), {});
    ASSERT_FALSE(copied);
    EXPECT_EQ(copied.error().code, Code::not_found);
}

TEST_P(StoreSuite, ReplacesAnObjectAndItsETag) {
    const auto first = put("a", "one");
    const auto second = put("a", "two");
    EXPECT_NE(first.etag, second.etag);
    EXPECT_EQ(get("a"), "two");
}

TEST_P(StoreSuite, ReadsARange) {
    put("a", "0123456789");
    EXPECT_EQ(*get_whole({}, store(), at("a"), {.offset = 3, .bytes = 4}), "3456");
    EXPECT_EQ(*get_whole({}, store(), at("a"), {.offset = 8}), "89");
}

TEST_P(StoreSuite, RefusesToReadAnObjectThatChanged) {
    const auto first = put("a", "one");
    put("a", "two");
    auto read = get_whole({}, store(), at("a"), {.if_match = first.etag});
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, Code::conflict);
}

TEST_P(StoreSuite, EndsAReadWithTheErrorOfItsSink) {
    put("a", "bytes");
    auto read = store().get(
        {}, at("a"), {}, [](std::string_view) -> Status { return Error{.code = Code::local, .message = "no room"}; });
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, Code::local);
}

TEST_P(StoreSuite, KeepsAwkwardKeysApart) {
    const std::vector<std::string> keys = {"a/b",
                                           "a//b",
                                           "/a/b",
                                           "a/b/",
                                           "a/",
                                           "a",
                                           "a/./b",
                                           "a/../b",
                                           "..",
                                           ".",
                                           "a b",
                                           "a+b",
                                           "a%20b",
                                           "100%",
                                           "%25",
                                           "quote\"'<>&",
                                           "q?x#y",
                                           "star*[x]\\",
                                           "\x01\x1f\x7f",
                                           "tab\tnewline\n",
                                           "\xc3\xa9",
                                           "e\xcc\x81",
                                           "\xf0\x9f\x98\x80",
                                           ".dray",
                                           ".dray@",
                                           ".dray=x",
                                           ".dray+x",
                                           ".dray-tmp-1",
                                           ".DRAY=x",
                                           "x/.dray-uploads/y",
                                           "CASE",
                                           "case",
                                           std::string(255, 'n'),
                                           std::string(256, 'n'),
                                           std::string(300, '%'),
                                           std::string(700, 'k') + "/" + std::string(200, 'z')};
    std::vector<std::string> kept;
    for (const std::string& key : keys) {
        if (made_->refused.contains(key)) continue;
        put(key, "body of " + key);
        kept.push_back(key);
    }
    for (const std::string& key : kept)
        EXPECT_EQ(get(key), "body of " + key);
    auto listed = this->keys();
    std::sort(kept.begin(), kept.end());
    if (!offers(&Capabilities::byte_order)) std::sort(listed.begin(), listed.end());
    EXPECT_EQ(listed, kept);
    for (const std::string& key : kept)
        EXPECT_TRUE(store().remove({}, at(key), {})) << key;
    EXPECT_TRUE(this->keys().empty());
}

TEST_P(StoreSuite, KeepsAnObjectBesideItsFolder) {
    put("both", "object");
    put("both/child", "child");
    put("late/child", "child");
    put("late", "object");
    EXPECT_EQ(get("both"), "object");
    EXPECT_EQ(get("both/child"), "child");
    EXPECT_EQ(get("late"), "object");
    EXPECT_TRUE(store().remove({}, at("both"), {}));
    EXPECT_FALSE(there("both"));
    EXPECT_TRUE(there("both/child"));
    EXPECT_TRUE(store().remove({}, at("late/child"), {}));
    EXPECT_EQ(get("late"), "object");
}

TEST_P(StoreSuite, RefusesAKeyThatIsTooLong) {
    auto made = store().put({}, {bucket(), std::string(1025, 'k'), {}}, "x");
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, Code::invalid);
}

TEST_P(StoreSuite, ListsInByteOrder) {
    const std::vector<std::string> ordered = {"B", "a", "a-b", "a.b", "a/", "a/b", "a/b-c", "a/b/c", "a0", "b"};
    for (const char* key : {"a/b", "a", "a.b", "a-b", "a/", "b", "a0", "B", "a/b/c", "a/b-c"})
        put(key, "x");
    const auto listed = keys();
    EXPECT_THAT(listed, testing::UnorderedElementsAreArray(ordered));
    EXPECT_EQ(listed == ordered, offers(&Capabilities::byte_order)) << testing::PrintToString(listed);
}

TEST_P(StoreSuite, ListsPageByPageWithoutLossOrRepeat) {
    std::vector<std::string> keys;
    for (int i = 0; i < 25; ++i)
        keys.push_back("k" + std::to_string(i % 5) + "/" + std::to_string(i));
    for (const auto& key : keys)
        put(key, "x");
    for (std::uint32_t page : {1u, 2u, 7u, 25u, 26u}) {
        EXPECT_THAT(this->keys({.max_keys = page}), testing::UnorderedElementsAreArray(keys)) << page;
    }
}

TEST_P(StoreSuite, ListsOnlyBelowThePrefix) {
    for (const char* key : {"foo", "foo/1", "food", "fo", "x/foo/1"})
        put(key, "x");
    EXPECT_THAT(keys({.prefix = "foo"}), testing::UnorderedElementsAre("foo", "foo/1", "food"));
    EXPECT_THAT(keys({.prefix = "foo/"}), testing::ElementsAre("foo/1"));
    EXPECT_THAT(keys({.prefix = "nothing/here"}), testing::IsEmpty());
}

TEST_P(StoreSuite, ListsFoldersOnceAcrossPages) {
    for (const char* key : {"a/1", "a/2", "a/3", "b", "c/1", "c/d/2", "d"})
        put(key, "x");
    for (std::uint32_t page : {1u, 2u, 100u}) {
        EXPECT_THAT(keys({.delimiter = "/", .max_keys = page}), testing::UnorderedElementsAre("a/", "b", "c/", "d"))
            << page;
    }
    EXPECT_THAT(keys({.prefix = "c/", .delimiter = "/"}), testing::UnorderedElementsAre("c/1", "c/d/"));
}

TEST_P(StoreSuite, StartsAListingAfterAnyKey) {
    using Keys = std::vector<std::string>;
    for (const char* key : {"a", "a/1", "a/2", "b", "c"})
        put(key, "x");
    const std::vector<Keys> after = {keys({.start_after = "a/1"}), keys({.start_after = "a/11"}),
                                     keys({.prefix = "a/", .start_after = "a"}), keys({.start_after = "zzz"})};
    const std::vector<Keys> later = {{"a/2", "b", "c"}, {"a/2", "b", "c"}, {"a/1", "a/2"}, {}};
    EXPECT_EQ(after == later, offers(&Capabilities::start_after)) << testing::PrintToString(after);
}

TEST_P(StoreSuite, ListsWhatHeadSays) {
    const auto made = put("a", "bytes");
    auto page = store().list({}, {.bucket = bucket(), .prefix = at("a").key});
    ASSERT_TRUE(page);
    ASSERT_EQ(page->objects.size(), 1u);
    EXPECT_EQ(page->objects[0].size, 5u);
    EXPECT_EQ(page->objects[0].etag, made.etag);
}

TEST_P(StoreSuite, KeepsProperties) {
    PutOptions options;
    options.properties.content_type = "text/x-test";
    options.properties.cache_control = "no-cache";
    options.properties.content_disposition = "attachment; filename=\"a b.txt\"";
    options.properties.metadata = {{"one", "1"}, {"two", "zwei %41"}};
    put("a", "bytes", options);
    auto head = store().head({}, at("a"));
    ASSERT_TRUE(head);
    EXPECT_EQ(head->properties.content_type, "text/x-test");
    EXPECT_EQ(head->properties.cache_control, "no-cache");
    EXPECT_EQ(head->properties.content_disposition, "attachment; filename=\"a b.txt\"");
    EXPECT_EQ(head->properties.metadata, options.properties.metadata);
}

TEST_P(StoreSuite, CopiesBytesAndProperties) {
    PutOptions options;
    options.properties.content_type = "text/x-test";
    options.properties.metadata = {{"one", "1"}};
    const auto source = put("a", "bytes", options);
    auto made = store().copy({}, at("a"), at("b"), {.source_if_match = source.etag});
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_EQ(get("b"), "bytes");
    EXPECT_EQ(get("a"), "bytes");
    auto head = store().head({}, at("b"));
    ASSERT_TRUE(head);
    EXPECT_EQ(head->etag, made->etag);
    const bool kept =
        head->properties.content_type == "text/x-test" && head->properties.metadata == options.properties.metadata;
    EXPECT_EQ(kept, offers(&Capabilities::copies_properties));
}

TEST_P(StoreSuite, ReplacesPropertiesInPlace) {
    PutOptions options;
    options.properties.content_type = "text/x-old";
    options.properties.metadata = {{"old", "1"}};
    put("a", "bytes", options);
    Properties wanted;
    wanted.content_type = "text/x-new";
    wanted.metadata = {{"new", "2"}};
    ASSERT_TRUE(store().copy({}, at("a"), at("a"), {.replace = wanted}));
    auto head = store().head({}, at("a"));
    ASSERT_TRUE(head);
    EXPECT_EQ(head->properties.content_type, "text/x-new");
    EXPECT_EQ(head->properties.metadata, wanted.metadata);
    EXPECT_EQ(get("a"), "bytes");
}

TEST_P(StoreSuite, CopiesTags) {
    const bool kept = offers(&Capabilities::copies_tags);
    const std::vector<NameValue> tags = {{"colour", "blue"}, {"size", "9"}};
    const auto made = put("a", "bytes");
    ASSERT_TRUE(store().set_tags({}, at("a"), tags));
    EXPECT_EQ(*store().tags({}, at("a")), tags);
    EXPECT_EQ(store().head({}, at("a"))->etag, made.etag) << "tags are no part of the bytes";
    ASSERT_TRUE(store().copy({}, at("a"), at("b"), {}));
    EXPECT_EQ(*store().tags({}, at("b")), kept ? tags : std::vector<NameValue>());
    EXPECT_EQ(store().head({}, at("b"))->properties.tag_count, kept ? 2u : 0u);
    ASSERT_TRUE(store().set_tags({}, at("b"), {}));
    EXPECT_TRUE(store().tags({}, at("b"))->empty());
}

TEST_P(StoreSuite, RefusesToPutOverAnObject) {
    put("a", "old");
    auto made = store().put({}, at("a"), "new", {.if_absent = true});
    EXPECT_EQ(code_of(made), offers(&Capabilities::put_if_absent) ? std::optional(Code::exists) : std::nullopt);
    EXPECT_EQ(get("a"), made ? "new" : "old");
    EXPECT_TRUE(store().put({}, at("fresh"), "new", {.if_absent = true}));
}

TEST_P(StoreSuite, PutsOnlyOverTheObjectNamed) {
    const auto first = put("a", "one");
    const auto second = store().put({}, at("a"), "two", {.if_match = first.etag});
    ASSERT_TRUE(second);
    auto third = store().put({}, at("a"), "three", {.if_match = first.etag});
    EXPECT_EQ(code_of(third), offers(&Capabilities::put_if_match) ? std::optional(Code::conflict) : std::nullopt);
    EXPECT_EQ(get("a"), third ? "three" : "two");
}

TEST_P(StoreSuite, RefusesToCopyASourceThatChanged) {
    const auto first = put("a", "one");
    put("a", "two");
    auto made = store().copy({}, at("a"), at("b"), {.source_if_match = first.etag});
    EXPECT_EQ(code_of(made),
              offers(&Capabilities::copy_source_if_match) ? std::optional(Code::conflict) : std::nullopt);
    EXPECT_EQ(there("b"), made.has_value());
}

TEST_P(StoreSuite, RefusesToCopyOverAnObject) {
    put("a", "new");
    put("b", "old");
    auto made = store().copy({}, at("a"), at("b"), {.target_if_absent = true});
    EXPECT_EQ(code_of(made), offers(&Capabilities::copy_if_absent) ? std::optional(Code::exists) : std::nullopt);
    EXPECT_EQ(get("b"), made ? "new" : "old");
}

TEST_P(StoreSuite, RemovingWhatIsNotThereSucceeds) {
    EXPECT_TRUE(store().remove({}, at("nothing"), {}));
    EXPECT_TRUE(store().remove({}, at("no/such/folder"), {}));
}

TEST_P(StoreSuite, RemovesOnlyTheObjectNamed) {
    const auto first = put("a", "one");
    put("a", "two");
    auto removed = store().remove({}, at("a"), {.if_match = first.etag});
    EXPECT_EQ(code_of(removed), offers(&Capabilities::remove_if_match) ? std::optional(Code::conflict) : std::nullopt);
    EXPECT_EQ(there("a"), !removed.has_value());
    const auto third = put("a", "three");
    EXPECT_TRUE(store().remove({}, at("a"), {.if_match = third.etag}));
    EXPECT_FALSE(there("a"));
}

TEST_P(StoreSuite, RemovesABatchWithAVerdictForEach) {
    put("a", "1");
    put("b", "2");
    const std::vector<RemoveItem> items = {{.key = at("b").key}, {.key = at("a").key}};
    auto verdicts = store().remove_many({}, bucket(), items);
    ASSERT_TRUE(verdicts);
    ASSERT_EQ(verdicts->size(), 2u);
    EXPECT_TRUE((*verdicts)[0].verdict);
    EXPECT_TRUE((*verdicts)[1].verdict);
    EXPECT_TRUE(keys().empty());
}

TEST_P(StoreSuite, KeepsWhatChangedInABatch) {
    const auto a = put("a", "1");
    put("b", "2");
    const std::vector<RemoveItem> items = {{.key = at("a").key, .if_match = a.etag},
                                           {.key = at("b").key, .if_match = a.etag}};
    auto verdicts = store().remove_many({}, bucket(), items);
    ASSERT_TRUE(verdicts);
    EXPECT_TRUE((*verdicts)[0].verdict);
    const bool kept = offers(&Capabilities::remove_many_if_match);
    EXPECT_EQ(code_of((*verdicts)[1].verdict), kept ? std::optional(Code::conflict) : std::nullopt);
    EXPECT_EQ(there("b"), kept);
}

TEST_P(StoreSuite, TellsChecksums) {
    const bool kept = offers(&Capabilities::checksums);
    const Checksum sum = *checksum_of(Checksum::Algorithm::crc64nvme, "bytes");
    put("a", "bytes", {.checksum = sum});
    auto head = store().head({}, at("a"));
    ASSERT_TRUE(head);
    EXPECT_EQ(std::count(head->checksums.begin(), head->checksums.end(), sum), kept ? 1 : 0);
    auto wrong = store().put({}, at("b"), "other", {.checksum = sum});
    EXPECT_EQ(wrong.has_value(), !kept) << "a wrong checksum is refused where checksums are kept";
    EXPECT_EQ(there("b"), !kept);
}

TEST_P(StoreSuite, JoinsThePartsOfAnUpload) {
    const std::string first(5 << 20, 'a');
    PutOptions options;
    options.properties.content_type = "text/x-parts";
    auto upload = store().create_upload({}, at("big"), options);
    ASSERT_TRUE(upload) << upload.error().message;
    auto second_part = store().upload_part({}, *upload, 2, *bytes_source("tail"));
    auto first_part = store().upload_part({}, *upload, 1, *bytes_source(first));
    ASSERT_TRUE(first_part && second_part);
    EXPECT_FALSE(there("big")) << "nothing is visible before the end";
    EXPECT_EQ(store().parts({}, *upload)->size(), 2u);
    auto uploads = store().uploads({}, bucket(), at("big").key);
    ASSERT_TRUE(uploads);
    EXPECT_EQ(uploads->size(), 1u);

    const std::vector<Part> parts = {*first_part, *second_part};
    auto made = store().complete_upload({}, *upload, parts, {.size = first.size() + 4});
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_EQ(get("big"), first + "tail");
    EXPECT_EQ(store().head({}, at("big"))->properties.content_type, "text/x-parts");
    EXPECT_FALSE(is_plain_md5(made->etag) && made->etag != hex(md5(first + "tail"))) << "an ETag that lies";
    EXPECT_TRUE(store().uploads({}, bucket(), at("big").key)->empty());
}

TEST_P(StoreSuite, CopiesPartsOfAnObject) {
    const std::string body = std::string(5 << 20, 'a') + "0123456789";
    const auto source = put("source", body);
    auto upload = store().create_upload({}, at("target"), {});
    ASSERT_TRUE(upload);
    auto first = store().copy_part({}, *upload, 1, {at("source"), source.etag, 0, 5 << 20});
    auto second = store().copy_part({}, *upload, 2, {at("source"), source.etag, 5 << 20, 10});
    ASSERT_EQ(first && second, offers(&Capabilities::part_copy));
    const std::vector<Part> parts = first && second ? std::vector<Part>{*first, *second} : std::vector<Part>();
    auto made = store().complete_upload({}, *upload, parts, {});
    EXPECT_EQ(made.has_value(), !parts.empty());
    EXPECT_EQ(get("target"), made ? body : "<not_found>");
    EXPECT_TRUE(store().abort_upload({}, *upload));
}

TEST_P(StoreSuite, RefusesToCompleteOverAnObject) {
    put("a", "old");
    auto upload = store().create_upload({}, at("a"), {});
    ASSERT_TRUE(upload);
    auto part = store().upload_part({}, *upload, 1, *bytes_source("new"));
    ASSERT_TRUE(part);
    const std::vector<Part> parts = {*part};
    auto made = store().complete_upload({}, *upload, parts, {.if_absent = true});
    EXPECT_EQ(code_of(made), offers(&Capabilities::complete_if_absent) ? std::optional(Code::exists) : std::nullopt);
    EXPECT_EQ(get("a"), made ? "new" : "old");
    EXPECT_TRUE(store().abort_upload({}, *upload));
}

TEST_P(StoreSuite, ForgetsAnAbortedUpload) {
    auto upload = store().create_upload({}, at("a"), {});
    ASSERT_TRUE(upload);
    auto part = store().upload_part({}, *upload, 1, *bytes_source("new"));
    ASSERT_TRUE(part);
    EXPECT_TRUE(store().abort_upload({}, *upload));
    EXPECT_TRUE(store().abort_upload({}, *upload)) << "aborting twice is harmless";
    const std::vector<Part> parts = {*part};
    auto made = store().complete_upload({}, *upload, parts, {});
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, Code::not_found);
    EXPECT_FALSE(there("a"));
}

TEST_P(StoreSuite, LetsOneOfManyCreatorsWin) {
    const int expected = offers(&Capabilities::put_if_absent) ? 1 : 4;
    for (int round = 0; round < 20; ++round) {
        const std::string key = "race" + std::to_string(round);
        std::atomic<int> winners = 0;
        std::vector<std::thread> threads;
        for (int writer = 0; writer < 4; ++writer) {
            threads.emplace_back([&, writer] {
                auto made = store().put({}, at(key), "writer " + std::to_string(writer), {.if_absent = true});
                if (made) ++winners;
            });
        }
        for (auto& thread : threads)
            thread.join();
        EXPECT_EQ(winners, expected);
    }
}

TEST_P(StoreSuite, KnowsItsBucket) {
    EXPECT_TRUE(store().bucket_facts({}, bucket()));
    EXPECT_FALSE(store().identity().empty());
}

}  // namespace dray
