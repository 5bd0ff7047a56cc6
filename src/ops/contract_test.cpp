#include "ops/contract.h"

#include <gtest/gtest.h>

namespace dray {
namespace {

TEST(Contract, OfACopyIsReadAsItWasWritten) {
    RunContract contract{.scopes = {{"mem:", "b", "in/"}}};
    contract.options.what = Do::copy;
    contract.options.preserve = PropertySet();
    contract.options.changes = {.content = {{"content-type", "text/plain"}}, .metadata = {{"owner", "\xff\n"}}};
    for (const Overwrite overwrite : {Overwrite::never, Overwrite::newer, Overwrite::changed, Overwrite::always}) {
        contract.options.overwrite = overwrite;
        auto read = read_contract(write_contract(contract));
        ASSERT_TRUE(read) << read.error().message;
        EXPECT_EQ(*read, contract);
    }
}

TEST(Contract, OfACopyOfAnUnknownKindIsRefused) {
    const std::string text = write_contract({.options = {.what = Do::copy}, .scopes = {{"mem:", "b", "in/"}}});
    for (const std::string_view word : {"copy", "never"}) {
        std::string damaged = text;
        damaged.replace(damaged.find(word), word.size(), "other");
        auto read = read_contract(damaged);
        ASSERT_FALSE(read);
        EXPECT_EQ(read.error().code, Code::corrupt);
    }
}

}  // namespace
}  // namespace dray
