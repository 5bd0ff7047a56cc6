// Says in PCRE2's language what Python's `re` (3.11, str patterns) understands by a pattern. docs/regex.md lists it.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace dray {

struct PythonPattern {
    std::string pcre2;       // for PCRE2_UTF, PCRE2_UCP, PCRE2_ALT_CIRCUMFLEX and newline LF
    std::size_t groups = 0;  // without group 0; numbered as in Python
    std::map<std::string, std::size_t, std::less<>> names;

    struct Place {
        std::size_t pcre2 = 0, python = 0;  // byte offsets of the same thing
    };
    std::vector<Place> places;  // ascending
};

// Error: invalid, where Python raises re.error (with its words), and for the few things PCRE2 cannot do.
Result<PythonPattern> translate_python_pattern(std::string_view pattern);

// The fault of a pattern at a byte offset, as every message about patterns shows it.
Error bad_pattern(std::string_view reason, std::string_view pattern, std::size_t offset);

}  // namespace dray
