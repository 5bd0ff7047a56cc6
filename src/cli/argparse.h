// Argparse: command lines as Python's argparse reads them, for the doors under old names: "--x v", "--x=v", "-xv",
// unambiguous beginnings of long names, "--" ends the options.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"

namespace dray {

struct ArgparseOption {
    std::string long_name;  // "config", without dashes
    char short_name = 0;    // 'c'; 0: none
    bool takes_value = true;
};

struct Arguments {
    std::map<std::string, std::string> values;  // by long name; the last one given
    std::set<std::string> flags;
    std::vector<std::string> positional;
    bool has(const std::string& name) const { return values.contains(name) || flags.contains(name); }
};

// "help" with -h is always there. Error: invalid, in argparse's words ("unrecognized arguments: --x").
Result<Arguments> parse_arguments(const std::vector<ArgparseOption>& options,
                                  const std::vector<std::string>& arguments);

}  // namespace dray
