#include "base/unicode.h"

#include <gtest/gtest.h>

namespace dray {
namespace {

TEST(Unicode, ComposesWhatIsDecomposed) {
    EXPECT_EQ(nfc("caf\x65\xCC\x81"), "caf\xC3\xA9");
    EXPECT_EQ(nfc("caf\xC3\xA9"), "caf\xC3\xA9");
    EXPECT_EQ(nfc("\xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB"), "\xED\x95\x9C") << "Hangul";
}

TEST(Unicode, LeavesTextThatIsNotUtf8AsItIs) {
    EXPECT_EQ(nfc("a\xFF\x65\xCC\x81"), "a\xFF\x65\xCC\x81");
    EXPECT_EQ(case_folded("A\xFF\xC3"), "a\xFF\xC3");
}

TEST(Unicode, KeepsNulBytes) {
    const std::string text("\xC3\xA9\0X", 4);
    EXPECT_EQ(nfc(text), text);
    EXPECT_EQ(case_folded(text), std::string("\xC3\xA9\0x", 4));
}

TEST(Unicode, FoldsCaseInFull) {
    EXPECT_EQ(case_folded("ABC/x.TXT"), "abc/x.txt");
    EXPECT_EQ(case_folded("Stra\xC3\x9F"
                          "e"),
              "strasse");
    EXPECT_EQ(case_folded("\xC3\x89T\xC3\x89"), "\xC3\xA9t\xC3\xA9");
    EXPECT_EQ(case_folded("\xCE\xA3\xCF\x82\xCF\x83"), "\xCF\x83\xCF\x83\xCF\x83") << "three sigmas are one";
}

TEST(Unicode, FoldingCaseLeavesTheNormalFormAlone) {
    EXPECT_EQ(case_folded("e\xCC\x81"), "e\xCC\x81");
}

TEST(Unicode, StripsWhitespaceAsPythonDoes) {
    EXPECT_EQ(stripped(" \t\n\x1C\xC2\xA0 a b \xE3\x80\x80\r\n"), "a b");
    EXPECT_EQ(stripped(" \t"), "");
    EXPECT_EQ(stripped("\xE2\x80\x8B"), "\xE2\x80\x8B") << "a zero-width space is none";
}

TEST(Unicode, ReadsIntegersAsPythonDoes) {
    EXPECT_EQ(python_int(" 86_400\n"), 86400);
    EXPECT_EQ(python_int("-0"), 0);
    EXPECT_EQ(python_int("+7"), 7);
    EXPECT_EQ(python_int("\xD9\xA3\xD9\xA1"), 31) << "Arabic-Indic digits";
    EXPECT_EQ(python_int("\xF0\x9D\x9F\x98\xF0\x9D\x9F\xA3"), 1) << "double-struck 0, sans-serif 1";
    EXPECT_EQ(python_int("-9223372036854775808"), INT64_MIN);
    for (const char* text :
         {"", " ", "5.0", "_5", "5_", "5__0", "- 5", "+-5", "0x10", "9223372036854775808", "\xC2\xB2", "\xFF"})
        EXPECT_EQ(python_int(text), std::nullopt) << text;
}

}  // namespace
}  // namespace dray
