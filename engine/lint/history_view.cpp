#include "engine/lint/history_view.h"

namespace wfe::lint {

namespace enums = temporal::api::enums::v1;

std::string_view TypeName(EventType type) {
  constexpr std::string_view kPrefix = "EVENT_TYPE_";
  const std::string& name = enums::EventType_Name(type);
  if (name.empty()) return "event of an unknown type";
  return std::string_view(name).substr(kPrefix.size());
}

Instant TimeOf(const HistoryEvent& event) { return Instant(ToDuration(event.event_time())); }

bool IsClosing(EventType type) {
  switch (type) {
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED:
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_FAILED:
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT:
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED:
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED:
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW:
      return true;
    default:
      return false;
  }
}

std::string NextRunId(const HistoryEvent& event) {
  switch (event.attributes_case()) {
    case HistoryEvent::kWorkflowExecutionContinuedAsNewEventAttributes:
      return event.workflow_execution_continued_as_new_event_attributes().new_execution_run_id();
    case HistoryEvent::kWorkflowExecutionCompletedEventAttributes:
      return event.workflow_execution_completed_event_attributes().new_execution_run_id();
    case HistoryEvent::kWorkflowExecutionFailedEventAttributes:
      return event.workflow_execution_failed_event_attributes().new_execution_run_id();
    case HistoryEvent::kWorkflowExecutionTimedOutEventAttributes:
      return event.workflow_execution_timed_out_event_attributes().new_execution_run_id();
    default:
      return "";
  }
}

bool IsWorkflowTaskEvent(EventType type) {
  switch (type) {
    case enums::EVENT_TYPE_WORKFLOW_TASK_SCHEDULED:
    case enums::EVENT_TYPE_WORKFLOW_TASK_STARTED:
    case enums::EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
    case enums::EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT:
    case enums::EVENT_TYPE_WORKFLOW_TASK_FAILED:
      return true;
    default:
      return false;
  }
}

std::optional<EventId> CommandedBy(const HistoryEvent& event) {
  switch (event.attributes_case()) {
    case HistoryEvent::kWorkflowExecutionCompletedEventAttributes:
      return event.workflow_execution_completed_event_attributes().workflow_task_completed_event_id();
    case HistoryEvent::kWorkflowExecutionFailedEventAttributes:
      return event.workflow_execution_failed_event_attributes().workflow_task_completed_event_id();
    case HistoryEvent::kWorkflowExecutionCanceledEventAttributes:
      return event.workflow_execution_canceled_event_attributes().workflow_task_completed_event_id();
    case HistoryEvent::kWorkflowExecutionContinuedAsNewEventAttributes: {
      // A retry or the next run of a cron schedule is the server's doing; it names a completion only when there was
      // one.
      const auto& continued = event.workflow_execution_continued_as_new_event_attributes();
      if (continued.workflow_task_completed_event_id() == 0 &&
          (continued.initiator() == enums::CONTINUE_AS_NEW_INITIATOR_RETRY ||
           continued.initiator() == enums::CONTINUE_AS_NEW_INITIATOR_CRON_SCHEDULE)) {
        return std::nullopt;
      }
      return continued.workflow_task_completed_event_id();
    }
    case HistoryEvent::kActivityTaskScheduledEventAttributes:
      return event.activity_task_scheduled_event_attributes().workflow_task_completed_event_id();
    case HistoryEvent::kActivityTaskCancelRequestedEventAttributes:
      return event.activity_task_cancel_requested_event_attributes().workflow_task_completed_event_id();
    case HistoryEvent::kTimerStartedEventAttributes:
      return event.timer_started_event_attributes().workflow_task_completed_event_id();
    case HistoryEvent::kTimerCanceledEventAttributes:
      return event.timer_canceled_event_attributes().workflow_task_completed_event_id();
    case HistoryEvent::kMarkerRecordedEventAttributes:
      return event.marker_recorded_event_attributes().workflow_task_completed_event_id();
    case HistoryEvent::kUpsertWorkflowSearchAttributesEventAttributes:
      return event.upsert_workflow_search_attributes_event_attributes().workflow_task_completed_event_id();
    case HistoryEvent::kWorkflowPropertiesModifiedEventAttributes:
      return event.workflow_properties_modified_event_attributes().workflow_task_completed_event_id();
    case HistoryEvent::kStartChildWorkflowExecutionInitiatedEventAttributes:
      return event.start_child_workflow_execution_initiated_event_attributes().workflow_task_completed_event_id();
    case HistoryEvent::kSignalExternalWorkflowExecutionInitiatedEventAttributes:
      return event.signal_external_workflow_execution_initiated_event_attributes().workflow_task_completed_event_id();
    case HistoryEvent::kRequestCancelExternalWorkflowExecutionInitiatedEventAttributes:
      return event.request_cancel_external_workflow_execution_initiated_event_attributes()
          .workflow_task_completed_event_id();
    case HistoryEvent::kNexusOperationScheduledEventAttributes:
      return event.nexus_operation_scheduled_event_attributes().workflow_task_completed_event_id();
    case HistoryEvent::kNexusOperationCancelRequestedEventAttributes:
      return event.nexus_operation_cancel_requested_event_attributes().workflow_task_completed_event_id();
    default:
      return std::nullopt;
  }
}

EventId NexusScheduledEventId(const HistoryEvent& event) {
  switch (event.attributes_case()) {
    case HistoryEvent::kNexusOperationStartedEventAttributes:
      return event.nexus_operation_started_event_attributes().scheduled_event_id();
    case HistoryEvent::kNexusOperationCompletedEventAttributes:
      return event.nexus_operation_completed_event_attributes().scheduled_event_id();
    case HistoryEvent::kNexusOperationFailedEventAttributes:
      return event.nexus_operation_failed_event_attributes().scheduled_event_id();
    case HistoryEvent::kNexusOperationCanceledEventAttributes:
      return event.nexus_operation_canceled_event_attributes().scheduled_event_id();
    default:
      return 0;
  }
}

bool MayStandAmongCommands(EventType type) {
  switch (type) {
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED:
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED:
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_REJECTED:
    case enums::EVENT_TYPE_ACTIVITY_TASK_STARTED:
    case enums::EVENT_TYPE_NEXUS_OPERATION_CANCELED:
      return true;
    default:
      return false;
  }
}

HistoryView::HistoryView(const std::vector<HistoryEvent>& events, const LintOptions& options)
    : events_(events), options_(options) {
  by_id_.reserve(events.size());
  for (const HistoryEvent& event : events) {
    by_id_.emplace(event.event_id(), &event);
    deadlines_unknown_ |= event.has_workflow_execution_time_skipping_transitioned_event_attributes() ||
                          event.has_workflow_properties_modified_externally_event_attributes() ||
                          event.has_activity_properties_modified_externally_event_attributes();
  }
}

const HistoryEvent* HistoryView::Find(EventId id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : found->second;
}

const HistoryEvent* HistoryView::FindEarlier(EventId id, EventType type, const HistoryEvent& before) const {
  const HistoryEvent* found = Find(id);
  return found != nullptr && found->event_type() == type && found < &before ? found : nullptr;
}

std::optional<ActivityReference> ActivityReferenceOf(const HistoryEvent& event) {
  switch (event.attributes_case()) {
    case HistoryEvent::kActivityTaskStartedEventAttributes:
      return ActivityReference{event.activity_task_started_event_attributes().scheduled_event_id(), std::nullopt};
    case HistoryEvent::kActivityTaskCancelRequestedEventAttributes:
      return ActivityReference{event.activity_task_cancel_requested_event_attributes().scheduled_event_id(),
                               std::nullopt};
    case HistoryEvent::kActivityTaskCompletedEventAttributes:
      return ActivityReference{event.activity_task_completed_event_attributes().scheduled_event_id(),
                               event.activity_task_completed_event_attributes().started_event_id()};
    case HistoryEvent::kActivityTaskFailedEventAttributes:
      return ActivityReference{event.activity_task_failed_event_attributes().scheduled_event_id(),
                               event.activity_task_failed_event_attributes().started_event_id()};
    case HistoryEvent::kActivityTaskTimedOutEventAttributes:
      return ActivityReference{event.activity_task_timed_out_event_attributes().scheduled_event_id(),
                               event.activity_task_timed_out_event_attributes().started_event_id()};
    case HistoryEvent::kActivityTaskCanceledEventAttributes:
      return ActivityReference{event.activity_task_canceled_event_attributes().scheduled_event_id(),
                               event.activity_task_canceled_event_attributes().started_event_id()};
    default:
      return std::nullopt;
  }
}

bool IsActivityClosing(EventType type) {
  switch (type) {
    case enums::EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
    case enums::EVENT_TYPE_ACTIVITY_TASK_FAILED:
    case enums::EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT:
    case enums::EVENT_TYPE_ACTIVITY_TASK_CANCELED:
      return true;
    default:
      return false;
  }
}

std::vector<OpenTimer> OpenTimers(const HistoryView& history) {
  std::map<EventId, OpenTimer> open;
  for (const HistoryEvent& event : history.events()) {
    if (event.has_timer_started_event_attributes()) {
      const auto& started = event.timer_started_event_attributes();
      open[event.event_id()] = {event.event_id(), started.timer_id(),
                                TimeOf(event) + ToDuration(started.start_to_fire_timeout())};
    } else if (event.has_timer_fired_event_attributes()) {
      open.erase(event.timer_fired_event_attributes().started_event_id());
    } else if (event.has_timer_canceled_event_attributes()) {
      open.erase(event.timer_canceled_event_attributes().started_event_id());
    }
  }
  std::vector<OpenTimer> timers;
  for (auto& [id, timer] : open) timers.push_back(std::move(timer));
  return timers;
}

}  // namespace wfe::lint
