#include "job/action.h"

#include <gtest/gtest.h>

namespace dray {
namespace {

Action full_action() {
    return {.n = 17,
            .what = Do::move_back,
            .from = {.store = 1,
                     .bucket = "raw",
                     .key = "a \"quoted\"\n\xE2\x82\xAC key",
                     .size = UINT64_MAX,
                     .etag = "5d41402abc4b2a76b9719d911017c592",
                     .version = "v1",
                     .modified = WallTime(std::chrono::nanoseconds(1'700'000'000'123'456'789)),
                     .storage_class = "GLACIER"},
            .to = {.bucket = "dst", .key = std::string("bytes \xff\x00 and nul", 17)},
            .target_existed = true,
            .reason = "conflict",
            .detail = "holds \xfe",
            .parent = ReceiptState::deleted,
            .parent_checksum = "CRC64NVME:AAAA"};
}

template <class Value, class Write, class Read>
Result<Value> round_trip(const Value& value, Write write, Read read) {
    std::string line;
    write(line, value);
    EXPECT_EQ(line.find('\n'), line.size() - 1);
    JsonParser parser;
    auto json = parser.parse(line);
    if (!json) return json.error();
    return read(*json);
}

Result<Action> action_of(const std::string& line) {
    JsonParser parser;
    TRY_LET(json, parser.parse(line));
    return read_action(json);
}
Result<Receipt> receipt_of(const std::string& line) {
    JsonParser parser;
    TRY_LET(json, parser.parse(line));
    return read_receipt(json);
}

TEST(Action, ReadsBackEqualWithEveryFieldSet) {
    auto back = round_trip(full_action(), write_action, read_action);
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(*back, full_action());
}

TEST(Action, IsALineThatPeopleCanRead) {
    std::string line;
    write_action(line, {.n = 3,
                        .from = {.bucket = "raw", .key = "a.json", .size = 17, .etag = "abc"},
                        .to = {.bucket = "dst", .key = "2024/a.json"}});
    EXPECT_EQ(line, R"({"n":3,"do":"move","from":{"store":0,"bucket":"raw","key":"a.json","etag":"abc","size":17},)"
                    R"("to":{"store":0,"bucket":"dst","key":"2024/a.json"}})"
                    "\n");
}

TEST(Action, KeepsTimesToTheMillisecondShortAndFinerOnesExact) {
    for (const std::int64_t nanos : {1'700'000'000'000'000'000, 1'700'000'000'120'000'000, 1'700'000'000'000'000'001}) {
        const Action action{.from = {.modified = WallTime(std::chrono::nanoseconds(nanos))}};
        auto back = round_trip(action, write_action, read_action);
        ASSERT_TRUE(back);
        EXPECT_EQ(back->from.modified, action.from.modified);
    }
}

TEST(Action, CarriesMembersOfLaterVersionsAlong) {
    const std::string line =
        R"({"n":1,"do":"skip","from":{"store":0,"bucket":"b","key":"k"},"reason":"limit","set":{"a":[1,2]},"x":"y"})"
        "\n";
    auto action = action_of(line);
    ASSERT_TRUE(action);
    EXPECT_EQ(action->extra, R"("set":{"a":[1,2]},"x":"y")");
    std::string again;
    write_action(again, *action);
    EXPECT_EQ(again, line);
}

TEST(Action, IsCorruptWithoutItsNameOrWithValuesOfTheWrongKind) {
    for (const char* line :
         {R"({"do":"move","from":{}})", R"({"n":1,"from":{}})", R"({"n":-1,"do":"move"})", R"({"n":1,"do":"explode"})",
          R"({"n":1,"do":"move","from":7})", R"({"n":1,"do":"move","from":{"store":256}})",
          R"({"n":1,"do":"move","from":{"size":-5}})", R"({"n":1,"do":"move","from":{"size":1e40}})",
          R"({"n":1,"do":"move","from":{"key_b64":"%%"}})", R"({"n":1,"do":"move","from":{"modified":"soon"}})",
          R"({"n":1,"do":"move","target_existed":"yes"})", R"([1])", R"(7)"}) {
        auto action = action_of(line);
        ASSERT_FALSE(action) << line;
        EXPECT_EQ(action.error().code, Code::corrupt) << line;
    }
}

TEST(Receipt, ReadsBackEqualWithEveryFieldSet) {
    const Receipt receipt{.n = 4'000'000'000'000,
                          .state = ReceiptState::failed,
                          .etag = "e",
                          .version = "v",
                          .checksum = "CRC64NVME:AAAA",
                          .proof = Proof::checksum,
                          .requests = 3,
                          .code = Code::conflict,
                          .reason = "conflict",
                          .detail = "the target holds \xff",
                          .extra = R"("later":{"x":1})"};
    auto back = round_trip(receipt, write_receipt, read_receipt);
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(*back, receipt);
}

TEST(Receipt, IsShortWhenThereIsLittleToSay) {
    std::string line;
    write_receipt(line, {.n = 17, .state = ReceiptState::deleted, .requests = 1});
    EXPECT_EQ(line, "{\"n\":17,\"state\":\"deleted\",\"requests\":1}\n");
}

TEST(Receipt, IsCorruptWithoutItsNameOrWithUnknownWords) {
    for (const char* line :
         {R"({"state":"done"})", R"({"n":1})", R"({"n":1,"state":"perhaps"})",
          R"({"n":1,"state":"failed","code":"sad"})", R"({"n":1,"state":"done","requests":4294967296})",
          R"({"n":"1","state":"done"})", R"({"n":1,"state":"copied","proof":"trust"})"}) {
        auto receipt = receipt_of(line);
        ASSERT_FALSE(receipt) << line;
        EXPECT_EQ(receipt.error().code, Code::corrupt) << line;
    }
}

}  // namespace
}  // namespace dray
