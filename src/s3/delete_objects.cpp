#include "s3/delete_objects.h"

#include <map>

#include "base/log.h"
#include "s3/error_rules.h"
#include "s3/fields.h"

namespace dray::s3 {
namespace {

constexpr std::size_t kMaxItems = 1000;  // DeleteObjects, Amazon S3 API reference

using Name = std::pair<std::string, std::string>;  // key and version

std::string body_of(std::span<const DeleteItem> items) {
    std::string xml = "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
    auto element = [&](std::string_view name, std::string_view text) {
        xml.append("<").append(name).append(">");
        xml_escape(xml, text);
        xml.append("</").append(name).append(">");
    };
    for (const auto& item : items) {
        xml += "<Object>";
        element("Key", item.key);
        if (!item.version.empty()) element("VersionId", item.version);
        if (!item.if_match.empty()) element("ETag", quoted_etag(item.if_match));
        xml += "</Object>";
    }
    xml += "<Quiet>false</Quiet></Delete>";
    return xml;
}

Error unsure(const std::string& bucket, const std::string& key, std::string_view why) {
    return {.code = Code::unavailable,
            .message = "DeleteObjects s3://" + printable(bucket) + "/" + printable(key) + ": " + std::string(why),
            .reason = "not-an-answer",
            .unsure = true};
}

Error refused(const std::string& bucket, const DeleteItem& item, const XmlElement& error) {
    auto code = error.child_text("Code").value_or("");
    const ErrorRule* rule = rule_of_code(code);
    std::string message = "DeleteObjects s3://" + printable(bucket) + "/" + printable(item.key) + ": " +
                          printable(code) + ": " + printable(error.child_text("Message").value_or(""));
    if (!rule) return {.code = Code::invalid, .message = std::move(message)};
    return {.code = rule->code,
            .message = std::move(message),
            .reason = std::string(rule->reason),
            .unsure = rule->maybe_done,
            .fatal = rule->fatal};
}

// The items' places by key and version, and which of them the answer has named.
class Roll {
public:
    explicit Roll(std::span<const DeleteItem> items) {
        for (std::size_t i = 0; i < items.size(); ++i)
            places_.emplace(Name(items[i].key, items[i].version), i);
    }
    bool has_doubles(std::size_t items) const { return places_.size() != items; }
    // The place that `element` is about; nullopt: it names what was never sent.
    std::optional<std::size_t> find(const XmlElement& element) const {
        auto key = element.child_text("Key").value_or("");
        auto exact = places_.find(Name(key, element.child_text("VersionId").value_or("")));
        // Some stores tell a version although none was asked for.
        if (exact == places_.end()) exact = places_.find(Name(key, ""));
        if (exact == places_.end()) return std::nullopt;
        return exact->second;
    }

private:
    std::map<Name, std::size_t> places_;
};

Deleted deleted(const XmlElement& element) {
    return {.version = element.child_text("DeleteMarkerVersionId").value_or(""),
            .delete_marker = element.child_text("DeleteMarker").value_or("") == "true"};
}

}  // namespace

bool batch_can_carry(std::string_view key) {
    // A parser may fold line ends and trim blanks at the ends, although XML carries them.
    auto is_blank = [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; };
    return !key.empty() && xml_can_carry(key) && !is_blank(key.front()) && !is_blank(key.back()) &&
           key.find_first_of("\r\n\t") == std::string_view::npos;
}

Result<std::vector<Result<Deleted>>> delete_objects(const Context& ctx, Client& client, const std::string& bucket,
                                                    std::span<const DeleteItem> items) {
    Roll roll(items);
    if (items.empty() || items.size() > kMaxItems || roll.has_doubles(items.size())) {
        return Error{.code = Code::invalid, .message = "a batch of deletes takes 1 to 1,000 keys, none of them twice"};
    }
    for (const auto& item : items) {
        if (batch_can_carry(item.key)) continue;
        return Error{.code = Code::invalid, .message = "XML cannot carry the key " + in_quotes(item.key)};
    }
    Call call{.operation = Operation::delete_objects, .bucket = bucket, .body = body_of(items)};
    call.query.emplace_back("delete", "");
    call.headers = {{"content-type", "application/xml"}, {"content-md5", content_md5(call.body)}};
    TRY_LET(answer, client.send(ctx, std::move(call)));

    std::vector<std::optional<Result<Deleted>>> named(items.size());
    bool foreign = false;
    for (const auto& element : answer.document->root().children()) {
        bool failed = element.name() == "Error";
        if (!failed && element.name() != "Deleted") continue;
        auto place = roll.find(element);
        if (!place || named[*place]) {
            foreign = true;
        } else if (failed) {
            named[*place] = refused(bucket, items[*place], element);
        } else {
            named[*place] = deleted(element);
        }
    }
    std::vector<Result<Deleted>> verdicts;
    verdicts.reserve(items.size());
    for (std::size_t i = 0; i < items.size(); ++i) {
        if (foreign) {
            verdicts.push_back(unsure(bucket, items[i].key, "the answer names a key that was not sent, or one twice"));
        } else if (!named[i]) {
            verdicts.push_back(unsure(bucket, items[i].key, "the answer does not name this key"));
        } else {
            verdicts.push_back(*std::move(named[i]));
        }
    }
    return verdicts;
}

}  // namespace dray::s3
