#include "s3/list_page.h"

#include <utility>

#include "base/log.h"
#include "base/xml_reader.h"
#include "s3/endpoint.h"
#include "s3/fields.h"

namespace dray::s3 {
namespace {

using Event = XmlReader::Event;

// Undoes encoding-type=url, where the answer says that it was applied (H52). Stores differ in how they spell a blank
// (`+` or %20), and agree in never leaving a `+` of the key bare.
bool decode(std::string& text) {
    if (text.find_first_of("%+") == std::string::npos) return true;
    std::string bytes;
    if (!uri_decode(text, true, bytes)) return false;
    text = std::move(bytes);
    return true;
}

class PageReader {
public:
    explicit PageReader(std::string_view document) : xml_(document) {}

    Result<ListPage> read() {
        Event event = xml_.next();
        if (event == Event::start) page_.root = xml_.name();
        if (page_.root != kRoot) return page_;
        for (event = xml_.next(); event != Event::done && event != Event::fault; event = xml_.next())
            if (event == Event::start) read_element();
        if (event == Event::fault) return xml_.error();
        decode_all();
        return std::move(page_);
    }

private:
    static constexpr std::string_view kRoot = "ListBucketResult";

    // Only what stands right below the root has a meaning. A fault is met again by the next step.
    void read_element() {
        if (xml_.name() == "Contents") {
            read_contents();
        } else if (xml_.name() == "CommonPrefixes") {
            read_common_prefix();
        } else {
            read_field();
        }
    }

    // The character data right below the element that has begun, up to and with its end. False: a fault.
    bool read_text() {
        const std::size_t depth = xml_.depth();
        text_ = {};
        bool gathered = false;
        for (Event event = xml_.next();; event = xml_.next()) {
            if (event == Event::fault || event == Event::done) return false;
            if (event == Event::end && xml_.depth() == depth) return true;
            if (event != Event::text || xml_.depth() != depth) continue;
            const std::string_view piece = xml_.as_text(piece_);
            if (text_.empty() && !gathered && xml_.is_plain()) {
                text_ = piece;
                continue;
            }
            if (!gathered) gathered_ = text_;
            gathered = true;
            gathered_ += piece;
            text_ = gathered_;
        }
    }

    // Calls `field` with the name of each child of the element that has begun, its text being in text_.
    template <class Field>
    bool read_children(const Field& field) {
        for (Event event = xml_.next();; event = xml_.next()) {
            if (event == Event::fault || event == Event::done) return false;
            if (event == Event::end) return true;
            if (event != Event::start) continue;
            const std::string_view name = xml_.name();
            if (!read_text()) return false;
            field(name);
        }
    }

    void read_contents() {
        ListedKey& listed = page_.objects.emplace_back();
        std::optional<std::uint64_t> size;
        const bool whole = read_children([&](std::string_view name) {
            if (name == "Key") {
                listed.key = text_;
            } else if (name == "Size") {
                size = number(text_);
            } else if (name == "ETag") {
                listed.etag = unquoted_etag(text_);
            } else if (name == "LastModified") {
                listed.modified = time_or_epoch(text_);
            } else if (name == "StorageClass") {
                listed.storage_class = text_;
            }
        });
        if (!whole) return;
        if (listed.key.empty()) return wrong("an object without a key");
        if (!size) return wrong("an object without a proper size: " + in_quotes(listed.key));
        listed.size = *size;
    }

    void read_common_prefix() {
        std::optional<std::string> prefix;
        read_children([&](std::string_view name) {
            if (name == "Prefix" && !prefix) prefix = text_;
        });
        page_.common_prefixes.push_back(std::move(prefix).value_or(""));
    }

    void read_field() {
        const std::string_view name = xml_.name();
        if (!read_text()) return;
        const auto take = [&](std::optional<std::string>& field) {
            if (!field) field = text_;  // the first counts
        };
        if (name == "Name") take(page_.bucket);
        if (name == "EncodingType") take(encoding_);
        if (name == "IsTruncated") take(truncated_);
        if (name == "NextContinuationToken") take(page_.next_token);
        if (name == "NextMarker") take(page_.next_marker);
        page_.has_marker = page_.has_marker || name == "Marker";
        page_.has_key_count = page_.has_key_count || name == "KeyCount";
    }

    // Elements stand in any order (H24): the encoding is known when all was read.
    void decode_all() {
        page_.truncated = truncated_.value_or("") == "true";
        if (encoding_.value_or("") != "url") return;
        for (ListedKey& listed : page_.objects)
            if (!decode(listed.key)) return wrong("a key with a broken escape");
        for (std::string& prefix : page_.common_prefixes)
            if (!decode(prefix)) return wrong("a prefix with a broken escape");
        if (page_.next_marker && !decode(*page_.next_marker)) wrong("a marker with a broken escape");
    }

    void wrong(std::string why) {
        if (page_.problem.empty()) page_.problem = std::move(why);
    }

    XmlReader xml_;
    ListPage page_;
    std::optional<std::string> encoding_, truncated_;
    std::string_view text_;
    std::string piece_, gathered_;
};

}  // namespace

Result<ListPage> read_list_page(std::string_view document) {
    return PageReader(document).read();
}

}  // namespace dray::s3
