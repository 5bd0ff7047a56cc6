#include "ops/report.h"

#include "base/json.h"
#include "base/time.h"

namespace dray {
namespace {

constexpr std::string_view kFormat = "dray-report";
constexpr std::uint64_t kReportVersion = 1;

void counts(JsonWriter& json, std::string_view name, const std::map<std::string, std::uint64_t>& by) {
    json.name(name).begin_object();
    for (const auto& [word, count] : by)
        json.field(word, count);
    json.end_object();
}

std::string report_of(const RunResult& result, std::string_view outcome, const PlanHeader& header,
                      const PlanTotals& plan) {
    std::string out;
    JsonWriter json(out);
    json.begin_object();
    json.field("format", kFormat).field("version", kReportVersion);
    json.field("run", result.run.id).field("command", header.command).field("made_by", header.made_by);
    if (!header.parent.empty()) json.field("undoes", header.parent);
    json.field("outcome", outcome).field("at", iso8601(real_clock().wall()));
    json.name("seconds").number(result.seconds);

    json.name("balance").begin_object();
    json.field("listed", result.balance.listed).field("done", result.balance.done);
    json.field("skipped", result.balance.skipped)
        .field("failed", result.balance.failed)
        .field("left", result.balance.left);
    counts(json, "done_by", result.balance.done_by);
    counts(json, "skipped_by", result.balance.skipped_by);
    counts(json, "failed_by", result.balance.failed_by);
    json.end_object();

    counts(json, "properties_lost", result.balance.lost);
    json.field("bytes_planned", plan.bytes);
    if (plan.outside > 0) json.field("outside", plan.outside).bytes_field("first_outside", plan.first_outside);
    counts(json, "requests", result.requests);
    json.field("repeated_looks", result.repeated_looks);
    json.name("said").begin_array();
    for (const std::string& sentence : result.sentences)
        json.text(sentence);
    json.end_array();
    if (result.error) {
        json.name("error")
            .begin_object()
            .field("code", name_of(result.error->code))
            .field("message", result.error->message);
        json.end_object();
    }
    json.end_object();
    out.push_back('\n');
    return out;
}

}  // namespace

std::string_view outcome_of(const RunResult& result) {
    if (result.error) return "failed";
    if (result.stopped) return "stopped";
    return result.balance.left == 0 ? "finished" : "unfinished";
}

std::string write_report(const RunResult& result, const PlanHeader& header, const PlanTotals& plan) {
    return report_of(result, outcome_of(result), header, plan);
}

std::string write_report(const RunStatus& status, const PlanHeader& header) {
    const bool finished = status.summary.phase == RunPhase::finished;
    return report_of({.run = status.summary.paths, .balance = status.balance}, finished ? "finished" : "unfinished",
                     header, status.plan);
}

Status check_report(const std::string& report) {
    JsonParser parser;
    TRY_LET(json, parser.parse(report));
    const auto format = json.get("format");
    const auto version = json.get("version");
    const std::uint64_t number = version ? version->u64().value_or(0) : 0;
    if (!format || format->text() != kFormat || number == 0)
        return Error{.code = Code::corrupt, .message = "this is not a report"};
    if (number > kReportVersion)
        return Error{.code = Code::unsupported,
                     .message = "the report has format version " + std::to_string(number) +
                                ", and this program reads up to " + std::to_string(kReportVersion) +
                                ": use a newer dray"};
    return {};
}

}  // namespace dray
