#include <algorithm>

#include "activities/analytics/audits/audit_kinds.h"
#include "workflows/optimization/optimization.h"

namespace wfe::workflows {

void CheckRecord(const OptimizationInput& input) {
  for (const analytics::SourceSpec& source : input.sources) {
    RequireOfRecord(source.kind != analytics::kSourceDirectory || source.location.starts_with('/'),
                    "input.sources: a directory needs an absolute path as its location");
  }
  RequireOfRecord(input.from.empty() || ParseIso8601(input.from), "input.from must be a time like 2026-01-31T02:00:00Z");
  RequireOfRecord(input.to.empty() || ParseIso8601(input.to), "input.to must be a time like 2026-01-31T02:00:00Z");
  RequireOfRecord(input.period.empty() || ParsePeriod(input.period), "input.period must be a duration like 24h or 7d");
  RequireOfRecord(IsTimeZone(input.timezone), "input.timezone: this worker knows no time zone " + input.timezone);
  RequireOfRecord(input.period.empty() || input.from.empty(), "input.period and input.from exclude each other");
  RequireOfRecord(input.await_approval.empty() || ParsePeriod(input.await_approval),
                  "input.await_approval must be a duration like 8h or 2d");
  RequireOfRecord(input.await_approval.empty() || !input.auto_apply,
                  "input.await_approval and input.auto_apply exclude each other");
  RequireOfRecord(input.propose || (input.await_approval.empty() && !input.auto_apply),
                  "input.await_approval and input.auto_apply need input.propose: without it there are no drafts");
  RequireOfRecord(!input.allow_scripted || !input.auto_apply,
                  "input.allow_scripted and input.auto_apply exclude each other: a draft from scripted answers is never "
                  "activated without a person");
  RequireOfRecord(input.baseline.is_null() || input.baseline.is_string() || input.baseline.is_object(),
                  "input.baseline must be the id of a report, or a report");
  for (const std::string& kind : input.audits) {
    RequireOfRecord(
        std::find(std::begin(analytics::kAuditKinds), std::end(analytics::kAuditKinds), kind) !=
            std::end(analytics::kAuditKinds),
        "input.audits: there is no audit " + kind +
            "; there are token_efficiency, constraint_effectiveness, prompt_refinement, context_volatility");
  }
  RequireOfRecord(input.min_runs >= 0, "input.min_runs must not be negative");
  RequireOfRecord(input.chunk_bytes >= 0, "input.chunk_bytes must not be negative");
  RequireOfRecord(input.output_dir.empty() || input.output_dir.front() == '/', "input.output_dir must be an absolute path");
}

}  // namespace wfe::workflows
