#include "job/plan_file.h"

#include <array>

#include "base/checksum.h"
#include "codec/zstd.h"
#include "job/json_fields.h"

namespace dray::plan_file {
namespace {

constexpr std::string_view kTrailerMagic = "drayplan";

Error corrupt(std::string message) {
    return {.code = Code::corrupt, .message = std::move(message)};
}

void write_little_endian(std::string& out, std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i)
        out += static_cast<char>(value >> (8 * i) & 0xFF);
}

std::uint64_t read_little_endian(std::string_view& bytes, std::size_t count) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < count; ++i)
        value |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
    bytes.remove_prefix(count);
    return value;
}

void write_counts(JsonWriter& json, std::string_view name, const std::map<std::string, std::uint64_t>& counts) {
    json.name(name).begin_object();
    for (const auto& [reason, count] : counts)
        json.field(reason, count);
    json.end_object();
}

Status read_counts(const JsonValue& object, std::map<std::string, std::uint64_t>& counts) {
    for (const auto& [reason, value] : object.members()) {
        const auto count = value.u64();
        if (!count) return corrupt("the count of " + std::string(reason) + " is not a number");
        counts[std::string(reason)] = *count;
    }
    return {};
}

struct AliasField {
    std::string_view name;
    AliasNeed PlanTotals::*need;
};
constexpr std::array<AliasField, 4> kAliasFields = {{
    {"slashes", &PlanTotals::slashes},
    {"dots", &PlanTotals::dots},
    {"case", &PlanTotals::case_},
    {"unicode", &PlanTotals::unicode},
}};

void write_aliases(JsonWriter& json, const PlanTotals& totals) {
    json.name("aliases").begin_object();
    for (const auto& [name, need] : kAliasFields) {
        const AliasNeed& alias = totals.*need;
        if (alias.pairs == 0) continue;
        json.name(name).begin_object().field("pairs", alias.pairs);
        json.bytes_field("a", alias.example_a).bytes_field("b", alias.example_b).end_object();
    }
    json.end_object();
}

Status read_aliases(const JsonValue& object, PlanTotals& totals) {
    for (const auto& [name, need] : kAliasFields) {
        const auto value = object.get(name);
        if (!value) continue;
        AliasNeed& alias = totals.*need;
        for (const auto& [member_name, member_value] : value->members()) {
            Member member(member_name, member_value);
            (void)(member.is("pairs", alias.pairs) || member.is("a", alias.example_a) ||
                   member.is("b", alias.example_b));
            if (member.bad()) return corrupt("the alias count " + std::string(name) + " is damaged");
        }
    }
    return {};
}

Result<std::vector<Frame>> read_frames(const JsonValue& array) {
    std::vector<Frame> frames;
    for (const JsonValue& element : array.elements()) {
        Frame frame;
        for (const auto& [name, value] : element.members()) {
            Member member(name, value);
            (void)(member.is("offset", frame.offset) || member.is("first", frame.first));
            if (member.bad()) return corrupt("the place of a frame is not a number");
        }
        frames.push_back(frame);
    }
    return frames;
}

Result<PlannedStore> read_store(const JsonValue& object) {
    PlannedStore store;
    for (const auto& [name, value] : object.members()) {
        Member member(name, value);
        (void)(member.is("identity", store.identity) || member.is("url", store.url) ||
               member.is("endpoint", store.endpoint) || member.is("region", store.region) ||
               member.is("addressing", store.addressing) || member.is("profile", store.profile) ||
               member.is("expected_bucket_owner", store.expected_bucket_owner) ||
               member.is("ca_bundle", store.ca_bundle) || member.is("request_payer", store.request_payer) ||
               member.is("insecure", store.insecure));
        // A guard that cannot be read must not be gone without a word.
        if (member.bad()) return corrupt("the store's member " + std::string(name) + " is not as it should be");
    }
    return store;
}

Status check_version(const JsonValue& line) {
    const auto format = line.get("format");
    if (!format || format->text() != kFormat) return corrupt("this is not a plan");
    const auto version = line.get("version");
    const auto number = version ? version->u64() : std::nullopt;
    if (!number || *number == 0) return corrupt("the plan has no version");
    if (*number > kVersion)
        return Error{.code = Code::unsupported,
                     .message = "the plan has format version " + std::to_string(*number) +
                                ", and this program reads up to " + std::to_string(kVersion) + ": use a newer dray"};
    return {};
}

void write_guards(JsonWriter& json, const PlannedStore& store) {
    if (!store.expected_bucket_owner.empty()) json.bytes_field("expected_bucket_owner", store.expected_bucket_owner);
    if (!store.ca_bundle.empty()) json.bytes_field("ca_bundle", store.ca_bundle);
    if (store.request_payer) json.field("request_payer", true);
    if (store.insecure) json.field("insecure", true);
}

}  // namespace

