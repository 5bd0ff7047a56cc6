#include "base/xml_reader.h"

#include <algorithm>

#include "base/log.h"
#include "base/xml_chars.h"

namespace dray {
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

// What matters in character data.
enum : std::uint8_t { kEndsText = 1, kReference = 2, kBracket = 4, kLineEnd = 8 };
constexpr std::array<std::uint8_t, 256> make_text_table() {
    std::array<std::uint8_t, 256> kinds{};
    kinds['<'] = kEndsText;
    kinds['&'] = kReference;
    kinds[']'] = kBracket;
    kinds['\r'] = kLineEnd;
    return kinds;
}
constexpr auto kTextTable = make_text_table();

std::string lower(std::string_view text) {
    std::string result(text);
    for (char& c : result)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return result;
}

}  // namespace

XmlReader::XmlReader(std::string_view text) : text_(text) {}

bool XmlReader::fail(std::size_t at, std::string message) {
    failed_ = true;
    failed_at_ = at;
    message_ = std::move(message);
    return false;
}

void XmlReader::skip_blanks() {
    while (!at_end() && is_blank(text_[at_]))
        ++at_;
}

XmlReader::Event XmlReader::next() {
    if (!failed_ && !begun_) begin_document();
    return failed_ ? Event::fault : go_on();
}

bool XmlReader::begin_document() {
    begun_ = true;
    if (text_.size() > XmlDocument::kMaxBytes)
        return fail(0, "more than " + std::to_string(XmlDocument::kMaxBytes) + " bytes");
    const std::size_t unfit = find_unfit_for_xml(text_);
    if (unfit != kNone) return fail(unfit, "a byte that XML cannot carry");
    if (looks_at(kByteOrderMark)) at_ += kByteOrderMark.size();
    // S3 keeps a slow answer alive with blanks before everything else, the declaration too.
    skip_blanks();
    const bool declared = looks_at("<?xml") && at_ + 5 < text_.size() && is_blank(text_[at_ + 5]);
    return !declared || read_declaration();
}

XmlReader::Event XmlReader::go_on() {
    if (leaves_) {
        leaves_ = false;
        --depth_;
    }
    if (empty_) {
        empty_ = false;
        leaves_ = true;
        begin_ = at_;
        return Event::end;
    }
    while (true) {
        if (depth_ == 0) skip_blanks();
        if (at_end()) break;
        if (text_[at_] != '<') return read_characters() ? Event::text : Event::fault;
        Event event = Event::done;  // of what says nothing: a comment, an instruction
        if (!read_markup(event)) return Event::fault;
        if (event != Event::done) return event;
    }
    if (depth_ > 0) fail(at_, "it ends inside <" + printable(innermost().name.substr(0, 100)) + ">");
    if (!failed_ && elements_ == 0) fail(at_, "there is no element");
    return failed_ ? Event::fault : Event::done;
}

std::string_view XmlReader::as_text(std::string& buffer) const {
    if (plain_) return raw_text();
    buffer.clear();
    in_cdata_ ? append_xml_cdata(buffer, raw_text()) : append_xml_characters(buffer, raw_text());
    return buffer;
}

Error XmlReader::error() const {
    const std::string_view before = text_.substr(0, failed_at_);
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const std::size_t line_begin = before.rfind('\n') + 1;  // npos + 1 == 0
    return Error{.code = Code::corrupt,
                 .message = "XML line " + std::to_string(line) + ", column " +
                            std::to_string(failed_at_ - line_begin + 1) + ": " + message_};
}

