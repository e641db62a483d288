// What a worker needs to serve the audits, and the call that registers them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "activities/analytics/steps/audit_steps.h"
#include "activities/analytics/steps/table_cache.h"
#include "activities/prompts/template_store.h"
#include "engine/base/time.h"
#include "workers/client/records_client.h"
#include "workers/client/service_client.h"

namespace wfe::analytics {

struct OptimizationConfig {
  std::string work_root;                           ///< Absolute; reports go to reports/ in it unless told otherwise.
  std::shared_ptr<client::RecordsClient> records;  ///< Blobs, traces, the list of reports.
  client::ServiceClient* service = nullptr;        ///< Histories as a source; outlives the registry.
  std::string ns;                                  ///< Namespace of those histories.
  std::shared_ptr<prompts::TemplateStore> templates;  ///< For drafts and for the effect of earlier ones.
  int64_t chunk_bytes = 32 << 20;
  /// Whether a trace file may be read: a manifest comes from the records service, where anybody can put one.  Empty: all.
  std::function<Status(const std::string& path)> check_path;
  std::shared_ptr<TableCache> tables = std::make_shared<TableCache>();  ///< Shared by the activities of a worker.
};

/// Registers collectTraces, aggregateTraces, runAudit, writeReport and activateDraft.
void RegisterOptimizationActivities(sdk::ActivityRegistry& registry, OptimizationConfig config);

/// What lists show of a report: report_id, generated_at, runs, findings, significant, headline, directory, report (the
/// blob; absent when `blob` is empty) and the figures that trends are made of.
nlohmann::json ReportRow(const nlohmann::json& report, const std::string& blob, const std::string& directory);

}  // namespace wfe::analytics
