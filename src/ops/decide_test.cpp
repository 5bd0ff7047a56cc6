#include "ops/decide.h"

#include <gtest/gtest.h>

#include <vector>

namespace dray {
namespace {

// The model's world: an object is content * 100 + etag, 0 is nothing; with plain-MD5 ETags the etag is the content.
struct World {
    bool md5 = true;
    int from = 0, to = 0;  // what is there
    int planned = 0;       // the listed source
    int recorded = 0;      // the target of the `copied` receipt
    bool before = false;   // R4: the plan or a receipt says that the target was there before
    bool keep = false;     // R4: that, or it seems so
    bool one = false;      // one object under both names
};

bool same_content(int a, int b) {
    return a / 100 == b / 100;
}

// Model.decide of tools/model/move_model.py for apply, word for word.
Step model_move(const World& w) {
    if (w.one) return Step::alias;
    const bool ok = w.from == w.planned;
    const bool to_ok = w.to != 0 && ((w.recorded != 0 && w.to == w.recorded) || (ok && same_content(w.to, w.from)) ||
                                     (w.md5 && w.to == w.planned));
    if (ok && w.to == 0) return Step::copy;
    if (ok && to_ok) return Step::copied;
    if (ok) return Step::target_differs;
    if (w.from == 0) return to_ok && (w.recorded != 0 || w.md5) ? Step::done : Step::vanished;
    return Step::source_changed;
}

// And for undo: `to` is the source, `from` the target.
Step model_move_back(const World& w) {
    if (w.one) return w.before ? Step::done : Step::alias;
    const int source = w.to, target = w.from;
    const bool ok = source != 0 && (source == w.planned || (target != 0 && same_content(source, target)));
    if (ok) {
        if (target == 0 || w.before) return Step::done;
        const bool ours = !w.keep && ((w.recorded != 0 && target == w.recorded) || same_content(target, source));
        return ours ? Step::copied : Step::target_left;
    }
    if (source != 0) return Step::source_changed;
    const bool good = target != 0 && ((w.recorded != 0 && target == w.recorded) || (w.md5 && target == w.planned));
    return good ? Step::copy : Step::vanished;
}

Sight seen(const World& w, bool back) {
    const int source = back ? w.to : w.from, target = back ? w.from : w.to;
    return {.from_there = w.from != 0,
            .to_there = w.to != 0,
            .as_planned = source != 0 && source == w.planned,
            .target_as_recorded = target != 0 && w.recorded != 0 && target == w.recorded,
            .target_has_planned_md5 = w.md5 && target != 0 && target == w.planned,
            .equal = w.from != 0 && w.to != 0 && same_content(w.from, w.to),
            .one_object = w.one,
            .was_there = w.before,
            .not_ours = w.keep};
}

template <class Check>
void for_each_world(Check check) {
    for (const bool md5 : {true, false}) {
        const std::vector<int> things =
            md5 ? std::vector<int>{0, 101, 505, 909} : std::vector<int>{0, 111, 112, 511, 512, 913};
        for (const int planned : things) {
            if (planned / 100 != 1) continue;
            for (const int from : things)
                for (const int to : things)
                    for (const int recorded : things)
                        for (const int keep : {0, 1, 2})
                            for (const bool one : {false, true})
                                if (!one || (from != 0 && from == to))
                                    check(World{md5, from, to, planned, recorded, keep == 2, keep != 0, one});
        }
    }
}

TEST(Decide, MovesAsTheModelDoes) {
    int worlds = 0;
    for_each_world([&](const World& w) {
        ++worlds;
        EXPECT_EQ(name_of(decide_move(seen(w, false))), name_of(model_move(w)))
            << w.from << " -> " << w.to << ", planned " << w.planned << ", recorded " << w.recorded;
    });
    EXPECT_GT(worlds, 500);
}

TEST(Decide, CopiesAsAMoveBeginsAndDiffersOnlyBeforeAnObjectAtTheTarget) {
    for_each_world([&](const World& w) {
        for (const Overwrite overwrite : {Overwrite::never, Overwrite::newer, Overwrite::changed, Overwrite::always}) {
            for (const bool newer : {false, true}) {
                Sight sight = seen(w, false);
                sight.source_newer = newer;
                const Step step = decide_copy(sight, overwrite);
                sight.maybe_made = true;
                const Step doubted = decide_copy(sight, overwrite);

                if (w.one) {
                    EXPECT_EQ(doubted, Step::alias) << "never taken for ours";
                    EXPECT_TRUE(step != Step::overwrite && step != Step::copy) << "never written to";
                    continue;
                }
                const Step move = decide_move(sight);
                const bool differs = move == Step::target_differs;
                const bool replaces = overwrite == Overwrite::changed || overwrite == Overwrite::always ||
                                      (overwrite == Overwrite::newer && newer);
                const Step other = overwrite == Overwrite::newer ? Step::not_newer : Step::target_differs;
                EXPECT_EQ(name_of(doubted), name_of(differs ? (replaces ? Step::overwrite : other) : move));
                const bool again = move == Step::copied && overwrite == Overwrite::always;
                EXPECT_EQ(name_of(step), name_of(again ? Step::overwrite : doubted));
            }
        }
    });
}

TEST(Decide, MovesBackAsTheModelDoes) {
    for_each_world([&](const World& w) {
        EXPECT_EQ(name_of(decide_move_back(seen(w, true))), name_of(model_move_back(w)))
            << w.from << " -> " << w.to << ", planned " << w.planned << ", recorded " << w.recorded;
    });
}

TEST(Decide, NeverDeletesASourceWhoseTargetIsNotProven) {
    int copied = 0;
    for_each_world([&](const World& w) {
        if (decide_move(seen(w, false)) != Step::copied) return;
        ++copied;
        EXPECT_NE(w.to, 0);
        EXPECT_TRUE(same_content(w.to, w.from) || w.to == w.recorded);
    });
    EXPECT_GT(copied, 0);
}

}  // namespace
}  // namespace dray
