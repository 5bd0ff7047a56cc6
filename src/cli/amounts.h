// Amounts as people type them. Decimal digits only: no signs, no exponents, no "nan".
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace dray {

// "10", "64k", "1.5M", "2G" (powers of 1024) to bytes; "90s", "10m", "2h", "7d" to seconds. Error: invalid.
Result<std::uint64_t> parse_bytes(const std::string& text);
Result<std::uint64_t> parse_age(const std::string& text);

// A whole number between `least` and `most`; "0.5" and the like, from 0 on. Error: invalid.
Result<std::uint64_t> parse_count(const std::string& text, std::uint64_t least = 0, std::uint64_t most = UINT64_MAX);
Result<double> parse_decimal(const std::string& text);

}  // namespace dray
