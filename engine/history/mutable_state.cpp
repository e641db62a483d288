#include "engine/history/mutable_state.h"

#include <algorithm>

#include "engine/history/machines.h"
#include "engine/history/names.h"
#include "engine/history/state_edit.h"

namespace wfe::history {
namespace {

/// The element of a list sorted by scheduled event id; nullptr if there is none.
template <class Repeated>
auto* FindScheduled(Repeated& elements, EventId scheduled_event_id) {
  auto found = std::lower_bound(elements.begin(), elements.end(), scheduled_event_id,
                                [](const auto& element, EventId id) { return element.scheduled_event_id() < id; });
  using Pointer = decltype(&*found);
  if (found == elements.end() || found->scheduled_event_id() != scheduled_event_id) return Pointer(nullptr);
  return &*found;
}

}  // namespace

bool MutableState::IsOpen() const { return folded().status() == enums::WORKFLOW_EXECUTION_STATUS_RUNNING; }

bool MutableState::HasPendingWorkflowTask() const {
  return folded().has_workflow_task() || bookkeeping().transient_workflow_task();
}

ExecutionKey MutableState::Key() const {
  return {Namespace(folded().namespace_()), WorkflowId(folded().workflow_id()), RunId(folded().run_id())};
}

const engine::v1::PendingActivity* FindActivity(const MutableState& state, EventId scheduled_event_id) {
  return FindScheduled(state.folded().activities(), scheduled_event_id);
}

const engine::v1::PendingActivity* FindActivityById(const MutableState& state, const std::string& activity_id) {
  for (const auto& activity : state.folded().activities()) {
    if (activity.activity_id() == activity_id) return &activity;
  }
  return nullptr;
}

const engine::v1::ActivityAttempt* FindAttempt(const MutableState& state, EventId scheduled_event_id) {
  return FindScheduled(state.bookkeeping().activity_attempts(), scheduled_event_id);
}

engine::v1::PendingActivity* MutableActivity(MutableState& state, EventId scheduled_event_id) {
  return FindScheduled(*state.stored.mutable_folded()->mutable_activities(), scheduled_event_id);
}

engine::v1::ActivityAttempt* MutableAttempt(MutableState& state, EventId scheduled_event_id) {
  return FindScheduled(*state.stored.mutable_bookkeeping()->mutable_activity_attempts(), scheduled_event_id);
}

AttemptState StateOf(const engine::v1::ActivityAttempt& attempt) {
  if (attempt.has_started_time()) return AttemptState::kStarted;
  return attempt.backing_off() ? AttemptState::kBackingOff : AttemptState::kOffered;
}

TaskState WorkflowTaskState(const MutableState& state) {
  if (state.started_workflow_task.has_value()) return TaskState::kStarted;
  if (!state.HasPendingWorkflowTask()) return TaskState::kNone;
  return state.bookkeeping().has_workflow_task_not_before() ? TaskState::kBackingOff : TaskState::kOffered;
}

}  // namespace wfe::history
