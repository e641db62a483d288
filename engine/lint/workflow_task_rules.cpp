// H7, H8, H11, H12: workflow tasks.
#include <array>

#include "engine/lint/rule.h"

namespace wfe::lint {
namespace {

namespace enums = temporal::api::enums::v1;

std::string Event(EventId id) { return "event " + std::to_string(id); }

void AtMostOneOpen(const HistoryView& history, Report& report) {
  WalkWorkflowTasks(history, [&](const HistoryEvent& event, const OpenWorkflowTask& open) {
    if (event.has_workflow_task_scheduled_event_attributes() && open.scheduled != nullptr) {
      report.Add(event, "the one of " + Event(open.scheduled->event_id()) + " is still open");
    }
  });
}

/// How a workflow task's closing event points back.
struct Closing {
  EventId scheduled_event_id = 0;
  EventId started_event_id = 0;
  bool needs_started = true;
  bool forbids_started = false;
};

std::optional<Closing> ClosingOf(const HistoryEvent& event) {
  if (event.has_workflow_task_completed_event_attributes()) {
    const auto& completed = event.workflow_task_completed_event_attributes();
    return Closing{completed.scheduled_event_id(), completed.started_event_id()};
  }
  if (event.has_workflow_task_failed_event_attributes()) {
    const auto& failed = event.workflow_task_failed_event_attributes();
    // A reset ends a task wherever it stands.
    const bool reset = failed.cause() == enums::WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW;
    return Closing{failed.scheduled_event_id(), failed.started_event_id(), !reset};
  }
  if (event.has_workflow_task_timed_out_event_attributes()) {
    const auto& timed_out = event.workflow_task_timed_out_event_attributes();
    // A sticky queue that nobody polls: never started.
    const bool not_started = timed_out.timeout_type() == enums::TIMEOUT_TYPE_SCHEDULE_TO_START;
    return Closing{timed_out.scheduled_event_id(), timed_out.started_event_id(), !not_started, not_started};
  }
  return std::nullopt;
}

/// The closing event names a real task, but one that was over before: rule H12's business.
bool NamesOlderTask(const HistoryView& history, const HistoryEvent& event, const Closing& closing,
                    const OpenWorkflowTask& open) {
  const HistoryEvent* started =
      history.FindEarlier(closing.started_event_id, enums::EVENT_TYPE_WORKFLOW_TASK_STARTED, event);
  return started != nullptr && started != open.started &&
         started->workflow_task_started_event_attributes().scheduled_event_id() == closing.scheduled_event_id;
}

void ScheduledStartedClosed(const HistoryView& history, Report& report) {
  WalkWorkflowTasks(history, [&](const HistoryEvent& event, const OpenWorkflowTask& open) {
    if (event.has_workflow_task_started_event_attributes()) {
      const EventId named = event.workflow_task_started_event_attributes().scheduled_event_id();
      if (open.scheduled == nullptr) return report.Add(event, "no workflow task is scheduled");
      if (open.started != nullptr) return report.Add(event, "it started before, at " + Event(open.started->event_id()));
      if (named != open.scheduled->event_id()) {
        report.Add(event, "it names " + Event(named) + ", scheduled is " + Event(open.scheduled->event_id()));
      }
      return;
    }
    const auto closing = ClosingOf(event);
    if (!closing || NamesOlderTask(history, event, *closing, open)) return;
    if (open.scheduled == nullptr) return report.Add(event, "no workflow task is open");
    if (closing->scheduled_event_id != open.scheduled->event_id()) {
      report.Add(event, "it names " + Event(closing->scheduled_event_id) + " as scheduled, open is " +
                            Event(open.scheduled->event_id()));
    }
    const EventId started = open.started == nullptr ? 0 : open.started->event_id();
    if (closing->needs_started && started == 0) return report.Add(event, "the workflow task has not started");
    if (closing->forbids_started && started != 0) return report.Add(event, "the workflow task had started");
    if (closing->started_event_id != started && (closing->needs_started || closing->started_event_id != 0)) {
      report.Add(event, "it names " + Event(closing->started_event_id) + " as started, open is " + Event(started));
    }
  });
}

/// As servers before 1.0 of Temporal did: the first task of the run says so.
bool CountsAttemptsFromZero(const HistoryView& history) {
  if (!history.options().foreign) return false;
  for (const HistoryEvent& event : history.events()) {
    if (!event.has_workflow_task_scheduled_event_attributes()) continue;
    return event.workflow_task_scheduled_event_attributes().attempt() == 0;
  }
  return false;
}

void AttemptsGrow(const HistoryView& history, Report& report) {
  const bool from_zero = CountsAttemptsFromZero(history);
  int32_t previous = 0;
  bool fresh = true;   // A new series begins: the first task, or the one after a completion.
  bool reset = false;  // The task before was ended by a reset, which may begin anew.
  bool news = false;   // Something happened since the last attempt: it is no longer a mere repetition (S42).
  for (const HistoryEvent& event : history.events()) {
    if (event.has_workflow_task_scheduled_event_attributes()) {
      // Old servers counted from 0.
      const int32_t attempt = event.workflow_task_scheduled_event_attributes().attempt() + (from_zero ? 1 : 0);
      if (fresh && attempt != 1) {
        report.Add(event, "attempt " + std::to_string(attempt) + " begins a series, expected 1");
      } else if (attempt < 1 || (!fresh && attempt < previous && !(attempt == 1 && (news || reset)))) {
        report.Add(event, "attempt " + std::to_string(attempt) + " after attempt " + std::to_string(previous));
      }
      previous = attempt;
      fresh = reset = news = false;
    } else if (event.has_workflow_task_completed_event_attributes()) {
      fresh = true;
    } else if (event.has_workflow_task_failed_event_attributes()) {
      reset = event.workflow_task_failed_event_attributes().cause() == enums::WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW;
    } else if (!IsWorkflowTaskEvent(event.event_type())) {
      news = true;
    }
  }
}

void NoOldTokens(const HistoryView& history, Report& report) {
  WalkWorkflowTasks(history, [&](const HistoryEvent& event, const OpenWorkflowTask& open) {
    const auto closing = ClosingOf(event);
    if (closing && NamesOlderTask(history, event, *closing, open)) {
      report.Add(event, "it answers the task started at " + Event(closing->started_event_id) + ", which was over");
    }
  });
}

constexpr auto kWorkflowTaskRules = std::to_array<Rule>({
    {"H7", "at most one workflow task is open", AtMostOneOpen},
    {"H8", "a workflow task is scheduled, started, then completed, failed or timed out", ScheduledStartedClosed},
    {"H11", "attempts of a workflow task begin at 1 and never decrease until one completes", AttemptsGrow},
    {"H12", "no workflow task is closed with the token of an older attempt", NoOldTokens},
});

}  // namespace

std::span<const Rule> WorkflowTaskRules() { return kWorkflowTaskRules; }

}  // namespace wfe::lint
