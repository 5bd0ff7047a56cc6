// The contract of object_store.h as a test suite that every store passes. Instantiate it with a type that makes the
// store under test:
//
//     struct MakeMine {
//         std::shared_ptr<ObjectStore> store;  // made by the constructor
//         std::string bucket;                  // exists, and takes our writes
//         std::string prefix;                  // ours alone: empty at the start, removed by the destructor
//         Capabilities has;                    // what to hold it to; the rest is skipped
//         std::set<std::string> refused;       // keys (without the prefix) that this store is known not to take
//     };
//     INSTANTIATE_TYPED_TEST_SUITE_P(Mine, StoreSuite, MakeMine);
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/checksum.h"
#include "store/body.h"
#include "store/checksums.h"
#include "store/object_store.h"

namespace dray {

template <class Maker>
class StoreSuite : public testing::Test {
protected:
    ObjectStore& store() { return *made_.store; }
    const Capabilities& has() const { return made_.has; }
    const std::string& bucket() const { return made_.bucket; }
    ObjectRef at(const std::string& key) const { return {made_.bucket, made_.prefix + key, {}}; }

    ObjectInfo put(const std::string& key, std::string_view bytes, const PutOptions& options = {}) {
        auto made = store().put({}, at(key), bytes, options);
        EXPECT_TRUE(made) << key << ": " << (made ? "" : made.error().message);
        return made ? *made : ObjectInfo{};
    }
    std::string get(const std::string& key) {
        auto bytes = get_whole({}, store(), at(key));
        return bytes ? *bytes : "<" + std::string(name_of(bytes.error().code)) + ">";
    }
    bool there(const std::string& key) { return store().head({}, at(key)).has_value(); }

    // Keys below the prefix, without it, page by page.
    std::vector<std::string> keys(ListRequest request = {}) {
        const std::string inner = request.prefix;
        request.bucket = made_.bucket;
        request.prefix = made_.prefix + inner;
        if (!request.start_after.empty()) request.start_after = made_.prefix + request.start_after;
        std::vector<std::string> found;
        for (int pages = 0; pages < 1000; ++pages) {
            auto page = store().list({}, request);
            EXPECT_TRUE(page) << (page ? "" : page.error().message);
            if (!page) return found;
            for (const auto& object : page->objects)
                found.push_back(object.key.substr(made_.prefix.size()));
            for (const auto& folder : page->common_prefixes)
                found.push_back(folder.substr(made_.prefix.size()));
            if (!page->truncated) return found;
            request.continuation = page->next;
        }
        ADD_FAILURE() << "the listing does not end";
        return found;
    }

    Maker made_;
};
TYPED_TEST_SUITE_P(StoreSuite);

#define DRAY_NEEDS(field) \
    if (!proven(this->has().field)) GTEST_SKIP() << "this store does not offer " #field

TYPED_TEST_P(StoreSuite, GivesBackTheBytesThatWerePut) {
    const std::string bytes("\0\xff\nbytes\r\n", 10);
    const ObjectInfo made = this->put("a", bytes);
    EXPECT_EQ(this->get("a"), bytes);
    auto head = this->store().head({}, this->at("a"));
    ASSERT_TRUE(head);
    EXPECT_EQ(head->size, bytes.size());
    EXPECT_EQ(head->etag, made.etag);
    EXPECT_FALSE(head->etag.empty());
    if (is_plain_md5(head->etag)) {
        EXPECT_EQ(head->etag, hex(md5(bytes)));
    }
}

TYPED_TEST_P(StoreSuite, KeepsAnObjectWithoutBytes) {
    this->put("empty", "");
    EXPECT_EQ(this->get("empty"), "");
    EXPECT_TRUE(this->there("empty"));
}

TYPED_TEST_P(StoreSuite, SaysNotFoundForWhatIsNotThere) {
    auto head = this->store().head({}, this->at("nothing"));
    ASSERT_FALSE(head);
    EXPECT_EQ(head.error().code, Code::not_found);
    EXPECT_FALSE(head.error().fatal);
    EXPECT_EQ(this->get("nothing"), "<not_found>");
    auto copied = this->store().copy({}, this->at("nothing"), this->at("b"), {});
    ASSERT_FALSE(copied);
    EXPECT_EQ(copied.error().code, Code::not_found);
}

TYPED_TEST_P(StoreSuite, ReplacesAnObjectAndItsETag) {
    const auto first = this->put("a", "one");
    const auto second = this->put("a", "two");
    EXPECT_NE(first.etag, second.etag);
    EXPECT_EQ(this->get("a"), "two");
}

TYPED_TEST_P(StoreSuite, ReadsARange) {
    this->put("a", "0123456789");
    EXPECT_EQ(*get_whole({}, this->store(), this->at("a"), {.offset = 3, .bytes = 4}), "3456");
    EXPECT_EQ(*get_whole({}, this->store(), this->at("a"), {.offset = 8}), "89");
}

TYPED_TEST_P(StoreSuite, RefusesToReadAnObjectThatChanged) {
    const auto first = this->put("a", "one");
    this->put("a", "two");
    auto read = get_whole({}, this->store(), this->at("a"), {.if_match = first.etag});
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, Code::conflict);
}

