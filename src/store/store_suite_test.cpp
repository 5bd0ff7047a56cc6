#include "store/store_suite.h"

#include <memory>

#include "store/local_store.h"
#include "store/memory_store.h"
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

}  // namespace

INSTANTIATE_TYPED_TEST_SUITE_P(Memory, StoreSuite, MakeMemory);
INSTANTIATE_TYPED_TEST_SUITE_P(VersionedMemory, StoreSuite, MakeVersionedMemory);
INSTANTIATE_TYPED_TEST_SUITE_P(OpaqueMemory, StoreSuite, MakeOpaqueMemory);
INSTANTIATE_TYPED_TEST_SUITE_P(Local, StoreSuite, MakeLocal);

}  // namespace dray