// The bytes are known to be UTF-8. A declaration that says otherwise matters only where the bytes are more than ASCII.
bool XmlReader::read_declaration() {
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

bool XmlReader::read_markup(Event& event) {
    const char kind = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    if (kind == '/') return event = Event::end, read_end_tag();
    if (kind == '?') return read_instruction();
    if (kind != '!') return event = Event::start, read_start_tag();
    if (looks_at("<!--")) return read_comment();
    if (looks_at(kCdata)) return event = Event::text, read_cdata();
    const bool is_doctype = lower(text_.substr(at_, 9)) == "<!doctype";
    return fail(at_, is_doctype ? "a DOCTYPE is not accepted" : "an unknown declaration");
}

bool XmlReader::read_characters() {
    if (depth_ == 0) return fail(at_, "text outside the root element");
    begin_ = at_;
    std::uint8_t met = 0;
    std::size_t end = at_;
    for (; end < text_.size(); ++end) {
        const std::uint8_t kind = kTextTable[static_cast<unsigned char>(text_[end])];
        if (kind == kEndsText) break;
        met |= kind;
    }
    text_end_ = end;
    const bool reference = (met & kReference) != 0, bracket = (met & kBracket) != 0, line_end = (met & kLineEnd) != 0;
    const std::size_t bad = bracket ? raw_text().find("]]>") : kNone;
    if (bad != kNone) return fail(at_ + bad, "]]> in text");
    if ((reference && !check_references(begin_, text_end_)) || !count_text(raw_text().size())) return false;
    plain_ = !reference && !line_end;
    in_cdata_ = false;
    at_ = text_end_;
    return true;
}

bool XmlReader::read_comment() {
    const std::size_t end = text_.find("--", at_ + 4);
    if (end == kNone) return fail(at_, "a comment without end");
    if (end + 2 >= text_.size() || text_[end + 2] != '>') return fail(end, "-- inside a comment");
    at_ = end + 3;
    return true;
}

bool XmlReader::read_cdata() {
    if (depth_ == 0) return fail(at_, "text outside the root element");
    const std::size_t end = text_.find("]]>", at_ + kCdata.size());
    if (end == kNone) return fail(at_, "a CDATA section without end");
    if (!count_text(end - at_)) return false;
    begin_ = at_ + kCdata.size();
    text_end_ = end;
    plain_ = raw_text().find('\r') == kNone;
    in_cdata_ = true;
    at_ = end + 3;
    return true;
}

bool XmlReader::read_instruction() {
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

bool XmlReader::read_start_tag() {
    const std::size_t begin = at_;
    ++at_;
    std::string_view name;
    if (!read_name(name)) return false;
    const std::size_t colon = colon_;
    attributes_.clear();
    has_namespace_ = false;
    while (true) {
        const std::size_t before_blanks = at_;
        skip_blanks();
        if (at_end()) return fail(begin, "a tag without end");
        if (text_[at_] == '>' || text_[at_] == '/') break;
        if (at_ == before_blanks) return fail(at_, "an unexpected character in a tag");
        if (!read_attribute()) return false;
    }
    empty_ = text_[at_] == '/';
    if (empty_) ++at_;
    if (at_end() || text_[at_] != '>') return fail(at_, "an unexpected character in a tag");
    ++at_;
    begin_ = begin;
    return open_element(name, colon);
}

// Attributes are checked and forgotten: nothing that we read has a meaning in one but xmlns.
bool XmlReader::read_attribute() {
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
    if (name == "xmlns") has_namespace_ = true;
    at_ = end + 1;
    return true;
}

// "name>" of the innermost element, as nearly always.
bool XmlReader::ends_as_begun() {
    const std::string_view name = innermost().name;
    const std::size_t end = at_ + name.size();
    if (end >= text_.size() || text_[end] != '>' || text_.compare(at_, name.size(), name) != 0) return false;
    name_ = innermost().local();
    at_ = end + 1;
    return true;
}

bool XmlReader::read_end_tag() {
    begin_ = at_;
    at_ += 2;
    if (depth_ > 0 && ends_as_begun()) return leaves_ = true;
    std::string_view name;
    if (!read_name(name)) return false;
    skip_blanks();
    if (at_end() || text_[at_] != '>') return fail(at_, "an unexpected character in a tag");
    ++at_;
    if (depth_ == 0) return fail(begin_, "an end tag without start");
    if (name != innermost().name)
        return fail(begin_, "the end tag of " + printable(name.substr(0, 100)) + ", but <" +
                                printable(innermost().name.substr(0, 100)) + "> is open");
    name_ = innermost().local();
    leaves_ = true;
    return true;
}

bool XmlReader::read_name(std::string_view& name) {
    const std::size_t begin = at_;
    if (at_end() || !begins_name(text_[at_])) return fail(at_, "a name is missing");
    std::size_t colons = 0;
    colon_ = kNone;
    for (; !at_end() && continues_name(text_[at_]); ++at_) {
        if (text_[at_] != ':') continue;
        ++colons;
        colon_ = at_ - begin;
    }
    name = text_.substr(begin, at_ - begin);
    const bool is_sound = colons == 0 || (colons == 1 && colon_ > 0 && colon_ + 1 < name.size());
    return is_sound || fail(begin, "a name with a stray colon");
}

bool XmlReader::open_element(std::string_view name, std::size_t colon) {
    if (elements_ == XmlDocument::kMaxElements) return fail(begin_, "too many elements");
    if (depth_ == 0 && elements_ > 0) return fail(begin_, "a second root element");
    if (depth_ == XmlDocument::kMaxDepth && !empty_) return fail(begin_, "elements are nested too deeply");
    const std::size_t local = colon == kNone ? 0 : colon + 1;
    has_namespace_ = has_namespace_ || local > 0;
    ++elements_;
    open_[depth_++] = {.name = name, .local_begin = local};
    name_ = innermost().local();
    return true;
}

bool XmlReader::count_text(std::size_t bytes) {
    innermost().text_bytes += bytes;
    return innermost().text_bytes <= XmlDocument::kMaxText || fail(at_, "a text that is too long");
}

bool XmlReader::check_references(std::size_t begin, std::size_t end) {
    const std::string_view raw = text_.substr(begin, end - begin);
    for (std::size_t at = raw.find('&'); at != kNone;) {
        const std::size_t bytes = read_xml_reference(raw.substr(at)).bytes;
        if (bytes == 0) return fail(begin + at, "a reference that XML 1.0 does not have");
        at = raw.find('&', at + bytes);
    }
    return true;
}

}  // namespace dray
