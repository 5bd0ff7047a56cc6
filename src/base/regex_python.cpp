#include "base/regex_python.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "base/regex_characters.h"
#include "base/regex_flags.h"
#include "base/regex_set.h"
#include "base/regex_tokens.h"
#include "base/utf8.h"

namespace dray {
namespace {

using namespace pattern;

constexpr std::size_t kMaxNesting = 200;      // PCRE2 stops at 250
constexpr std::uint64_t kMaxRepeat = 65'535;  // PCRE2's
constexpr std::size_t kMaxGroups = 65'535;    // PCRE2's

// Follows CPython's re/_parser.py step by step, so that the same patterns fail, at the same places. One pass: global
// flags can only stand at the start, so the flags in force are known wherever something is written.
class Translator {
public:
    Translator(std::string_view pattern, std::u32string text, std::vector<std::size_t> offsets)
        : in_(pattern, std::move(text), std::move(offsets)) {}

    Result<PythonPattern> run() {
        auto result = translate();
        // Python reads one token ahead, so this fault comes before any other that has been met so far.
        if (in_.ends_in_backslash()) return in_.fault_at(in_.size() - 1, "bad escape (end of pattern)");
        return result;
    }

private:
    Result<PythonPattern> translate() {
        TRY(alternatives(flags_, 0));
        if (!in_.done()) return in_.fault("unbalanced parenthesis");
        for (const auto& [group, position] : conditions_) {
            if (group > groups_.size()) return in_.fault_at(position, fmt::format("invalid group reference {}", group));
        }
        if (variable_lookbehind_) {
            return in_.fault_at(*variable_lookbehind_, "look-behind requires fixed-width pattern");
        }
        result_.groups = groups_.size();
        const std::string flags = flags_.on();
        if (flags.empty()) return std::move(result_);
        const std::string prefix = "(?" + flags + ")";
        result_.pcre2.insert(0, prefix);
        for (auto& place : result_.places)
            place.pcre2 += prefix.size();
        return std::move(result_);
    }

    // --- structure

    Result<Width> alternatives(Flags& flags, std::size_t nesting) {
        if (nesting > kMaxNesting) return in_.fault(fmt::format("more than {} groups in one another", kMaxNesting));
        TRY_LET(width, sequence(flags, nesting, nesting == 0));
        while (in_.match('|')) {
            out() += '|';
            TRY_LET(other, sequence(flags, nesting, false));
            width.either(other);
        }
        return width;
    }

    // What stands last in a sequence decides whether a quantifier may follow.
    enum class Last { nothing, anchor, item, group, repeat };

    struct Sequence {
        Flags& flags;
        std::size_t nesting = 0;
        bool opens_pattern = false;  // the first alternative, outside all groups
        Last last = Last::nothing;
        Width before, width;    // of what comes before the last thing, and of that
        std::size_t begin = 0;  // of the last thing, in what is written
        std::size_t here = 0;   // of the thing being read

        void add(Last kind, const Width& added = {}) {
            begin = here;
            before.follow(width);
            width = added;
            last = kind;
        }
        Width total() const {
            Width all = before;
            all.follow(width);
            return all;
        }
    };

    Result<Width> sequence(Flags& flags, std::size_t nesting, bool opens_pattern) {
        Sequence sequence{.flags = flags, .nesting = nesting, .opens_pattern = opens_pattern};
        while (!in_.done() && !is(in_.next(), '|') && !is(in_.next(), ')')) {
            result_.places.push_back({out().size(), in_.offset()});
            sequence.here = out().size();
            TRY(one(sequence, in_.get()));
        }
        return sequence.total();
    }

    Status one(Sequence& sequence, Token token) {
        if (token.size() == 2) return escape(sequence, token[1]);
        const char32_t c = token[0];
        if (sequence.flags.verbose && one_of(c, U" \t\n\r\v\f")) return {};
        if (sequence.flags.verbose && c == '#') return skip_comment_line();
        if (c == '[') return set(sequence);
        if (c == '(') return group(sequence);
        if (one_of(c, U"*+?{")) return quantifier(sequence, c);
        if (c == '^' || c == '$') return anchor(sequence, c == '^' ? "^" : "$");
        if (c == '.') return item(sequence, ".", {1, 1});
        return literal(sequence, c);
    }

