// Unicode beyond UTF-8: the spellings of a key that a store which normalises names would take for one, and numbers as
// Python reads them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dray {

// NFC: composed where it can be. Text that is not UTF-8 comes back as it is: a store could not normalise it either.
std::string nfc(std::string_view text);

// The full default case folding of Unicode ("Straße" and "STRASSE" are equal after it), of text that is UTF-8; else of
// its ASCII letters. Normalisation is not touched.
std::string case_folded(std::string_view text);

// Python's str.strip(): without whitespace of any script at both ends.
std::string_view stripped(std::string_view text);

// Python's int(text): whitespace around, a sign, single _ between digits, decimal digits of any script. nullopt: it is
// none, or does not fit.
std::optional<std::int64_t> python_int(std::string_view text);

}  // namespace dray
