// Result<T>: the value, or the Error that says what the caller can do about it. Every fallible function returns one.
// Names follow std::expected (which GCC 12 has only in C++23 mode); a dropped Result is a compiler warning, and so an
// error.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/check.h"

namespace dray {

// What the caller can do, never how it happened. The exit code of the program follows from it (cli/exit_code.h).
enum class Code : std::uint8_t {
    not_found,    // the object, bucket or file named is not there
    exists,       // something is at the target already, and replacing it was not asked for
    conflict,     // the object is not the one that was planned: it changed, or the target holds something else
    denied,       // we are known, and may not
    credentials,  // we are not known: missing, expired or wrong keys, or a clock that is far off
    invalid,      // the request or the input is wrong; trying again changes nothing
    unsupported,  // this store cannot do that
    throttled,    // the store asks us to slow down
    unavailable,  // the store or the way to it fails; trying again may help
    exhausted,    // attempts or time ran out
    corrupt,      // bytes are not what their checksum, format or receipt says
    local,        // this machine's disk, descriptors or permissions
    refused,      // we decline, for safety
    cancelled,    // we were asked to stop
};

std::string_view name_of(Code code);  // "not_found", "exists", ...
std::optional<Code> code_named(std::string_view name);

struct Error {
    Code code = Code::invalid;
    std::string message;  // complete for a reader: the object, the cause, the request id, the next step
    // A word of the table in docs/reasons.md ("conflict", "too-large", ...) for receipts and reports; empty:
    // name_of(code).
    std::string reason;
    // The request may have taken effect although it looks failed: look before repeating it, never assume.
    bool unsure = false;
    // Surely nothing of the request has left this machine: it has changed nothing, and never will.
    bool unsent = false;
    // No other item can succeed either (wrong key, no bucket, TLS): stop the run instead of failing items one by one.
    bool fatal = false;
    // The least time to wait before trying again, where the store said so.
    std::chrono::milliseconds retry_after{0};

    // Adds where it was: "copy a/b: connection reset".
    Error within(std::string_view where) && {
        message.insert(0, ": ").insert(0, where);
        return std::move(*this);
    }
    bool temporary() const { return code == Code::throttled || code == Code::unavailable; }
};

// The reason of a change that was not sent (Context::sending_until): the caller looks again and repeats it.
inline constexpr std::string_view kTooLateToSend = "too-late";

template <class T>
class [[nodiscard]] Result {
public:
    Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT(google-explicit-constructor)
    Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(google-explicit-constructor)

    bool has_value() const { return state_.index() == 0; }
    explicit operator bool() const { return has_value(); }

    T& value() & { return CHECK(has_value()), std::get<0>(state_); }
    const T& value() const& { return CHECK(has_value()), std::get<0>(state_); }
    T&& value() && { return CHECK(has_value()), std::get<0>(std::move(state_)); }
    T& operator*() & { return value(); }
    const T& operator*() const& { return value(); }
    T&& operator*() && { return std::move(*this).value(); }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }
    T value_or(T other) && { return has_value() ? std::get<0>(std::move(state_)) : std::move(other); }

    Error& error() & { return CHECK(!has_value()), std::get<1>(state_); }
    const Error& error() const& { return CHECK(!has_value()), std::get<1>(state_); }
    Error&& error() && { return CHECK(!has_value()), std::get<1>(std::move(state_)); }

private:
    std::variant<T, Error> state_;
};

// Success without a value.
template <>
class [[nodiscard]] Result<void> {
public:
    Result() = default;
    Result(Error error) : error_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

    bool has_value() const { return !error_.has_value(); }
    explicit operator bool() const { return has_value(); }

    Error& error() & { return CHECK(error_.has_value()), *error_; }
    const Error& error() const& { return CHECK(error_.has_value()), *error_; }
    Error&& error() && { return CHECK(error_.has_value()), *std::move(error_); }

private:
    std::optional<Error> error_;
};
using Status = Result<void>;

}  // namespace dray

// Leaves the function with the error of a Result or Status, if it holds one:   TRY(journal.append(receipt));
#define TRY(...)                                                                                   \
    do {                                                                                           \
        if (auto try_result_ = (__VA_ARGS__); !try_result_) return std::move(try_result_).error(); \
    } while (false)

// Declares `name` as the value of a Result, or leaves with its error:   TRY_LET(page, store.list(ctx, request));
#define TRY_LET(name, ...)                                         \
    auto name##_result_ = (__VA_ARGS__);                           \
    if (!name##_result_) return std::move(name##_result_).error(); \
    auto& name = *name##_result_
