// A strict parser of our own. pugixml, which Debian has, accepts duplicate attributes, control bytes and unknown
// entities and skips a DOCTYPE without a word; checking all that beside it takes the whole grammar, and then the tree
// is 30 lines more. xml_test.cpp compares the two.
#include "base/xml.h"

#include <algorithm>
#include <array>

#include "base/log.h"
#include "base/xml_chars.h"

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

constexpr std::size_t kNone = std::string_view::npos;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::string_view kCdata = "<![CDATA[";

bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

// Characters beyond ASCII are all taken for letters: which of them XML 1.0 allows in names differs between its
// editions.
constexpr bool begins_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':' ||
           static_cast<unsigned char>(c) >= 0x80;
}

constexpr std::array<bool, 256> make_name_table() {
    std::array<bool, 256> continues{};
    for (int i = 0; i < 256; ++i) {
        const char c = static_cast<char>(i);
        continues[static_cast<std::size_t>(i)] = begins_name(c) || (c >= '0' && c <= '9') || c == '-' || c == '.';
    }
    return continues;
}
constexpr auto kContinuesName = make_name_table();
bool continues_name(char c) {
    return kContinuesName[static_cast<unsigned char>(c)];
}

std::string lower(std::string_view text) {
    std::string result(text);
    for (char& c : result)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return result;
}

class Reader {
public:
    explicit Reader(XmlTree& tree) : tree_(tree), text_(tree.text) {}

    Status read() {
        const std::size_t unfit = find_unfit_for_xml(text_);
        if (unfit != kNone) return fail(unfit, "a byte that XML cannot carry"), error();
        if (read_document()) return {};
        return error();
    }

private:
    struct Open {
        std::uint32_t node = 0;
        std::uint32_t last_child = 0;
        std::size_t text_bytes = 0;
        std::string_view name;  // with its prefix
    };

    // Each step returns false after fail().
    bool fail(std::size_t at, std::string message) {
        failed_at_ = at;
        message_ = std::move(message);
        return false;
    }
    Error error() const;

    bool read_document();
    bool read_declaration();
    bool read_markup();
    bool read_characters();
    bool read_comment();
    bool read_cdata();
    bool read_instruction();
    bool read_start_tag();
    bool read_attribute(XmlNode& node);
    bool read_end_tag();
    bool read_name(std::string_view& name);
    bool add_node(XmlNode& node, std::string_view name);
    bool open_element(const XmlNode& node, std::string_view name);
    bool count_text(std::size_t bytes);
    bool check_references(std::size_t begin, std::size_t end);

    bool at_end() const { return at_ == text_.size(); }
    bool looks_at(std::string_view token) const { return text_.substr(at_, token.size()) == token; }
    void skip_blanks() {
        while (!at_end() && is_blank(text_[at_]))
            ++at_;
    }
    Open& innermost() { return open_[depth_ - 1]; }

    XmlTree& tree_;
    const std::string_view text_;
    std::size_t at_ = 0;
    std::array<Open, XmlDocument::kMaxDepth> open_;
    std::size_t depth_ = 0;
    std::vector<std::string_view> attributes_;  // names on the tag being read
    std::size_t failed_at_ = 0;
    std::string message_;
};

Error Reader::error() const {
    const std::string_view before = text_.substr(0, failed_at_);
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const std::size_t line_begin = before.rfind('\n') + 1;  // npos + 1 == 0
    return Error{.code = Code::corrupt,
                 .message = "XML line " + std::to_string(line) + ", column " +
                            std::to_string(failed_at_ - line_begin + 1) + ": " + message_};
}

bool Reader::read_document() {
    if (looks_at(kByteOrderMark)) at_ += kByteOrderMark.size();
    // S3 keeps a slow answer alive with blanks before everything else, the declaration too.
    skip_blanks();
    if (looks_at("<?xml") && at_ + 5 < text_.size() && is_blank(text_[at_ + 5]) && !read_declaration()) return false;
    while (true) {
        if (depth_ == 0) skip_blanks();
        if (at_end()) break;
        if (!(text_[at_] == '<' ? read_markup() : read_characters())) return false;
    }
    if (depth_ > 0) return fail(at_, "it ends inside <" + printable(innermost().name.substr(0, 100)) + ">");
    return !tree_.nodes.empty() || fail(at_, "there is no element");
}

