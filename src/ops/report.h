// report.json: what a run did, for machines. Format: docs/report-format.md. Written when a process of the run ends,
// atomically.
#pragma once

#include <string>
#include <string_view>

#include "ops/life.h"

namespace dray {

std::string write_report(const RunResult& result, const PlanHeader& header, const PlanTotals& plan);
// The same of a run whose last process left no report, or is at work still: from what its files say.
std::string write_report(const RunStatus& status, const PlanHeader& header);

// Before a report is handed on. Errors: corrupt (it is none), unsupported (of a higher version).
Status check_report(const std::string& report);

}  // namespace dray
