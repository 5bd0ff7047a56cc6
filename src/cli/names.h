// Names of objects out of a file, one a line.
#pragma once

#include <string>

#include "ops/named_objects.h"

namespace dray {

// `path`: a file, or "-" for the standard input. As rclone reads --files-from: blanks around a name are dropped, and so
// are empty lines and those that begin with # or ;. `raw`: every line that is not empty is a name, byte for byte.
// Error: invalid (it cannot be opened, or is a directory).
Result<NextName> names_from(const std::string& path, bool raw);

}  // namespace dray
