#include "tools/wfe/worker_activities.h"

#include <cstdio>

#include "activities/agent/step/agent_worker.h"
#include "activities/agent/step/config.h"
#include "activities/analytics/ingest/collect.h"
#include "activities/analytics/ingest/ingest.h"
#include "activities/analytics/steps/register.h"
#include "activities/batch/register.h"
#include "activities/build/checks/allowed_roots.h"
#include "activities/build/checks/host_info.h"
#include "activities/build/checks/register.h"
#include "activities/build/checks/settings.h"
#include "activities/build/workspace/register.h"
#include "activities/delivery/steps/register.h"
#include "activities/generation/register.h"
#include "activities/graph/simulate_step.h"
#include "activities/learning/records/build_usage.h"
#include "activities/learning/steps/generation_steps.h"
#include "activities/learning/steps/register.h"
#include "activities/nodes/register.h"
#include "activities/optimizer/profile/record_run.h"
#include "activities/optimizer/steps/register.h"
#include "activities/optimizer/steps/run_learner.h"
#include "activities/packaged/battery/steps.h"
#include "activities/packaged/common/register.h"
#include "activities/packaged/permits/register.h"
#include "activities/packaged/trading/steps.h"
#include "activities/prompts/instructions.h"
#include "activities/prompts/template_store.h"
#include "activities/quota/steps/register.h"
#include "activities/trace/audit.h"
#include "engine/base/printable.h"
#include "tools/wfe/describe.h"
#include "tools/wfe/queue_pollers.h"
#include "tools/wfe/worker_context.h"
#include "tools/wfe/worker_patterns.h"
#include "workers/client/blocking_call.h"
#include "workers/client/fetch_history.h"
#include "workers/client/records_client.h"
#include "workflows/optimizer/training_workflow.h"

