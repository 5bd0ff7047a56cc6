#include "ops/segregate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include <fstream>
#include <map>
#include <sstream>

#include "base/json.h"
#include "base/temp_directory.h"
#include "ops/neighbours.h"
#include "ops/planner.h"
#include "store/memory_store.h"

namespace dray {
namespace {

using testing::HasSubstr;

std::string element(const std::string& key, const std::string& value) {
    std::string escaped;
    for (const char c : value)
        escaped += c == '<' ? "&lt;" : c == '&' ? "&amp;" : std::string(1, c);
    return "  <" + key + ">" + escaped + "</" + key + ">\n";
}

// The documented example; `more` comes last, and so wins.
std::string config_xml(const std::string& more = "") {
    return "<config>\n" + element("log_file", "/var/log/seg/seg_%Y%m%d.log") +
           element("match_pattern", R"(^CHARGINGCDR_.*-(\d{8})-?(\d{2}).*)") + element("datetime_format", "%Y%m%d%H") +
           element("s3_dir", "s3://cdr/incoming/") + element("s3_segregated_dir", "s3://cdr/by-day/%Y/%m/%d/") +
           element("s3_error_dir", "s3://cdr/error/") + more + "</config>\n";
}

SegregateConfig parsed(const std::string& xml) {
    auto config = parse_segregate_config(xml, "c.xml");
    if (!config) {
        ADD_FAILURE() << config.error().message;
        return {};
    }
    return *config;
}

std::string refusal(const std::string& xml) {
    const auto config = parse_segregate_config(xml, "c.xml");
    if (config) return "accepted";
    EXPECT_EQ(config.error().code, Code::invalid);
    return config.error().message;
}

TEST(SegregateConfig, ReadsTheDocumentedExample) {
    const auto config = parsed(config_xml());
    EXPECT_EQ(config.log_file, "/var/log/seg/seg_%Y%m%d.log");
    EXPECT_EQ(config.match_pattern, R"(^CHARGINGCDR_.*-(\d{8})-?(\d{2}).*)");
    EXPECT_EQ(config.datetime_format, "%Y%m%d%H");
    EXPECT_EQ(config.time_delay, 86'400);
    EXPECT_EQ(config.source.bucket, "cdr");
    EXPECT_EQ(config.source.prefix, "incoming/");
    EXPECT_EQ(config.segregated_dir, "cdr/by-day/%Y/%m/%d/");
    EXPECT_EQ(config.error.prefix, "error/");
    EXPECT_EQ(config.workers, std::nullopt);
}

TEST(SegregateConfig, TheLastOfRepeatedElementsWins) {
    EXPECT_EQ(parsed(config_xml(element("s3_dir", "s3://b/1/") + element("s3_dir", "s3://b/2/"))).source.prefix, "2/");
}

TEST(SegregateConfig, StripsValuesAndDropsCommentsInThem) {
    const auto config =
        parsed(config_xml("<s3_dir>\n s3://b/x<!-- no -->y/ \n</s3_dir><time_delay> 3_600 </time_delay>"));
    EXPECT_EQ(config.source.prefix, "xy/");
    EXPECT_EQ(config.time_delay, 3600);
}

TEST(SegregateConfig, ReadsCdataAndEntities) {
    EXPECT_EQ(parsed(config_xml("<match_pattern><![CDATA[(?P<y>\\d{4})]]></match_pattern>")).match_pattern,
              "(?P<y>\\d{4})");
    EXPECT_EQ(parsed(config_xml("<match_pattern>(?P&lt;y>\\d{4})</match_pattern>")).match_pattern, "(?P<y>\\d{4})");
}

TEST(SegregateConfig, IgnoresUnknownKeysAndAcceptsAnyRootAndAByteOrderMark) {
    std::string xml = config_xml(element("colour", "blue"));
    xml.replace(1, 6, "anything").replace(xml.rfind("config"), 6, "anything").insert(0, "\xEF\xBB\xBF");
    EXPECT_EQ(parsed(xml).source.bucket, "cdr");
}

TEST(SegregateConfig, AnXmlNamespaceMakesAKeyUnknown) {
    EXPECT_EQ(parsed(config_xml("<s3_dir xmlns=\"urn:x\">s3://other/x/</s3_dir>")).source.bucket, "cdr");
    std::string xml = config_xml();
    xml.insert(7, " xmlns=\"urn:x\"");
    EXPECT_THAT(refusal(xml), HasSubstr("namespace"));
}

TEST(SegregateConfig, RefusesADoctype) {
    EXPECT_NE(refusal("<!DOCTYPE config [<!ENTITY a \"aaaa\">]>\n" + config_xml()), "accepted");
}

TEST(SegregateConfig, RefusesTruncatedXmlAndBytesThatAreNotUtf8) {
    const std::string xml = config_xml();
    EXPECT_THAT(refusal(xml.substr(0, xml.size() / 2)), HasSubstr("c.xml"));
    EXPECT_NE(
        refusal("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>" + config_xml(element("s3_dir", "s3://b/\xE9/"))),
        "accepted");
}

TEST(SegregateConfig, NamesTheKeyTheLineAndTheNextStep) {
    EXPECT_EQ(refusal(config_xml(element("time_delay", "5.0"))),
              "c.xml:8: time_delay: 5.0 is no whole number; write digits alone, or leave the element out");
    EXPECT_THAT(refusal("<c/>"), HasSubstr("c.xml: log_file: is missing; add <log_file>"));
    EXPECT_THAT(refusal(config_xml("<s3_dir> </s3_dir>")), HasSubstr("c.xml:8: s3_dir: is empty"));
    EXPECT_THAT(refusal(config_xml("<s3_dir><b>x</b></s3_dir>")), HasSubstr("holds an element"));
    EXPECT_THAT(refusal(config_xml(element("s3_dir", "s3://bucket"))), HasSubstr("no / behind the bucket"));
    EXPECT_THAT(refusal(config_xml(element("s3_error_dir", "s3:///x"))), HasSubstr("names no bucket"));
    EXPECT_THAT(refusal(config_xml("<log_file>/x\n/y.log</log_file>")), HasSubstr("log_file: holds a line break"));
}

TEST(SegregateConfig, G12G13RefusesPatternsAndFormatsThatWouldMoveEverythingAside) {
    EXPECT_THAT(refusal(config_xml(element("match_pattern", R"((\d{8})"))), HasSubstr("c.xml:8: match_pattern:"));
    EXPECT_THAT(refusal(config_xml(element("match_pattern", R"(\d{8})"))), HasSubstr("has no group"));
    for (const char* format : {"%Q", "%Y%", "%d%d"})
        EXPECT_THAT(refusal(config_xml(element("datetime_format", format))), HasSubstr("c.xml:8: datetime_format:"));
    EXPECT_EQ(refusal(config_xml(element("match_pattern", " ") + element("datetime_format", "%Q"))), "accepted")
        << "without a pattern the format is not used";
}

TEST(SegregateConfig, G8ValidatesTheBoundsThatItNoLongerNeeds) {
    EXPECT_EQ(refusal(config_xml(element("n_keys", "0") + element("n_loops", "0") + element("n_workers", "0"))),
              "accepted");
    for (const char* key : {"n_keys", "n_loops", "n_workers"})
        EXPECT_THAT(refusal(config_xml(element(key, "-1"))), HasSubstr(std::string(key) + ": -1 is negative"));
    EXPECT_EQ(parsed(config_xml(element("n_workers", "8"))).workers, 8u);
}

TEST(SegregateConfig, TheSchemeMayBeMissing) {
    const auto config = parsed(config_xml(element("s3_dir", "b/in/") + element("s3_segregated_dir", "b-%Y/out") +
                                          element("s3_error_dir", "b/err")));
    EXPECT_EQ(config.source.bucket, "b");
    EXPECT_EQ(config.segregated_dir, "b-%Y/out/");
    EXPECT_EQ(config.error.prefix, "err/");
}

TEST(SegregateConfig, G9TheSourceDirectoryEndsAtASlash) {
    const auto config = parsed(config_xml(element("s3_dir", "s3://b/in")));
    EXPECT_EQ(config.source.prefix, "in/");
    EXPECT_TRUE(config.source_lacked_slash);
    EXPECT_FALSE(parsed(config_xml(element("s3_dir", "s3://b/"))).source_lacked_slash);
}

TEST(Segregate, G11ADelayOfZeroIsZeroUnlessTheScriptsDayIsAskedFor) {
    const auto config = parsed(config_xml(element("match_pattern", "") + element("time_delay", "0")));
    EXPECT_TRUE(config.time_delay_is_zero);
    const DateTime now{.year = 2024, .month = 3, .day = 1, .minute = 30};
    EXPECT_EQ(segregate_rule(config, {.now = now}).date, now);
    EXPECT_EQ(segregate_rule(config, {.now = now, .zero_delay_is_a_day = true}).date,
              (DateTime{.year = 2024, .month = 2, .day = 29, .minute = 30}));
}

TEST(Segregate, ADelayThatLeadsOutOfTheCalendarIsRefused) {
    const SegregateChoices choices{.now = {.year = 2024, .month = 3, .day = 1}};
    const auto sane = [&](const std::string& delay) {
        return check_segregate_delay(parsed(config_xml(element("time_delay", delay))), choices).has_value();
    };
    EXPECT_TRUE(sane("86400"));
    EXPECT_TRUE(sane("63000000000")) << "the year 27";
    EXPECT_TRUE(sane("-251000000000")) << "the year 9977";
    EXPECT_FALSE(sane("64000000000"));
    EXPECT_FALSE(sane("-252000000000"));
    EXPECT_FALSE(sane("9223372036854775807"));
    EXPECT_FALSE(sane("-9223372036854775808"));
}

TEST(Segregate, OneRequestTellsWhetherThereAreNeighbours) {
    auto store = make_memory_store();
    const SegregateConfig::Place place{.bucket = "b", .prefix = "in/"};
    const auto neighbours = [&] { return *has_neighbours(Context(), *store, place); };
    ASSERT_TRUE(store->put(Context(), {"b", "in/a", {}}, "1"));
    ASSERT_TRUE(store->put(Context(), {"b", "other/a", {}}, "1"));
    EXPECT_FALSE(neighbours());
    ASSERT_TRUE(store->put(Context(), {"b", "inbox/a", {}}, "1"));
    EXPECT_TRUE(neighbours());
    ASSERT_TRUE(store->remove(Context(), {"b", "inbox/a", {}}, {}));
    ASSERT_TRUE(store->put(Context(), {"b", "in.txt", {}}, "1"));
    EXPECT_TRUE(neighbours());
}

TEST(Segregate, G10WithAPatternTheGivenDateOnlyNamesTheLogLines) {
    const auto config = parsed(config_xml());
    const SegregateChoices choices{.now = {.year = 2024}, .date = DateTime{.year = 2020, .month = 5, .day = 6}};
    EXPECT_EQ(segregate_rule(config, choices).date, std::nullopt);
    EXPECT_EQ(segregate_log_date(config, choices), *choices.date);
}

TEST(Segregate, G5TheErrorDirectoryIsSkippedOnlyWhereItIsInsideTheSource) {
    const auto skipped = [](const std::string& error) {
        return segregate_rule(parsed(config_xml(element("s3_error_dir", error))), {}).in_error_directory;
    };
    EXPECT_EQ(skipped("s3://cdr/incoming/error"), "incoming/error/");
    EXPECT_EQ(skipped("s3://other/incoming/error"), "");
    EXPECT_EQ(skipped("s3://cdr/"), "");
    EXPECT_EQ(skipped("s3://cdr/incoming/"), "");
}

TEST(Segregate, BracesInDirectoriesAreText) {
    auto config =
        parsed(config_xml(element("s3_segregated_dir", "s3://b/{x}}/%Y") + element("s3_error_dir", "s3://b/{e}")));
    const auto rule = Relayout::compile(segregate_rule(config, {}));
    ASSERT_TRUE(rule) << rule.error().message;
    EXPECT_EQ(rule->place({.key = "incoming/CHARGINGCDR_-2024030917"}).key, "{x}}/2024/CHARGINGCDR_-2024030917");
    EXPECT_EQ(rule->place({.key = "incoming/x"}).key, "{e}/x");
}

TEST(Segregate, KeepSubdirsKeepsThePathBelowTheSource) {
    const auto rule = Relayout::compile(segregate_rule(parsed(config_xml()), {.keep_subdirs = true}));
    ASSERT_TRUE(rule);
    EXPECT_EQ(rule->place({.key = "incoming/a/b/CHARGINGCDR_-2024030917"}).key,
              "by-day/2024/03/09/a/b/CHARGINGCDR_-2024030917");
    EXPECT_EQ(rule->place({.key = "incoming/a/x"}).key, "error/a/x");
}

TEST(Segregate, DatesAreReadStrictly) {
    const auto date = parse_segregate_date("2022-12-31 10:00:00");
    ASSERT_TRUE(date);
    EXPECT_EQ(*date, (DateTime{.year = 2022, .month = 12, .day = 31, .hour = 10}));
    for (const char* text : {"2022-12-31", "2022-12-31T10:00:00", "2022-13-01 00:00:00", ""})
        EXPECT_FALSE(parse_segregate_date(text)) << text;
}

TEST(Segregate, WritesLogLinesAsTheScriptDid) {
    const DateTime now{.year = 2024, .month = 3, .day = 9, .hour = 4, .minute = 5, .second = 6, .microsecond = 789'123};
    EXPECT_EQ(segregate_log_line(now, "INFO", {.year = 2024, .month = 3, .day = 8}, "a\nb"),
              "2024-03-09 04:05:06,789 [INFO][s3_segregation_20240308][dray/segregate/0] - a\\x0ab\n");
}

TEST(Segregate, G21MakesTheLogDirectoryWhenItsParentIsThere) {
    const TempDirectory directory;
    const std::string& base = directory.path();
    const DateTime now{.year = 2024, .month = 3, .day = 9};
    const auto path = [&](const std::string& text) { return segregate_log_path({.log_file = text}, now); };

    ASSERT_TRUE(path(base + "/%Y/x_%m.log"));
    EXPECT_EQ(*path(base + "/%Y/x_%m.log"), base + "/2024/x_03.log");
    EXPECT_TRUE(std::filesystem::is_directory(base + "/2024"));
    EXPECT_FALSE(path(base + "/a/b/x.log"));
    EXPECT_EQ(*path("x.log"), "x.log");
}

// tests/data/segregation-vectors.json: names, patterns and dates, and whole runs.
class SegregateVectors : public testing::Test {
protected:
    void SetUp() override {
        std::ifstream in(DRAY_TEST_DATA "/segregation-vectors.json", std::ios::binary);
        std::stringstream text;
        text << in.rdbuf();
        text_ = text.str();
        auto parsed_file = parser_.parse(text_);
        ASSERT_TRUE(parsed_file) << parsed_file.error().message;
        file_.emplace(*parsed_file);
    }
    std::string text_;
    JsonParser parser_;
    std::optional<JsonValue> file_;
};

std::string text_of(const JsonValue& value, std::string_view name) {
    const auto member = value.get(name);
    return member && member->text() ? std::string(*member->text()) : "";
}

std::string config_of(const JsonValue& settings) {
    const auto source = text_of(settings, "source");
    std::string more = element("match_pattern", text_of(settings, "pattern")) +
                       element("datetime_format", text_of(settings, "format")) +
                       element("s3_dir", source.empty() ? "s3://bkt/in/" : source) +
                       element("s3_segregated_dir", text_of(settings, "template")) +
                       element("s3_error_dir", text_of(settings, "errors"));
    for (const auto& [name, key] : {std::pair("delay", "time_delay"), {"n_keys", "n_keys"}, {"n_loops", "n_loops"}})
        if (const auto value = settings.get(name)) more += element(key, std::to_string(value->i64().value()));
    return config_xml(more);
}

// "moved s3://...", "error no-match s3://...", "config error".
std::string answer(const JsonValue& vector) {
    const auto config = parse_segregate_config(config_of(vector), "c.xml");
    if (!config) return "config error";

    SegregateChoices choices;
    if (const auto now = text_of(vector, "now"); !now.empty()) choices.now = *parse_segregate_date(now);
    if (const auto date = text_of(vector, "given"); !date.empty()) choices.date = *parse_segregate_date(date);
    const auto rule = Relayout::compile(segregate_rule(*config, choices));
    if (!rule) return "does not compile: " + rule.error().message;

    const Placement placed = rule->place({.key = text_of(vector, "key")});
    if (placed.verdict != Placement::Verdict::place) return placed.reason;
    const std::string outcome = placed.reason.empty() ? "moved" : "error " + placed.reason;
    return outcome + " s3://" + placed.bucket + "/" + placed.key;
}

TEST_F(SegregateVectors, EveryNameGoesWhereItShould) {
    const auto vectors = file_->get("vectors");
    ASSERT_TRUE(vectors);
    EXPECT_GE(vectors->elements().size(), 79u);
    for (const JsonValue& vector : vectors->elements()) {
        const JsonValue wanted = *vector.get("wanted");
        std::string expected = text_of(wanted, "outcome");
        if (expected == "error") expected += " " + text_of(wanted, "why");
        if (const auto destination = text_of(wanted, "destination"); !destination.empty())
            expected += " " + destination;
        EXPECT_EQ(answer(vector), expected) << text_of(vector, "name");
    }
}

// One line an action, as in a scenario's outcomes. What is at a target already is for apply to judge.
std::string planned(const Action& action) {
    if (action.what == Do::move) return (action.target_existed ? "there " : "moved ") + action.to.key;
    return action.what == Do::skip ? "skipped " + action.reason : "failed " + action.reason;
}

std::string wanted_of(const std::vector<JsonValue>& outcome) {
    const std::string what(*outcome[1].text()), reason(*outcome[2].text());
    if (reason == "conflict" || reason == "target was equal") return "there " + std::string(*outcome[3].text());
    return what + " " + (what == "moved" ? std::string(*outcome[3].text()) : reason);
}

std::map<std::string, std::string> plan_of(const JsonValue& scenario) {
    const auto config = parse_segregate_config(config_of(scenario), "c.xml");
    EXPECT_TRUE(config) << config.error().message;
    const auto rule = Relayout::compile(segregate_rule(*config, {}));
    EXPECT_TRUE(rule) << rule.error().message;
    const auto store = make_memory_store();
    for (const auto& [key, body] : scenario.get("objects")->members())
        EXPECT_TRUE(store->put({}, {"bkt", std::string(key), ""}, *body.text()));

    const TempDirectory directory;
    MovePlanRequest request{.stores = {store.get()},
                            .source_bucket = config->source.bucket,
                            .source_prefix = config->source.prefix,
                            .rule = &*rule,
                            .on_collision = OnCollision::keep,
                            .plan_path = directory.file("plan"),
                            .scratch = directory.file("scratch")};
    const auto sealed = make_move_plan({}, request);
    EXPECT_TRUE(sealed) << sealed.error().message;
    auto plan = PlanReader::open(request.plan_path);
    EXPECT_TRUE(plan) << plan.error().message;
    std::map<std::string, std::string> lines;
    for (const Action& action : plan->size() == 0 ? std::vector<Action>() : *plan->frame(0))
        lines[action.from.key] = planned(action);
    return lines;
}

TEST_F(SegregateVectors, G1ToG9EveryScenarioIsPlannedAsItShouldBe) {
    const auto scenarios = file_->get("scenarios");
    ASSERT_TRUE(scenarios);
    EXPECT_EQ(scenarios->elements().size(), 10u);
    for (const JsonValue& scenario : scenarios->elements()) {
        std::map<std::string, std::string> wanted;
        for (const JsonValue& outcome : scenario.get("wanted")->get("outcomes")->elements())
            wanted[std::string(*outcome.elements()[0].text())] = wanted_of(outcome.elements());
        EXPECT_EQ(plan_of(scenario), wanted) << text_of(scenario, "name");
    }
}

}  // namespace
}  // namespace dray
