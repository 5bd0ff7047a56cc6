// Script: the rules that are in force, and what each act does to an answer.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "api.h"
#include "fault.h"

namespace dray::model {

struct Exchange;

class Script {
public:
    void add(Fault fault);
    void clear();
    // The rule that acts on this request, counted as used; null when none does.
    std::shared_ptr<const Fault> match(Op op, const Request& request);

private:
    struct Rule {
        std::shared_ptr<const Fault> fault;
        int matched = 0, acted = 0, credit = 0;
    };
    std::atomic<bool> any_{false};
    std::mutex mutex_;  // guards rules_
    std::vector<Rule> rules_;
};

// status, code and body of the rule.
void write_fault_answer(const Fault& fault, Answer& answer);
// Headers, delay, cuts, pauses, flipped bits: after the effect, before sending.
void shape_answer(const Fault& fault, Answer& answer);
void flip_bit(Body& body, std::int64_t bit);

bool rewrites_listing(Act act);
void run_listing_fault(const Fault& fault, Exchange& exchange, Api& api);

}  // namespace dray::model
