// Compiles the generated monitor with this machine's compiler and plays its test plan in the sandbox.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "activities/nodes/settings.h"
#include "activities/packaged/battery/firmware.h"
#include "activities/packaged/battery/test_plan.h"
#include "activities/sandbox/process_runner.h"

namespace wfe::battery {

struct PlanFailure {
  std::string id;
  std::string why;

  friend bool operator==(const PlanFailure&, const PlanFailure&) = default;
};
WFE_RECORD(PlanFailure, id, why);

struct PlanRun {
  std::string outcome;  ///< passed, failed, "does not compile", or "not run".
  std::string reason;   ///< Of the last two.
  int64_t cases = 0;
  int64_t passed = 0;
  std::vector<PlanFailure> failures;
  std::string compiler;
  std::string sandbox;  ///< bwrap or none.
};
WFE_RECORD(PlanRun, outcome, reason, cases, passed, failures, compiler, sandbox);
constexpr RecordRules RulesOf(const PlanRun*) { return {.required = "outcome", .seldom = "reason failures"}; }

/// A machine without a compiler is an outcome, not an error.  CANCELLED: the watch said so.
Result<PlanRun> RunTestPlan(const nodes::NodeSettings& settings, const std::vector<GeneratedFile>& firmware,
                            const TestPlan& plan, const sandbox::ProcessWatch& watch);

/// What `run_plan` has printed, judged against the plan: a case that it does not tell of has failed.
void JudgePlan(const TestPlan& plan, const std::string& printed, PlanRun& run);

}  // namespace wfe::battery
