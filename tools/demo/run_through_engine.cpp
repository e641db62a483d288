#include <deque>
#include <map>
#include <optional>
#include <utility>

#include "tools/demo/contexts.h"
#include "tools/demo/run_builds.h"
#include "tools/demo/virtual_host.h"
#include "workers/sdk/workflow_registry.h"
#include "workflows/audited_build/audited_build.h"

namespace wfe::demo {
namespace {

namespace ws = temporal::api::workflowservice::v1;
namespace enums = temporal::api::enums::v1;

/// Builds of one lane, one after the other.
struct Lane {
  std::deque<const BuildPlan*> waiting;
  const BuildPlan* running = nullptr;
};

class EngineRun {
 public:
  EngineRun(const Behaviour& behaviour, const Progress& progress)
      : progress_(progress),
        host_(
            {.seed = behaviour.seed(), .start = Behaviour::FirstDay(), .task_queue = kQueue, .host_queue = kHostQueue}),
        world_(behaviour, host_.loop(), kHostQueue) {
    workflows::RegisterAuditedBuild(workflows_);
    world_.Register(activities_);
    world_.on_released = [this](const std::string& workflow_id) { released_.push_back(workflow_id); };
    for (const BuildPlan& plan : behaviour.plans()) lanes_[plan.lane].waiting.push_back(&plan);
  }

  Result<BuildTraces> Run() {
    WFE_RETURN_IF_ERROR(host_.Start(workflows_, activities_));
    StrandLoop& loop = host_.loop();
    while (true) {
      WFE_RETURN_IF_ERROR(CancelDue());
      WFE_RETURN_IF_ERROR(StartDue());
      const bool busy =
          std::any_of(lanes_.begin(), lanes_.end(), [](const auto& entry) { return entry.second.running != nullptr; });
      const std::optional<Instant> next = NextDue();
      if (busy) {
        if (!loop.RunNextTimer(next.value_or(Instant::max()))) {
          if (!next) return Internal("the simulated builds wait for something that never comes");
          loop.Advance(*next - loop.Now());
        }
      } else if (next) {
        loop.SleepUntil(*next);
      } else {
        break;
      }
      WFE_RETURN_IF_ERROR(NoteEnds());
    }
    if (host_.workflow_tasks_failed() != 0) return Internal("a workflow task failed in virtual time");
    return world_.TakeTraces();
  }

 private:
  Status StartDue() {
    for (auto& [number, lane] : lanes_) {
      if (lane.running != nullptr || lane.waiting.empty()) continue;
      const BuildPlan& plan = *lane.waiting.front();
      if (plan.start > host_.loop().Now()) continue;
      ws::StartWorkflowExecutionRequest request;
      request.set_namespace_("default");
      request.set_workflow_id(plan.workflow_id);
      request.mutable_workflow_type()->set_name(std::string(workflows::kAuditedBuildWorkflow));
      request.mutable_task_queue()->set_name(kQueue);
      request.set_request_id(plan.workflow_id);
      request.set_identity("demo");
      auto& payload = *request.mutable_input()->add_payloads();
      (*payload.mutable_metadata())["encoding"] = "json/plain";
      payload.set_data(InputOf(plan).dump());
      lane.waiting.pop_front();
      lane.running = &plan;
      const auto response = host_.Call<ws::StartWorkflowExecutionResponse>("StartWorkflowExecution", request);
      if (!response) return response.error();
      if (plan.cancel_after) cancels_[plan.workflow_id] = host_.loop().Now() + *plan.cancel_after;
    }
    return Ok();
  }

  Status CancelDue() {
    for (auto cancel = cancels_.begin(); cancel != cancels_.end();) {
      if (cancel->second > host_.loop().Now()) {
        ++cancel;
        continue;
      }
      ws::RequestCancelWorkflowExecutionRequest request;
      request.set_namespace_("default");
      request.mutable_workflow_execution()->set_workflow_id(cancel->first);
      request.set_identity("demo");
      const auto response =
          host_.Call<ws::RequestCancelWorkflowExecutionResponse>("RequestCancelWorkflowExecution", request);
      if (!response) return response.error();
      cancel = cancels_.erase(cancel);
    }
    return Ok();
  }

  /// When a start or a cancellation is next; what is running apart.
  std::optional<Instant> NextDue() const {
    std::optional<Instant> next;
    const auto consider = [&next](Instant instant) { next = next ? std::min(*next, instant) : instant; };
    for (const auto& [number, lane] : lanes_) {
      if (lane.running == nullptr && !lane.waiting.empty()) consider(lane.waiting.front()->start);
    }
    for (const auto& [workflow_id, instant] : cancels_) consider(instant);
    return next;
  }

  Status NoteEnds() {
    for (const std::string& workflow_id : std::exchange(released_, {})) {
      ws::DescribeWorkflowExecutionRequest request;
      request.set_namespace_("default");
      request.mutable_execution()->set_workflow_id(workflow_id);
      WFE_ASSIGN_OR_RETURN(const auto response,
                           host_.Call<ws::DescribeWorkflowExecutionResponse>("DescribeWorkflowExecution", request));
      const auto status = response.workflow_execution_info().status();
      if (status == enums::WORKFLOW_EXECUTION_STATUS_RUNNING) {
        // Its last activity has yet to report.
        released_.push_back(workflow_id);
        continue;
      }
      if (status != enums::WORKFLOW_EXECUTION_STATUS_COMPLETED && status != enums::WORKFLOW_EXECUTION_STATUS_CANCELED) {
        return Internal("the simulated build " + workflow_id + " ended as " +
                        enums::WorkflowExecutionStatus_Name(status) + ": " + LastEvent(workflow_id));
      }
      cancels_.erase(workflow_id);
      for (auto& [number, lane] : lanes_) {
        if (lane.running != nullptr && lane.running->workflow_id == workflow_id) lane.running = nullptr;
      }
      if (progress_) progress_(++done_);
    }
    return Ok();
  }

  /// How a run ended, for people.
  std::string LastEvent(const std::string& workflow_id) {
    ws::GetWorkflowExecutionHistoryRequest request;
    request.set_namespace_("default");
    request.mutable_execution()->set_workflow_id(workflow_id);
    request.set_history_event_filter_type(enums::HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT);
    const auto response = host_.Call<ws::GetWorkflowExecutionHistoryResponse>("GetWorkflowExecutionHistory", request);
    if (!response || response->history().events().empty()) return "its history cannot be read";
    return response->history().events().rbegin()->ShortDebugString();
  }

  const Progress& progress_;
  sdk::WorkflowRegistry workflows_;
  sdk::ActivityRegistry activities_;
  VirtualHost host_;
  SimulatedWorld world_;
  std::map<int, Lane> lanes_;
  std::map<std::string, Instant> cancels_;
  std::vector<std::string> released_;
  int done_ = 0;
};

}  // namespace

nlohmann::json InputOf(const BuildPlan& plan) {
  workflows::AuditedBuildInput input;
  input.task = plan.task;
  input.working_dir = SimulatedWorld::WorkingDir(plan);
  input.template_id = kTemplateId;
  input.template_version = plan.template_version;
  input.template_values = TemplateValues(plan.specifics_period);
  input.model = kSimulatedModel;
  input.backend = kSimulatedBackend;
  return input;
}

Result<BuildTraces> RunThroughEngine(const Behaviour& behaviour, const Progress& progress) {
  return EngineRun(behaviour, progress).Run();
}

}  // namespace wfe::demo
