// XmlReader: XML piece by piece, without a tree; as strict as xml.h says, which builds its tree of these pieces.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/xml.h"

namespace dray {

class XmlReader {
public:
    enum class Event : std::uint8_t {
        start,  // of an element
        text,   // character data directly in the innermost element; an element may have several pieces
        end,    // of the innermost element, also of one that is empty (<a/>)
        done,   // the document is whole
        fault,  // it is not; error() says why, and there are no more events
    };

    explicit XmlReader(std::string_view text);  // borrowed

    Event next();

    std::size_t depth() const { return depth_; }           // of the element that starts or ends; the root's is 1
    std::string_view name() const { return name_; }        // of that element: the local name
    bool has_namespace() const { return has_namespace_; }  // at its start: a prefix, or an xmlns attribute
    // The tag, as offsets into the document. The end of an empty element takes no room.
    std::size_t tag_begin() const { return begin_; }
    std::size_t tag_end() const { return at_; }

    // The piece of text as it stands there; as_text() is what it means, and only where that differs it is put into
    // `buffer`.
    std::string_view raw_text() const { return text_.substr(begin_, text_end_ - begin_); }
    bool is_plain() const { return plain_; }
    std::string_view as_text(std::string& buffer) const;

    Error error() const;  // corrupt, with line and column

private:
    struct Open {
        std::string_view name;  // with its prefix
        std::size_t local_begin = 0;
        std::size_t text_bytes = 0;
        std::string_view local() const { return name.substr(local_begin); }
    };

    // Each step returns false after fail().
    bool fail(std::size_t at, std::string message);
    Event go_on();
    bool begin_document();
    bool read_declaration();
    bool read_markup(Event& event);
    bool read_characters();
    bool read_comment();
    bool read_cdata();
    bool read_instruction();
    bool read_start_tag();
    bool read_attribute();
    bool read_end_tag();
    bool ends_as_begun();
    bool read_name(std::string_view& name);
    bool open_element(std::string_view name, std::size_t colon);
    bool count_text(std::size_t bytes);
    bool check_references(std::size_t begin, std::size_t end);

    bool at_end() const { return at_ == text_.size(); }
    bool looks_at(std::string_view token) const { return text_.substr(at_, token.size()) == token; }
    void skip_blanks();
    Open& innermost() { return open_[depth_ - 1]; }

    const std::string_view text_;
    std::size_t at_ = 0, begin_ = 0, text_end_ = 0;
    std::string_view name_;
    std::size_t colon_ = 0;  // in the name read last
    bool has_namespace_ = false, plain_ = false, in_cdata_ = false;
    bool begun_ = false, empty_ = false, leaves_ = false;
    std::size_t elements_ = 0;
    std::array<Open, XmlDocument::kMaxDepth + 1> open_;  // one more for an empty element
    std::size_t depth_ = 0;
    std::vector<std::string_view> attributes_;  // names on the tag being read
    bool failed_ = false;
    std::size_t failed_at_ = 0;
    std::string message_;
};

}  // namespace dray
