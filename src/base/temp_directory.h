// TempDirectory: for tests only. A fresh directory that vanishes with its object.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

#include "base/check.h"

namespace dray {

class TempDirectory {
public:
    TempDirectory() {
        path_ = (std::filesystem::temp_directory_path() / "dray-test-XXXXXX").string();
        CHECK(::mkdtemp(path_.data()) != nullptr);
    }
    ~TempDirectory() {
        std::error_code ignored;  // a leftover temp directory fails no test
        std::filesystem::remove_all(path_, ignored);
    }
    TempDirectory(const TempDirectory&) = delete;
    TempDirectory& operator=(const TempDirectory&) = delete;

    const std::string& path() const { return path_; }
    std::string file(const std::string& name) const { return path_ + "/" + name; }

private:
    std::string path_;
};

}  // namespace dray