namespace wfe::cli {
namespace {

/// The version of a build's template, and its arm while an experiment runs (AB-10).
Result<agent::GeminiConfig::TemplateChoice> ChooseFor(const learning::LearningConfig& config,
                                                      const std::string& template_id, const std::string& run_id) {
  WFE_ASSIGN_OR_RETURN(
      const learning::ChooseTemplateResult chosen,
      learning::ChooseTemplate(
          config, {.template_id = template_id, .run_id = run_id, .now = FormatIso8601Millis(SystemClock().Now())}));
  const learning::Assignment& drawn = chosen.assignment;
  return agent::GeminiConfig::TemplateChoice{
      .version = chosen.template_version,
      .experiment_arm = drawn.experiment_id.empty() ? "" : drawn.experiment_id + "/" + drawn.arm};
}

/// A hook that is none is told of here, too: only `wfe config check` refuses it.
void RegisterDelivery(sdk::ActivityRegistry& registry, const WorkerActivities& worker) {
  const auto hook =
      delivery::MakeHook({.command = worker.config.monitor.hook_command, .url = worker.config.monitor.hook_url});
  if (!hook) {
    std::fprintf(stderr, "warning: %s; what monitors tell is kept and goes nowhere else\n",
                 PrintableText(hook.error().message).c_str());
  }
  delivery::RegisterDeliveryActivities(registry,
                                       {.records = worker.records, .hook = hook ? *hook : delivery::MonitorHook()});
}

/// Starts a training; one that runs already will see the newest runs, or the next one will.
void StartTraining(client::ServiceClient& service, const std::string& ns, const std::string& workflow_id,
                   const std::string& queue) {
  namespace ws = temporal::api::workflowservice::v1;
  ws::StartWorkflowExecutionRequest request;
  request.set_namespace_(ns);
  request.set_workflow_id(workflows::TrainingWorkflowId(workflow_id));
  request.mutable_workflow_type()->set_name(std::string(workflows::kPredictorTraining));
  request.mutable_task_queue()->set_name(queue);
  request.set_identity(Identity());
  request.set_request_id(NewRequestId());
  *request.mutable_input()->add_payloads() = ToPayload({{"workflow_id", workflow_id}});
  const auto started = client::BlockingCall<ws::StartWorkflowExecutionResponse>(
      service, client::kWorkflowService, "StartWorkflowExecution", request);
  if (!started && started.error().code != StatusCode::kAlreadyExists) {
    std::fprintf(stderr, "warning: the predictor of %s is not trained: %s\n", PrintableText(workflow_id).c_str(),
                 PrintableText(started.error().message).c_str());
  }
}

/// Of the packaged workflows.  Their calls of a model go by name and at the call, as a batch's.
void RegisterPackaged(sdk::ActivityRegistry& registry, const WorkerActivities& worker, const nodes::NodeConfig& node) {
  const auto config = std::make_shared<const packaged::PackagedConfig>(packaged::PackagedConfig{
      .records = worker.records, .step = [&registry](const std::string& name) { return registry.Find(name); }});
  packaged::RegisterDeliverableActivities(registry, *config);
  const DocumentsConfig& documents = worker.config.documents;
  documents::ReadSettings reading;
  reading.max_bytes = static_cast<uint64_t>(documents.max_file_bytes);
  reading.max_text_bytes = static_cast<uint64_t>(documents.max_text_bytes);
  reading.patience = std::chrono::seconds(documents.read_timeout_s);
  packaged::RegisterPermitActivities(registry, config, reading);
  battery::RegisterBatteryActivities(registry, config, node);
  trading::RegisterTradingActivities(registry, {.packaged = config, .node = node});
}

/// The record of builds, and what follows when one has ended.
void RegisterTrace(sdk::ActivityRegistry& registry, const WorkerActivities& worker, const WorkerPatterns& patterns) {
  trace::AuditConfig audit;
  audit.ingest = [ingest = analytics::IngestInto(worker.records, std::string(analytics::kTracesTable),
                                                 [](const std::string& sentence) {
                                                   std::fprintf(stderr, "warning: %s\n",
                                                                PrintableText(sentence).c_str());
                                                 }),
                  records = worker.records,
                  build_ended = patterns.build_ended](const std::string& key, const std::string& line) -> Status {
    WFE_RETURN_IF_ERROR(ingest(key, line));
    if (!learning::EndsBuild(line)) return Ok();
    const std::string run_id = key.substr(0, key.find('/'));
    WFE_RETURN_IF_ERROR(learning::SaveBuildUsage(*records, analytics::kTracesTable, run_id));
    if (build_ended) build_ended(run_id);
    return Ok();
  };
  trace::RegisterAuditActivities(registry, audit);
}

void RegisterWorkloads(sdk::ActivityRegistry& registry, const WorkerActivities& worker,
                       const std::shared_ptr<quota::RunGate>& gate, const WorkerPatterns& patterns) {
  graph::RegisterSimulateStep(registry);
  const optimizer::ReadHistory history = [service = worker.service, ns = worker.ns](const std::string& workflow_id,
                                                                                    const std::string& run_id) {
    return client::FetchHistory(*service, ns, workflow_id, run_id);
  };
  const auto recorded = optimizer::RunLearner(
      {.records = worker.records,
       .start_training =
           [service = worker.service, ns = worker.ns](const std::string& workflow_id, const std::string& queue) {
             StartTraining(*service, ns, workflow_id, queue);
           },
       .log = [](const std::string& sentence) {
         Warn(sentence, OutputFormat::kText);
       }});
  optimizer::RegisterRecordRun(registry, {.records = worker.records, .history = history, .recorded = recorded});
  optimizer::RegisterOptimizerActivities(registry, {.records = worker.records, .history = history});
  optimizer::RegisterTrainPredictor(registry, worker.records);
  quota::RegisterQuotaActivities(
      registry, {.records = worker.records, .rules = QuotaRulesOf(worker.config.quota), .gate = gate});
  // By name and at the call: what guards a step is put around it later.
  batch::RegisterBatchActivities(
      registry, {.records = worker.records,
                 .step = [&registry](const std::string& name) { return registry.Find(name); },
                 .joined = patterns.batch_joined,
                 .max_document_bytes = worker.config.documents.max_batch_text_bytes,
                 .lists = nullptr});
}

nodes::NodeConfig NodesOf(const WorkerActivities& worker, const sandbox::SandboxPolicy& sandbox) {
  return {.work_root = worker.work_root, .sandbox = sandbox, .secrets = worker.agent.secrets};
}

}  // namespace

void RegisterWorkerActivities(sdk::ActivityRegistry& registry, const WorkerActivities& worker) {
  const auto templates = std::make_shared<prompts::TemplateStore>(
      prompts::TemplateStoreOptions{.templates_dir = worker.agent.templates_dir,
                                    .rows = worker.agent.template_rows,
                                    .blob_sink = worker.records,
                                    .blob_source = worker.records,
                                    .clock = nullptr});
  const WorkerPatterns patterns = RegisterWorkerPatterns(registry, worker);
  const learning::LearningConfig learning{.records = worker.records,
                                          .templates = templates,
                                          .usage_recorded = patterns.usage_recorded,
                                          .memory = nullptr};
  agent::GeminiConfig agent_config = worker.agent;
  agent_config.offer_to_tools = patterns.offer;
  agent_config.choose_template = [learning](const std::string& template_id, const std::string& run_id) {
    return ChooseFor(learning, template_id, run_id);
  };
  const auto gate = AddContextAndGate(agent_config, worker);
  const auto agents = std::make_shared<agent::AgentWorker>(agent_config);
  agent::RegisterGeminiActivities(registry, agents);
  RegisterTrace(registry, worker, patterns);
  build::ComplianceConfig compliance;
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
  if (const auto sandbox = build::ParseSandboxPolicy(worker.config.build.sandbox)) compliance.sandbox = *sandbox;
  const std::string warning = worker.runs_code ? build::SandboxWarning(compliance) : "";
  if (!warning.empty()) Warn(warning, OutputFormat::kText);
  build::RegisterComplianceActivities(registry, compliance);
  build::RegisterHostActivities(registry, {.host_queue = worker.host_queue,
                                           .work_root = worker.work_root,
                                           .host_timeout_s = worker.config.build.host_timeout_s,
                                           .admits_runs = gate && gate->enforces()});
  const nodes::NodeConfig node = NodesOf(worker, compliance.sandbox);
  nodes::RegisterNodeActivities(registry, node);
  prompts::RegisterInstructionActivity(registry, {.templates_dir = worker.agent.templates_dir,
                                                  .template_rows = worker.agent.template_rows,
                                                  .blob_sink = worker.records,
                                                  .blob_source = worker.records,
                                                  .redact = {}});
  analytics::OptimizationConfig optimization;
  optimization.work_root = worker.work_root;
  optimization.records = worker.records;
  optimization.service = worker.service;
  optimization.ns = worker.ns;
  optimization.templates = templates;
  const auto allow = [roots = worker.roots](const std::string& path) -> Status {
    WFE_RETURN_IF_ERROR(roots->Check(path));
    return Ok();
  };
  optimization.check_path = allow;
  analytics::RegisterOptimizationActivities(registry, optimization);
  learning::RegisterLearningActivities(registry, learning);
  RegisterDelivery(registry, worker);
  generation::RegisterGenerationActivities(registry, {.models = agent::ModelCaller(agents),
                                                      .templates = templates,
                                                      .offer_to_tools = patterns.offer});
  build::RegisterWorkspaceActivities(registry, {.work_root = worker.work_root,
                                                .path = "",
                                                .blob_sink = worker.records,
                                                .blob_source = worker.records,
                                                .alive_lock = worker.alive_lock,
                                                .allow = allow,
                                                .secrets = worker.agent.secrets});
  RegisterWorkloads(registry, worker, gate, patterns);
  RegisterPackaged(registry, worker, node);
  build::GuardDirectories(registry, {.roots = worker.roots, .lock_dir = worker.work_root + "/locks"});
}

}  // namespace wfe::cli
