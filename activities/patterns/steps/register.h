// The activities about patterns and tools, and the call that registers them (AC-10).
//
//   detectPatterns            the detector over everything that the records hold (PD-1, PD-2)
//   matchPattern              what a text is recognized as, and which tool would be tried
//   runTool                   one call of a registered tool, in words
//   analyzeOperationPatterns  candidates ranked by their return (PD-4); AC-10's analyzePatterns, whose name the weekly
//                             optimization of prompts had already (PO-3)
//   draftIssue                a file for a candidate that pays, once for each pattern (PD-5)
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "activities/patterns/records/run_operations.h"
#include "activities/patterns/steps/pattern_report.h"
#include "activities/patterns/steps/router.h"
#include "workers/client/records_client.h"
#include "workers/sdk/activity.h"

namespace wfe::patterns {

struct DetectPatternsInput {
  std::string now;  ///< ISO 8601.
};
WFE_RECORD(DetectPatternsInput, now);
constexpr RecordRules RulesOf(const DetectPatternsInput*) { return {.whole = true}; }

struct MatchPatternInput {
  std::string task;
  std::vector<std::string> errors;
};
WFE_RECORD(MatchPatternInput, task, errors);
constexpr RecordRules RulesOf(const MatchPatternInput*) { return {.required = "task"}; }
struct MatchPatternOutput {
  std::vector<std::string> signatures;
  std::string pattern_signature;  ///< Of the tool; empty: none would be tried.
  std::string tool_id;
  double confidence_score = 0;
};
WFE_RECORD(MatchPatternOutput, signatures, pattern_signature, tool_id, confidence_score);

struct RunToolInput {
  std::string tool_id;
  std::string task;
  std::string input;
};
WFE_RECORD(RunToolInput, tool_id, task, input);
constexpr RecordRules RulesOf(const RunToolInput*) { return {.required = "tool_id task"}; }
struct RunToolOutput {
  std::string text;
  int64_t duration_ms = 0;
};
WFE_RECORD(RunToolOutput, text, duration_ms);

struct AnalyzeOperationsInput {
  std::string now;
};
WFE_RECORD(AnalyzeOperationsInput, now);
constexpr RecordRules RulesOf(const AnalyzeOperationsInput*) { return {.whole = true}; }
struct AnalyzeOperationsOutput {
  std::vector<RoiRow> candidates;  ///< Worthwhile and without an active tool, the best first; at most 50.
  int64_t patterns = 0;
  std::map<std::string, int64_t> by_status;
};
WFE_RECORD(AnalyzeOperationsOutput, candidates, patterns, by_status);

struct DraftIssueInput {
  RoiRow candidate;
  std::string now;
};
WFE_RECORD(DraftIssueInput, candidate, now);
constexpr RecordRules RulesOf(const DraftIssueInput*) { return {.whole = true}; }
struct DraftIssueOutput {
  std::string file;  ///< Where it stands; of a pattern with a draft, the one that is there.
  bool is_new = false;
};
WFE_RECORD(DraftIssueOutput, file, is_new);

inline constexpr sdk::ActivityType<DetectPatternsInput, DetectReport> kDetectPatterns{"detectPatterns"};
inline constexpr sdk::ActivityType<MatchPatternInput, MatchPatternOutput> kMatchPattern{"matchPattern"};
/// TOOL_FAILED, not retryable, says why; INVALID_INPUT for a tool that is not registered.
inline constexpr sdk::ActivityType<RunToolInput, RunToolOutput> kRunTool{"runTool"};
inline constexpr sdk::ActivityType<AnalyzeOperationsInput, AnalyzeOperationsOutput> kAnalyzeOperations{
    "analyzeOperationPatterns"};
inline constexpr sdk::ActivityType<DraftIssueInput, DraftIssueOutput> kDraftIssue{"draftIssue"};

struct PatternsConfig {
  std::shared_ptr<client::RecordsClient> records;
  PatternRules rules = PatternRules::BuiltIn();
  std::shared_ptr<ToolRouter> router;
  std::string traces_table;
  std::string drafts_dir;  ///< Made when it is missing.
};

/// Ranks, and marks what pays as candidates: a pattern that is detected becomes one, a candidate that no longer pays is
/// detected again.  What people decided stays.
Result<AnalyzeOperationsOutput> AnalyzeOperations(RowStore& rows, const PatternRules& rules, Instant now);
/// The issue as Markdown; pure.
std::string IssueText(const RoiRow& candidate, const OperationPattern& pattern,
                      const std::vector<PatternOccurrence>& examples, const std::string& now);
/// Writes the draft below `directory`, unless the pattern has one.
Result<DraftIssueOutput> DraftIssue(RowStore& rows, const std::string& directory, const DraftIssueInput& input);
/// PD-7: the pattern is routed to the tool from now on.  NOT_FOUND: no such pattern or tool.  FAILED_PRECONDITION: the
/// tool is disabled, or the confidence is below kMinConfidence.
Result<OperationPattern> ActivatePattern(RowStore& rows, const std::string& signature, const std::string& tool_id,
                                         Instant now);
Result<OperationPattern> RetirePattern(RowStore& rows, const std::string& signature, const std::string& reason,
                                       Instant now);

void RegisterPatternActivities(sdk::ActivityRegistry& registry, PatternsConfig config);

}  // namespace wfe::patterns