TYPED_TEST_P(StoreSuite, EndsAReadWithTheErrorOfItsSink) {
    this->put("a", "bytes");
    auto read = this->store().get({}, this->at("a"), {}, [](std::string_view) -> Status {
        return Error{.code = Code::local, .message = "no room"};
    });
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, Code::local);
}

TYPED_TEST_P(StoreSuite, KeepsAwkwardKeysApart) {
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
        if (this->made_.refused.contains(key)) continue;
        this->put(key, "body of " + key);
        kept.push_back(key);
    }
    for (const std::string& key : kept)
        EXPECT_EQ(this->get(key), "body of " + key);
    auto listed = this->keys();
    std::sort(kept.begin(), kept.end());
    if (!proven(this->has().byte_order)) std::sort(listed.begin(), listed.end());
    EXPECT_EQ(listed, kept);
    for (const std::string& key : kept)
        EXPECT_TRUE(this->store().remove({}, this->at(key), {})) << key;
    EXPECT_TRUE(this->keys().empty());
}

TYPED_TEST_P(StoreSuite, KeepsAnObjectBesideItsFolder) {
    this->put("both", "object");
    this->put("both/child", "child");
    this->put("late/child", "child");
    this->put("late", "object");
    EXPECT_EQ(this->get("both"), "object");
    EXPECT_EQ(this->get("both/child"), "child");
    EXPECT_EQ(this->get("late"), "object");
    EXPECT_TRUE(this->store().remove({}, this->at("both"), {}));
    EXPECT_FALSE(this->there("both"));
    EXPECT_TRUE(this->there("both/child"));
    EXPECT_TRUE(this->store().remove({}, this->at("late/child"), {}));
    EXPECT_EQ(this->get("late"), "object");
}

TYPED_TEST_P(StoreSuite, RefusesAKeyThatIsTooLong) {
    auto made = this->store().put({}, {this->bucket(), std::string(1025, 'k'), {}}, "x");
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, Code::invalid);
}

TYPED_TEST_P(StoreSuite, ListsInByteOrder) {
    DRAY_NEEDS(byte_order);
    for (const char* key : {"a/b", "a", "a.b", "a-b", "a/", "b", "a0", "B", "a/b/c", "a/b-c"})
        this->put(key, "x");
    EXPECT_THAT(this->keys(), testing::ElementsAre("B", "a", "a-b", "a.b", "a/", "a/b", "a/b-c", "a/b/c", "a0", "b"));
}

TYPED_TEST_P(StoreSuite, ListsPageByPageWithoutLossOrRepeat) {
    std::vector<std::string> keys;
    for (int i = 0; i < 25; ++i)
        keys.push_back("k" + std::to_string(i % 5) + "/" + std::to_string(i));
    for (const auto& key : keys)
        this->put(key, "x");
    for (std::uint32_t page : {1u, 2u, 7u, 25u, 26u}) {
        EXPECT_THAT(this->keys({.max_keys = page}), testing::UnorderedElementsAreArray(keys)) << page;
    }
}

