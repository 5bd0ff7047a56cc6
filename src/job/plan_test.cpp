#include "job/plan.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/checksum.h"
#include "base/file.h"
#include "base/temp_directory.h"
#include "codec/zstd.h"
#include "job/plan_file.h"

namespace dray {
namespace {

PlanHeader some_header() {
    return {.run_id = "20260101-000000-abcd",
            .command = "mv",
            .argv = {"dray", "mv", "s3://raw/", "s3://dst/\xff"},
            .stores = {{.identity = "mem:",
                        .url = "s3://raw/",
                        .endpoint = "http://127.0.0.1:1",
                        .region = "r",
                        .expected_bucket_owner = "111122223333",
                        .ca_bundle = "/etc/ca.pem",
                        .request_payer = true,
                        .insecure = true}},
            .options = R"({"exclusive":true})",
            .parent = "20250101-000000-zzzz",
            .settings = "5d41",
            .made_by = "dray 0.1.0",
            .made_at = WallTime(std::chrono::seconds(1'700'000'000))};
}

Action some_move(std::uint64_t i) {
    const std::string number = std::to_string(i);
    return {
        .what = Do::move,
        .from = {.bucket = "raw", .key = "in/file-" + number + ".json", .size = i, .etag = hex(hash128(number).high)},
        .to = {.bucket = "dst", .key = "out/2024/file-" + number + ".json"}};
}

std::string make_plan(const std::string& path, std::uint64_t moves) {
    auto writer = PlanWriter::create(path, some_header());
    CHECK(writer.has_value());
    for (std::uint64_t i = 0; i < moves; ++i)
        CHECK(*writer->add(some_move(i)) == i);
    auto sealed = writer->seal();
    CHECK(sealed.has_value());
    return *sealed;
}

// Without fsync, and as a new file (ext4 flushes one that is cut and written again): thousands are written here.
void write_bytes(const std::string& path, const std::string& bytes) {
    std::filesystem::remove(path);
    std::ofstream(path, std::ios::binary) << bytes;
}

TEST(Plan, GivesBackHeaderTotalsAndActions) {
    TempDirectory temp;
    auto writer = PlanWriter::create(temp.file("plan"), some_header());
    ASSERT_TRUE(writer);
    ASSERT_TRUE(writer->add(some_move(5)));
    Action skip = some_move(6);
    skip.what = Do::skip;
    skip.reason = "limit";
    ASSERT_TRUE(writer->add(skip));
    Action fail = some_move(7);
    fail.what = Do::fail;
    fail.reason = "collision";
    fail.detail = "with in/other";
    ASSERT_TRUE(writer->add(fail));
    Action onto = some_move(8);
    onto.target_existed = true;
    onto.from.etag = std::string(32, 'a');
    ASSERT_TRUE(writer->add(onto));
    writer->totals().listed = 4;
    writer->totals().slashes = {.pairs = 2, .example_a = "a//b", .example_b = std::string("a/b\xff")};
    auto sealed = writer->seal();
    ASSERT_TRUE(sealed);

    auto reader = PlanReader::open(temp.file("plan"));
    ASSERT_TRUE(reader) << reader.error().message;
    const PlanHeader& header = reader->header();
    const PlanHeader wanted = some_header();
    EXPECT_EQ(header.run_id, wanted.run_id);
    EXPECT_EQ(header.command, wanted.command);
    EXPECT_EQ(header.argv, wanted.argv);
    ASSERT_EQ(header.stores.size(), 1U);
    EXPECT_EQ(header.stores[0].endpoint, wanted.stores[0].endpoint);
    EXPECT_EQ(header.stores[0].expected_bucket_owner, wanted.stores[0].expected_bucket_owner);
    EXPECT_EQ(header.stores[0].ca_bundle, wanted.stores[0].ca_bundle);
    EXPECT_TRUE(header.stores[0].request_payer && header.stores[0].insecure);
    EXPECT_EQ(header.settings, wanted.settings);
    EXPECT_EQ(header.options, wanted.options);
    EXPECT_EQ(header.parent, wanted.parent);
    EXPECT_EQ(header.made_at, wanted.made_at);
    const PlanTotals& totals = reader->totals();
    EXPECT_EQ(totals.listed, 4U);
    EXPECT_EQ(totals.actions, 4U);
    EXPECT_EQ(totals.effects, 2U);
    EXPECT_EQ(totals.bytes, 13U);
    EXPECT_EQ(totals.targets_existing, 1U);
    EXPECT_EQ(totals.opaque_etags, 1U) << "of its two effects one has a plain MD5";
    EXPECT_EQ(totals.longest_key, some_move(8).to.key.size());
    EXPECT_EQ(totals.skipped, (std::map<std::string, std::uint64_t>{{"limit", 1}}));
    EXPECT_EQ(totals.failed, (std::map<std::string, std::uint64_t>{{"collision", 1}}));
    EXPECT_EQ(totals.slashes.pairs, 2U);
    EXPECT_EQ(totals.slashes.example_b, std::string("a/b\xff"));
    EXPECT_EQ(totals.dots.pairs, 0U);
    EXPECT_EQ(reader->checksum(), *sealed);
    fail.n = 2;
    auto actions = reader->frame(0);
    ASSERT_TRUE(actions);
    ASSERT_EQ(actions->size(), 4U);
    EXPECT_EQ((*actions)[2], fail);
}

TEST(Plan, IsEmptyButThereWhenNothingWasAdded) {
    TempDirectory temp;
    make_plan(temp.file("plan"), 0);
    auto reader = PlanReader::open(temp.file("plan"));
    ASSERT_TRUE(reader) << reader.error().message;
    EXPECT_EQ(reader->size(), 0U);
    EXPECT_EQ(reader->frame_count(), 0U);
    auto end = reader->next();
    ASSERT_TRUE(end);
    EXPECT_FALSE(*end);
}

TEST(Plan, CanBeReadFromAnyActionAndFrameByFrameBackwards) {
    TempDirectory temp;
    constexpr std::uint64_t kActions = 2 * kActionsPerFrame + 10;
    make_plan(temp.file("plan"), kActions);
    auto reader = PlanReader::open(temp.file("plan"));
    ASSERT_TRUE(reader) << reader.error().message;
    ASSERT_EQ(reader->size(), kActions);
    ASSERT_EQ(reader->frame_count(), 3U);

    for (const std::uint64_t n :
         {kActions - 1, std::uint64_t{0}, kActionsPerFrame, kActionsPerFrame - 1, kActions - 12}) {
        ASSERT_TRUE(reader->seek(n));
        for (std::uint64_t i = n; i < std::min(n + 3, kActions); ++i) {
            auto action = reader->next();
            ASSERT_TRUE(action) << action.error().message;
            ASSERT_TRUE(*action);
            EXPECT_EQ((*action)->n, i);
            EXPECT_EQ((*action)->from.key, some_move(i).from.key);
        }
    }
    ASSERT_TRUE(reader->seek(kActions));
    auto end = reader->next();
    ASSERT_TRUE(end);
    EXPECT_FALSE(*end);

    for (std::uint64_t frame = 3; frame-- > 0;) {
        auto actions = reader->frame(frame);
        ASSERT_TRUE(actions);
        EXPECT_EQ(actions->size(), frame == 2 ? 10 : kActionsPerFrame);
        EXPECT_EQ(actions->front().n, reader->first_of_frame(frame));
    }
}

TEST(Plan, DoesNotExistUntilItIsSealed) {
    TempDirectory temp;
    {
        auto writer = PlanWriter::create(temp.file("plan"), some_header());
        ASSERT_TRUE(writer);
        ASSERT_TRUE(writer->add(some_move(1)));
        auto reader = PlanReader::open(temp.file("plan"));
        ASSERT_FALSE(reader);
        EXPECT_EQ(reader.error().code, Code::not_found);
    }
    EXPECT_TRUE(std::filesystem::is_empty(temp.path())) << "a dropped plan leaves nothing";
}

TEST(Plan, MayBeSealedElsewhereThanItWasBegun) {
    TempDirectory temp;
    ASSERT_TRUE(make_directories(temp.file("scratch")));
    auto writer = PlanWriter::create(temp.file("scratch/drafts"), some_header());
    ASSERT_TRUE(writer);
    ASSERT_TRUE(writer->add(some_move(1)));
    auto sealed = writer->seal(temp.file("plan"));
    ASSERT_TRUE(sealed) << sealed.error().message;
    EXPECT_TRUE(std::filesystem::is_empty(temp.file("scratch")));
    auto plan = PlanReader::open(temp.file("plan"));
    ASSERT_TRUE(plan) << plan.error().message;
    EXPECT_EQ(plan->checksum(), *sealed);
    EXPECT_EQ(plan->size(), 1u);
}

TEST(Plan, OfADeadPlannerIsReplacedByTheNext) {
    TempDirectory temp;
    write_bytes(temp.file("plan.part"), "half a plan");
    make_plan(temp.file("plan"), 3);
    EXPECT_TRUE(PlanReader::open(temp.file("plan")));
}

// Every action readable and the checksum as it was: what must never be claimed of a damaged file.
bool passes_for_whole(const std::string& path, const std::string& checksum) {
    auto reader = PlanReader::open(path);
    if (reader) {
        EXPECT_EQ(reader->checksum(), checksum);
        return true;
    }
    EXPECT_EQ(reader.error().code, Code::corrupt) << reader.error().message;
    return false;
}

TEST(Plan, IsRefusedWhenCutAnywhere) {
    TempDirectory temp;
    const std::string checksum = make_plan(temp.file("plan"), 40);
    auto whole = read_file(temp.file("plan"), 1 << 20);
    ASSERT_TRUE(whole);
    for (std::size_t bytes = 0; bytes < whole->size(); ++bytes) {
        write_bytes(temp.file("cut"), whole->substr(0, bytes));
        EXPECT_FALSE(passes_for_whole(temp.file("cut"), checksum)) << bytes;
    }
}

TEST(Plan, IsRefusedWhenAnyByteIsFlippedOrZeroed) {
    TempDirectory temp;
    const std::string checksum = make_plan(temp.file("plan"), 40);
    auto whole = read_file(temp.file("plan"), 1 << 20);
    ASSERT_TRUE(whole);
    for (std::size_t i = 0; i < whole->size(); ++i) {
        std::string damaged = *whole;
        damaged[i] = static_cast<char>(damaged[i] ^ (1 << (i % 8)));
        write_bytes(temp.file("flipped"), damaged);
        EXPECT_FALSE(passes_for_whole(temp.file("flipped"), checksum)) << i;
        if ((*whole)[i] == 0) continue;
        damaged[i] = 0;
        write_bytes(temp.file("zeroed"), damaged);
        EXPECT_FALSE(passes_for_whole(temp.file("zeroed"), checksum)) << i;
    }
}

TEST(Plan, SaysWhatIsWrongWithAFileThatIsNone) {
    TempDirectory temp;
    write_bytes(temp.file("empty"), "");
    write_bytes(temp.file("text"), "this is not a plan at all, and longer than a footer would be");
    for (const char* name : {"empty", "text"}) {
        auto reader = PlanReader::open(temp.file(name));
        ASSERT_FALSE(reader);
        EXPECT_EQ(reader.error().code, Code::corrupt);
        EXPECT_NE(reader.error().message.find(temp.file(name)), std::string::npos) << reader.error().message;
    }
}

TEST(Plan, P26_OfAHigherVersionIsRefusedAndSaysSo) {
    TempDirectory temp;
    ZstdEncoder encoder;
    std::string bytes;
    encoder.append("{\"format\":\"dray-plan\",\"version\":2,\"all\":\"else is new\"}\n", bytes);
    encoder.end_frame(bytes);
    write_bytes(temp.file("plan"), bytes + "whatever comes then");
    auto reader = PlanReader::open(temp.file("plan"));
    ASSERT_FALSE(reader);
    EXPECT_EQ(reader.error().code, Code::unsupported);
    EXPECT_NE(reader.error().message.find("version 2"), std::string::npos);
}

TEST(Plan, SkipsTheChecksumOnlyForAFileThatWasCheckedBefore) {
    TempDirectory temp;
    const std::string checksum = make_plan(temp.file("plan"), 40);
    EXPECT_TRUE(PlanReader::open(temp.file("plan"), checksum));
    EXPECT_TRUE(PlanReader::open(temp.file("plan"), std::string(64, '0')));
}

TEST(Plan, FooterNamesFramesThatCannotBe) {
    using plan_file::Footer;
    JsonParser parser;
    for (const char* text : {R"({"sha256":"short"})", R"({"sha256":7})", R"({"frames":[{"offset":-1}]})",
                             R"({"skipped":{"limit":"many"}})", R"({"aliases":{"dots":{"pairs":[]}}})"}) {
        auto json = parser.parse(text);
        ASSERT_TRUE(json);
        auto footer = plan_file::read_footer(*json);
        ASSERT_FALSE(footer) << text;
        EXPECT_EQ(footer.error().code, Code::corrupt);
    }
}

// What docs/plan-format.md promises to people without this program.
TEST(Plan, IsReadableWithZstdcatAndHead) {
    ASSERT_EQ(std::system("command -v zstdcat sha256sum >/dev/null"), 0)
        << "install zstd and coreutils (tools/setup test)";
    TempDirectory temp;
    const std::string checksum = make_plan(temp.file("plan"), 1000);
    auto bytes = read_file(temp.file("plan"), 1 << 20);
    ASSERT_TRUE(bytes);
    const auto trailer =
        plan_file::read_trailer(std::string_view(*bytes).substr(bytes->size() - plan_file::kTrailerBytes));
    ASSERT_TRUE(trailer);
    const std::string lines = "test $(zstdcat < " + temp.file("plan") + " | wc -l) = 1002";
    EXPECT_EQ(std::system(lines.c_str()), 0) << "header, 1,000 actions, footer";
    const std::string sum =
        "head -c " + std::to_string(trailer->offset) + " " + temp.file("plan") + " | sha256sum | grep -q " + checksum;
    EXPECT_EQ(std::system(sum.c_str()), 0);
}

}  // namespace
}  // namespace dray
