#include "ops/template.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/log.h"
#include "base/utf8.h"

namespace dray {
namespace {

std::string_view after_last_slash(std::string_view text) {
    const std::size_t slash = text.rfind('/');
    return slash == std::string_view::npos ? text : text.substr(slash + 1);
}

std::string_view before_last_slash(std::string_view text) {
    const std::size_t slash = text.rfind('/');
    return slash == std::string_view::npos ? std::string_view() : text.substr(0, slash);
}

// Behind the last dot; a dot at the beginning (".bashrc") makes no extension.
std::string_view extension(std::string_view name) {
    const std::size_t dot = name.rfind('.');
    return dot == std::string_view::npos || dot == 0 ? std::string_view() : name.substr(dot + 1);
}

// The whole text as a number; nullopt: it is none.
std::optional<std::size_t> number(std::string_view text) {
    std::size_t value = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || fault != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

}  // namespace

// Reads one template from left to right.
class TemplateParser {
public:
    TemplateParser(std::string_view text, const TemplateScope& scope) : text_(text), scope_(scope) {}

    Result<Template> parse() {
        while (at_ < text_.size()) {
            const char c = text_[at_];
            if (c == '{' && !doubled())
                TRY(field());
            else if (c == '}' && !doubled())
                return fault("a lone }: write }} for the character", at_);
            else
                literal(c);
        }
        return std::move(made_);
    }

private:
    using Field = Template::Field;

    bool doubled() const { return at_ + 1 < text_.size() && text_[at_ + 1] == text_[at_]; }

    void literal(char c) {
        at_ += (c == '{' || c == '}') ? 2 : 1;
        made_.add_text({&c, 1});
    }

    Error fault(std::string_view what, std::size_t offset) const {
        return {.code = Code::invalid, .message = with_caret("template: " + std::string(what), text_, offset)};
    }

    // At an opening brace.
    Status field() {
        const std::size_t begin = at_++;
        const std::size_t name_end = std::min(text_.find_first_of(":}", at_), text_.size());
        const std::string_view name = text_.substr(at_, name_end - at_);
        std::optional<std::string> argument;
        at_ = name_end;
        if (at_ < text_.size() && text_[at_] == ':') argument = read_argument();
        if (at_ >= text_.size()) return fault("a { that is never closed: write {{ for the character", begin);
        ++at_;
        return add(name, argument, begin + 1);
    }

    // From the colon up to the closing brace, where at_ then stands. }} is the character }.
    std::string read_argument() {
        std::string argument;
        for (++at_; at_ < text_.size(); ++at_) {
            if (text_[at_] == '}') {
                if (!doubled()) break;
                ++at_;
            }
            argument += text_[at_];
        }
        return argument;
    }

    Status add(std::string_view name, const std::optional<std::string>& argument, std::size_t offset) {
        static constexpr std::array<std::pair<std::string_view, Field>, 8> kFields = {{{"key", Field::key},
                                                                                       {"path", Field::path},
                                                                                       {"basename", Field::basename},
                                                                                       {"dirname", Field::dirname},
                                                                                       {"ext", Field::ext},
                                                                                       {"size", Field::size},
                                                                                       {"etag", Field::etag},
                                                                                       {"date", Field::date}}};
        const auto known =
            std::find_if(kFields.begin(), kFields.end(), [&](const auto& field) { return field.first == name; });
        const auto group = group_called(name);
        if (known == kFields.end()) return add_group(name, group, argument, offset);
        if (group)
            return fault(
                "{" + std::string(name) + "} is a field, and a group of the pattern has that name: rename the group",
                offset);
        if (known->second == Field::date) return add_date(argument, offset);
        if (known->second == Field::etag) return add_etag(argument, offset);
        if (argument) return fault("{" + std::string(name) + "} takes nothing behind a colon", offset);
        made_.parts_.push_back({.field = known->second});
        return {};
    }

    std::optional<std::size_t> group_called(std::string_view name) const {
        return scope_.regex ? scope_.regex->group_named(name) : std::nullopt;
    }

    Status add_group(std::string_view name, std::optional<std::size_t> group,
                     const std::optional<std::string>& argument, std::size_t offset) {
        const auto numbered = number(name);
        if (!group && !numbered)
            return fault("{" + std::string(name) +
                             "} is neither a field (key, path, basename, dirname, ext, size, etag, date) nor a group",
                         offset);
        if (!scope_.regex) return fault("there is no pattern whose groups could be used here", offset);
        if (!group && *numbered > scope_.regex->group_count())
            return fault("the pattern has only " + std::to_string(scope_.regex->group_count()) + " groups", offset);
        if (argument) return fault("a group takes nothing behind a colon", offset);
        made_.parts_.push_back({.field = Field::group, .group = group ? *group : *numbered});
        return {};
    }

