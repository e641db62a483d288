// A stored transition once more.  What stands in a store may be damaged, so it is asked whether it can follow before
// Apply would CHECK it.
#include <algorithm>
#include <array>
#include <optional>

#include "engine/history/buffered.h"
#include "engine/history/decide.h"
#include "engine/history/machines.h"
#include "engine/history/names.h"
#include "engine/history/note_codec.h"

namespace wfe::history {
namespace {

using WhyNot = std::optional<std::string>;

/// Why a note cannot follow on the state, or nothing.
struct Misfit {
  const MutableState& state;

  WhyNot Attempt(EventId scheduled_event_id, std::optional<AttemptOn> on) const {
    const auto* attempt = FindAttempt(state, scheduled_event_id);
    if (attempt == nullptr) return "activity " + std::to_string(scheduled_event_id) + " is not open";
    if (!on.has_value() || Follow(kAttemptArrows, StateOf(*attempt), *on).has_value()) return std::nullopt;
    return "the attempt of activity " + std::to_string(scheduled_event_id) + " cannot change like this";
  }
  WhyNot Task(TaskOn on) const {
    if (Follow(kTaskArrows, state.workflow_task().state, on).has_value()) return std::nullopt;
    return "the workflow task cannot change like this";
  }

  WhyNot operator()(const note::AttemptStarted& note) const {
    return Attempt(note.scheduled_event_id, AttemptOn::kStart);
  }
  WhyNot operator()(const note::AttemptRetried& note) const {
    return Attempt(note.scheduled_event_id, AttemptOn::kRetry);
  }
  WhyNot operator()(const note::AttemptReleased& note) const {
    return Attempt(note.scheduled_event_id, AttemptOn::kRelease);
  }
  WhyNot operator()(const note::Heartbeat& note) const {
    if (!note.time.has_value()) return Attempt(note.scheduled_event_id, std::nullopt);
    return Attempt(note.scheduled_event_id, AttemptOn::kHeartbeat);
  }
  WhyNot operator()(const note::EventBuffered&) const {
    return state.workflow_task().IsPending() ? WhyNot() : "an event is buffered, but no workflow task is open";
  }
  WhyNot operator()(const note::WorkflowTaskRetried&) const { return Task(TaskOn::kRetry); }
  WhyNot operator()(const note::WorkflowTaskReleased&) const { return Task(TaskOn::kRelease); }
  WhyNot operator()(const note::WorkflowTaskDropped&) const { return Task(TaskOn::kDrop); }
  template <class Harmless>
  WhyNot operator()(const Harmless&) const {
    return std::nullopt;
  }
};

/// Every type that Apply knows.
constexpr auto kWritten = std::to_array<enums::EventType>({
    enums::EVENT_TYPE_WORKFLOW_EXECUTION_STARTED,
    enums::EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED,
    enums::EVENT_TYPE_WORKFLOW_EXECUTION_FAILED,
    enums::EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT,
    enums::EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED,
    enums::EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED,
    enums::EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW,
    enums::EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED,
    enums::EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED,
    enums::EVENT_TYPE_WORKFLOW_TASK_SCHEDULED,
    enums::EVENT_TYPE_WORKFLOW_TASK_STARTED,
    enums::EVENT_TYPE_WORKFLOW_TASK_COMPLETED,
    enums::EVENT_TYPE_WORKFLOW_TASK_FAILED,
    enums::EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT,
    enums::EVENT_TYPE_ACTIVITY_TASK_SCHEDULED,
    enums::EVENT_TYPE_ACTIVITY_TASK_STARTED,
    enums::EVENT_TYPE_ACTIVITY_TASK_COMPLETED,
    enums::EVENT_TYPE_ACTIVITY_TASK_FAILED,
    enums::EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT,
    enums::EVENT_TYPE_ACTIVITY_TASK_CANCELED,
    enums::EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED,
    enums::EVENT_TYPE_TIMER_STARTED,
    enums::EVENT_TYPE_TIMER_FIRED,
    enums::EVENT_TYPE_TIMER_CANCELED,
    enums::EVENT_TYPE_MARKER_RECORDED,
    enums::EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES,
    enums::EVENT_TYPE_WORKFLOW_PROPERTIES_MODIFIED,
    enums::EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED,
    enums::EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_FAILED,
    enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED,
    enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED,
    enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_FAILED,
    enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_CANCELED,
    enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TIMED_OUT,
    enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TERMINATED,
    enums::EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED,
    enums::EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED,
    enums::EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_SIGNALED,
    enums::EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED,
    enums::EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED,
    enums::EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_CANCEL_REQUESTED,
});

WhyNot MisfitOf(const MutableState& state, const HistoryEvent& event) {
  if (event.event_id() != state.folded().next_event_id()) {
    return "event " + std::to_string(event.event_id()) + " cannot follow event " +
           std::to_string(state.folded().next_event_id() - 1);
  }
  if (std::find(kWritten.begin(), kWritten.end(), event.event_type()) == kWritten.end()) {
    return "event " + std::to_string(event.event_id()) + " is of a type that is never written";
  }
  if (event.event_type() == enums::EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED) {
    return Misfit{state}.Attempt(event.activity_task_cancel_requested_event_attributes().scheduled_event_id(), {});
  }
  if (const EventId child = ChildOf(event).initiated_event_id; child != 0 && !state.children().contains(child)) {
    return "child " + std::to_string(child) + " is not open";
  }
  return std::nullopt;
}

}  // namespace

Status Replay(MutableState& state, const std::vector<HistoryEvent>& events, const std::vector<PlacedNote>& notes) {
  size_t next_event = 0;
  const auto apply_events = [&](size_t until) -> Status {
    for (; next_event < until; ++next_event) {
      if (const WhyNot problem = MisfitOf(state, events[next_event])) return DataLoss(*problem);
      Apply(state, events[next_event]);
    }
    return Ok();
  };
  for (const PlacedNote& placed : notes) {
    if (placed.events_before > events.size() || placed.events_before < next_event) {
      return DataLoss("a note has no place among the events");
    }
    WFE_RETURN_IF_ERROR(apply_events(placed.events_before));
    if (const WhyNot problem = std::visit(Misfit{state}, placed.note)) return DataLoss(*problem);
    Apply(state, placed.note);
  }
  WFE_RETURN_IF_ERROR(apply_events(events.size()));
  Apply(state, note::TransitionCounted{});
  return Ok();
}

}  // namespace wfe::history
