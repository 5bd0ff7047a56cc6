// What each error code and status of S3 and its relatives means to a caller.
#pragma once

#include <string_view>

#include "base/result.h"
#include "s3/classify.h"

namespace dray::s3 {

struct ErrorRule {
    std::string_view name = {};  // the error code; "*" at its end: codes that begin so
    Code code = Code::invalid;
    std::string_view reason = {};  // for receipts; empty: the Code's name
    bool maybe_done = false;       // a changing call may have taken effect all the same
    bool fatal = false;
    Repair repair = Repair::none;
    std::string_view advice = {};  // the next step for a reader
};

// nullptr: the code is not known.
const ErrorRule* rule_of_code(std::string_view code);
// For answers whose code is missing or unknown.
const ErrorRule& rule_of_status(int status);

}  // namespace dray::s3
