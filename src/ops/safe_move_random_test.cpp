// Thousands of random lives of a run: lost answers, late requests, hidden repeats, other writers, deaths of the process
// and of the machine, resume and undo, on every kind of store. After every call and at the end the invariants of
// docs/safe-move.md are held against the store. DRAY_RANDOM_LIVES sets how many; a failure prints its seed.
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <random>

#include "ops/move_rig.h"

namespace dray {
namespace {

enum class Was : std::uint8_t { absent, equal, different };  // at the target, before

class RandomLife {
public:
    explicit RandomLife(std::uint64_t seed) : random_(seed), honours_(Honours(below(3))), exclusive_(below(2) == 0) {
        MoveSettings settings{.exclusive = exclusive_, .head_source = below(4) == 0};
        settings.delete_after = below(4) == 0;
        const bool opaque = below(2) == 0;
        rig_ = std::make_unique<MoveRig>(RigOptions{
            .honours = honours_, .opaque_etags = opaque, .settings = settings, .store = {.versioned = below(4) == 0}});
        foreign_left_ = exclusive_ ? 0 : below(2);
        deaths_left_ = below(3);
    }

    void play() {
        play_on();
        if (::testing::Test::HasFailure()) tell();
    }

private:
    void play_on() {
        lay_out();
        script_faults();
        live();
        if (below(3) == 0) try_again();
        if (::testing::Test::HasFailure()) return;
        hold_receipts_against_the_store();
        if (below(2) == 0) return settle();
        const bool was_finished = finished();
        rig_->become_undo();
        undoing_ = true;
        deaths_left_ += below(2);
        live();
        if (below(3) == 0) try_again();
        settle();
        hold_undo_against_the_beginning(was_finished);
    }

    std::uint64_t below(std::uint64_t limit) { return random_() % limit; }
    bool chance(unsigned percent) { return below(100) < percent; }
    static std::string body(std::size_t i) { return "planned " + std::to_string(i); }
    static std::string source(std::size_t i) { return "in/" + std::to_string(i); }
    static std::string target(std::size_t i) { return "out/" + std::to_string(i); }

    void lay_out() {
        const std::size_t objects = 1 + below(2);
        for (std::size_t i = 0; i < objects; ++i) {
            rig_->put(source(i), body(i));
            was_.push_back(below(3) != 0 ? Was::absent : below(2) == 0 ? Was::equal : Was::different);
            if (was_[i] == Was::equal) rig_->put(target(i), body(i));
            if (was_[i] == Was::different) rig_->put(target(i), "before");
            rig_->plan(source(i), target(i));
        }
        touched_.assign(objects, false);
        excused_.assign(objects, false);
    }

    // The first rule never acts: time goes on, others write, and the store is looked over before every call.
    void script_faults() {
        rig_->faults->add({.when = [this](const Call& call) {
            rig_->clock.advance(std::chrono::milliseconds(1 + below(20)));
            look_over("before " + std::string(name_of(call.verb)));
            if (foreign_left_ > 0 && chance(15)) foreign_write();
            return false;
        }});
        const auto rule = [this](Verb verb, unsigned percent, FaultAction action, Nanos delay = {}) {
            rig_->faults->add(
                {.verb = verb,
                 .when = [this,
                          percent](const Call&) { return faults_left_ > 0 && chance(percent) && faults_left_-- > 0; },
                 .count = UINT32_MAX,
                 .action = action,
                 .delay = delay});
        };
        faults_left_ = static_cast<int>(below(3));
        for (const Verb verb : {Verb::copy, Verb::remove, Verb::remove_many}) {
            const auto late =
                verb == Verb::copy ? std::chrono::seconds(1 + below(1500)) : std::chrono::seconds(1 + below(50));
            rule(verb, 10, FaultAction::lose_answer);
            rule(verb, 10, FaultAction::defer, late);
            rule(verb, 3, FaultAction::fail);
            // Nothing can see through a copy that is repeated unseen where no condition ties it to its source.
            if (verb != Verb::copy || honours_ != Honours::none) rule(verb, 5, FaultAction::repeat_later, late);
        }
        rule(Verb::head, 3, FaultAction::fail);
        rig_->faults->add({.when = [this](const Call&) { return deaths_left_ > 0 && chance(12) && deaths_left_-- > 0; },
                           .count = UINT32_MAX,
                           .action = below(2) == 0 ? FaultAction::die : FaultAction::die_after});
    }

    void foreign_write() {
        --foreign_left_;
        const std::size_t i = below(was_.size());
        const bool at_source = below(2) == 0;
        const std::string key = at_source ? source(i) : target(i);
        const std::string before = rig_->bytes(key);
        const auto what = below(3);
        if (what == 0 && !at_source) return;
        if (what == 0) {
            rig_->drop(key);
        } else {
            rig_->put(key, what == 1 ? "foreign" : body(i));
        }
        touched_[i] = true;
        if (before == body(i) && what != 2) excused_[i] = true;
        if (what == 1) foreign_at_ = key;
    }

