#include "cli/exit_code.h"

#include <gtest/gtest.h>

namespace dray {
namespace {

RunResult result_with(std::optional<Code> code, bool stopped, std::uint64_t failed) {
    RunResult result;
    if (code) result.error = Error{.code = *code};
    result.stopped = stopped;
    result.balance.failed = failed;
    return result;
}

TEST(ExitCode, SaysDoneOnlyWhenEverythingIs) {
    EXPECT_EQ(exit_code(result_with({}, false, 0), 0), 0);
    EXPECT_EQ(exit_code(result_with({}, false, 1), 0), 1);
    RunResult left;
    left.balance.left = 1;
    EXPECT_EQ(exit_code(left, 0), 1);
}

TEST(ExitCode, P27GivesTheWorstOfSeveralInAFixedOrder) {
    EXPECT_EQ(exit_code(result_with(Code::local, true, 3), 2), 5);
    EXPECT_EQ(exit_code(result_with(Code::credentials, true, 3), 2), 4);
    EXPECT_EQ(exit_code(result_with(Code::unavailable, true, 3), 15), 6);
    EXPECT_EQ(exit_code(result_with(Code::refused, true, 3), 15), 3);
    EXPECT_EQ(exit_code(result_with({}, true, 3), 2), 130);
    EXPECT_EQ(exit_code(result_with({}, true, 0), 15), 143);
    EXPECT_EQ(worst({1, 6, 4, 5, 3}), 5);
    EXPECT_EQ(worst({1, 6, 4, 3}), 4);
    EXPECT_EQ(worst({130, 1}), 130);
    EXPECT_EQ(worst({3, 143}), 3);
}

TEST(ExitCode, TellsARunInWhichEverythingWasDeniedFromOneInWhichSomeItemsWere) {
    RunResult result;
    result.balance = {.listed = 3, .skipped = 1, .failed = 2, .failed_by = {{"denied", 2}}};
    EXPECT_EQ(exit_code(result, 0), 4) << "what is skipped was never asked for";

    RunResult one_done = result;
    one_done.balance.done = 1;
    EXPECT_EQ(exit_code(one_done, 0), 1);
    RunResult one_left = result;
    one_left.balance.left = 1;
    EXPECT_EQ(exit_code(one_left, 0), 1);
    RunResult otherwise = result;
    otherwise.balance.failed = 3;
    otherwise.balance.failed_by["conflict"] = 1;
    EXPECT_EQ(exit_code(otherwise, 0), 1);
}

TEST(ExitCode, L02_AListingThatCannotBeTrustedIsNoMatterOfThisMachine) {
    EXPECT_EQ(exit_code(Error{.code = Code::corrupt, .reason = "bad-listing"}, 0), 1);
}

TEST(ExitCode, L06_ARunWhoseListingToldOtherKeysIsNeverAllDone) {
    RunResult result;
    result.outside = 1;
    EXPECT_EQ(exit_code(result, 0), 1);
}

TEST(ExitCode, FollowsFromTheCodeAlone) {
    const std::pair<Code, int> table[] = {{Code::invalid, 2},     {Code::not_found, 2}, {Code::unsupported, 2},
                                          {Code::refused, 3},     {Code::denied, 4},    {Code::credentials, 4},
                                          {Code::local, 5},       {Code::corrupt, 5},   {Code::throttled, 6},
                                          {Code::unavailable, 6}, {Code::exhausted, 6}, {Code::cancelled, 130},
                                          {Code::conflict, 6}};
    for (const auto& [code, expected] : table)
        EXPECT_EQ(exit_code(Error{.code = code}, 2), expected) << name_of(code);
}

}  // namespace
}  // namespace dray
