// PatternAnalysisWorkflow (PD-4, PD-5): makes good what the detector has missed, ranks what recurs by what a tool would
// return, and drafts an issue for each candidate that pays.  A schedule starts it each week.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "activities/patterns/steps/register.h"
#include "engine/base/record_json.h"
#include "workers/sdk/workflow.h"

namespace wfe::workflows {

inline constexpr std::string_view kPatternAnalysisWorkflow = "PatternAnalysisWorkflow";

struct PatternAnalysisResult {
  std::string sentence;  ///< The analysis for people.
  patterns::DetectReport detected;
  std::vector<patterns::RoiRow> candidates;  ///< The best first.
  std::vector<std::string> drafts;           ///< Files that were written now.
};
WFE_RECORD(PatternAnalysisResult, sentence, detected, candidates, drafts);

/// Takes no input: whatever comes is ignored.  It waits for the records service as long as it takes.
sdk::Task<PatternAnalysisResult> AnalyzePatternsOfWork(sdk::WorkflowContext& ctx, nlohmann::json input);

void RegisterPatternAnalysis(sdk::WorkflowRegistry& registry);

}  // namespace wfe::workflows