    Status skip_comment_line() {
        while (!in_.done() && !is(in_.get(), '\n')) {
        }
        return {};
    }

    Status anchor(Sequence& sequence, std::string_view text) {
        out() += text;
        sequence.add(Last::anchor);
        return {};
    }
    Status item(Sequence& sequence, std::string_view text, const Width& width) {
        out() += text;
        sequence.add(Last::item, width);
        return {};
    }
    Status set(Sequence& sequence) {
        TRY_LET(text, read_set(in_, sequence.flags.rules()));
        return item(sequence, text, {1, 1});
    }
    Status literal(Sequence& sequence, char32_t c) {
        append_literal(out(), c, sequence.flags.rules());
        sequence.add(Last::item, {1, 1});
        return {};
    }

    // --- quantifiers

    struct Repeat {
        std::uint64_t least = 0;
        std::optional<std::uint64_t> most;
    };

    Status quantifier(Sequence& sequence, char32_t sign) {
        const std::size_t here = in_.at();
        Repeat repeat;
        if (sign == '?') repeat.most = 1;
        if (sign == '+') repeat.least = 1;
        if (sign == '{') {
            TRY_LET(braces, braced_repeat(here));
            if (!braces) {
                in_.seek(here);
                return literal(sequence, '{');
            }
            repeat = *braces;
        }
        if (sequence.last == Last::nothing || sequence.last == Last::anchor) {
            return in_.fault_at(here - 1, "nothing to repeat");
        }
        if (sequence.last == Last::repeat) return in_.fault_at(here - 1, "multiple repeat");

        const bool lazy = in_.match('?');
        const bool possessive = !lazy && in_.match('+');
        write(repeat, lazy ? "?" : possessive ? "+" : "", sequence);
        sequence.width = sequence.width.times(repeat.least, repeat.most.value_or(kEndless));
        sequence.last = Last::repeat;
        return {};
    }

    void write(const Repeat& repeat, std::string_view mode, const Sequence& sequence) {
        const std::string count =
            fmt::format("{{{},{}}}", repeat.least, repeat.most ? std::to_string(*repeat.most) : "");
        if (sequence.last == Last::group && repeat.most == std::uint64_t{0}) {
            // PCRE2 10.42 loses matches of "(?:a|^a){0}b": make the group one that cannot be entered.
            insert(sequence.begin, "(?:(?!)");
            out() += "|)";
        } else if (sequence.last == Last::group && mode == "+") {
            // Python gives back nothing within a round either. And the JIT of PCRE2 10.42 keeps groups of a failed
            // alternative for "(a)*+b|c".
            insert(sequence.begin, "(?>(?>");
            out().append(")").append(count).append(")");
        } else {
            out().append(count).append(mode);
        }
    }

    // The rest of "{2}", "{2,}", "{,3}", "{2,3}", "{,}"; nullopt: the brace is a character like any other.
    Result<std::optional<Repeat>> braced_repeat(std::size_t here) {
        if (is(in_.next(), '}')) return std::optional<Repeat>();
        const std::u32string least = in_.get_while(std::u32string::npos, is_digit);
        std::u32string most = least;
        const bool comma = in_.match(',');
        if (comma) most = in_.get_while(std::u32string::npos, is_digit);
        if (!in_.match('}')) return std::optional<Repeat>();

        Repeat repeat{.least = decimal(least, kMaxRepeat + 1)};
        if (!most.empty()) repeat.most = decimal(most, kMaxRepeat + 1);
        if (repeat.least > kMaxRepeat || repeat.most.value_or(0) > kMaxRepeat) {
            return in_.fault_at(here, fmt::format("repeat count above {}", kMaxRepeat));
        }
        if (repeat.most && *repeat.most < repeat.least) {
            return in_.fault_at(here, "min repeat greater than max repeat");
        }
        return std::optional<Repeat>(repeat);
    }