TYPED_TEST_P(StoreSuite, ListsOnlyBelowThePrefix) {
    for (const char* key : {"foo", "foo/1", "food", "fo", "x/foo/1"})
        this->put(key, "x");
    EXPECT_THAT(this->keys({.prefix = "foo"}), testing::UnorderedElementsAre("foo", "foo/1", "food"));
    EXPECT_THAT(this->keys({.prefix = "foo/"}), testing::ElementsAre("foo/1"));
    EXPECT_THAT(this->keys({.prefix = "nothing/here"}), testing::IsEmpty());
}

TYPED_TEST_P(StoreSuite, ListsFoldersOnceAcrossPages) {
    for (const char* key : {"a/1", "a/2", "a/3", "b", "c/1", "c/d/2", "d"})
        this->put(key, "x");
    for (std::uint32_t page : {1u, 2u, 100u}) {
        EXPECT_THAT(this->keys({.delimiter = "/", .max_keys = page}),
                    testing::UnorderedElementsAre("a/", "b", "c/", "d"))
            << page;
    }
    EXPECT_THAT(this->keys({.prefix = "c/", .delimiter = "/"}), testing::UnorderedElementsAre("c/1", "c/d/"));
}

TYPED_TEST_P(StoreSuite, StartsAListingAfterAnyKey) {
    DRAY_NEEDS(start_after);
    for (const char* key : {"a", "a/1", "a/2", "b", "c"})
        this->put(key, "x");
    EXPECT_THAT(this->keys({.start_after = "a/1"}), testing::ElementsAre("a/2", "b", "c"));
    EXPECT_THAT(this->keys({.start_after = "a/11"}), testing::ElementsAre("a/2", "b", "c"));
    EXPECT_THAT(this->keys({.prefix = "a/", .start_after = "a"}), testing::ElementsAre("a/1", "a/2"));
    EXPECT_THAT(this->keys({.start_after = "zzz"}), testing::IsEmpty());
}

TYPED_TEST_P(StoreSuite, ListsWhatHeadSays) {
    const auto made = this->put("a", "bytes");
    auto page = this->store().list({}, {.bucket = this->bucket(), .prefix = this->at("a").key});
    ASSERT_TRUE(page);
    ASSERT_EQ(page->objects.size(), 1u);
    EXPECT_EQ(page->objects[0].size, 5u);
    EXPECT_EQ(page->objects[0].etag, made.etag);
}

TYPED_TEST_P(StoreSuite, KeepsProperties) {
    PutOptions options;
    options.properties.content_type = "text/x-test";
    options.properties.cache_control = "no-cache";
    options.properties.content_disposition = "attachment; filename=\"a b.txt\"";
    options.properties.metadata = {{"one", "1"}, {"two", "zwei %41"}};
    this->put("a", "bytes", options);
    auto head = this->store().head({}, this->at("a"));
    ASSERT_TRUE(head);
    EXPECT_EQ(head->properties.content_type, "text/x-test");
    EXPECT_EQ(head->properties.cache_control, "no-cache");
    EXPECT_EQ(head->properties.content_disposition, "attachment; filename=\"a b.txt\"");
    EXPECT_EQ(head->properties.metadata, options.properties.metadata);
}

TYPED_TEST_P(StoreSuite, CopiesBytesAndProperties) {
    PutOptions options;
    options.properties.content_type = "text/x-test";
    options.properties.metadata = {{"one", "1"}};
    const auto source = this->put("a", "bytes", options);
    auto made = this->store().copy({}, this->at("a"), this->at("b"), {.source_if_match = source.etag});
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_EQ(this->get("b"), "bytes");
    EXPECT_EQ(this->get("a"), "bytes");
    auto head = this->store().head({}, this->at("b"));
    ASSERT_TRUE(head);
    EXPECT_EQ(head->etag, made->etag);
    if (proven(this->has().copies_properties)) {
        EXPECT_EQ(head->properties.content_type, "text/x-test");
        EXPECT_EQ(head->properties.metadata, options.properties.metadata);
    }
}