    // A process after the other until one ends by itself.
    void live() {
        for (int processes = 0; processes < 8; ++processes) {
            const bool repeats = rig_->faults->in_flight() > 0;
            const Status ended = rig_->run();
            // What the transport repeats unseen is what R3 forbids; such a run counts as one that did not end well.
            if (rig_->faults->in_flight() > 0 || repeats)
                rig_->stay_quiet_until(rig_->clock.wall() + kQuietTimeUnansweredCopy);
            if (!rig_->faults->dead()) {
                EXPECT_TRUE(ended) << ended.error().message;
                return;
            }
            rig_->after_death(below(rig_->journal->not_durable() + 1));
        }
    }

    void try_again() {
        rig_->try_again();
        live();
    }

    void look_over(const std::string& when) {
        for (std::size_t i = 0; i < was_.size(); ++i) {
            const bool there = rig_->bytes(source(i)) == body(i) || rig_->bytes(target(i)) == body(i);
            ASSERT_TRUE(there || excused_[i])
                << "planned bytes of " << source(i) << " are lost, " << when << (undoing_ ? " of undo" : "");
        }
        if (honours_ == Honours::all && !foreign_at_.empty()) {
            ASSERT_EQ(rig_->bytes(foreign_at_), "foreign") << "somebody else's object is lost, " << when;
        }
    }

    bool finished() const {
        for (std::size_t i = 0; i < was_.size(); ++i)
            if (!is_final(rig_->final(i).state)) return false;
        return true;
    }

    void hold_receipts_against_the_store() {
        look_over("after the run");
        for (std::size_t i = 0; i < was_.size(); ++i) {
            const Receipt final = rig_->final(i);
            if (touched_[i]) continue;
            if (final.state == ReceiptState::deleted) {
                EXPECT_EQ(rig_->bytes(target(i)), body(i));
                EXPECT_FALSE(rig_->there(source(i)));
            } else if (final.state == ReceiptState::failed) {
                EXPECT_EQ(rig_->bytes(source(i)), body(i)) << "failed means that the source is where it was";
                if (was_[i] == Was::different) {
                    EXPECT_EQ(rig_->bytes(target(i)), "before") << "nothing is overwritten";
                }
            } else {
                EXPECT_EQ(final.state, ReceiptState::none);
            }
            if (was_[i] == Was::different) {
                EXPECT_NE(final.state, ReceiptState::deleted);
            }
        }
    }

    // What was sent and what was recorded, for a failure.
    void tell() const {
        for (const CallRecord& call : rig_->faults->trace()) {
            std::cerr << name_of(call.verb) << (call.landed_late ? " (late)" : "") << " " << call.from_key << " "
                      << call.key;
            for (const std::string& key : call.keys)
                std::cerr << " " << key;
            std::cerr << (call.error ? " -> " : "") << (call.error ? name_of(*call.error) : "")
                      << (call.unsure ? " unsure" : "") << "\n";
        }
        for (const Receipt& receipt : rig_->journal->all())
            std::cerr << receipt.n << " " << name_of(receipt.state) << " " << receipt.reason << " " << receipt.detail
                      << "\n";
    }

    void settle() {
        rig_->let_all_land();
        look_over("after all has landed");
    }

    // Undo that ended well leaves things as they were before the run; and what it left out as untouched (R22) always
    // was.
    void hold_undo_against_the_beginning(bool run_was_finished) {
        for (std::size_t i = 0; i < was_.size(); ++i) {
            const Receipt final = rig_->final(i);
            const bool undone = final.state == ReceiptState::deleted || final.state == ReceiptState::done;
            const bool left_out = std::none_of(rig_->actions.begin(), rig_->actions.end(),
                                               [&](const Action& action) { return action.n == i; });
            if (touched_[i] || !(left_out || (undone && run_was_finished))) continue;
            EXPECT_EQ(rig_->bytes(source(i)), body(i));
            const std::string before = was_[i] == Was::absent  ? "(nothing)"
                                       : was_[i] == Was::equal ? body(i)
                                                               : "before";
            EXPECT_EQ(rig_->bytes(target(i)), before);
        }
    }

    std::mt19937_64 random_;
    const Honours honours_;
    const bool exclusive_;
    std::unique_ptr<MoveRig> rig_;
    std::vector<Was> was_;
    std::vector<bool> touched_;  // another writer was there
    std::vector<bool> excused_;  // ... and took a copy of the planned bytes away
    std::string foreign_at_;
    std::uint64_t foreign_left_ = 0, deaths_left_ = 0;
    int faults_left_ = 0;
    bool undoing_ = false;
};

TEST(RandomLives, LoseNothingAndSayWhatIsTrue) {
    const char* wanted = std::getenv("DRAY_RANDOM_LIVES");
    const std::uint64_t lives = wanted ? std::strtoull(wanted, nullptr, 10) : 6000;
    const char* first = std::getenv("DRAY_RANDOM_SEED");
    const std::uint64_t from = first ? std::strtoull(first, nullptr, 10) : 1;
    for (std::uint64_t seed = from; seed < from + lives; ++seed) {
        SCOPED_TRACE("DRAY_RANDOM_SEED=" + std::to_string(seed) + " DRAY_RANDOM_LIVES=1");
        RandomLife(seed).play();
        if (HasFailure()) return;
    }
}

}  // namespace
}  // namespace dray