void write_origin(JsonWriter& json, const PlanHeader& header) {
    json.field("run", header.run_id).field("command", header.command);
    json.name("argv").begin_array();
    for (const std::string& word : header.argv) {
        if (is_utf8(word))
            json.text(word);
        else
            json.begin_object().bytes_field("word", word).end_object();
    }
    json.end_array().name("stores").begin_array();
    for (const PlannedStore& store : header.stores) {
        json.begin_object().bytes_field("identity", store.identity).bytes_field("url", store.url);
        json.bytes_field("endpoint", store.endpoint).bytes_field("region", store.region);
        json.bytes_field("addressing", store.addressing).bytes_field("profile", store.profile);
        write_guards(json, store);
        json.end_object();
    }
    json.end_array();
    if (!header.parent.empty()) json.field("parent", header.parent);
    if (!header.settings.empty()) json.field("settings", header.settings);
    json.field("made_by", header.made_by).field("made_at", exact_time(header.made_at));
}

void write_header(std::string& out, const PlanHeader& header) {
    JsonWriter json(out);
    json.begin_object().field("format", kFormat).field("version", kVersion);
    write_origin(json, header);
    json.name("options").raw(header.options.empty() ? "{}" : header.options).end_object();
    out += '\n';
}

Result<PlanHeader> read_header(const JsonValue& line) {
    TRY(check_version(line));
    PlanHeader header;
    for (const auto& [name, value] : line.members()) {
        Member member(name, value);
        if (name == "argv") {
            for (const JsonValue& word : value.elements())
                header.argv.push_back(word.text() ? std::string(*word.text()) : word.bytes("word").value_or(""));
        } else if (name == "stores") {
            for (const JsonValue& element : value.elements()) {
                TRY_LET(store, read_store(element));
                header.stores.push_back(std::move(store));
            }
        } else if (name == "options") {
            header.options = value.raw();
        } else {
            (void)(member.is("run", header.run_id) || member.is("command", header.command) ||
                   member.is("parent", header.parent) || member.is("settings", header.settings) ||
                   member.is("made_by", header.made_by) || member.is("made_at", header.made_at));
        }
        if (member.bad()) return corrupt("the header's member " + std::string(name) + " is not as it should be");
    }
    return header;
}

void write_footer(std::string& out, const Footer& footer) {
    const PlanTotals& totals = footer.totals;
    JsonWriter json(out);
    json.begin_object().field("footer", kFormat).field("version", kVersion).field("sha256", footer.sha256);
    json.field("listed", totals.listed).field("actions", totals.actions).field("effects", totals.effects);
    json.field("bytes", totals.bytes).field("longest_key", totals.longest_key);
    json.field("targets_existing", totals.targets_existing).field("opaque_etags", totals.opaque_etags);
    write_counts(json, "skipped", totals.skipped);
    write_counts(json, "failed", totals.failed);
    write_aliases(json, totals);
    json.name("buckets").begin_array();
    for (const std::string& bucket : totals.buckets)
        json.begin_object().bytes_field("bucket", bucket).end_object();
    json.end_array();
    if (totals.outside > 0) json.field("outside", totals.outside).bytes_field("first_outside", totals.first_outside);
    json.name("frames").begin_array();
    for (const Frame& frame : footer.frames)
        json.begin_object().field("offset", frame.offset).field("first", frame.first).end_object();
    json.end_array().end_object();
    out += '\n';
}

Result<Footer> read_footer(const JsonValue& line) {
    Footer footer;
    PlanTotals& totals = footer.totals;
    for (const auto& [name, value] : line.members()) {
        Member member(name, value);
        if (name == "skipped" || name == "failed") {
            TRY(read_counts(value, name == "skipped" ? totals.skipped : totals.failed));
        } else if (name == "aliases") {
            TRY(read_aliases(value, totals));
        } else if (name == "buckets") {
            for (const JsonValue& bucket : value.elements())
                totals.buckets.insert(bucket.bytes("bucket").value_or(""));
        } else if (name == "frames") {
            TRY_LET(frames, read_frames(value));
            footer.frames = std::move(frames);
        } else {
            (void)(member.is("sha256", footer.sha256) || member.is("listed", totals.listed) ||
                   member.is("actions", totals.actions) || member.is("effects", totals.effects) ||
                   member.is("bytes", totals.bytes) || member.is("longest_key", totals.longest_key) ||
                   member.is("targets_existing", totals.targets_existing) ||
                   member.is("opaque_etags", totals.opaque_etags) || member.is("outside", totals.outside) ||
                   member.is("first_outside", totals.first_outside));
        }
        if (member.bad()) return corrupt("the footer's member " + std::string(name) + " is not as it should be");
    }
    if (footer.sha256.size() != 64) return corrupt("the footer has no checksum");
    return footer;
}

std::string write_trailer(const Trailer& trailer) {
    std::string payload(kTrailerMagic);
    write_little_endian(payload, trailer.offset, 8);
    write_little_endian(payload, trailer.size, 8);
    write_little_endian(payload, trailer.crc32c, 4);
    write_little_endian(payload, crc32c(payload), 4);
    return zstd_skippable_frame(payload);
}

std::optional<Trailer> read_trailer(std::string_view bytes) {
    if (bytes.size() != kTrailerBytes) return std::nullopt;
    std::string_view rest = bytes.substr(kZstdSkippableHeader + kTrailerMagic.size());
    Trailer trailer;
    trailer.offset = read_little_endian(rest, 8);
    trailer.size = read_little_endian(rest, 8);
    trailer.crc32c = static_cast<std::uint32_t>(read_little_endian(rest, 4));
    if (write_trailer(trailer) != bytes) return std::nullopt;
    return trailer;
}

}  // namespace dray::plan_file
