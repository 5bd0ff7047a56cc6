#include <unistd.h>

#include "base/counted.h"
#include "base/log.h"
#include "cli/commands.h"
#include "cli/environment.h"
#include "cli/exit_code.h"
#include "cli/run_text.h"
#include "cli/selection.h"
#include "cli/temporary.h"
#include "ops/list.h"
#include "ops/pages.h"
#include "store/probe.h"

namespace dray {
namespace {

// One object the way it was asked for, with its end of line. Keys and URLs are for programs, unless a terminal reads.
std::string shown(const Shell& shell, const ListFlags& flags, const StoreUrl& url, const ListedObject& object) {
    const bool terminal = shell.out_is_terminal();
    const char end = flags.nul ? '\0' : '\n';
    std::string text;
    if (flags.common.json) {
        text = list_json(url.bucket, object);
    } else if (flags.urls_only) {
        StoreUrl one = url;
        one.form = StoreUrl::Form::object;
        one.key = object.key;
        text = terminal ? printable(one.text()) : one.text();
    } else if (flags.keys_only) {
        text = terminal ? printable(object.key) : object.key;
    } else {
        text = list_text(object);
    }
    text.push_back(end);
    return text;
}

// What is known of the order of listings, without asking the store: `ls` never writes to one.
Result<std::optional<Capabilities>> known_of(const Shell& shell, const ListFlags& flags, const ObjectStore& store,
                                             const std::string& bucket, const std::string& access_key) {
    if (!flags.capabilities.empty()) {
        TRY_LET(told, read_capabilities(flags.capabilities));
        return std::optional(told);
    }
    const auto state = state_path(flags.common);
    if (!state) return std::optional<Capabilities>();  // nothing can have been kept there
    return cached_capabilities(store, bucket, access_key, *state + "/capabilities", shell.context().clock().wall());
}

const Error kReaderLeft{.code = Code::cancelled, .message = "the reader of the output went away"};

Result<ListTotals> list_one(Shell& shell, const ListFlags& flags, StoreRoom& room, const std::string& text,
                            std::uint64_t max, const std::string& scratch) {
    TRY_LET(url, parse_store_url(text, flags.literal));
    PlannedStore planned = planned_store(url);
    TRY_LET(store, room.open(planned));
    TRY_LET(select, selection_of(flags.select, url.folder(), flags.no_markers));
    TRY_LET(known, known_of(shell, flags, *store, url.bucket, planned.access_key));
    const ListPace pace = list_pace(*store, known, list_streams(flags.common));
    const ListCommand command{.bucket = url.bucket,
                              .prefix = url.key,
                              .single = url.form == StoreUrl::Form::object,
                              .select = select,
                              .max = max,
                              .streams = pace.streams,
                              .sorted = flags.sorted,
                              .scratch = scratch};
    auto totals = list_objects(shell.context(), *store, command, [&](const ListedObject& object) -> Status {
        if (!shell.print(shown(shell, flags, url, object))) return kReaderLeft;
        return {};
    });
    if (totals && totals->anomalies.outside > 0)
        shell.complain(outside_sentence(in_quotes(text), totals->anomalies.outside, totals->anomalies.first_outside));
    if (totals && totals->others > 0 && !flags.common.quiet)
        shell.complain(with_commas(totals->others) + (totals->others == 1 ? " name" : " names") + " at " +
                       in_quotes(text) + " left out, as no object: " + (totals->others == 1 ? "" : "the first ") +
                       in_quotes(totals->first_other.key) + ", " + totals->first_other.what + " (-v names each)");
    if (totals && totals->pages >= kPagesWorthSaying && !pace.why_one.empty() && !flags.common.quiet)
        shell.complain(pace.why_one);
    if (totals && totals->chosen == 0 && !flags.common.quiet)
        shell.complain("nothing found at " + in_quotes(text) + " (" + with_commas(totals->listed) +
                       " listed): is the bucket right, the prefix, the choice?");
    return totals;
}

}  // namespace

Result<int> run_list(Shell& shell, const ListFlags& flags) {
    StoreRoom room(shell.context(), flags.common);
    std::optional<TemporaryState> scratch;
    if (flags.sorted) {
        TRY_LET(state, state_path(flags.common));
        TRY_LET(made, TemporaryState::make(state));
        scratch.emplace(std::move(made));
    }
    std::uint64_t left = flags.select.max.value_or(UINT64_MAX), found = 0;
    bool whole = true;
    for (const std::string& url : flags.urls) {
        auto totals = list_one(shell, flags, room, url, left, scratch ? scratch->path() : std::string());
        if (!totals && totals.error().code == Code::cancelled && shell.signal() == 0) return kDone;  // ls | head
        if (!totals) return std::move(totals).error();
        found += totals->chosen;
        whole = whole && totals->anomalies.outside == 0;
        left -= std::min(left, totals->chosen);
    }
    return !whole || (found == 0 && flags.fail_empty) ? kItemsFailed : kDone;
}

}  // namespace dray
