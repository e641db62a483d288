#include <algorithm>

#include "activities/audits/audit_kinds.h"
#include "workers/sdk/json_input.h"
#include "workflows/optimization/optimization.h"

namespace wfe::workflows {

using nlohmann::json;

void to_json(json& j, const OptimizationInput& input) {
  j = json{{"sources", input.sources},    {"workflow_types", input.workflow_types},
           {"audits", input.audits},      {"min_runs", input.min_runs},
           {"propose", input.propose},    {"chunk_bytes", input.chunk_bytes},
           {"scheduled", input.scheduled}};
  if (!input.from.empty()) j["from"] = input.from;
  if (!input.to.empty()) j["to"] = input.to;
  if (!input.period.empty()) j["period"] = input.period;
  if (!input.timezone.empty()) j["timezone"] = input.timezone;
  if (!input.await_approval.empty()) j["await_approval"] = input.await_approval;
  if (input.auto_apply) j["auto_apply"] = true;
  if (input.allow_scripted) j["allow_scripted"] = true;
  if (!input.baseline.is_null()) j["baseline"] = input.baseline;
  if (!input.output_dir.empty()) j["output_dir"] = input.output_dir;
  if (!input.carried.is_null()) j["carried"] = input.carried;
}

void from_json(const json& j, OptimizationInput& input) {
  sdk::JsonInput in(j);
  in.Read("sources", input.sources);
  in.Read("from", input.from);
  in.Read("to", input.to);
  in.Read("period", input.period);
  in.Read("timezone", input.timezone);
  in.Read("workflow_types", input.workflow_types);
  in.Read("audits", input.audits);
  in.Read("min_runs", input.min_runs);
  in.Read("output_dir", input.output_dir);
  in.Read("propose", input.propose);
  in.Read("await_approval", input.await_approval);
  in.Read("auto_apply", input.auto_apply);
  in.Read("allow_scripted", input.allow_scripted);
  in.Read("baseline", input.baseline);
  in.Read("chunk_bytes", input.chunk_bytes);
  in.Read("scheduled", input.scheduled);
  in.Read("carried", input.carried);
  in.RefuseUnknown();
  for (const activities::SourceSpec& source : input.sources) {
    in.Require(source.kind != activities::kSourceDirectory || source.location.starts_with('/'),
               "input.sources: a directory needs an absolute path as its location");
  }
  in.Require(input.from.empty() || ParseIso8601(input.from), "input.from must be a time like 2026-01-31T02:00:00Z");
  in.Require(input.to.empty() || ParseIso8601(input.to), "input.to must be a time like 2026-01-31T02:00:00Z");
  in.Require(input.period.empty() || ParsePeriod(input.period), "input.period must be a duration like 24h or 7d");
  in.Require(IsTimeZone(input.timezone), "input.timezone: this worker knows no time zone " + input.timezone);
  in.Require(input.period.empty() || input.from.empty(), "input.period and input.from exclude each other");
  in.Require(input.await_approval.empty() || ParsePeriod(input.await_approval),
             "input.await_approval must be a duration like 8h or 2d");
  in.Require(input.await_approval.empty() || !input.auto_apply,
             "input.await_approval and input.auto_apply exclude each other");
  in.Require(input.propose || (input.await_approval.empty() && !input.auto_apply),
             "input.await_approval and input.auto_apply need input.propose: without it there are no drafts");
  in.Require(!input.allow_scripted || !input.auto_apply,
             "input.allow_scripted and input.auto_apply exclude each other: a draft from scripted answers is never "
             "activated without a person");
  in.Require(input.baseline.is_null() || input.baseline.is_string() || input.baseline.is_object(),
             "input.baseline must be the id of a report, or a report");
  for (const std::string& kind : input.audits) {
    in.Require(std::find(std::begin(activities::kAuditKinds), std::end(activities::kAuditKinds), kind) !=
                   std::end(activities::kAuditKinds),
               "input.audits: there is no audit " + kind +
                   "; there are token_efficiency, constraint_effectiveness, prompt_refinement, context_volatility");
  }
  in.Require(input.min_runs >= 0, "input.min_runs must not be negative");
  in.Require(input.chunk_bytes >= 0, "input.chunk_bytes must not be negative");
  in.Require(input.output_dir.empty() || input.output_dir.front() == '/', "input.output_dir must be an absolute path");
}

}  // namespace wfe::workflows
