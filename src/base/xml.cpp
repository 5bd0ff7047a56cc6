// A strict parser of our own. pugixml, which Debian has, accepts duplicate attributes, control bytes and unknown
// entities and skips a DOCTYPE without a word; checking all that beside it takes the whole grammar, and then the tree
// is 30 lines more. xml_test.cpp compares the two.
#include "base/xml.h"

#include <algorithm>
#include <vector>

#include "base/xml_chars.h"
#include "base/xml_reader.h"

namespace dray {

// One element, by offsets into the text: a page of 64 MiB has millions of them.
struct XmlNode {
    std::uint32_t begin = 0;  // of its start tag
    std::uint32_t end = 0;    // behind its end tag
    std::uint32_t content_begin = 0, content_end = 0;
    std::uint32_t name_begin = 0;  // of the local name
    std::uint32_t name_size : 31 = 0;
    std::uint32_t has_namespace : 1 = 0;
    std::uint32_t first_child = 0, next_sibling = 0;  // indexes; 0, the root, means none
};

struct XmlTree {
    std::string text;
    std::vector<XmlNode> nodes;

    std::string_view slice(std::size_t begin, std::size_t end) const {
        return std::string_view(text).substr(begin, end - begin);
    }
};

namespace {

constexpr std::string_view kCdataStart = "<![CDATA[";

std::uint32_t offset32(std::size_t offset) {
    return static_cast<std::uint32_t>(offset);  // documents have at most 64 MiB
}

class TreeBuilder {
public:
    explicit TreeBuilder(XmlTree& tree) : tree_(tree), reader_(tree.text) {}

    Status build() {
        while (true) {
            switch (reader_.next()) {
                case XmlReader::Event::start: add_node(); break;
                case XmlReader::Event::end: end_node(); break;
                case XmlReader::Event::text: break;  // is read from the document when somebody asks
                case XmlReader::Event::done: return {};
                case XmlReader::Event::fault: return reader_.error();
            }
        }
    }

private:
    struct Open {
        std::uint32_t node = 0, last_child = 0;
    };

    void add_node() {
        const std::string_view name = reader_.name();
        const std::uint32_t index = offset32(tree_.nodes.size());
        if (!open_.empty()) {
            Open& parent = open_.back();
            if (parent.last_child == 0) {
                tree_.nodes[parent.node].first_child = index;
            } else {
                tree_.nodes[parent.last_child].next_sibling = index;
            }
            parent.last_child = index;
        }
        tree_.nodes.push_back({.begin = offset32(reader_.tag_begin()),
                               .content_begin = offset32(reader_.tag_end()),
                               .name_begin = offset32(static_cast<std::size_t>(name.data() - tree_.text.data())),
                               .name_size = offset32(name.size()) & 0x7FFFFFFF,
                               .has_namespace = reader_.has_namespace()});
        open_.push_back({.node = index});
    }

    void end_node() {
        XmlNode& node = tree_.nodes[open_.back().node];
        node.content_end = offset32(reader_.tag_begin());
        node.end = offset32(reader_.tag_end());
        open_.pop_back();
    }

    XmlTree& tree_;
    XmlReader reader_;
    std::vector<Open> open_;
};

// `raw` is sound and holds no element.
void append_content(std::string& out, std::string_view raw) {
    while (true) {
        const std::size_t markup = std::min(raw.find('<'), raw.size());
        append_xml_characters(out, raw.substr(0, markup));
        raw.remove_prefix(markup);
        if (raw.empty()) return;
        std::size_t end = 0;
        if (raw.starts_with(kCdataStart)) {
            end = raw.find("]]>") + 3;
            append_xml_cdata(out, raw.substr(kCdataStart.size(), end - 3 - kCdataStart.size()));
        } else if (raw.starts_with("<!--")) {
            end = raw.find("-->", 4) + 3;
        } else {
            end = raw.find("?>") + 2;
        }
        raw.remove_prefix(end);
    }
}

}  // namespace

std::string_view XmlElement::name() const {
    const XmlNode& node = tree_->nodes[index_];
    return tree_->slice(node.name_begin, node.name_begin + node.name_size);
}

bool XmlElement::has_namespace() const {
    return tree_->nodes[index_].has_namespace != 0;
}

std::string XmlElement::text() const {
    const XmlNode& node = tree_->nodes[index_];
    const std::string_view content = tree_->slice(node.content_begin, node.content_end);
    const auto needs_work = [](char c) { return c == '<' || c == '&' || c == '\r'; };
    if (std::none_of(content.begin(), content.end(), needs_work)) return std::string(content);
    std::string out;
    std::size_t at = node.content_begin;
    for (const XmlElement& element : children()) {
        append_content(out, tree_->slice(at, element.offset()));
        at = tree_->nodes[element.index_].end;
    }
    append_content(out, tree_->slice(at, node.content_end));
    return out;
}

bool XmlElement::has_children() const {
    return tree_->nodes[index_].first_child != 0;
}

XmlChildren XmlElement::children() const {
    return XmlChildren({tree_, tree_->nodes[index_].first_child});
}

XmlChildren::Iterator& XmlChildren::Iterator::operator++() {
    at_.index_ = at_.tree_->nodes[at_.index_].next_sibling;
    return *this;
}

std::optional<XmlElement> XmlElement::child(std::string_view name) const {
    for (const XmlElement& element : children())
        if (element.name() == name) return element;
    return std::nullopt;
}

std::vector<XmlElement> XmlElement::children(std::string_view name) const {
    std::vector<XmlElement> result;
    for (const XmlElement& element : children())
        if (element.name() == name) result.push_back(element);
    return result;
}

std::optional<std::string> XmlElement::child_text(std::string_view name) const {
    const auto element = child(name);
    return element ? std::optional(element->text()) : std::nullopt;
}

std::size_t XmlElement::offset() const {
    return tree_->nodes[index_].begin;
}

Result<XmlDocument> XmlDocument::parse(std::string_view text) {
    if (text.size() > kMaxBytes)
        return Error{.code = Code::corrupt, .message = "XML of more than " + std::to_string(kMaxBytes) + " bytes"};
    auto tree = std::make_unique<XmlTree>();
    tree->text = text;
    TRY(TreeBuilder(*tree).build());
    return XmlDocument(std::move(tree));
}

XmlDocument::XmlDocument(std::unique_ptr<XmlTree> tree) : tree_(std::move(tree)) {}
XmlDocument::~XmlDocument() = default;
XmlDocument::XmlDocument(XmlDocument&&) noexcept = default;
XmlElement XmlDocument::root() const {
    return {tree_.get(), 0};
}

}  // namespace dray