    // --- escapes

    Status escape(Sequence& sequence, char32_t letter) {
        const CharacterRules rules = sequence.flags.rules();
        if (letter == 'A') return anchor(sequence, "\\A");
        if (letter == 'Z') return anchor(sequence, "\\z");
        if (letter == 'b' || letter == 'B') return anchor(sequence, boundary(letter == 'b', rules));
        if (one_of(letter, U"dDsSwW")) {
            CharacterSet set(rules);
            set.add_category(letter);
            return item(sequence, set.as_class(false), {1, 1});
        }
        if (is_digit(letter) && letter != '0') return octal_or_reference(sequence, letter);
        TRY_LET(c, escaped_character(in_, letter));
        return literal(sequence, c);
    }

    // Python's \B does not match in an empty text; PCRE2's does.
    static std::string boundary(bool wanted, const CharacterRules& rules) {
        if (!rules.ascii) return wanted ? "\\b" : "(?!\\A\\z)\\B";
        CharacterSet set(rules);
        set.add_category('w');
        const std::string word = set.as_class(false);
        return wanted ? fmt::format("(?:(?<={0})(?!{0})|(?<!{0})(?={0}))", word)
                      : fmt::format("(?!\\A\\z)(?:(?<={0})(?={0})|(?<!{0})(?!{0}))", word);
    }

    // "\12" is group 12, "\123" the character 0o123: three octal digits decide.
    Status octal_or_reference(Sequence& sequence, char32_t first) {
        std::u32string digits(1, first);
        digits += in_.get_while(1, is_digit);
        const bool octal = digits.size() == 2 && is_octal(digits[0]) && is_octal(digits[1]) && in_.next().size() == 1 &&
                           is_octal(in_.next()[0]);
        if (octal) {
            digits += in_.get();
            TRY_LET(c, octal_character(in_, digits));
            return literal(sequence, c);
        }
        const std::size_t group = decimal(digits, kMaxGroups + 1);
        if (group > groups_.size()) {
            return in_.fault(fmt::format("invalid group reference {}", group), digits.size());
        }
        return reference(sequence, group, digits.size() + 1);
    }

    Status reference(Sequence& sequence, std::size_t group, std::size_t back) {
        if (!groups_[group - 1]) return in_.fault("cannot refer to an open group", back);
        TRY(check_lookbehind(group));
        // With (?ai) the reference folds case as Unicode does; PCRE2 knows no other way.
        const std::string text = fmt::format("\\g{{{}}}", group);
        const bool fold = sequence.flags.rules().spell_out_case();
        return item(sequence, fold ? "(?i:" + text + ")" : text, *groups_[group - 1]);
    }

    Status check_lookbehind(std::size_t group) const {
        if (!groups_before_lookbehind_) return {};
        const bool closed = group <= groups_.size() && groups_[group - 1];
        if (!closed) return in_.fault("cannot refer to an open group");
        if (group > *groups_before_lookbehind_) {
            return in_.fault("cannot refer to group defined in the same lookbehind subpattern");
        }
        return {};
    }

    // --- groups

    Status group(Sequence& sequence) {
        const std::size_t start = in_.at() - 1;
        if (!in_.match('?')) return capture(sequence, start, {});
        const Token token = in_.get();
        if (token.empty()) return in_.fault("unexpected end of pattern");
        const char32_t kind = token.size() == 1 ? token[0] : U'\\';
        if (kind == 'P') return python_group(sequence, start);
        if (kind == ':') return enclosed(sequence, start, "(?:", sequence.flags);
        if (kind == '>') return enclosed(sequence, start, "(?>", sequence.flags);
        if (kind == '#') return comment(start);
        if (kind == '=' || kind == '!') return look(sequence, start, kind == '=' ? "(?=" : "(?!");
        if (kind == '<') return lookbehind(sequence, start);
        if (kind == '(') return condition(sequence, start);
        if (one_of(kind, U"aiLmsux-")) return flagged(sequence, start, kind);
        return in_.fault("unknown extension ?" + utf8(token), token.size() + 1);
    }

