#include "cli/flags.h"

#include <gtest/gtest.h>

#include "cli/amounts.h"

namespace dray {
namespace {

using Arguments = std::vector<std::string>;

// The message of what was refused; empty: it was taken.
std::string refusal(const Arguments& arguments) {
    const auto parsed = parse_command_line(arguments);
    if (parsed) return {};
    EXPECT_EQ(parsed.error().code, Code::invalid);
    return parsed.error().message;
}

Arguments move_with(const Arguments& more) {
    Arguments all{"mv", "s3://b/in/", "s3://b/out/"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
}

TEST(Flags, TakeNoNumberThatIsNegativeOrNone) {
    for (const char* flag : {"--limit", "--max", "--workers", "--max-attempts", "--rate"})
        for (const char* value : {"-1", "-18446744073709551615", "+nan", "nan", "inf", "0x10", "", "1e3", "ten"})
            EXPECT_NE(refusal({"ls", "s3://b/", flag, value}), "") << flag << " " << value;
    for (const char* value : {"-1", "-18446744073709551615", "0x10", "1.5", "99999999999999999999"})
        EXPECT_NE(refusal(move_with({"--limit", value})).find(value), std::string::npos) << value;
    EXPECT_NE(refusal(move_with({"--workers", "0"})), "");
    EXPECT_NE(refusal(move_with({"--workers", "4097"})), "");

    const auto parsed = parse_command_line(move_with({"--limit", "0", "--workers", "4096", "--rate", "0.5"}));
    ASSERT_TRUE(parsed) << parsed.error().message;
    const auto& flags = std::get<MoveFlags>(*parsed);
    EXPECT_EQ(flags.limit, 0);
    EXPECT_EQ(flags.common.workers, 4096);
    EXPECT_EQ(flags.common.store.rate, 0.5);
}

TEST(Flags, ThatContradictEachOtherAreNotBothTaken) {
    EXPECT_NE(refusal(move_with({"--date", "2024-03-09 00:00:00", "--date-from", "modified"})), "");
    EXPECT_NE(refusal(move_with({"--date", "2024-03-09 00:00:00", "--match", "(x)", "--date-format", "%Y"})), "");
    EXPECT_NE(refusal(move_with({"--unmatched", "skip", "--unmatched-to", "err/{key}"})), "");
    EXPECT_NE(refusal(move_with({"--match-on", "name"})), "");
    EXPECT_NE(refusal(move_with({"--unset-group", "empty"})), "");

    EXPECT_EQ(refusal(move_with({"--match", "x", "--match-on", "name", "--unset-group", "empty"})), "");
    EXPECT_EQ(refusal(move_with({"--match", "x", "--unmatched-to", "err/{key}", "--date-from", "modified"})), "");
}

TEST(Flags, ChoiceAndSpeechAreTheSameForEveryCommandThatHasThem) {
    for (const Arguments& command : {Arguments{"ls", "s3://b/"}, Arguments{"mv", "s3://b/in/", "s3://b/out/"},
                                     Arguments{"segregate", "-c", "x.xml"}}) {
        Arguments all = command;
        all.insert(all.end(),
                   {"-v", "--max", "3", "--ext", "csv", "--exclude", "*x*", "--size", "+1", "--bwlimit", "10M"});
        EXPECT_EQ(refusal(all), "") << command.front();
    }
    for (const char* command : {"apply", "resume", "undo", "verify", "status", "report", "runs"})
        EXPECT_EQ(refusal({command, "-v"}), "") << command;

    const auto parsed = parse_command_line({"mv", "s3://b/in/", "s3://b/out/", "-v", "--max", "3", "--restored"});
    ASSERT_TRUE(parsed);
    const auto& flags = std::get<MoveFlags>(*parsed);
    EXPECT_EQ(flags.common.verbose, 1);
    EXPECT_EQ(flags.select.max, 3);
    EXPECT_TRUE(flags.restored);
}

TEST(Amounts, AreDecimalDigitsAndAUnit) {
    EXPECT_EQ(*parse_bytes("10"), 10);
    EXPECT_EQ(*parse_bytes("1.5M"), 1572864);
    EXPECT_EQ(*parse_bytes("100MiB"), 104857600);
    EXPECT_EQ(*parse_age("2h"), 7200);
    for (const char* text : {"", "nan", "-nan", "inf", "0x10", "1e3", "-1", "+1", " 1", "1 k", "1..5", ".", "k", "9e18",
                             "99999999999999999999T"})
        EXPECT_FALSE(parse_bytes(text)) << text;
    EXPECT_FALSE(parse_age("5"));
}

}  // namespace
}  // namespace dray
