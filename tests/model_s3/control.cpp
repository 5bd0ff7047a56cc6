#include "control.h"

#include <simdjson.h>

#include <atomic>
#include <cstdio>
#include <memory>

#include "server.h"

namespace dray::model {
namespace {

constexpr std::pair<std::string_view, Act> kActs[] = {
    {"none", Act::none},
    {"answer", Act::answer},
    {"answer_early", Act::answer_early},
    {"answer_instead", Act::answer_instead},
    {"close_before_reading", Act::close_before_reading},
    {"close_in_request", Act::close_in_request},
    {"close_before_effect", Act::close_before_effect},
    {"close_after_effect", Act::close_after_effect},
    {"close_in_answer", Act::close_in_answer},
    {"cut_answer", Act::cut_answer},
    {"late_effect", Act::late_effect},
    {"late_effect_answered", Act::late_effect_answered},
    {"twice", Act::twice},
    {"stall", Act::stall},
    {"stall_after_effect", Act::stall_after_effect},
    {"pause", Act::pause},
    {"trickle", Act::trickle},
    {"drip", Act::drip},
    {"drip_then_close", Act::drip_then_close},
    {"flip_answer_bit", Act::flip_answer_bit},
    {"flip_request_bit", Act::flip_request_bit},
    {"raw", Act::raw},
    {"same_token", Act::same_token},
    {"repeat_page", Act::repeat_page},
    {"empty_page", Act::empty_page},
    {"no_token", Act::no_token},
    {"refuse_token", Act::refuse_token},
};

std::string stats_json(const Stats& stats) {
    std::string out = "{\"requests\":{";
    for (const auto& [name, n] : stats.requests) {
        if (out.back() != '{') out += ',';
        out.append("\"").append(name).append("\":").append(std::to_string(n));
    }
    out += '}';
    const std::pair<const char*, std::uint64_t> kNumbers[] = {
        {"total", stats.total},       {"connections", stats.connections}, {"open", stats.open},
        {"max_open", stats.max_open}, {"bytes_in", stats.bytes_in},       {"bytes_out", stats.bytes_out},
        {"unknown", stats.unknown},   {"refused", stats.refused},         {"faults", stats.faults}};
    for (const auto& [name, n] : kNumbers)
        out.append(",\"").append(name).append("\":").append(std::to_string(n));
    return out + "}\n";
}

bool set_number(Fault& fault, std::string_view name, std::int64_t value) {
    if (name == "skip") return fault.skip = static_cast<int>(value), true;
    if (name == "count") return fault.count = static_cast<int>(value), true;
    if (name == "percent") return fault.percent = static_cast<int>(value), true;
    if (name == "status") return fault.status = static_cast<int>(value), true;
    if (name == "bytes") return fault.bytes = value, true;
    if (name == "delay_ms") return fault.delay_ms = value, true;
    return false;
}

// Tells whoever started the program, by a line on its standard output, that the rule acts for the first time.
void announce(Fault& fault, std::string what) {
    fault.before_effect = [what = std::move(what), told = std::make_shared<std::atomic<bool>>(false)](const Call&) {
        if (told->exchange(true)) return;
        std::printf("acting=%s\n", what.c_str());
        std::fflush(stdout);
    };
}

bool set_text(Fault& fault, std::string_view name, std::string_view value) {
    if (name == "operation") return fault.operation = value, true;
    if (name == "bucket") return fault.bucket = value, true;
    if (name == "key") return fault.key = value, true;
    if (name == "code") return fault.code = value, true;
    if (name == "message") return fault.message = value, true;
    if (name == "announce") return announce(fault, std::string(value)), true;
    if (name == "body") return fault.body = value, true;
    if (name != "act") return false;
    for (const auto& [act_name, act] : kActs)
        if (act_name == value) return fault.act = act, true;
    return false;
}

bool read_field(Fault& fault, std::string_view name, const simdjson::dom::element& value) {
    std::int64_t number = 0;
    if (value.get_int64().get(number) == simdjson::SUCCESS) return set_number(fault, name, number);
    std::string_view text_value;
    if (value.get_string().get(text_value) == simdjson::SUCCESS) return set_text(fault, name, text_value);
    bool on = false;
    if (value.get_bool().get(on) == simdjson::SUCCESS) {
        if (name == "reset") return fault.reset = on, true;
        if (name == "has_body") return fault.has_body = on, true;
        return false;
    }
    simdjson::dom::object headers;
    if (name != "headers" || value.get_object().get(headers) != simdjson::SUCCESS) return false;
    for (const auto& [header, text] : headers) {
        std::string_view told;
        if (text.get_string().get(told) != simdjson::SUCCESS) return false;
        fault.headers.emplace_back(header, told);
    }
    return true;
}

bool read_rule(const simdjson::dom::element& rule, Fault& fault, std::string& wrong) {
    simdjson::dom::object fields;
    if (rule.get_object().get(fields) != simdjson::SUCCESS) return wrong = "a rule must be an object", false;
    for (const auto& [name, value] : fields) {
        if (read_field(fault, name, value)) continue;
        wrong = "unknown or wrong: " + std::string(name);
        return false;
    }
    return true;
}

// One rule, or an array of them.
bool read_rules(std::string_view json, std::vector<Fault>& faults, std::string& wrong) {
    simdjson::dom::parser parser;
    simdjson::dom::element root;
    if (parser.parse(simdjson::padded_string(json)).get(root) != simdjson::SUCCESS) return wrong = "not JSON", false;
    simdjson::dom::array rules;
    if (root.get_array().get(rules) != simdjson::SUCCESS) return read_rule(root, faults.emplace_back(), wrong);
    for (const simdjson::dom::element& rule : rules)
        if (!read_rule(rule, faults.emplace_back(), wrong)) return false;
    return true;
}

void add_faults(ModelS3& server, const Request& request, Answer& answer) {
    std::vector<Fault> faults;
    std::string wrong;
    if (!read_rules(request.body.str(), faults, wrong)) {
        answer.status = 400;
        answer.text = wrong + "\n";
        return;
    }
    for (Fault& fault : faults)
        server.script(std::move(fault));
}

}  // namespace

void control(ModelS3& server, const Request& request, Answer& answer) {
    const std::string_view what = request.path.substr(std::string_view("/_model/").size());
    answer.set("content-type", "application/json");
    if (request.method == "GET" && what == "stats") {
        answer.text = stats_json(server.stats());
    } else if (request.method == "POST" && what == "reset") {
        server.reset_stats();
        server.clear_faults();
        server.clear_trace();
    } else if (request.method == "POST" && what == "faults") {
        add_faults(server, request, answer);
    } else if (request.method == "DELETE" && what == "faults") {
        server.clear_faults();
    } else if (request.method == "POST" && what == "land-late") {
        answer.text = std::to_string(server.land_late().size()) + "\n";
    } else {
        answer.status = 404;
        answer.text = "no such control\n";
    }
}

}  // namespace dray::model
