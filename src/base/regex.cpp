#include "base/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <fmt/format.h>
#include <pcre2.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/regex_python.h"

namespace dray {
namespace {

// Levels of backtracking at once, for PCRE2's interpreter; compiled code is bounded by its stack.
constexpr std::uint32_t kDepthLimit = 20'000;
// Grows from the first to the second size (bytes) as needed; outside of the worker's own small stack.
constexpr std::size_t kFirstStack = 32 * 1024, kLastStack = 1024 * 1024;

struct Free {
    void operator()(pcre2_code* code) const { pcre2_code_free(code); }
    void operator()(pcre2_compile_context* context) const { pcre2_compile_context_free(context); }
    void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
    void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
    void operator()(pcre2_jit_stack* stack) const { pcre2_jit_stack_free(stack); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

std::string message_of(int error) {
    unsigned char text[256] = {};
    pcre2_get_error_message(error, text, sizeof text);
    return reinterpret_cast<const char*>(text);
}

// What matching needs besides the pattern. One a thread, kept for its life: a search allocates only its result.
class Workspace {
public:
    static Workspace& mine() {
        thread_local Workspace workspace;
        return workspace;
    }

    pcre2_match_data* data(std::size_t groups) {
        const auto pairs = static_cast<std::uint32_t>(groups + 1);
        if (!data_ || pcre2_get_ovector_count(data_.get()) < pairs)
            data_.reset(pcre2_match_data_create(pairs, nullptr));
        CHECK(data_ != nullptr);
        return data_.get();
    }
    pcre2_match_context* context() { return context_.get(); }

private:
    Workspace()
        : context_(pcre2_match_context_create(nullptr)),
          stack_(pcre2_jit_stack_create(kFirstStack, kLastStack, nullptr)) {
        CHECK(context_ != nullptr);
        pcre2_set_match_limit(context_.get(), Regex::kMatchLimit);
        pcre2_set_depth_limit(context_.get(), kDepthLimit);
        // Null where PCRE2 was built without JIT: then there is nothing to assign.
        if (stack_) pcre2_jit_stack_assign(context_.get(), nullptr, stack_.get());
    }

    Owned<pcre2_match_context> context_;
    Owned<pcre2_jit_stack> stack_;
    Owned<pcre2_match_data> data_;
};

Result<Owned<pcre2_code>> compile_pcre2(const PythonPattern& translated, std::string_view pattern) {
    const Owned<pcre2_compile_context> context(pcre2_compile_context_create(nullptr));
    CHECK(context != nullptr);
    pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);  // the default is chosen where PCRE2 is built

    int error = 0;
    std::size_t offset = 0;
    const std::uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_MATCH_INVALID_UTF | PCRE2_ALT_CIRCUMFLEX;
    Owned<pcre2_code> code(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated.pcre2.data()), translated.pcre2.size(),
                                         options, &error, &offset, context.get()));
    if (code) {
        // Without JIT (no memory that may be executed) the interpreter does the same work, slower.
        pcre2_jit_compile(code.get(), PCRE2_JIT_COMPLETE);
        return code;
    }
    std::size_t at = 0;
    for (const auto& place : translated.places) {
        if (place.pcre2 <= offset) at = place.python;
    }
    return bad_pattern(message_of(error), pattern, at);
}

}  // namespace

struct Regex::Impl {
    std::string pattern;
    PythonPattern translated;
    Owned<pcre2_code> code;
};

Regex::Regex(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Regex::Regex(Regex&&) noexcept = default;
Regex& Regex::operator=(Regex&&) noexcept = default;
Regex::~Regex() = default;

Result<Regex> Regex::compile(std::string_view pattern) {
    TRY_LET(translated, translate_python_pattern(pattern));
    TRY_LET(code, compile_pcre2(translated, pattern));
    return Regex(std::make_unique<Impl>(Impl{std::string(pattern), std::move(translated), std::move(code)}));
}

Result<std::optional<Regex::Match>> Regex::search(std::string_view subject) const {
    if (subject.data() == nullptr) subject = "";
    Workspace& workspace = Workspace::mine();
    pcre2_match_data* data = workspace.data(group_count());
    const int found = pcre2_match(impl_->code.get(), reinterpret_cast<PCRE2_SPTR>(subject.data()), subject.size(), 0, 0,
                                  data, workspace.context());
    switch (found) {
        case PCRE2_ERROR_NOMATCH: return std::optional<Match>();
        case PCRE2_ERROR_MATCHLIMIT:
        case PCRE2_ERROR_DEPTHLIMIT:
        case PCRE2_ERROR_HEAPLIMIT:
        case PCRE2_ERROR_JIT_STACKLIMIT:
            return Error{.code = Code::exhausted,
                         .message = fmt::format("pattern '{}' gave up on '{}': more than {} steps", impl_->pattern,
                                                subject, kMatchLimit),
                         .reason = "pattern-limit"};
        default: break;
    }
    if (found < 0) {
        return Error{.code = Code::local,
                     .message = fmt::format("pattern '{}': {}", impl_->pattern, message_of(found))};
    }
    const std::size_t* ends = pcre2_get_ovector_pointer(data);
    Match match;
    match.groups.resize(group_count() + 1);
    for (std::size_t i = 0; i < static_cast<std::size_t>(found); ++i) {
        if (ends[2 * i] == PCRE2_UNSET) continue;
        match.groups[i] = subject.substr(ends[2 * i], ends[2 * i + 1] - ends[2 * i]);
    }
    return std::optional<Match>(std::move(match));
}

std::size_t Regex::group_count() const {
    return impl_->translated.groups;
}

std::optional<std::size_t> Regex::group_named(std::string_view name) const {
    const auto found = impl_->translated.names.find(name);
    if (found == impl_->translated.names.end()) return std::nullopt;
    return found->second;
}

const std::string& Regex::pattern() const {
    return impl_->pattern;
}

}  // namespace dray
