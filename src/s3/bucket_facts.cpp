#include "s3/bucket_facts.h"

#include <functional>

namespace dray::s3 {
namespace {

using Reading = std::function<std::optional<bool>(const XmlElement& root)>;

bool ends_the_run(const Error& error) {
    return error.fatal || error.code == Code::cancelled || error.code == Code::exhausted;
}

// What the document says; `if_none` where the store says that there is no such configuration.
Result<std::optional<bool>> read_fact(const Context& ctx, Client& client, const std::string& bucket,
                                      Operation operation, const char* query, std::optional<bool> if_none,
                                      const Reading& reading) {
    Call call{.operation = operation, .bucket = bucket, .repeatable = true};
    call.query.emplace_back(query, "");
    auto answer = client.send(ctx, std::move(call));
    if (answer) return reading(answer->document->root());
    if (ends_the_run(answer.error())) return std::move(answer).error();
    if (answer.error().code == Code::not_found) return if_none;
    return std::optional<bool>();
}

}  // namespace

Result<BucketState> bucket_state(const Context& ctx, Client& client, const std::string& bucket) {
    BucketState state;
    auto read = [&](std::optional<bool>& fact, Operation operation, const char* query, std::optional<bool> if_none,
                    const Reading& reading) -> Status {
        TRY_LET(told, read_fact(ctx, client, bucket, operation, query, if_none, reading));
        fact = told;
        return {};
    };
    TRY(read(state.versioned, Operation::get_bucket_versioning, "versioning", false,
             [](const XmlElement& root) { return root.child_text("Status").has_value(); }));
    TRY(read(state.website, Operation::get_bucket_website, "website", false, [](const XmlElement&) { return true; }));
    // No controls: the state of buckets from before 2023, where ACLs count.
    TRY(read(state.acls_enabled, Operation::get_bucket_ownership_controls, "ownershipControls", true,
             [](const XmlElement& root) {
                 auto rule = root.child("Rule");
                 return rule && rule->child_text("ObjectOwnership").value_or("") != "BucketOwnerEnforced";
             }));
    TRY(read(state.object_lock, Operation::get_object_lock_configuration, "object-lock", false,
             [](const XmlElement& root) { return root.child_text("ObjectLockEnabled").value_or("") == "Enabled"; }));
    TRY(read(state.default_encryption, Operation::get_bucket_encryption, "encryption", false,
             [](const XmlElement& root) {
                 for (const auto& rule : root.children("Rule")) {
                     auto chosen = rule.child("ApplyServerSideEncryptionByDefault");
                     if (chosen && chosen->child_text("SSEAlgorithm").value_or("AES256") != "AES256") return true;
                 }
                 return false;
             }));
    return state;
}

}  // namespace dray::s3
