#include "s3/ini.h"

#include <fmt/format.h>

#include <algorithm>

namespace dray::s3 {
namespace {

bool is_padding(char c) {
    return c == ' ' || c == '\t' || c == '\r';
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && is_padding(text.front()))
        text.remove_prefix(1);
    while (!text.empty() && is_padding(text.back()))
        text.remove_suffix(1);
    return text;
}

std::string_view without_comment(std::string_view line) {
    if (auto first = trimmed(line); first.starts_with('#') || first.starts_with(';')) return {};
    for (std::size_t i = 1; i < line.size(); ++i) {
        if ((line[i] == '#' || line[i] == ';') && is_padding(line[i - 1])) return line.substr(0, i);
    }
    return line;
}

std::string lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return out;
}

// "[profile  a]" and "[profile a]" are the same section.
std::string section_name(std::string_view inside) {
    std::string out;
    for (char c : trimmed(inside)) {
        if (!is_padding(c)) {
            out += c;
        } else if (!out.ends_with(' ')) {
            out += ' ';
        }
    }
    return out;
}

}  // namespace

Result<Ini> parse_ini(std::string_view text, std::string_view file) {
    Ini ini;
    std::map<std::string, std::string>* section = nullptr;
    std::string parent;  // the setting that indented lines belong to
    std::size_t number = 0;
    auto bad = [&](std::string_view why) {
        return Error{.code = Code::invalid,
                     .message = std::string(file) + ":" + std::to_string(number) + ": " + std::string(why)};
    };
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    while (!text.empty()) {
        auto end = text.find('\n');
        auto raw = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        ++number;
        auto line = trimmed(without_comment(raw));
        if (line.empty()) continue;

        if (line.front() == '[') {
            if (line.back() != ']') return bad("a section must end with ']'");
            section = &ini[section_name(line.substr(1, line.size() - 2))];
            parent.clear();
            continue;
        }
        if (!section) return bad("a setting stands before the first [section]");
        bool indented = is_padding(raw.front());
        auto equals = line.find('=');
        if (equals == std::string_view::npos) {
            if (indented) continue;  // the value above goes on; none that we read does
            return bad("there is no '=' in this line");
        }
        auto name = lower(trimmed(line.substr(0, equals)));
        std::string value(trimmed(line.substr(equals + 1)));
        if (name.empty()) return bad("there is no name before '='");
        if (indented && !parent.empty()) {
            (*section)[fmt::format("{}.{}", parent, name)] = std::move(value);
        } else {
            parent = value.empty() ? name : std::string();
            (*section)[name] = std::move(value);
        }
    }
    return ini;
}

}  // namespace dray::s3
