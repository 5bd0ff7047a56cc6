#include "cli/amounts.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <span>
#include <string_view>

#include "base/log.h"

namespace dray {
namespace {

constexpr double kMostAmount = 9e18;  // below 2^63, so that sums of two still fit

struct Unit {
    std::string_view name;
    double size;
};
constexpr double kKiB = 1024, kMiB = kKiB * 1024, kGiB = kMiB * 1024, kTiB = kGiB * 1024;
constexpr std::array<Unit, 10> kByteUnits{{{"", 1},
                                           {"k", kKiB},
                                           {"K", kKiB},
                                           {"KiB", kKiB},
                                           {"M", kMiB},
                                           {"MiB", kMiB},
                                           {"G", kGiB},
                                           {"GiB", kGiB},
                                           {"T", kTiB},
                                           {"TiB", kTiB}}};
constexpr std::array<Unit, 5> kTimeUnits{{{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}, {"w", 604800}}};

// Digits with at most one point. from_chars alone would take "inf", "nan" and a sign as well.
std::optional<double> decimal(std::string_view text) {
    double number = 0;
    if (text.find_first_not_of("0123456789.") != std::string_view::npos) return std::nullopt;
    const auto end = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    if (end.ec != std::errc() || end.ptr != text.data() + text.size()) return std::nullopt;
    return number;
}

// "1.5M": a number and a unit out of a table.
Result<std::uint64_t> scaled(const std::string& text, std::span<const Unit> units, const char* example) {
    const std::size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
    const auto amount = decimal(std::string_view(text).substr(0, digits));
    const auto unit = std::ranges::find(units, std::string_view(text).substr(digits), &Unit::name);
    if (!amount || unit == units.end() || *amount * unit->size > kMostAmount)
        return Error{.code = Code::invalid, .message = in_quotes(text) + " is no amount; write it like " + example};
    return static_cast<std::uint64_t>(*amount * unit->size);
}

}  // namespace

Result<std::uint64_t> parse_bytes(const std::string& text) {
    return scaled(text, kByteUnits, "64k, 1.5M or 2G");
}

Result<std::uint64_t> parse_age(const std::string& text) {
    return scaled(text, kTimeUnits, "90s, 10m, 2h, 7d or 4w");
}

Result<std::uint64_t> parse_count(const std::string& text, std::uint64_t least, std::uint64_t most) {
    std::uint64_t number = 0;
    const auto end = std::from_chars(text.data(), text.data() + text.size(), number);
    if (!text.empty() && end.ec == std::errc() && end.ptr == text.data() + text.size() && number >= least &&
        number <= most)
        return number;
    return Error{.code = Code::invalid,
                 .message = in_quotes(text) + " is no whole number " +
                            (most == UINT64_MAX ? "from " + std::to_string(least) + " on"
                                                : "between " + std::to_string(least) + " and " + std::to_string(most))};
}

Result<double> parse_decimal(const std::string& text) {
    if (const auto number = decimal(text)) return *number;
    return Error{.code = Code::invalid, .message = in_quotes(text) + " is no number; write it like 10 or 0.5"};
}

}  // namespace dray
