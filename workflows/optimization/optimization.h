// OptimizationWorkflow (OP-1 to OP-14): turns the audit traces of many builds into one report of what makes builds
// expensive and what to change.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "activities/analytics/steps/audit_steps.h"
#include "engine/base/record_json.h"
#include "workers/sdk/workflow.h"
#include "workflows/optimization/approval.h"
#include "workflows/optimization/window.h"

namespace wfe::workflows {

inline constexpr std::string_view kOptimizationWorkflow = "OptimizationWorkflow";

/// Every field may be left out: then all runs of the central store are audited.
struct OptimizationInput {
  std::vector<analytics::SourceSpec> sources;   ///< Empty: the central store ("records").
  std::string from;                             ///< ISO 8601; runs that ended in [from, to) count.  Empty: unbounded.
  std::string to;
  std::string period;    ///< Instead of `from`: "24h", "7d", "90m" before `to`, which then defaults to the due time.
  std::string timezone;  ///< Whose calendar a period of days follows; empty: UTC.
  std::vector<std::string> workflow_types;  ///< Empty: all.
  std::vector<std::string> audits;          ///< Empty: all four.
  int min_runs = 24;                        ///< OP-5
  std::string output_dir;                   ///< Absolute, on the worker's host; empty: <work root>/reports.
  bool propose = false;                     ///< OP-12: store drafts.
  bool allow_scripted = false;              ///< Drafts also from scripted answers only (RW-D19); never with auto_apply.
  nlohmann::json baseline;                  ///< A report's id, or a report: what to compare with (RP-2).  null: the
                                            ///< newest of the same scope.
  std::string await_approval;  ///< "8h": stay open that long for signals about the drafts (approval.h).  Empty: end.
  bool auto_apply = false;     ///< Activate the draft of the strongest claim without asking anybody.
  int64_t chunk_bytes = 0;     ///< 0: the worker's default.
  /// True: started by a schedule, which appended the due time to the workflow id (S93).  The report is then of that
  /// time, and says so when it runs late.
  bool scheduled = false;
  /// What a run hands to the next when the set is large (continue-as-new); never written by people.
  nlohmann::json carried;
};
WFE_RECORD(OptimizationInput, sources, from, to, period, timezone, workflow_types, audits, min_runs, output_dir,
           propose, allow_scripted, baseline, await_approval, auto_apply, chunk_bytes, scheduled, carried);
constexpr RecordRules RulesOf(const OptimizationInput*) {
  return {.refuses_unknown = true, .subject = "input",
          .seldom = "from to period timezone await_approval auto_apply allow_scripted baseline output_dir "
                     "carried"};
}
void CheckRecord(const OptimizationInput& input);

/// What the run ends with: the report, and what became of its drafts.  As JSON it is a WriteReportResult with
/// "decisions".
struct OptimizationResult {
  analytics::WriteReportResult report;
  DraftDecisions decisions;
};
void to_json(nlohmann::json& json, const OptimizationResult& result);

/// Query `progress`: phase (collect, aggregate, audit, write, approval, done), chunks, chunks_done, entries, files,
/// decisions.  Signals: approval.h.
/// Fails with INVALID_INPUT, or with the failure type of the activity that could not do its work.
sdk::Task<OptimizationResult> Optimization(sdk::WorkflowContext& ctx, nlohmann::json input);

void RegisterOptimization(sdk::WorkflowRegistry& registry);

}  // namespace wfe::workflows
