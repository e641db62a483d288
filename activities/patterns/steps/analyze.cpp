#include <algorithm>

#include "activities/patterns/steps/register.h"

namespace wfe::patterns {
namespace {

constexpr size_t kMostCandidates = 50;

Status Mark(PatternStore& store, const RoiRow& row, Instant now) {
  const std::string wanted(row.worthwhile ? kCandidate : kDetected);
  if (row.automation_status == wanted) return Ok();
  if (row.automation_status != kDetected && row.automation_status != kCandidate) return Ok();
  const auto marked = store.Update(row.pattern_signature, [&](OperationPattern& pattern) -> Result<bool> {
    if (pattern.automation_status != kDetected && pattern.automation_status != kCandidate) return false;
    pattern.automation_status = wanted;
    pattern.changed_at = FormatIso8601Millis(now);
    pattern.reason = row.worthwhile ? "a tool would pay" : "a tool would not pay any more";
    return true;
  });
  if (!marked) return marked.error();
  return Ok();
}

}  // namespace

Result<AnalyzeOperationsOutput> AnalyzeOperations(RowStore& rows, const PatternRules& rules, Instant now) {
  PatternStore store(rows);
  WFE_ASSIGN_OR_RETURN(const PatternReport before, ReadPatternReport(rows, rules, now));
  // What a run left undone, killed in the middle, is made good here.
  for (const OperationPattern& pattern : before.patterns) {
    WFE_RETURN_IF_ERROR(store.Refresh(pattern.pattern_signature));
  }
  WFE_ASSIGN_OR_RETURN(const PatternReport report, ReadPatternReport(rows, rules, now));
  AnalyzeOperationsOutput output;
  output.patterns = static_cast<int64_t>(report.patterns.size());
  for (RoiRow row : report.roi) {
    WFE_RETURN_IF_ERROR(Mark(store, row, now));
    if (row.automation_status == kDetected && row.worthwhile) row.automation_status = std::string(kCandidate);
    if (row.automation_status == kCandidate && !row.worthwhile) row.automation_status = std::string(kDetected);
    ++output.by_status[row.automation_status];
    const bool open = row.automation_status == kCandidate || row.automation_status == kApproved;
    if (open && row.worthwhile && output.candidates.size() < kMostCandidates) output.candidates.push_back(row);
  }
  return output;
}

Result<OperationPattern> ActivatePattern(RowStore& rows, const std::string& signature, const std::string& tool_id,
                                         Instant now) {
  WFE_ASSIGN_OR_RETURN(const std::optional<Tool> tool, ToolStore(rows).Find(tool_id));
  if (!tool) return NotFound("there is no tool " + tool_id + "; wfe tools register makes one");
  if (tool->status != "registered") return FailedPrecondition("the tool " + tool_id + " is disabled");
  return PatternStore(rows).Update(signature, [&](OperationPattern& pattern) -> Result<bool> {
    if (pattern.confidence_score < kMinConfidence) {
      return FailedPrecondition("the confidence of " + signature + " is " +
                                std::to_string(static_cast<int>(pattern.confidence_score)) + ", and routing takes " +
                                std::to_string(static_cast<int>(kMinConfidence)));
    }
    if (pattern.automation_status == kActive && pattern.tool_id == tool_id) return false;
    pattern.automation_status = std::string(kActive);
    pattern.tool_id = tool_id;
    pattern.tool_calls = pattern.tool_successes = 0;
    pattern.changed_at = FormatIso8601Millis(now);
    pattern.reason = "activated with the tool " + tool_id;
    return true;
  });
}

Result<OperationPattern> RetirePattern(RowStore& rows, const std::string& signature, const std::string& reason,
                                       Instant now) {
  return PatternStore(rows).Update(signature, [&](OperationPattern& pattern) -> Result<bool> {
    if (pattern.automation_status == kRetired) return false;
    pattern.automation_status = std::string(kRetired);
    pattern.changed_at = FormatIso8601Millis(now);
    pattern.reason = reason.empty() ? "retired by hand" : reason;
    return true;
  });
}

}  // namespace wfe::patterns
