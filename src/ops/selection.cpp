#include <algorithm>
#include <memory>

#include "base/log.h"
#include "base/regex.h"
#include "base/utf8.h"
#include "ops/list.h"

namespace dray {
namespace {

std::string lower_ascii(std::string text) {
    for (char& c : text)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return text;
}

// One glob as a regex.
class GlobReader {
public:
    explicit GlobReader(std::string_view glob) : glob_(glob) {}

    Result<Regex> compile() {
        const bool from_start = glob_.starts_with('/');
        std::string regex = from_start ? "\\A" : "(?:\\A|/)";
        for (at_ = from_start ? 1 : 0; at_ < glob_.size(); ++at_)
            TRY(add(regex));
        // A folder: all that lies below it.
        if (glob_.size() > 1 && glob_.ends_with('/') && !glob_.ends_with("\\/")) regex += "[\\s\\S]*";
        if (depth_ > 0) return fault("a { that is never closed", open_);
        return Regex::compile(regex + "\\Z");
    }

private:
    Error fault(std::string_view what, std::size_t offset) const {
        return {.code = Code::invalid, .message = with_caret("glob: " + std::string(what), glob_, offset)};
    }

    static void literal(std::string& regex, char c) {
        if (std::string_view("\\^$.|?*+()[]{}-&~#\"'").find(c) != std::string_view::npos) regex += '\\';
        regex += c;
    }

    Status add(std::string& regex) {
        const char c = glob_[at_];
        if (c == '*') {
            add_stars(regex);
        } else if (c == '?') {
            regex += "[^/]";
        } else if (c == '[') {
            return add_set(regex);
        } else if (glob_.substr(at_).starts_with("{{")) {
            return add_regex(regex);
        } else if (c == '{') {
            ++depth_, open_ = at_;
            regex += "(?:";
        } else if (c == '}' && depth_ > 0) {
            --depth_;
            regex += ')';
        } else if (c == ',' && depth_ > 0) {
            regex += '|';
        } else if (c == '\\') {
            if (++at_ == glob_.size()) return fault("a \\ at the end", at_ - 1);
            literal(regex, glob_[at_]);
        } else {
            literal(regex, c);
        }
        return {};
    }

    // Two stars that stand between slashes, or begin the glob, are any number of elements, none as well.
    void add_stars(std::string& regex) {
        const bool begins = at_ == 0 || glob_[at_ - 1] == '/';
        if (!glob_.substr(at_).starts_with("**")) {
            regex += "[^/]*";
        } else if (begins && glob_.substr(at_).starts_with("**/")) {
            at_ += 2;
            regex += "(?:[\\s\\S]*/)?";
        } else {
            ++at_;
            regex += "[\\s\\S]*";
        }
    }

    // {{regex}}: whatever text it matches, slashes too.
    Status add_regex(std::string& regex) {
        std::size_t end = glob_.find("}}", at_ + 2);
        if (end == std::string_view::npos) return fault("a {{ that is never closed", at_);
        while (glob_.substr(end + 1).starts_with("}}"))
            ++end;  // the first ends a repeat: {{\d{8}}}
        const std::string inner(glob_.substr(at_ + 2, end - at_ - 2));
        TRY(Regex::compile(inner));  // a fault is told with a caret in what was typed
        regex += "(?:" + inner + ")";
        at_ = end + 1;
        return {};
    }

    // A ] is a member when it comes first; - makes a range between two members.
    Status add_set(std::string& regex) {
        const std::size_t begin = at_++;
        const bool negated = at_ < glob_.size() && (glob_[at_] == '!' || glob_[at_] == '^');
        at_ += negated ? 1 : 0;
        const std::size_t end = glob_.find(']', at_ + 1);
        if (at_ >= glob_.size() || end == std::string_view::npos) return fault("a [ that is never closed", begin);
        regex += negated ? "[^/" : "[";
        const std::size_t first = at_;
        for (; at_ < end; ++at_) {
            const bool range = glob_[at_] == '-' && at_ > first && at_ + 1 < end;
            if (range && static_cast<unsigned char>(glob_[at_ - 1]) > static_cast<unsigned char>(glob_[at_ + 1]))
                return fault("a range that runs backwards", at_ - 1);
            if (glob_[at_] == '-')
                regex += '-';
            else
                literal(regex, glob_[at_]);
        }
        regex += ']';
        return {};
    }