    Status comment(std::size_t start) {
        while (!in_.done()) {
            if (is(in_.get(), ')')) return {};
        }
        return in_.fault_at(start, "missing ), unterminated comment");
    }

    // The inside of a group and its closing parenthesis.
    Result<Width> body(std::size_t start, std::string_view opening, Flags flags, std::size_t nesting) {
        out() += opening;
        TRY_LET(width, alternatives(flags, nesting + 1));
        if (!in_.match(')')) return in_.fault_at(start, "missing ), unterminated subpattern");
        out() += ')';
        return width;
    }

    Status enclosed(Sequence& sequence, std::size_t start, std::string_view opening, const Flags& flags) {
        TRY_LET(width, body(start, opening, flags, sequence.nesting));
        sequence.add(Last::group, width);
        return {};
    }

    Status capture(Sequence& sequence, std::size_t start, const std::u32string& name) {
        if (groups_.size() == kMaxGroups) return in_.fault_at(start, "too many groups");
        groups_.emplace_back();
        const std::size_t group = groups_.size();
        if (!name.empty()) {
            const auto [known, added] = result_.names.emplace(utf8(name), group);
            if (!added) {
                return in_.fault(fmt::format("redefinition of group name '{}' as group {}; was group {}", utf8(name),
                                             group, known->second),
                                 name.size() + 1);
            }
        }
        TRY_LET(width, body(start, "(", sequence.flags, sequence.nesting));
        groups_[group - 1] = width;
        sequence.add(Last::group, width);
        return {};
    }

    Status look(Sequence& sequence, std::size_t start, std::string_view opening) {
        TRY_LET(width, body(start, opening, sequence.flags, sequence.nesting));
        static_cast<void>(width);
        sequence.add(Last::group);
        return {};
    }

    Status lookbehind(Sequence& sequence, std::size_t start) {
        const Token token = in_.get();
        if (token.empty()) return in_.fault("unexpected end of pattern");
        if (!is(token, '=') && !is(token, '!')) {
            return in_.fault("unknown extension ?<" + utf8(token), token.size() + 2);
        }
        const bool outermost = !groups_before_lookbehind_;
        if (outermost) groups_before_lookbehind_ = groups_.size();
        TRY_LET(width, body(start, is(token, '=') ? "(?<=" : "(?<!", sequence.flags, sequence.nesting));
        if (outermost) groups_before_lookbehind_.reset();
        // Python looks at this only when the whole pattern has been read, at outer ones first.
        if (width.least != width.most) variable_lookbehind_ = std::min(start, variable_lookbehind_.value_or(start));
        sequence.add(Last::group);
        return {};
    }

    // --- names, references, conditions

    Error bad_name(const std::u32string& name) const {
        return in_.fault(fmt::format("bad character in group name '{}'", utf8(name)), name.size() + 1);
    }

    Status python_group(Sequence& sequence, std::size_t start) {
        if (in_.match('<')) {
            TRY_LET(name, in_.get_until('>', "group name"));
            if (!is_identifier(name)) return bad_name(name);
            return capture(sequence, start, name);
        }
        if (in_.match('=')) {
            TRY_LET(name, in_.get_until(')', "group name"));
            if (!is_identifier(name)) return bad_name(name);
            TRY_LET(group, group_called(name));
            return reference(sequence, group, name.size() + 1);
        }
        const Token token = in_.get();
        if (token.empty()) return in_.fault("unexpected end of pattern");
        return in_.fault("unknown extension ?P" + utf8(token), token.size() + 2);
    }

    Result<std::size_t> group_called(const std::u32string& name) const {
        const auto found = result_.names.find(utf8(name));
        if (found != result_.names.end()) return found->second;
        return in_.fault(fmt::format("unknown group name '{}'", utf8(name)), name.size() + 1);
    }

