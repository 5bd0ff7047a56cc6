// How `--explain KEY` looks: one line a step, or one JSON object.
#include "base/json.h"
#include "base/log.h"
#include "base/time.h"
#include "cli/run_text.h"
#include "store/url.h"

namespace dray {
namespace {

constexpr std::size_t kNameWidth = 9;

std::string line(std::string name, const std::string& value) {
    name.resize(std::max(kNameWidth, name.size() + 1), ' ');
    return name + value + "\n";
}

std::string date_text(const DateTime& date) {
    return format_date(date, "%Y-%m-%d %H:%M:%S");
}

std::string target_text(const Explanation& why, StoreKind kind) {
    const StoreUrl url{
        .kind = kind, .form = StoreUrl::Form::object, .bucket = why.action.to.bucket, .key = why.action.to.key};
    return url.text();
}

std::string_view verdict(const Explanation& why) {
    if (!why.listed) return "not below the source";
    if (!why.chosen) return "not chosen";
    switch (why.action.what) {
        case Do::skip: return "stays where it is";
        case Do::fail: return "fails";
        case Do::copy: return "is copied";
        case Do::move:
        case Do::move_back: break;
    }
    return "moves";
}

bool goes(const Explanation& why) {
    return why.chosen && (why.action.what == Do::move || why.action.what == Do::copy);
}

std::string json_text(const Explanation& why, const std::string& key, StoreKind kind) {
    std::string text;
    JsonWriter json(text);
    json.begin_object().bytes_field("key", key).field("exists", why.exists);
    if (!why.pattern.empty()) json.field("pattern", why.pattern);
    json.bytes_field("read_in", why.reading.subject).name("groups").begin_array();
    for (const auto& group : why.reading.groups)
        json.text(group ? printable(*group) : "");
    json.end_array();
    if (why.reading.date) json.field("date", date_text(*why.reading.date));
    json.field("verdict", verdict(why));
    if (why.chosen && !why.action.reason.empty()) json.field("reason", why.action.reason);
    if (why.chosen && !why.action.detail.empty()) json.bytes_field("detail", why.action.detail);
    if (goes(why)) json.bytes_field("target", target_text(why, kind));
    json.end_object();
    return text + "\n";
}

}  // namespace

void print_explanation(Shell& shell, const Explanation& why, const std::string& key, StoreKind kind, bool json) {
    if (json) {
        shell.print(json_text(why, key, kind));
        return;
    }
    if (!why.exists) shell.print("there is no such object now; its size, etag and date are unknown\n");
    shell.print(line("key", in_quotes(key)));
    if (!why.pattern.empty())
        shell.print(line("pattern", why.pattern) + line("read in", in_quotes(why.reading.subject)));
    for (std::size_t i = 0; i < why.reading.groups.size(); ++i) {
        const auto& group = why.reading.groups[i];
        shell.print(line(i == 0 ? "match" : "group " + std::to_string(i), group ? in_quotes(*group) : "took no part"));
    }
    if (why.reading.date) shell.print(line("date", date_text(*why.reading.date)));
    if (why.chosen && !why.action.reason.empty())
        shell.print(
            line("reason", why.action.reason + (why.action.detail.empty() ? "" : ": " + printable(why.action.detail))));
    if (goes(why))
        shell.print(line("target", printable(target_text(why, kind))));
    else
        shell.print(line("verdict", std::string(verdict(why))));
}

}  // namespace dray
