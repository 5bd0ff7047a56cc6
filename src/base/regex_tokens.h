// The small parts of the pattern translator (regex_python.cpp): tokens of a pattern, flags, widths.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/regex_set.h"
#include "base/utf8.h"

namespace dray::pattern {

inline constexpr std::uint64_t kEndless = std::uint64_t{1} << 31;  // its square fits

inline bool is_digit(char32_t c) {
    return c >= '0' && c <= '9';
}
inline bool is_octal(char32_t c) {
    return c >= '0' && c <= '7';
}
inline bool is_hex(char32_t c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
inline bool is_ascii_letter(char32_t c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
inline bool one_of(char32_t c, std::u32string_view set) {
    return set.find(c) != std::u32string_view::npos;
}

inline std::string utf8(std::u32string_view text) {
    std::string out;
    for (const char32_t c : text)
        append_utf8(out, c);
    return out;
}

// Characters that a part of a pattern can match: Python wants them equal in a lookbehind.
struct Width {
    std::uint64_t least = 0, most = 0;

    void follow(const Width& next) {
        least = std::min(least + next.least, kEndless);
        most = std::min(most + next.most, kEndless);
    }
    void either(const Width& other) {
        least = std::min(least, other.least);
        most = std::max(most, other.most);
    }
    Width times(std::uint64_t fewest, std::uint64_t mostly) const {
        return {std::min(least * fewest, kEndless), most == 0 ? 0 : std::min(most * mostly, kEndless)};
    }
};

struct Flags {
    bool ignore_case = false, multiline = false, dot_all = false, verbose = false, ascii = false;

    CharacterRules rules() const { return {.ignore_case = ignore_case, .ascii = ascii}; }

    // "ims" in force and not in force, for PCRE2; verbose is never passed on.
    std::string on() const { return letters(true); }
    std::string off() const { return letters(false); }

private:
    std::string letters(bool wanted) const {
        std::string out;
        if ((ignore_case && !ascii) == wanted) out += 'i';
        if (multiline == wanted) out += 'm';
        if (dot_all == wanted) out += 's';
        return out;
    }
};

// What an inline (?aimsux-imsx) says.
struct FlagChange {
    std::u32string add, remove;
    bool global = false;  // "(?i)", not "(?i:...)"

    void apply_to(Flags& flags) const {
        const auto change = [](Flags& to, char32_t letter, bool value) {
            if (letter == 'i') to.ignore_case = value;
            if (letter == 'm') to.multiline = value;
            if (letter == 's') to.dot_all = value;
            if (letter == 'x') to.verbose = value;
            if (letter == 'a') to.ascii = value;
            if (letter == 'u') to.ascii = !value;
        };
        for (const char32_t letter : add)
            change(flags, letter, true);
        for (const char32_t letter : remove)
            change(flags, letter, false);
    }
};

// A character of the pattern, or a backslash with the character behind it; "" is the end.
using Token = std::u32string_view;

inline bool is(Token token, char32_t c) {
    return token.size() == 1 && token[0] == c;
}

// Positions count characters; Python's do too.
class Tokens {
public:
    explicit Tokens(std::u32string text) : text_(std::move(text)) { advance(); }
    Tokens(const Tokens&) = delete;  // next_ looks into text_
    Tokens& operator=(const Tokens&) = delete;

    Token next() const { return next_; }
    bool done() const { return next_.empty(); }
    bool ends_in_backslash() const { return ends_in_backslash_; }  // and that has been met
    std::size_t at() const { return end_ - next_.size(); }
    Token get() {
        const Token token = next_;
        advance();
        return token;
    }
    bool match(char32_t c) {
        if (!is(next_, c)) return false;
        advance();
        return true;
    }
    void seek(std::size_t position) {
        end_ = position;
        advance();
    }
    template <class Wanted>
    std::u32string get_while(std::size_t most, Wanted wanted) {
        std::u32string run;
        while (run.size() < most && next_.size() == 1 && wanted(next_[0]))
            run += get();
        return run;
    }

private:
    void advance() {
        const std::size_t begin = std::min(end_, text_.size());
        const std::size_t size = begin < text_.size() && text_[begin] == '\\' ? 2 : 1;
        next_ = Token(text_).substr(begin, size);
        end_ = begin + next_.size();
        ends_in_backslash_ |= is(next_, '\\');
    }

    std::u32string text_;
    std::size_t end_ = 0;
    Token next_;
    bool ends_in_backslash_ = false;
};

}  // namespace dray::pattern
