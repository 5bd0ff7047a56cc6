#include "base/log.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "base/temp_directory.h"

namespace dray {
namespace {

// Puts the log back as it was at the start.
class Log : public testing::Test {
protected:
    ~Log() override { EXPECT_TRUE(set_up_log({})); }

    Status set_up(LogLevel file_level) {
        return set_up_log({.stderr_level = LogLevel::error, .file_level = file_level, .file = path_});
    }
    std::string content() const { return *read_file(path_, 1 << 20); }

    TempDirectory dir_;
    const std::string path_ = dir_.file("log");
};

TEST_F(Log, WritesOneEventALine) {
    ASSERT_TRUE(set_up(LogLevel::info));
    log_event(LogLevel::warning, "retry", {{"key", "a b"}, {"attempt", "2"}, {"note", ""}});
    log_event(LogLevel::debug, "unseen");
    const std::string line = content();
    ASSERT_GT(line.size(), 25U);
    EXPECT_EQ(line.substr(23), "Z warning retry key=\"a b\" attempt=2 note=\"\"\n") << line;
    EXPECT_EQ(line[10], 'T');
    EXPECT_EQ(line[19], '.');
}

TEST_F(Log, S12NoValueBreaksItsLine) {
    ASSERT_TRUE(set_up(LogLevel::debug));
    log_event(LogLevel::info, "listed", {{"key", "a\nERROR b\x1b]52;c;x\x07"}});
    const std::string text = content();
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
    EXPECT_NE(text.find(R"(key="a\x0aERROR b\x1b]52;c;x\x07")"), std::string::npos) << text;
}

TEST_F(Log, AppendsToItsFile) {
    ASSERT_TRUE(write_file_atomically(path_, "before\n"));
    ASSERT_TRUE(set_up(LogLevel::info));
    log_event(LogLevel::info, "after");
    EXPECT_TRUE(content().starts_with("before\n"));
    EXPECT_TRUE(content().ends_with(" info after\n"));
}

TEST_F(Log, P03AFullDiskIsCountedAndWorkGoesOn) {
    ASSERT_TRUE(set_up_log({.stderr_level = LogLevel::error, .file_level = LogLevel::info, .file = "/dev/full"}));
    const std::uint64_t before = log_lines_lost();
    log_event(LogLevel::info, "one");
    log_event(LogLevel::info, "two");
    EXPECT_EQ(log_lines_lost() - before, 2U);
}

TEST_F(Log, NamesAFileThatCannotBeOpened) {
    auto status = set_up_log({.file = dir_.file("missing/log")});
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, Code::local);
}

TEST_F(Log, KeepsTheLinesOfManyThreadsWhole) {
    ASSERT_TRUE(set_up(LogLevel::info));
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([] {
            for (int i = 0; i < 100; ++i)
                log_event(LogLevel::info, "tick", {{"text", std::string(100, 'x')}});
        });
    for (auto& thread : threads)
        thread.join();
    std::string text = content();
    int lines = 0;
    for (std::size_t end = 0; (end = text.find('\n')) != std::string::npos; ++lines) {
        EXPECT_TRUE(text.substr(0, end).ends_with(" info tick text=" + std::string(100, 'x')));
        text.erase(0, end + 1);
    }
    EXPECT_EQ(lines, 400);
}

TEST(Printable, S12LeavesNothingThatATerminalActsOn) {
    EXPECT_EQ(printable("plain \\ \" caf\xC3\xA9 \xF0\x9F\x98\x80"), "plain \\ \" caf\xC3\xA9 \xF0\x9F\x98\x80");
    EXPECT_EQ(printable("\n\t\x1b[0m\x7f"), R"(\x0a\x09\x1b[0m\x7f)");
    EXPECT_EQ(printable(std::string_view("\0", 1)), R"(\x00)");
    EXPECT_EQ(printable("\xC2\x9B"
                        "31m"),
              R"(\xc2\x9b31m)")
        << "C1: a one-character CSI";
    EXPECT_EQ(printable("\xE2\x80\xAE"
                        "abc\xE2\x81\xA6\xD8\x9C"),
              R"(\xe2\x80\xaeabc\xe2\x81\xa6\xd8\x9c)")
        << "bidi";
    EXPECT_EQ(printable("\xFF\xC3"), R"(\xff\xc3)");
}

