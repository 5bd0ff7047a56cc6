// Template: the text of a target with fields in braces, filled in for each object. The fields are in docs/relayout.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/regex.h"
#include "base/result.h"
#include "base/time.h"
#include "store/object_store.h"

namespace dray {

// What fields may refer to.
struct TemplateScope {
    const Regex* regex = nullptr;  // null: there are no groups
    bool has_date = false;
};

// What fields are filled from. Borrowed for the call.
struct TemplateSubject {
    const ListedObject& object;
    std::string_view path;  // the key below the source prefix
    const Regex::Match* match = nullptr;
    const DateTime* date = nullptr;
    bool unset_is_empty = false;  // a group that took no part counts as empty text
};

// Immutable once compiled.
class Template {
public:
    // Error: invalid, with a caret under the fault.
    static Result<Template> compile(std::string_view text, const TemplateScope& scope);
    static Template literal(std::string_view text);

    // Appends the text to `out`. Answers the number of a group that was needed and took no part; nullopt: all went
    // well.
    std::optional<std::size_t> render(const TemplateSubject& subject, std::string& out) const;

    bool is_literal() const;                // the same text for every object
    std::string literal_beginning() const;  // what every text of it begins with
    std::vector<std::string> date_formats() const;
    void prepend(std::string_view text);  // before everything, as it stands
    // The templates of what stands before and behind the first slash that was written (not one that a field brings).
    std::pair<Template, Template> cut_at_slash() &&;

private:
    enum class Field : std::uint8_t { text, group, key, path, basename, dirname, ext, size, etag, date };
    struct Part {
        Field field = Field::text;
        std::string text;       // of text; strftime format of date
        std::size_t group = 0;  // of group
        std::size_t width = 0;  // of etag: characters; 0: all
    };
    friend class TemplateParser;
    void add_text(std::string_view text);
    void add_date(std::string_view format);
    std::vector<Part> parts_;
};

}  // namespace dray
