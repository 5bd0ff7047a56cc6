#include "ops/verify.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <utility>

#include "base/checksum.h"
#include "base/log.h"
#include "ops/compare.h"

namespace dray {
namespace {

constexpr std::size_t kExamples = 20;  // named one by one; the rest is counted
constexpr std::size_t kBatch = 4096;   // actions in memory at once

Judgement bad(std::string reason, std::string detail) {
    return {Judgement::Verdict::bad, std::move(reason), std::move(detail)};
}

Judgement unknown(std::string reason, std::string detail) {
    return {Judgement::Verdict::unknown, std::move(reason), std::move(detail)};
}

// The object now; nullopt when it is not there.
Result<std::optional<ObjectInfo>> look(const Context& ctx, ObjectStore& store, const Side& side) {
    auto info = store.head(ctx, {side.bucket, side.key, {}});
    if (info) return std::optional<ObjectInfo>(*std::move(info));
    if (info.error().code == Code::not_found && !info.error().fatal) return std::optional<ObjectInfo>();
    return std::move(info).error();
}

std::string described(const ObjectInfo& info) {
    return std::to_string(info.size) + " bytes, etag " + info.etag;
}

// Where the object must be after this action, and what tells it there: one of the etags, or its checksum (R15: stores
// with opaque ETags give the same bytes a new one). No etag: it is known only by its size.
struct Expectation {
    const Side* present = nullptr;
    std::vector<std::string> etags;
    std::string checksum;
    const Side* absent = nullptr;
    bool told_by(const ObjectInfo& info) const {
        if (etags.empty() || has_checksum(info, checksum)) return true;
        return std::find(etags.begin(), etags.end(), info.etag) != etags.end();
    }
};

void add_told(const Receipt& receipt, Expectation& expected) {
    if (!receipt.etag.empty()) expected.etags.push_back(receipt.etag);
    if (expected.checksum.empty()) expected.checksum = receipt.checksum;
}

Expectation stays_at(const Action& action) {
    Expectation expected{.present = &action.from};
    if (!action.from.etag.empty()) expected.etags.push_back(action.from.etag);
    if (action.what == Do::move_back) expected.checksum = action.parent_checksum;
    return expected;
}

Expectation expected_of(const JoinedAction& joined) {
    const Action& action = joined.action;
    const Receipt& last = *joined.final;
    // An undo that failed with an etag left the target, and names the source that is back.
    const bool stayed = last.state == ReceiptState::failed || last.state == ReceiptState::skipped;
    if (stayed && last.etag.empty()) return stays_at(action);
    Expectation expected{.present = &action.to};
    add_told(last, expected);
    if (joined.copied) add_told(*joined.copied, expected);
    // The planned identity, or what copying back made of it.
    if (action.what == Do::move_back && !action.to.etag.empty()) expected.etags.push_back(action.to.etag);
    if (action.what == Do::move_back && expected.checksum.empty()) expected.checksum = action.parent_checksum;
    // A move that ends `deleted` took its source away; `done` may have had nothing to take.
    if (last.state == ReceiptState::deleted) expected.absent = &action.from;
    return expected;
}

// Reads every byte and holds them against whatever digest the store or the receipt gives.
Judgement read_deep(const Context& ctx, ObjectStore& store, const Side& side, const ObjectInfo& info) {
    Md5Stream md5;
    std::uint64_t crc = 0, size = 0;
    auto got =
        store.get(ctx, {side.bucket, side.key, {}}, {.if_match = info.etag}, [&](std::string_view bytes) -> Status {
            md5.update(bytes);
            crc = crc64nvme(bytes, crc);
            size += bytes.size();
            return {};
        });
    if (!got) return unknown("unreadable", got.error().message);
    if (size != side.size)
        return bad("bytes-differ", "read " + std::to_string(size) + " of " + std::to_string(side.size) + " bytes");
    for (const Checksum& checksum : info.checksums)
        if (checksum.algorithm == Checksum::Algorithm::crc64nvme && checksum.whole_object) {
            std::string sum;
            for (int shift = 56; shift >= 0; shift -= 8)
                sum.push_back(static_cast<char>(crc >> shift & 0xff));
            return base64(sum) == checksum.value ? Judgement{}
                                                 : bad("bytes-differ", "CRC-64/NVME differs from the store's");
        }
    if (is_plain_md5(info.etag)) {
        if (hex(md5.finish()) == info.etag) return {};
        return unknown("no-checksum", "the etag is not the MD5 of the bytes, and the store keeps no checksum");
    }
    return unknown("no-checksum", "the store keeps no checksum of the whole object");
}

Judgement verify_present(const Context& ctx, ObjectStore& store, const Expectation& expected,
                         const VerifyOptions& options, const std::string& side_name) {
    const Side& side = *expected.present;
    auto now = look(ctx, store, side);
    if (!now) return unknown("unreadable", now.error().message);
    if (!*now) return bad(side_name + "-missing", side.key);
    const ObjectInfo& info = **now;
    if (info.size != side.size)
        return bad(side_name + "-changed",
                   side.key + " is " + described(info) + ", planned " + std::to_string(side.size) + " bytes");
    if (!expected.told_by(info))
        return bad(side_name + "-changed",
                   side.key + " is " + described(info) + ", expected etag " + expected.etags.front());
    return options.deep ? read_deep(ctx, store, side, info) : Judgement{};
}

}  // namespace

Judgement verify_action(const Context& ctx, const std::vector<ObjectStore*>& stores, const JoinedAction& joined,
                        const VerifyOptions& options) {
    if (joined.state == ActionState::none) return unknown("not-begun", joined.action.from.key);
    if (!joined.final) return unknown("unfinished", joined.action.from.key);

    Expectation expected = expected_of(joined);
    Side present = *expected.present;
    present.size = joined.action.from.size;
    expected.present = &present;
    const bool source_side =
        expected.present->key == joined.action.from.key && expected.present->bucket == joined.action.from.bucket;
    Judgement finding =
        verify_present(ctx, *stores.at(present.store), expected, options, source_side ? "source" : "target");
    if (finding.verdict != Judgement::Verdict::good || !expected.absent) return finding;

    auto source = look(ctx, *stores.at(expected.absent->store), *expected.absent);
    if (!source) return unknown("unreadable", source.error().message);
    if (*source) return bad("source-present", expected.absent->key + " is " + described(**source));
    return {};
}

Status verify_all(const Context& ctx, const std::vector<ObjectStore*>& stores, JoinedReader& joined,
                  const VerifyOptions& options, Crew& crew, RunProgress* progress, VerifyResult& result) {
    std::mutex mutex;
    auto count = [&](const Judgement& finding, const Action& action) {
        const bool good = finding.verdict == Judgement::Verdict::good;
        if (progress) {
            ++(good ? progress->done : progress->failed);
            progress->bytes_done += action.from.size;
        }
        const std::lock_guard lock(mutex);
        ++result.checked;
        if (good) {
            ++result.good;
            return;
        }
        ++(finding.verdict == Judgement::Verdict::bad ? result.bad : result.unknown);
        ++result.bad_by[finding.reason];
        if (options.found)
            options.found({.action = &action,
                           .bad = finding.verdict == Judgement::Verdict::bad,
                           .reason = finding.reason,
                           .detail = finding.detail});
        if (result.examples.size() < kExamples)
            result.examples.push_back(finding.reason + ": " + printable(finding.detail) + " (action " +
                                      std::to_string(action.n) + ")");
    };
    std::vector<JoinedAction> batch;
    for (bool more = true; more;) {
        batch.clear();
        while (batch.size() < kBatch) {
            TRY_LET(next, joined.next());
            more = next.has_value();
            if (!more) break;
            if (next->action.what != Do::skip && next->action.what != Do::fail) batch.push_back(*std::move(next));
        }
        crew.for_each(batch.size(), [&](std::size_t i) {
            if (!ctx.stopped()) count(verify_action(ctx, stores, batch[i], options), batch[i].action);
        });
        TRY(ctx.check());
    }
    return {};
}

}  // namespace dray