TYPED_TEST_P(StoreSuite, ReplacesPropertiesInPlace) {
    PutOptions options;
    options.properties.content_type = "text/x-old";
    options.properties.metadata = {{"old", "1"}};
    this->put("a", "bytes", options);
    Properties wanted;
    wanted.content_type = "text/x-new";
    wanted.metadata = {{"new", "2"}};
    ASSERT_TRUE(this->store().copy({}, this->at("a"), this->at("a"), {.replace = wanted}));
    auto head = this->store().head({}, this->at("a"));
    ASSERT_TRUE(head);
    EXPECT_EQ(head->properties.content_type, "text/x-new");
    EXPECT_EQ(head->properties.metadata, wanted.metadata);
    EXPECT_EQ(this->get("a"), "bytes");
}

TYPED_TEST_P(StoreSuite, CopiesTags) {
    DRAY_NEEDS(copies_tags);
    const std::vector<NameValue> tags = {{"colour", "blue"}, {"size", "9"}};
    const auto made = this->put("a", "bytes");
    ASSERT_TRUE(this->store().set_tags({}, this->at("a"), tags));
    EXPECT_EQ(*this->store().tags({}, this->at("a")), tags);
    EXPECT_EQ(this->store().head({}, this->at("a"))->etag, made.etag) << "tags are no part of the bytes";
    ASSERT_TRUE(this->store().copy({}, this->at("a"), this->at("b"), {}));
    EXPECT_EQ(*this->store().tags({}, this->at("b")), tags);
    EXPECT_EQ(this->store().head({}, this->at("b"))->properties.tag_count, 2u);
    ASSERT_TRUE(this->store().set_tags({}, this->at("b"), {}));
    EXPECT_TRUE(this->store().tags({}, this->at("b"))->empty());
}

TYPED_TEST_P(StoreSuite, RefusesToPutOverAnObject) {
    DRAY_NEEDS(put_if_absent);
    this->put("a", "old");
    auto made = this->store().put({}, this->at("a"), "new", {.if_absent = true});
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, Code::exists);
    EXPECT_EQ(this->get("a"), "old");
    EXPECT_TRUE(this->store().put({}, this->at("fresh"), "new", {.if_absent = true}));
}

TYPED_TEST_P(StoreSuite, PutsOnlyOverTheObjectNamed) {
    DRAY_NEEDS(put_if_match);
    const auto first = this->put("a", "one");
    const auto second = this->store().put({}, this->at("a"), "two", {.if_match = first.etag});
    ASSERT_TRUE(second);
    auto third = this->store().put({}, this->at("a"), "three", {.if_match = first.etag});
    ASSERT_FALSE(third);
    EXPECT_EQ(third.error().code, Code::conflict);
    EXPECT_EQ(this->get("a"), "two");
}

TYPED_TEST_P(StoreSuite, RefusesToCopyASourceThatChanged) {
    DRAY_NEEDS(copy_source_if_match);
    const auto first = this->put("a", "one");
    this->put("a", "two");
    auto made = this->store().copy({}, this->at("a"), this->at("b"), {.source_if_match = first.etag});
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, Code::conflict);
    EXPECT_FALSE(this->there("b"));
}

TYPED_TEST_P(StoreSuite, RefusesToCopyOverAnObject) {
    DRAY_NEEDS(copy_if_absent);
    this->put("a", "new");
    this->put("b", "old");
    auto made = this->store().copy({}, this->at("a"), this->at("b"), {.target_if_absent = true});
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, Code::exists);
    EXPECT_EQ(this->get("b"), "old");
}

TYPED_TEST_P(StoreSuite, RemovingWhatIsNotThereSucceeds) {
    EXPECT_TRUE(this->store().remove({}, this->at("nothing"), {}));
    EXPECT_TRUE(this->store().remove({}, this->at("no/such/folder"), {}));
}

TYPED_TEST_P(StoreSuite, RemovesOnlyTheObjectNamed) {
    DRAY_NEEDS(remove_if_match);
    const auto first = this->put("a", "one");
    const auto second = this->put("a", "two");
    auto removed = this->store().remove({}, this->at("a"), {.if_match = first.etag});
    ASSERT_FALSE(removed);
    EXPECT_EQ(removed.error().code, Code::conflict);
    EXPECT_EQ(this->get("a"), "two");
    EXPECT_TRUE(this->store().remove({}, this->at("a"), {.if_match = second.etag}));
    EXPECT_FALSE(this->there("a"));
}

