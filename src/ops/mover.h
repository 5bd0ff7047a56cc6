// Mover: carries out one safe move after the other. The steps are in mover_look.cpp (look and decide), mover_copy.cpp
// (copy and prove), mover_keep.cpp (what belongs to an object), mover_remove.cpp (delete) and mover_onto.cpp (what a
// copy does with an object that is at its target); safe_move.cpp begins and ends them.
#pragma once

#include <atomic>
#include <mutex>
#include <vector>

#include "ops/compare.h"
#include "ops/move_requests.h"
#include "ops/one_move.h"
#include "ops/remove_stage.h"

namespace dray {

inline constexpr std::uint32_t kMostRounds = 24;
inline constexpr std::uint32_t kRoundsAmongOthers = 8;  // what has not settled by then is tried again at the end
// A store that refuses to copy onto something where nothing is, so many times in a row, does not know its own keys: the
// copy goes without the condition then, guarded by the look before it as where no store knows that condition.
inline constexpr std::uint32_t kContradictions = 2;
inline constexpr std::uint32_t kMostDenials = 8;         // R20: then the action is left as it is
inline constexpr std::chrono::seconds kShownWithin{60};  // L08: what old stores made may show only after a while
inline constexpr std::chrono::minutes kProofAge{10};     // R16
// A request that the store puts off rests on what was seen before: it is sent for this long, then both sides are looked
// at again.
inline constexpr std::chrono::seconds kPatience{5};
// For one action, on the store's wish; without the time that the endpoint's governor holds requests back.
inline constexpr std::chrono::minutes kMostWaiting{15};
// R9: moves that wait out a quiet time at the end instead of keeping a worker; more than that wait where they are.
inline constexpr std::size_t kHeldMoves = 4096;

// Seconds are compared, for listings may tell more of them than HEAD does.
bool is_as_listed(const ObjectInfo& object, const Side& listed);
// R5: what a person needs to find the bytes. `object` is null when there is none.
std::string naming(std::string_view side, const Side& at, const ObjectInfo* object);

// How a source is guarded between its proof and its delete.
enum class Guard : std::uint8_t {
    batch_condition,   // each key of a batch carries its ETag
    single_condition,  // one conditional delete an object
    look,              // HEAD, then the batch within kLookAge
    none,              // --exclusive: nobody else writes there
};

// Thread-safe.
class Mover final : public SafeMove {
public:
    explicit Mover(MoveSetup setup);

    void perform(const Context& ctx, const Action& action, const Earlier& earlier, Recorder& recorder) override;
    void last_call(const Context& ctx, Recorder& recorder, bool last) override;
    std::uint64_t answers() const override { return requests_.answers(); }
    Status finish(const Context& ctx, Recorder& recorder) override;
    std::optional<Error> fatal() const override { return requests_.fatal(); }
    SentRequests sent() const override;
    void begin_deletes() override { deleting_ = true; }

    static Guard guard_of(const Capabilities& capabilities, const MoveSettings& settings);

private:
    // What a step works with.
    struct Work {
        const Context& ctx;
        OneMove& move;
        Recorder& recorder;
    };

    // safe_move.cpp
    std::optional<Error> refusal(const Action& action) const;
    Next first_step(Work work);
    Status wait_out_quiet_times(const Context& ctx, const OneMove& move) const;
    void go_on(const Context& ctx, OneMove move, Recorder& recorder, Next next);
    bool must_stop(const Work& work) const;
    // Receipts. All return Next::over.
    Next done(Work work);
    // With what is at `to` now, which verify goes by (R15): the target of a move, the source that an undo restored.
    Next done(Work work, const ObjectInfo& to, std::string reason, std::string detail, Proof proof = Proof::none);
    // Of an undo: the source is back, and the target stays although the parent may have made it.
    Next left_behind(Work work, const ObjectInfo& source, std::string reason, std::string detail);
    Next deleted(Work work, std::string version = {});
    Next failed(Work work, Code code, std::string reason, std::string detail);
    Next failed(Work work, const Error& error, std::string reason = {});
    // A request failed and told nothing: the action fails, or stays as it is when something may have happened.
    Next stumbled(Work work, const Error& error);

    // R22: a changing request of the action was answered, or not; `error` is null when it had its effect.
    void note_change(Work work, const Error* error) const;

    // The store has put a request off, or wants to be left alone for a while: waits, then goes on with `next`.
    Next wait(Work work, const Error& error, Next next);
    static Status count_wait(OneMove& move, const Error& error);

