// The little XML that S3 speaks: an appending writer and a strict reader of small documents.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dray::model {

// Text and attributes are escaped byte by byte; control characters other than tab, LF and CR become references, as S3
// writes them.
void xml_escape(std::string_view text, std::string& out);

class XmlWriter {
public:
    explicit XmlWriter(std::string& out) : out_(out) {}
    XmlWriter& declaration();
    XmlWriter& open(std::string_view name);                          // may carry attributes: open("A xmlns=\"…\"")
    XmlWriter& close(std::string_view name);                         // without attributes
    XmlWriter& text(std::string_view name, std::string_view value);  // escaped
    XmlWriter& raw(std::string_view name, std::string_view value);   // as it is

private:
    std::string& out_;
};

struct XmlNode {
    std::string name;  // without namespace prefix
    std::string text;  // character data of this element, entities decoded
    std::vector<XmlNode> children;

    const XmlNode* child(std::string_view child_name) const;
    std::string_view child_text(std::string_view child_name) const;  // empty when absent
};

// False: not well formed, deeper than 16, or with a DOCTYPE.
bool parse_xml(std::string_view text, XmlNode& root);

}  // namespace dray::model