TYPED_TEST_P(StoreSuite, RemovesABatchWithAVerdictForEach) {
    this->put("a", "1");
    this->put("b", "2");
    const std::vector<RemoveItem> items = {{.key = this->at("b").key}, {.key = this->at("a").key}};
    auto verdicts = this->store().remove_many({}, this->bucket(), items);
    ASSERT_TRUE(verdicts);
    ASSERT_EQ(verdicts->size(), 2u);
    EXPECT_TRUE((*verdicts)[0].verdict);
    EXPECT_TRUE((*verdicts)[1].verdict);
    EXPECT_TRUE(this->keys().empty());
}

TYPED_TEST_P(StoreSuite, KeepsWhatChangedInABatch) {
    DRAY_NEEDS(remove_many_if_match);
    const auto a = this->put("a", "1");
    this->put("b", "2");
    const std::vector<RemoveItem> items = {{.key = this->at("a").key, .if_match = a.etag},
                                           {.key = this->at("b").key, .if_match = a.etag}};
    auto verdicts = this->store().remove_many({}, this->bucket(), items);
    ASSERT_TRUE(verdicts);
    EXPECT_TRUE((*verdicts)[0].verdict);
    ASSERT_FALSE((*verdicts)[1].verdict);
    EXPECT_EQ((*verdicts)[1].verdict.error().code, Code::conflict);
    EXPECT_EQ(this->get("b"), "2");
}

TYPED_TEST_P(StoreSuite, TellsChecksums) {
    DRAY_NEEDS(checksums);
    const Checksum sum = *checksum_of(Checksum::Algorithm::crc64nvme, "bytes");
    this->put("a", "bytes", {.checksum = sum});
    auto head = this->store().head({}, this->at("a"));
    ASSERT_TRUE(head);
    EXPECT_THAT(head->checksums, testing::Contains(sum));
    auto wrong = this->store().put({}, this->at("b"), "other", {.checksum = sum});
    EXPECT_FALSE(wrong) << "a wrong checksum was accepted";
    EXPECT_FALSE(this->there("b"));
}

TYPED_TEST_P(StoreSuite, JoinsThePartsOfAnUpload) {
    const std::string first(5 << 20, 'a');
    PutOptions options;
    options.properties.content_type = "text/x-parts";
    auto upload = this->store().create_upload({}, this->at("big"), options);
    ASSERT_TRUE(upload) << upload.error().message;
    auto second_part = this->store().upload_part({}, *upload, 2, *bytes_source("tail"));
    auto first_part = this->store().upload_part({}, *upload, 1, *bytes_source(first));
    ASSERT_TRUE(first_part && second_part);
    EXPECT_FALSE(this->there("big")) << "nothing is visible before the end";
    EXPECT_EQ(this->store().parts({}, *upload)->size(), 2u);
    auto uploads = this->store().uploads({}, this->bucket(), this->at("big").key);
    ASSERT_TRUE(uploads);
    EXPECT_EQ(uploads->size(), 1u);

    const std::vector<Part> parts = {*first_part, *second_part};
    auto made = this->store().complete_upload({}, *upload, parts, {.size = first.size() + 4});
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_EQ(this->get("big"), first + "tail");
    EXPECT_EQ(this->store().head({}, this->at("big"))->properties.content_type, "text/x-parts");
    EXPECT_FALSE(is_plain_md5(made->etag) && made->etag != hex(md5(first + "tail"))) << "an ETag that lies";
    EXPECT_TRUE(this->store().uploads({}, this->bucket(), this->at("big").key)->empty());
}

TYPED_TEST_P(StoreSuite, CopiesPartsOfAnObject) {
    DRAY_NEEDS(part_copy);
    const std::string body = std::string(5 << 20, 'a') + "0123456789";
    const auto source = this->put("source", body);
    auto upload = this->store().create_upload({}, this->at("target"), {});
    ASSERT_TRUE(upload);
    auto first = this->store().copy_part({}, *upload, 1, {this->at("source"), source.etag, 0, 5 << 20});
    auto second = this->store().copy_part({}, *upload, 2, {this->at("source"), source.etag, 5 << 20, 10});
    ASSERT_TRUE(first && second);
    const std::vector<Part> parts = {*first, *second};
    ASSERT_TRUE(this->store().complete_upload({}, *upload, parts, {}));
    EXPECT_EQ(this->get("target"), body);
}

