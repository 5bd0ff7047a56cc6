#include "xml.h"

#include <charconv>
#include <cstdint>

namespace dray::model {
namespace {

constexpr int kMaxDepth = 16;

void append_utf8(std::uint32_t code, std::string& out) {
    if (code < 0x80) {
        out += static_cast<char>(code);
    } else if (code < 0x800) {
        out += static_cast<char>(0xC0 | (code >> 6));
        out += static_cast<char>(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        out += static_cast<char>(0xE0 | (code >> 12));
        out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
        out += static_cast<char>(0x80 | (code & 0x3F));
    } else {
        out += static_cast<char>(0xF0 | (code >> 18));
        out += static_cast<char>(0x80 | ((code >> 12) & 0x3F));
        out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
        out += static_cast<char>(0x80 | (code & 0x3F));
    }
}

bool append_entity(std::string_view name, std::string& out) {
    if (name == "lt") return out += '<', true;
    if (name == "gt") return out += '>', true;
    if (name == "amp") return out += '&', true;
    if (name == "quot") return out += '"', true;
    if (name == "apos") return out += '\'', true;
    if (!name.starts_with('#')) return false;
    name.remove_prefix(1);
    const bool hex = name.starts_with('x') || name.starts_with('X');
    if (hex) name.remove_prefix(1);
    std::uint32_t code = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), code, hex ? 16 : 10);
    if (name.empty() || error != std::errc() || end != name.data() + name.size() || code > 0x10FFFF) return false;
    append_utf8(code, out);
    return true;
}

class Reader {
public:
    explicit Reader(std::string_view text) : rest_(text) {}

    bool document(XmlNode& root) {
        if (rest_.starts_with("\xEF\xBB\xBF")) rest_.remove_prefix(3);
        if (!skip_misc() || !element(root, 0) || !skip_misc()) return false;
        return rest_.empty();
    }

private:
    void skip_space() {
        while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\n' || rest_[0] == '\r' || rest_[0] == '\t'))
            rest_.remove_prefix(1);
    }

    bool skip_past(std::string_view mark) {
        const std::size_t at = rest_.find(mark);
        if (at == std::string_view::npos) return false;
        rest_.remove_prefix(at + mark.size());
        return true;
    }

    bool skip_misc() {
        for (skip_space();; skip_space()) {
            if (rest_.starts_with("<?")) {
                if (!skip_past("?>")) return false;
            } else if (rest_.starts_with("<!--")) {
                if (!skip_past("-->")) return false;
            } else {
                return true;
            }
        }
    }

    bool element(XmlNode& node, int depth) {
        if (depth > kMaxDepth || rest_.size() < 2 || rest_[0] != '<') return false;
        const std::size_t end = rest_.find('>');
        if (end == std::string_view::npos || rest_[1] == '!') return false;
        std::string_view tag = rest_.substr(1, end - 1);
        rest_.remove_prefix(end + 1);
        const bool empty = tag.ends_with('/');
        if (empty) tag.remove_suffix(1);
        const std::string_view full = tag.substr(0, tag.find_first_of(" \t\r\n"));
        if (full.empty()) return false;
        const std::size_t colon = full.find(':');
        node.name = colon == std::string_view::npos ? full : full.substr(colon + 1);
        return empty || content(node, full, depth);
    }

    bool content(XmlNode& node, std::string_view full, int depth) {
        while (!rest_.empty()) {
            if (rest_.starts_with("</")) {
                const std::size_t end = rest_.find('>');
                if (end == std::string_view::npos) return false;
                std::string_view name = rest_.substr(2, end - 2);
                name = name.substr(0, name.find_first_of(" \t\r\n"));
                rest_.remove_prefix(end + 1);
                return name == full;
            }
            if (rest_.starts_with("<!--")) {
                if (!skip_past("-->")) return false;
            } else if (rest_[0] == '<') {
                node.children.emplace_back();
                if (!element(node.children.back(), depth + 1)) return false;
            } else if (!characters(node.text)) {
                return false;
            }
        }
        return false;
    }

    bool characters(std::string& text) {
        while (!rest_.empty() && rest_[0] != '<') {
            if (rest_[0] != '&') {
                const std::size_t n = std::min(rest_.find_first_of("<&"), rest_.size());
                text.append(rest_.substr(0, n));
                rest_.remove_prefix(n);
                continue;
            }
            const std::size_t end = rest_.find(';');
            if (end == std::string_view::npos || !append_entity(rest_.substr(1, end - 1), text)) return false;
            rest_.remove_prefix(end + 1);
        }
        return true;
    }

    std::string_view rest_;
};

}  // namespace

void xml_escape(std::string_view text, std::string& out) {
    for (char c : text) {
        switch (c) {
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '&': out += "&amp;"; break;
            case '"': out += "&quot;"; break;
            case '\r': out += "&#xD;"; break;
            default:
                if (static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\n') {
                    static constexpr char kDigits[] = "0123456789ABCDEF";
                    out += "&#x";
                    if (c >= 16) out += kDigits[static_cast<unsigned char>(c) >> 4];
                    out += kDigits[c & 15];
                    out += ';';
                } else {
                    out += c;
                }
        }
    }
}

XmlWriter& XmlWriter::declaration() {
    out_ += "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
    return *this;
}

XmlWriter& XmlWriter::open(std::string_view name) {
    out_.append("<").append(name).append(">");
    return *this;
}

XmlWriter& XmlWriter::close(std::string_view name) {
    out_.append("</").append(name).append(">");
    return *this;
}

XmlWriter& XmlWriter::text(std::string_view name, std::string_view value) {
    open(name);
    xml_escape(value, out_);
    return close(name);
}

XmlWriter& XmlWriter::raw(std::string_view name, std::string_view value) {
    open(name);
    out_ += value;
    return close(name);
}

const XmlNode* XmlNode::child(std::string_view child_name) const {
    for (const XmlNode& node : children)
        if (node.name == child_name) return &node;
    return nullptr;
}

std::string_view XmlNode::child_text(std::string_view child_name) const {
    const XmlNode* node = child(child_name);
    return node ? std::string_view(node->text) : std::string_view();
}

bool parse_xml(std::string_view text, XmlNode& root) {
    return Reader(text).document(root);
}

}  // namespace dray::model
