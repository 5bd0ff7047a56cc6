// Guards of the safe move that no row of faults names: each test fails when its guard is taken away.
#include <gtest/gtest.h>

#include "ops/move_rig.h"

namespace dray {
namespace {

// The rule of rules, for deletes that travel in a batch.
TEST(MoveGuards, NoBatchOfDeletesGoesBeforeTheReceiptsOfItsCopiesAreDurable) {
    MoveRig rig;
    for (const char* name : {"a", "b", "c"}) {
        rig.put("in/" + std::string(name), name);
        rig.plan("in/" + std::string(name), "out/" + std::string(name));
    }
    std::size_t batches = 0;
    rig.faults->add({.verb = Verb::remove_many, .count = 100, .before = [&](const Call&) {
                         ++batches;
                         EXPECT_EQ(rig.journal->not_durable(), 0U);
                     }});

    ASSERT_TRUE(rig.run());

    EXPECT_EQ(batches, 1U);
}

// The source is another object while it is copied, and the planned one before and after: only the bytes tell.
TEST(MoveGuards, ACopyThatIsNotEqualToItsSourceIsNoCopy) {
    MoveRig rig({.store = {.ignores = {.copy_source_if_match = true}}});
    rig.put("in/a", "body");
    rig.plan("in/a", "out/a");
    rig.faults->add({.verb = Verb::copy,
                     .before = [&](const Call&) { rig.put("in/a", "other"); },
                     .after = [&](const Call&) { rig.put("in/a", "body"); }});

    ASSERT_TRUE(rig.run());

    EXPECT_EQ(rig.final().state, ReceiptState::failed);
    EXPECT_EQ(rig.final().reason, "copy-unproven");
    EXPECT_EQ(rig.bytes("in/a"), "body");
}

}  // namespace
}  // namespace dray
