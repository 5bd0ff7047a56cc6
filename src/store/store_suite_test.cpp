#include "store/store_suite.h"

#include <memory>

#include "store/local_store.h"
#include "store/memory_store.h"
#include "store/model_store_test.h"
#include "store/test_dir.h"

namespace dray {
namespace {

struct MakeMemory {
    std::shared_ptr<ObjectStore> store = make_memory_store();
    std::string bucket = "bucket";
    std::string prefix = "some/prefix/";
    Capabilities has = store->capabilities();
    std::set<std::string> refused;
};

struct MakeVersionedMemory : MakeMemory {
    MakeVersionedMemory() { store = make_memory_store({.versioned = true}); }
};

struct MakeOpaqueMemory : MakeMemory {
    MakeOpaqueMemory() {
        store = make_memory_store(
            {.opaque_etags = true, .etag_changes_on_copy = true, .order = MemoryStoreOptions::Order::hashed});
        has = store->capabilities();
        has.start_after = Guarantee::absent;  // it means nothing without an order
    }
};

struct MakeLocal {
    TestDir directory;
    std::shared_ptr<ObjectStore> store = make_local_store({.durable = false});
    std::string bucket = directory.path();
    std::string prefix;
    Capabilities has = store->capabilities();
    std::set<std::string> refused;
};

Guarantee offered(bool kept) {
    return kept ? Guarantee::proven : Guarantee::absent;
}

// The S3 store in front of a model server, held to what the server's quirks leave of S3.
struct MakeModel {
    explicit MakeModel(const model::Quirks& quirks)
        : server(model::ModelS3::start({.quirks = quirks})),
          store(store_at(*server)),
          has{.copy_source_if_match = offered(quirks.copy_source_conditions),
              .copy_if_absent = offered(quirks.copy_if_none_match),
              .put_if_absent = offered(quirks.put_if_none_match),
              .put_if_match = offered(quirks.put_if_match),
              .remove_if_match = offered(quirks.delete_if_match),
              .remove_many_if_match = offered(quirks.batch_delete_etag),
              .complete_if_absent = offered(quirks.complete_if_none_match),
              .byte_order = offered(!quirks.directory_order),
              .start_after = offered(!quirks.no_start_after),
              .copies_tags = offered(quirks.copy_keeps_tags),
              .copies_properties = Guarantee::proven,
              .checksums = offered(quirks.checksums),
              .part_copy = offered(quirks.part_copy)} {
        server->make_bucket(bucket);
    }
    ~MakeModel() { EXPECT_EQ(server->stats().refused, 0u) << "every signature must be right"; }

    std::unique_ptr<model::ModelS3> server;
    std::shared_ptr<ObjectStore> store;
    std::string bucket = "raw";
    std::string prefix = "some/prefix/";
    Capabilities has;
    std::set<std::string> refused;
};
struct MakeStrictS3 : MakeModel {
    MakeStrictS3() : MakeModel(model::Quirks::strict()) {}
};
struct MakeRadosgw : MakeModel {
    MakeRadosgw() : MakeModel(model::Quirks::radosgw()) {}
};
struct MakeIgnoringS3 : MakeModel {
    MakeIgnoringS3() : MakeModel(model::Quirks::ignores()) {}
};
struct MakeOldS3 : MakeModel {  // lists in the first version only, rejects checksum headers
    MakeOldS3() : MakeModel(old()) {}
    static model::Quirks old() {
        model::Quirks quirks;
        quirks.no_list_v2 = quirks.checksums_not_implemented = true;
        quirks.no_start_after = quirks.no_v1_next_marker = true;
        quirks.checksums = false;
        return quirks;
    }
};

}  // namespace

INSTANTIATE_TYPED_TEST_SUITE_P(Memory, StoreSuite, MakeMemory);
INSTANTIATE_TYPED_TEST_SUITE_P(VersionedMemory, StoreSuite, MakeVersionedMemory);
INSTANTIATE_TYPED_TEST_SUITE_P(OpaqueMemory, StoreSuite, MakeOpaqueMemory);
INSTANTIATE_TYPED_TEST_SUITE_P(Local, StoreSuite, MakeLocal);
INSTANTIATE_TYPED_TEST_SUITE_P(StrictS3, StoreSuite, MakeStrictS3);
INSTANTIATE_TYPED_TEST_SUITE_P(Radosgw, StoreSuite, MakeRadosgw);
INSTANTIATE_TYPED_TEST_SUITE_P(IgnoringS3, StoreSuite, MakeIgnoringS3);
INSTANTIATE_TYPED_TEST_SUITE_P(OldS3, StoreSuite, MakeOldS3);

}  // namespace dray
