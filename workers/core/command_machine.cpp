#include "workers/core/command_machine.h"

#include <cctype>

namespace wfe::core {

std::string EventTypeName(enums::EventType type) {
  constexpr std::string_view kPrefix = "EVENT_TYPE_";
  const std::string& full = enums::EventType_Name(type);
  if (!full.starts_with(kPrefix)) return "event type " + std::to_string(type);
  std::string name;
  bool upper = true;
  for (const char c : full.substr(kPrefix.size())) {
    if (c == '_') {
      upper = true;
    } else {
      name += upper ? c : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      upper = false;
    }
  }
  return name;
}

std::string DescribeEvent(const history_pb::HistoryEvent& event) {
  const std::string name = EventTypeName(event.event_type());
  switch (event.event_type()) {
    case enums::EVENT_TYPE_ACTIVITY_TASK_SCHEDULED: {
      const auto& a = event.activity_task_scheduled_event_attributes();
      return name + "(activity type=" + a.activity_type().name() + ", activity id=" + a.activity_id() + ")";
    }
    case enums::EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED:
      return name + "(scheduled event id=" +
             std::to_string(event.activity_task_cancel_requested_event_attributes().scheduled_event_id()) + ")";
    case enums::EVENT_TYPE_TIMER_STARTED:
      return name + "(timer id=" + event.timer_started_event_attributes().timer_id() + ")";
    case enums::EVENT_TYPE_TIMER_CANCELED:
      return name + "(timer id=" + event.timer_canceled_event_attributes().timer_id() + ")";
    case enums::EVENT_TYPE_MARKER_RECORDED:
      return name + "(marker name=" + event.marker_recorded_event_attributes().marker_name() + ")";
    case enums::EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED: {
      const auto& a = event.start_child_workflow_execution_initiated_event_attributes();
      return name + "(workflow type=" + a.workflow_type().name() + ", workflow id=" + a.workflow_id() + ")";
    }
    case enums::EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED: {
      const auto& a = event.signal_external_workflow_execution_initiated_event_attributes();
      return name + "(workflow id=" + a.workflow_execution().workflow_id() + ", signal name=" + a.signal_name() + ")";
    }
    case enums::EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED: {
      const auto& a = event.request_cancel_external_workflow_execution_initiated_event_attributes();
      return name + "(workflow id=" + a.workflow_execution().workflow_id() + ")";
    }
    default:
      return name;
  }
}

bool IsCommandEvent(const history_pb::HistoryEvent& event) {
  switch (event.event_type()) {
    case enums::EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
    case enums::EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED:
    case enums::EVENT_TYPE_TIMER_STARTED:
    case enums::EVENT_TYPE_TIMER_CANCELED:
    case enums::EVENT_TYPE_MARKER_RECORDED:
    case enums::EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED:
    case enums::EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED:
    case enums::EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED:
    case enums::EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES:
    case enums::EVENT_TYPE_WORKFLOW_PROPERTIES_MODIFIED:
    case enums::EVENT_TYPE_NEXUS_OPERATION_SCHEDULED:
    case enums::EVENT_TYPE_NEXUS_OPERATION_CANCEL_REQUESTED:
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED:
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_FAILED:
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED:
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW:
      return true;
    default:
      return false;
  }
}

}  // namespace wfe::core