    std::string_view glob_;
    std::size_t at_ = 0, open_ = 0;
    int depth_ = 0;
};

class Chooser {
public:
    static Result<std::shared_ptr<const Chooser>> compile(const SelectOptions& options) {
        auto chooser = std::make_shared<Chooser>();
        chooser->options_ = options;
        chooser->take_extensions();
        TRY(add_globs(options.glob, chooser->globs_));
        TRY(add_globs(options.include, chooser->includes_));
        TRY(add_globs(options.exclude, chooser->excludes_));
        for (const std::string& pattern : options.match) {
            TRY_LET(regex, Regex::compile(pattern));
            chooser->patterns_.push_back(std::move(regex));
        }
        return std::shared_ptr<const Chooser>(std::move(chooser));
    }

    bool asks() const {
        return !extensions_.empty() || !globs_.empty() || !includes_.empty() || !excludes_.empty() ||
               !patterns_.empty() || options_.size || options_.age || options_.no_markers;
    }

    bool chooses(const ListedObject& object) const {
        if (options_.no_markers && object.key.ends_with('/')) return false;
        if (options_.size && !options_.size->holds(object.size)) return false;
        if (options_.age && !of_age(object)) return false;
        if (!extensions_.empty() && !has_extension(object.key)) return false;
        std::string_view path = object.key;
        if (path.starts_with(options_.prefix)) path.remove_prefix(options_.prefix.size());
        return any(globs_, path, true) && any(includes_, path, true) && any(patterns_, path, true) &&
               !any(excludes_, path, false);
    }

private:
    static Status add_globs(const std::vector<std::string>& texts, std::vector<Regex>& globs) {
        for (const std::string& text : texts) {
            TRY_LET(regex, GlobReader(text).compile());
            globs.push_back(std::move(regex));
        }
        return {};
    }

    void take_extensions() {
        for (std::string_view ext : options_.ext) {
            if (!options_.ext_exact && ext.starts_with('.')) ext.remove_prefix(1);
            if (ext.empty()) continue;
            const std::string ending = "." + std::string(ext);
            extensions_.push_back(options_.ext_ignore_case ? lower_ascii(ending) : ending);
        }
    }

    bool has_extension(const std::string& key) const {
        const std::string text = options_.ext_ignore_case ? lower_ascii(key) : key;
        return std::any_of(extensions_.begin(), extensions_.end(),
                           [&](const std::string& ext) { return text.ends_with(ext); });
    }

    bool of_age(const ListedObject& object) const {
        if (object.modified == WallTime{}) return false;
        const auto age = std::chrono::duration_cast<std::chrono::seconds>(options_.now - object.modified).count();
        return options_.age->holds(static_cast<std::uint64_t>(std::max<std::int64_t>(age, 0)));
    }

    // Whether any of them is found; `none` when there are none. A pattern that gives up leaves the object out, wherever
    // it stands.
    static bool any(const std::vector<Regex>& regexes, std::string_view path, bool none) {
        if (regexes.empty()) return none;
        for (const Regex& regex : regexes) {
            const auto found = regex.search(path);
            if (!found) {
                log_event(LogLevel::warning, "pattern-limit",
                          {{"pattern", regex.pattern()}, {"key", std::string(path)}});
                return !none;
            }
            if (*found) return true;
        }
        return false;
    }

    SelectOptions options_;
    std::vector<std::string> extensions_;
    std::vector<Regex> globs_, includes_, excludes_, patterns_;
};

}  // namespace

Result<Selection> compile_selection(const SelectOptions& options) {
    // shared: a Selection is a std::function, which must be copyable.
    TRY_LET(chooser, Chooser::compile(options));
    if (!chooser->asks()) return Selection();
    return Selection([chooser](const ListedObject& object) { return chooser->chooses(object); });
}

Result<AmountRange> parse_range(const std::string& text,
                                const std::function<Result<std::uint64_t>(const std::string&)>& amount) {
    AmountRange range;
    const std::size_t dots = text.find("..");
    if (dots != std::string::npos) {
        const std::string least = text.substr(0, dots), most = text.substr(dots + 2);
        if (!least.empty()) {
            TRY_LET(value, amount(least));
            range.least = value;
        }
        if (!most.empty()) {
            TRY_LET(value, amount(most));
            range.most = value;
        }
        if ((least.empty() && most.empty()) || range.least > range.most)
            return Error{.code = Code::invalid,
                         .message = in_quotes(text) + " holds nothing; write the smaller amount first"};
        return range;
    }
    const char sign = text.empty() ? ' ' : text.front();
    TRY_LET(value, amount(sign == '+' || sign == '-' ? text.substr(1) : text));
    if (sign != '-') range.least = value;
    if (sign != '+') range.most = value;
    return range;
}

}  // namespace dray
