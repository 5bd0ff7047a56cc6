#include "store/store_suite.h"

#include <memory>

#include "store/local_store.h"
#include "store/memory_store.h"
#include "store/model_store_test.h"
#include "store/test_dir.h"

namespace dray {
namespace {

struct Memory : StoreUnderTest {
    Memory() : Memory(MemoryStoreOptions{}) {}
    explicit Memory(const MemoryStoreOptions& options) {
        store = make_memory_store(options);
        has = store->capabilities();
    }
};

struct VersionedMemory : Memory {
    VersionedMemory() : Memory({.versioned = true}) {}
};

struct OpaqueMemory : Memory {
    OpaqueMemory()
        : Memory({.opaque_etags = true, .etag_changes_on_copy = true, .order = MemoryStoreOptions::Order::hashed}) {
        has.start_after = Guarantee::absent;  // it means nothing without an order
    }
};

struct LocalSubject : StoreUnderTest {
    LocalSubject() {
        store = make_local_store({.durable = false});
        bucket = directory.path();
        prefix.clear();
        has = store->capabilities();
    }
    TestDir directory;
};

Guarantee offered(bool kept) {
    return kept ? Guarantee::proven : Guarantee::absent;
}

// The S3 store in front of a model server, held to what the server's quirks leave of S3.
struct Model : StoreUnderTest {
    explicit Model(const model::Quirks& quirks) : server(model::ModelS3::start({.quirks = quirks})) {
        store = store_at(*server);
        server->make_bucket(bucket);
        has = {.copy_source_if_match = offered(quirks.copy_source_conditions),
               .copy_if_absent = offered(quirks.copy_if_none_match),
               .put_if_absent = offered(quirks.put_if_none_match),
               .put_if_match = offered(quirks.put_if_match),
               .remove_if_match = offered(quirks.delete_if_match),
               .remove_many_if_match = offered(quirks.batch_delete_etag),
               .complete_if_absent = offered(quirks.complete_if_none_match),
               .byte_order = offered(!quirks.directory_order),
               // The older listing has a marker of its own, which means the same.
               .start_after = offered(!quirks.no_start_after || quirks.no_list_v2),
               .reads_tags = Guarantee::proven,
               .copies_tags = offered(quirks.copy_keeps_tags),
               .copies_properties = Guarantee::proven,
               .checksums = offered(quirks.checksums),
               .part_copy = offered(quirks.part_copy)};
    }
    ~Model() override { EXPECT_EQ(server->stats().refused, 0u) << "every signature must be right"; }

    std::unique_ptr<model::ModelS3> server;
};
struct StrictS3 : Model {
    StrictS3() : Model(model::Quirks::strict()) {}
};
struct Radosgw : Model {
    Radosgw() : Model(model::Quirks::radosgw()) {}
};
struct IgnoringS3 : Model {
    IgnoringS3() : Model(model::Quirks::ignores()) {}
};
struct OldS3 : Model {  // lists in the first version only, rejects checksum headers
    OldS3() : Model(old()) {}
    static model::Quirks old() {
        model::Quirks quirks;
        quirks.no_list_v2 = quirks.checksums_not_implemented = true;
        quirks.no_start_after = quirks.no_v1_next_marker = true;
        quirks.checksums = false;
        return quirks;
    }
};

}  // namespace

INSTANTIATE_TEST_SUITE_P(Memory, StoreSuite, testing::Values(&under_test<Memory>));
INSTANTIATE_TEST_SUITE_P(VersionedMemory, StoreSuite, testing::Values(&under_test<VersionedMemory>));
INSTANTIATE_TEST_SUITE_P(OpaqueMemory, StoreSuite, testing::Values(&under_test<OpaqueMemory>));
INSTANTIATE_TEST_SUITE_P(Local, StoreSuite, testing::Values(&under_test<LocalSubject>));
INSTANTIATE_TEST_SUITE_P(StrictS3, StoreSuite, testing::Values(&under_test<StrictS3>));
INSTANTIATE_TEST_SUITE_P(Radosgw, StoreSuite, testing::Values(&under_test<Radosgw>));
INSTANTIATE_TEST_SUITE_P(IgnoringS3, StoreSuite, testing::Values(&under_test<IgnoringS3>));
INSTANTIATE_TEST_SUITE_P(OldS3, StoreSuite, testing::Values(&under_test<OldS3>));

}  // namespace dray
