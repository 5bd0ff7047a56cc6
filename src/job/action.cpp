#include "job/action.h"

#include <array>

#include "job/json_fields.h"

namespace dray {
namespace {

// In the order of the enums.
constexpr std::array<std::string_view, 5> kDoWords = {"move", "move-back", "copy", "skip", "fail"};
constexpr std::array<std::string_view, 7> kStateWords = {"none",    "copied", "deleted", "done",
                                                         "skipped", "failed", "reopened"};
constexpr std::array<std::string_view, 5> kProofWords = {"none", "checksum", "etag", "bytes", "size"};

template <class Enum, std::size_t N>
std::string_view word_of(const std::array<std::string_view, N>& words, Enum value) {
    const auto index = static_cast<std::size_t>(value);
    CHECK(index < N);
    return words[index];
}

template <class Enum, std::size_t N>
auto from_word(const std::array<std::string_view, N>& words) {
    return [&words](std::string_view word) -> std::optional<Enum> {
        for (std::size_t i = 0; i < N; ++i)
            if (words[i] == word) return static_cast<Enum>(i);
        return std::nullopt;
    };
}

Error corrupt(std::string_view what, std::string_view member) {
    Error error{.code = Code::corrupt};
    error.message.append(what).append(": the member \"").append(member).append("\" is not as it should be");
    return error;
}

void write_text(JsonWriter& json, std::string_view name, std::string_view value) {
    if (!value.empty()) json.bytes_field(name, value);
}

void write_side(JsonWriter& json, std::string_view name, const Side& side) {
    json.name(name).begin_object();
    json.field("store", std::uint64_t{side.store});
    json.bytes_field("bucket", side.bucket).bytes_field("key", side.key);
    write_text(json, "etag", side.etag);
    if (side.size != 0) json.field("size", side.size);
    write_text(json, "version", side.version);
    if (side.modified != WallTime{}) json.field("modified", exact_time(side.modified));
    write_text(json, "class", side.storage_class);
    json.end_object();
}

Result<Side> read_side(const JsonValue& object, std::string_view name) {
    if (object.kind() != JsonValue::Kind::object) return corrupt("action", name);
    Side side;
    for (const auto& [member_name, value] : object.members()) {
        Member member(member_name, value);
        (void)(member.is("store", side.store) || member.is("bucket", side.bucket) || member.is("key", side.key) ||
               member.is("etag", side.etag) || member.is("size", side.size) || member.is("version", side.version) ||
               member.is("modified", side.modified) || member.is("class", side.storage_class));
        if (member.bad()) return corrupt("action", member_name);
    }
    return side;
}

}  // namespace

std::string_view name_of(Do what) {
    return word_of(kDoWords, what);
}
std::string_view name_of(ReceiptState state) {
    return word_of(kStateWords, state);
}
std::string_view name_of(Proof proof) {
    return word_of(kProofWords, proof);
}

void write_action(std::string& out, const Action& action) {
    JsonWriter json(out);
    json.begin_object();
    json.field("n", action.n).field("do", name_of(action.what));
    write_side(json, "from", action.from);
    if (action.to != Side{}) write_side(json, "to", action.to);
    if (action.target_existed) json.field("target_existed", true);
    write_text(json, "reason", action.reason);
    write_text(json, "detail", action.detail);
    if (action.parent != ReceiptState::none) json.field("parent", name_of(action.parent));
    write_text(json, "parent_checksum", action.parent_checksum);
    write_text(json, "parent_marker", action.parent_marker);
    json.end_object();
    append_extra(out, action.extra);
    out += '\n';
}

Result<Action> read_action(const JsonValue& line) {
    Action action;
    bool has_n = false, has_what = false;
    for (const auto& [name, value] : line.members()) {
        Member member(name, value);
        if (name == "from" || name == "to") {
            TRY_LET(side, read_side(value, name));
            (name == "from" ? action.from : action.to) = std::move(side);
        } else if (member.is("n", action.n)) {
            has_n = true;
        } else if (member.is_word("do", action.what, from_word<Do>(kDoWords))) {
            has_what = true;
        } else if (!(member.is("target_existed", action.target_existed) || member.is("reason", action.reason) ||
                     member.is("detail", action.detail) ||
                     member.is_word("parent", action.parent, from_word<ReceiptState>(kStateWords)) ||
                     member.is("parent_checksum", action.parent_checksum) ||
                     member.is("parent_marker", action.parent_marker))) {
            keep_member(action.extra, name, value);
        }
        if (member.bad()) return corrupt("action", name);
    }
    if (!has_n) return corrupt("action", "n");
    if (!has_what) return corrupt("action", "do");
    return action;
}

void write_receipt(std::string& out, const Receipt& receipt) {
    JsonWriter json(out);
    json.begin_object();
    json.field("n", receipt.n).field("state", name_of(receipt.state));
    write_text(json, "etag", receipt.etag);
    write_text(json, "version", receipt.version);
    write_text(json, "checksum", receipt.checksum);
    if (receipt.proof != Proof::none) json.field("proof", name_of(receipt.proof));
    if (receipt.requests != 0) json.field("requests", std::uint64_t{receipt.requests});
    if (receipt.code) json.field("code", name_of(*receipt.code));
    write_text(json, "reason", receipt.reason);
    write_text(json, "detail", receipt.detail);
    write_text(json, "lost", receipt.lost);
    if (receipt.untouched) json.field("untouched", true);
    json.end_object();
    append_extra(out, receipt.extra);
    out += '\n';
}

Result<Receipt> read_receipt(const JsonValue& line) {
    Receipt receipt;
    bool has_n = false, has_state = false;
    for (const auto& [name, value] : line.members()) {
        Member member(name, value);
        Code code{};
        if (member.is("n", receipt.n)) {
            has_n = true;
        } else if (member.is_word("state", receipt.state, from_word<ReceiptState>(kStateWords))) {
            has_state = true;
        } else if (member.is_word("code", code, code_named)) {
            receipt.code = code;
        } else if (!(member.is("etag", receipt.etag) || member.is("version", receipt.version) ||
                     member.is("checksum", receipt.checksum) ||
                     member.is_word("proof", receipt.proof, from_word<Proof>(kProofWords)) ||
                     member.is("requests", receipt.requests) || member.is("reason", receipt.reason) ||
                     member.is("detail", receipt.detail) || member.is("lost", receipt.lost) ||
                     member.is("untouched", receipt.untouched))) {
            keep_member(receipt.extra, name, value);
        }
        if (member.bad()) return corrupt("receipt", name);
    }
    if (!has_n) return corrupt("receipt", "n");
    if (!has_state) return corrupt("receipt", "state");
    return receipt;
}

}  // namespace dray
