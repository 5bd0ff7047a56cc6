#include "base/result.h"

#include <gtest/gtest.h>

#include <memory>

namespace dray {
namespace {

Result<int> half(int value) {
    if (value % 2 != 0) return Error{.code = Code::invalid, .message = "odd"};
    return value / 2;
}

Result<int> quarter(int value) {
    TRY_LET(first, half(value));
    return half(first);
}

Status must_be_even(int value) {
    TRY(half(value));
    return {};
}

TEST(Result, HoldsAValueOrAnError) {
    EXPECT_EQ(*half(4), 2);
    EXPECT_EQ(half(3).error().message, "odd");
    EXPECT_EQ(half(3).value_or(7), 7);
}

TEST(Result, PassesErrorsOnThroughTry) {
    EXPECT_EQ(*quarter(8), 2);
    EXPECT_FALSE(quarter(6));
    EXPECT_TRUE(must_be_even(2));
    EXPECT_EQ(must_be_even(1).error().code, Code::invalid);
}

TEST(Result, CarriesMoveOnlyValues) {
    Result<std::unique_ptr<int>> made = std::make_unique<int>(5);
    const std::unique_ptr<int> value = std::move(made).value();
    EXPECT_EQ(*value, 5);
}

TEST(Result, ErrorsSayWhereTheyWere) {
    Error error = Error{.code = Code::unavailable, .message = "reset"}.within("copy a/b");
    EXPECT_EQ(error.message, "copy a/b: reset");
    EXPECT_TRUE(error.temporary());
}

TEST(ResultDeathTest, AbortsWhenTheValueOfAnErrorIsTaken) {
    EXPECT_DEATH({ static_cast<void>(half(3).value()); }, "broken invariant");
}

TEST(Code, NamesReadBackAsTheSameCode) {
    for (int i = 0; i <= static_cast<int>(Code::cancelled); ++i) {
        const auto code = static_cast<Code>(i);
        EXPECT_EQ(code_named(name_of(code)), code);
    }
    EXPECT_EQ(name_of(Code::not_found), "not_found");
    EXPECT_EQ(name_of(Code::cancelled), "cancelled");
    EXPECT_EQ(code_named("no such code"), std::nullopt);
}

}  // namespace
}  // namespace dray
