// The characters of XML 1.0, shared by the parser and the escaping. Inside base only.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace dray {

// Offset of the first byte that XML 1.0 cannot carry: bad UTF-8, a control character, U+FFFE, U+FFFF. npos: none.
std::size_t find_unfit_for_xml(std::string_view text);

struct XmlReference {
    std::size_t bytes = 0;  // with & and ;. 0: malformed, or an entity or character that XML 1.0 does not have
    char32_t value = 0;
};
// The reference that `text` begins with.
XmlReference read_xml_reference(std::string_view text);

// Appends character data as an application sees it: references resolved, line ends as \n (XML 1.0, 2.11). All its
// references are sound.
void append_xml_characters(std::string& out, std::string_view raw);
void append_xml_cdata(std::string& out, std::string_view raw);

}  // namespace dray
