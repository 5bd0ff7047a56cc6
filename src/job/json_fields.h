// What the readers of the job room's formats share: members taken one by one, in file order, unknown ones kept.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/checksum.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/time.h"

namespace dray {

// One member of an object, offered to one known field after the other:
//     const bool known = member.is("n", n) || member.is("etag", etag);
// is() says whether the member has that name; bad() then says whether its value was of the wrong kind.
class Member {
public:
    Member(std::string_view name, const JsonValue& value) : name_(name), value_(value) {}

    // `field`, or `field`_b64 for bytes that are not UTF-8.
    bool is(std::string_view field, std::string& out) {
        if (!name_.starts_with(field)) return false;
        const std::string_view rest = name_.substr(field.size());
        if (!rest.empty() && rest != "_b64") return false;
        const auto text = value_.text();
        if (!text) return spoiled();
        if (rest.empty())
            out.assign(*text);
        else if (!unbase64(*text, out))
            return spoiled();
        return true;
    }
    bool is(std::string_view field, std::uint64_t& out) { return name_ == field && take(value_.u64(), out); }
    bool is(std::string_view field, std::uint32_t& out) { return name_ == field && take_small(out); }
    bool is(std::string_view field, std::uint8_t& out) { return name_ == field && take_small(out); }
    bool is(std::string_view field, bool& out) { return name_ == field && take(value_.boolean(), out); }
    bool is(std::string_view field, WallTime& out) {
        if (name_ != field) return false;
        const auto text = value_.text();
        if (!text) return spoiled();
        auto time = parse_iso8601(*text);
        if (!time) return spoiled();
        out = *time;
        return true;
    }
    // A word that `from_word` turns into an optional value.
    template <class T, class FromWord>
    bool is_word(std::string_view field, T& out, FromWord from_word) {
        if (name_ != field) return false;
        const auto text = value_.text();
        return text ? take(from_word(*text), out) : spoiled();
    }
    bool bad() const { return bad_; }

private:
    bool spoiled() { return bad_ = true; }
    template <class From, class To>
    bool take(const From& value, To& out) {
        if (!value) return spoiled();
        out = *value;
        return true;
    }
    template <class To>
    bool take_small(To& out) {
        const auto number = value_.u64();
        if (!number || *number > static_cast<To>(-1)) return spoiled();
        out = static_cast<To>(*number);
        return true;
    }

    std::string_view name_;
    const JsonValue& value_;
    bool bad_ = false;
};

// Like iso8601(), but with all digits of times that have more than milliseconds, so that they read back equal.
std::string exact_time(WallTime time);

// Adds an unknown member to `extra` ("\"x\":1,\"y\":2").
void keep_member(std::string& extra, std::string_view name, const JsonValue& value);
// Puts `extra` into the object that `out` ends with.
void append_extra(std::string& out, std::string_view extra);

}  // namespace dray
