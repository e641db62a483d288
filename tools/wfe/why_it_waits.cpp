#include "tools/wfe/why_it_waits.h"

#include <algorithm>
#include <set>

#include "temporal/api/history/v1/message.pb.h"
#include "tools/wfe/queue_pollers.h"

namespace wfe::cli {
namespace {

namespace enums = temporal::api::enums::v1;

/// The newest events; empty when the server cannot give them.
std::vector<temporal::api::history::v1::HistoryEvent> NewestEvents(Globals& globals, const Target& target) {
  ws::GetWorkflowExecutionHistoryReverseRequest request;
  request.set_namespace_(globals.Namespace());
  request.mutable_execution()->set_workflow_id(target.workflow_id);
  request.mutable_execution()->set_run_id(target.run_id);
  request.set_maximum_page_size(200);
  const auto page =
      globals.Call<ws::GetWorkflowExecutionHistoryReverseResponse>("GetWorkflowExecutionHistoryReverse", request);
  if (!page) return {};
  return {page->history().events().begin(), page->history().events().end()};
}

}  // namespace

void AddWhyItWaits(Globals& globals, const ws::DescribeWorkflowExecutionResponse& description,
                   nlohmann::ordered_json& object) {
  const auto& execution = description.workflow_execution_info().execution();
  const auto events = NewestEvents(globals, {execution.workflow_id(), execution.run_id()});
  const auto was_started = [](const auto& event) {
    return event.event_type() == enums::EVENT_TYPE_WORKFLOW_TASK_STARTED;
  };
  if (std::ranges::any_of(events, was_started)) {
    globals.worked_queues.insert(description.workflow_execution_info().task_queue());
  }
  std::set<std::string> queues;
  if (description.has_pending_workflow_task()) {
    // A failing task is handed out again without new events, so the reason is the last one that was written down.
    for (const auto& event : events) {
      if (event.event_type() == enums::EVENT_TYPE_WORKFLOW_TASK_COMPLETED) break;
      if (event.event_type() != enums::EVENT_TYPE_WORKFLOW_TASK_FAILED) continue;
      object["workflow_task_failure"] = FailureText(event.workflow_task_failed_event_attributes().failure());
      break;
    }
    if (!description.pending_workflow_task().has_started_time()) {
      queues.insert(description.workflow_execution_info().task_queue());
    }
  }
  std::set<std::string> waiting;
  for (const auto& activity : description.pending_activities()) {
    if (activity.state() == enums::PENDING_ACTIVITY_STATE_SCHEDULED) waiting.insert(activity.activity_id());
  }
  std::set<std::string> activity_queues;
  for (const auto& event : events) {
    if (event.event_type() != enums::EVENT_TYPE_ACTIVITY_TASK_SCHEDULED) continue;
    const auto& scheduled = event.activity_task_scheduled_event_attributes();
    if (waiting.contains(scheduled.activity_id())) activity_queues.insert(scheduled.task_queue().name());
  }
  nlohmann::ordered_json reasons = nlohmann::ordered_json::array();
  for (const std::string& queue : queues) {
    if (const std::string reason = NobodyPolls(globals, queue); !reason.empty()) reasons.push_back(reason);
  }
  for (const std::string& queue : activity_queues) {
    const auto pollers = DescribeQueue(globals, queue);
    if (!queues.contains(queue) && pollers && pollers->activity == 0) {
      reasons.push_back("nobody polls queue " + queue + " for activities");
    }
  }
  if (reasons.size() == 1) object["waiting_for"] = reasons.front();
  if (reasons.size() > 1) object["waiting_for"] = reasons;
}

}  // namespace wfe::cli
