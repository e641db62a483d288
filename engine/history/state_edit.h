// The only hands on a MutableState, for Apply and for reading a stored one: each change keeps the indexes and the byte
// count true.
#pragma once

#include <utility>

#include "engine/history/mutable_state.h"

namespace wfe::history {

class StateEditor {
 public:
  explicit StateEditor(MutableState& state) : state_(state) {}

  engine::v1::Folded& folded() { return state_.folded_; }
  engine::v1::Bookkeeping& bookkeeping() { return state_.bookkeeping_; }
  WorkflowTask& workflow_task() { return state_.workflow_task_; }
  /// After a change of what may be large in folded(): memo, search attributes, metadata, policies.
  void CountFolded() { state_.folded_bytes_ = static_cast<int64_t>(state_.folded_.ByteSizeLong()); }

  void AddActivity(engine::v1::PendingActivity scheduled, engine::v1::ActivityAttempt attempt);
  /// `change(OpenActivity&)`, which leaves its id alone.  CHECKs that the activity is open.
  template <class Change>
  void EditActivity(EventId scheduled_event_id, Change change) {
    const auto found = state_.activities_.find(scheduled_event_id);
    WFE_CHECK(found != state_.activities_.end(), "an activity that changes is open");
    change(found->second);
    Book(found->second);
  }
  /// Does nothing when there is none.
  void RemoveActivity(EventId scheduled_event_id);

  void AddTimer(engine::v1::PendingTimer started);
  void RemoveTimer(EventId started_event_id);

  void AddChild(engine::v1::PendingChild initiated);
  /// CHECKs that the child is open.
  void SetChildStarted(EventId initiated_event_id, EventId started_event_id);
  void RemoveChild(EventId initiated_event_id);

  void AddExternal(engine::v1::PendingExternal initiated);
  void RemoveExternal(EventId initiated_event_id);

  void Buffer(HistoryEvent event);
  void ClearBuffer();
  /// The buffered firing of the timer never happened.
  void DropFiring(EventId started_event_id);

  /// Forgets what only an open run has.
  void Close();

 private:
  /// Brings the activity's size and its entry in the deadline index up to date.
  void Book(OpenActivity& activity);
  void SetFiringBuffered(EventId started_event_id, bool buffered);
  void CountBuffered(const HistoryEvent& event, int sign);

  MutableState& state_;
};

}  // namespace wfe::history
