// World: one store, one state directory, one clock, and processes that live and die in it. What a test does here is
// what a user does: start a run, see it die, resume it, undo it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/temp_directory.h"
#include "job/run.h"
#include "ops/life.h"
#include "store/fault_store.h"
#include "store/memory_store.h"

namespace dray::crash {

// What the store honours: the rows of the table in docs/safe-move.md.
enum class StoreKind : std::uint8_t { all_conditions, single_delete_only, no_conditions };
std::string name_of(StoreKind kind);

struct Scenario {
    std::uint32_t seed = 1;
    StoreKind store = StoreKind::all_conditions;
    bool opaque_etags = false;
    bool delete_after = false;
    enum class Layout : std::uint8_t { prefix, by_date, segregate } layout = Layout::prefix;
    bool exclusive = false;
    std::optional<Overwrite> copies;  // a copy instead of a move
    std::size_t workers = 2;          // with one the calls of a process are the same each time
};
std::string name_of(const Scenario& scenario);

using Objects = std::map<std::string, std::string>;  // key -> body and metadata

// Where a process dies.
struct Death {
    enum class At : std::uint8_t { store_call, after_store_call, journal } at = At::store_call;
    std::uint64_t point = 0;  // the call or write with this number, from 0, counted over the whole process
};
std::string name_of(const Death& death);

struct Counts {
    std::uint64_t store_calls = 0, journal_writes = 0;
};

class World {
public:
    explicit World(const Scenario& scenario);

    // One process of the move or the copy: starts the run if there is none, else resumes it. True when it is finished.
    bool move(const std::optional<Death>& death = std::nullopt);
    // One process of an undo of the run.
    bool undo(const std::optional<Death>& death = std::nullopt);

    Objects objects() const;
    const Objects& planted() const { return planted_; }
    // `all` but for what this copy overwrites, which no undo brings back.
    Objects kept(Objects all) const;
    Counts last() const { return counts_; }  // of the last process
    bool died() const { return died_; }      // it came to its point, and died there
    // The run's, or its undo's: whichever process was last.
    const Balance::Totals& balance() const { return balance_; }
    std::string trouble() const { return trouble_; }  // the last error, for messages

private:
    template <class Body>
    bool process(const std::optional<Death>& death, const Body& body);
    void note(const Result<RunResult>& result);
    RunEnvironment environment();
    MoveCommand command() const;
    RelayoutOptions segregated() const;
    void plant();

    const Scenario scenario_;
    SimulatedClock clock_;
    std::shared_ptr<ObjectStore> memory_;
    std::unique_ptr<FaultStore> store_;
    TempDirectory state_;
    Objects planted_;
    Counts counts_;
    bool died_ = false;
    Balance::Totals balance_;
    std::string run_;
    std::string trouble_;
    std::function<int(std::string_view)> journal_fault_;
};

}  // namespace dray::crash
