#include "activities/patterns/records/detect.h"

#include <set>

namespace wfe::patterns {
namespace {

constexpr size_t kEvidenceBytes = 200;
constexpr size_t kMostProblems = 20;

PatternOccurrence OccurrenceOf(const Operation& operation, const std::string& signature) {
  PatternOccurrence occurrence;
  occurrence.pattern_signature = signature;
  occurrence.workflow_run_id = operation.workflow_run_id;
  occurrence.step = operation.step;
  occurrence.observed_at = operation.observed_at;
  occurrence.count = operation.count;
  occurrence.successes = operation.successes;
  occurrence.success = operation.successes == operation.count;
  occurrence.tokens = operation.tokens;
  occurrence.cost_usd = operation.cost_usd;
  occurrence.tool_id = operation.tool_id;
  occurrence.shape = operation.shape;
  // Bytes that are no UTF-8, also a character that was cut, are replaced where the row is written.
  occurrence.evidence = operation.task.substr(0, kEvidenceBytes);
  if (occurrence.evidence.empty() && !operation.errors.empty()) occurrence.evidence = operation.errors.front();
  return occurrence;
}

}  // namespace

void DetectReport::Add(const DetectReport& other) {
  runs += other.runs;
  operations += other.operations;
  recognized += other.recognized;
  new_occurrences += other.new_occurrences;
  patterns += other.patterns;
  new_patterns += other.new_patterns;
  for (const std::string& problem : other.problems) {
    if (problems.size() < kMostProblems) problems.push_back(problem);
  }
}

Result<DetectReport> KeepOperations(RowStore& rows, const PatternRules& rules,
                                    const std::vector<Operation>& operations) {
  PatternStore store(rows);
  DetectReport report;
  std::set<std::string> touched;
  std::set<std::string> runs;
  for (const Operation& operation : operations) {
    runs.insert(operation.workflow_run_id);
    ++report.operations;
    const std::vector<RecognizedOperation> recognized = rules.Recognize(operation);
    if (!recognized.empty()) ++report.recognized;
    for (const RecognizedOperation& each : recognized) {
      WFE_ASSIGN_OR_RETURN(const bool is_new, store.Append(OccurrenceOf(operation, each.signature)));
      if (is_new) ++report.new_occurrences;
      touched.insert(each.signature);
    }
  }
  for (const std::string& signature : touched) {
    WFE_ASSIGN_OR_RETURN(const std::optional<OperationPattern> known, store.Find(signature));
    if (!known) ++report.new_patterns;
    WFE_RETURN_IF_ERROR(store.Refresh(signature));
  }
  report.runs = static_cast<int64_t>(runs.size());
  report.patterns = static_cast<int64_t>(touched.size());
  return report;
}

}  // namespace wfe::patterns
