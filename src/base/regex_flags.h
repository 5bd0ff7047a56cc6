// Inline flags of a Python pattern: (?i), (?ims-x:...).
#pragma once

#include <string>

#include "base/regex_set.h"
#include "base/regex_tokens.h"

namespace dray::pattern {

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

// Called behind the first flag (or "-"), which is `first`; ends behind ")" or ":".
Result<FlagChange> read_flags(Tokens& in, char32_t first);

}  // namespace dray::pattern