// The bytes are known to be UTF-8. A declaration that says otherwise matters only where the bytes are more than ASCII.
bool Reader::read_declaration() {
    const std::size_t end = text_.find("?>", at_);
    if (end == kNone) return fail(at_, "a declaration without end");
    const std::string declaration = lower(text_.substr(at_, end - at_));
    const std::size_t named = declaration.find("encoding");
    const bool is_ascii = std::none_of(text_.begin() + static_cast<std::ptrdiff_t>(end), text_.end(),
                                       [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
    if (named != std::string::npos && !is_ascii) {
        const std::size_t open = declaration.find_first_of("\"'", named);
        const std::string_view value = std::string_view(declaration).substr(std::min(open, declaration.size() - 1) + 1);
        if (!value.starts_with("utf-8") && !value.starts_with("utf8"))
            return fail(at_ + named, "the encoding is not UTF-8");
    }
    at_ = end + 2;
    return true;
}

bool Reader::read_markup() {
    const char kind = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    if (kind == '/') return read_end_tag();
    if (kind == '?') return read_instruction();
    if (kind != '!') return read_start_tag();
    if (looks_at("<!--")) return read_comment();
    if (looks_at(kCdata)) return read_cdata();
    const bool is_doctype = lower(text_.substr(at_, 9)) == "<!doctype";
    return fail(at_, is_doctype ? "a DOCTYPE is not accepted" : "an unknown declaration");
}

bool Reader::read_characters() {
    if (depth_ == 0) return fail(at_, "text outside the root element");
    const std::size_t end = std::min(text_.find('<', at_), text_.size());
    const std::size_t bad = text_.substr(at_, end - at_).find("]]>");
    if (bad != kNone) return fail(at_ + bad, "]]> in text");
    if (!check_references(at_, end) || !count_text(end - at_)) return false;
    at_ = end;
    return true;
}

bool Reader::read_comment() {
    const std::size_t end = text_.find("--", at_ + 4);
    if (end == kNone) return fail(at_, "a comment without end");
    if (end + 2 >= text_.size() || text_[end + 2] != '>') return fail(end, "-- inside a comment");
    at_ = end + 3;
    return true;
}

bool Reader::read_cdata() {
    if (depth_ == 0) return fail(at_, "text outside the root element");
    const std::size_t end = text_.find("]]>", at_ + kCdata.size());
    if (end == kNone) return fail(at_, "a CDATA section without end");
    if (!count_text(end - at_)) return false;
    at_ = end + 3;
    return true;
}

bool Reader::read_instruction() {
    const std::size_t begin = at_;
    at_ += 2;
    std::string_view target;
    if (!read_name(target)) return false;
    if (lower(target) == "xml") return fail(begin, "an XML declaration that is not at the start");
    const std::size_t end = text_.find("?>", at_);
    if (end == kNone) return fail(begin, "a processing instruction without end");
    if (end != at_ && !is_blank(text_[at_]))
        return fail(at_, "a processing instruction's name is followed by no blank");
    at_ = end + 2;
    return true;
}

bool Reader::read_start_tag() {
    XmlNode node{.begin = static_cast<std::uint32_t>(at_)};
    ++at_;
    std::string_view name;
    if (!read_name(name)) return false;
    attributes_.clear();
    while (true) {
        const std::size_t before_blanks = at_;
        skip_blanks();
        if (at_end()) return fail(node.begin, "a tag without end");
        if (text_[at_] == '>' || text_[at_] == '/') break;
        if (at_ == before_blanks) return fail(at_, "an unexpected character in a tag");
        if (!read_attribute(node)) return false;
    }
    const bool is_empty = text_[at_] == '/';
    if (is_empty) ++at_;
    if (at_end() || text_[at_] != '>') return fail(at_, "an unexpected character in a tag");
    ++at_;
    node.content_begin = node.content_end = node.end = static_cast<std::uint32_t>(at_);
    return add_node(node, name) && (is_empty || open_element(tree_.nodes.back(), name));
}

// Attributes are checked and forgotten: nothing that we read has a meaning in one but xmlns.
bool Reader::read_attribute(XmlNode& node) {
    const std::size_t begin = at_;
    std::string_view name;
    if (!read_name(name)) return false;
    skip_blanks();
    if (at_end() || text_[at_] != '=') return fail(at_, "an attribute without value");
    ++at_;
    skip_blanks();
    const char quote = at_end() ? '\0' : text_[at_];
    if (quote != '"' && quote != '\'') return fail(at_, "an attribute's value without quotes");
    const std::size_t value = ++at_;
    const std::size_t end = text_.find(quote, value);
    if (end == kNone) return fail(begin, "an attribute without end");
    if (end - value > XmlDocument::kMaxText) return fail(begin, "an attribute that is too long");
    const std::size_t bad = text_.substr(value, end - value).find('<');
    if (bad != kNone) return fail(value + bad, "< in an attribute");
    if (!check_references(value, end)) return false;
    if (std::find(attributes_.begin(), attributes_.end(), name) != attributes_.end())
        return fail(begin, "the attribute " + printable(name.substr(0, 100)) + " twice");
    if (attributes_.size() == XmlDocument::kMaxAttributes) return fail(begin, "too many attributes");
    attributes_.push_back(name);
    if (name == "xmlns") node.has_namespace = 1;
    at_ = end + 1;
    return true;
}

bool Reader::read_end_tag() {
    const std::size_t begin = at_;
    at_ += 2;
    std::string_view name;
    if (!read_name(name)) return false;
    skip_blanks();
    if (at_end() || text_[at_] != '>') return fail(at_, "an unexpected character in a tag");
    ++at_;
    if (depth_ == 0) return fail(begin, "an end tag without start");
    if (name != innermost().name)
        return fail(begin, "the end tag of " + printable(name.substr(0, 100)) + ", but <" +
                               printable(innermost().name.substr(0, 100)) + "> is open");
    XmlNode& node = tree_.nodes[innermost().node];
    node.content_end = static_cast<std::uint32_t>(begin);
    node.end = static_cast<std::uint32_t>(at_);
    --depth_;
    return true;
}

bool Reader::read_name(std::string_view& name) {
    const std::size_t begin = at_;
    if (at_end() || !begins_name(text_[at_])) return fail(at_, "a name is missing");
    while (!at_end() && continues_name(text_[at_]))
        ++at_;
    name = text_.substr(begin, at_ - begin);
    const std::size_t colon = name.find(':');
    if (colon == kNone) return true;
    const bool is_sound = colon > 0 && colon + 1 < name.size() && name.find(':', colon + 1) == kNone;
    return is_sound || fail(begin, "a name with a stray colon");
}

bool Reader::add_node(XmlNode& node, std::string_view name) {
    const std::size_t colon = name.find(':');
    const std::string_view local = colon == kNone ? name : name.substr(colon + 1);
    if (colon != kNone) node.has_namespace = 1;
    node.name_begin = static_cast<std::uint32_t>(local.data() - text_.data());
    node.name_size = static_cast<std::uint32_t>(local.size() & 0x7FFFFFFF);

    const auto index = static_cast<std::uint32_t>(tree_.nodes.size());
    if (index == XmlDocument::kMaxElements) return fail(node.begin, "too many elements");
    if (depth_ == 0 && index != 0) return fail(node.begin, "a second root element");
    if (depth_ > 0) {
        Open& parent = innermost();
        if (parent.last_child == 0) {
            tree_.nodes[parent.node].first_child = index;
        } else {
            tree_.nodes[parent.last_child].next_sibling = index;
        }
        parent.last_child = index;
    }
    tree_.nodes.push_back(node);
    return true;
}

bool Reader::open_element(const XmlNode& node, std::string_view name) {
    if (depth_ == XmlDocument::kMaxDepth) return fail(node.begin, "elements are nested too deeply");
    open_[depth_++] = {.node = static_cast<std::uint32_t>(tree_.nodes.size() - 1), .name = name};
    return true;
}

bool Reader::count_text(std::size_t bytes) {
    innermost().text_bytes += bytes;
    return innermost().text_bytes <= XmlDocument::kMaxText || fail(at_, "a text that is too long");
}

bool Reader::check_references(std::size_t begin, std::size_t end) {
    const std::string_view raw = text_.substr(begin, end - begin);
    for (std::size_t at = raw.find('&'); at != kNone;) {
        const std::size_t bytes = read_xml_reference(raw.substr(at)).bytes;
        if (bytes == 0) return fail(begin + at, "a reference that XML 1.0 does not have");
        at = raw.find('&', at + bytes);
    }
    return true;
}

// `raw` is sound and holds no element.
void append_content(std::string& out, std::string_view raw) {
    while (true) {
        const std::size_t markup = std::min(raw.find('<'), raw.size());
        append_xml_characters(out, raw.substr(0, markup));
        raw.remove_prefix(markup);
        if (raw.empty()) return;
        std::size_t end = 0;
        if (raw.starts_with(kCdata)) {
            end = raw.find("]]>") + 3;
            append_xml_cdata(out, raw.substr(kCdata.size(), end - 3 - kCdata.size()));
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
    TRY(Reader(*tree).read());
    return XmlDocument(std::move(tree));
}

XmlDocument::XmlDocument(std::unique_ptr<XmlTree> tree) : tree_(std::move(tree)) {}
XmlDocument::~XmlDocument() = default;
XmlDocument::XmlDocument(XmlDocument&&) noexcept = default;
XmlElement XmlDocument::root() const {
    return {tree_.get(), 0};
}

}  // namespace dray
