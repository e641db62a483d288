#include "tools/demo/optimizer_world.h"

#include <chrono>

#include "activities/graph/simulate_step.h"
#include "activities/optimizer/profile/record_run.h"
#include "activities/optimizer/steps/register.h"
#include "workflows/delivery/monitor_workflow.h"
#include "workflows/delivery/rollout_workflow.h"
#include "workflows/graph/graph_workflow.h"
#include "workflows/optimizer/validation_workflow.h"

namespace wfe::demo {

namespace ws = temporal::api::workflowservice::v1;
namespace enums = temporal::api::enums::v1;
using nlohmann::json;

OptimizerWorld::OptimizerWorld(uint64_t seed, Instant start)
    : host_({.seed = seed, .start = start, .result_cache = &cache_}) {
  workflows::RegisterGraphWorkflow(workflows_);
  workflows::RegisterRollout(workflows_);
  workflows::RegisterMonitor(workflows_);
  workflows::RegisterOptimizerSession(workflows_);
  workflows::RegisterVariantValidation(workflows_);
  const auto history = [this](const std::string& workflow_id, const std::string& run_id) {
    return History(workflow_id, run_id);
  };
  graph::RegisterSimulateStep(activities_, {.waits = false});
  delivery::RegisterDeliveryActivities(activities_,
                                       {.records = records_, .hook = [this](const delivery::MonitoringEvent& event) {
                                          told_.push_back(event);
                                          return Ok();
                                        }});
  optimizer::RegisterRecordRun(activities_, {.records = records_, .history = history});
  optimizer::RegisterOptimizerActivities(activities_, {.records = records_, .history = history});
}

Status OptimizerWorld::Boot() { return host_.Start(workflows_, activities_); }

Status OptimizerWorld::KillServer() {
  host_.Crash();
  return Boot();
}

Status OptimizerWorld::KillWorker() {
  host_.KillWorker();
  host_.loop().Advance(std::chrono::seconds(20));
  return host_.StartWorker(workflows_, activities_);
}

Result<int> OptimizerWorld::AddVersion(const std::string& workflow_id, const json& graph, const std::string& reason) {
  return delivery::VersionStore(*records_).Put({.workflow_id = workflow_id,
                                                .content = graph.dump(),
                                                .parent_version = std::nullopt,
                                                .suggestion = "",
                                                .metrics = nullptr,
                                                .author = "demo",
                                                .reason = reason,
                                                .at = Time()});
}

Status OptimizerWorld::Start(std::string_view type, const std::string& id, const json& input) {
  ws::StartWorkflowExecutionRequest request;
  request.set_namespace_("default");
  request.set_workflow_id(id);
  request.set_request_id(id);
  request.mutable_workflow_type()->set_name(std::string(type));
  request.mutable_task_queue()->set_name("demo");
  *request.mutable_input() = core::EncodePayloads(input);
  WFE_RETURN_IF_ERROR(host_.Call<ws::StartWorkflowExecutionResponse>("StartWorkflowExecution", request));
  return Ok();
}

Status OptimizerWorld::Signal(const std::string& id, std::string_view name, const json& argument) {
  ws::SignalWorkflowExecutionRequest request;
  request.set_namespace_("default");
  request.mutable_workflow_execution()->set_workflow_id(id);
  request.set_signal_name(std::string(name));
  *request.mutable_input() = core::EncodePayloads(argument);
  WFE_RETURN_IF_ERROR(host_.Call<ws::SignalWorkflowExecutionResponse>("SignalWorkflowExecution", request));
  host_.loop().Advance(std::chrono::seconds(1));
  return Ok();
}

Result<json> OptimizerWorld::Query(const std::string& id, std::string_view query) {
  ws::QueryWorkflowRequest request;
  request.set_namespace_("default");
  request.mutable_execution()->set_workflow_id(id);
  request.mutable_query()->set_query_type(std::string(query));
  WFE_ASSIGN_OR_RETURN(const auto answer, host_.Call<ws::QueryWorkflowResponse>("QueryWorkflow", request));
  return core::DecodePayloads(answer.query_result());
}

Result<json> OptimizerWorld::Outcome(const std::string& id) {
  WFE_ASSIGN_OR_RETURN(const auto history, History(id, ""));
  if (history.events().empty()) return NotFound(id + " has no history");
  const auto& last = *history.events().rbegin();
  if (last.has_workflow_execution_completed_event_attributes()) {
    return core::DecodePayloads(last.workflow_execution_completed_event_attributes().result());
  }
  if (last.has_workflow_execution_failed_event_attributes()) {
    return FailedPrecondition(last.workflow_execution_failed_event_attributes().failure().message());
  }
  return NotFound(id + " is open");
}

Result<temporal::api::history::v1::History> OptimizerWorld::History(const std::string& workflow_id,
                                                                    const std::string& run_id) {
  temporal::api::history::v1::History history;
  ws::GetWorkflowExecutionHistoryRequest request;
  request.set_namespace_("default");
  request.mutable_execution()->set_workflow_id(workflow_id);
  request.mutable_execution()->set_run_id(run_id);
  while (true) {
    WFE_ASSIGN_OR_RETURN(
        const auto page,
        host_.Call<ws::GetWorkflowExecutionHistoryResponse>("GetWorkflowExecutionHistory", request));
    history.mutable_events()->MergeFrom(page.history().events());
    if (page.next_page_token().empty()) return history;
    request.set_next_page_token(page.next_page_token());
  }
}

Status OptimizerWorld::Live(const std::string& workflow_id, Duration time, int runs_an_hour) {
  const Instant until = Now() + time;
  const Duration gap = Duration(std::chrono::hours(1)) / std::max(1, runs_an_hour);
  while (Now() < until) {
    if (runs_an_hour > 0) {
      ++runs_;
      const json input = {{"workflow_id", workflow_id}, {"state", state(runs_)}};
      WFE_RETURN_IF_ERROR(Start(workflows::kGraphWorkflow, workflow_id + "-run-" + std::to_string(runs_), input));
    }
    host_.loop().Advance(std::min(gap, until - Now()));
  }
  return Ok();
}

optimizer::StoredSession OptimizerWorld::Session(const std::string& session_id) {
  Result<optimizer::StoredSession> session = optimizer::SessionLog(*records_).Get(session_id);
  return session ? *std::move(session) : optimizer::StoredSession();
}

delivery::VersionState OptimizerWorld::Versions(const std::string& workflow_id) {
  Result<delivery::VersionState> found = delivery::VersionStore(*records_).Get(workflow_id);
  return found ? *std::move(found) : delivery::VersionState();
}

}  // namespace wfe::demo
