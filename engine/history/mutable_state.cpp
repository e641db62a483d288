#include "engine/history/mutable_state.h"

#include "engine/history/machines.h"
#include "engine/history/names.h"

namespace wfe::history {

bool MutableState::IsOpen() const { return folded().status() == enums::WORKFLOW_EXECUTION_STATUS_RUNNING; }

ExecutionKey MutableState::Key() const {
  return {Namespace(folded().namespace_()), WorkflowId(folded().workflow_id()), RunId(folded().run_id())};
}

int64_t MutableState::SizeBytes() const {
  return folded_bytes_ + static_cast<int64_t>(bookkeeping_.ByteSizeLong()) + items_bytes_ + buffer_.bytes;
}

const OpenActivity* MutableState::ActivityById(const std::string& activity_id) const {
  const auto id = activity_ids_.find(activity_id);
  return id == activity_ids_.end() ? nullptr : &activities_.at(id->second);
}

EventId MutableState::TimerById(const std::string& timer_id) const {
  const auto id = timer_ids_.find(timer_id);
  return id == timer_ids_.end() ? 0 : id->second;
}

const engine::v1::PendingActivity* FindActivity(const MutableState& state, EventId scheduled_event_id) {
  const auto found = state.activities().find(scheduled_event_id);
  return found == state.activities().end() ? nullptr : &found->second.scheduled;
}

const engine::v1::PendingActivity* FindActivityById(const MutableState& state, const std::string& activity_id) {
  const OpenActivity* activity = state.ActivityById(activity_id);
  return activity == nullptr ? nullptr : &activity->scheduled;
}

const engine::v1::ActivityAttempt* FindAttempt(const MutableState& state, EventId scheduled_event_id) {
  const auto found = state.activities().find(scheduled_event_id);
  return found == state.activities().end() ? nullptr : &found->second.attempt;
}

AttemptState StateOf(const engine::v1::ActivityAttempt& attempt) {
  if (attempt.has_started_time()) return AttemptState::kStarted;
  return attempt.backing_off() ? AttemptState::kBackingOff : AttemptState::kOffered;
}

}  // namespace wfe::history
