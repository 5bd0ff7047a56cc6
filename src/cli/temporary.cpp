#include "cli/temporary.h"

#include <cstdlib>
#include <filesystem>

namespace dray {

Result<TemporaryState> TemporaryState::make() {
    std::error_code failed;
    const std::filesystem::path temp = std::filesystem::temp_directory_path(failed);
    std::string path = ((failed ? std::filesystem::path("/tmp") : temp) / "dray-XXXXXX").string();
    if (mkdtemp(path.data())) return TemporaryState(std::move(path));
    return Error{.code = Code::local,
                 .message = "cannot make a directory like " + path + "; set TMPDIR to a directory that is writable"};
}

TemporaryState::~TemporaryState() {
    std::error_code ignored;  // what is left of it in TMPDIR is nobody's data
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

}  // namespace dray
