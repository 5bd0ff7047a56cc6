#include "base/regex_flags.h"

#include <fmt/format.h>

namespace dray::pattern {
namespace {

bool is_flag(Token token) {
    return token.size() == 1 && one_of(token[0], U"aiLmsux");
}

// The end of a list of flags that is not one of the signs allowed there.
Error bad_flag(const Tokens& in, Token token, std::string_view missing) {
    const bool letter = token.size() == 1 && (is_ascii_letter(token[0]) || token[0] >= 0x80);
    return in.fault(letter ? "unknown flag" : fmt::format("missing {}", missing), token.size());
}

Status removed_flags(Tokens& in, FlagChange& change) {
    Token token = in.get();
    if (!is_flag(token)) return bad_flag(in, token, "flag");
    while (true) {
        if (one_of(token[0], U"auL")) return in.fault("bad inline flags: cannot turn off flags 'a', 'u' and 'L'");
        change.remove += token[0];
        token = in.get();
        if (is(token, ':')) break;
        if (!is_flag(token)) return bad_flag(in, token, ":");
    }
    for (const char32_t letter : change.remove) {
        if (one_of(letter, change.add)) return in.fault("bad inline flags: flag turned on and off", 1);
    }
    return {};
}

}  // namespace

Result<FlagChange> read_flags(Tokens& in, char32_t first) {
    FlagChange change;
    char32_t c = first;
    while (c != '-') {
        if (c == 'L') return in.fault("bad inline flags: cannot use 'L' flag with a str pattern");
        change.add += c;
        if (one_of('a', change.add) && one_of('u', change.add)) {
            return in.fault("bad inline flags: flags 'a', 'u' and 'L' are incompatible");
        }
        const Token token = in.get();
        if (is(token, ')')) {
            change.global = true;
            return change;
        }
        if (is(token, ':')) return change;
        if (!is(token, '-') && !is_flag(token)) return bad_flag(in, token, "-, : or )");
        c = token[0];
    }
    TRY(removed_flags(in, change));
    return change;
}

}  // namespace dray::pattern
