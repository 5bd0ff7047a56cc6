// JsonScanner: walks one JSON text from left to right, checks all of it and keeps nothing. It reads what Python's json
// module reads, which is more than RFC 8259: NaN, Infinity and -Infinity, escapes of lone surrogates, numbers of any
// size. All else is strict: no raw control characters in texts, no comma before a bracket, one value only.
//
// Why not simdjson, as base/json.h: its DOM refuses each of these, gives the first of two members of one name where
// Python gives the last, and its on-demand reader does not look at what it passes over. It could only stand before this
// reader, never instead of it, and the two would have to agree for ever. Nor is its speed needed: this one reads JSON
// lines several times as fast as bz2 gives them.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace dray {

// A name or a value, as it stands in the text it is a view into.
struct JsonPiece {
    enum class Kind : std::uint8_t { null, boolean, number, text, array, object };
    Kind kind = Kind::null;
    std::string_view raw;  // of a text, what stands between the quotes
    bool escaped = false;  // a text with backslashes

    bool is(std::string_view wanted) const;  // a text, and this one
    std::string text() const;                // of a text, its escapes resolved; a lone surrogate becomes U+FFFD
    // Python's bool(): false for null, false, numbers that are 0 as a double, and what is empty.
    bool truthy() const;
};

// Not thread-safe. After the first fault every step returns false.
class JsonScanner {
public:
    static constexpr std::size_t kMaxDepth = 1024;  // arrays and objects in one another; deeper is a fault

    // `text` is UTF-8 (the caller has checked it) and outlives the scanner and its pieces.
    explicit JsonScanner(std::string_view text) : text_(text) {}

    bool at_object();  // does an object come next?
    bool open();       // enters the array or object that comes next
    // true: another element, or a member beginning with its name, follows in what was entered last. false: it has ended
    // and was left, or fault.
    bool next();
    bool name(JsonPiece& name);    // of the member that follows, and its colon
    bool value(JsonPiece& value);  // all of the value that follows
    bool finish();                 // nothing but blanks may be left

    bool failed() const { return fault_ != nullptr; }
    std::string fault() const;  // "not JSON at byte 17: a value is expected"; bytes count from 0

private:
    char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }  // NUL stands nowhere in JSON
    bool in_object() const { return objects_[depth_ - 1]; }
    bool at_bracket() const { return peek() == '{' || peek() == '['; }
    void pass_blanks();
    bool container();
    bool scalar(JsonPiece& value);
    bool text(JsonPiece& text);
    bool escape();
    bool number();
    bool digits();
    bool word(std::string_view word);
    bool fail(const char* reason);

    std::string_view text_;
    std::size_t at_ = 0;
    std::bitset<kMaxDepth> objects_;  // by level: is it an object?
    std::size_t depth_ = 0;
    bool fresh_ = false;  // just entered: no comma yet
    const char* fault_ = nullptr;
};

}  // namespace dray
