// What tests of the local store's rooms ask of it alike. For tests only.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "store/local_store.h"

namespace dray {

// As a process sees them that has done nothing there yet.
inline std::vector<std::string> keys_for_another_process(const std::string& directory) {
    auto page = make_local_store({.durable = false})->list({}, {.bucket = directory});
    EXPECT_TRUE(page);
    std::vector<std::string> found;
    for (const auto& object : page->objects)
        found.push_back(object.key);
    return found;
}

}  // namespace dray
