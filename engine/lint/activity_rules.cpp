// H13 to H19: activities.
#include <array>
#include <set>
#include <utility>

#include "engine/lint/rule.h"

namespace wfe::lint {
namespace {

namespace enums = temporal::api::enums::v1;

std::string Event(const HistoryEvent* event) {
  return event == nullptr ? "nothing" : "event " + std::to_string(event->event_id());
}

void NamesItsScheduledEvent(const HistoryView& history, Report& report) {
  WalkActivities(history, [&](const HistoryEvent& event, const ActivityStory* story) {
    if (story == nullptr) {
      report.Add(event, "event " + std::to_string(ActivityReferenceOf(event)->scheduled_event_id) +
                            ", which it names, is no earlier ACTIVITY_TASK_SCHEDULED");
    } else if (event.has_activity_task_started_event_attributes()) {
      if (story->closed != nullptr) report.Add(event, "the activity was closed at " + Event(story->closed));
      if (story->started != nullptr) report.Add(event, "the activity started before, at " + Event(story->started));
    } else if (event.has_activity_task_cancel_requested_event_attributes()) {
      if (story->closed != nullptr) report.Add(event, "the activity was closed at " + Event(story->closed));
      if (story->cancel_requested != nullptr) report.Add(event, "asked before, at " + Event(story->cancel_requested));
    }
  });
}

void ClosesOnce(const HistoryView& history, Report& report) {
  WalkActivities(history, [&](const HistoryEvent& event, const ActivityStory* story) {
    if (story != nullptr && story->closed != nullptr && IsActivityClosing(event.event_type())) {
      report.Add(event, "the activity was closed at " + Event(story->closed));
    }
  });
}

enums::TimeoutType TimeoutTypeOf(const HistoryEvent& event) {
  return event.activity_task_timed_out_event_attributes().failure().timeout_failure_info().timeout_type();
}

/// An activity may close without having started.
bool NeedsNoStart(const HistoryEvent& event, const ActivityStory& story) {
  if (event.has_activity_task_timed_out_event_attributes()) {
    const auto type = TimeoutTypeOf(event);
    return type == enums::TIMEOUT_TYPE_SCHEDULE_TO_START || type == enums::TIMEOUT_TYPE_SCHEDULE_TO_CLOSE;
  }
  if (event.has_activity_task_canceled_event_attributes() && story.cancel_requested != nullptr) {
    // Cancelled where it waited: with what the task that asked for it left behind, before the next task.
    const HistoryEvent* between = story.cancel_requested + 1;
    while (between != &event && !IsWorkflowTaskEvent(between->event_type())) ++between;
    return between == &event;
  }
  return false;
}

void ClosesAfterItStarted(const HistoryView& history, Report& report) {
  const HistoryEvent* written_late = nullptr;  // A Started event whose close must come next (S30).
  for (const HistoryEvent& event : history.events()) {
    if (written_late != nullptr && !history.options().foreign) {
      const auto reference = ActivityReferenceOf(event);
      if (!reference || reference->started_event_id != written_late->event_id()) {
        report.Add(*written_late, "it is written when the activity closes, but the next event does not close it");
      }
    }
    written_late = event.has_activity_task_started_event_attributes() ? &event : nullptr;
  }
  if (written_late != nullptr && !history.options().foreign) {
    report.Add(*written_late, "it is written when the activity closes, but nothing follows");
  }
  WalkActivities(history, [&](const HistoryEvent& event, const ActivityStory* story) {
    if (story == nullptr || !IsActivityClosing(event.event_type())) return;
    const EventId named = ActivityReferenceOf(event)->started_event_id.value_or(0);
    const EventId started = story->started == nullptr ? 0 : story->started->event_id();
    if (started == 0 && !NeedsNoStart(event, *story)) return report.Add(event, "the activity has not started");
    if (named != started) {
      report.Add(event, "it names event " + std::to_string(named) + " as started, that is " + Event(story->started));
    }
  });
}

void AttemptsWithinMaximum(const HistoryView& history, Report& report) {
  WalkActivities(history, [&](const HistoryEvent& event, const ActivityStory* story) {
    if (story == nullptr || !event.has_activity_task_started_event_attributes()) return;
    const int32_t attempt = event.activity_task_started_event_attributes().attempt();
    const int32_t maximum =
        story->scheduled->activity_task_scheduled_event_attributes().retry_policy().maximum_attempts();
    if (attempt < 1) report.Add(event, "attempt " + std::to_string(attempt));
    if (maximum > 0 && attempt > maximum && !history.deadlines_unknown()) {
      report.Add(event, "attempt " + std::to_string(attempt) + " of at most " + std::to_string(maximum));
    }
  });
}

/// The instant before which this timeout cannot have happened; nullopt: it cannot be told.
std::optional<Instant> EarliestTimeout(const HistoryEvent& event, const ActivityStory& story) {
  const auto& scheduled = story.scheduled->activity_task_scheduled_event_attributes();
  const Instant from_scheduled = TimeOf(*story.scheduled);
  const std::optional<Instant> from_started =
      story.started == nullptr ? std::nullopt : std::optional(TimeOf(*story.started));
  switch (TimeoutTypeOf(event)) {
    case enums::TIMEOUT_TYPE_SCHEDULE_TO_START:
      return from_scheduled + ToDuration(scheduled.schedule_to_start_timeout());
    case enums::TIMEOUT_TYPE_SCHEDULE_TO_CLOSE:
      // Also said, early, when the next attempt would come too late (S21).
      if (event.activity_task_timed_out_event_attributes().retry_state() == enums::RETRY_STATE_TIMEOUT &&
          from_started.has_value()) {
        return from_started;
      }
      return from_scheduled + ToDuration(scheduled.schedule_to_close_timeout());
    case enums::TIMEOUT_TYPE_START_TO_CLOSE:
      if (!from_started) return std::nullopt;
      return *from_started + ToDuration(scheduled.start_to_close_timeout());
    case enums::TIMEOUT_TYPE_HEARTBEAT:
      if (!from_started) return std::nullopt;
      return *from_started + ToDuration(scheduled.heartbeat_timeout());
    default:
      return std::nullopt;
  }
}

/// A workflow task or the run itself.
std::optional<Instant> EarliestTimeout(const HistoryView& history, const HistoryEvent& event) {
  if (event.has_workflow_task_timed_out_event_attributes()) {
    const auto& timed_out = event.workflow_task_timed_out_event_attributes();
    const HistoryEvent* scheduled = history.Find(timed_out.scheduled_event_id());
    const HistoryEvent* started = history.Find(timed_out.started_event_id());
    if (timed_out.timeout_type() != enums::TIMEOUT_TYPE_START_TO_CLOSE || scheduled == nullptr || started == nullptr) {
      return std::nullopt;
    }
    return TimeOf(*started) +
           ToDuration(scheduled->workflow_task_scheduled_event_attributes().start_to_close_timeout());
  }
  if (event.has_workflow_execution_timed_out_event_attributes()) {
    const HistoryEvent& first = history.events().front();
    const auto& started = first.workflow_execution_started_event_attributes();
    const Duration run_timeout = ToDuration(started.workflow_run_timeout());
    std::optional<Instant> earliest;
    if (run_timeout > Duration::zero()) earliest = TimeOf(first) + run_timeout;
    if (started.has_workflow_execution_expiration_time()) {
      const Instant expiration(ToDuration(started.workflow_execution_expiration_time()));
      earliest = earliest ? std::min(*earliest, expiration) : expiration;
    }
    return earliest;
  }
  return std::nullopt;
}

void TimeoutsNotEarly(const HistoryView& history, Report& report) {
  if (history.deadlines_unknown()) return;
  const auto check = [&](const HistoryEvent& event, std::optional<Instant> earliest) {
    if (earliest && TimeOf(event) + history.timer_tolerance() < *earliest) {
      report.Add(event, "at " + FormatIso8601Millis(TimeOf(event)) + ", before its deadline " +
                            FormatIso8601Millis(*earliest));
    }
  };
  for (const HistoryEvent& event : history.events()) check(event, EarliestTimeout(history, event));
  WalkActivities(history, [&](const HistoryEvent& event, const ActivityStory* story) {
    if (story == nullptr || !event.has_activity_task_timed_out_event_attributes()) return;
    if (TimeoutTypeOf(event) == enums::TIMEOUT_TYPE_UNSPECIFIED) report.Add(event, "it does not say which timeout");
    check(event, EarliestTimeout(event, *story));
  });
}

/// The id of a cancelled activity is free as soon as it has ended, and the event that says so comes after those of the
/// commands.
void ActivityIdsUniqueAmongOpen(const HistoryView& history, Report& report) {
  std::map<std::string, EventId> open;
  std::set<EventId> cancelled;
  std::map<EventId, std::pair<const HistoryEvent*, std::string>> doubtful;  // by what holds the id
  const auto complain = [&](const HistoryEvent& event, const std::string& id, EventId holder) {
    report.Add(event, "activity id " + id + " is open since event " + std::to_string(holder));
  };
  const auto decide = [&] {
    for (const auto& [holder, second] : doubtful) complain(*second.first, second.second, holder);
    doubtful.clear();
  };
  const auto visit = [&](const HistoryEvent& event, const HistoryEvent& scheduled) {
    const std::string& id = scheduled.activity_task_scheduled_event_attributes().activity_id();
    if (&event == &scheduled) {
      const auto [holder, inserted] = open.try_emplace(id, event.event_id());
      if (inserted) return;
      const EventId held_by = std::exchange(holder->second, event.event_id());
      if (!cancelled.contains(held_by)) return complain(event, id, held_by);
      doubtful.insert_or_assign(held_by, std::pair(&event, id));
    } else if (event.has_activity_task_cancel_requested_event_attributes()) {
      cancelled.insert(scheduled.event_id());
    } else if (IsActivityClosing(event.event_type())) {
      doubtful.erase(scheduled.event_id());
      if (const auto holder = open.find(id); holder != open.end() && holder->second == scheduled.event_id()) {
        open.erase(holder);
      }
    }
  };
  for (const HistoryEvent& event : history.events()) {
    if (IsWorkflowTaskEvent(event.event_type())) decide();
    if (event.has_activity_task_scheduled_event_attributes()) {
      visit(event, event);
    } else if (const auto reference = ActivityReferenceOf(event)) {
      const auto* scheduled =
          history.FindEarlier(reference->scheduled_event_id, enums::EVENT_TYPE_ACTIVITY_TASK_SCHEDULED, event);
      if (scheduled != nullptr) visit(event, *scheduled);
    }
  }
  decide();
}

void CancelRequestedBeforeCanceled(const HistoryView& history, Report& report) {
  WalkActivities(history, [&](const HistoryEvent& event, const ActivityStory* story) {
    if (story == nullptr || !event.has_activity_task_canceled_event_attributes()) return;
    const EventId named = event.activity_task_canceled_event_attributes().latest_cancel_requested_event_id();
    if (story->cancel_requested == nullptr) {
      report.Add(event, "nobody asked for the cancellation");
    } else if (named != story->cancel_requested->event_id()) {
      report.Add(event, "it names event " + std::to_string(named) + " as the request, that is " +
                            Event(story->cancel_requested));
    }
  });
}

constexpr auto kActivityRules = std::to_array<Rule>({
    {"H13", "every event of an activity refers to its Scheduled event", NamesItsScheduledEvent},
    {"H14", "an activity closes at most once", ClosesOnce},
    {"H15", "an activity closes after it started, where that is needed", ClosesAfterItStarted},
    {"H16", "no activity has more attempts than its policy allows", AttemptsWithinMaximum},
    {"H17", "no timeout comes before its deadline", TimeoutsNotEarly},
    {"H18", "activity ids are unique among open activities", ActivityIdsUniqueAmongOpen},
    {"H19", "a cancelled activity was asked to cancel", CancelRequestedBeforeCanceled},
});

}  // namespace

std::span<const Rule> ActivityRules() { return kActivityRules; }

}  // namespace wfe::lint
