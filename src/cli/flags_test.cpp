#include "cli/flags.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <utility>

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

TEST(Flags, ThatAreUnknownAreNamedWhateverElseIsMissing) {
    for (const Arguments& wrong : {Arguments{"mv", "--hlep"}, Arguments{"mv", "s3://b/in/", "--hlep=x", "s3://b/out/"},
                                   Arguments{"ls", "--hlep"}, Arguments{"plan", "mv", "--hlep"}})
        EXPECT_TRUE(refusal(wrong).starts_with("there is no flag --hlep; see: dray " + wrong.front()))
            << refusal(wrong);
    EXPECT_TRUE(refusal({"--hlep"}).starts_with("there is no flag --hlep; see: dray --help")) << refusal({"--hlep"});
}

TEST(Flags, ThatTakeAnAmountNameThemselvesWhenItIsNone) {
    const std::vector<Arguments> wrong = {{"ls", "s3://b/", "--size", "abc"},    {"ls", "s3://b/", "--age", "+7"},
                                          {"ls", "s3://b/", "--size", "2k..1k"}, {"ls", "s3://b/", "--bwlimit", "x"},
                                          {"resume", "--quiet-time", "soon"},    {"runs", "--prune", "abc"}};
    for (const Arguments& arguments : wrong) {
        const std::string said = refusal(arguments);
        EXPECT_NE(said.find(arguments[arguments.size() - 2] + ": "), std::string::npos) << said;
        EXPECT_NE(said.find("write"), std::string::npos) << said;
        EXPECT_NE(said.find("dray " + arguments.front() + " --help"), std::string::npos) << said;
    }
}

TEST(Flags, OfNewObjectsTakeWordsThatS3KnowsAndAnyClass) {
    for (const Arguments& wrong : {Arguments{"--acl", "nope"}, Arguments{"--sse", "foo"}, Arguments{"--sse", "aes256"}})
        EXPECT_NE(refusal(move_with(wrong)).find(wrong[0] + ": " + wrong[1]), std::string::npos)
            << refusal(move_with(wrong));
    EXPECT_EQ(refusal(move_with({"--acl", "bucket-owner-full-control", "--sse", "aws:kms", "--storage-class", "COLD"})),
              "");
}

TEST(Flags, AFileOfNamesThatIsNotNamedIsNoLeaveToTakeEverything) {
    for (const std::string flag : {"--files-from", "--files-from-raw"}) {
        const std::string said = refusal(move_with({flag, ""}));
        EXPECT_NE(said.find(flag + ": names no file"), std::string::npos) << said;
        EXPECT_NE(refusal(move_with({flag + "="})), "");
        EXPECT_EQ(refusal(move_with({flag, "-"})), "");
    }
}

// Not taken and forgotten: whoever types it means that nothing is to happen.
TEST(Flags, ADryRunOfWhatHasAPlanAlreadyIsRefused) {
    for (const char* command : {"apply", "resume", "undo"}) {
        const std::string said = refusal({command, "last", "--dry-run"});
        EXPECT_NE(said.find("--dry-run"), std::string::npos) << said;
        EXPECT_NE(said.find("see: dray " + std::string(command) + " --help"), std::string::npos) << said;
    }
}

TEST(Flags, AnUnknownCommandIsNamedWithTheHelpThatListsTheKnownOnes) {
    EXPECT_EQ(refusal({"bogus"}), "there is no command bogus; see: dray --help");
    EXPECT_EQ(refusal({"plan", "bogus"}), "there is no command bogus; see: dray plan --help");
    EXPECT_NE(refusal({"plan"}).find("see: dray plan --help"), std::string::npos);
    EXPECT_NE(refusal({"plan", "mv"}).find("see: dray plan mv --help"), std::string::npos);
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

const std::vector<Arguments> kCommands = {
    {},        {"ls"},     {"mv"},   {"segregate"}, {"plan"},   {"plan", "mv"}, {"plan", "segregate"},
    {"apply"}, {"resume"}, {"undo"}, {"verify"},    {"status"}, {"report"},     {"runs"}};

std::string help_of(Arguments command) {
    command.emplace_back("--help");
    const auto parsed = parse_command_line(command);
    const auto* printed = parsed ? std::get_if<Printed>(&*parsed) : nullptr;
    return printed ? printed->text : std::string();
}

std::vector<std::string> lines_of(const std::string& text) {
    std::istringstream in(text);
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);)
        lines.push_back(line);
    return lines;
}

// The commands of dray that the examples type, as a shell would cut them. What stands beside one says what it is for.
std::vector<Arguments> examples_in(const std::string& help) {
    std::vector<Arguments> commands;
    bool goes_on = false;
    for (std::string line : lines_of(help)) {
        const bool begins = line.starts_with("  dray ");
        if (!begins && !goes_on) continue;
        if (begins) commands.emplace_back();
        goes_on = line.ends_with(" \\");
        if (goes_on) line.resize(line.size() - 2);
        line = line.substr(begins ? 7 : 6);
        std::string word;
        for (std::size_t at = 0; at <= line.size(); ++at) {
            if (at == line.size() || line[at] == ' ') {
                const bool spaces = word.empty();
                if (!spaces) commands.back().push_back(std::exchange(word, {}));
                if (spaces || line.substr(at).starts_with(" | ")) break;
                if (!line.substr(at).starts_with(" && dray ")) continue;
                commands.emplace_back();
                at += 8;
            } else if (line[at] == '\'') {
                const std::size_t end = line.find('\'', at + 1);
                word += line.substr(at + 1, end - at - 1);
                at = end;
            } else {
                word += line[at];
            }
        }
    }
    return commands;
}

TEST(Help, ShowsExamplesBeforeFlagsAndFitsATerminal) {
    for (const Arguments& command : kCommands) {
        const std::string help = help_of(command);
        SCOPED_TRACE(help);
        for (const std::string& line : lines_of(help))
            EXPECT_LE(line.size(), 80u) << line;
        EXPECT_LT(help.find("\nExamples:\n"), help.find("\n  -")) << "examples come first";
        EXPECT_GE(examples_in(help).size(), 2u);
    }
}

TEST(Help, HasExamplesThatCanBeTyped) {
    for (const Arguments& command : kCommands) {
        for (const Arguments& example : examples_in(help_of(command))) {
            std::string text;
            for (const std::string& word : example)
                text += " " + word;
            EXPECT_EQ(refusal(example), "") << "dray" << text;
            const bool belongs = std::equal(command.begin(), command.end(), example.begin());
            EXPECT_TRUE(belongs || (example.front() == "apply" && command.front() == "plan")) << text;
        }
    }
}

TEST(Help, ShowsNoStoreWhereNoneIsOpened) {
    for (const Arguments& command : kCommands) {
        const std::string help = help_of(command);
        const bool no_store = command.empty() || command == Arguments{"plan"} || command.front() == "status" ||
                              command.front() == "report" || command.front() == "runs";
        EXPECT_EQ(help.find("--endpoint") == std::string::npos, no_store) << help;
    }
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
