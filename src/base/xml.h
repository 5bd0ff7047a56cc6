// XML as S3 speaks it and as our config files hold it, strictly: what is not well formed, a DOCTYPE, an entity that is
// not predefined, bad UTF-8 and everything above the limits below are errors; nothing is ever fetched or expanded.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace dray {

struct XmlTree;  // xml.cpp
class XmlChildren;

// An element; a cheap view into its XmlDocument, which must outlive it. Names are local names: a namespace prefix is
// cut off.
class XmlElement {
public:
    std::string_view name() const;
    bool has_namespace() const;  // a prefix, or an xmlns attribute, on this element
    // All character data directly below, blanks kept, references resolved; comments and processing instructions left
    // out.
    std::string text() const;
    bool has_children() const;                                     // child *elements*
    std::optional<XmlElement> child(std::string_view name) const;  // the first
    XmlChildren children() const;
    std::vector<XmlElement> children(std::string_view name) const;
    // text() of the first child of that name; nullopt when there is none.
    std::optional<std::string> child_text(std::string_view name) const;
    std::size_t offset() const;  // bytes from the start of the document, for messages

private:
    friend class XmlDocument;
    friend class XmlChildren;
    XmlElement(const XmlTree* tree, std::uint32_t index) : tree_(tree), index_(index) {}

    const XmlTree* tree_;
    std::uint32_t index_;
};

// The child elements in order, for a range-for; as cheap and as short-lived as an XmlElement.
class XmlChildren {
public:
    class Iterator {
    public:
        const XmlElement& operator*() const { return at_; }
        Iterator& operator++();
        bool operator==(const Iterator& other) const { return at_.index_ == other.at_.index_; }

    private:
        friend class XmlChildren;
        explicit Iterator(XmlElement at) : at_(at) {}
        XmlElement at_;
    };
    Iterator begin() const { return Iterator(first_); }
    Iterator end() const { return Iterator({first_.tree_, 0}); }

private:
    friend class XmlElement;
    explicit XmlChildren(XmlElement first) : first_(first) {}
    XmlElement first_;  // index 0, the root: there is none
};

class XmlDocument {
public:
    static constexpr std::size_t kMaxBytes = std::size_t{64} << 20;
    static constexpr std::size_t kMaxDepth = 32;
    static constexpr std::size_t kMaxText = std::size_t{1} << 20;      // raw bytes directly in one element
    static constexpr std::size_t kMaxAttributes = 64;                  // of one element
    static constexpr std::size_t kMaxElements = std::size_t{4} << 20;  // 32 bytes of memory each

    // Error: corrupt, with line and column. Leading whitespace, a byte order mark and an XML declaration are accepted.
    static Result<XmlDocument> parse(std::string_view text);
    ~XmlDocument();
    XmlDocument(XmlDocument&&) noexcept;
    XmlElement root() const;

private:
    explicit XmlDocument(std::unique_ptr<XmlTree> tree);
    std::unique_ptr<XmlTree> tree_;
};

// Appends `text` as XML character data. Bytes that XML 1.0 cannot carry are the caller's to avoid (xml_can_carry).
void xml_escape(std::string& out, std::string_view text);
bool xml_can_carry(std::string_view text);

}  // namespace dray
