// The local store: a directory as a bucket, with S3's promises. Keys are kept byte for byte, objects appear whole or
// not at all, conditions hold among all dray processes, and nothing outside the directory is ever touched.
// docs/local-store.md is the format; docs/adr/0002-local-keys.md says why it is so.
#pragma once

#include <memory>
#include <string_view>

#include "store/local_sync.h"
#include "store/object_store.h"

namespace dray {

struct LocalStoreOptions {
    // fsync of files and directories before a change counts as done. Off only where data may be lost (tests).
    bool durable = true;
    SyncCalls sync = {};
};

// What identity() says.
inline constexpr std::string_view kLocalIdentity = "file:";

// One store serves all directories: ObjectRef::bucket is the absolute path of one. Where a bucket lies inside
// another, use the outer one for both (share_bucket() in store/url.h), else two keys are one object.
//
// Conditions are checked under a lock (flock) on the object's directory that every dray process takes; other programs
// do not, so what they change between check and effect is replaced or removed. if_absent holds against everybody.
// Versions do not exist. Encryption, ACLs and classes are accepted and mean nothing; a class is kept as a word.
std::unique_ptr<ObjectStore> make_local_store(LocalStoreOptions options = {});

}  // namespace dray
