#include "s3/object_tagging.h"

#include "s3/fields.h"

namespace dray::s3 {
namespace {

Call call_of(Operation operation, const TaggedObject& object) {
    Call call{.operation = operation, .bucket = object.bucket, .key = object.key, .repeatable = true};
    call.query.emplace_back("tagging", "");
    if (!object.version.empty()) call.query.emplace_back("versionId", object.version);
    return call;
}

}  // namespace

Result<Tags> get_object_tagging(const Context& ctx, Client& client, const TaggedObject& object) {
    TRY_LET(answer, client.send(ctx, call_of(Operation::get_object_tagging, object)));
    Tags tags;
    auto set = answer.document->root().child("TagSet");
    if (!set) return tags;
    for (const auto& tag : set->children("Tag")) {
        tags.emplace_back(tag.child_text("Key").value_or(""), tag.child_text("Value").value_or(""));
    }
    return tags;
}

Status put_object_tagging(const Context& ctx, Client& client, const TaggedObject& object, const Tags& tags) {
    Call call = call_of(Operation::put_object_tagging, object);
    call.body = "<Tagging xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><TagSet>";
    for (const auto& [name, value] : tags) {
        call.body += "<Tag><Key>";
        xml_escape(call.body, name);
        call.body += "</Key><Value>";
        xml_escape(call.body, value);
        call.body += "</Value></Tag>";
    }
    call.body += "</TagSet></Tagging>";
    call.headers = {{"content-type", "application/xml"}, {"content-md5", content_md5(call.body)}};
    TRY(client.send(ctx, std::move(call)));
    return {};
}

std::string tagging_header(const Tags& tags) {
    std::string text;
    for (const auto& [name, value] : tags) {
        if (!text.empty()) text += '&';
        text += uri_encode(name, false) + "=" + uri_encode(value, false);
    }
    return text;
}

}  // namespace dray::s3
