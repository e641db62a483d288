#include "tools/wfe/worker_activities.h"

#include <cstdio>

#include "activities/audit/audit.h"
#include "activities/compliance/allowed_roots.h"
#include "activities/compliance/host_info.h"
#include "activities/compliance/register.h"
#include "activities/compliance/settings.h"
#include "activities/gemini/config.h"
#include "activities/optimization/register.h"
#include "activities/prompts/instructions.h"
#include "activities/prompts/template_store.h"
#include "activities/traces/collect.h"
#include "activities/traces/ingest.h"
#include "activities/workspace/register.h"
#include "engine/base/printable.h"
#include "workers/client/records_client.h"

namespace wfe::cli {

void RegisterWorkerActivities(sdk::ActivityRegistry& registry, const WorkerActivities& worker) {
  activities::RegisterGeminiActivities(registry, worker.agent);
  activities::AuditConfig audit;
  audit.ingest = activities::IngestInto(
      worker.records, std::string(activities::kTracesTable),
      [](const std::string& sentence) { std::fprintf(stderr, "warning: %s\n", PrintableText(sentence).c_str()); });
  activities::RegisterAuditActivities(registry, audit);
  activities::ComplianceConfig compliance;
  compliance.work_root = worker.work_root;
  if (!worker.config.build.profiles_dir.empty()) compliance.profile_dirs = {worker.config.build.profiles_dir};
  compliance.command_timeout = std::chrono::seconds(worker.config.build.check_timeout_s);
  compliance.alive_lock = worker.alive_lock;
  compliance.secrets = worker.agent.secrets;
  compliance.store_blob = [records = worker.records](std::string_view, std::string_view bytes) -> Status {
    WFE_RETURN_IF_ERROR(records->Put(bytes));
    return Ok();
  };
  // LoadConfig has refused every other word.
  if (const auto sandbox = activities::ParseSandboxPolicy(worker.config.build.sandbox)) compliance.sandbox = *sandbox;
  if (const std::string warning = activities::SandboxWarning(compliance); !warning.empty()) {
    std::fprintf(stderr, "warning: %s\n", PrintableText(warning).c_str());
  }
  activities::RegisterComplianceActivities(registry, compliance);
  activities::RegisterHostActivities(registry, {.host_queue = worker.host_queue,
                                                .work_root = worker.work_root,
                                                .host_timeout_s = worker.config.build.host_timeout_s});
  activities::RegisterInstructionActivity(registry, {.templates_dir = worker.agent.templates_dir,
                                                     .template_rows = worker.agent.template_rows,
                                                     .blob_sink = worker.records,
                                                     .blob_source = worker.records,
                                                     .redact = {}});
  activities::OptimizationConfig optimization;
  optimization.work_root = worker.work_root;
  optimization.records = worker.records;
  optimization.service = worker.service;
  optimization.ns = worker.ns;
  optimization.templates = std::make_shared<activities::TemplateStore>(
      activities::TemplateStoreOptions{.templates_dir = worker.agent.templates_dir,
                                       .rows = worker.agent.template_rows,
                                       .blob_sink = worker.records,
                                       .blob_source = worker.records,
                                       .clock = nullptr});
  const auto allow = [roots = worker.roots](const std::string& path) -> Status {
    WFE_RETURN_IF_ERROR(roots->Check(path));
    return Ok();
  };
  optimization.check_path = allow;
  activities::RegisterOptimizationActivities(registry, optimization);
  activities::RegisterWorkspaceActivities(registry, {.work_root = worker.work_root,
                                                     .path = "",
                                                     .blob_sink = worker.records,
                                                     .blob_source = worker.records,
                                                     .alive_lock = worker.alive_lock,
                                                     .allow = allow,
                                                     .secrets = worker.agent.secrets});
  activities::GuardDirectories(registry, {.roots = worker.roots, .lock_dir = worker.work_root + "/locks"});
}

}  // namespace wfe::cli
