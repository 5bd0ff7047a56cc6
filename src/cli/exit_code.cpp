#include "cli/exit_code.h"

#include <algorithm>
#include <array>

namespace dray {
namespace {

// The worst first; signals stand between kRefused and kItemsFailed.
int badness(int code) {
    static constexpr std::array<int, 5> kOrder{kLocal, kCredentials, kEndpoint, kUsage, kRefused};
    const auto found = std::find(kOrder.begin(), kOrder.end(), code);
    if (found != kOrder.end()) return 100 - static_cast<int>(found - kOrder.begin());
    if (code > kSignalBase) return 50;
    return code == kItemsFailed ? 10 : 0;
}

}  // namespace

int exit_code(const Error& error, int signal) {
    switch (error.code) {
        case Code::invalid:
        case Code::unsupported:
        case Code::not_found:
        case Code::exists: return kUsage;
        case Code::refused: return kRefused;
        case Code::credentials:
        case Code::denied: return kCredentials;
        case Code::local: return kLocal;
        // L02, L06: a store that contradicts itself is no matter of this machine's.
        case Code::corrupt: return error.reason == "bad-listing" ? kItemsFailed : kLocal;
        case Code::conflict:  // of a request that named no condition
        case Code::throttled:
        case Code::unavailable:
        case Code::exhausted: return kEndpoint;
        case Code::cancelled: return signal ? kSignalBase + signal : kItemsFailed;
    }
    return kItemsFailed;
}

namespace {

bool everything_denied(const Balance::Totals& balance) {
    const auto denied = balance.failed_by.find(std::string(name_of(Code::denied)));
    return denied != balance.failed_by.end() && denied->second == balance.failed && balance.done + balance.left == 0;
}

}  // namespace

int exit_code(const RunResult& result, int signal) {
    std::vector<int> codes{kDone};
    if (everything_denied(result.balance)) codes.push_back(kCredentials);
    if (result.error) codes.push_back(exit_code(*result.error, signal));
    if (result.stopped) codes.push_back(kSignalBase + signal);
    if (result.outside > 0 || result.balance.failed > 0 || result.balance.left > 0) codes.push_back(kItemsFailed);
    return worst(codes);
}

int worst(const std::vector<int>& codes) {
    return *std::max_element(codes.begin(), codes.end(), [](int a, int b) { return badness(a) < badness(b); });
}

}  // namespace dray
