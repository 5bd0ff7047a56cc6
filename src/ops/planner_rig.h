// The fixture of tests of the planner: objects in memory, a rule, and the plan that was made of them.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/temp_directory.h"
#include "ops/planner.h"
#include "store/memory_store.h"

namespace dray {

class Planner : public testing::Test {
protected:
    Planner() { start({}); }

    void start(MemoryStoreOptions options) {
        store_ = make_memory_store(std::move(options));
        rule_.source_bucket = rule_.target_bucket = "bkt";
        rule_.source_prefix = "in/";
        request_.stores = {store_.get()};
        request_.source_bucket = "bkt";
        request_.source_prefix = "in/";
        request_.header = {.run_id = "test", .command = "mv", .made_by = "dray"};
        request_.plan_path = directory_.file("plan.jsonl.zst");
        request_.scratch = directory_.file("scratch");
    }

    void put(const std::string& key, const std::string& body = "x", const std::string& bucket = "bkt") {
        ASSERT_TRUE(store_->put({}, {bucket, key, ""}, body));
    }

    // Plans; afterwards actions_ and totals_ hold what was sealed.
    Status plan(std::string to) {
        rule_.to = std::move(to);
        auto rule = Relayout::compile(rule_);
        if (!rule) return std::move(rule).error();
        request_.rule = &*rule;
        actions_.clear();
        TRY_LET(checksum, make_move_plan({}, request_));
        EXPECT_TRUE(std::filesystem::is_empty(request_.scratch)) << "scratch is emptied";
        TRY_LET(reader, PlanReader::open(request_.plan_path));
        EXPECT_EQ(reader.checksum(), checksum);
        totals_ = reader.totals();
        TRY(reader.seek(0));
        while (true) {
            TRY_LET(action, reader.next());
            if (!action) break;
            actions_.push_back(*action);
        }
        std::filesystem::remove(request_.plan_path);
        return {};
    }

    std::string refusal(std::string to) {
        const Status planned = plan(std::move(to));
        EXPECT_FALSE(std::filesystem::exists(request_.plan_path)) << "what is refused leaves no plan";
        if (planned) return "planned";
        EXPECT_EQ(planned.error().code, Code::refused) << planned.error().message;
        return planned.error().message;
    }

    // "in/a -> out/a", "in/b: skip already-in-place".
    std::vector<std::string> lines() const {
        std::vector<std::string> lines;
        for (const Action& action : actions_) {
            const bool effect = action.what == Do::move || action.what == Do::copy;
            lines.push_back(action.from.key + (effect
                                                   ? " -> " + action.to.key + (action.target_existed ? " (there)" : "")
                                                   : ": " + std::string(name_of(action.what)) + " " + action.reason));
        }
        return lines;
    }

    TempDirectory directory_;
    std::unique_ptr<ObjectStore> store_;
    RelayoutOptions rule_;
    MovePlanRequest request_;
    std::vector<Action> actions_;
    PlanTotals totals_;
};

}  // namespace dray
