// Help: how `dray COMMAND --help` looks on a terminal of 80 columns. What it is for, how it is called, examples to
// copy, and only then the flags, by group.
#pragma once

#include <memory>

namespace CLI {
class FormatterBase;
}

namespace dray {

inline constexpr std::size_t kHelpColumns = 80;

// For CLI11. The examples are the command's footer.
std::shared_ptr<CLI::FormatterBase> help_formatter();

}  // namespace dray