    Status add_date(const std::optional<std::string>& format, std::size_t offset) {
        if (!format || format->empty()) return fault("a date needs a format: {date:%Y/%m/%d}", offset);
        if (!scope_.has_date)
            return fault(
                "there is no date here: find it in the key (--match with --date-format), take LastModified "
                "(--date-from modified), or give one for all (--date)",
                offset);
        made_.add_date(*format);
        return {};
    }

    Status add_etag(const std::optional<std::string>& width, std::size_t offset) {
        const auto characters = width ? number(*width) : std::optional<std::size_t>(0);
        if (!characters || (width && *characters == 0))
            return fault("{etag:8} takes the number of characters wanted", offset);
        made_.parts_.push_back({.field = Field::etag, .width = *characters});
        return {};
    }

    std::string_view text_;
    TemplateScope scope_;
    std::size_t at_ = 0;
    Template made_;
};

Result<Template> Template::compile(std::string_view text, const TemplateScope& scope) {
    return TemplateParser(text, scope).parse();
}

Template Template::literal(std::string_view text) {
    Template made;
    made.add_text(text);
    return made;
}

void Template::add_text(std::string_view text) {
    if (text.empty()) return;
    if (parts_.empty() || parts_.back().field != Field::text) parts_.push_back({});
    parts_.back().text += text;
}

// What stands before the first directive is the same for every date.
void Template::add_date(std::string_view format) {
    const std::size_t directive = std::min(format.find('%'), format.size());
    add_text(format.substr(0, directive));
    format.remove_prefix(directive);
    if (!format.empty()) parts_.push_back({.field = Field::date, .text = std::string(format)});
}

void Template::prepend(std::string_view text) {
    if (text.empty()) return;
    if (parts_.empty() || parts_.front().field != Field::text) parts_.insert(parts_.begin(), Part{});
    parts_.front().text.insert(0, text);
}

std::optional<std::size_t> Template::render(const TemplateSubject& subject, std::string& out) const {
    bool drop_slash = false;  // an empty {dirname} takes the slash behind it along
    for (const Part& part : parts_) {
        const bool drop = std::exchange(drop_slash, false);
        switch (part.field) {
            case Field::text: out.append(part.text, drop && part.text.starts_with('/') ? 1 : 0); break;
            case Field::group: {
                const auto& group = subject.match->groups.at(part.group);
                if (!group && !subject.unset_is_empty) return part.group;
                if (group) out += *group;
                break;
            }
            case Field::key: out += subject.object.key; break;
            case Field::path: out += subject.path; break;
            case Field::basename: out += after_last_slash(subject.object.key); break;
            case Field::dirname: {
                const std::string_view folder = before_last_slash(subject.path);
                out += folder;
                drop_slash = folder.empty();
                break;
            }
            case Field::ext: out += extension(after_last_slash(subject.object.key)); break;
            case Field::size: out += std::to_string(subject.object.size); break;
            case Field::etag:
                out +=
                    std::string_view(subject.object.etag).substr(0, part.width == 0 ? std::string::npos : part.width);
                break;
            case Field::date: out += format_date(*subject.date, part.text); break;
        }
    }
    return std::nullopt;
}

bool Template::is_literal() const {
    return std::all_of(parts_.begin(), parts_.end(), [](const Part& part) { return part.field == Field::text; });
}

std::string Template::literal_beginning() const {
    return parts_.empty() || parts_.front().field != Field::text ? std::string() : parts_.front().text;
}

std::vector<std::string> Template::date_formats() const {
    std::vector<std::string> formats;
    for (const Part& part : parts_)
        if (part.field == Field::date) formats.push_back(part.text);
    return formats;
}

std::pair<Template, Template> Template::cut_at_slash() && {
    std::pair<Template, Template> halves;
    bool behind = false;
    for (Part& part : parts_) {
        const bool written = part.field == Field::text || part.field == Field::date;
        const std::size_t slash = written && !behind ? part.text.find('/') : std::string::npos;
        if (slash == std::string::npos) {
            (behind ? halves.second : halves.first).parts_.push_back(std::move(part));
            continue;
        }
        behind = true;
        const std::string_view before = std::string_view(part.text).substr(0, slash);
        const std::string_view after = std::string_view(part.text).substr(slash + 1);
        if (part.field == Field::text) {
            halves.first.add_text(before);
            halves.second.add_text(after);
        } else {
            halves.first.add_date(before);
            halves.second.add_date(after);
        }
    }
    return halves;
}

}  // namespace dray