TYPED_TEST_P(StoreSuite, RefusesToCompleteOverAnObject) {
    DRAY_NEEDS(complete_if_absent);
    this->put("a", "old");
    auto upload = this->store().create_upload({}, this->at("a"), {});
    ASSERT_TRUE(upload);
    auto part = this->store().upload_part({}, *upload, 1, *bytes_source("new"));
    ASSERT_TRUE(part);
    const std::vector<Part> parts = {*part};
    auto made = this->store().complete_upload({}, *upload, parts, {.if_absent = true});
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, Code::exists);
    EXPECT_EQ(this->get("a"), "old");
    EXPECT_TRUE(this->store().abort_upload({}, *upload));
}

TYPED_TEST_P(StoreSuite, ForgetsAnAbortedUpload) {
    auto upload = this->store().create_upload({}, this->at("a"), {});
    ASSERT_TRUE(upload);
    auto part = this->store().upload_part({}, *upload, 1, *bytes_source("new"));
    ASSERT_TRUE(part);
    EXPECT_TRUE(this->store().abort_upload({}, *upload));
    EXPECT_TRUE(this->store().abort_upload({}, *upload)) << "aborting twice is harmless";
    const std::vector<Part> parts = {*part};
    auto made = this->store().complete_upload({}, *upload, parts, {});
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, Code::not_found);
    EXPECT_FALSE(this->there("a"));
}

TYPED_TEST_P(StoreSuite, LetsOneOfManyCreatorsWin) {
    DRAY_NEEDS(put_if_absent);
    for (int round = 0; round < 20; ++round) {
        const std::string key = "race" + std::to_string(round);
        std::atomic<int> winners = 0;
        std::vector<std::thread> threads;
        for (int writer = 0; writer < 4; ++writer) {
            threads.emplace_back([&, writer] {
                auto made =
                    this->store().put({}, this->at(key), "writer " + std::to_string(writer), {.if_absent = true});
                if (made) ++winners;
            });
        }
        for (auto& thread : threads)
            thread.join();
        EXPECT_EQ(winners, 1);
    }
}

TYPED_TEST_P(StoreSuite, KnowsItsBucket) {
    EXPECT_TRUE(this->store().bucket_facts({}, this->bucket()));
    EXPECT_FALSE(this->store().identity().empty());
}

REGISTER_TYPED_TEST_SUITE_P(StoreSuite, GivesBackTheBytesThatWerePut, KeepsAnObjectWithoutBytes,
                            SaysNotFoundForWhatIsNotThere, ReplacesAnObjectAndItsETag, ReadsARange,
                            RefusesToReadAnObjectThatChanged, EndsAReadWithTheErrorOfItsSink, KeepsAwkwardKeysApart,
                            KeepsAnObjectBesideItsFolder, RefusesAKeyThatIsTooLong, ListsInByteOrder,
                            ListsPageByPageWithoutLossOrRepeat, ListsOnlyBelowThePrefix, ListsFoldersOnceAcrossPages,
                            StartsAListingAfterAnyKey, ListsWhatHeadSays, KeepsProperties, CopiesBytesAndProperties,
                            ReplacesPropertiesInPlace, CopiesTags, RefusesToPutOverAnObject, PutsOnlyOverTheObjectNamed,
                            RefusesToCopyASourceThatChanged, RefusesToCopyOverAnObject, RemovingWhatIsNotThereSucceeds,
                            RemovesOnlyTheObjectNamed, RemovesABatchWithAVerdictForEach, KeepsWhatChangedInABatch,
                            TellsChecksums, JoinsThePartsOfAnUpload, CopiesPartsOfAnObject,
                            RefusesToCompleteOverAnObject, ForgetsAnAbortedUpload, LetsOneOfManyCreatorsWin,
                            KnowsItsBucket);

}  // namespace dray
