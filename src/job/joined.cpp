#include "job/joined.h"

#include <utility>

#include "base/external_sort.h"
#include "base/json.h"

namespace dray {
namespace {

// One sorted record: n, then the line's place in the journal (so that later lines of one action come later), then the
// line.
constexpr std::size_t kPrefixBytes = 16;

std::string record_of(std::uint64_t n, std::uint64_t place, std::string_view line) {
    std::string record;
    append_u64(record, n);
    append_u64(record, place);
    record.append(line);
    return record;
}

std::string receipt_line(const Receipt& receipt) {
    std::string line;
    write_receipt(line, receipt);
    return line;
}

}  // namespace

struct JoinedReader::Impl {
    PlanReader* plan;
    JournalSummary journal;
    bool has_journal = false;
    ActionStates states;
    ExternalSorter lines;
    std::optional<std::string> pending;  // the next record of `lines`, already taken out
    JsonParser parser;

    Impl(PlanReader& reader, const std::string& scratch) : plan(&reader), states(reader.size()), lines(scratch) {}

    Status load(const std::string& path) {
        std::uint64_t place = 0;
        auto summary = read_journal(path, [&](const JournalLine& line) -> Status {
            TRY(states.apply(line));
            if (line.kind == JournalLine::Kind::receipt)
                return lines.add(record_of(line.receipt.n, place++, receipt_line(line.receipt)));
            if (line.kind == JournalLine::Kind::read) return lines.add(record_of(line.n, place++, "was" + line.was));
            return {};
        });
        if (!summary && summary.error().code != Code::not_found) return std::move(summary).error();
        if (summary) {
            journal = *std::move(summary);
            has_journal = true;
            if (journal.plan_checksum != plan->checksum())
                return Error{
                    .code = Code::corrupt,
                    .message =
                        path +
                        " belongs to another plan than the one of its run; put back the one that was there before"};
        }
        TRY(lines.finish());
        TRY(advance());
        return plan->seek(0);
    }

    Status advance() {
        TRY_LET(record, lines.next());
        pending = record ? std::optional<std::string>(std::string(*record)) : std::nullopt;
        return {};
    }

    // Folds the pending record into the action it belongs to.
    Status fold(JoinedAction& joined) {
        const std::string_view line = std::string_view(*pending).substr(kPrefixBytes);
        if (line.starts_with("was")) {
            joined.was = line.substr(3);
            return {};
        }
        TRY_LET(json, parser.parse(line));
        TRY_LET(receipt, read_receipt(json));
        if (receipt.state == ReceiptState::reopened)
            joined.final.reset();
        else
            (is_final(receipt.state) ? joined.final : joined.copied) = receipt;
        return {};
    }
};

JoinedReader::JoinedReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
JoinedReader::JoinedReader(JoinedReader&&) noexcept = default;
JoinedReader::~JoinedReader() = default;

Result<JoinedReader> JoinedReader::open(PlanReader& plan, const std::string& journal_path, const std::string& scratch) {
    auto impl = std::make_unique<Impl>(plan, scratch);
    TRY(impl->load(journal_path));
    return JoinedReader(std::move(impl));
}

Result<std::optional<JoinedAction>> JoinedReader::next() {
    TRY_LET(action, impl_->plan->next());
    if (!action) return std::optional<JoinedAction>();
    JoinedAction joined{.action = *std::move(action)};
    joined.state = impl_->states.get(joined.action.n);
    while (impl_->pending && read_u64(*impl_->pending) == joined.action.n) {
        TRY(impl_->fold(joined));
        TRY(impl_->advance());
    }
    return std::optional<JoinedAction>(std::move(joined));
}

const JournalSummary& JoinedReader::journal() const {
    return impl_->journal;
}
bool JoinedReader::has_journal() const {
    return impl_->has_journal;
}

}  // namespace dray
