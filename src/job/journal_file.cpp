#include "job/journal_file.h"

#include <algorithm>

#include "job/json_fields.h"

namespace dray::journal_file {
namespace {

constexpr std::string_view kCrcMember = R"("crc32c":")";

Error corrupt(std::string_view what) {
    Error error{.code = Code::corrupt, .message = "a journal line is not as it should be: "};
    error.message += what;
    return error;
}

Result<JournalLine> read_open(const JsonValue& object) {
    if (object.get("format")->text() != kFormat) return corrupt("this is not a journal");
    JournalLine line{.kind = JournalLine::Kind::open};
    std::uint64_t version = 0;
    for (const auto& [name, value] : object.members()) {
        Member member(name, value);
        (void)(member.is("version", version) || member.is("plan", line.plan_checksum) ||
               member.is("process", line.process) || member.is("at", line.at) ||
               member.is("own_file_systems", line.own_file_systems));
        if (member.bad()) return corrupt(name);
    }
    if (version > kVersion)
        return Error{.code = Code::unsupported,
                     .message = "the journal has format version " + std::to_string(version) +
                                ", and this program reads up to " + std::to_string(kVersion) + ": use a newer dray"};
    if (version == 0 || line.process == 0 || line.plan_checksum.empty()) return corrupt("open");
    return line;
}

// A claim or a release.
Result<JournalLine> read_range(JournalLine::Kind kind, const JsonValue& object) {
    JournalLine line{.kind = kind, .first = 1, .last = 0};
    for (const auto& [name, value] : object.members()) {
        Member member(name, value);
        (void)(member.is("first", line.first) || member.is("last", line.last));
        if (member.bad()) return corrupt(name);
    }
    const bool claim = kind == JournalLine::Kind::claim;
    if (line.first > line.last) return corrupt(claim ? "claim" : "release");
    return line;
}

void write_range(std::string& out, std::string_view name, std::uint64_t first, std::uint64_t last) {
    JsonWriter(out)
        .begin_object()
        .name(name)
        .begin_object()
        .field("first", first)
        .field("last", last)
        .end_object()
        .end_object();
    out += '\n';
}

Result<JournalLine> read_old_values(const JsonValue& object, const JsonValue& n) {
    JournalLine line{.kind = JournalLine::Kind::read};
    const auto number = n.u64();
    const auto was = object.get("was");
    if (!number || !was) return corrupt("read");
    line.n = *number;
    line.was = was->raw();
    return line;
}

Result<JournalLine> read_first_answer(const JsonValue& value) {
    JournalLine line{.kind = JournalLine::Kind::first_answer};
    Member member("first_answer", value);
    if (!member.is("first_answer", line.at) || member.bad()) return corrupt("first_answer");
    return line;
}

Result<JournalLine> read_end(const JsonValue& object) {
    JournalLine line{.kind = JournalLine::Kind::end};
    RunEnd& end = line.end;
    for (const auto& [name, value] : object.members()) {
        Member member(name, value);
        (void)(member.is("outcome", end.outcome) || member.is("all_answered", end.all_answered) ||
               member.is("copy_unanswered", end.copy_unanswered) || member.is("last_change", end.last_change) ||
               member.is("at", end.at));
        if (member.bad()) return corrupt(name);
    }
    return line;
}

}  // namespace

void write_open(std::string& out, const Open& open) {
    JsonWriter json(out);
    json.begin_object()
        .field("format", kFormat)
        .field("version", kVersion)
        .field("run", open.run_id)
        .field("plan", open.plan_checksum)
        .field("process", std::uint64_t{open.process})
        .field("at", exact_time(open.at));
    if (open.own_file_systems) json.field("own_file_systems", true);
    json.end_object();
    out += '\n';
}

void write_claim(std::string& out, std::uint64_t first, std::uint64_t last) {
    write_range(out, "claim", first, last);
}

void write_release(std::string& out, std::uint64_t first, std::uint64_t last) {
    write_range(out, "release", first, last);
}

void write_read(std::string& out, std::uint64_t n, std::string_view was_json) {
    JsonWriter(out).begin_object().field("read", n).name("was").raw(was_json).end_object();
    out += '\n';
}

void write_first_answer(std::string& out, WallTime at) {
    JsonWriter(out).begin_object().field("first_answer", exact_time(at)).end_object();
    out += '\n';
}

void write_end(std::string& out, const RunEnd& end) {
    JsonWriter json(out);
    json.begin_object().name("end").begin_object().field("outcome", end.outcome);
    json.field("all_answered", end.all_answered).field("copy_unanswered", end.copy_unanswered);
    if (end.last_change != WallTime{}) json.field("last_change", exact_time(end.last_change));
    json.field("at", exact_time(end.at)).end_object().end_object();
    out += '\n';
}

void close_group(std::string& lines, std::uint64_t count, std::uint64_t group) {
    const std::size_t bytes = lines.size();
    lines.append(kCommitBegin).append("\"group\":").append(std::to_string(group));
    lines.append(",\"lines\":").append(std::to_string(count));
    lines.append(",\"bytes\":").append(std::to_string(bytes)).append(",");
    const std::string crc = hex(crc32c(lines));
    lines.append(kCrcMember).append(crc).append("\"}}\n");
}

std::optional<Commit> read_commit(const JsonValue& line) {
    const auto object = line.get("commit");
    if (!object) return std::nullopt;
    Commit commit;
    std::string crc, crc_bytes;
    for (const auto& [name, value] : object->members()) {
        Member member(name, value);
        (void)(member.is("group", commit.group) || member.is("lines", commit.lines) ||
               member.is("bytes", commit.bytes) || member.is("crc32c", crc));
        if (member.bad()) return std::nullopt;
    }
    if (crc.size() != 8 || !unhex(crc, crc_bytes) || hex(crc_bytes) != crc) return std::nullopt;
    for (const char byte : crc_bytes)
        commit.crc32c = commit.crc32c << 8 | static_cast<unsigned char>(byte);
    return commit;
}

std::size_t covered_bytes(std::string_view commit_line) {
    return std::min(commit_line.rfind(kCrcMember), commit_line.size());
}

Result<std::optional<JournalLine>> read_line(const JsonValue& line) {
    const auto wrap = [](auto result) -> Result<std::optional<JournalLine>> {
        if (!result) return std::move(result).error();
        return std::optional(*std::move(result));
    };
    if (line.get("n")) {
        JournalLine found{.kind = JournalLine::Kind::receipt};
        TRY_LET(receipt, read_receipt(line));
        found.receipt = std::move(receipt);
        return std::optional(std::move(found));
    }
    if (const auto claim = line.get("claim")) return wrap(read_range(JournalLine::Kind::claim, *claim));
    if (const auto release = line.get("release")) return wrap(read_range(JournalLine::Kind::release, *release));
    if (const auto n = line.get("read")) return wrap(read_old_values(line, *n));
    if (line.get("format")) return wrap(read_open(line));
    if (const auto at = line.get("first_answer")) return wrap(read_first_answer(*at));
    if (const auto end = line.get("end")) return wrap(read_end(*end));
    return std::optional<JournalLine>();
}

}  // namespace dray::journal_file
