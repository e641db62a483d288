// A history made easy to ask: events by id, times, what kind an event is, and walks that carry the state of one thing.
// Accepts any list of events, valid or not.  Private to engine/lint.
#pragma once

#include <map>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/lint/lint.h"

namespace wfe::lint {

using EventType = temporal::api::enums::v1::EventType;

/// "ACTIVITY_TASK_STARTED".
std::string_view TypeName(EventType type);
inline std::string_view TypeName(const HistoryEvent& event) { return TypeName(event.event_type()); }

Instant TimeOf(const HistoryEvent& event);

template <class Proto>  // google.protobuf.Duration
Duration ToDuration(const Proto& duration) {
  return std::chrono::seconds(duration.seconds()) + std::chrono::nanoseconds(duration.nanos());
}

/// The run ends with this event.
bool IsClosing(EventType type);
/// The run that a closing event says comes next; empty for none.
std::string NextRunId(const HistoryEvent& event);
/// One of the workflow task's own events.
bool IsWorkflowTaskEvent(EventType type);
/// A command of the worker wrote this event: the WorkflowTaskCompleted it names (0: it names none).  nullopt for
/// events that come from elsewhere.
std::optional<EventId> CommandedBy(const HistoryEvent& event);
/// The Scheduled event of the Nexus operation that this event tells about; 0: it tells about none.
EventId NexusScheduledEventId(const HistoryEvent& event);
/// Written together with commands although it names no completion: an update's events, an activity handed out eagerly.
/// Nothing else may: workers count their commands to know the ids of their events in advance (WIRE-F3).
bool MayStandAmongCommands(EventType type);

class HistoryView {
 public:
  HistoryView(const std::vector<HistoryEvent>& events, const LintOptions& options);

  const std::vector<HistoryEvent>& events() const { return events_; }
  const LintOptions& options() const { return options_; }
  /// nullptr: no event has this id.
  const HistoryEvent* Find(EventId id) const;
  /// The event, when it exists, is of this type and stands before `before`; else nullptr.
  const HistoryEvent* FindEarlier(EventId id, EventType type, const HistoryEvent& before) const;
  /// How much earlier than its deadline a timer may seem to fire (a foreign server's rounding).
  Duration timer_tolerance() const { return options_.foreign ? std::chrono::milliseconds(1) : Duration::zero(); }
  /// Virtual time was skipped or properties were changed from outside: deadlines cannot be judged.
  bool deadlines_unknown() const { return deadlines_unknown_; }

 private:
  const std::vector<HistoryEvent>& events_;
  const LintOptions& options_;
  std::unordered_map<EventId, const HistoryEvent*> by_id_;
  bool deadlines_unknown_ = false;
};

/// The workflow task that is open just before an event.
struct OpenWorkflowTask {
  const HistoryEvent* scheduled = nullptr;
  const HistoryEvent* started = nullptr;
};

/// Visits every workflow-task event with the task open before it (scheduled is nullptr: none).
template <class Visit>
void WalkWorkflowTasks(const HistoryView& history, Visit visit) {
  OpenWorkflowTask open;
  for (const HistoryEvent& event : history.events()) {
    if (!IsWorkflowTaskEvent(event.event_type())) continue;
    visit(event, static_cast<const OpenWorkflowTask&>(open));
    if (event.has_workflow_task_scheduled_event_attributes()) {
      open = {&event, nullptr};
    } else if (event.has_workflow_task_started_event_attributes()) {
      open.started = &event;
    } else {
      open = {};
    }
  }
}

/// An activity as far as the history has told before an event.
struct ActivityStory {
  const HistoryEvent* scheduled = nullptr;
  const HistoryEvent* started = nullptr;
  const HistoryEvent* cancel_requested = nullptr;
  const HistoryEvent* closed = nullptr;
};

/// The ids by which an activity's event points back; nullopt for events that are not an activity's.
struct ActivityReference {
  EventId scheduled_event_id = 0;
  std::optional<EventId> started_event_id;  ///< Only closing events have one.
};
std::optional<ActivityReference> ActivityReferenceOf(const HistoryEvent& event);
bool IsActivityClosing(EventType type);

/// Visits every activity event with its story so far; nullptr when the Scheduled event it names is not among the
/// earlier ones.  The Scheduled event itself is visited with its fresh story.
template <class Visit>
void WalkActivities(const HistoryView& history, Visit visit) {
  std::map<EventId, ActivityStory> stories;
  for (const HistoryEvent& event : history.events()) {
    if (event.has_activity_task_scheduled_event_attributes()) {
      ActivityStory& story = stories[event.event_id()];
      story = {.scheduled = &event};
      visit(event, static_cast<const ActivityStory*>(&story));
      continue;
    }
    const auto reference = ActivityReferenceOf(event);
    if (!reference) continue;
    const auto found = stories.find(reference->scheduled_event_id);
    if (found == stories.end()) {
      visit(event, static_cast<const ActivityStory*>(nullptr));
      continue;
    }
    visit(event, static_cast<const ActivityStory*>(&found->second));
    if (event.has_activity_task_started_event_attributes()) found->second.started = &event;
    if (event.has_activity_task_cancel_requested_event_attributes()) found->second.cancel_requested = &event;
    if (IsActivityClosing(event.event_type())) found->second.closed = &event;
  }
}

/// A timer that is open after the whole history.
struct OpenTimer {
  EventId started_event_id = 0;
  std::string timer_id;
  Instant due;
  friend bool operator==(const OpenTimer&, const OpenTimer&) = default;
};
/// In order of their started events.
std::vector<OpenTimer> OpenTimers(const HistoryView& history);

}  // namespace wfe::lint