    Result<std::size_t> condition_group(const std::u32string& name) {
        if (is_identifier(name)) return group_called(name);
        if (!std::all_of(name.begin(), name.end(), is_digit)) return bad_name(name);
        const std::size_t group = decimal(name, kMaxGroups + 1);
        if (group == 0) return in_.fault("bad group number", name.size() + 1);
        if (group > kMaxGroups)
            return in_.fault(fmt::format("invalid group reference {}", utf8(name)), name.size() + 1);
        conditions_.emplace_back(group, in_.at() - name.size() - 1);
        return group;
    }

    Status condition(Sequence& sequence, std::size_t start) {
        TRY_LET(name, in_.get_until(')', "group name"));
        TRY_LET(group, condition_group(name));
        TRY(check_lookbehind(group));
        if (sequence.nesting >= kMaxNesting)
            return in_.fault(fmt::format("more than {} groups in one another", kMaxNesting));
        out() += fmt::format("(?({})", group);
        Flags flags = sequence.flags;
        TRY_LET(width, this->sequence(flags, sequence.nesting + 1, false));
        Width other;
        if (in_.match('|')) {
            out() += '|';
            TRY_LET(no, this->sequence(flags, sequence.nesting + 1, false));
            other = no;
            if (is(in_.next(), '|')) return in_.fault("conditional backref with more than two branches");
        }
        if (!in_.match(')')) return in_.fault_at(start, "missing ), unterminated subpattern");
        out() += ')';
        width.either(other);
        sequence.add(Last::group, width);
        return {};
    }

    // --- flags

    Status flagged(Sequence& sequence, std::size_t start, char32_t first) {
        TRY_LET(change, read_flags(in_, first));
        if (change.global) {
            if (!sequence.opens_pattern || sequence.last != Last::nothing) {
                return in_.fault_at(start, "global flags not at the start of the expression");
            }
            return set_global_flags(start, change);
        }
        Flags flags = sequence.flags;
        change.apply_to(flags);
        const std::string off = flags.off();
        const std::string opening = "(?" + flags.on() + (off.empty() ? "" : "-" + off) + ":";
        return enclosed(sequence, start, opening, flags);
    }

    Status set_global_flags(std::size_t start, const FlagChange& change) {
        global_letters_ += change.add;
        if (one_of('a', global_letters_) && one_of('u', global_letters_)) {
            return in_.fault_at(start, "ASCII and UNICODE flags are incompatible");
        }
        change.apply_to(flags_);
        return {};
    }

    std::string& out() { return result_.pcre2; }
    void insert(std::size_t where, std::string_view text) {
        out().insert(where, text);
        for (auto place = result_.places.rbegin(); place != result_.places.rend() && place->pcre2 >= where; ++place) {
            place->pcre2 += text.size();
        }
    }

    Tokens in_;
    Flags flags_;  // outside of all groups
    std::u32string global_letters_;
    std::vector<std::optional<Width>> groups_;                     // by number - 1; nullopt: still open
    std::optional<std::size_t> groups_before_lookbehind_;          // while in one
    std::optional<std::size_t> variable_lookbehind_;               // the first that Python would find
    std::vector<std::pair<std::size_t, std::size_t>> conditions_;  // group and the place that named it
    PythonPattern result_;
};

}  // namespace

Error bad_pattern(std::string_view reason, std::string_view pattern, std::size_t offset) {
    return {.code = Code::invalid, .message = with_caret(fmt::format("bad pattern: {}", reason), pattern, offset)};
}

Result<PythonPattern> translate_python_pattern(std::string_view pattern) {
    std::u32string text;
    std::vector<std::size_t> offsets;
    for (std::size_t at = 0; at < pattern.size();) {
        const auto point = first_code_point(pattern.substr(at));
        if (!point) return bad_pattern("not UTF-8", pattern, at);
        text += point->value;
        offsets.push_back(at);
        at += point->bytes;
    }
    offsets.push_back(pattern.size());
    return Translator(pattern, std::move(text), std::move(offsets)).run();
}

}  // namespace dray
