// XML as S3 speaks it and as our config files hold it, strictly: a DOCTYPE, a duplicate attribute, control bytes, bad
// UTF-8, depth over 32, a text over 1 MiB or a document over 64 MiB are errors; nothing is ever fetched or expanded.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace dray {

// An element; a cheap view into its XmlDocument, which must outlive it. Names are local names: a namespace prefix is
// cut off.
class XmlElement {
public:
    std::string_view name() const;
    bool has_namespace() const;  // a prefix, or an xmlns attribute, on this element
    std::string text() const;    // all character data directly below, comments and processing instructions left out
    bool has_children() const;   // child *elements*
    std::optional<XmlElement> child(std::string_view name) const;  // the first
    std::vector<XmlElement> children() const;
    std::vector<XmlElement> children(std::string_view name) const;
    // text() of the first child of that name; nullopt when there is none.
    std::optional<std::string> child_text(std::string_view name) const;
    std::size_t offset() const;  // bytes from the start of the document, for messages

private:
    friend class XmlDocument;
    explicit XmlElement(const void* node) : node_(node) {}
    const void* node_;
};

class XmlDocument {
public:
    // Error: corrupt, with line and column. Leading whitespace, a byte order mark and an XML declaration are accepted.
    static Result<XmlDocument> parse(std::string_view text);
    ~XmlDocument();
    XmlDocument(XmlDocument&&) noexcept;
    XmlElement root() const;

private:
    struct Impl;
    explicit XmlDocument(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

// Appends `text` as XML character data. Bytes that XML 1.0 cannot carry are the caller's to avoid (xml_can_carry).
void xml_escape(std::string& out, std::string_view text);
bool xml_can_carry(std::string_view text);

}  // namespace dray
