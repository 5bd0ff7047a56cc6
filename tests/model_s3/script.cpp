#include "script.h"

#include "digest.h"
#include "loop.h"

namespace dray::model {
namespace {

bool concerns(const Fault& fault, Op op, const Request& request) {
    if (!fault.operation.empty() && fault.operation != op_name(op)) return false;
    if (!fault.bucket.empty() && fault.bucket != request.bucket) return false;
    if (fault.act == Act::refuse_token && !request.has_param("continuation-token")) return false;
    if (fault.key.empty()) return true;
    if (request.key.find(fault.key) != std::string::npos) return true;
    const std::string* prefix = request.key.empty() ? request.param("prefix") : nullptr;
    return prefix && prefix->find(fault.key) != std::string::npos;
}

std::string element(std::string_view text, std::string_view name) {
    const std::string open = "<" + std::string(name) + ">";
    const std::size_t at = text.find(open);
    const std::size_t end = text.find("</", at == std::string_view::npos ? text.size() : at);
    if (at == std::string_view::npos || end == std::string_view::npos) return {};
    return std::string(text.substr(at + open.size(), end - at - open.size()));
}

void replace_element(std::string& text, const std::string& name, const std::string& value) {
    const std::string open = "<" + name + ">", close = "</" + name + ">";
    const std::size_t at = text.find(open);
    const std::size_t end = text.find(close);
    const std::string whole = value.empty() ? std::string() : open + value + close;
    if (at != std::string::npos && end != std::string::npos) {
        text.replace(at, end + close.size() - at, whole);
    } else if (!whole.empty()) {
        text.insert(text.rfind("</"), whole);
    }
}

void drop_all(std::string& text, const std::string& name) {
    const std::string open = "<" + name + ">", close = "</" + name + ">";
    for (std::size_t at = text.find(open); at != std::string::npos; at = text.find(open))
        text.erase(at, text.find(close, at) + close.size() - at);
}

void set_param(Request& request, const std::string& name, const std::string& value) {
    for (auto at = request.params.begin(); at != request.params.end(); ++at) {
        if (at->first != name) continue;
        request.params.erase(at);
        break;
    }
    if (!value.empty()) request.params.emplace_back(name, value);
}

}  // namespace

void Script::add(Fault fault) {
    const std::scoped_lock lock(mutex_);
    rules_.push_back({std::make_shared<const Fault>(std::move(fault))});
    any_ = true;
}

void Script::clear() {
    const std::scoped_lock lock(mutex_);
    rules_.clear();
    any_ = false;
}

std::shared_ptr<const Fault> Script::match(Op op, const Request& request) {
    if (!any_) return nullptr;
    const std::scoped_lock lock(mutex_);
    for (Rule& rule : rules_) {
        const Fault& fault = *rule.fault;
        if (!concerns(fault, op, request)) continue;
        if (rule.matched++ < fault.skip) continue;
        if (fault.count >= 0 && rule.acted >= fault.count) continue;
        rule.credit += fault.percent;
        if (rule.credit < 100) continue;
        rule.credit -= 100;
        ++rule.acted;
        return rule.fault;
    }
    return nullptr;
}

void write_fault_answer(const Fault& fault, Answer& answer) {
    answer.status = fault.status;
    answer.object = false;
    answer.text.clear();
    if (!fault.has_body) return;
    if (!fault.body.empty()) {
        answer.text = fault.body;
    } else if (!fault.code.empty()) {
        fail(answer, fault.status, fault.code, fault.message.empty() ? "Scripted fault" : fault.message);
    }
}

void flip_bit(Body& body, std::int64_t bit) {
    if (body.size() == 0) return;
    std::string bytes = body.str();
    const std::size_t at = static_cast<std::size_t>(bit / 8) % bytes.size();
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << (bit % 8)));
    body = Body(bytes);
}

void shape_answer(const Fault& fault, Answer& answer) {
    answer.reset = fault.reset;
    for (const auto& [name, value] : fault.headers)
        answer.set(name, value);
    switch (fault.act) {
        case Act::close_in_answer: answer.cut_after = fault.bytes; break;
        case Act::pause:
            answer.pause_after = fault.bytes;
            answer.pause_ms = fault.delay_ms;
            return;
        case Act::trickle:
            answer.trickle_bytes = fault.bytes > 0 ? fault.bytes : 1;
            answer.trickle_ms = fault.delay_ms;
            return;
        case Act::drip:
        case Act::drip_then_close:
            if (!fault.body.empty() || !fault.code.empty()) write_fault_answer(fault, answer);
            answer.drip_ms = fault.delay_ms;
            answer.status = 200;
            return;
        case Act::cut_answer:
            if (answer.object) {
                answer.body = answer.body.sub(0, static_cast<std::uint64_t>(fault.bytes));
            } else {
                answer.text.resize(std::min(answer.text.size(), static_cast<std::size_t>(fault.bytes)));
            }
            break;
        case Act::flip_answer_bit:
            if (answer.object) {
                flip_bit(answer.body, fault.bytes);
            } else if (!answer.text.empty()) {
                char& byte = answer.text[static_cast<std::size_t>(fault.bytes / 8) % answer.text.size()];
                byte = static_cast<char>(byte ^ (1 << (fault.bytes % 8)));
            }
            break;
        default: break;
    }
    answer.delay_ms = fault.delay_ms;
}

bool rewrites_listing(Act act) {
    return act == Act::same_token || act == Act::repeat_page || act == Act::empty_page || act == Act::no_token ||
           act == Act::refuse_token;
}

void run_listing_fault(const Fault& fault, Exchange& x, Api& api) {
    const std::string* given = x.request.param("continuation-token");
    const std::string token = given ? *given : std::string();
    if (fault.act == Act::refuse_token)
        return fail(x.answer, 400, "InvalidArgument", "The continuation token provided is incorrect");
    if (fault.act == Act::repeat_page) set_param(x.request, "continuation-token", "");
    api.handle(x.op, x.request, x.answer);
    std::string& text = x.answer.text;
    if (x.answer.status != 200) return;
    if (fault.act == Act::no_token) {
        replace_element(text, "IsTruncated", "true");
        replace_element(text, "NextContinuationToken", "");
    } else if (fault.act == Act::same_token) {
        // The first page has no token yet: then its own is given, which the next page repeats.
        replace_element(text, "IsTruncated", "true");
        if (!token.empty()) replace_element(text, "NextContinuationToken", token);
    } else if (fault.act == Act::empty_page) {
        drop_all(text, "Contents");
        drop_all(text, "CommonPrefixes");
        replace_element(text, "KeyCount", "0");
        replace_element(text, "IsTruncated", "true");
        const std::string* after = x.request.param("start-after");
        replace_element(text, "NextContinuationToken",
                        token.empty() ? to_base64("after:" + (after ? *after : std::string())) : token);
    } else if (fault.act == Act::repeat_page && element(text, "IsTruncated") == "true") {
        replace_element(text, "ContinuationToken", token);
    }
}

}  // namespace dray::model
