// For property tests: a seed that is another one in every process, and is printed where a test fails.
//
//   const std::uint64_t seed = test_seed();
//   SCOPED_TRACE(seed_text(seed));
#pragma once

#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>

namespace dray {

// DRAY_SEED of the environment, to see a failure again.
inline std::uint64_t test_seed() {
    if (const char* given = std::getenv("DRAY_SEED")) return std::strtoull(given, nullptr, 10);
    return std::random_device()();
}

inline std::string seed_text(std::uint64_t seed) {
    return "DRAY_SEED=" + std::to_string(seed);
}

}  // namespace dray
