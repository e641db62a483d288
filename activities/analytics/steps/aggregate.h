// Chunks of traces into tables: what collectTraces, aggregateTraces and runAudit share.
#pragma once

#include <string>
#include <vector>

#include "activities/analytics/audits/report.h"
#include "activities/analytics/ingest/trace_table.h"
#include "activities/analytics/steps/register.h"

namespace wfe::analytics {

sdk::ActivityResult<CollectTracesResult> CollectTraces(const OptimizationConfig& config, sdk::ActivityContext& context,
                                                       const CollectTracesInput& input);
sdk::ActivityResult<AggregateTracesResult> AggregateTraces(const OptimizationConfig& config,
                                                           sdk::ActivityContext& context,
                                                           const AggregateTracesInput& input);
sdk::ActivityResult<RunAuditResult> RunOneAudit(const OptimizationConfig& config, sdk::ActivityContext& context,
                                                const RunAuditInput& input);
sdk::ActivityResult<WriteReportResult> WriteReport(const OptimizationConfig& config, sdk::ActivityContext& context,
                                                   const WriteReportInput& input);
sdk::ActivityResult<ActivateDraftResult> ActivateDraft(const OptimizationConfig& config, sdk::ActivityContext& context,
                                                       const ActivateDraftInput& input);

/// All chunks as one table.  Heartbeats between chunks.
Result<std::shared_ptr<const LoadedTables>> LoadTables(const OptimizationConfig& config, sdk::ActivityContext& context,
                                                       const std::vector<std::string>& tables);
/// INVALID_ARGUMENT when a time of the scope is none.
Result<AuditOptions> OptionsOf(const AuditScope& scope);

Result<std::string> PutJson(const OptimizationConfig& config, const nlohmann::json& json);
Result<nlohmann::json> GetJson(const OptimizationConfig& config, const std::string& blob);

}  // namespace wfe::analytics
