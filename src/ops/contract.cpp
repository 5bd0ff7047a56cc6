#include "ops/contract.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/json.h"
#include "base/time.h"
#include "store/local_mounts.h"
#include "store/local_store.h"

namespace dray {
namespace {

constexpr std::array<std::pair<WantedProof, std::string_view>, 3> kProofs{{
    {WantedProof::automatic, "auto"},
    {WantedProof::checksum, "checksum"},
    {WantedProof::bytes, "bytes"},
}};

constexpr std::array<std::pair<Overwrite, std::string_view>, 4> kOverwrites{{
    {Overwrite::never, "never"},
    {Overwrite::newer, "newer"},
    {Overwrite::changed, "changed"},
    {Overwrite::always, "always"},
}};

std::string_view word_of(WantedProof proof) {
    for (const auto& [value, word] : kProofs)
        if (value == proof) return word;
    return "auto";
}

std::optional<WantedProof> proof_named(std::string_view word) {
    for (const auto& [value, name] : kProofs)
        if (name == word) return value;
    return std::nullopt;
}

std::string text_of(const JsonValue& json, std::string_view name) {
    auto member = json.get(name);
    auto text = member ? member->text() : std::nullopt;
    return std::string(text.value_or(""));
}

Error damaged(std::string_view what) {
    return {.code = Code::corrupt, .message = "the plan's options are damaged: " + std::string(what)};
}

void write_pairs(JsonWriter& json, std::string_view name, const std::vector<NameValue>& pairs) {
    if (pairs.empty()) return;
    json.name(name).begin_array();
    for (const NameValue& pair : pairs)
        json.begin_object().field("name", pair.name).bytes_field("value", pair.value).end_object();
    json.end_array();
}

Result<std::vector<NameValue>> pairs_of(const JsonValue& json, std::string_view name) {
    std::vector<NameValue> pairs;
    const auto list = json.get(name);
    if (!list) return pairs;
    if (list->kind() != JsonValue::Kind::array) return damaged("pairs that are none");
    for (const JsonValue& pair : list->elements()) {
        auto value = pair.bytes("value");
        if (!value) return damaged("a name without its value");
        pairs.push_back({text_of(pair, "name"), *std::move(value)});
    }
    return pairs;
}

// Written for copies only.
void write_copy(JsonWriter& json, const MoveOptions& options) {
    if (options.what != Do::copy) return;
    json.field("do", name_of(options.what)).field("overwrite", name_of(options.overwrite));
    write_pairs(json, "set_content", options.changes.content);
    write_pairs(json, "set_metadata", options.changes.metadata);
}

Status read_copy(const JsonValue& json, MoveOptions& options) {
    const std::string what = text_of(json, "do");
    if (what.empty()) return {};
    const auto overwrite = overwrite_named(text_of(json, "overwrite"));
    if (what != name_of(Do::copy) || !overwrite) return damaged("unknown kind of copy");
    options.what = Do::copy;
    options.overwrite = *overwrite;
    TRY_LET(content, pairs_of(json, "set_content"));
    TRY_LET(metadata, pairs_of(json, "set_metadata"));
    options.changes = {std::move(content), std::move(metadata)};
    return {};
}

bool flag_of(const JsonValue& json, std::string_view name) {
    auto member = json.get(name);
    return member && member->boolean().value_or(false);
}

Result<std::optional<WallTime>> time_of(const JsonValue& json, std::string_view name) {
    const std::string text = text_of(json, name);
    if (text.empty()) return std::optional<WallTime>();
    TRY_LET(time, parse_iso8601(text));
    return std::optional<WallTime>(time);
}

}  // namespace

std::string_view name_of(Overwrite overwrite) {
    for (const auto& [value, word] : kOverwrites)
        if (value == overwrite) return word;
    return "never";
}

std::optional<Overwrite> overwrite_named(std::string_view word) {
    for (const auto& [value, name] : kOverwrites)
        if (name == word) return value;
    return std::nullopt;
}

bool on_own_file_systems(const RunContract& contract) {
    return !contract.scopes.empty() &&
           std::all_of(contract.scopes.begin(), contract.scopes.end(), [](const Scope& scope) {
               return scope.identity == kLocalIdentity && !scope.bucket.empty() && dies_with_its_process(scope.bucket);
           });
}

std::optional<WallTime> quiet_until(const RunContract& contract, const JournalSummary& journal, WallTime lock_taken) {
    const auto until = quiet_until(journal, lock_taken);
    if (!until) return until;
    const bool nothing_lands = journal.on_own == journal.processes && on_own_file_systems(contract);
    return nothing_lands ? std::nullopt : until;
}

std::string write_contract(const RunContract& contract) {
    std::string out;
    JsonWriter json(out);
    const MoveOptions& options = contract.options;
    json.begin_object();
    write_copy(json, options);
    json.field("exclusive", options.exclusive)
        .field("strict", options.strict)
        .field("delete_after", options.delete_after);
    json.field("proof", word_of(options.proof));
    json.field("preserve", options.preserve.words());
    json.field("acl", options.acl).field("storage_class", options.storage_class);
    json.field("encryption", options.encryption).field("kms_key_id", options.kms_key_id);
    json.name("scopes").begin_array();
    for (const Scope& scope : contract.scopes)
        json.begin_object()
            .field("store", scope.identity)
            .bytes_field("bucket", scope.bucket)
            .bytes_field("prefix", scope.prefix)
            .end_object();
    json.end_array();
    if (contract.parent_quiet_until) json.field("parent_quiet_until", iso8601(*contract.parent_quiet_until));
    if (contract.parent_first_answer) json.field("parent_first_answer", iso8601(*contract.parent_first_answer));
    json.end_object();
    return out;
}

Result<RunContract> read_contract(const std::string& text) {
    JsonParser parser;
    TRY_LET(json, parser.parse(text));
    RunContract contract;
    contract.options = {.exclusive = flag_of(json, "exclusive"),
                        .strict = flag_of(json, "strict"),
                        .delete_after = flag_of(json, "delete_after"),
                        .acl = text_of(json, "acl"),
                        .storage_class = text_of(json, "storage_class"),
                        .encryption = text_of(json, "encryption"),
                        .kms_key_id = text_of(json, "kms_key_id")};
    TRY(read_copy(json, contract.options));
    const auto proof = proof_named(text_of(json, "proof"));
    if (!proof) return damaged("unknown proof");
    contract.options.proof = *proof;
    if (const std::string preserve = text_of(json, "preserve"); !preserve.empty()) {
        TRY_LET(set, PropertySet::parse(preserve));
        contract.options.preserve = set;
    }

    const auto scopes = json.get("scopes");
    if (!scopes || scopes->kind() != JsonValue::Kind::array) return damaged("no scopes");
    for (const JsonValue& scope : scopes->elements()) {
        auto bucket = scope.bytes("bucket"), prefix = scope.bytes("prefix");
        if (!bucket || !prefix) return damaged("a scope without bucket or prefix");
        contract.scopes.push_back({text_of(scope, "store"), *std::move(bucket), *std::move(prefix)});
    }
    TRY_LET(quiet, time_of(json, "parent_quiet_until"));
    TRY_LET(first, time_of(json, "parent_first_answer"));
    contract.parent_quiet_until = quiet;
    contract.parent_first_answer = first;
    return contract;
}

}  // namespace dray
