#include "cli/argparse.h"

#include <gtest/gtest.h>

namespace dray {
namespace {

const std::vector<ArgparseOption> kOptions{
    {"config", 'c'}, {"datetime", 'd'}, {"verbose", 'v', false}, {"strict-exit", 0, false}};

TEST(Argparse, ReadsEveryFormThatPythonReads) {
    for (const std::vector<std::string>& line : std::vector<std::vector<std::string>>{{"-c", "x.xml"},
                                                                                      {"-cx.xml"},
                                                                                      {"-c=x.xml"},
                                                                                      {"--config", "x.xml"},
                                                                                      {"--config=x.xml"},
                                                                                      {"--conf", "x.xml"},
                                                                                      {"--c=x.xml"},
                                                                                      {"-vcx.xml"}}) {
        const auto found = parse_arguments(kOptions, line);
        ASSERT_TRUE(found) << line[0];
        EXPECT_EQ(found->values.at("config"), "x.xml") << line[0];
    }
}

TEST(Argparse, TheLastOfRepeatedOptionsHolds) {
    EXPECT_EQ(parse_arguments(kOptions, {"-c", "a", "--config=b"})->values.at("config"), "b");
}

TEST(Argparse, TellsFlagsAndPositionals) {
    const auto found = parse_arguments(kOptions, {"a", "-v", "--strict", "--", "-c"});
    ASSERT_TRUE(found);
    EXPECT_TRUE(found->has("verbose") && found->has("strict-exit"));
    EXPECT_EQ(found->positional, (std::vector<std::string>{"a", "-c"}));
}

TEST(Argparse, RefusesWhatPythonRefuses) {
    const std::pair<std::vector<std::string>, const char*> table[] = {
        {{"--nope"}, "unrecognized arguments: --nope"},
        {{"-x"}, "unrecognized arguments: -x"},
        {{"-c"}, "expected one argument"},
        {{"-c", "-v"}, "expected one argument"},
        {{"--verbose=1"}, "ignored explicit argument"},
    };
    for (const auto& [line, words] : table) {
        const auto found = parse_arguments(kOptions, line);
        ASSERT_FALSE(found) << line[0];
        EXPECT_NE(found.error().message.find(words), std::string::npos) << found.error().message;
    }
    EXPECT_FALSE(parse_arguments({{"alpha"}, {"alps"}}, {"--al", "x"})) << "ambiguous";
}

}  // namespace
}  // namespace dray