    // mover_look.cpp
    Next look(Work work);
    Next look_failed(Work work, const Error& error);
    Next decide(Work work, const ObjectInfo* from, const ObjectInfo* to);
    Next follow_move(Work work, Step step, const ObjectInfo* from, const ObjectInfo* to, Comparison comparison);
    Next follow_move_back(Work work, Step step, const ObjectInfo* from, const ObjectInfo* to, Proof proof);
    Next uncover(Work work);
    Next already_copied(Work work, const ObjectInfo& from, const ObjectInfo& to, Proof proof);
    Step decided(const OneMove& move, const Sight& sight) const;
    Result<Comparison> compare(Work work, const ObjectInfo& from, const ObjectInfo& to, bool matters);
    Sight sight_of(const OneMove& move, const ObjectInfo* from, const ObjectInfo* to) const;
    bool not_ours(const OneMove& move, const ObjectInfo& target) const;
    Result<ObjectInfo> head_of_from(Work work);  // not_found: confirmed, where something has to be there (R20)
    Result<ObjectInfo> head_of_to(Work work);
    Result<std::vector<LostProperty>> unlike_a_copy(Work work, const ObjectInfo& from, const ObjectInfo& to);
    Properties properties_of_copy(const OneMove& move, const Properties& source) const;

    // mover_copy.cpp
    Next copy(Work work);
    Next read_source(Work work);
    bool asks_for_absence(const OneMove& move) const;
    CopyOptions copy_options(const OneMove& move) const;
    Next copy_failed(Work work, const Error& error);
    Next prove(Work work, const ObjectInfo& made);
    Next prove_by_heads(Work work, const ObjectInfo& made);
    Result<ObjectInfo> head_of_copy(Work work);
    bool needs_source(const OneMove& move, const ObjectInfo& to) const;
    Next prove_against(Work work, const ObjectInfo& from, const ObjectInfo& to);
    Next accept(Work work, const ObjectInfo* from, const ObjectInfo& to, Comparison comparison);
    Next made_from_another(Work work, const ObjectInfo& from, const ObjectInfo& to);
    Next record_copied(Work work, const ObjectInfo& target, Proof proof);
    bool rewrites(const OneMove& move) const;
    Next hold(Work work);
    bool try_at_the_end(OneMove& move);

    // mover_onto.cpp
    bool replaces_unseen(const OneMove& move) const;
    Next follow_copy(Work work, Step step, const ObjectInfo* from, const ObjectInfo* to, Comparison comparison);
    Next already_there(Work work, const ObjectInfo& from, const ObjectInfo& to, Proof proof);
    Next skipped(Work work, std::string reason, const ObjectInfo* to, std::string detail);

    // mover_keep.cpp: a source is not given up for a copy that lacks what belongs to it.
    bool keeps_tags(const OneMove& move) const;
    bool keeps_properties(const OneMove& move) const;  // proven, tags too: no copy has to be looked at for them
    Next lost_beforehand(Work work);                   // Next::copy: nothing
    // Next::remove: all that has to be. `ours`: known to be the copy that this run made.
    Next kept(Work work, const ObjectInfo& from, const ObjectInfo& to, bool ours);
    Result<std::optional<std::vector<NameValue>>> tags_of(Work work, const ObjectRef& object);
    Status read_tags(Work work, const ObjectInfo& to, Properties& now);
    Status bring_tags(Work work, const std::vector<NameValue>& tags, const ObjectInfo& to, Properties& now);

    // mover_remove.cpp
    Next remove(Work work);
    Next remove_alone(Work work);
    Next see_source(Work work);
    bool rests_on_found(const OneMove& move) const;
    Next see_target(Work work);
    Status copied_is_durable(Work work);
    enum class Due : std::uint8_t {
        full,
        looks,
        all
    };  // full batches, durable receipts; and every look; and every batch
    void send_due(const Context& ctx, Recorder& recorder, Due what);
    bool proof_is_old(const Context& ctx, const OneMove& move) const;
    void send_alone(const Context& ctx, OneMove move, Recorder& recorder);
    void send(const Context& ctx, RemoveStage::Batch batch, Recorder& recorder);
    void send_part(const Context& ctx, RemoveStage::Batch batch, Recorder& recorder);
    void send_again(const Context& ctx, std::vector<OneMove> moves, const Error& error, Recorder& recorder);
    std::optional<SteadyTime> may_be_sent_until(const OneMove& move, SteadyTime now) const;
    Next before_repeat(Work work) const;
    Next removed(Work work, const Result<Removed>& verdict, bool batch);
    Next look_after_delete(Work work);

    const Capabilities& capabilities(std::uint8_t store, const std::string& bucket) const;
    const Capabilities& capabilities(const OneMove& move) const;  // that both of its buckets have
    // A delete is a matter of its own bucket only, and of whom it shares a batch with.
    Guard guard_of(const Side& side) const { return guard_of(capabilities(side.store, side.bucket), setup_.settings); }
    bool source_condition(const OneMove& move) const;
    bool rule(int number) const { return setup_.settings.rule(number); }

    const MoveSetup setup_;
    const bool looks_;  // guard deletes somewhere
    MoveRequests requests_;
    RemoveStage stage_;
    std::atomic<bool> deleting_ = false;              // delete_after: the second pass has begun
    std::atomic<bool> reads_sources_ = false;         // a copy has lost its source's encryption
    std::atomic<bool> condition_struck_off_ = false;  // R13: a source condition was seen to be ignored
    std::atomic<Ticket> last_copied_ = 0;             // of the latest `copied` receipt of this process
    std::atomic<std::uint64_t> repeated_looks_ = 0;
    std::mutex held_mutex_;
    std::vector<OneMove> held_;
};

}  // namespace dray