TEST(Printable, S12IsAlwaysOneLineOfUtf8) {
    std::mt19937 random(11);
    for (int round = 0; round < 20'000; ++round) {
        std::string bytes(random() % 20, '\0');
        for (char& byte : bytes)
            byte = static_cast<char>(random());
        const std::string text = printable(bytes);
        ASSERT_TRUE(is_utf8(text));
        ASSERT_TRUE(
            std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }));
    }
}

TEST(Quoted, QuotesOnlyWhereAReaderWouldErr) {
    EXPECT_EQ(in_quotes("plain/key.json"), "plain/key.json");
    EXPECT_EQ(in_quotes(""), "\"\"");
    EXPECT_EQ(in_quotes("a b"), "\"a b\"");
    EXPECT_EQ(in_quotes("a=b"), "\"a=b\"");
    EXPECT_EQ(in_quotes("say \"hi\" \\"), R"("say \"hi\" \\")");
    EXPECT_EQ(in_quotes("a \n"), R"("a \x0a")");
}

TEST(ShellWord, LeavesPlainWordsAlone) {
    EXPECT_EQ(shell_word("s3://bucket/pre-fix_1/a.json"), "s3://bucket/pre-fix_1/a.json");
    EXPECT_EQ(shell_word(""), "''");
    EXPECT_EQ(shell_word("it's"), "'it'\\''s'");
    EXPECT_EQ(shell_word("~"), "'~'");
    EXPECT_EQ(shell_word("a=b"), "'a=b'");
    EXPECT_EQ(shell_word("\x1b[0m"), "''\"$(printf '\\033')\"'[0m'");
}

// What sh makes of the words, each ended by a NUL.
std::string through_shell(const std::vector<std::string>& words) {
    TempDirectory dir;
    std::string script = "set --";
    for (const std::string& word : words)
        script += " " + shell_word(word);
    script += "\nprintf '%s\\0' \"$@\"\n";
    EXPECT_TRUE(write_file_atomically(dir.file("script"), script));
    const std::string command = "sh " + shell_word(dir.file("script"));
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "re"), &::pclose);
    std::string output;
    std::array<char, 65536> buffer{};
    while (const std::size_t got = std::fread(buffer.data(), 1, buffer.size(), pipe.get()))
        output.append(buffer.data(), got);
    return output;
}

TEST(ShellWord, S14TheShellGivesTheSameBytesBack) {
    std::vector<std::string> words = {
        "",   " ", "'", "''",    "\\",       "$(id)",           "`id`", "${HOME}", "*",   "!",   "a\nb", "\n",
        "-n", "~", "#", "a\\'b", "\xFF\xFE", "\x1b]52;c;x\x07", "\r\n", "%s",      "\\n", "\x7f"};
    std::mt19937 random(13);
    const std::string_view alphabet =
        "ab '\"\\$`*?[]{}()<>|&;!#~=%^\n\t\r\x1b\x7f\x80\xC2\x9B\xC3\xA9\xE2\x80\xAE\xFF-";
    while (words.size() < 5000) {
        std::string word;
        // One byte at a time needs a process a run; most words have none of the bytes that printf makes.
        const std::size_t usable = words.size() % 50 == 0 ? alphabet.size() : 29;
        for (std::size_t i = random() % 10; i > 0; --i)
            word += alphabet[random() % usable];
        words.push_back(word);
    }
    std::string expected;
    for (const std::string& word : words)
        expected.append(word).push_back('\0');
    EXPECT_EQ(through_shell(words), expected);
}

}  // namespace
}  // namespace dray
