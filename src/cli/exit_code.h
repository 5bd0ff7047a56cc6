// Exit codes, from errors and results. The table for users is docs/exit-codes.md.
#pragma once

#include <vector>

#include "base/result.h"
#include "ops/life.h"

namespace dray {

enum Exit : int {
    kDone = 0,
    kItemsFailed = 1,
    kUsage = 2,
    kRefused = 3,
    kCredentials = 4,
    kLocal = 5,
    kEndpoint = 6,
};
inline constexpr int kSignalBase = 128;  // + the signal's number

int exit_code(const Error& error, int signal);
// The worst that applies, in the order 5, 4, 6, 3, signal, 1.
int exit_code(const RunResult& result, int signal);
int worst(const std::vector<int>& codes);

}  // namespace dray
