#include "cli/selection.h"

#include "base/clock.h"
#include "cli/amounts.h"

namespace dray {

Result<Selection> selection_of(const SelectFlags& flags, const std::string& prefix, bool no_markers) {
    SelectOptions options{.prefix = prefix,
                          .ext = flags.ext,
                          .glob = flags.glob,
                          .include = flags.include,
                          .exclude = flags.exclude,
                          .match = flags.match,
                          .now = real_clock().wall(),
                          .no_markers = no_markers};
    if (!flags.size.empty()) {
        TRY_LET(size, parse_range(flags.size, parse_bytes));
        options.size = size;
    }
    if (!flags.age.empty()) {
        TRY_LET(age, parse_range(flags.age, parse_age));
        options.age = age;
    }
    return compile_selection(options);
}

}  // namespace dray
