// The AWS files' dialect of INI: sections, `name = value`, indented lines that belong to the setting above them, and
// comments in lines of their own or after a blank.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace dray::s3 {

// Section -> setting -> value. A nested setting ("s3 =" and below it "addressing_style = path") is named
// "s3.addressing_style". Names of settings are in lower case; of a setting given twice the last one holds.
using Ini = std::map<std::string, std::map<std::string, std::string>>;

// `file` is for messages. Error: invalid, with file and line; never with the line's content, which may be a secret.
Result<Ini> parse_ini(std::string_view text, std::string_view file);

}  // namespace dray::s3
