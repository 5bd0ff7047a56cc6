// Plans of random keys and rules, held against a model.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <random>
#include <set>

#include "base/random_test.h"
#include "ops/key_fold.h"
#include "ops/planner_rig.h"

namespace dray {
namespace {

// A model without sorts, files or hashes: what a plan must say.
struct Model {
    std::map<std::string, std::string> targets;  // of effects, by source
    std::set<std::string> in_place, clashing, existed;
    std::uint8_t folds = 0;
};

Model model_of(const std::set<std::string>& objects, const std::function<std::string(const std::string&)>& rule) {
    Model model;
    for (const std::string& key : objects) {
        if (!key.starts_with("in/")) continue;
        const std::string target = rule(key.substr(3));
        if (target == key)
            model.in_place.insert(key);
        else
            model.targets[key] = target;
    }
    std::set<std::string> keys;
    for (const auto& [source, target] : model.targets) {
        keys.insert(source), keys.insert(target);
        const auto shared = std::count_if(model.targets.begin(), model.targets.end(),
                                          [&, &to = target](const auto& other) { return other.second == to; });
        if (shared > 1 || model.targets.contains(target)) model.clashing.insert(source);
        if (objects.contains(target) && !model.targets.contains(target)) model.existed.insert(source);
    }
    for (const std::string& a : keys)
        for (const std::string& b : keys)
            model.folds |= folds_between(a, b);
    return model;
}

struct RandomRule {
    std::string to;
    std::function<std::string(const std::string& path)> model;
};

std::string name_in(const std::string& path) {
    return path.substr(path.rfind('/') + 1);  // npos + 1 is 0
}

TEST_F(Planner, AgreesWithAModelOnRandomKeysAndRules) {
    const std::vector<RandomRule> rules = {
        {"out/{path}", [](const std::string& path) { return "out/" + path; }},
        {"out/{basename}", [](const std::string& path) { return "out/" + name_in(path); }},
        {"in/{basename}", [](const std::string& path) { return "in/" + name_in(path); }},
        {"in/a/{path}", [](const std::string& path) { return "in/a/" + path; }},
        {"in/{path}a", [](const std::string& path) { return "in/" + path + "a"; }},
    };
    const std::vector<std::string> pieces = {"a", "b", "A", "/", "/", ".", "aa"};
    const std::uint64_t seed = test_seed();
    SCOPED_TRACE(seed_text(seed));
    std::mt19937_64 random(seed);
    const auto pick = [&](std::size_t below) {
        return std::uniform_int_distribution<std::size_t>(0, below - 1)(random);
    };
    int refused = 0, planned_whole = 0;

    for (int round = 0; round < 150; ++round) {
        start({});
        std::set<std::string> objects;
        for (std::size_t i = pick(11); i > 0; --i) {
            std::string key = pick(4) == 0 ? "out/" : "in/";
            for (std::size_t length = 1 + pick(4); length > 0; --length)
                key += pieces[pick(pieces.size())];
            if (objects.insert(key).second) put(key);
        }
        const RandomRule& rule = rules[pick(rules.size())];
        const Model model = model_of(objects, rule.model);
        SCOPED_TRACE("round " + std::to_string(round) + ", " + rule.to + ", " + testing::PrintToString(objects));

        request_.on_collision = OnCollision::refuse;
        const Status strictly = plan(rule.to);
        EXPECT_EQ(bool(strictly), model.clashing.empty());
        ++(strictly ? planned_whole : refused);

        request_.on_collision = OnCollision::keep;
        ASSERT_TRUE(plan(rule.to));
        EXPECT_EQ(actions_.size(), model.targets.size() + model.in_place.size());
        for (const Action& action : actions_) {
            const std::string& key = action.from.key;
            if (model.in_place.contains(key)) {
                EXPECT_EQ(action.reason, "already-in-place") << key;
                continue;
            }
            EXPECT_EQ(action.to.key, model.targets.at(key));
            EXPECT_EQ(action.what == Do::fail, model.clashing.contains(key)) << key;
            EXPECT_EQ(action.target_existed, model.existed.contains(key)) << key;
        }
        const auto folds = (totals_.slashes.pairs ? kFoldSlashes : 0) | (totals_.dots.pairs ? kFoldDots : 0) |
                           (totals_.case_.pairs ? kFoldCase : 0) | (totals_.unicode.pairs ? kFoldUnicode : 0);
        EXPECT_EQ(folds, model.folds);

        if (model.clashing.empty()) continue;
        request_.on_collision = OnCollision::rename;
        const Status with_names = plan(rule.to);
        if (!with_names) continue;  // a renamed target may be taken too: refused, and nothing lost
        std::set<std::string> sources, targets;
        for (const Action& action : actions_)
            if (action.what == Do::move) sources.insert(action.from.key);
        for (const Action& action : actions_) {
            if (action.what != Do::move) continue;
            EXPECT_TRUE(targets.insert(action.to.key).second) << action.to.key;
            EXPECT_FALSE(sources.contains(action.to.key)) << action.to.key;
        }
    }
    // One round in eight is refused, so that none of them is would be one seed in a thousand million.
    EXPECT_GT(refused, 0) << "the keys must clash to mean something";
    EXPECT_GT(planned_whole, 0);
}

}  // namespace
}  // namespace dray
