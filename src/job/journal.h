// Journal: the durable record of a run, `journal.jsonl`. Format: docs/journal-format.md.
// One thread writes and fsyncs groups of lines, each closed by a commit line (count, bytes, CRC-32C); whoever needs a
// line durable waits for its group. Readers take whole groups: damage in the last one drops that group, damage before
// it is Code::corrupt and nothing may go on.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/context.h"
#include "base/file.h"
#include "job/action.h"

namespace dray {

inline constexpr std::uint64_t kActionsPerClaim = 4096;
inline constexpr std::chrono::milliseconds kGroupWait{
    10};  // the longest a line waits for company when nobody waits for it
inline constexpr std::size_t kGroupLines = 4096;
// Bytes that wait to be written; whoever appends beyond it waits for the disk. So a group, and the memory of a reader,
// is not much larger.
inline constexpr std::size_t kJournalQueueBytes = std::size_t{8} << 20;

// How a process of this run ended, as its last line says.
struct RunEnd {
    std::string outcome;  // "finished", "stopped", "failed"
    // Rule R3: every changing request was sent exactly once and answered. Then nothing can land late, and there is no
    // quiet time.
    bool all_answered = false;
    bool copy_unanswered = false;  // a copy was left without an answer: the quiet time is 30 minutes, not 60 s
    WallTime last_change{};        // our clock, when the last changing request ended
    WallTime at{};
};

// One decoded line.
struct JournalLine {
    enum class Kind : std::uint8_t { open, claim, release, read, receipt, first_answer, end };
    Kind kind = Kind::open;
    std::uint32_t process = 0;          // open: counts from 1; every later line belongs to it
    std::string plan_checksum;          // open: of the plan that the journal belongs to
    WallTime at{};                      // open: our clock; first_answer: the store's clock (rule R4)
    bool own_file_systems = false;      // open: see JournalWriter::Options
    std::uint64_t first = 0, last = 0;  // claim, release: actions first..last
    std::uint64_t n = 0;                // read: whose old values these are
    std::string was;                    // read: JSON
    Receipt receipt;
    RunEnd end;
};

struct JournalSummary {
    std::string plan_checksum;
    std::uint32_t processes = 0;   // that opened it
    std::uint32_t on_own = 0;      // of these, those that said so (JournalWriter::Options::own_file_systems)
    bool dropped_tail = false;     // the last group was damaged or cut, and left out
    std::uint64_t good_bytes = 0;  // up to and with the last whole group
    std::uint64_t groups = 0;      // whole ones
    std::uint64_t lines = 0;       // in them, commit lines left out
    std::vector<RunEnd> ends;      // of the processes that ended by themselves
    WallTime last_open{};          // our clock, when the last process began
    bool last_process_ended = false;
    // When a process began (our clock) that found the one before it not to have ended by itself; the last such time.
    std::optional<WallTime> died_before;
    std::optional<WallTime> first_answer;  // the store's clock at the run's first answer
};
// Reads a journal from its first line, whole groups only, calling `line` for each in order (it may be empty). Memory:
// one group. Errors: not_found, corrupt (damage before the last group, not a journal), unsupported (higher version),
// what `line` returns.
Result<JournalSummary> read_journal(const std::string& path, const std::function<Status(const JournalLine&)>& line);

// The position of a line; wait for it with wait_durable().
using Ticket = std::uint64_t;

// Thread-safe.
class JournalWriter {
public:
    struct Options {
        std::string plan_checksum;
        std::string run_id;
        // All that this process may change is on file systems that its machine's kernel carries out by itself: nothing
        // of it happens any more once it is gone. Said by itself, for whoever reads the journal may be elsewhere.
        bool own_file_systems = false;
        AppendFile::Fault fault;  // tests
        Clock* clock = nullptr;   // for the times in lines; null: the machine's
    };
    // A new journal, or with `go_on` one that was read: its dropped tail is cut off first. Writes (durably) an open
    // line; a new journal appears with it or not at all. Errors: exists; corrupt (it belongs to another plan); local.
    static Result<std::unique_ptr<JournalWriter>> create(const std::string& path, const Options& options);
    static Result<std::unique_ptr<JournalWriter>> go_on(const std::string& path, const JournalSummary& read,
                                                        const Options& options);
    ~JournalWriter();  // without close(): as if the process had died here

    Ticket append(const Receipt& receipt);
    Ticket append_read(std::uint64_t n, std::string_view was_json);
    Ticket append_claim(std::uint64_t first, std::uint64_t last);
    Status claim(std::uint64_t first, std::uint64_t last);  // durable when it returns
    // Rule R22: of these actions, those without a receipt are untouched again. Only when nothing is sent any more.
    Ticket append_release(std::uint64_t first, std::uint64_t last);
    Status first_answer(WallTime store_time);  // durable when it returns; later calls do nothing

    // Returns when the line of `ticket` is on disk. Error: local, from the first failed write or fsync on, for ever:
    // nothing written after it counts, and no effect may follow (rows P03, P04).
    Status wait_durable(Ticket ticket);
    bool durable(Ticket ticket) const;
    bool failed() const;  // a write or fsync failed: stop sending changes
    std::uint32_t process() const;

    // The end line, durable, and the file closed. Nothing may be appended after it.
    Status close(const RunEnd& end);

private:
    struct Impl;
    explicit JournalWriter(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

// What a journal says of each action, in two bits.
enum class ActionState : std::uint8_t {
    none,      // untouched: no claim covers it, or no process may have changed anything for it (R22)
    doubtful,  // claimed, no final receipt: look at both sides
    copied,    // a `copied` receipt, not final: prove again, then delete
    final,
};
// get(), set() and apply() are thread-safe.
class ActionStates {
public:
    explicit ActionStates(std::uint64_t actions);
    ActionState get(std::uint64_t n) const;
    ActionState set(std::uint64_t n, ActionState state);  // the state before
    // Claims, releases and receipts; a final state stays, unless what failed is reopened. Error: corrupt (the line
    // names an action the plan does not have).
    Status apply(const JournalLine& line);
    std::uint64_t size() const { return size_; }
    std::uint64_t count(ActionState state) const;

private:
    std::uint64_t size_;
    std::vector<std::uint64_t> bits_;
};

}  // namespace dray
