// A directory of a test's own, removed with it. For tests only.
#pragma once

#include <filesystem>
#include <string>

namespace dray {

class TestDir {
public:
    TestDir() {
        std::string name = (std::filesystem::temp_directory_path() / "dray-test-XXXXXX").string();
        if (::mkdtemp(name.data()) != nullptr) path_ = name;
    }
    ~TestDir() {
        std::error_code ignored;
        if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
    }
    TestDir(const TestDir&) = delete;
    TestDir& operator=(const TestDir&) = delete;
    const std::string& path() const { return path_; }

private:
    std::string path_;
};

}  // namespace dray
