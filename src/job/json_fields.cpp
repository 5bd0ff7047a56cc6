#include "job/json_fields.h"

#include "base/check.h"

namespace dray {

std::string exact_time(WallTime time) {
    std::string text = iso8601(time);
    const auto since_second = (time - std::chrono::floor<std::chrono::seconds>(time)).count();
    if (since_second % 1'000'000 == 0) return text;
    const std::string digits = std::to_string(1'000'000'000 + since_second).substr(1);
    return text.substr(0, text.rfind('.') + 1) + digits + "Z";
}

void keep_member(std::string& extra, std::string_view name, const JsonValue& value) {
    std::string object;
    JsonWriter(object).begin_object().name(name).raw(value.raw()).end_object();
    if (!extra.empty()) extra += ',';
    extra.append(object, 1, object.size() - 2);
}

void append_extra(std::string& out, std::string_view extra) {
    if (extra.empty()) return;
    CHECK(out.ends_with('}'));
    out.back() = ',';
    out.append(extra).append("}");
}

}  // namespace dray
