#include "activities/patterns/records/pattern_store.h"

#include <map>

#include "activities/learning/records/rows.h"

namespace wfe::patterns {
namespace {

using learning::ReadRow;
using learning::RowText;

constexpr int kPatternTries = 20;

std::string OccurrenceKey(const PatternOccurrence& occurrence) {
  return occurrence.pattern_signature + "/" + occurrence.workflow_run_id + "/" + occurrence.step;
}

}  // namespace

Result<bool> PatternStore::Append(const PatternOccurrence& occurrence) {
  if (!IsSignature(occurrence.pattern_signature)) {
    return InvalidArgument("\"" + occurrence.pattern_signature + "\" is no signature like test:pytest:backend");
  }
  WFE_RETURN_IF_ERROR(learning::CheckRowId("a run id", occurrence.workflow_run_id));
  return rows_.AppendRow(std::string(kOccurrencesTable), OccurrenceKey(occurrence), RowText(occurrence));
}

Status PatternStore::Refresh(const std::string& signature) {
  const Result<OperationPattern> written = Write(signature, true, [&](OperationPattern& pattern) -> Result<bool> {
    PatternSums sums;
    WFE_RETURN_IF_ERROR(rows_.ScanRows(std::string(kOccurrencesTable), signature + "/",
                                       [&](const std::string& key, const std::string& value) {
                                         const auto row = ReadRow<PatternOccurrence>(kOccurrencesTable, key, value);
                                         if (row) sums.Add(*row);
                                       }));
    sums.Fill(pattern);
    return true;
  });
  if (!written) return written.error();
  return Ok();
}

Result<std::optional<OperationPattern>> PatternStore::Find(const std::string& signature) {
  WFE_ASSIGN_OR_RETURN(const std::optional<std::string> row, rows_.GetRow(std::string(kPatternsTable), signature));
  if (!row) return std::optional<OperationPattern>();
  WFE_ASSIGN_OR_RETURN(OperationPattern pattern, ReadRow<OperationPattern>(kPatternsTable, signature, *row));
  return std::optional(std::move(pattern));
}

Result<std::vector<OperationPattern>> PatternStore::All(PatternProblems& problems) {
  std::vector<OperationPattern> patterns;
  WFE_RETURN_IF_ERROR(
      rows_.ScanRows(std::string(kPatternsTable), "", [&](const std::string& key, const std::string& value) {
        Result<OperationPattern> row = ReadRow<OperationPattern>(kPatternsTable, key, value);
        if (row) {
          patterns.push_back(*std::move(row));
        } else {
          problems.push_back(row.error().message);
        }
      }));
  return patterns;
}

Result<std::map<std::string, PatternSums>> PatternStore::AllSums(PatternProblems& problems) {
  std::map<std::string, PatternSums> sums;
  WFE_RETURN_IF_ERROR(
      rows_.ScanRows(std::string(kOccurrencesTable), "", [&](const std::string& key, const std::string& value) {
        const auto row = ReadRow<PatternOccurrence>(kOccurrencesTable, key, value);
        if (row) {
          sums[row->pattern_signature].Add(*row);
        } else {
          problems.push_back(row.error().message);
        }
      }));
  return sums;
}

Result<OperationPattern> PatternStore::Update(const std::string& signature, const Change& change) {
  return Write(signature, false, change);
}

Result<OperationPattern> PatternStore::Write(const std::string& signature, bool make, const Change& change) {
  const std::string table(kPatternsTable);
  for (int i = 0; i < kPatternTries; ++i) {
    WFE_ASSIGN_OR_RETURN(const std::optional<std::string> seen, rows_.GetRow(table, signature));
    if (!seen && !make) return NotFound("there is no pattern " + signature);
    OperationPattern pattern;
    pattern.pattern_signature = signature;
    if (seen) {
      WFE_ASSIGN_OR_RETURN(pattern, ReadRow<OperationPattern>(kPatternsTable, signature, *seen));
    }
    WFE_ASSIGN_OR_RETURN(const bool changed, change(pattern));
    if (!changed) return pattern;
    const Status put = rows_.PutRow(table, signature, RowText(pattern), seen);
    if (put) return pattern;
    if (put.error().code != StatusCode::kAborted) return put.error();
  }
  return Error{StatusCode::kAborted, "the pattern " + signature + " changes all the time; try again", {}};
}

}  // namespace wfe::patterns
