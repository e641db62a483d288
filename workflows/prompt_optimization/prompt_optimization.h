// PromptOptimizationWorkflow (PO-1 to PO-8): an hour's cycle of learning.  It reads the last generations, judges what
// earlier changes did, and changes a prompt where the findings say so.  Nobody waits for it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "activities/learning/steps/cycle_steps.h"
#include "engine/base/record_json.h"
#include "workers/sdk/workflow.h"

namespace wfe::workflows {

inline constexpr std::string_view kPromptOptimizationWorkflow = "PromptOptimizationWorkflow";

/// Every field may be left out.
struct PromptOptimizationInput {
  std::vector<std::string> template_ids;  ///< Empty: all of generations ("generation-…").
  learning::CycleOptions options;
  /// True: started by a schedule.  The input of a run by hand says nothing about it.
  bool scheduled = false;
};
WFE_RECORD(PromptOptimizationInput, template_ids, options, scheduled);
constexpr RecordRules RulesOf(const PromptOptimizationInput*) {
  return {.refuses_unknown = true, .subject = "input", .seldom = "scheduled"};
}

struct PromptOptimizationResult {
  std::vector<learning::CycleRow> cycles;  ///< One for each template.
  std::string headline;                    ///< One sentence for people.
};
WFE_RECORD(PromptOptimizationResult, cycles, headline);

/// Query `progress`: phase (list, collect, measure, patterns, memory, rules, deploy, trend, refresh, record, done), the
/// template, and what is done.  A template whose cycle fails does not keep the others from theirs; the run fails after
/// them, with the failure of its activity.  Fails with INVALID_INPUT for an input that is none.
sdk::Task<PromptOptimizationResult> PromptOptimization(sdk::WorkflowContext& ctx, nlohmann::json input);

void RegisterPromptOptimization(sdk::WorkflowRegistry& registry);

}  // namespace wfe::workflows
