#include "base/xml.h"

#include <gtest/gtest.h>

#include <pugixml.hpp>
#include <random>

namespace dray {
namespace {

bool is_accepted(std::string_view text) {
    return XmlDocument::parse(text).has_value();
}

std::string why_not(std::string_view text) {
    auto document = XmlDocument::parse(text);
    if (document) return "(it is_accepted)";
    EXPECT_EQ(document.error().code, Code::corrupt);
    return document.error().message;
}

std::string text_of(std::string_view xml) {
    auto document = XmlDocument::parse(xml);
    return document ? document->root().text() : "(" + document.error().message + ")";
}

constexpr std::string_view kListPage = R"(<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name><Prefix></Prefix><IsTruncated>true</IsTruncated>
  <Contents><Key>a&amp;b/&#xe9;.json</Key><ETag>&quot;d41d&quot;</ETag><Size>12</Size></Contents>
  <Contents><Key> </Key><ETag>"x"</ETag><Size>0</Size><Owner/></Contents>
</ListBucketResult>)";

TEST(Xml, ReadsAListPage) {
    auto document = XmlDocument::parse(kListPage);
    ASSERT_TRUE(document) << document.error().message;
    const XmlElement root = document->root();
    EXPECT_EQ(root.name(), "ListBucketResult");
    EXPECT_TRUE(root.has_namespace());
    EXPECT_EQ(root.child_text("IsTruncated"), "true");
    EXPECT_EQ(root.child_text("Prefix"), "");
    EXPECT_EQ(root.child_text("Missing"), std::nullopt);
    std::string names;
    for (const XmlElement& child : root.children())
        names.append(child.name()).append(" ");
    EXPECT_EQ(names, "Name Prefix IsTruncated Contents Contents ");
    const auto contents = root.children("Contents");
    ASSERT_EQ(contents.size(), 2U);
    EXPECT_EQ(contents[0].child_text("Key"), "a&b/\xC3\xA9.json");
    EXPECT_EQ(contents[0].child_text("ETag"), "\"d41d\"");
    EXPECT_FALSE(contents[0].has_namespace());
    EXPECT_TRUE(contents[0].has_children());
    EXPECT_EQ(contents[1].child_text("Key"), " ") << "a key of one blank is a key";
    EXPECT_FALSE(contents[1].child("Owner")->has_children());
    EXPECT_EQ(contents[1].offset(), kListPage.rfind("<Contents>"));
}

TEST(Xml, CutsNamespacePrefixesOff) {
    auto document = XmlDocument::parse("<s:a xmlns:s='u'><s:b>1</s:b><c xmlns:t='v'/></s:a>");
    ASSERT_TRUE(document);
    EXPECT_EQ(document->root().name(), "a");
    EXPECT_TRUE(document->root().has_namespace());
    EXPECT_EQ(document->root().child_text("b"), "1");
    EXPECT_FALSE(document->root().child("c")->has_namespace()) << "it declares a prefix and uses none";
}

TEST(Xml, GathersTheTextOfAnElementAroundItsChildren) {
    EXPECT_EQ(text_of("<a>1<!-- <b> -->2<b>x</b>3<?p <c>?>4<![CDATA[<&]]]]>5</a>"), "1234<&]]5");
    EXPECT_EQ(text_of("<a><b>x</b></a>"), "");
    EXPECT_EQ(text_of("<a/>"), "");
}

TEST(Xml, ReadsEveryLineEndAsALineFeed) {
    EXPECT_EQ(text_of("<a>1\r\n2\r3\n4&#13;&#10;<![CDATA[\r\n\r]]></a>"), "1\n2\n3\n4\r\n\n\n");
}

TEST(Xml, ResolvesReferences) {
    EXPECT_EQ(text_of("<a>&lt;&gt;&amp;&quot;&apos;&#65;&#x42;&#x1F600;&#0067;</a>"),
              "<>&\"'AB\xF0\x9F\x98\x80"
              "C");
    EXPECT_EQ(text_of("<a>&amp;lt;</a>"), "&lt;") << "resolved once";
}

TEST(Xml, AcceptsABlankAByteOrderMarkAndADeclarationInFront) {
    EXPECT_TRUE(is_accepted("\xEF\xBB\xBF<?xml version=\"1.0\"?><a/>"));
    EXPECT_TRUE(is_accepted("  \r\n\n<?xml version='1.0' encoding='utf-8'?>\n<a/>\n<!-- end -->\n"));
    EXPECT_TRUE(is_accepted("<?xml version='1.0' encoding='ISO-8859-1'?><a>ascii</a>"));
    EXPECT_FALSE(is_accepted("<?xml version='1.0' encoding='ISO-8859-1'?><a>\xC3\xA9</a>"));
    EXPECT_TRUE(is_accepted("<?xml version='1.0' encoding='UTF-8'?><a>\xC3\xA9</a>"));
    EXPECT_FALSE(is_accepted("<?xml version='1.0' encoding='UTF-8'<a/>"));
}

TEST(Xml, NamesThePlaceOfAFault) {
    EXPECT_EQ(why_not("<a>\n  <b></c>\n</a>"), "XML line 2, column 6: the end tag of c, but <b> is open");
    EXPECT_EQ(why_not("<a b='1' b='2'/>"), "XML line 1, column 10: the attribute b twice");
}

TEST(Xml, RefusesWhatIsNotWellFormed) {
    for (const char* bad : {"",
                            " ",
                            "text",
                            "<",
                            "<a",
                            "<a>",
                            "</a>",
                            "<a></b>",
                            "<a/><b/>",
                            "<a/>text",
                            "text<a/>",
                            "<a b></a>",
                            "<a b=1/>",
                            "<a b='1'c='2'/>",
                            "<a b='1' b='1'/>",
                            "<a b='<'/>",
                            "<a b='1/>",
                            "<1/>",
                            "<a><b></a></b>",
                            "<a>]]></a>",
                            "<a>&</a>",
                            "<a>&;</a>",
                            "<a>&amp</a>",
                            "<a>&nbsp;</a>",
                            "<a b='&x;'/>",
                            "<a><!-- -- --></a>",
                            "<a><!-- </a>",
                            "<a><![CDATA[</a>",
                            "<![CDATA[x]]><a/>",
                            "<a><?xml version='1.0'?></a>",
                            "<a><?p</a>",
                            "<a><? p?></a>",
                            "< a/>",
                            "<a / >",
                            "<a></ a>",
                            "<:a/>",
                            "<a:/>",
                            "<a:b:c/>",
                            "<!ELEMENT a ANY><a/>",
                            "<a/><?XML ?>"})
        EXPECT_FALSE(is_accepted(bad)) << bad;
}

TEST(Xml, H47APageCutAnywhereIsAnError) {
    for (std::size_t size = 0; size < kListPage.size(); ++size)
        EXPECT_FALSE(is_accepted(kListPage.substr(0, size))) << "cut after " << size << " bytes";
}

TEST(Xml, H48RefusesEveryDoctypeAndEntity) {
    EXPECT_NE(why_not("<!DOCTYPE a><a/>").find("DOCTYPE"), std::string::npos);
    for (const char* bad :
         {"<!doctype a><a/>", "<?xml version='1.0'?> <!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
          "<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>",
          "<!DOCTYPE a SYSTEM 'http://127.0.0.1/'><a/>", "<a><!DOCTYPE a></a>", "<!ENTITY b 'c'><a/>", "<a>&b;</a>"})
        EXPECT_FALSE(is_accepted(bad)) << bad;
    EXPECT_EQ(text_of("<a><!-- <!DOCTYPE a> --><![CDATA[<!DOCTYPE a>]]></a>"), "<!DOCTYPE a>");
}

std::string nested(std::size_t depth) {
    std::string xml;
    for (std::size_t i = 0; i < depth; ++i)
        xml += "<a>";
    for (std::size_t i = 0; i < depth; ++i)
        xml += "</a>";
    return xml;
}

std::string with_attributes(std::size_t count) {
    std::string xml = "<a";
    for (std::size_t i = 0; i < count; ++i)
        xml += " a" + std::to_string(i) + "=''";
    return xml + "/>";
}

TEST(Xml, H49EverythingHasALimit) {
    EXPECT_TRUE(is_accepted(nested(XmlDocument::kMaxDepth)));
    EXPECT_FALSE(is_accepted(nested(XmlDocument::kMaxDepth + 1)));
    EXPECT_FALSE(is_accepted(nested(100'000)));
    EXPECT_TRUE(is_accepted(with_attributes(XmlDocument::kMaxAttributes)));
    EXPECT_FALSE(is_accepted(with_attributes(XmlDocument::kMaxAttributes + 1)));
    const std::string text(XmlDocument::kMaxText, 'x');
    EXPECT_TRUE(is_accepted("<a>" + text + "</a>"));
    EXPECT_FALSE(is_accepted("<a>" + text + "x</a>"));
    EXPECT_FALSE(is_accepted("<a>" + text + "<b/>x</a>")) << "a text in pieces is one text";
    EXPECT_FALSE(is_accepted("<a><![CDATA[" + text + "]]></a>"));
    EXPECT_FALSE(is_accepted("<a b='x" + text + "'/>"));
    EXPECT_FALSE(is_accepted("<a>" + std::string(XmlDocument::kMaxBytes, ' ') + "</a>"));
}

TEST(Xml, H49ReadsAPageOfTheLargestSize) {
    std::string page = "<ListBucketResult>";
    const std::string_view object =
        "<Contents><Key>archive/2024/03/09/host-0123456789/records-000000000001.jsonl.bz2</Key><LastModified>"
        "2024-03-09T04:05:06.000Z</LastModified><ETag>&quot;d41d8cd98f00b204e9800998ecf8427e&quot;</ETag><Size>1234567"
        "</Size><StorageClass>STANDARD</StorageClass></Contents>";
    std::size_t objects = 0;
    for (; page.size() + object.size() + 20 < XmlDocument::kMaxBytes; ++objects)
        page += object;
    page += "</ListBucketResult>";
    auto document = XmlDocument::parse(page);
    ASSERT_TRUE(document) << document.error().message;
    EXPECT_EQ(document->root().children("Contents").size(), objects);
}

TEST(Xml, H51RefusesWhatXmlCannotCarryRawOrAsAReference) {
    for (std::string_view raw :
         {std::string_view("\x01"), std::string_view("\x0B"), std::string_view("\0", 1), std::string_view("\x1F"),
          std::string_view("\xEF\xBF\xBE"), std::string_view("\xEF\xBF\xBF"), std::string_view("\xFF"),
          std::string_view("\xED\xA0\x80"), std::string_view("\xC0\xAF")}) {
        EXPECT_FALSE(is_accepted("<Key>a" + std::string(raw) + "</Key>"));
        EXPECT_FALSE(is_accepted("<Key>" + std::string(5000, 'a') + std::string(raw) + "</Key>"));
        EXPECT_FALSE(xml_can_carry("a" + std::string(raw)));
    }
    for (const char* reference : {"&#0;", "&#x1;", "&#11;", "&#xB;", "&#xFFFE;", "&#xD800;", "&#x110000;", "&#;",
                                  "&#x;", "&#-1;", "&#X41;", "&#99999999999999999999;", "&# 65;"})
        EXPECT_FALSE(is_accepted("<Key>" + std::string(reference) + "</Key>")) << reference;
    EXPECT_TRUE(xml_can_carry("a\t\n\r\x7F\xC2\x80\xEF\xBF\xBD\xF4\x8F\xBF\xBF"));
}

TEST(Xml, EscapedTextReadsBackEqual) {
    const std::string text = "a<b>&amp;\"'\r\n\t]]>\xC3\xA9 ";
    std::string xml = "<a>";
    xml_escape(xml, text);
    xml += "</a>";
    EXPECT_EQ(text_of(xml), text);
}

// What pugixml makes of the same tree, in one line a element.
void describe(const pugi::xml_node& node, std::string& out) {
    const std::string_view name = node.name();
    const std::size_t colon = name.find(':');
    out.append(colon == std::string_view::npos ? name : name.substr(colon + 1)).append("=");
    for (const auto& child : node.children())
        if (child.type() == pugi::node_pcdata || child.type() == pugi::node_cdata) out += child.value();
    out += '{';
    for (const auto& child : node.children())
        if (child.type() == pugi::node_element) describe(child, out);
    out += '}';
}

void describe(const XmlElement& element, std::string& out) {
    out.append(element.name()).append("=").append(element.text()).append("{");
    for (const XmlElement& child : element.children())
        describe(child, out);
    out += '}';
}

TEST(Xml, WhatItAcceptsItReadsAsPugixmlDoes) {
    const std::string_view pieces[] = {"<a>",      "</a>",  "<b x='1'>", "</b>",       "<n:c/>",          "t",
                                       " ",        "&lt;",  "\r\n",      "<!-- c -->", "<![CDATA[<d>]]>", "<?p i?>",
                                       "\xC3\xA9", "&#x41;"};
    std::mt19937 random(3);
    int accepted = 0;
    for (int round = 0; round < 300'000; ++round) {
        std::string xml = "<r>";
        for (std::size_t i = random() % 8; i > 0; --i)
            xml += pieces[random() % std::size(pieces)];
        xml += "</r>";
        auto ours = XmlDocument::parse(xml);
        if (!ours) continue;
        ++accepted;
        pugi::xml_document theirs;
        ASSERT_TRUE(theirs.load_buffer(xml.data(), xml.size(), pugi::parse_default | pugi::parse_ws_pcdata));
        std::string our_tree, their_tree;
        describe(ours->root(), our_tree);
        describe(theirs.document_element(), their_tree);
        ASSERT_EQ(our_tree, their_tree) << xml;
    }
    EXPECT_GT(accepted, 10'000);
}

TEST(Xml, DamagedPagesNeverCrashIt) {
    std::mt19937 random(5);
    for (int round = 0; round < 20'000; ++round) {
        std::string xml(kListPage);
        for (int change = 0; change < 3; ++change) {
            const std::size_t at = random() % xml.size();
            switch (random() % 3) {
                case 0: xml[at] = static_cast<char>(random()); break;
                case 1: xml.erase(at, random() % 20); break;
                default: xml.insert(at, xml, random() % xml.size(), random() % 20); break;
            }
        }
        if (auto document = XmlDocument::parse(xml)) {
            std::string tree;
            describe(document->root(), tree);
            EXPECT_FALSE(tree.empty());
        }
    }
}

}  // namespace
}  // namespace dray
