#include "job/copied_receipts.h"

#include <utility>

namespace dray {
namespace {

// A record: n, the line's place in the journal (so that the last one of an action comes last), the line.
constexpr std::size_t kSortedPrefixBytes = 16;

}  // namespace

Status CopiedReceipts::load(const std::string& journal, const ActionStates& states,
                            const std::function<void(const Receipt&)>& final) {
    ActionStates counted(states.size());
    std::uint64_t place = 0;
    std::string record;
    auto read = read_journal(journal, [&](const JournalLine& line) -> Status {
        if (line.kind != JournalLine::Kind::receipt) return {};
        const Receipt& receipt = line.receipt;
        if (receipt.n >= states.size())
            return Error{.code = Code::corrupt,
                         .message = "the journal names action " + std::to_string(receipt.n) + ", which the plan lacks"};
        if (receipt.state == ReceiptState::reopened) {
            if (counted.set(receipt.n, ActionState::doubtful) == ActionState::final) final(receipt);
            return {};
        }
        if (is_final(receipt.state)) {
            if (counted.set(receipt.n, ActionState::final) != ActionState::final) final(receipt);
            return {};
        }
        if (receipt.state != ReceiptState::copied || states.get(receipt.n) != ActionState::copied) return {};
        record.clear();
        append_u64(record, receipt.n);
        append_u64(record, place++);
        write_receipt(record, receipt);
        return sorted_.add(record);
    });
    if (!read) return std::move(read).error();
    TRY(sorted_.finish());
    return advance();
}

Status CopiedReceipts::advance() {
    TRY_LET(record, sorted_.next());
    pending_ = record ? std::optional<std::string>(std::string(*record)) : std::nullopt;
    return {};
}

Result<std::optional<Receipt>> CopiedReceipts::take(std::uint64_t n) {
    std::optional<Receipt> found;
    while (pending_ && read_u64(*pending_) <= n) {
        if (read_u64(*pending_) == n) {
            TRY_LET(json, parser_.parse(std::string_view(*pending_).substr(kSortedPrefixBytes)));
            TRY_LET(receipt, read_receipt(json));
            found = std::move(receipt);
        }
        TRY(advance());
    }
    return found;
}

}  // namespace dray
