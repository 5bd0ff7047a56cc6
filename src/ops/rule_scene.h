// For tests of the rules of docs/safe-move.md: a scene plays twice, with the rule and without it.
#pragma once

#include <gtest/gtest.h>

#include "ops/safe_move.h"

namespace dray {

inline MoveSettings without(int rule) {
    return {.without_rules = rule == 0 ? 0U : 1U << rule};
}

// The scene plays with `off` switched off (0: none) and tells whether all went well. Without the rule it has to show
// the loss, so that the test proves that the rule is what prevents it.
template <class Scene>
void expect_needed(int rule, Scene scene) {
    EXPECT_TRUE(scene(0)) << "R" << rule << " holds";
    EXPECT_FALSE(scene(rule)) << "without R" << rule << " the scene must show the loss, or it proves nothing";
}

}  // namespace dray
