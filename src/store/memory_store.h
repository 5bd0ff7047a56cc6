// The memory store: S3's semantics to the letter, without a server; for tests and models. Switches make it as weak as
// the stores people really have, so that code can be shown every combination that a probe may find.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "store/memory_folds.h"
#include "store/object_store.h"

namespace dray {

// Conditions that are accepted and have no effect.
struct IgnoredConditions {
    bool copy_source_if_match = false;  // of copy and copy_part
    bool copy_if_absent = false;
    bool copy_if_match = false;
    bool put_if_absent = false;
    bool put_if_match = false;
    bool remove_if_match = false;
    bool remove_many_if_match = false;
    bool complete_if_absent = false;
    bool complete_if_match = false;
};

struct MemoryStoreOptions {
    Clock* clock = nullptr;         // borrowed; null: the machine's. LastModified is read from it
    std::set<std::string> buckets;  // empty: every bucket is there
    bool versioned = false;
    // False: capabilities() knows nothing, as of a remote store, and a probe has to find out.
    bool tells_capabilities = true;
    IgnoredConditions ignores;
    bool opaque_etags = false;  // no ETag says anything about the bytes
    // A copy gets an ETag that its source never had. Without it copies are as on S3: the MD5 of the bytes.
    bool etag_changes_on_copy = false;
    // Keys that it maps to the same bytes are one object, listed under those bytes: fold_slashes() and its like.
    std::function<std::string(std::string_view key)> alias;
    enum class Order : std::uint8_t { bytes, directories, hashed };
    Order order = Order::bytes;  // directories: "/" sorts before every other byte
    bool ignores_start_after = false;
    bool drops_tags_on_copy = false;
    bool drops_properties_on_copy = false;
    enum class Redirects : std::uint8_t { not_copied, copied, not_kept };
    Redirects redirects = Redirects::not_copied;
    std::string default_encryption;  // of what is put or copied without one
    bool no_checksums = false;       // none is verified, none is told
    bool no_part_copy = false;
    Limits limits;
    BucketFacts facts{.website = false, .acls_enabled = false, .object_lock = false, .default_encryption = false};
};

// Thread-safe. Bodies are shared by copies; about 400 bytes an object beside its key and body.
std::unique_ptr<ObjectStore> make_memory_store(MemoryStoreOptions options = {});

}  // namespace dray
