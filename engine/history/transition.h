// What one input means for an execution.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/history/input.h"
#include "engine/history/note.h"

namespace wfe::history {

/// A workflow task is there to be taken from `queue`.  Offering the same task twice is harmless: the second start of it
/// is refused by Decide.
struct OfferWorkflowTask {
  std::string queue;
  bool sticky = false;
  std::string normal_queue;  ///< Of the execution; equals `queue` unless sticky.
  EventId scheduled_event_id = 0;
  int32_t attempt = 1;
};

/// An activity attempt is there to be taken.
struct OfferActivityTask {
  std::string queue;
  EventId scheduled_event_id = 0;
  int32_t attempt = 1;
};

/// These activities were started together with the completion and go back in its reply (R2).
struct DeliverEagerActivity {
  EventId scheduled_event_id = 0;
  int32_t attempt = 1;
};

/// The run is closed: wake who waits for it, forget its tasks.
struct RunClosed {
  std::string new_run_id;  ///< Of the run that follows, or empty.
};

using Effect = std::variant<OfferWorkflowTask, OfferActivityTask, DeliverEagerActivity, RunClosed>;

/// A note and its place among the events of its transition.
struct PlacedNote {
  size_t events_before = 0;
  Note note;
};

struct Transition {
  /// To append, in order; already applied to `next`.
  std::vector<HistoryEvent> events;
  /// What leaves no event and must survive a crash all the same; applied to `next` among the events.
  std::vector<PlacedNote> notes;
  /// The state after the transition: events and notes applied.
  MutableState next;
  /// To carry out after the commit is durable.
  std::vector<Effect> effects;
  /// What the run owes to others from now on: rows in the same commit, carried out once it is durable.  The number of
  /// each is ObligationNumber of this transition and its place here.
  std::vector<engine::v1::Obligation> owed;
  /// A following run that starts in the same commit (continue-as-new, workflow retry).
  std::unique_ptr<Transition> new_run;
  /// False when only the volatile part changed: nothing to commit.
  bool needs_commit = true;
  /// Replies carry these.
  bool cancel_requested = false;  ///< Of the activity, for a heartbeat's reply.
  /// The completion has a bad command (S15), found after the state was changed: nothing of this transition counts and
  /// the state is spoiled.  This is to be decided instead, on the state as it was before; the completion's RPC answers
  /// INVALID_ARGUMENT with the failure's message.
  std::optional<WorkflowTaskFailed> refused;
  /// A workflow task of this execution was scheduled again while completing (RespondWorkflowTaskCompleted with
  /// return_new_workflow_task may carry it).
  bool new_workflow_task_scheduled = false;
};

/// `first`, which owes nothing, then `second`, which was decided on the state that `first` left: one commit for both.
Transition Joined(Transition first, Transition second);

}  // namespace wfe::history
