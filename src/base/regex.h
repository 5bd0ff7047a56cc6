// Regexes as Python's `re` reads them (str patterns), run by PCRE2 with JIT. What Python refuses is refused, with the
// place. docs/regex.md lists what is translated. Subjects are bytes; those that are not UTF-8 are matched as far as
// they are (PCRE2_MATCH_INVALID_UTF).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace dray {

// A compiled pattern. Immutable: match from many threads.
class Regex {
public:
    // PCRE2's match limit: a subject that needs more work is an error, never "no match".
    static constexpr std::uint32_t kMatchLimit = 100'000;

    // Error: invalid; the message holds the pattern and, below it, a caret under the fault.
    static Result<Regex> compile(std::string_view pattern);
    Regex(Regex&&) noexcept;
    Regex& operator=(Regex&&) noexcept;
    ~Regex();

    struct Match {
        // Group 0 is the whole match, then the groups in order of their opening parentheses. nullopt: took no part.
        std::vector<std::optional<std::string_view>> groups;  // views into the subject
    };
    // The first match anywhere, as Python's search(). nullopt: none. Error: exhausted with reason "pattern-limit".
    Result<std::optional<Match>> search(std::string_view subject) const;

    std::size_t group_count() const;                                      // without group 0
    std::optional<std::size_t> group_named(std::string_view name) const;  // its number
    const std::string& pattern() const;                                   // as given

private:
    struct Impl;
    explicit Regex(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace dray
