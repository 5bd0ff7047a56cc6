// What belongs to a file beside its bytes, and S3 does not know: mode, owner, group, extended attributes.
#pragma once

#include <string>

#include "base/result.h"
#include "store/local_file.h"
#include "store/object_store.h"

namespace dray {

// Fills the file_ fields.
Status read_file_properties(const LocalFile& file, const std::string& path, Properties& properties);

// Gives them to a new file, as far as this user may and the file system can: what is missing afterwards is seen by
// reading both. To be called last, for a mode without write permission lets no attribute be set any more.
Status keep_file_properties(const LocalFile& from, int to, const std::string& path);

}  // namespace dray
