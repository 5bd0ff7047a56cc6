// A Python pattern as its reader sees it (regex_python.cpp): tokens, their places, and what they are called in faults.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
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

// str.isidentifier(), except that every character beyond ASCII counts as a letter. `name` is not empty.
bool is_identifier(std::u32string_view name);
std::uint64_t decimal(std::u32string_view digits, std::uint64_t cap);  // no more than cap

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

// A character of the pattern, or a backslash with the character behind it; "" is the end.
using Token = std::u32string_view;

inline bool is(Token token, char32_t c) {
    return token.size() == 1 && token[0] == c;
}

// Positions count characters; Python's do too.
class Tokens {
public:
    // `pattern` is borrowed; `text` are its characters, `offsets` the byte offset of each, and of the end.
    Tokens(std::string_view pattern, std::u32string text, std::vector<std::size_t> offsets)
        : pattern_(pattern), text_(std::move(text)), offsets_(std::move(offsets)) {
        advance();
    }
    Tokens(const Tokens&) = delete;  // next_ looks into text_
    Tokens& operator=(const Tokens&) = delete;

    Token next() const { return next_; }
    bool done() const { return next_.empty(); }
    bool ends_in_backslash() const { return ends_in_backslash_; }  // and that has been met
    std::size_t at() const { return end_ - next_.size(); }
    std::size_t offset() const { return offsets_[at()]; }  // of what is next, in bytes
    std::size_t size() const { return text_.size(); }
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

    // What stands before the terminator, which is taken too. Error: it is missing, or there is nothing (`what`).
    Result<std::u32string> get_until(char32_t terminator, std::string_view what);

    // A fault of the pattern: at a position, or `back` characters before what is next.
    Error fault_at(std::size_t position, std::string_view reason) const;
    Error fault(std::string_view reason, std::size_t back = 0) const { return fault_at(at() - back, reason); }

private:
    void advance() {
        const std::size_t begin = std::min(end_, text_.size());
        const std::size_t size = begin < text_.size() && text_[begin] == '\\' ? 2 : 1;
        next_ = Token(text_).substr(begin, size);
        end_ = begin + next_.size();
        ends_in_backslash_ |= is(next_, '\\');
    }

    std::string_view pattern_;
    std::u32string text_;
    std::vector<std::size_t> offsets_;
    std::size_t end_ = 0;
    Token next_;
    bool ends_in_backslash_ = false;
};

}  // namespace dray::pattern
