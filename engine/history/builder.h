// A transition in the making.  Applies every event and note to the state as it is produced, so whoever decides the next
// step sees the effect of the last one; the first of them is the end of the state as it was.
#pragma once

#include <memory>
#include <optional>

#include "engine/history/decide.h"
#include "engine/history/names.h"

namespace wfe::history {

class Builder {
 public:
  /// `state` and `limits` must outlive the builder.  Take moves the state away.
  Builder(MutableState& state, Instant now, const Limits& limits);

  const MutableState& state() const { return state_; }
  Instant now() const { return now_; }
  const Limits& limits() const { return limits_; }
  /// The time the next event gets: now, but never before the last event (H2).
  Instant EventTime() const;

  /// Gives the event the next id and EventTime(), applies and keeps it.
  EventId Append(HistoryEvent event);
  /// The same with a time of its own: that of a workflow task's or an activity's real start.
  EventId AppendAt(HistoryEvent event, Instant time);
  void Record(Note note);
  void Emit(Effect effect) { transition_.effects.push_back(std::move(effect)); }

  void Owe(engine::v1::Obligation obligation) { transition_.owed.push_back(std::move(obligation)); }

  /// Something came from outside the workflow task: into the history, or into the buffer while a task is out
  /// (pitfall 3).  Asks for a workflow task.
  void Happen(HistoryEvent event);
  /// The same for the end of an activity, with its Started event if it ever started (S30).
  void HappenToActivity(std::optional<HistoryEvent> started, Instant started_time, HistoryEvent closed);

  /// The workflow has something to look at: Finish schedules a workflow task unless one is pending.
  void AskForWorkflowTask() { asked_for_workflow_task_ = true; }
  bool asked_for_workflow_task() const { return asked_for_workflow_task_; }
  /// The pending workflow task is to be offered (again).
  void OfferPendingWorkflowTask() { offer_workflow_task_ = true; }
  bool offer_workflow_task() const { return offer_workflow_task_; }

  /// True when the run was open before this transition.
  bool was_open() const { return was_open_; }
  bool is_durable() const { return durable_; }
  /// What the caller of Decide gets beside the state: refused, new_run …
  Transition& transition() { return transition_; }
  Transition Take() && {
    transition_.next = std::move(state_);
    return std::move(transition_);
  }

 private:
  MutableState& state_;
  Transition transition_;
  Instant now_;
  const Limits& limits_;
  bool was_open_;
  bool durable_ = false;
  bool asked_for_workflow_task_ = false;
  bool offer_workflow_task_ = false;
};

/// An event of this type; Append gives it its id and time.
HistoryEvent NewEvent(enums::EventType type);

}  // namespace wfe::history
